"""Count what limited promotions were used for, and keep coupons."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def _at(name: str, *, null: bool = False) -> sa.Column[object]:
    return sa.Column(name, postgresql.TIMESTAMP(timezone=True), nullable=null)


def upgrade() -> None:
    """Add five tables; nothing that exists is touched."""
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.create_table(
        "promotion_counters",
        sa.Column("promotion_id", sa.UUID(), nullable=False),
        sa.Column("used_minor", sa.BigInteger(), nullable=False),
        sa.Column("used_orders", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("used_minor >= 0 AND used_orders >= 0", name="promotion_counters_used_ck"),
        sa.PrimaryKeyConstraint("promotion_id", name="promotion_counters_pk"),
    )
    op.create_table(
        "promotion_uses",
        sa.Column("promotion_id", sa.UUID(), nullable=False),
        sa.Column("order_id", sa.UUID(), nullable=False),
        sa.Column("member_id", sa.UUID(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        _at("at"),
        _at("given_back_at", null=True),
        sa.CheckConstraint("amount_minor >= 0", name="promotion_uses_amount_ck"),
        sa.PrimaryKeyConstraint("promotion_id", "order_id", name="promotion_uses_pk"),
        sa.ForeignKeyConstraint(
            ["promotion_id"], ["promotion_counters.promotion_id"], name="promotion_uses_counter_fk"
        ),
    )
    op.create_index("promotion_uses_member_ix", "promotion_uses", ["promotion_id", "member_id"])
    op.create_index("promotion_uses_order_ix", "promotion_uses", ["order_id"])
    op.create_table(
        "coupon_batches",
        sa.Column("batch_id", sa.UUID(), nullable=False),
        sa.Column("promotion_id", sa.UUID(), nullable=False),
        sa.Column("way", sa.Text(), nullable=False),
        sa.Column("code_tail", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("touchpoint", sa.Text(), nullable=True),
        sa.Column("issued_max", sa.Integer(), nullable=True),
        sa.Column("member_max", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("valid_days", sa.Integer(), nullable=True),
        _at("from_at"),
        _at("until_at", null=True),
        sa.Column("issued", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("actor_id", sa.UUID(), nullable=False),
        _at("created_at"),
        sa.CheckConstraint("way IN ('claim', 'code', 'touchpoint', 'print', 'given')", name="coupon_batches_way_ck"),
        sa.CheckConstraint("(way IN ('code', 'touchpoint')) = (code_tail <> '')", name="coupon_batches_code_ck"),
        sa.CheckConstraint("issued >= 0 AND issued <= issued_max", name="coupon_batches_issued_ck"),
        sa.CheckConstraint("member_max > 0", name="coupon_batches_member_ck"),
        sa.CheckConstraint("until_at >= from_at", name="coupon_batches_dates_ck"),
        sa.PrimaryKeyConstraint("batch_id", name="coupon_batches_pk"),
    )
    op.create_index("coupon_batches_promotion_ix", "coupon_batches", ["promotion_id"])
    op.create_table(
        "coupon_codes",
        sa.Column("code_hash", postgresql.BYTEA(), nullable=False),
        sa.Column("batch_id", sa.UUID(), nullable=False),
        sa.Column("coupon_id", sa.UUID(), nullable=True),
        sa.PrimaryKeyConstraint("code_hash", name="coupon_codes_pk"),
    )
    op.create_table(
        "coupons",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("batch_id", sa.UUID(), nullable=False),
        sa.Column("promotion_id", sa.UUID(), nullable=False),
        sa.Column("member_id", sa.UUID(), nullable=True),
        sa.Column("code_tail", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("touchpoint", sa.Text(), nullable=True),
        _at("issued_at"),
        _at("expires_at", null=True),
        sa.Column("order_id", sa.UUID(), nullable=True),
        sa.Column("buyer_id", sa.UUID(), nullable=True),
        _at("taken_at", null=True),
        _at("void_at", null=True),
        sa.CheckConstraint(
            "(order_id IS NULL) = (taken_at IS NULL) AND (order_id IS NULL) = (buyer_id IS NULL)",
            name="coupons_taken_ck",
        ),
        sa.CheckConstraint("member_id IS NOT NULL OR code_tail <> ''", name="coupons_holder_ck"),
        sa.PrimaryKeyConstraint("id", name="coupons_pk"),
    )
    op.create_index("coupons_member_ix", "coupons", ["member_id"], postgresql_where=sa.text("member_id IS NOT NULL"))
    op.create_index("coupons_batch_ix", "coupons", ["batch_id", "member_id"])
    op.create_index("coupons_order_ix", "coupons", ["order_id"], postgresql_where=sa.text("order_id IS NOT NULL"))


def downgrade() -> None:
    """Remove them, with every coupon."""
    op.execute("SET LOCAL lock_timeout = '4s'")
    for name in ("coupons", "coupon_codes", "coupon_batches", "promotion_uses", "promotion_counters"):
        op.drop_table(name)
