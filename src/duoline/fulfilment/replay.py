"""What would other terms of sourcing have done? A past period played again, event by event. Pure.

A simulation starts with the stock of the period's first moment and is fed what happened, in order: what moved and was
kept in the shops (as it was), and the delivery orders. Each order is decided anew by the very code that decides live
orders, against the stock and the open work of this simulation, and its units are kept and sent from there.

What it assumes, and gives up:

- Each location does its open work in order of arrival, at `pick_capacity_hour`, in open hours only. Work that is
  collected in the shop queues with the parcels. Nothing is rejected.
- A parcel leaves when it is picked. Units that were cancelled come back to where this simulation sent them from.
- Terms of owners, buffers, opening hours, locations and what was learned (chances of rejection, rates of walk-in
  customers) are those of today. Units that were kept for a favourite are sourced like any other.
- A unit that was sold or kept in a shop, and that this simulation has sent away before, is a lost sale in the shop.
- Orders that nobody could place in the past, because nothing was left, are not known and not played.

A delivery is *late* when it arrives later than a parcel that left the nearest sending location at the moment of
payment would, whatever is in stock there: the same measure for all terms. A shop-hour is *over* when more work was open
in it than the location picks in an hour; only hours in which work came in are counted.
"""

from __future__ import annotations

import heapq
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

import msgspec

from duoline import inventory
from duoline.fulfilment.candidates import Origin, decide, line_cost, parcel_cost
from duoline.fulfilment.load import UNKNOWN_BP
from duoline.fulfilment.markdown import NO_MARKDOWNS, Markdowns
from duoline.fulfilment.promise import NOTHING_LEARNED, arrives_at, days_until
from duoline.fulfilment.weigh import in_rush, may_send, walk_in_worth
from duoline.kernel.errors import ensure
from duoline.stores import hours

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime

    from duoline.fulfilment.policy import DeliveryPolicy, SourcingPolicy
    from duoline.fulfilment.promise import Lags
    from duoline.fulfilment.sourcing import Plan, WantedLine
    from duoline.stores.types import Store

HOUR_S = 3600


class Start(NamedTuple):
    """A level at the start, with its terms. Nothing is held yet: what was is fed as `Kept` first."""

    location_id: UUID
    sku_id: UUID
    on_hand: int
    safety: int = 0
    reserve: int = 0
    cap: int | None = None
    buffers: Mapping[str, int] = {}
    walk_in_rate: int = 0
    """Units that walk-in customers buy in a thousand days."""


class Moved(NamedTuple):
    """Units that came (positive) or went without a hold. `walk_in`: a customer took them."""

    at: datetime
    location_id: UUID
    sku_id: UUID
    units: int
    walk_in: bool = False


class Kept(NamedTuple):
    """A hold of somebody whose order is not played again."""

    at: datetime
    hold_id: UUID
    location_id: UUID
    sku_id: UUID
    units: int
    outward: bool = False


class Resolved(NamedTuple):
    """The end of such a hold: the units left (`taken`), or were given back."""

    at: datetime
    hold_id: UUID
    taken: bool


class Began(NamedTuple):
    """Work that is not played again came in at a location."""

    at: datetime
    location_id: UUID


class Collected(NamedTuple):
    """Units of the same order that are collected at a shop, and so cannot be sent from it."""

    location_id: UUID
    sku_id: UUID
    units: int


class Placed(NamedTuple):
    """A delivery to plan. `distance_km` is asked for locations that send; `prices_minor` are what the buyer paid."""

    at: datetime
    order_id: UUID
    lines: Sequence[WantedLine]
    channel: str
    distance_km: Callable[[Store], float]
    collected: Sequence[Collected] = ()
    prices_minor: Mapping[UUID, int] = {}


class Paid(NamedTuple):
    """The parcels of an order become work."""

    at: datetime
    order_id: UUID


class GivenBack(NamedTuple):
    """Units of an order that were cancelled, by line."""

    at: datetime
    order_id: UUID
    units: Mapping[UUID, int]


