"""Sum up stock by shop and category."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Two tables and two indexes. The indexes take minutes on many movements, in which trade waits: run it at night."""
    # A migration that cannot get its lock at once gives up, instead of making every order wait behind it.
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.create_table(
        "stock_snapshots",
        sa.Column("location_id", sa.UUID(), nullable=False),
        sa.Column("taken_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("location_id", name="stock_snapshots_pk"),
    )
    op.create_table(
        "stock_summaries",
        sa.Column("location_id", sa.UUID(), nullable=False),
        sa.Column("category_id", sa.UUID(), nullable=False),
        sa.Column("shelves", sa.BigInteger(), nullable=False),
        sa.Column("on_hand", sa.BigInteger(), nullable=False),
        sa.Column("value_minor", sa.BigInteger(), nullable=False),
        sa.Column("free", sa.BigInteger(), nullable=False),
        sa.Column("held_orders", sa.BigInteger(), nullable=False),
        sa.Column("held_transfers", sa.BigInteger(), nullable=False),
        sa.Column("held_favourites", sa.BigInteger(), nullable=False),
        sa.Column("held_by_hand", sa.BigInteger(), nullable=False),
        sa.Column("safety", sa.BigInteger(), nullable=False),
        sa.Column("in_transit", sa.BigInteger(), nullable=False),
        sa.Column("age_30", sa.BigInteger(), nullable=False),
        sa.Column("age_90", sa.BigInteger(), nullable=False),
        sa.Column("age_180", sa.BigInteger(), nullable=False),
        sa.Column("age_older", sa.BigInteger(), nullable=False),
        sa.Column("age_unknown", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "age_30 + age_90 + age_180 + age_older + age_unknown = on_hand", name="stock_summaries_age_ck"
        ),
        sa.CheckConstraint(
            "free + held_orders + held_transfers + held_favourites + held_by_hand + safety = on_hand",
            name="stock_summaries_status_ck",
        ),
        sa.CheckConstraint(
            "least(shelves, on_hand, value_minor, free, held_orders, held_transfers, held_favourites, held_by_hand, safety, in_transit, age_30, age_90, age_180, age_older, age_unknown) >= 0",
            name="stock_summaries_numbers_ck",
        ),
        sa.ForeignKeyConstraint(["location_id"], ["stock_snapshots.location_id"], name="stock_summaries_snapshot_fk"),
        sa.PrimaryKeyConstraint("location_id", "category_id", name="stock_summaries_pk"),
    )
    op.create_index(
        "movements_came_ix",
        "movements",
        ["location_id", "sku_id", sa.literal_column("at DESC"), sa.literal_column("id DESC")],
        postgresql_include=["quantity"],
        postgresql_where=sa.text("quantity > 0 AND reason <> 'sale'"),
    )
    op.create_index(
        "movements_lost_ix",
        "movements",
        ["location_id", "at"],
        postgresql_where=sa.text("reason IN ('count', 'missing', 'damage')"),
    )


def downgrade() -> None:
    """Undo the above. The sums are lost with their tables, and can be made again."""
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.drop_index("movements_lost_ix", table_name="movements")
    op.drop_index("movements_came_ix", table_name="movements")
    op.drop_table("stock_summaries")
    op.drop_table("stock_snapshots")
