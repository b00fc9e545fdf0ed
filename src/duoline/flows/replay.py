"""Play a past period again under other terms of sourcing, in the background (see `fulfilment.replay`).

Everything that is needed is read first, in one snapshot, and the snapshot is closed before anything is computed. Only
articles that were delivered in the period are looked at. The simulations run side by side over one list of events, and
let others have their turn every few milliseconds.
"""

from __future__ import annotations

import asyncio
import logging
import time
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

import asyncpg
import msgspec

from duoline import fulfilment, orders, pricing
from duoline.flows.places import distance_km, place_of, shelf_path
from duoline.fulfilment import replay, replay_book
from duoline.kernel import jobs
from duoline.kernel.db import Tx
from duoline.stores import directory

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence

    from duoline.fulfilment import SourcingPolicy
    from duoline.kernel.auth import Actor
    from duoline.kernel.db import Database
    from duoline.stores.directory import Chain
    from duoline.stores.types import Store

log = logging.getLogger(__name__)

RUN_JOB = "sourcing.replay"
ORDERS_MAX = 20_000
"""More delivery orders than these are cut off; the result says so."""
EVENTS_MAX = 500_000
"""With more movements and holds than these the replay is refused, before it takes too much memory."""
WORK_BEFORE = timedelta(days=30)
"""Work that came in longer before the period than this is not looked for."""
PAGE = 1000
SLICE_S = 0.01
NOTE_S = 1.0


class Wanted(msgspec.Struct, frozen=True):
    """Payload of `RUN_JOB`."""

    replay_id: UUID


class TooMuchHappened(Exception):
    """More movements and holds in the period than are read."""


class History(NamedTuple):
    """A period as the simulations are fed it. `until_at` is when it ends, earlier than asked when it was `cut`."""

    levels: list[replay.Start]
    events: list[replay.Event]
    prices_minor: dict[UUID, int]
    markdowns: fulfilment.Markdowns
    reject_bp: dict[UUID, int]
    lags: fulfilment.Lags
    orders: int
    until_at: datetime
    cut: bool


async def ask(
    tx: Tx, *, since_at: datetime, until_at: datetime, others: Sequence[int | dict[str, Any]], actor: Actor
) -> replay_book.Replay:
    """Enter a replay in the book and have it played. Refuses as `replay_book.ask`."""
    entered = await replay_book.ask(tx, since_at=since_at, until_at=until_at, others=others, actor=actor)
    await jobs.enqueue(tx, RUN_JOB, Wanted(entered.id), key=f"{RUN_JOB}:{entered.id}")
    return entered


@jobs.handler(RUN_JOB, payload=Wanted, at_once=1)
async def run(db: Database, wanted: Wanted) -> None:
    """Play one replay to its end. One whose worker died is played anew; one that was cancelled ends within a second."""
    if not await replay_book.begin(db, wanted.replay_id):
        return
    try:
        await _run(db, wanted.replay_id)
    except TooMuchHappened:
        await replay_book.fail(
            db,
            wanted.replay_id,
            zh="这段时间的出入库记录太多,请选短一些的时段。",
            en="Too much moved in this period. Choose a shorter one.",
        )
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
        raise  # the database was away: the queue tries again
    except Exception:
        log.exception("replay %s failed", wanted.replay_id)
        await replay_book.fail(
            db,
            wanted.replay_id,
            zh="回放中途出错,原因已写进服务器日志;请缩短时段再试。",
            en="The replay failed. The server's log says why; try a shorter period.",
        )


async def _run(db: Database, replay_id: UUID) -> None:
    asked = await replay_book.get(db, replay_id)
    chain = await directory.refresh(db)
    history = await read_history(db, chain, asked.since_at, asked.until_at)
    terms = [(one.version or 0, msgspec.convert(one.body, fulfilment.SourcingPolicy)) for one in asked.contenders]
    simulations = simulations_of(history, chain, terms)

    async def note(done: int) -> bool:
        return await replay_book.note(db, replay_id, done=done, total=history.orders)

    if not await note(0):
        return
    if await play(history, simulations, note):
        outcomes = [simulation.outcome() for simulation in simulations]
        result = replay_book.Result(outcomes=outcomes, until_at=history.until_at, cut=history.cut)
        await replay_book.end(db, replay_id, result, orders=history.orders)


