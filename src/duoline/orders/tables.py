"""Tables of carts and orders. An order knows what was bought and at what price, not who gets the credit."""

from __future__ import annotations

from sqlalchemy import literal_column
from sqlalchemy import text as sql_text

from duoline.kernel.columns import at, big, check, doc, fk, index, integer, pk, text, uid, uids, unique
from duoline.kernel.placement import MEMBER, distributed, table

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
    pk("orders", "member_id", "id"),
    check("orders_total_ck", "total_minor = subtotal_minor + delivery_fee_minor - discount_minor"),
    check("orders_money_ck", "0 <= refunded_minor AND refunded_minor <= paid_minor AND paid_minor <= total_minor"),
    check("orders_state_ck", "state IN ('awaiting_payment', 'confirmed', 'completed', 'cancelled', 'expired')"),
    check("orders_pay_mode_ck", "pay_mode IN ('online', 'at_store', 'till')"),
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
    # What staff look for: an order by its id alone, those of a shop, those that are open; by number, end of the phone,
    # name. Without the list of pending entries, whose clearing would fall on one order in some thousands.
    index("orders_id_ix", "id"),
    index("orders_places_ix", "location_ids", postgresql_using="gin", postgresql_with={"fastupdate": "off"}),
    index("orders_store_ix", "store_id", sql_text("placed_at DESC"), postgresql_where=sql_text("store_id IS NOT NULL")),
    index("orders_open_ix", "id", postgresql_where=sql_text("state = 'confirmed'")),
    index("orders_number_ix", "order_no", postgresql_ops={"order_no": "text_pattern_ops"}),
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
    text("price_scope"),
    integer("handed", default="0"),
    integer("cancelled", default="0"),
    pk("order_lines", "member_id", "order_id", "id"),
    fk("order_lines_order_fk", ["member_id", "order_id"], "orders", ["member_id", "id"]),
    check("order_lines_quantity_ck", "quantity BETWEEN 1 AND 100000"),
    check("order_lines_amount_ck", "amount_minor = unit_price_minor * quantity AND unit_price_minor >= 0"),
    check("order_lines_done_ck", "handed >= 0 AND cancelled >= 0 AND handed + cancelled <= quantity"),
    check("order_lines_method_ck", "method IN ('pickup', 'delivery', 'till')"),
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
    append_only=True,
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
