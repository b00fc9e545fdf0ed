"""Tables of carts and orders. An order knows what was bought and at what price, not who gets the credit."""

from __future__ import annotations

from sqlalchemy import literal_column
from sqlalchemy import text as sql_text

from duoline.kernel.columns import at, big, blob, check, doc, fk, flag, index, integer, on, pk, text, uid, uids, unique
from duoline.kernel.placement import MEMBER, STOCK, distributed, table

PACKAGE = "orders"

carts = table(
    PACKAGE,
    "carts",
    MEMBER,
    uid("member_id"),
    integer("version", default="1"),
    at("updated_at"),
    pk("carts", "member_id"),
    fk("carts_member_fk", ["member_id"], "members", ["member_id"]),
)

# store_id is the pickup store; the nil UUID for delivery.
cart_lines = table(
    PACKAGE,
    "cart_lines",
    MEMBER,
    uid("member_id"),
    uid("id"),
    uid("sku_id"),
    integer("quantity"),
    text("method"),
    uid("store_id"),
    at("added_at"),
    pk("cart_lines", "member_id", "id"),
    unique("cart_lines_what_uq", "member_id", "sku_id", "method", "store_id"),
    fk("cart_lines_cart_fk", ["member_id"], "carts", ["member_id"]),
    check("cart_lines_quantity_ck", "quantity BETWEEN 1 AND 999"),
    check("cart_lines_method_ck", "method IN ('pickup', 'delivery')"),
)

# ORD-1 as a constraint: the total is the sum of its parts, and no more is given back than came in.
orders = table(
    PACKAGE,
    "orders",
    MEMBER,
    uid("member_id"),
    uid("id"),
    text("order_no"),
    text("channel"),
    uid("store_id", null=True),
    text("state"),
    text("pay_mode"),
    text("currency"),
    big("subtotal_minor"),
    big("delivery_fee_minor"),
    big("discount_minor"),
    big("total_minor"),
    big("paid_minor", default="0"),
    big("refunded_minor", default="0"),
    # Kept of what would have gone back, for thresholds that what stays does not reach any more.
    big("clawback_minor", default="0"),
    # Kept of a deposit, by the terms of the pre-sale, when its order came to nothing.
    big("forfeited_minor", default="0"),
    text("contact_name"),
    text("contact_phone"),
    doc("address", null=True),
    text("note", default=""),
    text("external_code", null=True),
    # Where its fulfilments are, so that they are read by their own key.
    uids("location_ids", default="{}"),
    at("priced_at"),
    at("placed_at"),
    at("pay_by_at", null=True),
    at("closed_at", null=True),
    # Of an order that a clerk made for a customer in a shop, to be sent home: the shop and who it was.
    uid("sold_store_id", null=True),
    uid("sold_by", null=True),
    # Of a pre-order: the pre-sale it was booked in. Its terms stand in `preorders`.
    uid("presale_id", null=True),
    pk("orders", "member_id", "id"),
    check("orders_total_ck", "total_minor = subtotal_minor + delivery_fee_minor - discount_minor"),
    # What came too late is recorded and goes back, so that more may have come in than the total; it is never kept.
    check(
        "orders_money_ck",
        "0 <= refunded_minor AND refunded_minor + forfeited_minor <= paid_minor"
        " AND paid_minor - refunded_minor <= total_minor",
    ),
    check(
        "orders_forfeited_ck",
        "forfeited_minor = 0 OR (forfeited_minor > 0 AND presale_id IS NOT NULL AND state IN ('cancelled', 'expired'))",
    ),
    check("orders_clawback_ck", "0 <= clawback_minor AND clawback_minor <= discount_minor"),
    check(
        "orders_state_ck", "state IN ('awaiting_payment', 'booked', 'confirmed', 'completed', 'cancelled', 'expired')"
    ),
    check("orders_booked_ck", "state <> 'booked' OR (presale_id IS NOT NULL AND pay_mode = 'online')"),
    check("orders_pay_mode_ck", "pay_mode IN ('online', 'at_store', 'till')"),
    # What is paid at a till is handed over with its last part: there is nothing in between.
    check("orders_till_ck", "pay_mode <> 'till' OR state <> 'confirmed'"),
    check("orders_channel_ck", "channel IN ('mall', 'till', 'open_api', 'import')"),
    check("orders_sold_ck", "(sold_store_id IS NULL) = (sold_by IS NULL)"),
    index("orders_member_ix", "member_id", sql_text("placed_at DESC")),
    index(
        "orders_sold_ix",
        "sold_store_id",
        sql_text("placed_at DESC"),
        postgresql_where=sql_text("sold_store_id IS NOT NULL"),
    ),
    index("orders_placed_ix", sql_text("placed_at DESC"), "id"),
    index("orders_due_ix", "pay_by_at", postgresql_where=sql_text("state = 'awaiting_payment'")),
    # Pre-orders: those of a pre-sale, and those whose balance is due, by when.
    index(
        "orders_presale_ix",
        "presale_id",
        sql_text("placed_at DESC"),
        postgresql_where=sql_text("presale_id IS NOT NULL"),
    ),
    index("orders_booked_ix", "pay_by_at", "presale_id", postgresql_where=sql_text("state = 'booked'")),
    # What staff look for: an order by its id alone, those of a shop, those that are open; by number, end of the phone,
    # name. Without the list of pending entries, whose clearing would fall on one order in some thousands.
    index("orders_id_ix", "id"),
    index("orders_places_ix", "location_ids", postgresql_using="gin", postgresql_with={"fastupdate": "off"}),
    index("orders_store_ix", "store_id", sql_text("placed_at DESC"), postgresql_where=sql_text("store_id IS NOT NULL")),
    index("orders_open_ix", "id", postgresql_where=sql_text("state = 'confirmed'")),
    # Numbers of other systems may have small letters; whoever types one does not mind them.
    index(
        "orders_number_any_ix",
        literal_column("upper(order_no)").label("upper_no"),
        postgresql_ops={"upper_no": "text_pattern_ops"},
    ),
    index(
        "orders_phone_ix",
        literal_column("reverse(contact_phone)").label("phone_backwards"),
        postgresql_ops={"phone_backwards": "text_pattern_ops"},
    ),
    index(
        "orders_name_ix",
        "contact_name",
        postgresql_using="gin",
        postgresql_ops={"contact_name": "gin_trgm_ops"},
        postgresql_with={"fastupdate": "off"},
    ),
)

