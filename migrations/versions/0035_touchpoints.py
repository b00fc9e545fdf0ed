"""Keep touchpoints, who met them, and what came of it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add nine tables; nothing that exists is touched."""
    # A migration that cannot get its lock at once gives up, instead of making every order wait behind it.
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.create_table(
        "device_touches",
        sa.Column("device_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("owner_id", sa.UUID(), nullable=False),
        sa.Column("touchpoint_id", sa.UUID(), nullable=False),
        sa.Column("at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("via", sa.Text(), nullable=False),
        sa.Column("own_device", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("member_id", sa.UUID(), nullable=True),
        sa.CheckConstraint("via IN ('qr', 'link')", name="device_touches_via_ck"),
        sa.PrimaryKeyConstraint("device_id", "id", name="device_touches_pk"),
    )
    op.create_index("device_touches_at_ix", "device_touches", ["device_id", "at"], unique=False)
    op.create_index("device_touches_old_ix", "device_touches", ["at"], unique=False)
    op.create_table(
        "scans",
        sa.Column("touchpoint_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("on_date", sa.Date(), nullable=False),
        sa.Column("via", sa.Text(), nullable=False),
        sa.Column("device_id", sa.UUID(), nullable=False),
        sa.Column("member_id", sa.UUID(), nullable=True),
        sa.CheckConstraint("via IN ('qr', 'link')", name="scans_via_ck"),
        sa.PrimaryKeyConstraint("touchpoint_id", "id", name="scans_pk"),
    )
    op.create_index("scans_date_ix", "scans", ["touchpoint_id", "on_date"], unique=False)
    op.create_table(
        "touchpoint_codes",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("owner_id", sa.UUID(), nullable=False),
        sa.Column("touchpoint_id", sa.UUID(), nullable=False),
        sa.CheckConstraint("code ~ '^[0-9A-HJKMNP-TV-Z]{8}$'", name="touchpoint_codes_code_ck"),
        sa.PrimaryKeyConstraint("code", name="touchpoint_codes_pk"),
    )
    op.create_table(
        "touchpoint_days",
        sa.Column("touchpoint_id", sa.UUID(), nullable=False),
        sa.Column("on_date", sa.Date(), nullable=False),
        sa.Column("scans", sa.Integer(), nullable=False),
        sa.CheckConstraint("scans > 0", name="touchpoint_days_scans_ck"),
        sa.PrimaryKeyConstraint("touchpoint_id", "on_date", name="touchpoint_days_pk"),
    )
    op.create_table(
        "touchpoint_devices",
        sa.Column("touchpoint_id", sa.UUID(), nullable=False),
        sa.Column("device_id", sa.UUID(), nullable=False),
        sa.Column("first_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("last_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.CheckConstraint("last_at >= first_at", name="touchpoint_devices_time_ck"),
        sa.PrimaryKeyConstraint("touchpoint_id", "device_id", name="touchpoint_devices_pk"),
    )
    op.create_table(
        "order_touches",
        sa.Column("member_id", sa.UUID(), nullable=False),
        sa.Column("order_id", sa.UUID(), nullable=False),
        sa.Column("touch_id", sa.UUID(), nullable=False),
        sa.Column("owner_id", sa.UUID(), nullable=False),
        sa.Column("touchpoint_id", sa.UUID(), nullable=False),
        sa.Column("touched_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("placed_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("window_days", sa.Integer(), nullable=False),
        sa.Column("rule_version", sa.Integer(), nullable=False),
        sa.Column("own_device", sa.Boolean(), server_default="false", nullable=False),
        sa.CheckConstraint(
            "touched_at <= placed_at AND placed_at - touched_at < window_days * interval '24 hours'",
            name="order_touches_window_ck",
        ),
        sa.ForeignKeyConstraint(
            ["member_id", "order_id"], ["orders.member_id", "orders.id"], name="order_touches_order_fk"
        ),
        sa.PrimaryKeyConstraint("member_id", "order_id", name="order_touches_pk"),
    )
    op.create_index("order_touches_touchpoint_ix", "order_touches", ["touchpoint_id", "placed_at"], unique=False)
    op.create_table(
        "touchpoints",
        sa.Column("owner_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("owner_kind", sa.Text(), nullable=False),
        sa.Column("name_zh", sa.Text(), nullable=False),
        sa.Column("name_en", sa.Text(), nullable=False),
        sa.Column("store_id", sa.UUID(), nullable=True),
        sa.Column("place", sa.Text(), server_default="", nullable=False),
        sa.Column("target_kind", sa.Text(), nullable=False),
        sa.Column("target", sa.Text(), server_default="", nullable=False),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.Column("device_id", sa.UUID(), nullable=True),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("ended_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.CheckConstraint("(target_kind IN ('home', 'guide')) = (target = '')", name="touchpoints_named_ck"),
        sa.CheckConstraint(
            "kind <> 'guide' OR (owner_kind = 'staff' AND store_id IS NOT NULL)", name="touchpoints_guide_ck"
        ),
        sa.CheckConstraint(
            "kind IN ('guide', 'store', 'shelf', 'product', 'poster', 'share', 'campaign')", name="touchpoints_kind_ck"
        ),
        sa.CheckConstraint("owner_kind IN ('staff', 'member', 'store', 'chain')", name="touchpoints_owner_ck"),
        sa.CheckConstraint(
            "target_kind IN ('home', 'product', 'category', 'store', 'coupon', 'guide')", name="touchpoints_target_ck"
        ),
        sa.CheckConstraint("ended_at >= created_at", name="touchpoints_time_ck"),
        sa.ForeignKeyConstraint(["store_id"], ["stores.id"], name="touchpoints_store_fk"),
        sa.PrimaryKeyConstraint("owner_id", "id", name="touchpoints_pk"),
    )
    op.create_index(
        "touchpoints_guide_ux",
        "touchpoints",
        ["owner_id", "store_id"],
        unique=True,
        postgresql_where=sa.text("kind = 'guide' AND ended_at IS NULL"),
    )
    op.create_index("touchpoints_id_ix", "touchpoints", ["id"], unique=False)
    op.create_index("touchpoints_store_ix", "touchpoints", ["store_id", "id"], unique=False)
    op.create_table(
        "touches",
        sa.Column("member_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("owner_id", sa.UUID(), nullable=False),
        sa.Column("touchpoint_id", sa.UUID(), nullable=False),
        sa.Column("at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("via", sa.Text(), nullable=False),
        sa.Column("device_id", sa.UUID(), nullable=False),
        sa.Column("own_device", sa.Boolean(), server_default="false", nullable=False),
        sa.CheckConstraint("via IN ('qr', 'link')", name="touches_via_ck"),
        sa.ForeignKeyConstraint(["member_id"], ["members.member_id"], name="touches_member_fk"),
        sa.PrimaryKeyConstraint("member_id", "id", name="touches_pk"),
    )
    op.create_index("touches_at_ix", "touches", ["member_id", "at"], unique=False)
    op.create_table(
        "sign_ups",
        sa.Column("member_id", sa.UUID(), nullable=False),
        sa.Column("touch_id", sa.UUID(), nullable=False),
        sa.Column("owner_id", sa.UUID(), nullable=False),
        sa.Column("touchpoint_id", sa.UUID(), nullable=False),
        sa.Column("touched_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("rule_version", sa.Integer(), nullable=False),
        sa.CheckConstraint("touched_at <= at", name="sign_ups_time_ck"),
        sa.ForeignKeyConstraint(
            ["member_id", "touch_id"], ["touches.member_id", "touches.id"], name="sign_ups_touch_fk"
        ),
        sa.PrimaryKeyConstraint("member_id", name="sign_ups_pk"),
    )
    op.create_index("sign_ups_touchpoint_ix", "sign_ups", ["touchpoint_id"], unique=False)


def downgrade() -> None:
    """Remove them, with every code that hangs in a shop."""
    op.execute("SET LOCAL lock_timeout = '4s'")
    for name in (
        "sign_ups",
        "touches",
        "touchpoints",
        "order_touches",
        "touchpoint_devices",
        "touchpoint_days",
        "touchpoint_codes",
        "scans",
        "device_touches",
    ):
        op.drop_table(name)
