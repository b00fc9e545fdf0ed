"""Keep points of members."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def _id(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.UUID(), nullable=False)


def _points(name: str, *, nothing: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.BigInteger(), server_default=sa.text("0") if nothing else None, nullable=False)


def _at(name: str, *, null: bool = False) -> sa.Column[object]:
    return sa.Column(name, postgresql.TIMESTAMP(timezone=True), nullable=null)


def upgrade() -> None:
    """Add four tables; nothing that exists is touched."""
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.create_table(
        "point_accounts",
        _id("member_id"),
        *[_points(name, nothing=True) for name in ("pending", "spendable", "owed")],
        _at("updated_at"),
        sa.CheckConstraint("pending >= 0", name="point_accounts_pending_ck"),
        sa.CheckConstraint("spendable >= 0", name="point_accounts_spendable_ck"),
        sa.CheckConstraint("owed >= 0 AND (owed = 0 OR spendable = 0)", name="point_accounts_owed_ck"),
        sa.ForeignKeyConstraint(["member_id"], ["members.member_id"], name="point_accounts_member_fk"),
        sa.PrimaryKeyConstraint("member_id", name="point_accounts_pk"),
    )
    op.create_table(
        "point_lots",
        _id("member_id"),
        _id("id"),
        sa.Column("source", sa.Text(), nullable=False),
        _id("ref_id"),
        sa.Column("state", sa.Text(), nullable=False),
        _points("granted"),
        _points("left_points"),
        _points("expired_points", nothing=True),
        _at("ripens_at"),
        _at("expires_at", null=True),
        _at("at"),
        sa.CheckConstraint("source IN ('order', 'binding', 'given', 'refund')", name="point_lots_source_ck"),
        sa.CheckConstraint("state IN ('pending', 'open')", name="point_lots_state_ck"),
        sa.CheckConstraint(
            "left_points >= 0 AND expired_points >= 0 AND left_points + expired_points <= granted",
            name="point_lots_left_ck",
        ),
        sa.ForeignKeyConstraint(["member_id"], ["point_accounts.member_id"], name="point_lots_account_fk"),
        sa.PrimaryKeyConstraint("member_id", "id", name="point_lots_pk"),
        sa.UniqueConstraint("member_id", "source", "ref_id", name="point_lots_ref_uq"),
    )
    op.create_index("point_lots_ripe_ix", "point_lots", ["ripens_at"], postgresql_where=sa.text("state = 'pending'"))
    op.create_index("point_lots_expire_ix", "point_lots", ["expires_at"], postgresql_where=sa.text("left_points > 0"))
    op.create_table(
        "point_rates",
        _id("member_id"),
        _id("order_id"),
        _id("line_id"),
        sa.Column("rate", sa.Integer(), nullable=False),
        sa.Column("rule_version", sa.Integer(), nullable=False),
        sa.Column("tier", sa.Text(), nullable=False),
        sa.CheckConstraint("rate >= 0", name="point_rates_rate_ck"),
        sa.PrimaryKeyConstraint("member_id", "order_id", "line_id", name="point_rates_pk"),
    )
    op.create_table(
        "point_uses",
        _id("member_id"),
        _id("id"),
        _id("order_id"),
        _points("points"),
        _points("worth_minor"),
        _points("back_points", nothing=True),
        _points("back_minor", nothing=True),
        _at("at"),
        sa.CheckConstraint("points > 0 AND worth_minor > 0", name="point_uses_points_ck"),
        sa.CheckConstraint("0 <= back_points AND back_points <= points", name="point_uses_back_ck"),
        sa.CheckConstraint(
            "0 <= back_minor AND back_minor <= worth_minor AND (back_minor = worth_minor) = (back_points = points)",
            name="point_uses_minor_ck",
        ),
        sa.PrimaryKeyConstraint("member_id", "id", name="point_uses_pk"),
    )
    op.create_index("point_uses_order_ix", "point_uses", ["member_id", "order_id"])


def downgrade() -> None:
    """Drop them. Points are lost; the journals of the ledger stay."""
    op.execute("SET LOCAL lock_timeout = '4s'")
    for name in ("point_uses", "point_rates", "point_lots", "point_accounts"):
        op.drop_table(name)
