"""Tables of stock, one row a side: levels, the movements they sum up, and the holds on them."""

from __future__ import annotations

from sqlalchemy import text as sql_text

from duoline.kernel.columns import at, big, check, doc, fk, flag, index, integer, pk, text, uid
from duoline.kernel.placement import STOCK, reference, table

PACKAGE = "inventory"

# Every place a unit can be. A store's or warehouse's location has the store's own id.
locations = table(
    PACKAGE,
    "locations",
    reference(),
    uid("id"),
    text("kind"),
    uid("store_id", null=True),
    # What the owner lets others have of each SKU: at most so many at a time (NULL for any number), and leaving so many.
    integer("outward_cap", null=True),
    integer("outward_reserve", default="0"),
    pk("locations", "id"),
    fk("locations_store_fk", ["store_id"], "stores", ["id"]),
    check(
        "locations_kind_ck",
        "kind IN ('store', 'dc', 'supplier', 'customer', 'transit', 'loss', 'quarantine')",
    ),
)

# INV-2 in the database: no hold without the unit, no unit held twice, no negative count.
levels = table(
    PACKAGE,
    "levels",
    STOCK,
    uid("location_id"),
    uid("sku_id"),
    integer("on_hand", default="0"),
    integer("held", default="0"),
    integer("safety", default="0"),
    text("shelf", null=True),
    # Of what is held, units that are to leave for others; the location's terms; units by channel that it has to leave.
    integer("outward", default="0"),
    integer("outward_cap", null=True),
    integer("outward_reserve", default="0"),
    doc("buffers", default="'{}'"),
    # Units that walk-in customers buy in a thousand days, learned every night.
    integer("walk_in_rate", default="0"),
    # What one unit here is worth to deliveries and walk-ins to come, learned every night; null where nothing is known.
    integer("shadow_minor", null=True),
    pk("levels", "location_id", "sku_id"),
    fk("levels_location_fk", ["location_id"], "locations", ["id"]),
    check("levels_held_ck", "held >= 0 AND held <= on_hand"),
    check("levels_safety_ck", "safety >= 0"),
    check("levels_outward_ck", "outward >= 0 AND outward <= held"),
    check("levels_walk_in_ck", "walk_in_rate >= 0"),
    check("levels_shadow_ck", "shadow_minor >= 0"),
    check("levels_terms_ck", "outward_cap >= 0 AND outward_reserve >= 0"),
    index("levels_sku_ix", "sku_id"),
)

# Both rows of a movement carry the same id; quantity is signed from the row's own location.
movements = table(
    PACKAGE,
    "movements",
    STOCK,
    uid("location_id"),
    uid("id"),
    uid("sku_id"),
    uid("other_location_id"),
    integer("quantity"),
    integer("on_hand_after", null=True),
    text("reason"),
    text("ref_kind"),
    uid("ref_id"),
    at("at"),
    text("actor"),
    text("note", default=""),
    pk("movements", "location_id", "id"),
    check("movements_quantity_ck", "quantity <> 0"),
    check("movements_ends_ck", "location_id <> other_location_id"),
    check(
        "movements_reason_ck",
        "reason IN ('opening', 'receipt', 'sale', 'return', 'count', 'damage', 'missing', 'transfer')",
    ),
    index("movements_sku_ix", "location_id", "sku_id", "at"),
    # What came in, the newest first: how old is what is there. What is sold comes in nowhere but at the customer's, so
    # trade does not write here.
    index(
        "movements_came_ix",
        "location_id",
        "sku_id",
        sql_text("at DESC"),
        sql_text("id DESC"),
        postgresql_include=["quantity"],
        postgresql_where=sql_text("quantity > 0 AND reason <> 'sale'"),
    ),
    # What turned up missing of late.
    index(
        "movements_lost_ix",
        "location_id",
        "at",
        postgresql_where=sql_text("reason IN ('count', 'missing', 'damage')"),
    ),
    append_only=True,
    erasable=("note",),
)

# INV-3: a hold is exactly one of open, taken, released, expired.
holds = table(
    PACKAGE,
    "holds",
    STOCK,
    uid("location_id"),
    uid("id"),
    uid("sku_id"),
    integer("quantity"),
    text("state", default="open"),
    flag("outward"),
    text("ref_kind"),
    uid("ref_id"),
    at("expires_at", null=True),
    at("created_at"),
    at("resolved_at", null=True),
    text("actor"),
    text("note", default=""),
    pk("holds", "location_id", "id"),
    check("holds_quantity_ck", "quantity > 0"),
    check("holds_state_ck", "state IN ('open', 'taken', 'released', 'expired')"),
    check("holds_resolved_ck", "(state = 'open') = (resolved_at IS NULL)"),
    fk("holds_level_fk", ["location_id", "sku_id"], "levels", ["location_id", "sku_id"]),
    index("holds_open_ix", "location_id", "sku_id", postgresql_where=sql_text("state = 'open'")),
    index(
        "holds_due_ix",
        "expires_at",
        postgresql_where=sql_text("state = 'open' AND expires_at IS NOT NULL"),
    ),
    index("holds_ref_ix", "location_id", "ref_id"),
)

