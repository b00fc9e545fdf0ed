"""Every night: for how long units are kept for favourites, from what became of those of the last ninety days."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from typing import TYPE_CHECKING

from duoline import favourites
from duoline.favourites import EndedHold
from duoline.favourites.minutes import WHOLE_SHOP
from duoline.kernel import clock, jobs

if TYPE_CHECKING:
    from uuid import UUID

    from duoline.kernel.db import Database

HISTORY = timedelta(days=90)

# By shop and SKU: every ended hold with its minutes and outcome. `order_id` says that it was used.
_ENDED = """
SELECT f.location_id, f.sku_id, extract(epoch FROM h.resolved_at - f.given_at) / 60 AS minutes,
       CASE WHEN f.order_id IS NOT NULL THEN 'used' WHEN h.state = 'expired' THEN 'expired'
            ELSE 'given_up' END AS outcome
FROM favourite_holds f JOIN holds h ON h.location_id = f.location_id AND h.id = f.id
WHERE f.given_at > $1 AND h.state <> 'open'
"""


# Before the shops open, after the day's trade.
@jobs.cron("tune how long favourites are kept", "43 19 * * *")
async def tune(db: Database) -> int:
    """Choose the minutes of every (shop, SKU), and of every shop as a whole, that has enough history; returns how many.

    The rest falls back: SKU at the shop → shop → the policy's default (`favourites.minutes_for`). What no longer has
    enough history is forgotten. The choice itself is `favourites.best_minutes`.
    """
    policy = favourites.FAVOURITE_HOLD.current().body
    since = clock.now() - HISTORY
    holds: dict[tuple[UUID, UUID], list[EndedHold]] = defaultdict(list)
    for row in await db.fetch(_ENDED, since):
        ended = EndedHold(max(0.0, float(row["minutes"])), row["outcome"])
        holds[row["location_id"], row["sku_id"]].append(ended)
        holds[row["location_id"], WHOLE_SHOP].append(ended)
    refused: dict[tuple[UUID, UUID], int] = defaultdict(int)
    for row in await db.fetch(
        "SELECT location_id, sku_id, sum(units)::integer AS units FROM refused_for_holds WHERE at > $1 GROUP BY 1, 2",
        since,
    ):
        refused[row["location_id"], row["sku_id"]] += row["units"]
        refused[row["location_id"], WHOLE_SHOP] += row["units"]
    chosen = [
        (
            *key,
            favourites.best_minutes(mine, refused[key], low=policy.minutes_min, high=policy.minutes_max),
            len(mine),
            sum(hold.outcome == "used" for hold in mine),
            refused[key],
        )
        for key, mine in sorted(holds.items())
        if len(mine) >= policy.history_min
    ]
    async with db.begin() as tx:
        await tx.execute("DELETE FROM favourite_minutes")
        await tx.executemany(
            """INSERT INTO favourite_minutes (location_id, sku_id, minutes, holds, used, refused, at)
               VALUES ($1, $2, $3, $4, $5, $6, $7)""",
            [(*row, clock.now()) for row in chosen],
        )
    return len(chosen)
