"""Take back what was handed over: how many of a line, and each return with its units and refunds."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add a column with a constant default, which rewrites nothing, and three tables.

    The constraint on order lines reads them once.
    """
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.add_column("order_lines", sa.Column("returned", sa.Integer(), server_default=sa.text("0"), nullable=False))
    op.create_check_constraint("order_lines_returned_ck", "order_lines", "returned >= 0 AND returned <= handed")
    op.create_table(
        "returns",
        sa.Column("member_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("order_id", sa.UUID(), nullable=False),
        sa.Column("location_id", sa.UUID(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("refund_minor", sa.BigInteger(), nullable=False),
        sa.Column("kept_minor", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.CheckConstraint("reason IN ('changed_mind', 'faulty', 'wrong_article', 'other')", name="returns_reason_ck"),
        sa.CheckConstraint("refund_minor >= 0", name="returns_refund_ck"),
        sa.ForeignKeyConstraint(["member_id", "order_id"], ["orders.member_id", "orders.id"], name="returns_order_fk"),
        sa.PrimaryKeyConstraint("member_id", "id", name="returns_pk"),
    )
    op.create_index("returns_order_ix", "returns", ["member_id", "order_id"])
    op.create_index("returns_place_ix", "returns", ["location_id", sa.literal_column("at DESC")])
    op.create_table(
        "return_lines",
        sa.Column("member_id", sa.UUID(), nullable=False),
        sa.Column("return_id", sa.UUID(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("order_id", sa.UUID(), nullable=False),
        sa.Column("line_id", sa.UUID(), nullable=False),
        sa.Column("sku_id", sa.UUID(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("condition", sa.Text(), nullable=False),
        sa.Column("sold_location_id", sa.UUID(), nullable=False),
        sa.Column("value_minor", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("quantity > 0", name="return_lines_quantity_ck"),
        sa.CheckConstraint("condition IN ('sellable', 'damaged')", name="return_lines_condition_ck"),
        sa.CheckConstraint("value_minor >= 0", name="return_lines_value_ck"),
        sa.ForeignKeyConstraint(
            ["member_id", "return_id"], ["returns.member_id", "returns.id"], name="return_lines_return_fk"
        ),
        sa.ForeignKeyConstraint(
            ["member_id", "order_id", "line_id"],
            ["order_lines.member_id", "order_lines.order_id", "order_lines.id"],
            name="return_lines_line_fk",
        ),
        sa.PrimaryKeyConstraint("member_id", "return_id", "n", name="return_lines_pk"),
    )
    op.create_index("return_lines_line_ix", "return_lines", ["member_id", "order_id", "line_id"])
    op.create_table(
        "return_refunds",
        sa.Column("member_id", sa.UUID(), nullable=False),
        sa.Column("return_id", sa.UUID(), nullable=False),
        sa.Column("refund_id", sa.UUID(), nullable=False),
        sa.ForeignKeyConstraint(
            ["member_id", "return_id"], ["returns.member_id", "returns.id"], name="return_refunds_return_fk"
        ),
        sa.ForeignKeyConstraint(
            ["member_id", "refund_id"], ["refunds.member_id", "refunds.id"], name="return_refunds_refund_fk"
        ),
        sa.PrimaryKeyConstraint("member_id", "return_id", "refund_id", name="return_refunds_pk"),
    )


def downgrade() -> None:
    """Remove them. What was given back stays in the refunds, what came in stays in the movements."""
    op.execute("SET LOCAL lock_timeout = '4s'")
    for name in ("return_refunds", "return_lines", "returns"):
        op.drop_table(name)
    op.drop_constraint("order_lines_returned_ck", "order_lines")
    op.drop_column("order_lines", "returned")
