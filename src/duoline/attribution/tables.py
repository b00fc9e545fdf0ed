"""Tables of attribution: touchpoints, how they are met, and what came of it."""

from __future__ import annotations

from sqlalchemy import text as sql_text
from sqlalchemy.dialects.postgresql import ExcludeConstraint

from duoline.kernel.columns import at, check, doc, fk, flag, index, integer, on, pk, text, uid, unique
from duoline.kernel.placement import MEMBER, distributed, managed_local, table

PACKAGE = "attribution"

OWNER = distributed("owner_id", "owner")
TOUCHPOINT = distributed("touchpoint_id", "touchpoint")

# Anything with a code. It lives with its owner: somebody on the staff, a member, a store, or the chain (the nil UUID).
# `device_id` is the browser it was made or last shown in: who meets it there met their own. `label`: a shop's label of
# a product, on its shelf or on itself. `standing`: what a member or clerk shares by WeChat's menu, by their own code.
touchpoints = table(
    PACKAGE,
    "touchpoints",
    OWNER,
    uid("owner_id"),
    uid("id"),
    text("code"),
    text("kind"),
    text("owner_kind"),
    text("name_zh"),
    text("name_en"),
    uid("store_id", null=True),
    text("place", default=""),
    text("target_kind"),
    text("target", default=""),
    text("note", default=""),
    flag("label"),
    flag("standing"),
    uid("device_id", null=True),
    text("created_by"),
    at("created_at"),
    at("ended_at", null=True),
    pk("touchpoints", "owner_id", "id"),
    fk("touchpoints_store_fk", ["store_id"], "stores", ["id"]),
    check("touchpoints_kind_ck", "kind IN ('guide', 'store', 'shelf', 'product', 'poster', 'share', 'campaign')"),
    check("touchpoints_owner_ck", "owner_kind IN ('staff', 'member', 'store', 'chain')"),
    check("touchpoints_guide_ck", "kind <> 'guide' OR (owner_kind = 'staff' AND store_id IS NOT NULL)"),
    check(
        "touchpoints_target_ck", "target_kind IN ('home', 'product', 'category', 'store', 'coupon', 'guide', 'outfit')"
    ),
    check("touchpoints_named_ck", "(target_kind IN ('home', 'guide')) = (target = '')"),
    check("touchpoints_time_ck", "ended_at >= created_at"),
    # One code a guide and shop; a lost one is ended before the next.
    index(
        "touchpoints_guide_ux",
        "owner_id",
        "store_id",
        unique=True,
        postgresql_where=sql_text("kind = 'guide' AND ended_at IS NULL"),
    ),
    # One label a shop and product.
    check(
        "touchpoints_label_ck",
        "NOT label OR (kind = 'product' AND owner_kind = 'store' AND store_id = owner_id AND target_kind = 'product')",
    ),
    index(
        "touchpoints_label_ux",
        "owner_id",
        "target",
        unique=True,
        postgresql_where=sql_text("label AND ended_at IS NULL"),
    ),
    # One a sharer and thing, and one code a sharer; of a clerk each is of a shop.
    check(
        "touchpoints_standing_ck",
        "NOT standing OR (kind = 'share' AND note = '' AND owner_kind = CASE WHEN store_id IS NULL THEN 'member'"
        " ELSE 'staff' END)",
    ),
    index(
        "touchpoints_standing_ux",
        "owner_id",
        "store_id",
        "target_kind",
        "target",
        unique=True,
        postgresql_nulls_not_distinct=True,
        postgresql_where=sql_text("standing AND ended_at IS NULL"),
    ),
    # What staff look for: one by its id alone, the newest of all, those of a shop.
    index("touchpoints_id_ix", "id"),
    index("touchpoints_store_ix", "store_id", "id"),
)

# One code, one touchpoint: global uniqueness in its own small table keyed by the value.
touchpoint_codes = table(
    PACKAGE,
    "touchpoint_codes",
    distributed("code", "touchpoint_code"),
    text("code"),
    uid("owner_id"),
    uid("touchpoint_id"),
    pk("touchpoint_codes", "code"),
    check("touchpoint_codes_code_ck", "code ~ '^[0-9A-HJKMNP-TV-Z]{8}$'"),
)

