"""Know the gifts of an order: their lines, and what they were given for."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add a column with a constant default, which rewrites nothing, and a table. The constraint reads lines once."""
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.add_column("order_lines", sa.Column("gift", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    op.create_check_constraint("order_lines_gift_ck", "order_lines", "NOT gift OR net_minor = 0")
    op.create_table(
        "order_gifts",
        sa.Column("member_id", sa.UUID(), nullable=False),
        sa.Column("order_id", sa.UUID(), nullable=False),
        sa.Column("line_id", sa.UUID(), nullable=False),
        sa.Column("promotion_id", sa.UUID(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("bought", postgresql.ARRAY(sa.UUID()), nullable=False),
        sa.Column("buy_units", sa.Integer(), nullable=False),
        sa.Column("get_units", sa.Integer(), nullable=False),
        sa.Column("clawback", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.CheckConstraint("buy_units > 0 AND get_units > 0 AND cardinality(bought) > 0", name="order_gifts_units_ck"),
        sa.ForeignKeyConstraint(
            ["member_id", "order_id", "line_id"],
            ["order_lines.member_id", "order_lines.order_id", "order_lines.id"],
            name="order_gifts_line_fk",
        ),
        sa.PrimaryKeyConstraint("member_id", "order_id", "line_id", name="order_gifts_pk"),
    )


def downgrade() -> None:
    """Remove them; gifts stay as lines that cost nothing."""
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.drop_table("order_gifts")
    op.drop_constraint("order_lines_gift_ck", "order_lines", type_="check")
    op.drop_column("order_lines", "gift")
