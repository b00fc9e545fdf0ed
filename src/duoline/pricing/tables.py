"""Tables of prices: the chain's price and its dated exceptions, and the promotions that take something off."""

from __future__ import annotations

from sqlalchemy import Column
from sqlalchemy import text as sql_text
from sqlalchemy.dialects.postgresql import TSTZRANGE, ExcludeConstraint

from duoline.kernel.columns import at, big, blob, check, doc, fk, flag, index, integer, on, pk, text, uid, uids
from duoline.kernel.placement import distributed, reference, table

PACKAGE = "pricing"

# scope_id is the store or the region; the nil UUID for the chain. channel '*' means every channel, tier '' everybody.
prices = table(
    PACKAGE,
    "prices",
    reference(),
    uid("id"),
    uid("sku_id"),
    text("scope"),
    uid("scope_id"),
    text("channel", default="*"),
    text("tier", default=""),
    big("price_minor"),
    text("currency", default="CNY"),
    Column("valid", TSTZRANGE, nullable=False),
    text("reason", default=""),
    uid("actor_id"),
    at("created_at"),
    pk("prices", "id"),
    fk("prices_sku_fk", ["sku_id"], "skus", ["id"]),
    check("prices_scope_ck", "scope IN ('chain', 'region', 'store')"),
    check(
        "prices_scope_id_ck",
        "(scope = 'chain') = (scope_id = '00000000-0000-0000-0000-000000000000'::uuid)",
    ),
    check("prices_amount_ck", "price_minor >= 0 AND price_minor <= 100000000000"),
    check("prices_valid_ck", "NOT isempty(valid) AND NOT lower_inf(valid)"),
    # Everything that chooses a price, so that pages read it from the index alone.
    index(
        "prices_sku_ix",
        "sku_id",
        postgresql_include=["scope", "scope_id", "channel", "tier", "valid", "price_minor", "currency"],
    ),
    ExcludeConstraint(
        ("sku_id", "="),
        ("scope_id", "="),
        ("channel", "="),
        ("tier", "="),
        ("valid", "&&"),
        name="prices_no_overlap_ex",
        using="gist",
    ),
)

# A row is a version of a promotion, and the newest one of an id holds. Orders name the version that they were priced by
# and are explained by it years later, so that rows neither change nor go. What lists look for stands beside the body.
promotions = table(
    PACKAGE,
    "promotions",
    reference(),
    uid("id"),
    integer("version"),
    doc("body"),
    text("name_zh"),
    text("name_en"),
    text("kind"),
    at("from_at"),
    at("until_at", null=True),
    uid("actor_id"),
    text("reason", default=""),
    at("created_at"),
    pk("promotions", "id", "version"),
    check("promotions_version_ck", "version >= 1"),
    check("promotions_body_ck", "body ->> 'id' = id::text AND (body ->> 'version')::integer = version"),
    check(
        "promotions_kind_ck",
        "kind = body -> 'effect' ->> 'type' AND kind IN ('percent_off', 'amount_off', 'fixed_price', 'threshold', "
        "'every_nth', 'buy_get', 'bundle', 'free_delivery')",
    ),
    # Equal for one that was withdrawn before it began.
    check("promotions_dates_ck", "until_at >= from_at"),
    append_only=True,
)

# What limited promotions were used for: the fact is a use, one an order; its counter is locked while one more is
# judged.
promotion_counters = table(
    PACKAGE,
    "promotion_counters",
    distributed("promotion_id", "promotion"),
    uid("promotion_id"),
    big("used_minor"),
    big("used_orders"),
    pk("promotion_counters", "promotion_id"),
    check("promotion_counters_used_ck", "used_minor >= 0 AND used_orders >= 0"),
)

promotion_uses = table(
    PACKAGE,
    "promotion_uses",
    distributed("promotion_id", "promotion"),
    uid("promotion_id"),
    uid("order_id"),
    uid("member_id"),
    integer("version"),
    big("amount_minor"),
    # What of it was given back with the units it was taken off: a budget is what promotions cost in the end.
    big("back_minor", default="0"),
    at("at"),
    # All of it came back, or the order came to nothing: it is no use any more.
    at("given_back_at", null=True),
    pk("promotion_uses", "promotion_id", "order_id"),
    fk("promotion_uses_counter_fk", ["promotion_id"], "promotion_counters", ["promotion_id"]),
    check("promotion_uses_amount_ck", "amount_minor >= 0"),
    check(
        "promotion_uses_back_ck",
        "0 <= back_minor AND back_minor <= amount_minor AND (given_back_at IS NULL OR back_minor = amount_minor)",
    ),
    index("promotion_uses_member_ix", "promotion_id", "member_id"),
    index("promotion_uses_order_ix", "order_id"),
)

