"""What a shop may take back of an order: which units it or its company handed over, and for how long.

A shop takes back what its own company sold, in whichever of the company's shops, unless the policy says otherwise. Of
an order over several companies' shops it knows its company's units and nothing else; an order without any is as good
as absent.
"""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING, NamedTuple
from zoneinfo import ZoneInfo

from duoline import orders
from duoline.kernel import clock
from duoline.kernel.errors import NotFound

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date
    from uuid import UUID

    import asyncpg

    from duoline.kernel.db import Database, Tx
    from duoline.stores.directory import Chain
    from duoline.stores.types import Store


BY_NUMBER = """SELECT member_id, id, store_id, location_ids FROM orders
               WHERE upper(order_no) = upper($1) ORDER BY order_no = $1 DESC, id LIMIT 1"""


class Left(NamedTuple):
    """Units of a line that a location handed over at one time and that nobody has brought back."""

    line_id: UUID
    location_id: UUID
    units: int
    at: datetime


class Found(NamedTuple):
    """Whose order it is."""

    member_id: UUID
    order_id: UUID


async def find(db: Database, chain: Chain, shop: Store, *, order_no: str) -> Found:
    """The order of a receipt, for a shop that may take something of it back. Refuses `kernel.not-found`.

    Numbers that came from another system may have small letters, and who types one does not mind them. Of two that
    differ in nothing else it is the one that was typed.
    """
    return _known(await db.fetchrow(BY_NUMBER, order_no.strip()), chain, shop)


async def owner(db: Database, chain: Chain, shop: Store, *, order_id: UUID) -> Found:
    """The same for an order that was found before. Refuses `kernel.not-found`."""
    return _known(
        await db.fetchrow("SELECT member_id, id, store_id, location_ids FROM orders WHERE id = $1", order_id),
        chain,
        shop,
    )


def _known(row: asyncpg.Record | None, chain: Chain, shop: Store) -> Found:
    if row is None:
        raise NotFound
    places = [*row["location_ids"], *([row["store_id"]] if row["store_id"] else [])]
    if not any(may_take_from(chain, shop, place) for place in places):
        raise NotFound
    return Found(row["member_id"], row["id"])


def may_take_from(chain: Chain, shop: Store, location_id: UUID) -> bool:
    """Whether a shop takes back what a location handed over."""
    seller = chain.stores.get(location_id)
    if seller is None:
        return False
    return seller.company_id == shop.company_id or orders.RETURNS.current().body.other_companies


async def left_of(db: Database | Tx, order: orders.Order, lines: Sequence[orders.Line]) -> list[Left]:
    """What is left to bring back of an order, from the back: what was handed over last comes back first.

    Nobody may have told us that a parcel arrived; whoever brings some of it has it. Its time runs from the day that was
    promised, then.
    """
    handed = [
        Left(line.id, line.store_id, line.handed, order.placed_at)
        for line in lines
        if line.method == "till"
        and line.handed
        and line.store_id is not None  # nothing is fulfilled afterwards
        and order.presale_id is None  # placed long before it was handed over
    ]
    rows = await db.fetch(
        """SELECT w.line_id, f.location_id, w.quantity, coalesce(
                      f.delivered_at,
                      CASE WHEN f.state = 'shipped' THEN greatest(f.done_at, f.promise_at) ELSE f.done_at END) AS at
           FROM fulfilments f
           JOIN fulfilment_lines w ON w.location_id = f.location_id AND w.fulfilment_id = f.id AND w.quantity > 0
           WHERE f.location_id = ANY ($1) AND f.order_id = $2 AND f.kind <> 'transfer' AND (f.kind <> 'till' OR $3)
             AND f.state IN ('handed_over', 'shipped', 'delivered')""",
        order.location_ids,
        order.id,
        order.presale_id is not None,
    )
    handed += [Left(*row) for row in rows]
    return without(handed, await orders.returned_to(db, order.member_id, order.id))


def without(handed: Iterable[Left], returned: Mapping[tuple[UUID, UUID], int]) -> list[Left]:
    """What is left of what was handed over, the latest first: what came back was of the latest, too. Pure."""
    gone, left = dict(returned), []
    for one in sorted(handed, key=lambda each: (each.at, each.location_id), reverse=True):
        key = one.line_id, one.location_id
        back = min(gone.get(key, 0), one.units)
        gone[key] = gone.get(key, 0) - back
        left.append(one._replace(units=one.units - back))
    return left


def in_time(left: Iterable[Left], shop: Store, *, days: int, now: datetime | None = None) -> list[Left]:
    """Of what is left, what may still come back today, in days of the shop's calendar after the hand-over."""
    zone = ZoneInfo(shop.timezone)
    today = (now or clock.now()).astimezone(zone).date()
    return [one for one in left if (today - one.at.astimezone(zone).date()).days <= days]


def last_day(at: datetime, shop: Store, *, days: int) -> date:
    """The last day on which something that was handed over then may come back."""
    return at.astimezone(ZoneInfo(shop.timezone)).date() + timedelta(days=days)


def closed_at(at: datetime, shop: Store, *, days: int) -> datetime:
    """The beginning of the first day on which it may not come back any more."""
    after = last_day(at, shop, days=days) + timedelta(days=1)
    return datetime.combine(after, time(), ZoneInfo(shop.timezone))


def closed_by_line(left: Iterable[Left], chain: Chain, *, days: int, least_days: int = 0) -> dict[UUID, datetime]:
    """From when on nothing of each line may come back any more, by the units of it that came to the buyer last, and not
    before so many days after those did. What was brought back counts as well: it was had. Pure."""
    closed: dict[UUID, datetime] = {}
    for one in left:
        safe = closed_at(one.at, chain.store(one.location_id), days=days)
        at = max(one.at + timedelta(days=least_days), safe)
        closed[one.line_id] = max(at, closed.get(one.line_id, at))
    return closed


async def excluded_skus(db: Database | Tx, sku_ids: Iterable[UUID]) -> set[UUID]:
    """Which of these articles are taken back only when they are faulty or wrong."""
    codes = orders.RETURNS.current().body.excluded_codes
    if not codes:
        return set()
    rows = await db.fetch(
        """WITH RECURSIVE below AS (
               SELECT id FROM categories WHERE code = ANY ($1)
               UNION SELECT c.id FROM categories c JOIN below ON c.parent_id = below.id)
           SELECT s.id FROM skus s JOIN products p ON p.id = s.product_id
           WHERE s.id = ANY ($2) AND p.category_id IN (SELECT id FROM below)""",
        codes,
        list(sku_ids),
    )
    return {row["id"] for row in rows}
