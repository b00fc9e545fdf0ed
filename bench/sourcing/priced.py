"""Shadow prices on Duoline-300: what `fulfilment.shadow.price_shelves` is told, and its prices as a policy reads them.

It is told what the product's nightly run reads (`flows.price_shelves`), with the chain's true expectations in place of
four weeks of orders, as walk-in protection is told true walk-ins: orders by city and article, for articles that are
ordered `FORECAST_MIN` times in four weeks (the product's own threshold; rarer ones get no forecast), walk-ins by shelf,
and both for the days until the next delivery. A case that spoils one forecast spoils the other the same way. A shelf
that has run out is told as one with no units, where the product leaves it out, so that programs can be kept from day
to day: a region then counts it among the 24 locations that it is served from. Two articles of an order are never
forecast together here: no pair is ordered often enough (`shadow.TOGETHER`), since the articles of an order are drawn
one by one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from bench.sourcing.chain import CITIES, LOST, PARCEL, sku_id
from duoline.fulfilment import shadow
from duoline.fulfilment.opportunity import Basket, Lane, ShadowPrices

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from uuid import UUID

    from bench.sourcing.chain import Case, Chain
    from duoline.fulfilment.opportunity import Prices, Shelf, Unserved, WalkIn
    from duoline.fulfilment.sourcing import Site

FORECAST_MIN, WINDOW_WEEKS = 4, 4
SIZES = (0.4, 0.3, 0.2, 0.1)
"""Orders of one, two, three, four articles, as `chain` draws them."""


class Kept:
    """Programs of `shadow.price_shelves`, kept by their articles: while only numbers change they are solved again."""

    def __init__(self) -> None:
        self._known: dict[tuple[UUID, ...], tuple[object, ShadowPrices]] = {}

    def __call__(
        self,
        baskets: Sequence[Basket],
        lanes: Sequence[Lane],
        unserved: Sequence[Unserved],
        shelves: Sequence[Shelf],
        walk_ins: Sequence[WalkIn],
    ) -> Again:
        """As `ShadowPrices` is made."""
        articles = tuple(sorted({sku for basket in baskets for sku in basket.sku_ids}))
        alike = (
            [(one.region, one.sku_ids) for one in baskets], lanes, unserved, shelves,
            [(one.location_id, one.sku_id, one.margin_minor) for one in walk_ins],
        )  # fmt: skip
        before, program = self._known.get(articles, (None, None))
        if program is None or before != alike:
            program = ShadowPrices(baskets, lanes, unserved, shelves, walk_ins)
            self._known[articles] = alike, program
        return Again(program, [one.orders for one in baskets], [one.units for one in walk_ins])


class Again(NamedTuple):
    """A program that is kept, and what is expected this time."""

    program: ShadowPrices
    orders: list[float]
    walk_ins: list[float]

    def solve(self, stock: Mapping[Shelf, float]) -> Prices:
        """Prices for this stock."""
        return self.program.solve(stock, self.orders, self.walk_ins)


class Forecast:
    """What a chain in a case believes, and the lanes it sends by; the same for all runs of it."""

    def __init__(
        self,
        chain: Chain,
        case: Case,
        sites: Sequence[Sequence[tuple[int, Site]]],
        closed: set[int],
        walk_ins_day: Sequence[Mapping[UUID, float]],
    ) -> None:
        """`sites` are those of each city with what sending costs; `walk_ins_day` what is believed of each shop."""
        self._chain, self._walk_ins_day = chain, walk_ins_day
        self._lanes = {
            str(city): sorted(
                (
                    Lane(str(city), site.location_id, site.parcel_minor, site.line_minor)
                    for n, site in row
                    if n not in closed and site.location_id != LOST
                ),
                key=lambda lane: (lane.parcel_minor + lane.unit_minor, lane.location_id),
            )
            for city, row in enumerate(sites)
        }
        self._orders_day = _orders_day(chain, case)
        self._programs = Kept()

    def price(self, stock: Sequence[Mapping[UUID, int]], days: int) -> shadow.Priced:
        """The prices of all shelves for this stock and so many days until the next delivery."""
        chain = self._chain
        return shadow.price_shelves(
            shadow.Chain(
                baskets=[Basket(city, (sku,), orders * days) for (city, sku), orders in self._orders_day.items()],
                lanes=self._lanes,
                margin_minor=chain.margin,
                stock={(chain.ids[n], sku): max(0, units) for n, row in enumerate(stock) for sku, units in row.items()},
                walk_ins={
                    (chain.ids[n], sku): mean * days
                    for n, row in enumerate(self._walk_ins_day)
                    for sku, mean in row.items()
                },
                used={
                    (chain.ids[n], sku): full - stock[n].get(sku, 0)
                    for n in chain.warehouses
                    for sku, full in chain.full[n].items()
                },
                warehouses=frozenset(chain.ids[n] for n in chain.warehouses),
                scarce_minor=PARCEL,
            ),
            programs=self._programs,
        )


def _orders_day(chain: Chain, case: Case) -> dict[tuple[str, UUID], float]:
    """Orders a day by city and article, as they are believed to be."""
    shape, people = chain.shape, [city[3] for city in CITIES]
    weights = [1 / (rank + 1) ** 0.8 for rank in range(shape.articles)]
    orders_day, total, moved = shape.orders_week // 7, sum(weights), len(people) // 7 if case.wrong_mix else 0
    found = {}
    for rank, weight in enumerate(weights):
        share = sum(chance * (1 - (1 - weight / total) ** size) for size, chance in enumerate(SIZES, 1))
        orders = case.forecast * orders_day * share
        if 7 * WINDOW_WEEKS * orders < FORECAST_MIN:
            continue
        for city in range(len(people)):
            seen = people[(city + moved) % len(people)] / sum(people)
            found[str(city), sku_id(rank)] = orders * seen
    return found


class ShadowedPrices:
    """Opportunity prices of one location as policy `shadow` reads them: percent of a unit's shadow price; where it has
    none, what it is worth `otherwise`."""

    def __init__(self, percent: int, otherwise: Callable[[UUID, int], int]) -> None:
        self._percent, self._otherwise = percent, otherwise
        self.minor: dict[UUID, int] = {}

    def get(self, sku: UUID, default: int = 0) -> int:
        """Minor units for the next unit."""
        minor = self.minor.get(sku)
        return self._otherwise(sku, default) if minor is None else minor * self._percent // 100
