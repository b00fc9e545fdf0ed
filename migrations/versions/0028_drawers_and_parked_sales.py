"""Keep drawers from their float to their count, and baskets that a till puts aside."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


# Every cash capture so far, with its shop by the ledger. Imported orders were paid into other drawers.
_TAKEN = """
WITH taken AS (
    SELECT substr(e.debit, 6)::uuid AS location_id, c.id, c.amount_minor, c.at, o.channel
    FROM captures c
    JOIN payment_intents i ON i.member_id = c.member_id AND i.id = c.intent_id AND i.provider <> 'import'
    JOIN journals j ON j.member_id = c.member_id AND j.kind = 'capture' AND j.ref_id = c.id
    JOIN journal_entries e ON e.member_id = j.member_id AND e.journal_id = j.id AND e.debit LIKE 'cash:%'
    JOIN orders o ON o.member_id = c.member_id AND o.id = c.order_id)
"""
_SYSTEM = "'00000000-0000-7000-8000-000000000001', 'Duoline'"
_SESSIONS = f"""
INSERT INTO drawer_sessions (location_id, id, drawer, by_itself, float_minor, opened_at, opened_by, opened_name,
                             closed_at, closed_by, closed_name, counted_minor, expected_minor)
{_TAKEN}
SELECT location_id, gen_random_uuid(), '1', true, 0, min(at), {_SYSTEM}, max(at), {_SYSTEM}, sum(amount_minor),
       sum(amount_minor)
FROM taken GROUP BY location_id
"""  # noqa: S608 - our own words
_ENTRIES = f"""
INSERT INTO drawer_entries (location_id, session_id, id, kind, amount_minor, ref_id, at, actor_id, actor_name)
{_TAKEN}
SELECT t.location_id, s.id, gen_random_uuid(), CASE t.channel WHEN 'till' THEN 'sale' ELSE 'collection' END,
       t.amount_minor, t.id, t.at, {_SYSTEM}
FROM taken t JOIN drawer_sessions s ON s.location_id = t.location_id
"""  # noqa: S608 - our own words


def upgrade() -> None:
    """Add three tables. Cash that shops have taken so far goes into one closed session a shop, an entry a capture."""
    # A migration that cannot get its lock at once gives up, instead of making every order wait behind it.
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.create_table(
        "drawer_sessions",
        sa.Column("location_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("drawer", sa.Text(), nullable=False),
        sa.Column("by_itself", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("float_minor", sa.BigInteger(), nullable=False),
        sa.Column("opened_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("opened_by", sa.UUID(), nullable=False),
        sa.Column("opened_name", sa.Text(), nullable=False),
        sa.Column("closed_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("closed_by", sa.UUID(), nullable=True),
        sa.Column("closed_name", sa.Text(), nullable=True),
        sa.Column("counted_minor", sa.BigInteger(), nullable=True),
        sa.Column("expected_minor", sa.BigInteger(), nullable=True),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.CheckConstraint(
            "(closed_at IS NULL) = (counted_minor IS NULL) AND (closed_at IS NULL) = (expected_minor IS NULL)"
            " AND (closed_at IS NULL) = (closed_by IS NULL) AND (closed_at IS NULL) = (closed_name IS NULL)",
            name="drawer_sessions_closed_ck",
        ),
        sa.CheckConstraint("closed_at >= opened_at", name="drawer_sessions_time_ck"),
        sa.CheckConstraint("float_minor >= 0 AND counted_minor >= 0", name="drawer_sessions_float_ck"),
        sa.PrimaryKeyConstraint("location_id", "id", name="drawer_sessions_pk"),
    )
    op.create_index(
        "drawer_sessions_all_ix", "drawer_sessions", [sa.literal_column("opened_at DESC"), "id"], unique=False
    )
    op.create_index("drawer_sessions_id_ix", "drawer_sessions", ["id"], unique=False)
    op.create_index(
        "drawer_sessions_list_ix", "drawer_sessions", ["location_id", sa.literal_column("opened_at DESC")], unique=False
    )
    op.create_index(
        "drawer_sessions_open_ux",
        "drawer_sessions",
        ["location_id", "drawer"],
        unique=True,
        postgresql_where=sa.text("closed_at IS NULL"),
    )
    op.create_table(
        "parked_sales",
        sa.Column("location_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("lines", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("units", sa.Integer(), nullable=False),
        sa.Column("coupons", sa.Integer(), server_default="0", nullable=False),
        sa.Column("phone", sa.Text(), server_default="", nullable=False),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.Column("parked_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("parked_by", sa.UUID(), nullable=False),
        sa.Column("parked_name", sa.Text(), nullable=False),
        sa.Column("ends_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("taken_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("taken_by", sa.UUID(), nullable=True),
        sa.Column("taken_name", sa.Text(), nullable=True),
        sa.Column("taken_as", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "(taken_at IS NULL) = (taken_by IS NULL) AND (taken_at IS NULL) = (taken_name IS NULL)"
            " AND (taken_at IS NULL) = (taken_as IS NULL) AND taken_as IN ('resumed', 'discarded')",
            name="parked_sales_taken_ck",
        ),
        sa.CheckConstraint("ends_at > parked_at", name="parked_sales_time_ck"),
        sa.CheckConstraint("units > 0 AND coupons >= 0", name="parked_sales_units_ck"),
        sa.PrimaryKeyConstraint("location_id", "id", name="parked_sales_pk"),
    )
    op.create_index("parked_sales_ends_ix", "parked_sales", ["ends_at"], unique=False)
    op.create_index("parked_sales_id_ix", "parked_sales", ["id"], unique=False)
    op.create_index(
        "parked_sales_open_ix",
        "parked_sales",
        ["location_id", "parked_at"],
        unique=False,
        postgresql_where=sa.text("taken_at IS NULL"),
    )
    op.create_table(
        "drawer_entries",
        sa.Column("location_id", sa.UUID(), nullable=False),
        sa.Column("session_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("ref_id", sa.UUID(), nullable=False),
        sa.Column("at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("actor_id", sa.UUID(), nullable=False),
        sa.Column("actor_name", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.CheckConstraint(
            "CASE WHEN kind IN ('refund', 'paid_out') THEN amount_minor < 0 ELSE amount_minor > 0 END",
            name="drawer_entries_amount_ck",
        ),
        sa.CheckConstraint(
            "kind IN ('sale', 'collection', 'refund', 'paid_in', 'paid_out')", name="drawer_entries_kind_ck"
        ),
        sa.CheckConstraint("reason <> '' OR kind NOT IN ('paid_in', 'paid_out')", name="drawer_entries_reason_ck"),
        sa.ForeignKeyConstraint(
            ["location_id", "session_id"],
            ["drawer_sessions.location_id", "drawer_sessions.id"],
            name="drawer_entries_session_fk",
        ),
        sa.PrimaryKeyConstraint("location_id", "session_id", "id", name="drawer_entries_pk"),
        sa.UniqueConstraint("location_id", "ref_id", name="drawer_entries_ref_uq"),
    )
    op.execute(_SESSIONS)
    op.execute(_ENTRIES)


def downgrade() -> None:
    """Remove them, with every count and every basket."""
    op.execute("SET LOCAL lock_timeout = '4s'")
    for name in ("drawer_entries", "drawer_sessions", "parked_sales"):
        op.drop_table(name)