# ORD-2: ordered = handed over + cancelled + due, so the first two never exceed the first.
order_lines = table(
    PACKAGE,
    "order_lines",
    MEMBER,
    uid("member_id"),
    uid("order_id"),
    uid("id"),
    integer("n"),
    uid("sku_id"),
    text("sku_code"),
    text("product_code"),
    doc("name"),
    doc("options", default="[]"),
    text("image_sha", null=True),
    text("method"),
    uid("store_id", null=True),
    integer("quantity"),
    big("unit_price_minor"),
    big("amount_minor"),
    # What the line costs after offers; `duo_value` shares it over the units.
    big("net_minor"),
    text("price_scope"),
    # The tier whose price it was; empty for everybody's.
    text("price_tier", default=""),
    integer("handed", default="0"),
    integer("cancelled", default="0"),
    # Brought back to a shop, of those handed over.
    integer("returned", default="0"),
    # Put in by a promotion (`order_gifts`): it costs nothing and earns nothing.
    flag("gift"),
    pk("order_lines", "member_id", "order_id", "id"),
    fk("order_lines_order_fk", ["member_id", "order_id"], "orders", ["member_id", "id"]),
    check("order_lines_quantity_ck", "quantity BETWEEN 1 AND 100000"),
    check("order_lines_amount_ck", "amount_minor = unit_price_minor * quantity AND unit_price_minor >= 0"),
    check("order_lines_net_ck", "0 <= net_minor AND net_minor <= amount_minor"),
    check("order_lines_gift_ck", "NOT gift OR net_minor = 0"),
    check("order_lines_done_ck", "handed >= 0 AND cancelled >= 0 AND handed + cancelled <= quantity"),
    check("order_lines_returned_ck", "returned >= 0 AND returned <= handed"),
    check("order_lines_method_ck", "method IN ('pickup', 'delivery', 'till')"),
)

# What each promotion took off each line, in the version that was in force: frozen, so that an order can be explained
# whenever somebody asks. ORD-4: together they are what the line costs less than its units' price.
order_discounts = table(
    PACKAGE,
    "order_discounts",
    MEMBER,
    uid("member_id"),
    uid("order_id"),
    uid("line_id"),
    uid("promotion_id"),
    integer("version"),
    big("amount_minor"),
    pk("order_discounts", "member_id", "order_id", "line_id", "promotion_id"),
    fk("order_discounts_line_fk", ["member_id", "order_id", "line_id"], "order_lines", ["member_id", "order_id", "id"]),
    check("order_discounts_amount_ck", "amount_minor > 0"),
    index("order_discounts_promotion_ix", "promotion_id", "version"),
    append_only=True,
)

