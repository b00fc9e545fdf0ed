"""Find orders and fulfilments by what staff know of them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add indexes only. On a database with many orders this takes minutes in which orders wait: run it at night."""
    # A migration that cannot get its lock at once gives up, instead of making every order wait behind it.
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.create_index("orders_id_ix", "orders", ["id"])
    op.create_index(
        "orders_places_ix",
        "orders",
        ["location_ids"],
        postgresql_using="gin",
        postgresql_with={"fastupdate": "off"},
    )
    op.create_index(
        "orders_store_ix",
        "orders",
        ["store_id", sa.literal_column("placed_at DESC")],
        postgresql_where=sa.text("store_id IS NOT NULL"),
    )
    op.create_index("orders_open_ix", "orders", ["id"], postgresql_where=sa.text("state = 'confirmed'"))
    op.create_index("orders_number_ix", "orders", ["order_no"], postgresql_ops={"order_no": "text_pattern_ops"})
    op.create_index(
        "orders_phone_ix",
        "orders",
        [sa.literal_column("reverse(contact_phone)").label("phone_backwards")],
        postgresql_ops={"phone_backwards": "text_pattern_ops"},
    )
    op.create_index(
        "orders_name_ix",
        "orders",
        ["contact_name"],
        postgresql_using="gin",
        postgresql_ops={"contact_name": "gin_trgm_ops"},
        postgresql_with={"fastupdate": "off"},
    )
    op.create_index("fulfilments_id_ix", "fulfilments", ["id"])
    op.create_index("refunds_failed_ix", "refunds", ["created_at"], postgresql_where=sa.text("state = 'failed'"))


def downgrade() -> None:
    """Undo the above."""
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.drop_index("refunds_failed_ix", table_name="refunds")
    op.drop_index("fulfilments_id_ix", table_name="fulfilments")
    for name in ("name", "phone", "number", "open", "store", "places", "id"):
        op.drop_index(f"orders_{name}_ix", table_name="orders")