Event = Moved | Resolved | GivenBack | Kept | Began | Placed | Paid
_RANK = {kind: n for n, kind in enumerate((Moved, Resolved, GivenBack, Kept, Began, Placed, Paid))}


def in_order(events: Iterable[Event]) -> list[Event]:
    """By time; what happened at one instant in a fixed order, in which stock comes before who wants it."""
    return sorted(events, key=lambda event: (event.at, _RANK[type(event)]))


class ShopOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """What one location had to do. `peak` is the most work it had open; see the module for hours."""

    location_id: UUID
    units: int
    parcels: int
    peak: int
    busy_hours: int
    over_hours: int


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What some terms would have done with a period.

    `cost_minor` is what all plans cost by the terms in force, so that outcomes can be compared; `own_cost_minor` by the
    terms that made them. `fees_minor` is owed to owners. `late` orders are among the `paid` ones, which are among the
    `served`. What shops lost is valued at the price of the SKU's last delivery in the period.
    """

    orders: int
    served: int
    paid: int
    late: int
    units: int
    units_served: int
    parcels: int
    cost_minor: int
    own_cost_minor: int
    fees_minor: int
    lost_units: int
    lost_minor: int
    shops: list[ShopOutcome]


_COUNTED = tuple(name for name in Outcome.__struct_fields__ if name != "shops")


class _Level:
    """A level while it is simulated."""

    __slots__ = ("buffers", "cap", "held", "on_hand", "outward", "reserve", "safety", "walk_in_rate")

    def __init__(self, start: Start) -> None:
        self.on_hand, self.held, self.outward = start.on_hand, 0, 0
        self.safety, self.reserve, self.cap, self.buffers = start.safety, start.reserve, start.cap, start.buffers
        self.walk_in_rate = start.walk_in_rate

    @property
    def free(self) -> int:
        return self.on_hand - self.held

    def shared(self, channel: str) -> int:
        """What may be promised to leave for others, as the database computes it."""
        return inventory.shared(
            on_hand=self.on_hand,
            held=self.held,
            safety=self.safety + self.buffers.get(channel, 0),
            reserve=self.reserve,
            cap=self.cap,
            outward=self.outward,
        )

    def keep(self, units: int, *, outward: int) -> None:
        self.held += units
        self.outward += outward
        self._sound()

    def let_go(self, units: int, *, outward: int, taken: bool) -> None:
        self.held -= units
        self.outward -= outward
        if taken:
            self.on_hand -= units
        self._sound()

    def _sound(self) -> None:
        ensure(0 <= self.outward <= self.held <= self.on_hand, "REPLAY", "a replay keeps only units that are there")


class _Parcel:
    """What one location sends of an order: units by line, and whether they are still there."""

    __slots__ = ("location_id", "open", "pieces", "sent")

    def __init__(self, location_id: UUID, pieces: dict[UUID, tuple[UUID, int]]) -> None:
        self.location_id, self.pieces = location_id, pieces
        self.open = False
        self.sent = False


class Simulation:
    """One policy over one period. Feed it events in order, then ask for the outcome.

    Those of `stores` that trade and send are sourced from; `franchised` are the locations of franchisees; `paths` are
    the scopes of prices on each shelf (see `Markdowns.lowest`). A repeat with the same events gives the same outcome.
    """

    def __init__(
        self,
        policy: SourcingPolicy,
        *,
        version: int,
        yardstick: SourcingPolicy,
        delivery: DeliveryPolicy,
        stores: Mapping[UUID, Store],
        levels: Iterable[Start],
        prices_minor: Mapping[UUID, int],
        franchised: frozenset[UUID] = frozenset(),
        reject_bp: Mapping[UUID, int] | None = None,
        lags: Lags = NOTHING_LEARNED,
        markdowns: Markdowns = NO_MARKDOWNS,
        paths: Mapping[UUID, Sequence[UUID]] | None = None,
    ) -> None:
        self.policy, self.version, self.yardstick, self.delivery = policy, version, yardstick, delivery
        self.stores, self.franchised, self.reject_bp = stores, franchised, reject_bp or {}
        self.lags = lags
        self.prices_minor = prices_minor
        self.markdowns, self.paths = markdowns, paths or {}
        self.senders = {key: store for key, store in stores.items() if store.active and store.services.ship}
        self.levels: dict[UUID, dict[UUID, _Level]] = {}  # by SKU, then location
        for start in levels:
            self.levels.setdefault(start.sku_id, {})[start.location_id] = _Level(start)
        self.came = self.went = 0  # units over all levels since the start
        self.plans: dict[UUID, Plan] = {}
        self._kept: dict[UUID, tuple[_Level, int, int]] = {}
        self._parcels: dict[UUID, list[_Parcel]] = {}
        self._placed: dict[UUID, Placed] = {}
        self._work: list[tuple[datetime, int, UUID, _Parcel | None]] = []
        self._entered = 0
        self._free_at: dict[UUID, datetime] = {}
        self._open: dict[UUID, int] = {}
        self._peaks: dict[tuple[UUID, int], int] = {}
        self._sent: dict[UUID, list[int]] = {}
        self._tally = dict.fromkeys(_COUNTED, 0)

    def apply(self, event: Event) -> None:
        """The next thing that happened."""
        self._work_until(event.at)
        match event:
            case Moved():
                self._move(event)
            case Kept():
                self._keep(event)
            case Resolved():
                self._resolve(event)
            case Began():
                self._enter(event.at, event.location_id, None)
            case Placed():
                self._place(event)
            case Paid():
                self._pay(event)
            case GivenBack():
                self._give_back(event)

    def outcome(self) -> Outcome:
        """What came of it so far."""
        by_place: dict[UUID, list[int]] = {}
        for (location_id, _), peak in self._peaks.items():
            facts = by_place.setdefault(location_id, [0, 0, 0])
            facts[0] = max(facts[0], peak)
            facts[1] += 1
            facts[2] += peak > self.stores[location_id].pick_capacity_hour
        shops = []
        for location_id in sorted(by_place.keys() | self._sent.keys(), key=lambda key: self.stores[key].code):
            peak, busy, over = by_place.get(location_id, (0, 0, 0))
            units, parcels = self._sent.get(location_id, (0, 0))
            shops.append(
                ShopOutcome(
                    location_id=location_id, units=units, parcels=parcels, peak=peak, busy_hours=busy, over_hours=over
                )
            )
        return Outcome(**self._tally, shops=shops)

    # --- stock ----------------------------------------------------------------------------------

    def _level(self, location_id: UUID, sku_id: UUID) -> _Level:
        places = self.levels.setdefault(sku_id, {})
        if location_id not in places:  # its first units came within the period
            places[location_id] = _Level(Start(location_id, sku_id, 0))
        return places[location_id]

    def _move(self, event: Moved) -> None:
        level = self._level(event.location_id, event.sku_id)
        if event.units > 0:
            level.on_hand += event.units
            self.came += event.units
            return
        gone = min(-event.units, level.free)
        level.on_hand -= gone
        self.went += gone
        if event.walk_in:
            self._lose(event.sku_id, -event.units - gone)

    def _keep(self, event: Kept) -> None:
        level = self._level(event.location_id, event.sku_id)
        units = min(event.units, level.free)
        outward = units if event.outward else 0
        level.keep(units, outward=outward)
        self._kept[event.hold_id] = level, units, outward
        if not event.outward:
            self._lose(event.sku_id, event.units - units)

    def _resolve(self, event: Resolved) -> None:
        kept = self._kept.pop(event.hold_id, None)
        if kept is not None:
            level, units, outward = kept
            level.let_go(units, outward=outward, taken=event.taken)
            self.went += units if event.taken else 0

    def _lose(self, sku_id: UUID, units: int) -> None:
        self._tally["lost_units"] += units
        self._tally["lost_minor"] += units * self.prices_minor.get(sku_id, 0)

    # --- orders ---------------------------------------------------------------------------------

    def _place(self, event: Placed) -> None:
        tally = self._tally
        units = sum(line.quantity for line in event.lines)
        tally["orders"] += 1
        tally["units"] += units
        stock = self._stock(event)
        origins = self._origins(event, stock, self.policy)
        found = decide(event.lines, origins, self.policy, self.version)
        if found is None:
            return
        plan, _ = found
        own = plan.cost_minor - self.policy.split  # the first parcel is no further one
        if self.yardstick == self.policy:
            cost = own
        else:
            used = {parcel.location_id for parcel in plan.parcels}
            theirs = self._origins(event, {key: stock[key] for key in used}, self.yardstick, every=True)
            cost = cost_by(plan, {origin.store.id: origin for origin in theirs}, self.yardstick)
        parcels = []
        for parcel in plan.parcels:
            store = self.stores[parcel.location_id]
            mine: dict[UUID, tuple[UUID, int]] = {}
            for piece in parcel.pieces:
                self._level(store.id, piece.sku_id).keep(piece.quantity, outward=piece.quantity)
                mine[piece.line_id] = piece.sku_id, piece.quantity
            parcels.append(_Parcel(store.id, mine))
            sent = sum(piece.quantity for piece in parcel.pieces)
            counts = self._sent.setdefault(store.id, [0, 0])
            counts[0] += sent
            counts[1] += 1
            tally["fees_minor"] += sent * store.share.fee_minor
        self._parcels[event.order_id] = parcels
        self._placed[event.order_id] = event
        self.plans[event.order_id] = plan
        tally["served"] += 1
        tally["units_served"] += units
        tally["parcels"] += len(parcels)
        tally["own_cost_minor"] += own
        tally["cost_minor"] += cost

    def _stock(self, event: Placed) -> dict[UUID, dict[UUID, int]]:
        """What each location that sends could send, as it is seen when a basket is looked at."""
        stock: dict[UUID, dict[UUID, int]] = {}
        for sku_id in {line.sku_id: None for line in event.lines}:
            for location_id, level in self.levels.get(sku_id, {}).items():
                if level.free > 0 and location_id in self.senders:
                    stock.setdefault(location_id, {})[sku_id] = level.shared(event.channel)
        for location_id, sku_id, units in event.collected:
            there = stock.get(location_id, {})
            if sku_id in there:
                there[sku_id] = max(0, there[sku_id] - units)
        return stock

    def _origins(
        self,
        event: Placed,
        stock: Mapping[UUID, Mapping[UUID, int]],
        policy: SourcingPolicy,
        *,
        every: bool = False,
    ) -> list[Origin]:
        """The locations with what they cost by a policy: those that it lets send, or `every` one."""
        found = []
        for location_id, units in stock.items():
            store, work = self.senders[location_id], self._open.get(location_id, 0)
            if not (every or may_send(store, policy, work, franchised=location_id in self.franchised)):
                continue
            fee = store.share.fee_minor * policy.owner_fee // 100
            costs = {
                sku_id: cost for sku_id in units if (cost := fee + self._worth(location_id, sku_id, event, policy))
            }
            away_km = event.distance_km(store)
            found.append(
                Origin(
                    store,
                    away_km,
                    work,
                    units,
                    costs,
                    days=self._days(store, event.at, away_km) if policy.day else 0,
                    reject_bp=self.reject_bp.get(location_id, UNKNOWN_BP),
                    rush=in_rush(store, event.at, work, policy),
                )
            )
        return found

    def _days(self, store: Store, at: datetime, away_km: float) -> int:
        return days_until(store, at, distance_km=away_km, policy=self.delivery, lags=self.lags)

    def _worth(self, location_id: UUID, sku_id: UUID, event: Placed, policy: SourcingPolicy) -> int:
        """What walk-in customers would have left for a unit, less what it loses on its shelf, in minor units."""
        level, price_minor = self.levels[sku_id].get(location_id), event.prices_minor.get(sku_id, 0)
        worth = 0
        if level is not None and level.walk_in_rate:
            worth = walk_in_worth(level.free, level.walk_in_rate, price_minor, policy)
        if sku_id in self.markdowns:
            path = self.paths.get(location_id, ())
            worth -= self.markdowns.saved(worth, sku_id, path, event.at, price_minor, policy)
        return worth

    def _pay(self, event: Paid) -> None:
        placed = self._placed.get(event.order_id)
        if placed is None:
            return
        ready = [
            (self.stores[parcel.location_id], self._enter(event.at, parcel.location_id, parcel))
            for parcel in self._parcels[event.order_id]
            if parcel.pieces
        ]
        if not ready:
            return  # cancelled before it was paid
        self._tally["paid"] += 1
        nearest = min(self.senders.values(), key=lambda store: (placed.distance_km(store), store.code))
        best = self._arrival(nearest, event.at, placed)
        if any(at is None or self._arrival(store, at, placed) > best for store, at in ready):
            self._tally["late"] += 1

    def _arrival(self, store: Store, at: datetime, placed: Placed) -> datetime:
        """By the plain rule: terms are compared by where they send from, not by what was learned since."""
        km = placed.distance_km(store)
        return arrives_at(store, at, distance_km=km, policy=self.delivery, lags=NOTHING_LEARNED).at

    def _give_back(self, event: GivenBack) -> None:
        """Units come back, from open parcels first."""
        left = dict(event.units)
        for parcel in sorted(self._parcels.get(event.order_id, ()), key=lambda parcel: parcel.sent):
            for line_id, (sku_id, there) in list(parcel.pieces.items()):
                units = min(there, left.get(line_id, 0))
                if not units:
                    continue
                left[line_id] -= units
                level = self._level(parcel.location_id, sku_id)
                if parcel.sent:
                    level.on_hand += units
                    self.came += units
                else:
                    level.let_go(units, outward=units, taken=False)
                if units == there:
                    del parcel.pieces[line_id]
                else:
                    parcel.pieces[line_id] = sku_id, there - units
            if parcel.open and not parcel.pieces:
                parcel.open = False
                self._open[parcel.location_id] -= 1

    # --- work -----------------------------------------------------------------------------------

    def _enter(self, at: datetime, location_id: UUID, parcel: _Parcel | None) -> datetime | None:
        """One more to pick; when that is done, None when the location does not open any more."""
        store = self.stores.get(location_id)
        if store is None:
            return None
        count = self._open[location_id] = self._open.get(location_id, 0) + 1
        key = location_id, int(at.timestamp()) // HOUR_S
        self._peaks[key] = max(self._peaks.get(key, 0), count)
        if parcel is not None:
            parcel.open = True
        begins = max(at, self._free_at.get(location_id, at))
        done = hours.add_open_minutes(store.hours, begins, 60 / store.pick_capacity_hour)
        if done is not None:
            self._free_at[location_id] = done
            self._entered += 1
            heapq.heappush(self._work, (done, self._entered, location_id, parcel))
        return done

    def _work_until(self, at: datetime) -> None:
        """What is picked by then leaves."""
        while self._work and self._work[0][0] <= at:
            _, _, location_id, parcel = heapq.heappop(self._work)
            if parcel is None:
                self._open[location_id] -= 1
            elif parcel.open:
                parcel.open, parcel.sent = False, True
                self._open[location_id] -= 1
                for sku_id, units in parcel.pieces.values():
                    self._level(location_id, sku_id).let_go(units, outward=units, taken=True)
                    self.went += units

    def finish(self, at: datetime) -> None:
        """Let the work that is open be done, as far as locations open within two months of `at`."""
        self._work_until(at + timedelta(days=hours.HORIZON_DAYS))


def cost_by(plan: Plan, origins: Mapping[UUID, Origin], policy: SourcingPolicy) -> int:
    """What a plan costs by other terms than those that made it, in minor units, with the same open work."""
    total = 0
    for parcel in plan.parcels:
        origin = origins[parcel.location_id]
        total += parcel_cost(origin, policy) + line_cost(origin, policy) * len({p.sku_id for p in parcel.pieces})
        total += sum(piece.quantity * origin.unit_minor.get(piece.sku_id, 0) for piece in parcel.pieces)
    return total - policy.split