# A count of some articles (a shelf, chosen SKUs) or of all that a location carries. Rejected counts are open again.
counts = table(
    PACKAGE,
    "counts",
    STOCK,
    uid("location_id"),
    uid("id"),
    text("kind"),
    flag("blind"),
    text("state", default="open"),
    text("title"),
    text("shelf", null=True),
    at("opened_at"),
    uid("opened_by"),
    text("opened_name"),
    at("submitted_at", null=True),
    uid("submitted_by", null=True),
    text("submitted_name", null=True),
    at("decided_at", null=True),
    uid("decided_by", null=True),
    text("decided_name", null=True),
    text("note", default=""),
    pk("counts", "location_id", "id"),
    fk("counts_location_fk", ["location_id"], "locations", ["id"]),
    check("counts_kind_ck", "kind IN ('cycle', 'full')"),
    check("counts_state_ck", "state IN ('open', 'submitted', 'approved', 'cancelled')"),
    check("counts_submitted_ck", "(state = 'open') = (submitted_at IS NULL) OR state = 'cancelled'"),
    check("counts_decided_ck", "state <> 'approved' OR decided_at IS NOT NULL"),
    index("counts_id_ix", "id"),
    index("counts_state_ix", "location_id", "state", "opened_at"),
    index("counts_waiting_ix", "submitted_at", postgresql_where=sql_text("state = 'submitted'")),
)

# One article of a count. `book` is what the book said when the units were last counted, so that trade between the
# count and its approval changes nothing; `moved` tells that units came or went while they were counted. Nobody has
# counted a line whose `counted` is NULL. `variance` (against the book, less what other counts have corrected since),
# `applied` and `short` (missing units that are held and cannot be written off) are written at approval.
count_lines = table(
    PACKAGE,
    "count_lines",
    STOCK,
    uid("location_id"),
    uid("count_id"),
    uid("sku_id"),
    integer("counted", null=True),
    integer("book", null=True),
    flag("moved"),
    at("first_at", null=True),
    at("last_at", null=True),
    integer("variance", null=True),
    integer("applied", null=True),
    integer("short", null=True),
    pk("count_lines", "location_id", "count_id", "sku_id"),
    fk("count_lines_count_fk", ["location_id", "count_id"], "counts", ["location_id", "id"]),
    index("count_lines_sku_ix", "location_id", "sku_id"),
    check("count_lines_counted_ck", "counted >= 0"),
    check("count_lines_book_ck", "(counted IS NULL) = (book IS NULL) AND (counted IS NULL) = (last_at IS NULL)"),
    check("count_lines_applied_ck", "variance IS NULL OR (short >= 0 AND variance = applied - short)"),
)

# What was scanned, under the name that the phone gave it: a repeat is found here and counts nothing.
count_scans = table(
    PACKAGE,
    "count_scans",
    STOCK,
    uid("location_id"),
    uid("count_id"),
    uid("id"),
    uid("sku_id"),
    integer("delta", null=True),
    integer("counted", null=True),
    at("at"),
    text("actor"),
    pk("count_scans", "location_id", "count_id", "id"),
    fk(
        "count_scans_line_fk",
        ["location_id", "count_id", "sku_id"],
        "count_lines",
        ["location_id", "count_id", "sku_id"],
    ),
    check("count_scans_what_ck", "(delta IS NULL) <> (counted IS NULL)"),
    append_only=True,
)

