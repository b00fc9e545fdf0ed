"""Tables of members: who they are, how they log in, where they live, what they agreed to."""

from __future__ import annotations

from sqlalchemy import text as sql_text

from duoline.kernel.columns import at, big, blob, check, fk, flag, index, integer, pk, real, text, uid
from duoline.kernel.placement import MEMBER, distributed, table

PACKAGE = "members"

members = table(
    PACKAGE,
    "members",
    MEMBER,
    uid("member_id"),
    text("kind"),
    text("display_name", default=""),
    text("phone", null=True),
    text("locale", default="zh"),
    uid("home_store_id", null=True),
    text("external_code", null=True),
    # The number of the electronic card, made when it is first shown.
    text("card_no", null=True),
    # The tier that prices and promotions ask for; guests have none. Not below it before `tier_keeps_until`, and from
    # `tier_lapses_at` on below it unless it is earned again meanwhile (`tiers.py`).
    text("tier", default=""),
    at("tier_keeps_until", null=True),
    at("tier_lapses_at", null=True),
    at("created_at"),
    pk("members", "member_id"),
    fk("members_home_store_fk", ["home_store_id"], "stores", ["id"]),
    check("members_kind_ck", "kind IN ('guest', 'member')"),
    check("members_tier_ck", "(kind = 'guest') = (tier = '')"),
    index("members_lapse_ix", "tier_lapses_at", postgresql_where=sql_text("tier_lapses_at IS NOT NULL")),
)

# How a member came to each tier: what they had spent by then, under which version of the rules, or who set it and why.
tier_changes = table(
    PACKAGE,
    "tier_changes",
    MEMBER,
    uid("member_id"),
    uid("id"),
    text("before"),
    text("tier"),
    text("because"),
    big("spent_minor", null=True),
    integer("rule_version"),
    text("actor"),
    text("reason", default=""),
    at("at"),
    pk("tier_changes", "member_id", "id"),
    fk("tier_changes_member_fk", ["member_id"], "members", ["member_id"]),
    check("tier_changes_because_ck", "because IN ('joined', 'reached', 'lapsed', 'set', 'rules')"),
    check("tier_changes_ends_ck", "tier <> '' AND before <> tier"),
    append_only=True,
)

# One phone, one member: global uniqueness in its own small table keyed by the value.
phone_index = table(
    PACKAGE,
    "phone_index",
    distributed("phone", "phone"),
    text("phone"),
    uid("member_id"),
    pk("phone_index", "phone"),
)

# A guest who turned out to be a member: orders stay where they were placed, and are the member's to see and to act on.
adopted_guests = table(
    PACKAGE,
    "adopted_guests",
    MEMBER,
    uid("member_id"),
    uid("guest_id"),
    at("adopted_at"),
    pk("adopted_guests", "member_id", "guest_id"),
    fk("adopted_guests_member_fk", ["member_id"], "members", ["member_id"]),
    check("adopted_guests_ends_ck", "member_id <> guest_id"),
)

# A chain's own member numbers, as imported or printed on old cards.
member_codes = table(
    PACKAGE,
    "member_codes",
    distributed("code", "member_code"),
    text("code"),
    uid("member_id"),
    pk("member_codes", "code"),
)

# Electronic cards, by their number.
member_cards = table(
    PACKAGE,
    "member_cards",
    distributed("card_no", "member_card"),
    text("card_no"),
    uid("member_id"),
    pk("member_cards", "card_no"),
)

login_codes = table(
    PACKAGE,
    "login_codes",
    distributed("phone", "phone"),
    text("phone"),
    uid("id"),
    blob("code_hash"),
    integer("attempts", default="0"),
    at("created_at"),
    at("expires_at"),
    at("used_at", null=True),
    pk("login_codes", "phone", "id"),
)

member_sessions = table(
    PACKAGE,
    "member_sessions",
    distributed("token_hash", "session"),
    blob("token_hash"),
    uid("member_id"),
    at("created_at"),
    at("expires_at"),
    pk("member_sessions", "token_hash"),
)

addresses = table(
    PACKAGE,
    "addresses",
    MEMBER,
    uid("member_id"),
    uid("id"),
    text("name"),
    text("phone"),
    text("province"),
    text("city"),
    text("district"),
    text("line"),
    real("lat", null=True),
    real("lon", null=True),
    flag("is_default"),
    at("created_at"),
    at("updated_at"),
    pk("addresses", "member_id", "id"),
    fk("addresses_member_fk", ["member_id"], "members", ["member_id"]),
)

consents = table(
    PACKAGE,
    "consents",
    MEMBER,
    uid("member_id"),
    uid("id"),
    text("purpose"),
    flag("granted"),
    integer("text_version"),
    text("channel"),
    at("at"),
    pk("consents", "member_id", "id"),
    fk("consents_member_fk", ["member_id"], "members", ["member_id"]),
    index("consents_purpose_ix", "member_id", "purpose", "at"),
    append_only=True,
)