# What a gift was given for, frozen: for every `buy_units` of the `bought` lines, `get_units` of its own. With
# `clawback` what stays of it beyond that is kept from what goes back.
order_gifts = table(
    PACKAGE,
    "order_gifts",
    MEMBER,
    uid("member_id"),
    uid("order_id"),
    uid("line_id"),
    uid("promotion_id"),
    integer("version"),
    uids("bought"),
    integer("buy_units"),
    integer("get_units"),
    flag("clawback"),
    pk("order_gifts", "member_id", "order_id", "line_id"),
    fk("order_gifts_line_fk", ["member_id", "order_id", "line_id"], "order_lines", ["member_id", "order_id", "id"]),
    check("order_gifts_units_ck", "buy_units > 0 AND get_units > 0 AND cardinality(bought) > 0"),
    append_only=True,
)

# What a customer brought back, where, why, and what went back to them for it: `kept_minor` is what of it was kept for
# thresholds that are lost with it, below zero when what was kept before went back too. The money is in its refunds.
returns = table(
    PACKAGE,
    "returns",
    MEMBER,
    uid("member_id"),
    uid("id"),
    uid("order_id"),
    uid("location_id"),
    text("reason"),
    text("note", default=""),
    big("refund_minor"),
    big("kept_minor", default="0"),
    text("actor"),
    at("at"),
    pk("returns", "member_id", "id"),
    fk("returns_order_fk", ["member_id", "order_id"], "orders", ["member_id", "id"]),
    check("returns_reason_ck", "reason IN ('changed_mind', 'faulty', 'wrong_article', 'other')"),
    check("returns_refund_ck", "refund_minor >= 0"),
    index("returns_order_ix", "member_id", "order_id"),
    index("returns_member_ix", "member_id", "at"),
    index("returns_place_ix", "location_id", sql_text("at DESC")),
    append_only=True,
    erasable=("note",),
)

# The units of a return: which location had handed them over, and how much of its sales they were.
return_lines = table(
    PACKAGE,
    "return_lines",
    MEMBER,
    uid("member_id"),
    uid("return_id"),
    integer("n"),
    uid("order_id"),
    uid("line_id"),
    uid("sku_id"),
    integer("quantity"),
    text("condition"),
    uid("sold_location_id"),
    big("value_minor"),
    pk("return_lines", "member_id", "return_id", "n"),
    fk("return_lines_return_fk", ["member_id", "return_id"], "returns", ["member_id", "id"]),
    fk("return_lines_line_fk", ["member_id", "order_id", "line_id"], "order_lines", ["member_id", "order_id", "id"]),
    check("return_lines_quantity_ck", "quantity > 0"),
    check("return_lines_condition_ck", "condition IN ('sellable', 'damaged')"),
    check("return_lines_value_ck", "value_minor >= 0"),
    index("return_lines_line_ix", "member_id", "order_id", "line_id"),
    append_only=True,
)

# By which refunds the money of a return goes back: one a tender it had come by.
return_refunds = table(
    PACKAGE,
    "return_refunds",
    MEMBER,
    uid("member_id"),
    uid("return_id"),
    uid("refund_id"),
    pk("return_refunds", "member_id", "return_id", "refund_id"),
    fk("return_refunds_return_fk", ["member_id", "return_id"], "returns", ["member_id", "id"]),
    fk("return_refunds_refund_fk", ["member_id", "refund_id"], "refunds", ["member_id", "id"]),
    append_only=True,
)

# The terms of a pre-order, as its buyer accepted them: what is paid now and what later, from when until when, and what
# becomes of the deposit when nothing comes of it. How the goods are to be had may be changed when the balance is paid.
# Changes under its order's lock only.
preorders = table(
    PACKAGE,
    "preorders",
    MEMBER,
    uid("member_id"),
    uid("order_id"),
    uid("presale_id"),
    integer("version"),
    # The intent that the deposit is asked for by: what came by another one is no deposit.
    uid("deposit_intent_id"),
    big("deposit_minor"),
    big("balance_minor"),
    at("balance_from"),
    at("balance_until"),
    on("expected_on"),
    text("cancel_terms"),
    text("unpaid_terms"),
    text("way"),
    uid("store_id", null=True),
    at("created_at"),
    # When the code was taken at a till, and where: once.
    at("redeemed_at", null=True),
    uid("redeemed_store_id", null=True),
    # When the buyer was told that the balance can be paid, and what became of the message.
    at("reminded_at", null=True),
    at("claimed_at", null=True),
    text("outcome", null=True),
    pk("preorders", "member_id", "order_id"),
    fk("preorders_order_fk", ["member_id", "order_id"], "orders", ["member_id", "id"]),
    check("preorders_money_ck", "deposit_minor > 0 AND balance_minor > 0"),
    check("preorders_dates_ck", "balance_from < balance_until"),
    check(
        "preorders_terms_ck",
        "(cancel_terms, unpaid_terms)"
        " IN (('until_balance', 'given_back'), ('until_balance', 'kept'), ('never', 'kept'))",
    ),
    # A deposit that may be kept is a fifth of the price at the most (China, Civil Code, art. 586).
    check("preorders_kept_ck", "unpaid_terms = 'given_back' OR deposit_minor * 4 <= balance_minor"),
    check("preorders_way_ck", "way IN ('pickup', 'delivery') AND (way = 'pickup') = (store_id IS NOT NULL)"),
    check("preorders_redeemed_ck", "(redeemed_at IS NULL) = (redeemed_store_id IS NULL)"),
    check("preorders_outcome_ck", "outcome IN ('sent', 'unanswered', 'refused', 'no_gateway', 'over')"),
    index("preorders_remind_ix", "balance_from", postgresql_where=sql_text("reminded_at IS NULL")),
)

