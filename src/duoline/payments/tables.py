"""Tables of payments: what we asked for, what came, what went back."""

from __future__ import annotations

from sqlalchemy import text as sql_text

from duoline.kernel.columns import at, big, check, doc, fk, index, integer, pk, text, uid, unique
from duoline.kernel.placement import MEMBER, distributed, table

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

# One capture an intent; refunds may never exceed it (PAY-1), by constraint.
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
    at("at"),
    text("actor"),
    pk("captures", "member_id", "id"),
    unique("captures_intent_uq", "member_id", "intent_id"),
    fk("captures_intent_fk", ["member_id", "intent_id"], "payment_intents", ["member_id", "id"]),
    check("captures_amount_ck", "amount_minor > 0"),
    check("captures_refunded_ck", "refunded_minor >= 0 AND refunded_minor <= amount_minor"),
    index("captures_order_ix", "member_id", "order_id"),
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