# Units that are held for somebody and were counted as not there, or broke. `taken` were written off since, from units
# that were given back; `lost` were taken from orders as missing or damaged; `found` turned up after all. `broken` of
# the units are there and cannot be sold (`broken_gone` of these are off the book by now); the last of them broke at
# `broke_at`. `asks` when only a person can go on, because the units left are kept by hand. `changes` counts whatever
# changed the units, so that two who work on one shortage notice each other.
shortages = table(
    PACKAGE,
    "shortages",
    STOCK,
    uid("location_id"),
    uid("id"),
    uid("sku_id"),
    uid("count_id", null=True),  # the first count that found some missing; none when all of them broke
    integer("units"),
    integer("taken", default="0"),
    integer("lost", default="0"),
    integer("found", default="0"),
    integer("broken", default="0"),
    integer("broken_gone", default="0"),
    at("broke_at", null=True),
    text("state", default="open"),
    flag("asks"),
    integer("changes", default="0"),
    at("opened_at"),
    at("resolved_at", null=True),
    pk("shortages", "location_id", "id"),
    fk("shortages_count_fk", ["location_id", "count_id"], "counts", ["location_id", "id"]),
    check("shortages_units_ck", "least(taken, lost, found) >= 0 AND units > 0 AND taken + lost + found <= units"),
    check("shortages_state_ck", "state IN ('open', 'resolved') AND (state = 'open') = (resolved_at IS NULL)"),
    check("shortages_broken_ck", "0 <= broken_gone AND broken_gone <= broken AND broken <= units"),
    check("shortages_cause_ck", "(broken > 0) = (broke_at IS NOT NULL) AND (broken < units) <= (count_id IS NOT NULL)"),
    # One task for an article: what another count finds missing is added to it.
    index("shortages_open_ux", "location_id", "sku_id", unique=True, postgresql_where=sql_text("state = 'open'")),
    index("shortages_id_ix", "id"),
    index("shortages_count_ix", "location_id", "count_id"),
)

# A transfer has one row a side with the same id and the same words: the source's ('out') and the destination's ('in').
# Both change in one transaction (TRF-1). `version` counts the changes, so that nobody acts on what they saw earlier.
transfers = table(
    PACKAGE,
    "transfers",
    STOCK,
    uid("location_id"),
    uid("id"),
    text("side"),
    uid("other_location_id"),
    text("number"),
    text("state"),
    integer("version", default="1"),
    flag("called"),  # by headquarters, which asks nobody
    flag("automatic"),  # approved by the policy
    big("unit_fee_minor", default="0"),  # due to the source's owner for each unit that another company receives
    text("note", default=""),
    text("reason", default=""),  # why it was declined, cancelled or written off
    text("requested_by"),
    text("decided_by", null=True),
    text("sent_by", null=True),
    text("received_by", null=True),
    at("requested_at"),
    at("decided_at", null=True),
    at("sent_at", null=True),
    at("received_at", null=True),
    at("expected_at", null=True),
    # What it was sent for, when units left that were held for something: a fulfilment of the source's.
    text("ref_kind", null=True),
    uid("ref_id", null=True),
    pk("transfers", "location_id", "id"),
    check("transfers_side_ck", "side IN ('out', 'in')"),
    check("transfers_ends_ck", "location_id <> other_location_id"),
    check(
        "transfers_state_ck",
        "state IN ('requested', 'approved', 'sent', 'short', 'received', 'declined', 'cancelled')",
    ),
    check("transfers_sent_ck", "(state IN ('sent', 'short', 'received')) = (sent_at IS NOT NULL)"),
    check("transfers_ref_ck", "(ref_kind IS NULL) = (ref_id IS NULL)"),
    # What is held for one thing is sent once.
    index("transfers_ref_ux", "location_id", "ref_id", unique=True, postgresql_where=sql_text("ref_id IS NOT NULL")),
    index("transfers_list_ix", "location_id", "requested_at"),
    index("transfers_id_ix", "id"),
    index(
        "transfers_open_ix",
        "location_id",
        "side",
        postgresql_where=sql_text("state IN ('requested', 'approved', 'sent', 'short')"),
    ),
    index("transfers_waiting_ix", "requested_at", postgresql_where=sql_text("state = 'requested' AND side = 'out'")),
)

# Units of a SKU: asked for, sent, and what became of those: received, damaged, lost, or still on the way. `surplus`
# came without having been sent. The source's row has the hold that keeps the units until they leave.
transfer_lines = table(
    PACKAGE,
    "transfer_lines",
    STOCK,
    uid("location_id"),
    uid("transfer_id"),
    uid("sku_id"),
    integer("quantity"),
    integer("sent", default="0"),
    integer("received", default="0"),
    integer("damaged", default="0"),
    integer("lost", default="0"),
    integer("surplus", default="0"),
    uid("hold_id", null=True),
    pk("transfer_lines", "location_id", "transfer_id", "sku_id"),
    fk("transfer_lines_transfer_fk", ["location_id", "transfer_id"], "transfers", ["location_id", "id"]),
    fk("transfer_lines_hold_fk", ["location_id", "hold_id"], "holds", ["location_id", "id"]),
    check("transfer_lines_sent_ck", "sent BETWEEN 0 AND quantity"),
    check(
        "transfer_lines_came_ck",
        "received >= 0 AND damaged >= 0 AND lost >= 0 AND surplus >= 0 AND received + damaged + lost <= sent",
    ),
)
