"""Look at a basket: what it costs, whether it can be had, where it comes from, and when.

The same look is taken for a quote and for placing. It reads, decides and writes nothing; placing checks the stock
again under locks.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

import msgspec

from duoline import catalog, favourites, fulfilment, inventory, orders, pricing
from duoline.catalog.errors import NotInAssortment
from duoline.favourites import KeptUnit, Use
from duoline.flows import brought, origins
from duoline.flows.gifts import Gift, GiftWord, offer_gifts
from duoline.flows.offers import NONE, Buyer, Offers, Taken, take_offers
from duoline.flows.places import distance_km, place_of, region_path
from duoline.inventory import transfers
from duoline.kernel import clock
from duoline.kernel.errors import Refusal
from duoline.pricing.promotions import book
from duoline.pricing.promotions.uses import COUPONS_JSON, USED_JSON, Held, Used
from duoline.stores import directory

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from duoline.catalog.types import SkuFacts
    from duoline.flows.brought import Bring
    from duoline.fulfilment import Decision, Plan
    from duoline.kernel.db import Database
    from duoline.kernel.policies import InForce
    from duoline.pricing.promotions import Live
    from duoline.stores.directory import Chain
    from duoline.stores.types import Store

    Unlisted = Mapping[UUID, frozenset[UUID]]  # the shops that may not sell a product, by product


OFFERS_HERE = 8
"""Offers on so many lines are worked out at once; on more a solver may be asked, which is done beside the loop."""


@dataclass(frozen=True)
class Look:
    """What looking at a basket needs besides the wishes: the database and the open work of each location."""

    db: Database
    work: fulfilment.OpenWork

    @property
    def chain(self) -> Chain:
        """The organisation as of now."""
        return directory.current()


@dataclass(frozen=True, kw_only=True)
class BasketLine:
    """A wish with its facts and its price. `available` is what could be had for it; `ok` that it can be had."""

    n: int
    wanted: orders.Wanted
    facts: SkuFacts | None
    store: Store | None
    unit_price_minor: int
    price_scope: str
    price_tier: str
    offers: Sequence[Taken]
    available: int
    problem: Refusal | None

    @property
    def amount_minor(self) -> int:
        """What the line costs before offers."""
        return self.unit_price_minor * self.wanted.quantity

    @property
    def net_minor(self) -> int:
        """What the line costs."""
        return self.amount_minor - sum(taken.amount_minor for taken in self.offers)


class Group(NamedTuple):
    """Lines handed over together: at one store, or delivered. `promised` None when nothing can be promised.

    `bring` when the store has not the units and another sends them there. `in_shop` when the buyer stands in the store
    and waits for them.
    """

    method: str
    store: Store | None
    line_ns: list[int]
    promised: fulfilment.Promised | None
    bring: Bring | None = None
    in_shop: bool = False

    @property
    def promise_at(self) -> datetime | None:
        """When it is promised."""
        return self.promised.at if self.promised else None


class Basket(NamedTuple):
    """A basket as it stands at `at`."""

    lines: list[BasketLine]
    groups: list[Group]
    totals: pricing.Totals
    currency: str
    plan: Plan | None
    decision: Decision | None
    at: datetime
    offers: Offers = NONE
    """What takes money off it."""
    uses: Sequence[Use] = ()
    """Units kept in a shop for the buyer that serve lines of this basket."""
    lags: fulfilment.Lags = fulfilment.NOTHING_LEARNED
    """What its promises were made with."""
    gifts: Sequence[Gift] = ()
    """What comes with it; their lines stand behind those that were wished for."""

    @property
    def brings(self) -> list[Bring]:
        """What is brought to the shops where it is collected."""
        return [group.bring for group in self.groups if group.bring is not None]

    @property
    def problems(self) -> list[BasketLine]:
        """Lines that cannot be had as wished."""
        return [line for line in self.lines if line.problem is not None]


class _Read(msgspec.Struct):
    facts: list[catalog.FactsRow]
    prices: list[tuple[int, pricing.Price]]
    stock: list[tuple[UUID, UUID, int, int]]
    walk_ins: list[origins.WalkIn]
    shadows: list[origins.Shadow]
    shelf_prices: list[pricing.ShelfPrice]
    kept: list[KeptUnit]
    unlisted: list[tuple[UUID, list[UUID]]]
    tier: str
    first_order: bool
    used: list[Used]
    coupons: list[Held]


_READ = (
    """