def simulations_of(
    history: History, chain: Chain, terms: Sequence[tuple[int, SourcingPolicy]]
) -> list[replay.Simulation]:
    """A simulation for each (version, terms); the first are what all plans are costed by."""
    paths = {store.id: shelf_path(chain, store) for store in chain.stores.values()}
    return [
        replay.Simulation(
            policy,
            version=version,
            yardstick=terms[0][1],
            delivery=fulfilment.DELIVERY.current().body,
            stores=chain.stores,
            levels=history.levels,
            prices_minor=history.prices_minor,
            franchised=frozenset(
                store.id for store in chain.stores.values() if chain.companies[store.company_id].franchised
            ),
            reject_bp=history.reject_bp,
            lags=history.lags,
            markdowns=history.markdowns,
            paths=paths,
        )
        for version, policy in terms
    ]


async def play(
    history: History, simulations: Sequence[replay.Simulation], note: Callable[[int], Awaitable[bool]]
) -> bool:
    """Feed the history to all simulations, side by side. False when `note`, told the orders done, said to stop."""
    done, noted_at, slice_at = 0, time.monotonic(), time.monotonic()
    for event in history.events:
        for simulation in simulations:
            simulation.apply(event)
        done += isinstance(event, replay.Placed)
        now = time.monotonic()
        if now - slice_at >= SLICE_S:
            if now - noted_at >= NOTE_S:
                noted_at = now
                if not await note(done):
                    return False
            await asyncio.sleep(0)
            slice_at = time.monotonic()
    return True


# --- reading --------------------------------------------------------------------------------------


async def read_history(db: Database, chain: Chain, since_at: datetime, until_at: datetime) -> History:
    """What happened from `since_at` until before `until_at`, as far as it concerns articles that were delivered then.

    Stock at the start is what is there now less what has moved since: both from one snapshot. Raises `TooMuchHappened`.
    """
    async with db.acquire() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        await connection.execute("SET LOCAL plan_cache_mode = force_custom_plan")
        reading = _Reading(connection, chain, since_at, until_at)
        await reading.orders()
        await reading.stock()
        await reading.work()
        markdowns = await reading.markdowns()
    work = fulfilment.OpenWork(db)
    return History(
        levels=reading.levels,
        events=replay.in_order(reading.events),
        prices_minor=reading.prices_minor,
        markdowns=markdowns,
        reject_bp=await work.reject_bp(),
        lags=await work.lags(),
        orders=len(reading.order_ids),
        until_at=reading.until_at,
        cut=reading.cut,
    )


