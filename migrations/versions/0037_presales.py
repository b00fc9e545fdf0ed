"""Pre-sales: a deposit now, the balance later."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None

TERMS = (
    "(cancel_terms, unpaid_terms) IN (('until_balance', 'given_back'), ('until_balance', 'kept'), ('never', 'kept'))"
)


def _at(name: str, *, null: bool = False) -> sa.Column[object]:
    return sa.Column(name, postgresql.TIMESTAMP(timezone=True), nullable=null)


def _uid(name: str, *, null: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.UUID(), nullable=null)


def _text(name: str, *, null: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.Text(), nullable=null)


def upgrade() -> None:
    """Add five tables and two columns, and let an order wait for the balance of its price."""
    # A migration that cannot get its lock at once gives up, instead of making every order wait behind it.
    op.execute("SET LOCAL lock_timeout = '4s'")
    _presales()
    _orders()
    op.create_table(
        "preorders",
        _uid("member_id"),
        _uid("order_id"),
        _uid("presale_id"),
        sa.Column("version", sa.Integer(), nullable=False),
        _uid("deposit_intent_id"),
        sa.Column("deposit_minor", sa.BigInteger(), nullable=False),
        sa.Column("balance_minor", sa.BigInteger(), nullable=False),
        _at("balance_from"),
        _at("balance_until"),
        sa.Column("expected_on", sa.Date(), nullable=False),
        _text("cancel_terms"),
        _text("unpaid_terms"),
        _text("way"),
        _uid("store_id", null=True),
        _at("created_at"),
        _at("redeemed_at", null=True),
        _uid("redeemed_store_id", null=True),
        _at("reminded_at", null=True),
        _at("claimed_at", null=True),
        _text("outcome", null=True),
        sa.PrimaryKeyConstraint("member_id", "order_id", name="preorders_pk"),
        sa.ForeignKeyConstraint(
            ["member_id", "order_id"], ["orders.member_id", "orders.id"], name="preorders_order_fk"
        ),
        sa.CheckConstraint("deposit_minor > 0 AND balance_minor > 0", name="preorders_money_ck"),
        sa.CheckConstraint("balance_from < balance_until", name="preorders_dates_ck"),
        sa.CheckConstraint(TERMS, name="preorders_terms_ck"),
        sa.CheckConstraint(
            "unpaid_terms = 'given_back' OR deposit_minor * 4 <= balance_minor", name="preorders_kept_ck"
        ),
        sa.CheckConstraint(
            "way IN ('pickup', 'delivery') AND (way = 'pickup') = (store_id IS NOT NULL)", name="preorders_way_ck"
        ),
        sa.CheckConstraint("(redeemed_at IS NULL) = (redeemed_store_id IS NULL)", name="preorders_redeemed_ck"),
        sa.CheckConstraint(
            "outcome IN ('sent', 'unanswered', 'refused', 'no_gateway', 'over')", name="preorders_outcome_ck"
        ),
    )
    op.create_index(
        "preorders_remind_ix", "preorders", ["balance_from"], postgresql_where=sa.text("reminded_at IS NULL")
    )
    op.create_table(
        "preorder_codes",
        sa.Column("code_hash", sa.LargeBinary(), nullable=False),
        _uid("member_id"),
        _uid("order_id"),
        sa.PrimaryKeyConstraint("code_hash", name="preorder_codes_pk"),
    )


def _presales() -> None:
    op.create_table(
        "presales",
        _uid("id"),
        sa.Column("version", sa.Integer(), nullable=False),
        _uid("sku_id"),
        _text("name_zh"),
        _text("name_en"),
        sa.Column("price_minor", sa.BigInteger(), nullable=False),
        sa.Column("deposit_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), server_default=sa.text("'CNY'"), nullable=False),
        _at("deposit_from"),
        _at("deposit_until"),
        _at("balance_from"),
        _at("balance_until"),
        sa.Column("expected_on", sa.Date(), nullable=False),
        sa.Column("units_max", sa.Integer(), nullable=False),
        sa.Column("member_max", sa.Integer(), nullable=False),
        sa.Column("delivery", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        _text("pickup"),
        sa.Column("store_ids", postgresql.ARRAY(sa.UUID()), server_default=sa.text("'{}'"), nullable=False),
        _text("cancel_terms"),
        _text("unpaid_terms"),
        _uid("actor_id"),
        _at("created_at"),
        _at("updated_at"),
        _at("withdrawn_at", null=True),
        sa.PrimaryKeyConstraint("id", name="presales_pk"),
        sa.ForeignKeyConstraint(["sku_id"], ["skus.id"], name="presales_sku_fk"),
        sa.CheckConstraint("version >= 1", name="presales_version_ck"),
        sa.CheckConstraint(
            "0 < deposit_minor AND deposit_minor < price_minor AND price_minor <= 100000000000",
            name="presales_price_ck",
        ),
        sa.CheckConstraint(
            "deposit_from < deposit_until AND deposit_until <= balance_from AND balance_from < balance_until",
            name="presales_dates_ck",
        ),
        sa.CheckConstraint(
            "units_max BETWEEN 1 AND 1000000 AND member_max BETWEEN 1 AND units_max", name="presales_units_ck"
        ),
        sa.CheckConstraint(
            "(delivery OR pickup <> 'none') AND (pickup = 'chosen') = (cardinality(store_ids) > 0)",
            name="presales_ways_ck",
        ),
        sa.CheckConstraint("pickup IN ('none', 'all', 'chosen')", name="presales_pickup_ck"),
        sa.CheckConstraint(TERMS, name="presales_terms_ck"),
        sa.CheckConstraint("unpaid_terms = 'given_back' OR deposit_minor * 5 <= price_minor", name="presales_kept_ck"),
        postgresql.ExcludeConstraint(
            (sa.column("sku_id"), "="),
            (sa.text("tstzrange(deposit_from, deposit_until)"), "&&"),
            name="presales_no_overlap_ex",
            using="gist",
            where=sa.text("withdrawn_at IS NULL"),
        ),
    )
    op.create_index("presales_sku_ix", "presales", ["sku_id"])
    op.create_index("presales_list_ix", "presales", [sa.text("deposit_from DESC"), "id"])
    op.create_table(
        "presale_counters",
        _uid("presale_id"),
        sa.Column("units_max", sa.Integer(), nullable=False),
        sa.Column("booked", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.PrimaryKeyConstraint("presale_id", name="presale_counters_pk"),
        sa.CheckConstraint("booked >= 0 AND booked <= units_max", name="presale_counters_booked_ck"),
    )
    op.create_table(
        "presale_bookings",
        _uid("presale_id"),
        _uid("order_id"),
        _uid("member_id"),
        sa.Column("units", sa.Integer(), nullable=False),
        _at("at"),
        _at("given_back_at", null=True),
        sa.PrimaryKeyConstraint("presale_id", "order_id", name="presale_bookings_pk"),
        sa.ForeignKeyConstraint(["presale_id"], ["presale_counters.presale_id"], name="presale_bookings_counter_fk"),
        sa.CheckConstraint("units > 0", name="presale_bookings_units_ck"),
    )
    op.create_index("presale_bookings_member_ix", "presale_bookings", ["presale_id", "member_id"])
    op.create_index("presale_bookings_order_ix", "presale_bookings", ["order_id"])


def _orders() -> None:
    op.add_column("orders", sa.Column("forfeited_minor", sa.BigInteger(), server_default=sa.text("0"), nullable=False))
    op.add_column("orders", sa.Column("presale_id", sa.UUID(), nullable=True))
    op.drop_constraint("orders_money_ck", "orders", type_="check")
    op.create_check_constraint(
        "orders_money_ck",
        "orders",
        "0 <= refunded_minor AND refunded_minor + forfeited_minor <= paid_minor"
        " AND paid_minor - refunded_minor <= total_minor",
    )
    op.create_check_constraint(
        "orders_forfeited_ck",
        "orders",
        "forfeited_minor = 0 OR (forfeited_minor > 0 AND presale_id IS NOT NULL AND state IN ('cancelled', 'expired'))",
    )
    op.drop_constraint("orders_state_ck", "orders", type_="check")
    op.create_check_constraint(
        "orders_state_ck",
        "orders",
        "state IN ('awaiting_payment', 'booked', 'confirmed', 'completed', 'cancelled', 'expired')",
    )
    op.create_check_constraint(
        "orders_booked_ck", "orders", "state <> 'booked' OR (presale_id IS NOT NULL AND pay_mode = 'online')"
    )
    op.create_index(
        "orders_presale_ix",
        "orders",
        ["presale_id", sa.text("placed_at DESC")],
        postgresql_where=sa.text("presale_id IS NOT NULL"),
    )
    op.create_index(
        "orders_booked_ix", "orders", ["pay_by_at", "presale_id"], postgresql_where=sa.text("state = 'booked'")
    )


def downgrade() -> None:
    """Undo the above. It fails as long as an order is booked, or has kept a deposit or got late money back."""
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.drop_table("preorder_codes")
    op.drop_table("preorders")
    op.drop_index("orders_booked_ix", "orders")
    op.drop_index("orders_presale_ix", "orders")
    op.drop_constraint("orders_booked_ck", "orders", type_="check")
    op.drop_constraint("orders_state_ck", "orders", type_="check")
    op.create_check_constraint(
        "orders_state_ck", "orders", "state IN ('awaiting_payment', 'confirmed', 'completed', 'cancelled', 'expired')"
    )
    op.drop_constraint("orders_forfeited_ck", "orders", type_="check")
    op.drop_constraint("orders_money_ck", "orders", type_="check")
    op.create_check_constraint(
        "orders_money_ck",
        "orders",
        "0 <= refunded_minor AND refunded_minor <= paid_minor AND paid_minor <= total_minor",
    )
    op.drop_column("orders", "presale_id")
    op.drop_column("orders", "forfeited_minor")
    op.drop_table("presale_bookings")
    op.drop_table("presale_counters")
    op.drop_table("presales")
