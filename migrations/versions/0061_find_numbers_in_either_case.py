"""Find order numbers in either case."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0061"
down_revision = "0060"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """An index takes the place of another; no row changes. Numbers from elsewhere may have small letters."""
    # A migration that cannot get its lock at once gives up, instead of making every order wait behind it.
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.create_index("orders_number_any_ix", "orders", [sa.text("upper(order_no) text_pattern_ops")])
    op.drop_index("orders_number_ix", table_name="orders")


def downgrade() -> None:
    """Undo the above."""
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.create_index("orders_number_ix", "orders", ["order_no"], postgresql_ops={"order_no": "text_pattern_ops"})
    op.drop_index("orders_number_any_ix", table_name="orders")