# Products that a guide or member thinks go well together; a share leads to it. Without a store it is a member's.
outfits = table(
    PACKAGE,
    "outfits",
    OWNER,
    uid("owner_id"),
    uid("id"),
    text("owner_kind"),
    text("name"),
    text("note", default=""),
    uid("store_id", null=True),
    at("made_at"),
    at("ended_at", null=True),
    pk("outfits", "owner_id", "id"),
    fk("outfits_store_fk", ["store_id"], "stores", ["id"]),
    check("outfits_owner_ck", "owner_kind IN ('staff', 'member') AND (owner_kind = 'staff') = (store_id IS NOT NULL)"),
    check("outfits_time_ck", "ended_at >= made_at"),
    index("outfits_id_ix", "id"),
)

# ATT-6: its products in their order, each once. `sku_id`: the variant its maker had in mind.
outfit_pieces = table(
    PACKAGE,
    "outfit_pieces",
    OWNER,
    uid("owner_id"),
    uid("outfit_id"),
    integer("n"),
    uid("product_id"),
    uid("sku_id", null=True),
    pk("outfit_pieces", "owner_id", "outfit_id", "n"),
    fk("outfit_pieces_outfit_fk", ["owner_id", "outfit_id"], "outfits", ["owner_id", "id"]),
    unique("outfit_pieces_product_uq", "owner_id", "outfit_id", "product_id"),
    check("outfit_pieces_n_ck", "n BETWEEN 1 AND 8"),
)

# A touchpoint was opened: once a device and while. `member_id` when somebody was logged in, a guest too.
scans = table(
    PACKAGE,
    "scans",
    TOUCHPOINT,
    uid("touchpoint_id"),
    uid("id"),
    at("at"),
    on("on_date"),
    text("via"),
    uid("device_id"),
    uid("member_id", null=True),
    pk("scans", "touchpoint_id", "id"),
    index("scans_member_ix", "member_id", postgresql_where=sql_text("member_id IS NOT NULL")),
    check("scans_via_ck", "via IN ('qr', 'link')"),
    index("scans_date_ix", "touchpoint_id", "on_date"),
    append_only=True,
    erasable=("member_id",),
)

# In which browsers somebody on the staff showed a code of theirs, and when last: whoever meets it there met their own.
# Kept for 90 days, the last twenty.
guide_devices = table(
    PACKAGE,
    "guide_devices",
    OWNER,
    uid("owner_id"),
    uid("device_id"),
    at("last_at"),
    pk("guide_devices", "owner_id", "device_id"),
    index("guide_devices_last_ix", "last_at"),
)

# Which devices met a touchpoint, and when it counted last: the row decides between two that come at once.
touchpoint_devices = table(
    PACKAGE,
    "touchpoint_devices",
    TOUCHPOINT,
    uid("touchpoint_id"),
    uid("device_id"),
    at("first_at"),
    at("last_at"),
    pk("touchpoint_devices", "touchpoint_id", "device_id"),
    check("touchpoint_devices_time_ck", "last_at >= first_at"),
)

# ATT-4: the scans of a day in the zone of the touchpoint's place, counted where they are written. The count is the sum
# of its parts: who scans what others scan at the same moment counts in another part, and waits for nobody.
touchpoint_days = table(
    PACKAGE,
    "touchpoint_days",
    TOUCHPOINT,
    uid("touchpoint_id"),
    on("on_date"),
    integer("part", default="0"),
    integer("scans"),
    pk("touchpoint_days", "touchpoint_id", "on_date", "part"),
    check("touchpoint_days_scans_ck", "scans > 0"),
)

# ATT-4: the same of all days, by which a list is sorted.
touchpoint_totals = table(
    PACKAGE,
    "touchpoint_totals",
    TOUCHPOINT,
    uid("touchpoint_id"),
    integer("part", default="0"),
    integer("scans"),
    pk("touchpoint_totals", "touchpoint_id", "part"),
    check("touchpoint_totals_scans_ck", "scans > 0"),
)

