"""What a guide could show a member next to a task: a few articles that lie in the shop now, by a rule that can be said.

First what the member has marked as a favourite, the newest mark first; then other articles of the categories they
bought from within a year, the newest first; then what is new. Only what the shop can sell now, one variant of each:
that of which it has most. It knows nothing of taste, size or age. Favourites and purchases are looked at only where
the member agreed to profiling, and in a franchisee's shop to sharing too; without, all of it is what is new.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Literal, NamedTuple

from duoline.kernel import clock
from duoline.members.group import group_of

if TYPE_CHECKING:
    from uuid import UUID

    from duoline.kernel.db import Database

Why = Literal["liked", "goes_with", "new"]

PIECES = 3
BOUGHT_WITHIN = timedelta(days=365)
NEWEST = 200
"""So many of the newest articles are gone through for what the shop has."""


class Suggested(NamedTuple):
    """A variant to show, how many the shop can sell of it, and by which part of the rule it came."""

    sku_id: UUID
    available: int
    why: Why


class Suggestion(NamedTuple):
    """Articles to show; `personal` says whether what the member likes and bought was looked at."""

    pieces: list[Suggested]
    personal: bool


# $1 the member's ids, $2 shop, $3 since when bought, $4 how many, $5 how many of the newest, $6 whether consented.
_LOOK = """
WITH bought AS (
    SELECT DISTINCT s.product_id FROM orders o
    JOIN order_lines l ON l.member_id = o.member_id AND l.order_id = o.id JOIN skus s ON s.id = l.sku_id
    WHERE $6 AND o.member_id = ANY ($1) AND o.state = 'completed' AND o.placed_at > $3
), wished AS (
    SELECT f.product_id, 1 AS n, 'liked' AS why, f.added_at AS at FROM favourites f WHERE $6 AND f.member_id = ANY ($1)
    UNION ALL
    SELECT d.product_id, 2, 'goes_with', d.published_at FROM product_docs d
    WHERE d.category_id IN (SELECT p.category_id FROM bought b JOIN products p ON p.id = b.product_id)
      AND d.product_id NOT IN (SELECT product_id FROM bought)
    UNION ALL
    (SELECT d.product_id, 3, 'new', d.published_at FROM product_docs d
     ORDER BY d.published_at DESC, d.product_id DESC LIMIT $5)
), first AS (
    SELECT DISTINCT ON (w.product_id) w.product_id, w.n, w.why, w.at FROM wished w ORDER BY w.product_id, w.n, w.at DESC
)
SELECT h.sku_id, h.available, f.why
FROM first f JOIN product_docs d ON d.product_id = f.product_id
CROSS JOIN LATERAL (
    SELECT l.sku_id, duo_available(l.on_hand, l.held, l.safety) AS available
    FROM levels l WHERE l.location_id = $2 AND l.sku_id = ANY (d.sku_ids)
    ORDER BY 2 DESC, l.sku_id LIMIT 1) h
WHERE h.available > 0 AND duo_listed(f.product_id, $2)
ORDER BY f.n, f.at DESC, f.product_id LIMIT $4
"""


async def look_for(db: Database, *, member_id: UUID, store_id: UUID, partner: bool) -> Suggestion:
    """What to show a member in a shop. `partner`: the shop is a franchisee's."""
    personal: bool = await db.fetchval(
        "SELECT duo_consents($1, 'profiling') AND (NOT $2 OR duo_consents($1, 'sharing'))", member_id, partner
    )
    rows = await db.fetch(
        _LOOK,
        await group_of(db, member_id),
        store_id,
        clock.now() - BOUGHT_WITHIN,
        PIECES,
        NEWEST,
        personal,
    )
    return Suggestion([Suggested(row["sku_id"], row["available"], row["why"]) for row in rows], personal)
