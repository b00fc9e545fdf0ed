"""Limits of guests."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Who orders without being known, and what."""
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.create_table(
        "guest_keys",
        sa.Column("key_id", sa.UUID(), nullable=False),
        sa.Column("used_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key_id", name="guest_keys_pk"),
    )
    op.create_table(
        "guest_orders",
        sa.Column("key_id", sa.UUID(), nullable=False),
        sa.Column("order_id", sa.UUID(), nullable=False),
        sa.Column("member_id", sa.UUID(), nullable=False),
        sa.Column("placed_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key_id", "order_id", name="guest_orders_pk"),
    )
    op.create_index("guest_orders_placed_ix", "guest_orders", ["key_id", "placed_at"], unique=False)


def downgrade() -> None:
    """Undo the above. Data written since is lost with the tables that held it."""
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.drop_table("guest_orders")
    op.drop_table("guest_keys")