WITH who AS MATERIALIZED (
  SELECT coalesce((SELECT m.tier FROM members m WHERE m.member_id = $4), '') AS tier
), s AS MATERIALIZED (
  SELECT l.* FROM levels l WHERE l.sku_id = ANY ($5::uuid[]) AND l.on_hand > l.held
  UNION ALL
  SELECT l.* FROM unnest($6::uuid[], $7::uuid[]) AS w(location_id, sku_id)
  JOIN levels l ON l.location_id = w.location_id AND l.sku_id = w.sku_id
)
SELECT json_build_object(
  'facts', FACTS,
  'prices', (SELECT coalesce(json_agg(json_build_array(
                     w.n, json_build_array(p.price_minor, p.currency, p.scope, p.tier))), '[]')
             FROM who, jsonb_to_recordset($1) AS w(n integer, sku uuid, store uuid, regions uuid[]),
                  LATERAL duo_price(w.sku, w.store, w.regions, $2, $3, who.tier) p),
  'stock', (SELECT coalesce(json_agg(json_build_array(
                     s.location_id, s.sku_id, duo_available(s.on_hand, s.held, s.safety + b.units),
                     duo_shared(s.on_hand, s.held, s.safety + b.units, s.outward_reserve, s.outward_cap,
                                s.outward))), '[]')
            FROM s, LATERAL (SELECT duo_buffer(s.buffers, $2) AS units) b),
  'walk_ins', WALK_INS,
  'shadows', SHADOWS,
  'shelf_prices', CASE WHEN $12 THEN SHELF_PRICES ELSE '[]' END,
  'kept', KEPT,
  'unlisted', (SELECT coalesce(json_agg(json_build_array(u.product_id, u.store_ids)), '[]') FROM unlisted u
               WHERE u.product_id IN (SELECT k.product_id FROM skus k WHERE k.id = ANY ($8))),
  'tier', (SELECT tier FROM who),
  'first_order', $4::uuid IS NOT NULL AND NOT EXISTS (
      SELECT FROM orders o WHERE o.member_id = $4 AND o.state NOT IN ('cancelled', 'expired')),
  'used', USED, 'coupons', COUPONS
)::text
""".replace("FACTS", catalog.SKU_FACTS_JSON.replace("$ids", "$8"))
    .replace("WALK_INS", origins.WALK_INS_JSON.replace("$days", "$9"))
    .replace("SHADOWS", origins.SHADOWS_JSON.replace("$counted", "$11"))
    .replace("SHELF_PRICES", pricing.SHELF_PRICES_JSON.replace("$skus", "$5").replace("$period", "tstzrange($3, $13)"))
    .replace("USED", USED_JSON.replace("$member", "$4").replace("$limited", "$14"))
    .replace("COUPONS", COUPONS_JSON.replace("$holder", "$15").replace("$shown", "$16").replace("$at", "$3"))
    .replace(
        "KEPT",
        favourites.KEPT_JSON.replace("$member", "$10")
        .replace("$skus", "$8")
        .replace("$at", "$3")
        .replace("$channel", "$2"),
    )
)
_decode = msgspec.json.Decoder(_Read)


async def look_at(
    look: Look,
    wishes: Sequence[orders.Wanted],
    *,
    channel: str,
    member_id: UUID | None,
    address: orders.Address | None,
    without: frozenset[UUID] = frozenset(),
    use_kept: bool = False,
    bring: bool = False,
    in_shop: UUID | None = None,
    coupon_ids: Sequence[UUID] = (),
    gifts: Sequence[GiftWord] | None = None,
) -> Basket:
    """Price the wishes with the gifts that are due for them, check their stock and plan their delivery.

    `gifts` are what the buyer says to them; None is for whoever has nobody to give them to. A gift is never the reason
    why something cannot be had: where it would be, there is none. Otherwise as `_look_at`, which is looked with once
    without the gifts and, where there are any, once more with them.
    """
    at, live = clock.now(), book.current()
    look_with = partial(
        _look_at, look, at=at, live=live, channel=channel, member_id=member_id, address=address, without=without,
        use_kept=use_kept, bring=bring, in_shop=in_shop, coupon_ids=coupon_ids,
    )  # fmt: skip
    plain = await look_with(wishes)
    if not plain.offers.gifts or gifts is None:
        return plain
    stores = [line.store for line in plain.lines]
    found = await offer_gifts(
        look, plain.offers.gifts, wishes, stores, gifts, channel=channel, without=without
    )  # fmt: skip
    while wanted := [wish for one in found if (wish := one.wish) is not None]:
        with_gifts = await look_with([*wishes, *wanted])
        gone = _ungiven(with_gifts, plain, len(wishes), channel)
        if not gone:
            return with_gifts._replace(gifts=found)
        found = [one.without() if one.promotion.id in gone else one for one in found]
    return plain._replace(gifts=found)


def _ungiven(basket: Basket, plain: Basket, count: int, channel: str) -> set[UUID]:
    """The gifts that cannot be had: no budget is left, the shop may not sell it, it cannot be sent with the rest."""
    fault = (pricing.NotForSale, NotInAssortment) if channel == "till" else Refusal
    lines = [line for line in basket.lines[count:] if isinstance(line.problem, fault) or line.n in basket.offers.over]
    if not lines and plain.plan is not None and basket.plan is None:
        lines = [line for line in basket.lines[count:] if line.wanted.method == "delivery"]
    return {line.wanted.gift for line in lines if line.wanted.gift is not None}


async def _look_at(
    look: Look,
    wishes: Sequence[orders.Wanted],
    *,
    at: datetime,
    live: Live,
    channel: str,
    member_id: UUID | None,
    address: orders.Address | None,
    without: frozenset[UUID],
    use_kept: bool,
    bring: bool,
    in_shop: UUID | None,
    coupon_ids: Sequence[UUID],
) -> Basket:
    """Price the wishes, check their stock and plan their delivery. Locations in `without` deliver nothing.

    Offers count as far as they last, coupons of the member and those in `coupon_ids`, which are shown by whoever buys.

    With `use_kept`, units that are kept for the member in shops serve the wishes before any others do (`uses`): those
    to be collected where they are kept, then those to be sent; what is sent of them travels free.

    With `bring`, a line to be collected at a shop that has not enough is brought there whole, as far as the policy and
    the terms of those who have it allow (`Bring`).

    `in_shop` is the shop in which the buyer stands: what is collected there, while it is open, is promised in minutes.

    One statement; a second one only for what is to be brought. Refuses `orders.too-many-lines`,
    `orders.bad-quantity`; everything else is a problem of its line.
    """
    if sum(wish.gift is None for wish in wishes) > orders.LINES_MAX:
        raise orders.TooManyLines(maximum=orders.LINES_MAX)
    if any(not 1 <= wish.quantity <= orders.QUANTITY_MAX for wish in wishes):
        raise orders.BadOrderQuantity(maximum=orders.QUANTITY_MAX)
    region_id = None if address is None else look.chain.region_of(address.province, address.city)
    policy = fulfilment.SOURCING.current(at, region_id=region_id)
    stores = [None if wish.store_id is None else look.chain.stores.get(wish.store_id) for wish in wishes]
    read = _decode.decode(
        await look.db.fetchval(
            _READ,
            [
                {
                    "n": n,
                    "sku": wish.sku_id,
                    "store": store.id if store and wish.method == "pickup" else None,
                    "regions": region_path(look.chain, store) if store and wish.method == "pickup" else [],
                }
                for n, (wish, store) in enumerate(zip(wishes, stores, strict=True))
            ],
            channel,
            at,
            member_id,
            list({wish.sku_id for wish in wishes if wish.method == "delivery"}),
            [wish.store_id for wish in wishes if wish.method == "pickup" and wish.store_id],
            [wish.sku_id for wish in wishes if wish.method == "pickup" and wish.store_id],
            list({wish.sku_id for wish in wishes}),
            policy.body.horizon_days,
            member_id if use_kept else None,
            policy.body.shadow > 0,
            policy.body.markdown > 0,
            at + timedelta(days=policy.body.horizon_days),
            live.limited,
            member_id if live.by_coupon else None,
            list(coupon_ids),
        )
    )
    facts = {row.id: row.facts() for row in read.facts}
    prices = dict(read.prices)
    unlisted: Unlisted = {product_id: frozenset(stores) for product_id, stores in read.unlisted}
    here: dict[UUID, dict[UUID, int]] = {}  # what can be collected there
    away: dict[UUID, dict[UUID, int]] = {}  # what its owner lets be sent from there
    for location_id, sku_id, available, shared in read.stock:
        here.setdefault(location_id, {})[sku_id] = available
        away.setdefault(location_id, {})[sku_id] = shared
    uses = [use for use in _uses(look, wishes, read.kept, without) if wishes[use.n].gift is None]
    markdowns = fulfilment.Markdowns(read.shelf_prices)
    worth = origins.worth_of(wishes, prices, read.walk_ins, read.shadows, markdowns, at, policy.body)
    lags = await look.work.lags()
    planned = await _plan(look, wishes, away, worth, address, without, uses, policy, lags)
    have = _sendable(look, away, without)
    missing = _missing(wishes, stores, facts, prices, unlisted, here, uses) if bring else []
    taken = _taken(wishes, missing, planned, uses)
    coming = await brought.find(look, wishes, missing, prices, taken, channel, at)
    buyer = Buyer(read.tier, bool(read.tier) and read.first_order, read.used, read.coupons)
    work = partial(take_offers, look.chain, live, wishes, stores, facts, prices, at=at, channel=channel, buyer=buyer)
    found = await asyncio.to_thread(work) if len(wishes) > OFFERS_HERE else work()
    lines = _judge(wishes, stores, facts, prices, unlisted, found, here, have, uses, coming, served=planned is not None)
    totals = pricing.add_up(
        [_priced(line, uses) for line in lines],
        pricing.DELIVERY_FEE.current().body,
        delivery_is_free=found.free_delivery is not None,
    )
    return Basket(
        lines=lines,
        groups=await _groups(look, lines, planned, coming.brings, address, at, lags, in_shop),
        totals=totals,
        currency=next((price.currency for price in prices.values()), "CNY"),
        plan=planned[0] if planned else None,
        decision=msgspec.structs.replace(planned[1], region_id=region_id) if planned else None,
        at=at,
        offers=found,
        uses=uses,
        lags=lags,
    )


def _priced(line: BasketLine, uses: Sequence[Use]) -> pricing.PricedLine:
    delivered = line.wanted.method == "delivery"
    return pricing.PricedLine(
        line.wanted.quantity,
        line.unit_price_minor,
        delivered,
        kept=sum(use.n == line.n for use in uses) if delivered else 0,
        off_minor=line.amount_minor - line.net_minor,
    )


def _uses(look: Look, wishes: Sequence[orders.Wanted], kept: Sequence[KeptUnit], without: frozenset[UUID]) -> list[Use]:
    if not kept:
        return []
    sending = {unit.location_id for unit in kept if origins.sends(look, unit.location_id, without) is not None}
    return favourites.use_kept(
        [
            favourites.Wished(wish.sku_id, wish.quantity, wish.store_id if wish.method == "pickup" else None)
            for wish in wishes
        ],
        kept,
        sending,
    )


def _sendable(look: Look, stock: Mapping[UUID, Mapping[UUID, int]], without: frozenset[UUID]) -> dict[UUID, int]:
    """How many units of each SKU there are at locations that send."""
    have: dict[UUID, int] = {}
    for location_id, units in stock.items():
        if origins.sends(look, location_id, without) is not None:
            for sku_id, available in units.items():
                have[sku_id] = have.get(sku_id, 0) + available
    return have


async def _plan(
    look: Look,
    wishes: Sequence[orders.Wanted],
    stock: Mapping[UUID, Mapping[UUID, int]],
    worth: origins.Worth,
    address: orders.Address | None,
    without: frozenset[UUID],
    uses: Sequence[Use],
    policy: InForce[fulfilment.SourcingPolicy],
    lags: fulfilment.Lags,
) -> tuple[Plan, Decision] | None:
    """Source the delivered wishes; the pieces are named by the wishes' positions. Kept units leave where they are."""
    if not any(wish.method == "delivery" for wish in wishes):
        return None
    kept = _served_by(uses)
    lines = [
        fulfilment.WantedLine(UUID(int=n), wish.sku_id, wish.quantity - kept.get(n, 0))
        for n, wish in enumerate(wishes)
        if wish.method == "delivery" and wish.quantity > kept.get(n, 0)
    ]
    pickups = [
        inventory.Need(wish.store_id, wish.sku_id, wish.quantity - kept.get(n, 0))
        for n, wish in enumerate(wishes)
        if wish.method == "pickup" and wish.store_id and wish.quantity > kept.get(n, 0)
    ]
    free = {location: dict(units) for location, units in stock.items()}
    for need in inventory.add_up(pickups):  # what is collected at a shop cannot be sent from it
        if need.location_id in free:
            units = free[need.location_id]
            units[need.sku_id] = max(0, units.get(need.sku_id, 0) - need.quantity)
    fixed: dict[UUID, list[fulfilment.Piece]] = {}
    for use in uses:
        if wishes[use.n].method == "delivery":
            fixed.setdefault(use.unit.location_id, []).append(fulfilment.Piece(UUID(int=use.n), use.unit.sku_id, 1))
            free.setdefault(use.unit.location_id, {})
    place = place_of(look.chain, address)
    days = origins.parcel_days(worth.at, lags)
    senders = await origins.origins_of(look, free, worth, place, without, frozenset(fixed), policy.body, days)
    rest = await _decide(lines, senders, policy) if lines else None
    if not fixed or (lines and rest is None):
        return rest
    by_id = {origin.store.id: origin for origin in senders}
    return fulfilment.decide_kept(fixed, rest, by_id, policy.body, policy.version)