class _Reading:
    """What has been read so far. `until_at` comes nearer when there are too many orders."""

    def __init__(
        self, connection: asyncpg.Connection[Any], chain: Chain, since_at: datetime, until_at: datetime
    ) -> None:
        self.connection, self.chain = connection, chain
        self.since_at, self.until_at, self.cut = since_at, until_at, False
        self.order_ids: list[UUID] = []
        self.prices_minor: dict[UUID, int] = {}
        self.levels: list[replay.Start] = []
        self.events: list[replay.Event] = []
        self._known: dict[UUID, UUID] = {}

    def _one(self, given: UUID) -> UUID:
        """The same object for the same id: half a million events name some thousand."""
        return self._known.setdefault(given, given)

    async def _rows(self, sql: str, *arguments: Any) -> AsyncIterator[asyncpg.Record]:
        async for row in self.connection.cursor(sql, *arguments, prefetch=PAGE):
            yield row

    async def orders(self) -> None:
        """The delivery orders of the period, when they were paid, and what of them was cancelled."""
        async for row in self._rows(_ORDERS, self.since_at, self.until_at, ORDERS_MAX + 1):
            if len(self.order_ids) == ORDERS_MAX:
                self.until_at, self.cut = row["placed_at"], True
                return
            self.order_ids.append(row["id"])
            self.events += self._order(row)

    def _order(self, row: asyncpg.Record) -> Iterable[replay.Event]:
        lines, collected, back, prices = [], [], {}, {}
        for line_id, sku, method, store, quantity, cancelled, price in row["lines"]:
            sku_id = self._one(UUID(sku))
            prices[sku_id] = price
            if method == "pickup":
                collected.append(replay.Collected(self._one(UUID(store)), sku_id, quantity))
                continue
            lines.append(fulfilment.WantedLine(UUID(line_id), sku_id, quantity))
            self.prices_minor[sku_id] = price
            if cancelled:
                back[UUID(line_id)] = cancelled
        address = msgspec.convert(row["address"], orders.Address) if row["address"] else None
        distances = _Distances(place_of(self.chain, address))
        yield replay.Placed(
            row["placed_at"], row["id"], tuple(lines), row["channel"], distances, tuple(collected), prices
        )
        if row["paid_at"] is not None:
            yield replay.Paid(row["paid_at"], row["id"])
        if back and row["back_at"] is not None:
            yield replay.GivenBack(row["back_at"], row["id"], back)

    async def stock(self) -> None:
        """Levels at the start, and what moved and was kept since, of the articles that were ordered."""
        skus = list(self.prices_minor)
        async for row in self._rows(_LEVELS, skus, self.since_at):
            self.levels.append(
                replay.Start(
                    self._one(row["location_id"]),
                    self._one(row["sku_id"]),
                    max(0, row["on_hand"]),
                    row["safety"],
                    row["outward_reserve"],
                    row["outward_cap"],
                    row["buffers"],
                    row["walk_in_rate"],
                )
            )
        async for row in self._rows(_MOVEMENTS, skus, self.since_at, self.until_at):
            self._add(
                replay.Moved(
                    row["at"], self._one(row["location_id"]), self._one(row["sku_id"]), row["quantity"], row["walk_in"]
                )
            )
        async for row in self._rows(_HOLDS, skus, self.since_at, self.until_at, self.order_ids):
            for event in self._hold(row):
                self._add(event)

    def _hold(self, row: asyncpg.Record) -> Iterable[replay.Event]:
        """A hold and its end. One that ended in the moment it was made is only what it took."""
        at, ends_at = max(row["created_at"], self.since_at), row["resolved_at"]
        location_id, sku_id, units = self._one(row["location_id"]), self._one(row["sku_id"]), row["quantity"]
        taken = row["state"] == "taken"
        if ends_at is not None and ends_at <= at:
            if taken:
                yield replay.Moved(at, location_id, sku_id, -units)
            return
        yield replay.Kept(at, row["id"], location_id, sku_id, units, row["outward"])
        if ends_at is not None and ends_at < self.until_at:
            yield replay.Resolved(ends_at, row["id"], taken)

    async def work(self) -> None:
        """What else the locations had to do."""
        rows = self._rows(_WORK, self.since_at, self.until_at, self.since_at - WORK_BEFORE, self.order_ids)
        async for row in rows:
            self._add(replay.Began(max(row["work_at"], self.since_at), self._one(row["location_id"])))

    async def markdowns(self) -> fulfilment.Markdowns:
        """Prices on shelves in the period and as far beyond as any terms look."""
        until_at = self.until_at + timedelta(days=fulfilment.HORIZON_DAYS_MAX)
        found = await pricing.shelf_prices(Tx(self.connection), self.prices_minor, self.since_at, until_at)
        return fulfilment.Markdowns(found)

    def _add(self, event: replay.Event) -> None:
        if len(self.events) >= EVENTS_MAX + 3 * len(self.order_ids):
            raise TooMuchHappened
        self.events.append(event)


class _Distances:
    """How far each location is from where an order goes; computed when asked for, once for all simulations."""

    __slots__ = ("_km", "_place")

    def __init__(self, place: tuple[float, float] | None) -> None:
        self._place = place
        self._km: dict[UUID, float] = {}

    def __call__(self, store: Store) -> float:
        found = self._km.get(store.id)
        if found is None:
            found = self._km[store.id] = distance_km(store, self._place)
        return found


