"""Duoline-300: 300 shops in 30 cities and 2 warehouses that send to online buyers what walk-ins also want.

5,000 articles whose demand follows a Zipf law; a shop carries a few hundred of the popular ones, a warehouse most.
Seven of ten units are bought by walk-ins, in the shop they walk into: when the shelf is empty the margin is lost.
Orders of one to four articles come from the cities; a shop sends so many parcels a day at most, refuses some (each
refusal costs handling, and the order is planned again without it), and is filled up every week. Money is in fen.

All demand, refusals and errors are drawn before any policy runs, so that policies differ by what they decide only.
"""

from __future__ import annotations

import math
import random
from typing import NamedTuple

from asyncpg.pgproto.pgproto import UUID  # as the database driver makes them

CITIES: tuple[tuple[str, float, float, int], ...] = (
    ("Shanghai", 31.23, 121.47, 24), ("Beijing", 39.90, 116.41, 21), ("Shenzhen", 22.54, 114.06, 17),
    ("Guangzhou", 23.13, 113.26, 18), ("Chengdu", 30.57, 104.07, 21), ("Chongqing", 29.56, 106.55, 16),
    ("Tianjin", 39.08, 117.20, 13), ("Wuhan", 30.59, 114.31, 13), ("Xi'an", 34.34, 108.94, 13),
    ("Hangzhou", 30.27, 120.16, 12), ("Suzhou", 31.30, 120.58, 12), ("Nanjing", 32.06, 118.80, 9),
    ("Zhengzhou", 34.75, 113.63, 12), ("Changsha", 28.23, 112.94, 10), ("Qingdao", 36.07, 120.38, 10),
    ("Dongguan", 23.02, 113.75, 10), ("Foshan", 23.02, 113.12, 9), ("Shenyang", 41.80, 123.43, 9),
    ("Ningbo", 29.87, 121.54, 9), ("Jinan", 36.65, 117.12, 9), ("Hefei", 31.82, 117.23, 9),
    ("Harbin", 45.80, 126.53, 9), ("Kunming", 25.04, 102.71, 8), ("Dalian", 38.91, 121.61, 7),
    ("Xiamen", 24.48, 118.09, 5), ("Fuzhou", 26.07, 119.30, 8), ("Nanning", 22.82, 108.37, 8),
    ("Changchun", 43.82, 125.32, 9), ("Guiyang", 26.65, 106.63, 6), ("Nanchang", 28.68, 115.86, 6),
)  # fmt: skip
"""Name, latitude, longitude, inhabitants in millions, rounded."""

WAREHOUSE_CITIES = (10, 3)  # Suzhou and Guangzhou
PARCEL, PER_KM, PICK_SHOP, PICK_WAREHOUSE = 600, 1, 120, 60
REFUSED_MINOR, UNSERVED_MINOR = 300, 1_000
LOST = UUID((9 << 96).to_bytes(16, "big"))


class Shape(NamedTuple):
    """The size of a chain and of its trade."""

    shops: int = 300
    articles: int = 5_000
    weeks: int = 2
    orders_week: int = 1_000
    walk_in_share: float = 0.7
    parcels_day: int = 8


class Case(NamedTuple):
    """What differs from the plain case: how wrong the forecast, the record and the shops are."""

    name: str
    forecast: float = 1.0
    wrong_mix: bool = False
    record_error: float = 0.0
    refusals: float = 1.0
    closed_city: int | None = None


CASES = (
    Case("plain"),
    Case("forecast_half", forecast=0.5),
    Case("forecast_more", forecast=1.5),
    Case("wrong_mix", wrong_mix=True),
    Case("record_error", record_error=0.03),
    Case("refusals_doubled", refusals=2.0),
    Case("city_closed", closed_city=0),
)


class Buy(NamedTuple):
    """Somebody walks into a shop for an article (`city` is None), or orders articles from a city."""

    day: int
    shop: int
    city: int | None
    skus: tuple[UUID, ...]


class Chain(NamedTuple):
    """One drawn chain. Location n by number, shops before warehouses; shelves by article."""

    shape: Shape
    ids: list[UUID]
    city_of: list[int]
    km: list[list[int]]  # of city, then location
    margin: dict[UUID, int]  # fen a unit
    full: list[dict[UUID, int]]  # units after the weekly delivery
    walk_ins_day: list[dict[UUID, float]]  # expected, of shops
    refuses: list[float]  # the chance that a location refuses a parcel
    events: list[list[Buy]]  # of a week, in order
    wrong: set[tuple[int, UUID]]
    """Shelves whose record says more than lies there, when a case has errors in the record."""

    @property
    def warehouses(self) -> range:
        """Their numbers."""
        return range(self.shape.shops, len(self.ids))


