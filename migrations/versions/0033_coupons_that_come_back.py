"""Give coupons back by the policy of their batch, and budgets to the cent."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None


def _at(name: str, *, null: bool = False) -> sa.Column[object]:
    return sa.Column(name, postgresql.TIMESTAMP(timezone=True), nullable=null)


def upgrade() -> None:
    """Add columns with constant defaults, which rewrite nothing, and a table of the uses of coupons.

    What is in use by now keeps the rule that its buyers knew: it comes back when the order comes to nothing.
    """
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.add_column("coupon_batches", sa.Column("returned", sa.Text(), server_default=sa.text("'whole'"), nullable=False))
    op.add_column("coupon_batches", sa.Column("grace_days", sa.Integer(), server_default=sa.text("0"), nullable=False))
    op.create_check_constraint("coupon_batches_returned_ck", "coupon_batches", "returned IN ('never', 'whole')")
    op.create_check_constraint("coupon_batches_grace_ck", "coupon_batches", "grace_days BETWEEN 0 AND 365")
    op.create_table(
        "coupon_uses",
        sa.Column("coupon_id", sa.UUID(), nullable=False),
        sa.Column("order_id", sa.UUID(), nullable=False),
        sa.Column("member_id", sa.UUID(), nullable=False),
        sa.Column("promotion_id", sa.UUID(), nullable=False),
        sa.Column("returned", sa.Text(), nullable=False),
        sa.Column("grace_days", sa.Integer(), nullable=False),
        _at("at"),
        _at("given_back_at", null=True),
        sa.CheckConstraint("returned IN ('never', 'whole') AND grace_days >= 0", name="coupon_uses_returned_ck"),
        sa.CheckConstraint("given_back_at >= at", name="coupon_uses_time_ck"),
        sa.ForeignKeyConstraint(["coupon_id"], ["coupons.id"], name="coupon_uses_coupon_fk"),
        sa.PrimaryKeyConstraint("coupon_id", "order_id", name="coupon_uses_pk"),
    )
    op.create_index(
        "coupon_uses_open_ux",
        "coupon_uses",
        ["coupon_id"],
        unique=True,
        postgresql_where=sa.text("given_back_at IS NULL"),
    )
    op.create_index("coupon_uses_order_ix", "coupon_uses", ["order_id"])
    op.execute(
        """INSERT INTO coupon_uses (coupon_id, order_id, member_id, promotion_id, returned, grace_days, at)
           SELECT id, order_id, buyer_id, promotion_id, 'never', 0, taken_at FROM coupons WHERE order_id IS NOT NULL"""
    )
    op.add_column(
        "promotion_uses", sa.Column("back_minor", sa.BigInteger(), server_default=sa.text("0"), nullable=False)
    )
    op.execute("UPDATE promotion_uses SET back_minor = amount_minor WHERE given_back_at IS NOT NULL")
    op.create_check_constraint(
        "promotion_uses_back_ck",
        "promotion_uses",
        "0 <= back_minor AND back_minor <= amount_minor AND (given_back_at IS NULL OR back_minor = amount_minor)",
    )


def downgrade() -> None:
    """Remove them; budgets that came back in part are counted whole again."""
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.execute(
        """UPDATE promotion_counters c SET used_minor = c.used_minor + u.minor
           FROM (SELECT promotion_id, sum(back_minor) AS minor FROM promotion_uses
                 WHERE given_back_at IS NULL GROUP BY 1) u WHERE u.promotion_id = c.promotion_id"""
    )
    op.drop_constraint("promotion_uses_back_ck", "promotion_uses", type_="check")
    op.drop_column("promotion_uses", "back_minor")
    op.drop_table("coupon_uses")
    op.drop_constraint("coupon_batches_grace_ck", "coupon_batches", type_="check")
    op.drop_constraint("coupon_batches_returned_ck", "coupon_batches", type_="check")
    op.drop_column("coupon_batches", "grace_days")
    op.drop_column("coupon_batches", "returned")