# How coupons of a promotion come to members: claimed in the coupon centre, for a code that many know, by scanning a
# code at a place, printed with a code each, or given. Of a code its end is kept, for people to tell them by.
coupon_batches = table(
    PACKAGE,
    "coupon_batches",
    distributed("batch_id", "coupon_batch"),
    uid("batch_id"),
    uid("promotion_id"),
    text("way"),
    text("code_tail", default=""),
    text("touchpoint", null=True),
    integer("issued_max", null=True),
    integer("member_max", default="1"),
    # From its issue on; the promotion's own end holds in any case.
    integer("valid_days", null=True),
    # Whether a coupon is good again when everything it took off has come back ('whole'), or only when its order comes
    # to nothing ('never'); and for how many days, when it had ended meanwhile.
    text("returned", default="whole"),
    integer("grace_days", default="0"),
    at("from_at"),
    at("until_at", null=True),
    integer("issued", default="0"),
    uid("actor_id"),
    at("created_at"),
    pk("coupon_batches", "batch_id"),
    check("coupon_batches_way_ck", "way IN ('claim', 'code', 'touchpoint', 'print', 'given')"),
    check("coupon_batches_code_ck", "(way IN ('code', 'touchpoint')) = (code_tail <> '')"),
    check("coupon_batches_issued_ck", "issued >= 0 AND issued <= issued_max"),
    check("coupon_batches_member_ck", "member_max > 0"),
    check("coupon_batches_returned_ck", "returned IN ('never', 'whole')"),
    check("coupon_batches_grace_ck", "grace_days BETWEEN 0 AND 365"),
    check("coupon_batches_dates_ck", "until_at >= from_at"),
    index("coupon_batches_promotion_ix", "promotion_id"),
)

# What a code leads to: a batch whose coupons it gives, or one coupon. Only the digest of the code is kept.
coupon_codes = table(
    PACKAGE,
    "coupon_codes",
    distributed("code_hash", "coupon_code"),
    blob("code_hash"),
    uid("batch_id"),
    uid("coupon_id", null=True),
    pk("coupon_codes", "code_hash"),
)

# A coupon is one order's right to its promotion. It is used once: it names the order that has it, until that order
# comes to nothing or gives it back (`coupon_uses`).
coupons = table(
    PACKAGE,
    "coupons",
    distributed("id", "coupon"),
    uid("id"),
    uid("batch_id"),
    uid("promotion_id"),
    uid("member_id", null=True),
    text("code_tail", default=""),
    text("touchpoint", null=True),
    at("issued_at"),
    at("expires_at", null=True),
    uid("order_id", null=True),
    uid("buyer_id", null=True),
    at("taken_at", null=True),
    at("void_at", null=True),
    pk("coupons", "id"),
    check("coupons_taken_ck", "(order_id IS NULL) = (taken_at IS NULL) AND (order_id IS NULL) = (buyer_id IS NULL)"),
    check("coupons_holder_ck", "member_id IS NOT NULL OR code_tail <> ''"),
    index("coupons_member_ix", "member_id", "issued_at", postgresql_where=sql_text("member_id IS NOT NULL")),
    index("coupons_batch_ix", "batch_id", "member_id"),
    index("coupons_order_ix", "order_id", postgresql_where=sql_text("order_id IS NOT NULL")),
)

# Which order used a coupon, under which policy of its batch, frozen as of then; and when it came back.
coupon_uses = table(
    PACKAGE,
    "coupon_uses",
    distributed("coupon_id", "coupon"),
    uid("coupon_id"),
    uid("order_id"),
    uid("member_id"),
    uid("promotion_id"),
    text("returned"),
    integer("grace_days"),
    at("at"),
    at("given_back_at", null=True),
    pk("coupon_uses", "coupon_id", "order_id"),
    fk("coupon_uses_coupon_fk", ["coupon_id"], "coupons", ["id"]),
    check("coupon_uses_returned_ck", "returned IN ('never', 'whole') AND grace_days >= 0"),
    check("coupon_uses_time_ck", "given_back_at >= at"),
    index("coupon_uses_open_ux", "coupon_id", unique=True, postgresql_where=sql_text("given_back_at IS NULL")),
    index("coupon_uses_order_ix", "order_id"),
    index("coupon_uses_member_ix", "member_id", "at"),
)