async def _decide(
    lines: Sequence[fulfilment.WantedLine],
    origins: Sequence[fulfilment.Origin],
    policy: InForce[fulfilment.SourcingPolicy],
) -> tuple[Plan, Decision] | None:
    """Decide here, or beside the loop when the order is so large that a solver may be asked, which takes its time."""
    if len({line.sku_id for line in lines}) > fulfilment.EXACT_SKUS:
        return await asyncio.to_thread(fulfilment.decide, lines, origins, policy.body, policy.version)
    return fulfilment.decide(lines, origins, policy.body, policy.version)


def _served_by(uses: Sequence[Use]) -> dict[int, int]:
    """How many kept units serve each wish."""
    units: dict[int, int] = {}
    for use in uses:
        units[use.n] = units.get(use.n, 0) + 1
    return units


def _judge(
    wishes: Sequence[orders.Wanted],
    stores: Sequence[Store | None],
    facts: Mapping[UUID, SkuFacts],
    prices: Mapping[int, pricing.Price],
    unlisted: Unlisted,
    found: Offers,
    stock: Mapping[UUID, Mapping[UUID, int]],
    have: Mapping[UUID, int],
    uses: Sequence[Use],
    coming: brought.Brought,
    *,
    served: bool,
) -> list[BasketLine]:
    """Every line with what is wrong with it, if anything. Demand of several lines for one SKU is added up.

    `have` are the units that could be sent, besides those in `uses`; `served` says that there is a plan for what is to
    be delivered. What is `coming` asks nothing of the shop where it is collected.
    """
    brought_ns = {n for bring in coming.brings for n in bring.line_ns}
    demand: dict[tuple[str, UUID | None, UUID], int] = {}
    mine: dict[tuple[str, UUID | None, UUID], int] = {}
    kept = _served_by(uses)
    for n, wish in enumerate(wishes):
        if n in brought_ns:
            continue
        key = wish.method, wish.store_id if wish.method == "pickup" else None, wish.sku_id
        demand[key] = demand.get(key, 0) + wish.quantity
        mine[key] = mine.get(key, 0) + kept.get(n, 0)
    # Without a plan the lines that are short say so; the others are only to blame when none is.
    short = any(key[0] == "delivery" and wanted > have.get(key[2], 0) + mine[key] for key, wanted in demand.items())
    lines = []
    for n, (wish, store) in enumerate(zip(wishes, stores, strict=True)):
        fact, price = facts.get(wish.sku_id), prices.get(n)
        if wish.method == "pickup":
            key = "pickup", wish.store_id, wish.sku_id
            available = stock.get(wish.store_id, {}).get(wish.sku_id, 0) if wish.store_id else 0
            if fact is not None and wish.store_id in unlisted.get(fact.product_id, ()):
                available = 0
        else:
            key = "delivery", None, wish.sku_id
            available = have.get(wish.sku_id, 0)
        if n in brought_ns:
            available, wanted = max(available, coming.most[n]), wish.quantity
        else:
            available, wanted = max(available + mine[key], coming.most.get(n, 0)), demand[key]
        lines.append(
            BasketLine(
                n=n,
                wanted=wish,
                facts=fact,
                store=store,
                unit_price_minor=price.price_minor if price else 0,
                price_scope=price.scope if price else "chain",
                price_tier=price.tier if price else "",
                offers=found.by_line.get(n, ()),
                available=available,
                problem=_problem(wish, store, fact, price, unlisted, available, wanted, served=served or short),
            )
        )
    return lines


