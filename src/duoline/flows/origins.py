"""Locations that may send units of a basket, and what a unit costs from there."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

from duoline import fulfilment
from duoline.flows.places import distance_km, shelf_path
from duoline.stores.types import Store

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from duoline import orders, pricing
    from duoline.flows.basket import Look

WALK_INS_JSON = """
(SELECT coalesce(json_agg(json_build_array(s.location_id, s.sku_id, s.on_hand - s.held, s.walk_in_rate,
                                           s.shadow_minor IS NOT NULL)), '[]')
 FROM s, LATERAL (SELECT s.walk_in_rate * $days::float8 / 1000 AS units) expected
 WHERE s.walk_in_rate > 0 AND s.on_hand - s.held <= expected.units + 3 * sqrt(expected.units) + 2)
"""
"""What walk-in customers may want of the levels `s`: [location, SKU, free units, rate in thousandths a day, whether a
shadow price is known].

Only where they could want all that is left: beyond three deviations the chance is nothing.
"""

SHADOWS_JSON = """
(SELECT coalesce(json_agg(json_build_array(s.location_id, s.sku_id, s.shadow_minor)), '[]')
 FROM s WHERE $counted AND s.shadow_minor > 0)
"""
"""Shadow prices of the levels `s` in minor units, where they are `$counted`: [location, SKU, price]."""

WalkIn = tuple[UUID, UUID, int, int, bool]
Shadow = tuple[UUID, UUID, int]


def sends(look: Look, location_id: UUID, without: frozenset[UUID] = frozenset()) -> Store | None:
    """The location if it sends parcels and trades."""
    store = look.chain.stores.get(location_id)
    fine = store is not None and store.active and store.services.ship and location_id not in without
    return store if fine else None


Days = Callable[[Store, float], int]
"""After how many days what a location sends so many kilometres arrives."""


def parcel_days(at: datetime, lags: fulfilment.Lags) -> Days:
    """The days of parcels ordered at `at`."""
    policy = fulfilment.DELIVERY.current().body

    def days(store: Store, away_km: float) -> int:
        return fulfilment.days_until(store, at, distance_km=away_km, policy=policy, lags=lags)

    return days


class Worth(NamedTuple):
    """What units are worth where they lie, in minor units by (location, SKU); `shadow` are those by shadow prices.

    `markdowns` say what they lose there from `at` on, `prices_minor` what the order pays for each SKU.
    """

    minor: Mapping[tuple[UUID, UUID], int]
    shadow: Mapping[tuple[UUID, UUID], int]
    markdowns: fulfilment.Markdowns
    prices_minor: Mapping[UUID, int]
    at: datetime


def worth_of(
    wishes: Sequence[orders.Wanted],
    prices: Mapping[int, pricing.Price],
    walk_ins: Sequence[WalkIn],
    shadows: Sequence[Shadow],
    markdowns: fulfilment.Markdowns,
    at: datetime,
    policy: fulfilment.SourcingPolicy,
) -> Worth:
    """What a unit that is sent away is worth where it lies, in minor units, by (location, SKU): to walk-in customers,
    or by its shadow price, which counts in their place wherever it is known and the policy counts it."""
    price = {wish.sku_id: prices[n].price_minor for n, wish in enumerate(wishes) if n in prices}
    found = {}
    for location_id, sku_id, free, rate, priced in walk_ins:
        if priced and policy.shadow > 0:
            continue
        if lost := fulfilment.walk_in_worth(free, rate, price.get(sku_id, 0), policy):
            found[location_id, sku_id] = lost
    shadow = {
        (location_id, sku_id): counted
        for location_id, sku_id, minor in shadows
        if (counted := minor * policy.shadow // 100)
    }
    return Worth(found | shadow, shadow, markdowns, price, at)


async def origins_of(
    look: Look,
    stock: Mapping[UUID, Mapping[UUID, int]],
    worth: Worth,
    place: tuple[float, float] | None,
    without: frozenset[UUID],
    keeping: frozenset[UUID],
    policy: fulfilment.SourcingPolicy,
    days: Days,
) -> list[fulfilment.Origin]:
    """Locations that may send and have something that is wanted, with what a unit costs from there.

    Those that keep units for the buyer send them whatever the policy says.
    """
    counts, rejects = await look.work.counts(), await look.work.reject_bp()
    found = []
    for location_id, units in stock.items():
        store = sends(look, location_id, without)
        work = counts.get(location_id, 0)
        if store is None:
            continue
        franchised = look.chain.companies[store.company_id].franchised
        if location_id not in keeping and not fulfilment.may_send(store, policy, work, franchised=franchised):
            continue
        fee = store.share.fee_minor * policy.owner_fee // 100
        saved = _saved(look, store, units, worth, policy) if worth.markdowns else fulfilment.NO_COSTS
        costs = {
            sku_id: cost
            for sku_id in units
            if (cost := fee + worth.minor.get((location_id, sku_id), 0) - saved.get(sku_id, 0))
        }
        away_km = distance_km(store, place)
        found.append(
            fulfilment.Origin(
                store,
                away_km,
                work,
                units,
                costs,
                days=days(store, away_km) if policy.day else 0,
                reject_bp=rejects.get(location_id, fulfilment.UNKNOWN_BP),
                rush=fulfilment.in_rush(store, worth.at, work, policy),
                shadow_minor={
                    sku: worth.shadow[location_id, sku] for sku in units if (location_id, sku) in worth.shadow
                }
                if worth.shadow
                else fulfilment.NO_COSTS,
                saved_minor=saved,
            )
        )
    return found


def _saved(
    look: Look, store: Store, skus: Iterable[UUID], worth: Worth, policy: fulfilment.SourcingPolicy
) -> dict[UUID, int]:
    """By how much less units of the SKUs cost from a location, because of what they lose there."""
    path, saved = shelf_path(look.chain, store), {}
    for sku_id in skus:
        if sku_id in worth.markdowns:
            minor, price_minor = worth.minor.get((store.id, sku_id), 0), worth.prices_minor.get(sku_id, 0)
            saved[sku_id] = worth.markdowns.saved(minor, sku_id, path, worth.at, price_minor, policy)
    return saved
