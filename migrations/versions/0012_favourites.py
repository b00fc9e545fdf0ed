"""Favourites, and units kept for who found them in a shop."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

AT = postgresql.TIMESTAMP(timezone=True)


def upgrade() -> None:
    """Five new tables; nothing that exists is touched."""
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.create_table(
        "favourites",
        sa.Column("member_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("product_id", sa.UUID(), nullable=False),
        sa.Column("sku_id", sa.UUID(), nullable=True),
        sa.Column("store_id", sa.UUID(), nullable=True),
        sa.Column("added_at", AT, nullable=False),
        sa.PrimaryKeyConstraint("member_id", "id", name="favourites_pk"),
        sa.UniqueConstraint("member_id", "product_id", name="favourites_what_uq"),
        sa.ForeignKeyConstraint(["member_id"], ["members.member_id"], name="favourites_member_fk"),
        sa.CheckConstraint("store_id IS NULL OR sku_id IS NOT NULL", name="favourites_scan_ck"),
    )
    op.create_index(
        "favourites_added_ix",
        "favourites",
        ["member_id", sa.literal_column("added_at DESC"), sa.literal_column("id DESC")],
    )
    op.create_table(
        "favourite_holds",
        sa.Column("location_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("sku_id", sa.UUID(), nullable=False),
        sa.Column("member_id", sa.UUID(), nullable=False),
        sa.Column("favourite_id", sa.UUID(), nullable=False),
        sa.Column("device_id", sa.UUID(), nullable=False),
        sa.Column("address_id", sa.UUID(), nullable=False),
        sa.Column("minutes", sa.Integer(), nullable=False),
        sa.Column("given_at", AT, nullable=False),
        sa.Column("expires_at", AT, nullable=False),
        sa.Column("order_id", sa.UUID(), nullable=True),
        sa.PrimaryKeyConstraint("location_id", "id", name="favourite_holds_pk"),
        sa.ForeignKeyConstraint(
            ["location_id", "id"], ["holds.location_id", "holds.id"], name="favourite_holds_hold_fk"
        ),
        sa.CheckConstraint("minutes > 0 AND expires_at > given_at", name="favourite_holds_minutes_ck"),
    )
    for name in ("member", "device", "address"):
        op.create_index(f"favourite_holds_{name}_ix", "favourite_holds", [f"{name}_id", "given_at"])
    op.create_index("favourite_holds_sku_ix", "favourite_holds", ["location_id", "sku_id", "given_at"])
    op.create_table(
        "favourite_keys",
        sa.Column("key_id", sa.UUID(), nullable=False),
        sa.Column("used_at", AT, nullable=False),
        sa.PrimaryKeyConstraint("key_id", name="favourite_keys_pk"),
    )
    op.create_table(
        "refused_for_holds",
        sa.Column("location_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("sku_id", sa.UUID(), nullable=False),
        sa.Column("units", sa.Integer(), nullable=False),
        sa.Column("price_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("at", AT, nullable=False),
        sa.PrimaryKeyConstraint("location_id", "id", name="refused_for_holds_pk"),
        sa.CheckConstraint("units > 0 AND price_minor >= 0", name="refused_for_holds_units_ck"),
        sa.CheckConstraint("channel IN ('mall', 'till', 'counter', 'open_api')", name="refused_for_holds_channel_ck"),
    )
    op.create_index("refused_for_holds_sku_ix", "refused_for_holds", ["location_id", "sku_id", "at"])
    op.create_table(
        "favourite_minutes",
        sa.Column("location_id", sa.UUID(), nullable=False),
        sa.Column("sku_id", sa.UUID(), nullable=False),
        sa.Column("minutes", sa.Integer(), nullable=False),
        sa.Column("holds", sa.Integer(), nullable=False),
        sa.Column("used", sa.Integer(), nullable=False),
        sa.Column("refused", sa.Integer(), nullable=False),
        sa.Column("at", AT, nullable=False),
        sa.PrimaryKeyConstraint("location_id", "sku_id", name="favourite_minutes_pk"),
        sa.CheckConstraint(
            "minutes > 0 AND holds >= used AND used >= 0 AND refused >= 0", name="favourite_minutes_counts_ck"
        ),
    )


def downgrade() -> None:
    """Undo the above. Units that are kept for favourites stay held until their time is over."""
    op.execute("SET LOCAL lock_timeout = '4s'")
    for table in ("favourite_minutes", "refused_for_holds", "favourite_keys", "favourite_holds", "favourites"):
        op.drop_table(table)