# What a browser met before anybody was known there; at log-in it becomes the member's, once. `own_device`: met in the
# browser that the touchpoint was made or last shown in.
device_touches = table(
    PACKAGE,
    "device_touches",
    distributed("device_id", "device"),
    uid("device_id"),
    uid("id"),
    uid("owner_id"),
    uid("touchpoint_id"),
    at("at"),
    text("via"),
    flag("own_device"),
    uid("member_id", null=True),
    pk("device_touches", "device_id", "id"),
    index("device_touches_member_ix", "member_id", postgresql_where=sql_text("member_id IS NOT NULL")),
    check("device_touches_via_ck", "via IN ('qr', 'link')"),
    index("device_touches_at_ix", "device_id", "at"),
    index("device_touches_old_ix", "at"),
)

# Which touchpoint a guest or member met, when, and through which device.
touches = table(
    PACKAGE,
    "touches",
    MEMBER,
    uid("member_id"),
    uid("id"),
    uid("owner_id"),
    uid("touchpoint_id"),
    at("at"),
    text("via"),
    uid("device_id"),
    flag("own_device"),
    pk("touches", "member_id", "id"),
    fk("touches_member_fk", ["member_id"], "members", ["member_id"]),
    check("touches_via_ck", "via IN ('qr', 'link')"),
    index("touches_at_ix", "member_id", "at"),
    append_only=True,
    erasable=("device_id",),
)

# Who became a member, and which touchpoint they had met last.
sign_ups = table(
    PACKAGE,
    "sign_ups",
    MEMBER,
    uid("member_id"),
    uid("touch_id"),
    uid("owner_id"),
    uid("touchpoint_id"),
    at("touched_at"),
    at("at"),
    integer("rule_version"),
    pk("sign_ups", "member_id"),
    fk("sign_ups_touch_fk", ["member_id", "touch_id"], "touches", ["member_id", "id"]),
    check("sign_ups_time_ck", "touched_at <= at"),
    index("sign_ups_touchpoint_ix", "touchpoint_id"),
    append_only=True,
)

# ATT-2: the last touch before an order, within the window of the policy that held: frozen when the order is placed, so
# that neither a later touch nor a later policy changes whose it was. The touch may be a device's.
order_touches = table(
    PACKAGE,
    "order_touches",
    MEMBER,
    uid("member_id"),
    uid("order_id"),
    uid("touch_id"),
    uid("owner_id"),
    uid("touchpoint_id"),
    at("touched_at"),
    at("placed_at"),
    integer("window_days"),
    integer("rule_version"),
    flag("own_device"),
    pk("order_touches", "member_id", "order_id"),
    fk("order_touches_order_fk", ["member_id", "order_id"], "orders", ["member_id", "id"]),
    check(
        "order_touches_window_ck",
        "touched_at <= placed_at AND placed_at - touched_at < window_days * interval '24 hours'",
    ),
    index("order_touches_touchpoint_ix", "touchpoint_id", "placed_at"),
    append_only=True,
)

# ATT-1: which guide and shop a member belongs to, from when to when; of a scope one at a time. Without a guide the shop
# itself looks after them. `expires_at` moves with each purchase. `device_id` is the browser the member bound in, and
# `flags` say what is odd about it.
bindings = table(
    PACKAGE,
    "bindings",
    MEMBER,
    uid("member_id"),
    uid("id"),
    text("scope"),
    uid("guide_id", null=True),
    uid("store_id"),
    uid("touchpoint_id", null=True),
    text("source"),
    integer("rule_version"),
    at("from_at"),
    at("expires_at", null=True),
    at("until_at", null=True),
    text("ended_because", null=True),
    uid("device_id", null=True),
    doc("flags", default="[]"),
    pk("bindings", "member_id", "id"),
    fk("bindings_member_fk", ["member_id"], "members", ["member_id"]),
    fk("bindings_store_fk", ["store_id"], "stores", ["id"]),
    check("bindings_scope_ck", "scope = 'guide'"),
    check("bindings_source_ck", "source IN ('scan', 'invitation', 'till', 'import', 'transfer', 'dispute')"),
    check("bindings_guide_ck", "guide_id IS NOT NULL OR source = 'transfer'"),
    check("bindings_time_ck", "until_at >= from_at AND expires_at > from_at"),
    check(
        "bindings_ended_ck",
        "(until_at IS NULL) = (ended_because IS NULL)"
        " AND ended_because IN ('member', 'replaced', 'expired', 'transferred', 'dispute', 'guide_left')",
    ),
    index("bindings_live_ux", "member_id", "scope", unique=True, postgresql_where=sql_text("until_at IS NULL")),
    ExcludeConstraint(
        ("member_id", "="),
        ("scope", "="),
        (sql_text("tstzrange(from_at, until_at)"), "&&"),
        name="bindings_no_overlap_ex",
        using="gist",
    ),
    # A guide's members and a shop's, the newest first; what is to end; who else bound in one browser.
    index("bindings_guide_ix", "guide_id", "id", postgresql_where=sql_text("until_at IS NULL")),
    index("bindings_store_ix", "store_id", "id"),
    index("bindings_id_ix", "id"),
    index("bindings_expires_ix", "expires_at", postgresql_where=sql_text("until_at IS NULL")),
    index("bindings_device_ix", "device_id", "from_at", postgresql_where=sql_text("device_id IS NOT NULL")),
)

