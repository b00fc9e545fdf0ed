"""Tables of fulfilment: what a location has to do for an order, live where its stock lives."""

from __future__ import annotations

from sqlalchemy import text as sql_text

from duoline.kernel.columns import at, big, blob, check, doc, fk, flag, index, integer, on, pk, text, uid
from duoline.kernel.placement import MEMBER, STOCK, distributed, managed_local, table

PACKAGE = "fulfilment"

fulfilments = table(
    PACKAGE,
    "fulfilments",
    STOCK,
    uid("location_id"),
    uid("id"),
    uid("member_id"),
    uid("order_id"),
    text("order_no"),
    text("kind"),
    text("state"),
    text("pay_mode"),
    flag("paid"),
    # Scan-and-go: the buyer stands in the shop and waits for the bag.
    flag("in_shop"),
    text("contact_name"),
    text("contact_phone"),
    doc("address", null=True),
    text("note", default=""),
    text("short_code", null=True),
    at("promise_at"),
    # What the plain rule said when it was promised; what is learned is measured from it. Null before there was any.
    at("plain_at", null=True),
    # How far a parcel goes, as it was assumed when it was promised.
    integer("away_km", null=True),
    at("placed_at"),
    # Since when the location can work on it: paid, or to be paid at the counter.
    at("work_at", null=True),
    at("ready_at", null=True),
    at("keep_until", null=True),
    at("done_at", null=True),
    at("delivered_at", null=True),
    # Since when the order's units could be picked at any location, and whether anybody here has begun to: until then
    # they may be planned again. Unknown for what is older than these columns.
    at("to_pick_at", null=True),
    at("begun_at", null=True),
    text("carrier", null=True),
    text("tracking_no", null=True),
    uid("decision_id", null=True),
    # Of a transfer the shop where the units will be collected.
    uid("to_location_id", null=True),
    # What each unit that leaves costs, by the owner's terms when it was promised; settled with the owner. Of a transfer
    # it is copied to the transfer that is sent, and settled there.
    big("unit_fee_minor", default="0"),
    pk("fulfilments", "location_id", "id"),
    check("fulfilments_kind_ck", "kind IN ('pickup', 'ship', 'transfer', 'till')"),
    # What lies on a counter until it is paid is nobody's work: no queue ever shows it.
    check("fulfilments_till_ck", "kind <> 'till' OR state IN ('waiting', 'handed_over', 'cancelled')"),
    check("fulfilments_in_shop_ck", "NOT in_shop OR kind = 'pickup'"),
    check(
        "fulfilments_to_ck",
        "(kind = 'transfer') = (to_location_id IS NOT NULL) AND to_location_id IS DISTINCT FROM location_id",
    ),
    check(
        "fulfilments_state_ck",
        "state IN ('waiting', 'to_pick', 'ready', 'handed_over', 'shipped', 'delivered', 'cancelled', "
        "'uncollected', 'rejected')",
    ),
    # I12: nothing leaves unpaid.
    check("fulfilments_paid_ck", "state NOT IN ('handed_over', 'shipped', 'delivered') OR paid"),
    index(
        "fulfilments_queue_ix",
        "location_id",
        "state",
        "promise_at",
        postgresql_where=sql_text("state IN ('waiting', 'to_pick', 'ready')"),
    ),
    index("fulfilments_done_ix", "location_id", "done_at", postgresql_where=sql_text("done_at IS NOT NULL")),
    index("fulfilments_promised_ix", "location_id", "promise_at", postgresql_where=sql_text("plain_at IS NOT NULL")),
    index("fulfilments_in_shop_ix", "work_at", postgresql_where=sql_text("in_shop")),
    index("fulfilments_order_ix", "order_id"),
    index("fulfilments_id_ix", "id"),
    index(
        "fulfilments_unpicked_ix",
        "to_pick_at",
        postgresql_where=sql_text("state = 'to_pick' AND kind = 'ship' AND begun_at IS NULL"),
    ),
    index(
        "fulfilments_to_ix",
        "to_location_id",
        "promise_at",
        postgresql_where=sql_text("kind = 'transfer' AND state IN ('to_pick', 'ready')"),
    ),
    index("fulfilments_keep_ix", "keep_until", postgresql_where=sql_text("state = 'ready' AND kind = 'pickup'")),
    index(
        "fulfilments_short_ix",
        "location_id",
        "short_code",
        postgresql_where=sql_text("state IN ('waiting', 'to_pick', 'ready')"),
    ),
)