# What the verification code of a pre-order leads to: the text of its QR and its digits, each as a keyed digest.
preorder_codes = table(
    PACKAGE,
    "preorder_codes",
    distributed("code_hash", "preorder_code"),
    blob("code_hash"),
    uid("member_id"),
    uid("order_id"),
    pk("preorder_codes", "code_hash"),
    append_only=True,
)

# Whoever orders without being known is counted by these: the guest, and the network address as a keyed digest. A row
# is locked while one more order is judged, so that orders sent at once are counted one after the other.
guest_keys = table(
    PACKAGE,
    "guest_keys",
    distributed("key_id", "guest_key"),
    uid("key_id"),
    at("used_at"),
    pk("guest_keys", "key_id"),
)

# What was ordered under a key: for a day, and for as long as it is open.
guest_orders = table(
    PACKAGE,
    "guest_orders",
    distributed("key_id", "guest_key"),
    uid("key_id"),
    uid("order_id"),
    uid("member_id"),
    at("placed_at"),
    pk("guest_orders", "key_id", "order_id"),
    index("guest_orders_placed_ix", "key_id", "placed_at"),
)

# Orders with units of a delivery that wait for a person to say where they come from, and since when. Which units
# they are follows: what is due, is delivered, and nobody serves.
frozen_orders = table(
    PACKAGE,
    "frozen_orders",
    MEMBER,
    uid("member_id"),
    uid("order_id"),
    at("since_at"),
    integer("rejections"),
    pk("frozen_orders", "member_id", "order_id"),
    fk("frozen_orders_order_fk", ["member_id", "order_id"], "orders", ["member_id", "id"]),
    check("frozen_orders_rejections_ck", "rejections > 0"),
    index("frozen_orders_since_ix", "since_at", "order_id"),
)

order_events = table(
    PACKAGE,
    "order_events",
    MEMBER,
    uid("member_id"),
    uid("order_id"),
    uid("id"),
    at("at"),
    text("kind"),
    text("actor"),
    doc("data", default="{}"),
    pk("order_events", "member_id", "order_id", "id"),
    # What the member's history tells of it (`member_history.py`): the other kinds cost nothing here.
    index(
        "order_events_member_ix",
        "member_id",
        "at",
        postgresql_where=sql_text(
            "kind IN ('handed_over', 'shipped', 'delivered', 'cancelled', 'expired', 'uncollected')"
        ),
    ),
    append_only=True,
    erasable=("data",),
)

order_numbers = table(
    PACKAGE,
    "order_numbers",
    distributed("order_no", "order_no"),
    text("order_no"),
    uid("member_id"),
    uid("order_id"),
    pk("order_numbers", "order_no"),
)

# A basket that a till put aside for a while: what lay on the counter and for whom, no prices. Coupons on paper are as
# good as money, so only how many had been shown is kept. Taken up once; who asks too late is told by whom.
# All of it goes when the next day is over.
parked_sales = table(
    PACKAGE,
    "parked_sales",
    STOCK,
    uid("location_id"),
    uid("id"),
    doc("lines"),
    integer("units"),
    integer("coupons", default="0"),
    text("phone", default=""),
    text("note", default=""),
    at("parked_at"),
    uid("parked_by"),
    text("parked_name"),
    at("ends_at"),
    at("taken_at", null=True),
    uid("taken_by", null=True),
    text("taken_name", null=True),
    text("taken_as", null=True),
    pk("parked_sales", "location_id", "id"),
    check("parked_sales_units_ck", "units > 0 AND coupons >= 0"),
    check("parked_sales_time_ck", "ends_at > parked_at"),
    check(
        "parked_sales_taken_ck",
        "(taken_at IS NULL) = (taken_by IS NULL) AND (taken_at IS NULL) = (taken_name IS NULL)"
        " AND (taken_at IS NULL) = (taken_as IS NULL) AND taken_as IN ('resumed', 'discarded')",
    ),
    index("parked_sales_open_ix", "location_id", "parked_at", postgresql_where=sql_text("taken_at IS NULL")),
    index("parked_sales_id_ix", "id"),
    index("parked_sales_ends_ix", "ends_at"),
)