# When work on an order began: with its payment, or at once where it is paid at the counter or costs nothing.
_PAID_AT = """
CASE WHEN o.pay_mode <> 'online' OR o.total_minor = 0 THEN o.placed_at
     ELSE (SELECT min(e.at) FROM order_events e
           WHERE e.member_id = o.member_id AND e.order_id = o.id AND e.kind = 'paid') END
"""

_ORDERS = f"""
SELECT o.id, o.channel, o.placed_at, o.address, w.lines, {_PAID_AT} AS paid_at,
       (SELECT max(e.at) FROM order_events e WHERE e.member_id = o.member_id AND e.order_id = o.id
         AND e.kind IN ('cancelled', 'sold_out', 'expired')) AS back_at
FROM orders o,
     LATERAL (SELECT jsonb_agg(jsonb_build_array(l.id, l.sku_id, l.method, l.store_id, l.quantity, l.cancelled,
                                                 l.unit_price_minor) ORDER BY l.n) AS lines,
                     bool_or(l.method = 'delivery') AS delivers
              FROM order_lines l WHERE l.member_id = o.member_id AND l.order_id = o.id) w
WHERE o.placed_at >= $1 AND o.placed_at < $2 AND o.channel NOT IN ('till', 'import') AND w.delivers
ORDER BY o.placed_at, o.id LIMIT $3
"""  # noqa: S608 - our own text

_LEVELS = """
SELECT l.location_id, l.sku_id, (l.on_hand - coalesce(m.units, 0))::integer AS on_hand, l.safety, l.outward_reserve,
       l.outward_cap, l.buffers, l.walk_in_rate
FROM levels l
LEFT JOIN LATERAL (SELECT sum(m.quantity) AS units FROM movements m
                   WHERE m.location_id = l.location_id AND m.sku_id = l.sku_id AND m.at >= $2) m ON true
WHERE l.sku_id = ANY ($1::uuid[])
ORDER BY l.sku_id, l.location_id
"""

# What moved without a hold: a movement that resolves a hold has the hold's id.
_MOVEMENTS = """
SELECT m.at, m.location_id, m.sku_id, m.quantity, m.reason = 'sale' AS walk_in
FROM levels l JOIN movements m ON m.location_id = l.location_id AND m.sku_id = l.sku_id
WHERE l.sku_id = ANY ($1::uuid[]) AND m.at >= $2 AND m.at < $3
  AND NOT EXISTS (SELECT FROM holds h WHERE h.location_id = m.location_id AND h.id = m.id)
ORDER BY m.at, m.id
"""

# Holds that were open at some time of the period, but for those of what is sourced anew.
_HOLDS = """
SELECT h.id, h.location_id, h.sku_id, h.quantity, h.outward, h.created_at, h.state, h.resolved_at
FROM holds h
WHERE h.sku_id = ANY ($1::uuid[]) AND h.created_at < $3 AND (h.resolved_at IS NULL OR h.resolved_at >= $2)
  AND NOT (h.outward AND h.ref_kind = 'order' AND EXISTS (SELECT FROM unnest($4::uuid[]) r(id) WHERE r.id = h.ref_id)
           AND NOT EXISTS (SELECT FROM fulfilments f
                           JOIN fulfilment_lines w ON w.location_id = f.location_id AND w.fulfilment_id = f.id
                           WHERE f.order_id = h.ref_id AND f.location_id = h.location_id AND f.kind = 'transfer'
                             AND w.hold_id = h.id))
ORDER BY h.created_at, h.id
"""

_WORK = f"""
SELECT location_id, work_at FROM (
    SELECT f.location_id, f.id, {_PAID_AT} AS work_at
    FROM fulfilments f JOIN orders o ON o.member_id = f.member_id AND o.id = f.order_id
    WHERE f.kind <> 'till' AND f.placed_at >= $3 AND f.placed_at < $2 AND (f.done_at IS NULL OR f.done_at >= $1)
      AND (f.ready_at IS NULL OR f.ready_at >= $1)
      AND NOT (f.kind = 'ship' AND EXISTS (SELECT FROM unnest($4::uuid[]) r(id) WHERE r.id = f.order_id))
) w WHERE work_at < $2 ORDER BY work_at, id
"""  # noqa: S608 - our own text