def sku_id(rank: int) -> UUID:
    """The article of a rank."""
    return UUID(((6 << 96) + rank).to_bytes(16, "big"))


def draw(shape: Shape, seed: int) -> Chain:
    """A chain and all that will happen to it, from its seed."""
    drawn = random.Random(f"chain {seed}")
    people = [float(city[3]) for city in CITIES]
    city_of = sorted(drawn.choices(range(len(CITIES)), people, k=shape.shops)) + list(WAREHOUSE_CITIES)
    ids = [UUID(((8 << 96) + n).to_bytes(16, "big")) for n in range(len(city_of))]
    km = [[_km(here, CITIES[there]) + drawn.randint(3, 15) for there in city_of] for here in CITIES]
    weights = [1 / (rank + 1) ** 0.8 for rank in range(shape.articles)]
    margin = {sku_id(rank): round(drawn.lognormvariate(math.log(2_500), 0.6)) for rank in range(shape.articles)}
    carried = [
        [rank for rank in range(shape.articles) if drawn.random() < 0.9 * math.exp(-rank / 300)]
        for _ in range(shape.shops)
    ]
    units_week = 2.0 * shape.orders_week
    walk_week = units_week * shape.walk_in_share / (1 - shape.walk_in_share)
    total = sum(weights[rank] for row in carried for rank in row)
    walk_ins_day = [{sku_id(rank): walk_week * weights[rank] / total / 7 for rank in row} for row in carried]
    full = [{sku: _level(7 * mean, 0.8) for sku, mean in row.items()} for row in walk_ins_day]
    online = [units_week * weight / sum(weights) for weight in weights]
    full += [
        {sku_id(r): _level(0.3 * mean, 0.3) for r, mean in enumerate(online) if drawn.random() < 0.9}
        for _ in WAREHOUSE_CITIES
    ]
    refuses = [drawn.uniform(0.05, 0.2) for _ in range(shape.shops)] + [0.0] * len(WAREHOUSE_CITIES)
    events = [_week(shape, drawn, walk_ins_day, weights, people) for _ in range(shape.weeks)]
    wrong = {(n, sku) for n, row in enumerate(full) for sku in row if drawn.random() < 0.03}
    return Chain(shape, ids, city_of, km, margin, full, walk_ins_day, refuses, events, wrong)


def _km(a: tuple[str, float, float, int], b: tuple[str, float, float, int]) -> int:
    lat_a, lon_a, lat_b, lon_b = (math.radians(each) for each in (a[1], a[2], b[1], b[2]))
    half = math.sin((lat_b - lat_a) / 2) ** 2 + math.cos(lat_a) * math.cos(lat_b) * math.sin((lon_b - lon_a) / 2) ** 2
    return round(2 * 6371 * math.asin(math.sqrt(half)))


def _level(mean: float, deviations: float) -> int:
    return max(1, math.ceil(mean + deviations * math.sqrt(mean)))


def _week(
    shape: Shape,
    drawn: random.Random,
    walk_ins_day: list[dict[UUID, float]],
    weights: list[float],
    people: list[float],
) -> list[Buy]:
    shelves = [(n, sku) for n, row in enumerate(walk_ins_day) for sku in row]
    means = [mean for row in walk_ins_day for mean in row.values()]
    week: list[Buy] = []
    for day in range(7):
        walkers = drawn.choices(shelves, means, k=round(sum(means)))
        today = [Buy(day, n, None, (sku,)) for n, sku in walkers]
        for _ in range(shape.orders_week // 7):
            size = drawn.choices((1, 2, 3, 4), (4, 3, 2, 1))[0]
            ranks = set(drawn.choices(range(shape.articles), weights, k=size))
            city = drawn.choices(range(len(people)), people)[0]
            today.append(Buy(day, -1, city, tuple(sku_id(rank) for rank in sorted(ranks))))
        drawn.shuffle(today)
        week += today
    return week


def chance(order: int, location: int) -> float:
    """A number between 0 and 1 for an order and a location: the same for every policy."""
    mixed = (order * 1_000_003 + location * 7_919 + 12_345) * 2_654_435_761 & 0xFFFFFFFF
    mixed ^= mixed >> 15
    return (mixed * 2_246_822_519 & 0xFFFFFFFF) / 2**32
