"""What must always hold of sums of stock. Each query returns the rows that break it."""

from __future__ import annotations

INVARIANTS: list[tuple[str, str, str]] = [
    (
        "INS-1",
        "The ages of a summary add up to what is on hand, and so do the statuses.",
        """SELECT location_id, category_id, on_hand FROM stock_summaries
           WHERE free + held_orders + held_transfers + held_favourites + held_by_hand + safety <> on_hand
              OR age_30 + age_90 + age_180 + age_older + age_unknown <> on_hand
              OR least(free, held_orders, held_transfers, held_favourites, held_by_hand, safety, in_transit, age_30,
                       age_90, age_180, age_older, age_unknown) < 0""",
    ),
]
