"""Tables of favourites: what members like, whose the kept units are, what keeping cost, and for how long to keep."""

from __future__ import annotations

from sqlalchemy import text as sql_text

from duoline.kernel.columns import at, big, check, fk, index, integer, pk, text, uid, unique
from duoline.kernel.placement import MEMBER, STOCK, distributed, table

PACKAGE = "favourites"

# One a member and product. The variant and the shop are those it was last scanned as; NULL without a scan.
favourites = table(
    PACKAGE,
    "favourites",
    MEMBER,
    uid("member_id"),
    uid("id"),
    uid("product_id"),
    uid("sku_id", null=True),
    uid("store_id", null=True),
    at("added_at"),
    pk("favourites", "member_id", "id"),
    unique("favourites_what_uq", "member_id", "product_id"),
    fk("favourites_member_fk", ["member_id"], "members", ["member_id"]),
    check("favourites_scan_ck", "store_id IS NULL OR sku_id IS NOT NULL"),
    index("favourites_added_ix", "member_id", sql_text("added_at DESC"), sql_text("id DESC")),
)

# FAV-1: whose a kept unit is. The row has the id of its hold and lives beside it; what became of it is told by the
# hold: open, expired, or released, for an order (order_id) or because it was given up.
favourite_holds = table(
    PACKAGE,
    "favourite_holds",
    STOCK,
    uid("location_id"),
    uid("id"),
    uid("sku_id"),
    uid("member_id"),
    uid("favourite_id"),
    uid("device_id"),
    uid("address_id"),
    integer("minutes"),
    at("given_at"),
    at("expires_at"),
    uid("order_id", null=True),
    pk("favourite_holds", "location_id", "id"),
    fk("favourite_holds_hold_fk", ["location_id", "id"], "holds", ["location_id", "id"]),
    check("favourite_holds_minutes_ck", "minutes > 0 AND expires_at > given_at"),
    index("favourite_holds_member_ix", "member_id", "given_at"),
    index("favourite_holds_device_ix", "device_id", "given_at"),
    index("favourite_holds_address_ix", "address_id", "given_at"),
    index("favourite_holds_sku_ix", "location_id", "sku_id", "given_at"),
)

# What limits are counted by: the member, the device, and the network address as a keyed digest. A row is locked while
# one more unit is kept, so that requests sent at once are counted one after the other.
favourite_keys = table(
    PACKAGE,
    "favourite_keys",
    distributed("key_id", "favourite_key"),
    uid("key_id"),
    at("used_at"),
    pk("favourite_keys", "key_id"),
)

# Somebody was refused units of which favourites kept some: how many, and at which price they would have gone.
refused_for_holds = table(
    PACKAGE,
    "refused_for_holds",
    STOCK,
    uid("location_id"),
    uid("id"),
    uid("sku_id"),
    integer("units"),
    big("price_minor"),
    text("currency"),
    text("channel"),
    at("at"),
    pk("refused_for_holds", "location_id", "id"),
    check("refused_for_holds_units_ck", "units > 0 AND price_minor >= 0"),
    check("refused_for_holds_channel_ck", "channel IN ('mall', 'till', 'counter', 'open_api')"),
    index("refused_for_holds_sku_ix", "location_id", "sku_id", "at"),
    append_only=True,
)

# For how long to keep, as history taught. The nil SKU is the whole shop's.
favourite_minutes = table(
    PACKAGE,
    "favourite_minutes",
    STOCK,
    uid("location_id"),
    uid("sku_id"),
    integer("minutes"),
    integer("holds"),
    integer("used"),
    integer("refused"),
    at("at"),
    pk("favourite_minutes", "location_id", "sku_id"),
    check("favourite_minutes_counts_ck", "minutes > 0 AND holds >= used AND used >= 0 AND refused >= 0"),
)
