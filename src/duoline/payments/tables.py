"""Tables of payments: what we asked for, what came, what went back."""

from __future__ import annotations

from sqlalchemy import text as sql_text

from duoline.kernel.columns import at, big, blob, check, doc, fk, flag, index, integer, pk, text, uid, unique
from duoline.kernel.placement import MEMBER, STOCK, distributed, table

PACKAGE = "payments"

payment_intents = table(
    PACKAGE,
    "payment_intents",
    MEMBER,
    uid("member_id"),
    uid("id"),
    uid("order_id"),
    text("provider"),
    text("ref"),
    big("amount_minor"),
    text("currency"),
    text("state"),
    text("provider_ref", null=True),
    text("pay_url", null=True),
    at("expires_at", null=True),
    # Since when a provider is asked to take it by a code and has not answered: it may know of it.
    at("asked_at", null=True),
    at("created_at"),
    at("resolved_at", null=True),
    pk("payment_intents", "member_id", "id"),
    check("payment_intents_amount_ck", "amount_minor > 0"),
    check("payment_intents_state_ck", "state IN ('open', 'captured', 'closed')"),
    index("payment_intents_order_ix", "member_id", "order_id"),
    index(
        "payment_intents_open_ix",
        "expires_at",
        postgresql_where=sql_text("state = 'open' AND provider_ref IS NOT NULL"),
    ),
)

# The provider knows a payment by our reference; this finds its member.
payment_refs = table(
    PACKAGE,
    "payment_refs",
    distributed("ref", "payment_ref"),
    text("ref"),
    uid("member_id"),
    uid("intent_id"),
    pk("payment_refs", "ref"),
)

# One capture an intent; refunds may never exceed it (PAY-1), by constraint. `payer_key` is the keyed digest of the
# account that paid at the provider, NULL where nobody says (`payers.py`).
captures = table(
    PACKAGE,
    "captures",
    MEMBER,
    uid("member_id"),
    uid("id"),
    uid("intent_id"),
    uid("order_id"),
    text("tender"),
    big("amount_minor"),
    big("refunded_minor", default="0"),
    text("currency"),
    text("provider_event", null=True),
    blob("payer_key", null=True),
    at("at"),
    text("actor"),
    pk("captures", "member_id", "id"),
    unique("captures_intent_uq", "member_id", "intent_id"),
    fk("captures_intent_fk", ["member_id", "intent_id"], "payment_intents", ["member_id", "id"]),
    check("captures_amount_ck", "amount_minor > 0"),
    check("captures_refunded_ck", "refunded_minor >= 0 AND refunded_minor <= amount_minor"),
    check("captures_payer_ck", "octet_length(payer_key) = 32"),
    index("captures_order_ix", "member_id", "order_id"),
    index("captures_payer_ix", "member_id", "payer_key", postgresql_where=sql_text("payer_key IS NOT NULL")),
)

refunds = table(
    PACKAGE,
    "refunds",
    MEMBER,
    uid("member_id"),
    uid("id"),
    uid("order_id"),
    uid("capture_id"),
    text("ref"),
    big("amount_minor"),
    text("currency"),
    text("state"),
    text("reason"),
    text("actor"),
    integer("attempts", default="0"),
    text("problem", null=True),
    at("created_at"),
    at("resolved_at", null=True),
    pk("refunds", "member_id", "id"),
    fk("refunds_capture_fk", ["member_id", "capture_id"], "captures", ["member_id", "id"]),
    unique("refunds_ref_uq", "member_id", "ref"),
    check("refunds_amount_ck", "amount_minor > 0"),
    check("refunds_state_ck", "state IN ('requested', 'done', 'failed')"),
    index("refunds_order_ix", "member_id", "order_id"),
    index("refunds_open_ix", "created_at", postgresql_where=sql_text("state = 'requested'")),
    index("refunds_failed_ix", "created_at", postgresql_where=sql_text("state = 'failed'")),
)

# Each notice of a provider, once; what became of it.
provider_events = table(
    PACKAGE,
    "provider_events",
    distributed("event_id", "provider_event"),
    text("event_id"),
    text("provider"),
    text("kind"),
    text("ref"),
    doc("body"),
    text("outcome"),
    at("received_at"),
    pk("provider_events", "event_id"),
    append_only=True,
)

