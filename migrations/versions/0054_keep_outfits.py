"""Keep outfits."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0054"
down_revision = "0053"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add two tables, and let touchpoints lead to what is in them; every row that exists passes the wider check."""
    # A migration that cannot get its lock at once gives up, instead of making every order wait behind it.
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.create_table(
        "outfits",
        sa.Column("owner_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("owner_kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.Column("store_id", sa.UUID(), nullable=True),
        sa.Column("made_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("ended_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.CheckConstraint(
            "owner_kind IN ('staff', 'member') AND (owner_kind = 'staff') = (store_id IS NOT NULL)",
            name="outfits_owner_ck",
        ),
        sa.CheckConstraint("ended_at >= made_at", name="outfits_time_ck"),
        sa.ForeignKeyConstraint(["store_id"], ["stores.id"], name="outfits_store_fk"),
        sa.PrimaryKeyConstraint("owner_id", "id", name="outfits_pk"),
    )
    op.create_index("outfits_id_ix", "outfits", ["id"], unique=False)
    op.create_table(
        "outfit_pieces",
        sa.Column("owner_id", sa.UUID(), nullable=False),
        sa.Column("outfit_id", sa.UUID(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("product_id", sa.UUID(), nullable=False),
        sa.Column("sku_id", sa.UUID(), nullable=True),
        sa.CheckConstraint("n BETWEEN 1 AND 8", name="outfit_pieces_n_ck"),
        sa.ForeignKeyConstraint(
            ["owner_id", "outfit_id"], ["outfits.owner_id", "outfits.id"], name="outfit_pieces_outfit_fk"
        ),
        sa.PrimaryKeyConstraint("owner_id", "outfit_id", "n", name="outfit_pieces_pk"),
        sa.UniqueConstraint("owner_id", "outfit_id", "product_id", name="outfit_pieces_product_uq"),
    )
    _targets("'home', 'product', 'category', 'store', 'coupon', 'guide', 'outfit'")


def downgrade() -> None:
    """Undo the above. Outfits are lost with their tables; links to them lead to the first page."""
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.execute("UPDATE touchpoints SET target_kind = 'home', target = '' WHERE target_kind = 'outfit'")
    _targets("'home', 'product', 'category', 'store', 'coupon', 'guide'")
    op.drop_table("outfit_pieces")
    op.drop_index("outfits_id_ix", table_name="outfits")
    op.drop_table("outfits")


def _targets(kinds: str) -> None:
    op.drop_constraint("touchpoints_target_ck", "touchpoints", type_="check")
    op.create_check_constraint("touchpoints_target_ck", "touchpoints", f"target_kind IN ({kinds})")
