"""Tables of members: who they are, how they log in, where they live, what they agreed to."""

from __future__ import annotations

from sqlalchemy import text as sql_text

from duoline.kernel.columns import (
    at,
    big,
    blob,
    check,
    doc,
    fk,
    flag,
    index,
    integer,
    pk,
    real,
    text,
    texts,
    uid,
)
from duoline.kernel.placement import MEMBER, distributed, managed_local, reference, table

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
    # One person who was two members: who they are now, or how many others they are besides. Never both: no merge leads
    # on to another.
    uid("merged_into", null=True),
    integer("merged_others", default="0"),
    at("created_at"),
    # Who asked to be forgotten is a guest without a name from then on (`flows/erase_member.py`).
    at("erased_at", null=True),
    pk("members", "member_id"),
    fk("members_home_store_fk", ["home_store_id"], "stores", ["id"]),
    check("members_kind_ck", "kind IN ('guest', 'member')"),
    check("members_tier_ck", "(kind = 'guest') = (tier = '')"),
    check(
        "members_erased_ck",
        "erased_at IS NULL OR (kind = 'guest' AND display_name = ''"
        " AND num_nonnulls(phone, home_store_id, external_code, card_no) = 0)",
    ),
    check(
        "members_merged_ck",
        "merged_others >= 0 AND (merged_into IS NULL"
        " OR (kind = 'member' AND merged_into <> member_id AND merged_others = 0))",
    ),
    index("members_lapse_ix", "tier_lapses_at", postgresql_where=sql_text("tier_lapses_at IS NOT NULL")),
)

# Which shop was a member's home when; MEM-7 holds it against the member. Of those from before nobody knows the start.
home_stores = table(
    PACKAGE,
    "home_stores",
    MEMBER,
    uid("member_id"),
    uid("id"),
    uid("store_id"),
    at("from_at", null=True),
    at("until_at", null=True),
    text("source"),
    pk("home_stores", "member_id", "id"),
    fk("home_stores_member_fk", ["member_id"], "members", ["member_id"]),
    fk("home_stores_store_fk", ["store_id"], "stores", ["id"]),
    check("home_stores_source_ck", "source IN ('member', 'import', 'unknown')"),
    check("home_stores_start_ck", "(source = 'unknown') = (from_at IS NULL)"),
    check("home_stores_end_ck", "until_at >= from_at"),
    index("home_stores_open_ux", "member_id", unique=True, postgresql_where=sql_text("until_at IS NULL")),
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
    check(
        "tier_changes_because_ck", "because IN ('joined', 'reached', 'lapsed', 'set', 'rules', 'merged', 'separated')"
    ),
    check("tier_changes_ends_ck", "tier <> '' AND before <> tier"),
    append_only=True,
    erasable=("reason",),
)

# Everybody judged by a version of the rules from the instant on at which it holds: how far it is (`last_id` was judged
# last), and what came of it. A newer version that holds ends what an older one has not.
tier_runs = table(
    PACKAGE,
    "tier_runs",
    managed_local(),
    uid("id"),
    integer("version"),
    text("state", default="queued"),
    at("active_from"),
    uid("last_id", null=True),
    big("members_total", null=True),
    big("judged", default="0"),
    big("went_up", default="0"),
    big("went_down", default="0"),
    # Their tier is none any more.
    big("moved", default="0"),
    # They have a tier above what they spent, by its time or its grace.
    big("kept", default="0"),
    big("failed", default="0"),
    at("at"),
    at("started_at", null=True),
    at("noted_at"),
    at("finished_at", null=True),
    pk("tier_runs", "id"),
    check("tier_runs_state_ck", "state IN ('queued', 'running', 'done', 'stopped')"),
    check("tier_runs_finished_ck", "(state IN ('done', 'stopped')) = (finished_at IS NOT NULL)"),
    check(
        "tier_runs_counts_ck",
        "least(went_up, went_down, moved, kept, failed) >= 0 AND went_up + went_down + moved + failed <= judged",
    ),
    index("tier_runs_version_ux", "version", unique=True),
    index("tier_runs_running_ux", "state", unique=True, postgresql_where=sql_text("state = 'running'")),
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
    # The merge that brought it: another member, or a guest of theirs. It goes again with the merge.
    uid("merge_id", null=True),
    pk("adopted_guests", "member_id", "guest_id"),
    fk("adopted_guests_member_fk", ["member_id"], "members", ["member_id"]),
    check("adopted_guests_ends_ck", "member_id <> guest_id"),
    fk("adopted_guests_merge_fk", ["member_id", "merge_id"], "member_merges", ["member_id", "id"]),
    index("adopted_guests_guest_ix", "guest_id"),
)

# That another member is this one, by whose word and why, until it is undone; and the standing that the survivor had
# before, which comes back then.
member_merges = table(
    PACKAGE,
    "member_merges",
    MEMBER,
    uid("member_id"),
    uid("id"),
    uid("other_id"),
    text("reason"),
    text("actor"),
    at("at"),
    text("tier_before"),
    at("keeps_before", null=True),
    at("lapses_before", null=True),
    at("undone_at", null=True),
    text("undone_by", default=""),
    text("undone_reason", default=""),
    pk("member_merges", "member_id", "id"),
    fk("member_merges_member_fk", ["member_id"], "members", ["member_id"]),
    check("member_merges_ends_ck", "member_id <> other_id"),
    check("member_merges_undone_ck", "(undone_at IS NULL) = (undone_by = '') AND undone_at >= at"),
    index(
        "member_merges_live_ux", "member_id", "other_id", unique=True, postgresql_where=sql_text("undone_at IS NULL")
    ),
    index("member_merges_other_ix", "other_id"),
)

