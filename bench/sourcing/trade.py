"""Days of trade in Duoline-300 under one policy, and what they cost.

A policy is asked where the articles of an order come from. What it chooses is tried: a shop may refuse, or find less
than its record says; then the rest of the order is planned again without that shop, and after two refusals from the
warehouses only. Costs: parcels, picks, refusals, what is not served (its margin and ten yuan), walk-ins that leave
without (their margin).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from bench.sourcing import priced, rules
from bench.sourcing.chain import (
    LOST,
    PARCEL,
    PER_KM,
    PICK_SHOP,
    PICK_WAREHOUSE,
    REFUSED_MINOR,
    UNSERVED_MINOR,
    Buy,
    Case,
    Chain,
    chance,
)
from duoline.fulfilment.opportunity import protection, scarcity
from duoline.fulfilment.sourcing import Site, WantedLine, plan

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

SHADOW = {"ours_shadow": 100, "ours_shadow_half": 50}
"""Policies that count shadow prices, and how many percent of them."""
PLANNED = ("cover", "ours", "protected", *SHADOW)
"""Policies that plan each order at its cheapest: without prices, with those of `ours`, with walk-in protection alone
(which is the product with `shadow` = 0: its warehouses have no price then), with shadow prices in its place."""
RULES = ("nearest", "in_order", "most_stock", "fewest_parcels")
POLICIES = (*RULES, *PLANNED)
SCARCE_MINOR = 200
"""What the last unit of a warehouse is worth: it serves the whole country, a shop instead costs about so much more."""


class Outcome(NamedTuple):
    """Fen, and counts."""

    shipping: int
    refused: int
    unserved: int
    walk_ins_lost: int
    parcels: int
    orders: int
    units_unserved: int

    @property
    def cost(self) -> int:
        """All of it."""
        return self.shipping + self.refused + self.unserved + self.walk_ins_lost


class Prices:
    """Opportunity prices of the units of one location, worked out when asked for: a mapping as `Site` reads it."""

    def __init__(
        self, expected_day: Mapping[UUID, float], margin: Mapping[UUID, int], stock: Mapping[UUID, int]
    ) -> None:
        self._expected, self._margin, self._stock = expected_day, margin, stock
        self._known: dict[tuple[UUID, int], int] = {}
        self.days = 7

    def from_day(self, days: int) -> None:
        """So many days are left until the next delivery."""
        self.days = days
        self._known.clear()

    def get(self, sku: UUID, default: int = 0) -> int:
        """Minor units for the next unit."""
        key = sku, self._stock.get(sku, 0)
        if key not in self._known:
            mean = self._expected.get(sku, 0.0) * self.days
            price = protection(key[1], expected=mean, margin_minor=self._margin[sku]) if mean else default
            self._known[key] = round(price)
        return self._known[key]


class WarehousePrices:
    """The same for a warehouse: no forecast, the scarcity price."""

    def __init__(self, full: Mapping[UUID, int], stock: Mapping[UUID, int]) -> None:
        self._full, self._stock = full, stock

    def get(self, sku: UUID, default: int = 0) -> int:
        """Minor units for the next unit."""
        full = self._full.get(sku, 0)
        return round(scarcity(full - self._stock.get(sku, 0), full, full_minor=SCARCE_MINOR)) if full else default


Unit = Prices | WarehousePrices | priced.ShadowedPrices | dict["UUID", int]
"""What `Site` reads the price of a unit from."""


class Trade:
    """One chain under one policy in one case."""

    def __init__(self, chain: Chain, policy: str, case: Case) -> None:
        self._chain, self._policy, self._case = chain, policy, case
        self._record = [dict(row) for row in chain.full]  # what the system believes
        self._missing: dict[tuple[int, UUID], int] = {}
        self._sent_today = [0] * len(chain.ids)
        self._number = {location: n for n, location in enumerate(chain.ids)}
        self._order = [*chain.warehouses, *range(chain.shape.shops)]
        self._by_distance = [sorted(self._order, key=row.__getitem__) for row in chain.km]
        self._closed = {n for n in range(chain.shape.shops) if chain.city_of[n] == case.closed_city}
        self._prices = self._make_prices()
        self._sites = [self._make_sites(city) for city in range(len(chain.km))]
        self._forecast = (
            priced.Forecast(chain, case, self._sites, self._closed, self._believed()) if policy in SHADOW else None
        )
        self._shipping = self._refused = self._unserved = self._lost = 0
        self._parcels = self._orders = self._units_unserved = 0

    def run(self) -> Outcome:
        """All weeks."""
        for week in self._chain.events:
            self._deliver()
            day = -1
            for event in week:
                if event.day != day:
                    day = event.day
                    self._begin(day)
                if event.city is None:
                    self._walk_in(event)
                else:
                    self._orders += 1
                    self._order_from(event.city, list(event.skus))
        return Outcome(
            self._shipping, self._refused, self._unserved, self._lost, self._parcels, self._orders, self._units_unserved
        )

    # --- the world ------------------------------------------------------------------------------

    def _deliver(self) -> None:
        for row, full in zip(self._record, self._chain.full, strict=True):
            row.update(full)
        if self._case.record_error:
            self._missing = dict.fromkeys(self._chain.wrong, 1)

    def _begin(self, day: int) -> None:
        self._sent_today = [0] * len(self._chain.ids)
        for prices in self._protecting:
            prices.from_day(7 - day)
        if self._forecast is not None:
            self._price_shelves(self._forecast, 7 - day)

    def _price_shelves(self, forecast: priced.Forecast, days: int) -> None:
        for prices in self._shadowed:
            prices.minor = {}
        for (location, sku), minor in forecast.price(self._record, days).minor.items():
            self._shadowed[self._number[location]].minor[sku] = minor

    def _walk_in(self, buy: Buy) -> None:
        if buy.shop in self._closed:
            return
        sku = buy.skus[0]
        if self._really(buy.shop, sku) > 0:
            self._record[buy.shop][sku] -= 1
        else:
            self._lost += self._chain.margin[sku]

    def _really(self, n: int, sku: UUID) -> int:
        return self._record[n].get(sku, 0) - self._missing.get((n, sku), 0)

    def _order_from(self, city: int, skus: list[UUID]) -> None:
        number, without, refusals = self._orders, set(self._closed), 0
        while skus:
            if refusals >= 2:
                without |= set(range(self._chain.shape.shops))
            sent = self._choose(city, skus, without)
            left: list[UUID] = []
            for n, items in sent.items():
                short = [sku for sku in items if self._really(n, sku) <= 0]
                for sku in short:  # somebody looked and found nothing: the record is put right
                    self._record[n][sku] = 0
                    self._missing.pop((n, sku), None)
                if short or chance(number, n) < self._case.refusals * self._chain.refuses[n]:
                    self._refused += REFUSED_MINOR
                    refusals += 1
                    without.add(n)
                    left += items
                    continue
                pick = PICK_WAREHOUSE if n in self._chain.warehouses else PICK_SHOP
                self._shipping += PARCEL + PER_KM * self._chain.km[city][n] + pick * len(items)
                self._parcels += 1
                self._sent_today[n] += 1
                for sku in items:
                    self._record[n][sku] -= 1
            served = {sku for items in sent.values() for sku in items}
            for sku in skus:
                if sku not in served:
                    self._unserved += self._chain.margin[sku] + UNSERVED_MINOR
                    self._units_unserved += 1
            skus = left

    # --- the policies ---------------------------------------------------------------------------

    def _choose(self, city: int, skus: list[UUID], without: set[int]) -> dict[int, list[UUID]]:
        shops, most = self._chain.shape.shops, self._chain.shape.parcels_day
        unusable = without | {n for n, sent in enumerate(self._sent_today[:shops]) if sent >= most}
        if self._policy in PLANNED:
            return self._planned(city, skus, unusable)
        order = self._by_distance[city] if self._policy == "nearest" else self._order
        allowed = [n for n in order if n not in unusable]
        rule = {"most_stock": rules.most_stock, "fewest_parcels": rules.fewest_parcels}.get(
            self._policy, rules.in_order
        )
        return rule(skus, allowed, self._record)

    def _planned(self, city: int, skus: Sequence[UUID], unusable: set[int]) -> dict[int, list[UUID]]:
        sites = [site for n, site in self._sites[city] if n not in unusable]
        found = plan([WantedLine(sku, sku, 1) for sku in skus], sites, parcels_max=len(skus) + 1)
        assert found is not None
        return {
            self._number[parcel.location_id]: [piece.sku_id for piece in parcel.pieces]
            for parcel in found.parcels
            if parcel.location_id != LOST
        }

    def _believed(self) -> list[dict[UUID, float]]:
        """Walk-ins a day of each shop, as they are believed to be."""
        chain, shops = self._chain, self._chain.shape.shops
        seen = [chain.walk_ins_day[(n + shops // 7) % shops if self._case.wrong_mix else n] for n in range(shops)]
        return [{sku: mean * self._case.forecast for sku, mean in row.items()} for row in seen]

    def _make_prices(self) -> list[Unit]:
        """Of each location: what its units are worth to what is still to come."""
        chain = self._chain
        self._protecting: list[Prices] = []
        self._shadowed: list[priced.ShadowedPrices] = []
        if self._policy in ("cover", *RULES):
            return [{} for _ in chain.ids]
        self._protecting = [
            Prices(believed, chain.margin, self._record[n]) for n, believed in enumerate(self._believed())
        ]
        if self._policy == "ours":
            return [*self._protecting, *(WarehousePrices(chain.full[n], self._record[n]) for n in chain.warehouses)]
        nothing: list[dict[UUID, int]] = [{} for _ in chain.warehouses]
        if self._policy == "protected":
            return [*self._protecting, *nothing]
        percent = SHADOW[self._policy]
        self._shadowed = [priced.ShadowedPrices(percent, one.get) for one in (*self._protecting, *nothing)]
        return [*self._shadowed]

    def _make_sites(self, city: int) -> list[tuple[int, Site]]:
        """Nearest first; ours adds what a refusal is expected to cost, and the place that stands for not serving."""
        chain, found = self._chain, []
        for n in self._by_distance[city]:
            parcel = PARCEL + PER_KM * chain.km[city][n]
            if self._policy not in ("cover", *RULES):
                parcel += math.ceil(chain.refuses[n] * REFUSED_MINOR)
            pick = PICK_WAREHOUSE if n in chain.warehouses else PICK_SHOP
            found.append((n, Site(chain.ids[n], parcel, pick, self._record[n], self._prices[n])))  # type: ignore[arg-type]
        lost = {sku: margin + UNSERVED_MINOR for sku, margin in chain.margin.items()}
        return [*found, (-1, Site(LOST, 0, 0, dict.fromkeys(lost, 99), lost))]


def bound(chain: Chain, case: Case) -> int:
    """What no policy can undercut: every order at its cheapest with the shelves full, no walk-in lost but those beyond
    a full shelf, no refusal. Loose, since nothing runs out by being sent; a share of a gap to it is too low, not high.
    """
    trade = Trade(chain, "cover", case)
    total = 0
    for week in chain.events:
        walkers: dict[tuple[int, UUID], int] = {}
        for event in week:
            if event.city is None and event.shop not in trade._closed:
                key = event.shop, event.skus[0]
                walkers[key] = walkers.get(key, 0) + 1
            elif event.city is not None:
                sites = [site for n, site in trade._sites[event.city] if n not in trade._closed]
                lines = [WantedLine(sku, sku, 1) for sku in event.skus]
                found = plan(lines, sites, parcels_max=len(lines) + 1)
                assert found is not None
                total += found.cost_minor
        total += sum(
            chain.margin[sku] * max(0, count - chain.full[n].get(sku, 0)) for (n, sku), count in walkers.items()
        )
    return total
