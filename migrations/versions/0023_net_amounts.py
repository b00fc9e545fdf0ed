"""Keep what each line costs after offers, and which promotion took off how much."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column and fill it, which reads and writes every order line once; then the table.

    Only imported orders have discounts so far, a few cents of the order each. They are shared over its lines in
    proportion, by differences of a rounded sum, which adds up.
    """
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.add_column("order_lines", sa.Column("net_minor", sa.BigInteger(), nullable=True))
    op.execute("UPDATE order_lines SET net_minor = amount_minor")
    op.execute(
        """WITH shared AS (
               SELECT l.member_id, l.order_id, l.id, l.amount_minor,
                      o.discount_minor::numeric * sum(l.amount_minor) OVER w AS upto,
                      o.discount_minor::numeric * (sum(l.amount_minor) OVER w - l.amount_minor) AS before,
                      o.subtotal_minor AS whole
               FROM orders o JOIN order_lines l ON l.member_id = o.member_id AND l.order_id = o.id
               WHERE o.discount_minor > 0
               WINDOW w AS (PARTITION BY o.member_id, o.id ORDER BY l.n))
           UPDATE order_lines l SET net_minor = s.amount_minor - (div(s.upto, s.whole) - div(s.before, s.whole))
           FROM shared s WHERE l.member_id = s.member_id AND l.order_id = s.order_id AND l.id = s.id"""
    )
    op.alter_column("order_lines", "net_minor", nullable=False)
    op.create_check_constraint("order_lines_net_ck", "order_lines", "0 <= net_minor AND net_minor <= amount_minor")
    op.add_column("orders", sa.Column("clawback_minor", sa.BigInteger(), nullable=False, server_default="0"))
    op.create_check_constraint(
        "orders_clawback_ck", "orders", "0 <= clawback_minor AND clawback_minor <= discount_minor"
    )
    op.create_table(
        "order_discounts",
        sa.Column("member_id", postgresql.UUID(), nullable=False),
        sa.Column("order_id", postgresql.UUID(), nullable=False),
        sa.Column("line_id", postgresql.UUID(), nullable=False),
        sa.Column("promotion_id", postgresql.UUID(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("member_id", "order_id", "line_id", "promotion_id", name="order_discounts_pk"),
        sa.ForeignKeyConstraint(
            ["member_id", "order_id", "line_id"],
            ["order_lines.member_id", "order_lines.order_id", "order_lines.id"],
            name="order_discounts_line_fk",
        ),
        sa.CheckConstraint("amount_minor > 0", name="order_discounts_amount_ck"),
    )
    op.create_index("order_discounts_promotion_ix", "order_discounts", ["promotion_id", "version"])


def downgrade() -> None:
    """Remove both. What was taken off stays in the orders' totals."""
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.drop_table("order_discounts")
    op.drop_constraint("orders_clawback_ck", "orders")
    op.drop_column("orders", "clawback_minor")
    op.drop_constraint("order_lines_net_ck", "order_lines")
    op.drop_column("order_lines", "net_minor")
