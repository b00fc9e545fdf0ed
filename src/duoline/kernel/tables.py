"""Tables of the kernel: idempotency, outboxes, the event log, leases, audit, policies, flows."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Identity, Integer, SmallInteger
from sqlalchemy import text as sql_text

from duoline.kernel.columns import at, big, blob, check, doc, index, integer, pk, text, uid, uids, unique
from duoline.kernel.placement import MEMBER, STOCK, distributed, managed_local, reference, table

PACKAGE = "kernel"

# One effect a key (IDE-1). The actor is the member or the staff member; members' rows live with them.
idempotency = table(
    PACKAGE,
    "idempotency",
    distributed("actor_id", "member"),
    uid("actor_id"),
    text("key"),
    blob("request_hash"),
    Column("status", SmallInteger, nullable=False),
    text("response"),
    at("created_at"),
    pk("idempotency", "actor_id", "key"),
)


def _outbox(name: str, key: str | None) -> list[object]:
    parts: list[object] = [uid(key)] if key else []
    parts += [
        uid("id"),
        text("topic"),
        text("key"),
        doc("payload"),
        uid("for_member_id", null=True),
        uids("store_ids", default="{}"),
        at("at"),
        pk(name, *([key] if key else []), "id"),
        # The relay reads from its beginning. Without it every look would walk over the rows that were relayed since
        # the last vacuum; the index forgets them.
        index(f"{name}_at_ix", "at", "id"),
    ]
    return parts


member_outbox = table(PACKAGE, "member_outbox", MEMBER, *_outbox("member_outbox", "member_id"))
stock_outbox = table(PACKAGE, "stock_outbox", STOCK, *_outbox("stock_outbox", "location_id"))
local_outbox = table(PACKAGE, "local_outbox", managed_local(), *_outbox("local_outbox", None))

# Written by the relay alone, so ids are in commit order and a reader who saw n has seen all below n.
event_log = table(
    PACKAGE,
    "event_log",
    managed_local(),
    Column("id", BigInteger, Identity(always=True), nullable=False),
    uid("source_id"),
    text("topic"),
    text("key"),
    doc("payload"),
    uid("for_member_id", null=True),
    uids("store_ids", default="{}"),
    at("at"),
    pk("event_log", "id"),
    unique("event_log_source_uq", "source_id"),
)

event_offsets = table(
    PACKAGE,
    "event_offsets",
    managed_local(),
    text("consumer"),
    big("last_id"),
    pk("event_offsets", "consumer"),
)

leases = table(
    PACKAGE,
    "leases",
    managed_local(),
    text("name"),
    uid("holder_id"),
    at("until_at"),
    big("fence"),
    pk("leases", "name"),
)

audit_log = table(
    PACKAGE,
    "audit_log",
    managed_local(),
    uid("id"),
    at("at"),
    text("actor_kind"),
    uid("actor_id"),
    text("actor_name"),
    text("action"),
    text("subject_kind"),
    text("subject"),
    uid("store_id", null=True),
    text("reason"),
    doc("before", null=True),
    doc("after", null=True),
    pk("audit_log", "id"),
    index("audit_log_at_ix", sql_text("at DESC"), "id"),
    index("audit_log_subject_ix", "subject_kind", "subject"),
    append_only=True,
    erasable=(
        "reason",
        "before",
        "after",
    ),
)

# What the last check of each invariant found: rows that break it, and the first of them.
invariant_checks = table(
    PACKAGE,
    "invariant_checks",
    managed_local(),
    text("name"),
    at("checked_at"),
    integer("rows"),
    doc("sample"),
    pk("invariant_checks", "name"),
)

# Regular work whose latest run raised. A run that goes well takes its row away.
cron_failures = table(
    PACKAGE,
    "cron_failures",
    managed_local(),
    text("name"),
    at("since_at"),
    at("failed_at"),
    integer("times"),
    text("problem"),
    pk("cron_failures", "name"),
)

# Decisions as data. The newest version whose active_from has come is in force.
# A version holds everywhere, or is a pilot: in `regions` only, until `until_at`, to be compared with `controls`.
policies = table(
    PACKAGE,
    "policies",
    reference(),
    text("kind"),
    integer("version"),
    doc("body"),
    at("active_from"),
    uid("actor_id"),
    text("reason"),
    at("created_at"),
    uids("regions", null=True),
    uids("controls", null=True),
    at("until_at", null=True),
    pk("policies", "kind", "version"),
    check("policies_version_ck", "version > 0"),
    check(
        "policies_pilot_ck",
        "(regions IS NULL) = (controls IS NULL) AND (regions IS NULL) = (until_at IS NULL) "
        "AND cardinality(regions) > 0 AND cardinality(controls) > 0 AND NOT regions && controls",
    ),
)

flow_records = table(
    PACKAGE,
    "flow_records",
    managed_local(),
    uid("id"),
    text("name"),
    text("key"),
    text("step"),
    doc("data"),
    text("state"),
    integer("attempts", default="0"),
    at("run_at"),
    text("problem", null=True),
    at("created_at"),
    at("updated_at"),
    pk("flow_records", "id"),
    unique("flow_records_key_uq", "name", "key"),
    check("flow_records_state_ck", "state IN ('running', 'done', 'failed')"),
    index("flow_records_due_ix", "run_at", postgresql_where=sql_text("state = 'running'")),
)

# Where each Han character stands by pinyin, by its code point (`pinyin`). Written by its migration alone.
hanzi = table(
    PACKAGE,
    "hanzi",
    reference(),
    Column("code", Integer, autoincrement=False, nullable=False),
    Column("place", SmallInteger, nullable=False),
    pk("hanzi", "code"),
)