fulfilment_lines = table(
    PACKAGE,
    "fulfilment_lines",
    STOCK,
    uid("location_id"),
    uid("fulfilment_id"),
    uid("line_id"),
    uid("sku_id"),
    integer("quantity"),
    uid("hold_id"),
    pk("fulfilment_lines", "location_id", "fulfilment_id", "line_id"),
    fk(
        "fulfilment_lines_fulfilment_fk",
        ["location_id", "fulfilment_id"],
        "fulfilments",
        ["location_id", "id"],
    ),
    fk("fulfilment_lines_hold_fk", ["location_id", "hold_id"], "holds", ["location_id", "id"]),
    check("fulfilment_lines_quantity_ck", "quantity >= 0"),
)

# What a scanned QR leads to. Only the digest of the code is kept.
pickup_codes = table(
    PACKAGE,
    "pickup_codes",
    distributed("code_hash", "pickup_code"),
    blob("code_hash"),
    uid("location_id"),
    uid("fulfilment_id"),
    pk("pickup_codes", "code_hash"),
)

# Wrong codes typed, a clerk and ten minutes: the limit that makes a short code safe.
code_attempts = table(
    PACKAGE,
    "code_attempts",
    STOCK,
    uid("location_id"),
    uid("staff_id"),
    at("window_at"),
    integer("wrong"),
    pk("code_attempts", "location_id", "staff_id", "window_at"),
)

sourcing_decisions = table(
    PACKAGE,
    "sourcing_decisions",
    MEMBER,
    uid("member_id"),
    uid("order_id"),
    uid("id"),
    at("at"),
    integer("policy_version"),
    doc("terms"),
    doc("chosen"),
    doc("candidates"),
    doc("summary"),
    big("cost_minor"),
    integer("solver_us"),
    uid("region_id", null=True),  # where it goes, as far as that is one of our regions
    # Of a plan that was made again together with others: what it costs less than the one before, then and there.
    big("saved_minor", null=True),
    pk("sourcing_decisions", "member_id", "order_id", "id"),
    index("sourcing_decisions_region_ix", "region_id", "at", postgresql_where=sql_text("region_id IS NOT NULL")),
    index("sourcing_decisions_saved_ix", "at", postgresql_where=sql_text("saved_minor IS NOT NULL")),
    append_only=True,
)

# Past periods played again under other terms: what was asked for, how far it is, what came of it.
sourcing_replays = table(
    PACKAGE,
    "sourcing_replays",
    managed_local(),
    uid("id"),
    at("since_at"),
    at("until_at"),
    doc("contenders"),  # [{name, version, body}], the terms in force first
    text("state", default="queued"),
    integer("orders_total", null=True),
    integer("orders_done", default="0"),
    doc("result", null=True),  # fulfilment.replay_book.Result
    doc("problem", null=True),  # {zh, en}: why it could not be played
    text("actor_kind"),
    uid("actor_id"),
    text("actor_name"),
    at("created_at"),
    at("started_at", null=True),
    at("finished_at", null=True),
    pk("sourcing_replays", "id"),
    check("sourcing_replays_state_ck", "state IN ('queued', 'running', 'done', 'failed', 'cancelled')"),
    check("sourcing_replays_period_ck", "since_at < until_at"),
    check("sourcing_replays_result_ck", "(state = 'done') = (result IS NOT NULL)"),
    check("sourcing_replays_ended_ck", "(state IN ('queued', 'running')) = (finished_at IS NULL)"),
    index("sourcing_replays_created_ix", "created_at", "id"),
)

