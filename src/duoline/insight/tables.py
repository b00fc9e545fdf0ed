"""Tables of insight: sums of stock by location and top-level category, and when they were taken."""

from __future__ import annotations

from duoline.kernel.columns import at, big, check, fk, pk, uid
from duoline.kernel.placement import STOCK, table

PACKAGE = "insight"

# When a location was summed up last; one without stock has no sums and still an instant.
stock_snapshots = table(
    PACKAGE,
    "stock_snapshots",
    STOCK,
    uid("location_id"),
    at("taken_at"),
    pk("stock_snapshots", "location_id"),
)

# INS-1 in the database. `shelves` are articles with units on hand; `value_minor` is what is on hand at the chain's
# prices over the counter; `in_transit` is on the way to the location and not on hand. Ages in days since units came in.
stock_summaries = table(
    PACKAGE,
    "stock_summaries",
    STOCK,
    uid("location_id"),
    uid("category_id"),
    big("shelves"),
    big("on_hand"),
    big("value_minor"),
    big("free"),
    big("held_orders"),
    big("held_transfers"),
    big("held_favourites"),
    big("held_by_hand"),
    big("safety"),
    big("in_transit"),
    big("age_30"),
    big("age_90"),
    big("age_180"),
    big("age_older"),
    big("age_unknown"),
    pk("stock_summaries", "location_id", "category_id"),
    fk("stock_summaries_snapshot_fk", ["location_id"], "stock_snapshots", ["location_id"]),
    check(
        "stock_summaries_status_ck",
        "free + held_orders + held_transfers + held_favourites + held_by_hand + safety = on_hand",
    ),
    check("stock_summaries_age_ck", "age_30 + age_90 + age_180 + age_older + age_unknown = on_hand"),
    check(
        "stock_summaries_numbers_ck",
        "least(shelves, on_hand, value_minor, free, held_orders, held_transfers, held_favourites, held_by_hand, "
        "safety, in_transit, age_30, age_90, age_180, age_older, age_unknown) >= 0",
    ),
)
