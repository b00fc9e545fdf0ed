"""Keep assortments, and what follows from them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def _at(name: str, *, null: bool = False) -> sa.Column[object]:
    return sa.Column(name, postgresql.TIMESTAMP(timezone=True), nullable=null)


def _ids(name: str) -> sa.Column[object]:
    return sa.Column(name, postgresql.ARRAY(sa.UUID()), server_default=sa.text("'{}'"), nullable=False)


def upgrade() -> None:
    """Add two tables; nothing that exists is touched."""
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.create_table(
        "assortments",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("name_zh", sa.Text(), nullable=False),
        sa.Column("name_en", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        *[_ids(name) for name in ("product_ids", "category_ids", "brand_ids", "store_ids", "region_ids")],
        _at("from_at"),
        _at("until_at", null=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("actor_id", sa.UUID(), nullable=False),
        _at("updated_at"),
        _at("worked_out_at", null=True),
        sa.PrimaryKeyConstraint("id", name="assortments_pk"),
        sa.CheckConstraint("kind IN ('only', 'never')", name="assortments_kind_ck"),
        sa.CheckConstraint("until_at >= from_at", name="assortments_dates_ck"),
        sa.CheckConstraint(
            "cardinality(product_ids) + cardinality(category_ids) + cardinality(brand_ids) > 0",
            name="assortments_goods_ck",
        ),
        sa.CheckConstraint("cardinality(store_ids) + cardinality(region_ids) > 0", name="assortments_places_ck"),
    )
    op.create_table(
        "unlisted",
        sa.Column("product_id", sa.UUID(), nullable=False),
        sa.Column("store_ids", postgresql.ARRAY(sa.UUID()), nullable=False),
        sa.PrimaryKeyConstraint("product_id", name="unlisted_pk"),
        sa.ForeignKeyConstraint(["product_id"], ["products.id"], name="unlisted_product_fk"),
        sa.CheckConstraint("cardinality(store_ids) > 0", name="unlisted_stores_ck"),
    )


def downgrade() -> None:
    """Remove them: every shop may sell everything again."""
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.drop_table("unlisted")
    op.drop_table("assortments")