# When all shelves were priced: asked for by the clock or by somebody, and what came of it.
shadow_runs = table(
    PACKAGE,
    "shadow_runs",
    managed_local(),
    uid("id"),
    text("state"),
    at("asked_at"),
    at("finished_at", null=True),
    text("actor_name"),
    integer("shelves", null=True),
    integer("programs", null=True),
    integer("by_scarcity", null=True),  # articles
    pk("shadow_runs", "id"),
    check("shadow_runs_state_ck", "state IN ('queued', 'running', 'done', 'failed')"),
    check("shadow_runs_done_ck", "(state = 'done') = (shelves IS NOT NULL)"),
    index("shadow_runs_asked_ix", "asked_at", "id"),
    index("shadow_runs_queued_uq", "state", unique=True, postgresql_where=sql_text("state = 'queued'")),
)

# What a location did with its fulfilments in the last weeks, learned every night.
source_records = table(
    PACKAGE,
    "source_records",
    STOCK,
    uid("location_id"),
    integer("served"),
    integer("rejected"),
    at("learned_at"),
    pk("source_records", "location_id"),
    check("source_records_counts_ck", "served >= 0 AND rejected >= 0"),
)

# Pickups whose buyer was told that their time runs out: one row each, for ever. `keep_until` is the end that was told.
# The message is sent once at most: whoever sends it says so first (`claimed_at`); `outcome` is what came of it.
pickup_reminders = table(
    PACKAGE,
    "pickup_reminders",
    STOCK,
    uid("location_id"),
    uid("fulfilment_id"),
    at("keep_until"),
    at("reminded_at"),
    at("claimed_at", null=True),
    text("outcome", null=True),
    pk("pickup_reminders", "location_id", "fulfilment_id"),
    fk(
        "pickup_reminders_fulfilment_fk",
        ["location_id", "fulfilment_id"],
        "fulfilments",
        ["location_id", "id"],
    ),
    check("pickup_reminders_time_ck", "reminded_at < keep_until"),
    check(
        "pickup_reminders_claim_ck",
        "outcome IS NULL OR (claimed_at IS NOT NULL) = (outcome IN ('sent', 'refused', 'unanswered'))",
    ),
    check("pickup_reminders_outcome_ck", "outcome IN ('sent', 'refused', 'unanswered', 'no_gateway', 'over')"),
)

# How much later than the plain rule each location is to promise, learned every night. `band` is the part of the day for
# pickups (lags.band_of), the reach for parcels (DeliveryPolicy.reach); `lag` is in open minutes, or in days.
promise_lags = table(
    PACKAGE,
    "promise_lags",
    STOCK,
    uid("location_id"),
    text("kind"),
    integer("band"),
    integer("lag"),
    integer("seen"),  # orders of this location and band that it was learned from
    at("learned_at"),
    pk("promise_lags", "location_id", "kind", "band"),
    check("promise_lags_kind_ck", "kind IN ('pickup', 'ship')"),
    check("promise_lags_seen_ck", "seen >= 0"),
)

# What became of the promises of a day (of the shop's calendar): how many were kept, and the pinball loss, in
# thousandths of an open minute or a day, of what was promised and of what the plain rule says. `aim` is in percent.
promise_days = table(
    PACKAGE,
    "promise_days",
    STOCK,
    uid("location_id"),
    on("day"),
    text("kind"),
    integer("band"),
    integer("promises"),
    integer("kept"),
    integer("plain_kept"),
    big("loss_milli"),
    big("plain_loss_milli"),
    integer("aim"),
    pk("promise_days", "location_id", "day", "kind", "band"),
    check("promise_days_kind_ck", "kind IN ('pickup', 'ship')"),
    check("promise_days_kept_ck", "promises > 0 AND kept BETWEEN 0 AND promises AND plain_kept BETWEEN 0 AND promises"),
    check("promise_days_loss_ck", "loss_milli >= 0 AND plain_loss_milli >= 0"),
    index("promise_days_day_ix", "day"),
)
