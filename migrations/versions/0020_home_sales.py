"""Know which shop and which clerk sold an order that is sent home."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add two columns without a default (nothing is rewritten) and a partial index that begins empty.

    The index and the check read the orders once: minutes on a database with many. Run it at night.
    """
    # A migration that cannot get its lock at once gives up, instead of making every order wait behind it.
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.add_column("orders", sa.Column("sold_store_id", sa.UUID(), nullable=True))
    op.add_column("orders", sa.Column("sold_by", sa.UUID(), nullable=True))
    op.create_check_constraint("orders_sold_ck", "orders", "(sold_store_id IS NULL) = (sold_by IS NULL)")
    op.create_index(
        "orders_sold_ix",
        "orders",
        ["sold_store_id", sa.text("placed_at DESC")],
        postgresql_where=sa.text("sold_store_id IS NOT NULL"),
    )


def downgrade() -> None:
    """Undo the above."""
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.drop_index("orders_sold_ix", table_name="orders")
    op.drop_constraint("orders_sold_ck", "orders")
    op.drop_column("orders", "sold_by")
    op.drop_column("orders", "sold_store_id")