# Money that does not fit: another amount or currency than the intent's. A person settles it with the provider.
payment_exceptions = table(
    PACKAGE,
    "payment_exceptions",
    MEMBER,
    uid("member_id"),
    uid("id"),
    uid("order_id"),
    uid("intent_id"),
    text("provider"),
    big("expected_minor"),
    text("currency"),
    big("got_minor"),
    text("got_currency"),
    text("state"),
    at("created_at"),
    at("resolved_at", null=True),
    text("note", default=""),
    text("actor", default=""),
    pk("payment_exceptions", "member_id", "id"),
    unique("payment_exceptions_what_uq", "member_id", "intent_id", "got_minor", "got_currency"),
    fk("payment_exceptions_intent_fk", ["member_id", "intent_id"], "payment_intents", ["member_id", "id"]),
    check("payment_exceptions_state_ck", "state IN ('open', 'resolved')"),
    check("payment_exceptions_resolved_ck", "(state = 'resolved') = (resolved_at IS NOT NULL)"),
    index("payment_exceptions_open_ix", "created_at", postgresql_where=sql_text("state = 'open'")),
)

# A drawer of a shop from its float to its count. One that was not opened when the first cash came is opened by itself,
# with nothing in it. While it is open nobody has counted: `expected_minor` is written with the count.
drawer_sessions = table(
    PACKAGE,
    "drawer_sessions",
    STOCK,
    uid("location_id"),
    uid("id"),
    text("drawer"),
    flag("by_itself"),
    big("float_minor"),
    at("opened_at"),
    uid("opened_by"),
    text("opened_name"),
    at("closed_at", null=True),
    uid("closed_by", null=True),
    text("closed_name", null=True),
    big("counted_minor", null=True),
    big("expected_minor", null=True),
    text("note", default=""),
    pk("drawer_sessions", "location_id", "id"),
    check("drawer_sessions_float_ck", "float_minor >= 0 AND counted_minor >= 0"),
    check("drawer_sessions_time_ck", "closed_at >= opened_at"),
    check(
        "drawer_sessions_closed_ck",
        "(closed_at IS NULL) = (counted_minor IS NULL) AND (closed_at IS NULL) = (expected_minor IS NULL)"
        " AND (closed_at IS NULL) = (closed_by IS NULL) AND (closed_at IS NULL) = (closed_name IS NULL)",
    ),
    # TIL-3: a drawer is open once.
    index(
        "drawer_sessions_open_ux", "location_id", "drawer", unique=True, postgresql_where=sql_text("closed_at IS NULL")
    ),
    index("drawer_sessions_id_ix", "id"),
    index("drawer_sessions_list_ix", "location_id", sql_text("opened_at DESC")),
    index("drawer_sessions_all_ix", sql_text("opened_at DESC"), "id"),
)

# Cash that went into a drawer (above zero) or out of it, by what it was for: a capture, a refund, or a payment by hand,
# which is its own reason. Each is in one session, and none is ever changed.
drawer_entries = table(
    PACKAGE,
    "drawer_entries",
    STOCK,
    uid("location_id"),
    uid("session_id"),
    uid("id"),
    text("kind"),
    big("amount_minor"),
    uid("ref_id"),
    at("at"),
    uid("actor_id"),
    text("actor_name"),
    text("reason", default=""),
    pk("drawer_entries", "location_id", "session_id", "id"),
    fk("drawer_entries_session_fk", ["location_id", "session_id"], "drawer_sessions", ["location_id", "id"]),
    unique("drawer_entries_ref_uq", "location_id", "ref_id"),
    check("drawer_entries_kind_ck", "kind IN ('sale', 'collection', 'refund', 'paid_in', 'paid_out', 'top_up')"),
    check(
        "drawer_entries_amount_ck",
        "CASE WHEN kind IN ('refund', 'paid_out') THEN amount_minor < 0 ELSE amount_minor > 0 END",
    ),
    check("drawer_entries_reason_ck", "reason <> '' OR kind NOT IN ('paid_in', 'paid_out')"),
    append_only=True,
    erasable=("reason",),
)