# A pre-sale: a price for an article that is not there yet, with a deposit now and the balance later. It is changed in
# place and audited; `version` says which one a buyer has seen, and each pre-order keeps the terms it was booked under.
presales = table(
    PACKAGE,
    "presales",
    reference(),
    uid("id"),
    integer("version"),
    uid("sku_id"),
    text("name_zh"),
    text("name_en"),
    # Of a unit: its whole price, and what of it is paid as the deposit.
    big("price_minor"),
    big("deposit_minor"),
    text("currency", default="CNY"),
    at("deposit_from"),
    at("deposit_until"),
    at("balance_from"),
    at("balance_until"),
    # The day by which the goods are there.
    on("expected_on"),
    integer("units_max"),
    integer("member_max"),
    flag("delivery"),
    text("pickup"),
    uids("store_ids", default="{}"),
    text("cancel_terms"),
    text("unpaid_terms"),
    uid("actor_id"),
    at("created_at"),
    at("updated_at"),
    at("withdrawn_at", null=True),
    pk("presales", "id"),
    fk("presales_sku_fk", ["sku_id"], "skus", ["id"]),
    check("presales_version_ck", "version >= 1"),
    check("presales_price_ck", "0 < deposit_minor AND deposit_minor < price_minor AND price_minor <= 100000000000"),
    check(
        "presales_dates_ck",
        "deposit_from < deposit_until AND deposit_until <= balance_from AND balance_from < balance_until",
    ),
    check("presales_units_ck", "units_max BETWEEN 1 AND 1000000 AND member_max BETWEEN 1 AND units_max"),
    check("presales_ways_ck", "(delivery OR pickup <> 'none') AND (pickup = 'chosen') = (cardinality(store_ids) > 0)"),
    check("presales_pickup_ck", "pickup IN ('none', 'all', 'chosen')"),
    check(
        "presales_terms_ck",
        "(cancel_terms, unpaid_terms)"
        " IN (('until_balance', 'given_back'), ('until_balance', 'kept'), ('never', 'kept'))",
    ),
    # A deposit that may be kept is a fifth of the price at the most (China, Civil Code, art. 586).
    check("presales_kept_ck", "unpaid_terms = 'given_back' OR deposit_minor * 5 <= price_minor"),
    # An article has one pre-sale at a time.
    ExcludeConstraint(
        (Column("sku_id"), "="),
        (sql_text("tstzrange(deposit_from, deposit_until)"), "&&"),
        name="presales_no_overlap_ex",
        using="gist",
        where=sql_text("withdrawn_at IS NULL"),
    ),
    index("presales_sku_ix", "sku_id"),
    index("presales_list_ix", sql_text("deposit_from DESC"), "id"),
)

# How many units of a pre-sale may be booked, and how many are: the facts are its bookings, one an order. Locked while
# one more is judged.
presale_counters = table(
    PACKAGE,
    "presale_counters",
    distributed("presale_id", "presale"),
    uid("presale_id"),
    integer("units_max"),
    integer("booked", default="0"),
    pk("presale_counters", "presale_id"),
    check("presale_counters_booked_ck", "booked >= 0 AND booked <= units_max"),
)

presale_bookings = table(
    PACKAGE,
    "presale_bookings",
    distributed("presale_id", "presale"),
    uid("presale_id"),
    uid("order_id"),
    uid("member_id"),
    integer("units"),
    at("at"),
    # Of an order that came to nothing: it does not count any more.
    at("given_back_at", null=True),
    pk("presale_bookings", "presale_id", "order_id"),
    fk("presale_bookings_counter_fk", ["presale_id"], "presale_counters", ["presale_id"]),
    check("presale_bookings_units_ck", "units > 0"),
    index("presale_bookings_member_ix", "presale_id", "member_id"),
    index("presale_bookings_order_ix", "order_id"),
)
