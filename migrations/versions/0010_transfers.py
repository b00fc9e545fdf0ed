"""Transfers between locations, and a place for what is on the way to each store."""

from __future__ import annotations

from uuid import UUID, uuid5

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

# As `inventory.rules.transit_of` has it; a test holds the two equal.
TRANSIT = UUID("00000000-0000-7000-8000-0000000000a3")
INSTANT = postgresql.TIMESTAMP(timezone=True)


def upgrade() -> None:
    """Make the two tables, and one location for each store there is. Nothing that is there is touched."""
    # A migration that cannot get its lock at once gives up, instead of making every order wait behind it.
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.create_table(
        "transfers",
        sa.Column("location_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("side", sa.Text(), nullable=False),
        sa.Column("other_location_id", sa.UUID(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("called", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("automatic", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("unit_fee_minor", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("requested_by", sa.Text(), nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.Column("sent_by", sa.Text(), nullable=True),
        sa.Column("received_by", sa.Text(), nullable=True),
        sa.Column("requested_at", INSTANT, nullable=False),
        sa.Column("decided_at", INSTANT, nullable=True),
        sa.Column("sent_at", INSTANT, nullable=True),
        sa.Column("received_at", INSTANT, nullable=True),
        sa.Column("expected_at", INSTANT, nullable=True),
        sa.CheckConstraint("side IN ('out', 'in')", name="transfers_side_ck"),
        sa.CheckConstraint("location_id <> other_location_id", name="transfers_ends_ck"),
        sa.CheckConstraint(
            "state IN ('requested', 'approved', 'sent', 'short', 'received', 'declined', 'cancelled')",
            name="transfers_state_ck",
        ),
        sa.CheckConstraint(
            "(state IN ('sent', 'short', 'received')) = (sent_at IS NOT NULL)", name="transfers_sent_ck"
        ),
        sa.PrimaryKeyConstraint("location_id", "id", name="transfers_pk"),
    )
    op.create_index("transfers_list_ix", "transfers", ["location_id", "requested_at"])
    op.create_index("transfers_id_ix", "transfers", ["id"])
    op.create_index(
        "transfers_open_ix",
        "transfers",
        ["location_id", "side"],
        postgresql_where=sa.text("state IN ('requested', 'approved', 'sent', 'short')"),
    )
    op.create_index(
        "transfers_waiting_ix",
        "transfers",
        ["requested_at"],
        postgresql_where=sa.text("state = 'requested' AND side = 'out'"),
    )
    op.create_table(
        "transfer_lines",
        sa.Column("location_id", sa.UUID(), nullable=False),
        sa.Column("transfer_id", sa.UUID(), nullable=False),
        sa.Column("sku_id", sa.UUID(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("sent", sa.Integer(), server_default="0", nullable=False),
        sa.Column("received", sa.Integer(), server_default="0", nullable=False),
        sa.Column("damaged", sa.Integer(), server_default="0", nullable=False),
        sa.Column("lost", sa.Integer(), server_default="0", nullable=False),
        sa.Column("surplus", sa.Integer(), server_default="0", nullable=False),
        sa.Column("hold_id", sa.UUID(), nullable=True),
        sa.CheckConstraint("sent BETWEEN 0 AND quantity", name="transfer_lines_sent_ck"),
        sa.CheckConstraint(
            "received >= 0 AND damaged >= 0 AND lost >= 0 AND surplus >= 0 AND received + damaged + lost <= sent",
            name="transfer_lines_came_ck",
        ),
        sa.ForeignKeyConstraint(
            ["location_id", "hold_id"], ["holds.location_id", "holds.id"], name="transfer_lines_hold_fk"
        ),
        sa.ForeignKeyConstraint(
            ["location_id", "transfer_id"],
            ["transfers.location_id", "transfers.id"],
            name="transfer_lines_transfer_fk",
        ),
        sa.PrimaryKeyConstraint("location_id", "transfer_id", "sku_id", name="transfer_lines_pk"),
    )
    database = op.get_bind()
    stores = database.execute(sa.text("SELECT id FROM locations WHERE kind IN ('store', 'dc')")).scalars().all()
    if stores:
        database.execute(
            sa.text(
                "INSERT INTO locations (id, kind, store_id) VALUES (:id, 'transit', :store) ON CONFLICT DO NOTHING"
            ),
            [{"id": uuid5(TRANSIT, str(store)), "store": store} for store in stores],
        )


def downgrade() -> None:
    """Undo the above. Transfers are lost with their tables; a place that has units on the way keeps its row."""
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.drop_table("transfer_lines")
    op.drop_table("transfers")
    op.execute(
        """DELETE FROM locations p WHERE p.kind = 'transit' AND p.store_id IS NOT NULL
           AND NOT EXISTS (SELECT FROM levels l WHERE l.location_id = p.id)"""
    )