def _problem(
    wish: orders.Wanted,
    store: Store | None,
    facts: SkuFacts | None,
    price: pricing.Price | None,
    unlisted: Unlisted,
    available: int,
    wanted: int,
    *,
    served: bool,
) -> Refusal | None:
    """The first thing that is wrong with a line, in the order in which a person would mend it."""
    if facts is None or not facts.sellable or price is None:
        return pricing.NotForSale(sku_id=str(wish.sku_id))
    if wish.method == "pickup":
        if store is None or store.kind != "store" or not store.services.pickup:
            return fulfilment.NoPickup(store_code=store.code if store else None)
        if not store.active:
            return fulfilment.StoreClosed(store_code=store.code)
        if store.id in unlisted.get(facts.product_id, ()):
            return NotInAssortment(sku_id=str(wish.sku_id), store_code=store.code)
    if wanted > available:
        return inventory.InsufficientStock(
            short=[
                {
                    "sku_id": str(wish.sku_id),
                    "location_code": store.code if store else None,
                    "wanted": wanted,
                    "available": available,
                }
            ]
        )
    if wish.method == "delivery" and not served:
        return fulfilment.CannotServe()
    return None


def _missing(
    wishes: Sequence[orders.Wanted],
    stores: Sequence[Store | None],
    facts: Mapping[UUID, SkuFacts],
    prices: Mapping[int, pricing.Price],
    unlisted: Unlisted,
    here: Mapping[UUID, Mapping[UUID, int]],
    uses: Sequence[Use],
) -> list[tuple[int, Store]]:
    """Positions of lines to be collected whose shop has not enough after serving those before them, with the shop.

    A line of which units are kept there is served there or not at all: they would be kept for nothing.
    """
    if not transfers.TRANSFERS.current().body.for_orders:
        return []
    left = {place: dict(units) for place, units in here.items()}
    kept = _served_by(uses)
    found = []
    for n, (wish, store) in enumerate(zip(wishes, stores, strict=True)):
        if wish.method != "pickup" or store is None or wish.gift is not None:
            continue
        if _problem(wish, store, facts.get(wish.sku_id), prices.get(n), unlisted, 1, 1, served=True) is not None:
            continue
        there = left.setdefault(store.id, {})
        rest = wish.quantity - kept.get(n, 0)
        if rest <= there.get(wish.sku_id, 0):
            there[wish.sku_id] = there.get(wish.sku_id, 0) - rest
        elif not kept.get(n):
            found.append((n, store))
    return found


