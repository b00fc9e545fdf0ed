"""The closed loop: what people met, where they bought then, and how they went between shops and online.

An order is the shop's side when it was rung up or any of it is collected there, else online. What was met is the shop's
side when it hangs there (a shop's, shelf's, product's or guide's code, a poster), else online (a share, a campaign).
Orders count that were paid or handed over; money is what stays sold of them. A guest who turned out to be a member is
one person with them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from duoline import orders

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from duoline.kernel.db import Database
    from duoline.stores.rights import Scope

STEPS_MAX = 5
"""Turns of a path that are told apart; whoever turns more often is with those who turned so often first."""


class Flow(NamedTuple):
    """Orders of one side after something met of one kind; `kind` None: nothing was met in time."""

    kind: Any
    met: str | None
    side: str
    people: int
    orders: int
    sales_minor: int


class Path(NamedTuple):
    """People who went this way: sides in turn, `shop` or `online`, what was met and bought together."""

    steps: list[str]
    people: int
    orders: int
    sales_minor: int


class Way(NamedTuple):
    """Orders that one touchpoint brought to one shop, or online (None)."""

    touchpoint_id: UUID
    store_id: UUID | None
    people: int
    orders: int
    sales_minor: int


class Loop(NamedTuple):
    """A period. The orders and sales of `flows`, and those of `paths`, add up to the totals."""

    people: int
    orders: int
    sales_minor: int
    flows: list[Flow]
    paths: list[Path]
    ways: list[Way]


# $1 from, $2 to, $3 everything, $4 stores.
_BOUGHT = f"""
same AS (SELECT guest_id, min(member_id::text)::uuid AS member_id FROM adopted_guests a
         WHERE NOT EXISTS (SELECT FROM member_merges g WHERE g.other_id = a.member_id AND g.undone_at IS NULL)
         GROUP BY guest_id),
met AS (SELECT t.owner_id, t.id, t.kind,
               CASE WHEN t.kind IN ('share', 'campaign') OR t.store_id IS NULL THEN 'online' ELSE 'shop' END AS side
        FROM touchpoints t),
bought AS (
    SELECT coalesce(s.member_id, o.member_id) AS who, o.placed_at AS at,
           k.minor AS sales_minor,
           x.touchpoint_id, m.kind, m.side AS met, coalesce(o.store_id, l.store_id) AS store_id,
           CASE WHEN o.channel = 'till' OR l.collected THEN 'shop' ELSE 'online' END AS side
    FROM orders o
    LEFT JOIN same s ON s.guest_id = o.member_id
    LEFT JOIN order_touches x ON x.member_id = o.member_id AND x.order_id = o.id
    LEFT JOIN met m ON m.owner_id = x.owner_id AND m.id = x.touchpoint_id
    CROSS JOIN LATERAL (
        SELECT coalesce(bool_or(l.method = 'pickup'), false) AS collected,
               min(l.store_id::text) FILTER (WHERE l.method = 'pickup')::uuid AS store_id
        FROM order_lines l WHERE l.member_id = o.member_id AND l.order_id = o.id) l
    CROSS JOIN {orders.sales_of("o")} k
    WHERE o.placed_at >= $1 AND o.placed_at < $2 AND k.units > 0
      AND ($3 OR o.store_id = ANY ($4::uuid[]) OR o.location_ids && $4::uuid[]))
"""  # noqa: S608 - our own text
_FLOWS = f"""
WITH {_BOUGHT}
SELECT kind, met, side, count(DISTINCT who)::integer, count(*)::integer, sum(sales_minor)::bigint
FROM bought GROUP BY kind, met, side ORDER BY count(*) DESC, kind, side
"""  # noqa: S608 - as above
_WAYS = f"""
WITH {_BOUGHT}
SELECT touchpoint_id, CASE side WHEN 'shop' THEN store_id END, count(DISTINCT who)::integer, count(*)::integer,
       sum(sales_minor)::bigint
FROM bought WHERE touchpoint_id IS NOT NULL GROUP BY 1, 2 ORDER BY 5 DESC, 1 LIMIT $5
"""  # noqa: S608 - as above
_PATHS = f"""
WITH {_BOUGHT},
sums AS (SELECT who, count(*) AS orders, sum(sales_minor) AS sales_minor FROM bought GROUP BY who),
steps AS (
    SELECT who, at, side FROM bought
    UNION ALL
    SELECT coalesce(s.member_id, t.member_id), t.at, m.side
    FROM touches t JOIN met m ON m.owner_id = t.owner_id AND m.id = t.touchpoint_id
    LEFT JOIN same s ON s.guest_id = t.member_id
    WHERE t.at >= $1 AND t.at < $2 AND coalesce(s.member_id, t.member_id) IN (SELECT who FROM sums)),
turns AS (SELECT who, at, side, lag(side) OVER (PARTITION BY who ORDER BY at, side) AS before FROM steps),
numbered AS (SELECT who, side, row_number() OVER (PARTITION BY who ORDER BY at, side) AS n
             FROM turns WHERE side IS DISTINCT FROM before),
paths AS (SELECT who, array_agg(side ORDER BY n) AS steps FROM numbered WHERE n <= $5 GROUP BY who)
SELECT p.steps, count(*)::integer, sum(s.orders)::integer, sum(s.sales_minor)::bigint
FROM paths p JOIN sums s USING (who) GROUP BY p.steps ORDER BY count(*) DESC, p.steps
"""  # noqa: S608 - as above
_TOTALS = f"""
WITH {_BOUGHT}
SELECT count(DISTINCT who)::integer AS people, count(*)::integer AS orders,
       coalesce(sum(sales_minor), 0)::bigint AS sales_minor
FROM bought
"""  # noqa: S608 - as above


async def closed_loop(db: Database, *, since: datetime, until: datetime, scope: Scope, ways: int = 50) -> Loop:
    """Orders of the shops in scope, placed from `since` and before `until`; `ways` is how many of those are named."""
    given = (since, until, *scope.sql)
    totals = await db.fetchrow(_TOTALS, *given)
    people, orders, sales_minor = totals or (0, 0, 0)
    return Loop(
        people,
        orders,
        sales_minor,
        flows=[Flow(*row) for row in await db.fetch(_FLOWS, *given)],
        paths=[Path(*row) for row in await db.fetch(_PATHS, *given, STEPS_MAX)],
        ways=[Way(*row) for row in await db.fetch(_WAYS, *given, ways)],
    )
