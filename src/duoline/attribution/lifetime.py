"""What the members whom a touchpoint brought have bought since: what bringing somebody was worth, over the years."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from duoline import orders

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from duoline.kernel.db import Database, Tx


class Lifetime(NamedTuple):
    """Members who were brought, how many of them have bought, and what: orders that were paid or handed over, with what
    stays sold of them in minor units."""

    members: int
    buyers: int
    orders: int
    sales_minor: int


# A person who came twice and was merged is one, from the first time on. Whatever they bought, wherever.
_LIFETIME = f"""
WITH new AS (
    SELECT (duo_group(s.member_id))[1] AS who, min(s.at) AS at FROM sign_ups s
    WHERE s.touchpoint_id = ANY ($1::uuid[]) GROUP BY 1
), each AS (
    SELECT n.who, count(*) FILTER (WHERE k.units > 0) AS orders, coalesce(sum(k.minor), 0) AS minor
    FROM new n
    LEFT JOIN orders o ON o.member_id = ANY (duo_group(n.who)) AND o.placed_at >= n.at
    LEFT JOIN {orders.sales_of("o")} k ON true
    GROUP BY n.who)
SELECT count(*)::integer, count(*) FILTER (WHERE orders > 0)::integer, coalesce(sum(orders), 0)::integer,
       coalesce(sum(minor), 0)::bigint
FROM each
"""  # noqa: S608 - our own text


async def lifetime(db: Database | Tx, touchpoint_ids: Sequence[UUID]) -> Lifetime:
    """Of everybody whom one of these touchpoints brought, under any of their ids."""
    row = await db.fetchrow(_LIFETIME, list(touchpoint_ids))
    return Lifetime(*row) if row else Lifetime(0, 0, 0, 0)