def _taken(
    wishes: Sequence[orders.Wanted],
    missing: Sequence[tuple[int, Store]],
    planned: tuple[Plan, Decision] | None,
    uses: Sequence[Use],
) -> list[tuple[UUID, UUID, int]]:
    """Units that this basket wants of its shops and parcels already, but those that are kept for the buyer."""
    kept, gone = _served_by(uses), {n for n, _ in missing}
    found = [
        (wish.store_id, wish.sku_id, wish.quantity - kept.get(n, 0))
        for n, wish in enumerate(wishes)
        if wish.method == "pickup" and wish.store_id and n not in gone
    ]
    for parcel in planned[0].parcels if planned else ():
        found += [(parcel.location_id, piece.sku_id, piece.quantity) for piece in parcel.pieces]
    return found


async def _groups(
    look: Look,
    lines: Sequence[BasketLine],
    planned: tuple[Plan, Decision] | None,
    brings: Sequence[Bring],
    address: orders.Address | None,
    at: datetime,
    lags: fulfilment.Lags,
    in_shop: UUID | None,
) -> list[Group]:
    counts, minutes = await look.work.counts(), fulfilment.PICKUP.current().body.in_shop_minutes
    groups: list[Group] = []
    by_store: dict[UUID | None, list[BasketLine]] = {}
    coming = {n for bring in brings for n in bring.line_ns}
    for line in lines:
        if line.wanted.method == "pickup" and line.n not in coming:
            by_store.setdefault(line.wanted.store_id, []).append(line)
    for store_id, mine in by_store.items():
        store = mine[0].store
        fine = store is not None and all(line.problem is None for line in mine)
        soon = fulfilment.in_shop_ready_at(store, at, minutes=minutes) if store and store_id == in_shop else None
        promise = (
            soon or fulfilment.pickup_ready_at(store, at, open_work=counts.get(store.id, 0), lags=lags)
            if fine and store_id and store
            else None
        )
        groups.append(Group("pickup", store, [line.n for line in mine], promise, in_shop=soon is not None))
    groups += [Group("pickup", bring.store, bring.line_ns, bring.promised, bring) for bring in brings]
    delivered = [line.n for line in lines if line.wanted.method == "delivery"]
    if delivered:
        groups.append(Group("delivery", None, delivered, _arrival(look.chain, planned, address, at, lags)))
    return groups


def _arrival(
    chain: Chain,
    planned: tuple[Plan, Decision] | None,
    address: orders.Address | None,
    at: datetime,
    lags: fulfilment.Lags,
) -> fulfilment.Promised | None:
    """When the last parcel of the plan arrives."""
    if planned is None:
        return None
    place = place_of(chain, address)
    return max(parcel_arrival(chain.stores[parcel.location_id], place, at, lags) for parcel in planned[0].parcels)


def parcel_arrival(
    store: Store, place: tuple[float, float] | None, at: datetime, lags: fulfilment.Lags
) -> fulfilment.Promised:
    """When a parcel from a location arrives at a place."""
    policy = fulfilment.DELIVERY.current().body
    return fulfilment.arrives_at(store, at, distance_km=distance_km(store, place), policy=policy, lags=lags)


def as_options(facts: SkuFacts) -> list[dict[str, Any]]:
    """The choices of a variant as they are kept with an order line."""
    return [msgspec.to_builtins(choice) for choice in facts.options]