# What says who somebody is, besides the phone of a log-in and the numbers of cards: `leads` where it leads to this
# member alone, not where somebody else has it already.
identities = table(
    PACKAGE,
    "identities",
    distributed("value", "identity"),
    text("value"),
    text("kind"),
    uid("member_id"),
    flag("leads"),
    text("source"),
    at("since"),
    pk("identities", "value", "kind", "member_id"),
    check(
        "identities_kind_ck",
        "kind IN ('phone', 'wechat_openid', 'wechat_unionid', 'mail', 'card_no')"
        " OR kind ~ '^marketplace:[a-z0-9_-]{1,30}$'",
    ),
    # A card number leads by `member_codes`.
    check("identities_leads_ck", "NOT (leads AND kind = 'card_no') AND value <> ''"),
    index("identities_leads_ux", "value", "kind", unique=True, postgresql_where=sql_text("leads")),
    index("identities_member_ix", "member_id"),
)

# By which digests members are compared who share no identity: a name with a part of a phone, a mail address.
match_keys = table(
    PACKAGE,
    "match_keys",
    distributed("key", "match_key"),
    blob("key"),
    uid("member_id"),
    pk("match_keys", "key", "member_id"),
)

# Which member a sign-up of a file was decided to be, by the digest of what it says: read again, it is that member and
# says nothing new, whatever else is known by then.
signups_read = table(
    PACKAGE,
    "signups_read",
    distributed("digest", "signup"),
    blob("digest"),
    uid("member_id"),
    pk("signups_read", "digest"),
)

# Two members who may be one person, the lower id first, why, and what somebody decided.
member_pairs = table(
    PACKAGE,
    "member_pairs",
    MEMBER,
    uid("member_id"),
    uid("other_id"),
    text("state", default="open"),
    integer("score"),
    texts("reasons"),
    integer("rule_version"),
    text("source"),
    at("found_at"),
    at("decided_at", null=True),
    text("decided_by", default=""),
    text("decided_reason", default=""),
    pk("member_pairs", "member_id", "other_id"),
    fk("member_pairs_member_fk", ["member_id"], "members", ["member_id"]),
    check("member_pairs_ends_ck", "member_id < other_id"),
    check("member_pairs_state_ck", "state IN ('open', 'same', 'different')"),
    check(
        "member_pairs_decided_ck", "(state = 'open') = (decided_at IS NULL) AND (state = 'open') = (decided_by = '')"
    ),
    check("member_pairs_score_ck", "score BETWEEN 0 AND 100 AND cardinality(reasons) > 0"),
    index("member_pairs_open_ix", "score", "member_id", "other_id", postgresql_where=sql_text("state = 'open'")),
    index("member_pairs_other_ix", "other_id"),
)

# A chain's own member numbers, as imported or printed on old cards. A member may have several; the first is also theirs
# (`external_code`).
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
    # What it confirms: a code for one opens nothing else.
    text("purpose", default="login"),
    blob("code_hash"),
    integer("attempts", default="0"),
    at("created_at"),
    at("expires_at"),
    at("used_at", null=True),
    pk("login_codes", "phone", "id"),
    check("login_codes_purpose_ck", "purpose IN ('login', 'erasure')"),
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
    index("member_sessions_member_ix", "member_id"),
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

# What a member agreed to or took back, each time they said so: of which text, where, and by whom. The newest row of a
# purpose counts, if its text is not older than the last one that widened the purpose (`consents.sql`).
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
    text("actor", default=""),
    pk("consents", "member_id", "id"),
    fk("consents_member_fk", ["member_id"], "members", ["member_id"]),
    check("consents_purpose_ck", "purpose IN ('service', 'marketing', 'profiling', 'location', 'sharing')"),
    check("consents_version_ck", "text_version >= 1"),
    index("consents_purpose_ix", "member_id", "purpose", "at"),
    append_only=True,
)

# Versions of what members are asked to agree to. The first of each purpose is part of the program (`consent_texts.py`).
consent_texts = table(
    PACKAGE,
    "consent_texts",
    reference(),
    text("purpose"),
    integer("version"),
    text("title_zh"),
    text("title_en"),
    text("body_zh"),
    text("body_en"),
    # Whether it asks for more than before: then who agreed to an older one is asked again.
    flag("widens"),
    uid("actor_id"),
    text("reason"),
    at("created_at"),
    pk("consent_texts", "purpose", "version"),
    check("consent_texts_purpose_ck", "purpose IN ('service', 'marketing', 'profiling', 'location', 'sharing')"),
    check("consent_texts_version_ck", "version >= 2"),
    append_only=True,
)

# Who asked to be forgotten. What to look for in logs is kept until they are swept, and no longer.
erasures = table(
    PACKAGE,
    "erasures",
    MEMBER,
    uid("member_id"),
    text("channel"),
    text("actor"),
    at("erased_at"),
    doc("traces", null=True),
    at("swept_at", null=True),
    pk("erasures", "member_id"),
    fk("erasures_member_fk", ["member_id"], "members", ["member_id"]),
    check("erasures_swept_ck", "(swept_at IS NULL) = (traces IS NOT NULL)"),
    index("erasures_unswept_ix", "erased_at", postgresql_where=sql_text("swept_at IS NULL")),
)