# A guide asks a member for their consent, who answers on their own phone.
binding_asks = table(
    PACKAGE,
    "binding_asks",
    MEMBER,
    uid("member_id"),
    uid("id"),
    uid("guide_id"),
    uid("store_id"),
    at("asked_at"),
    at("expires_at"),
    at("answered_at", null=True),
    flag("accepted"),
    pk("binding_asks", "member_id", "id"),
    fk("binding_asks_member_fk", ["member_id"], "members", ["member_id"]),
    fk("binding_asks_store_fk", ["store_id"], "stores", ["id"]),
    check("binding_asks_time_ck", "expires_at > asked_at AND answered_at >= asked_at"),
    check("binding_asks_accepted_ck", "NOT accepted OR answered_at IS NOT NULL"),
    index(
        "binding_asks_open_ux", "member_id", "guide_id", unique=True, postgresql_where=sql_text("answered_at IS NULL")
    ),
)

# A guide or shop says that a member is theirs; headquarters decides. Both sides stay in the history of bindings.
binding_disputes = table(
    PACKAGE,
    "binding_disputes",
    MEMBER,
    uid("member_id"),
    uid("id"),
    uid("binding_id"),
    uid("guide_id"),
    uid("store_id"),
    text("reason"),
    uid("raised_by"),
    at("raised_at"),
    at("decided_at", null=True),
    uid("decided_by", null=True),
    text("decision", null=True),
    text("decision_reason", default=""),
    pk("binding_disputes", "member_id", "id"),
    fk("binding_disputes_binding_fk", ["member_id", "binding_id"], "bindings", ["member_id", "id"]),
    check("binding_disputes_decision_ck", "decision IN ('stands', 'moves')"),
    check(
        "binding_disputes_decided_ck",
        "(decided_at IS NULL) = (decision IS NULL) AND (decided_at IS NULL) = (decided_by IS NULL)"
        " AND (decided_at IS NULL) = (decision_reason = '')",
    ),
    check("binding_disputes_time_ck", "decided_at >= raised_at"),
    index(
        "binding_disputes_open_ux",
        "member_id",
        "binding_id",
        unique=True,
        postgresql_where=sql_text("decided_at IS NULL"),
    ),
    index("binding_disputes_id_ix", "id"),
)

# What WeChat gave an Official Account so that pages may say what its menu sends, each for two hours. Nobody's data, and
# of no worth when it is over. `again_at`: WeChat failed, and is not asked before.
wechat_keys = table(
    PACKAGE,
    "wechat_keys",
    managed_local(),
    text("app_id"),
    text("token", default=""),
    at("token_until", null=True),
    text("ticket", default=""),
    at("ticket_until", null=True),
    at("again_at", null=True),
    pk("wechat_keys", "app_id"),
    check("wechat_keys_token_ck", "(token = '') = (token_until IS NULL)"),
    check("wechat_keys_ticket_ck", "(ticket = '') = (ticket_until IS NULL)"),
)
