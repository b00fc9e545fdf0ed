"""How long one decision takes over 1,600 locations: `fulfilment.decide`, record and all, on live stock mappings.

The chain has 1,592 shops in 58 cities and 8 warehouses. An article lies in a share of the shops that falls with its
rank, from nine in ten to one in fifty; a warehouse has most of them. Half of the shelves have an opportunity price, up
to three yuan for the last unit and less where more lie. Orders draw articles by a Zipf law; one line in ten wants two
units. Time is CPU time of the thread, the least of three decisions of the same order, so that what else runs on the
machine is not counted; wall time is given beside it.
"""

from __future__ import annotations

import gc
import random
import time
from operator import attrgetter
from typing import TYPE_CHECKING, NamedTuple

from asyncpg.pgproto.pgproto import UUID  # as the database driver makes them

from bench.sourcing.say import say
from duoline.fulfilment import Origin, SourcingPolicy, WantedLine, decide
from duoline.kernel.text import Text
from duoline.stores.hours import Hours
from duoline.stores.types import Services, Share, Store

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

TIMES = 3
SHOPS, WAREHOUSES, TOWNS, ARTICLES = 1592, 8, 58, 2_000
POLICY = SourcingPolicy()
NOTHING: Mapping[UUID, int] = {}  # no unit costs less than nothing: there are prices, no markdowns


class Measured(NamedTuple):
    """Milliseconds of CPU and of wall time, one a decision, sorted; how many found no plan."""

    cpu_ms: list[float]
    wall_ms: list[float]
    none: int


def new_uuid(space: int, n: int) -> UUID:
    """An id of its own for the n-th thing of a kind."""
    return UUID(((space << 64) + n).to_bytes(16, "big"))


def store(n: int, *, kind: str = "store", capacity: int = 10) -> Store:
    """A location that a decision can name."""
    name = Text(zh=f"{n}号店", en=f"Shop {n}")
    return Store(
        id=new_uuid(3, n), code=f"{'W' if kind == 'dc' else 'S'}{n:05}", kind=kind, company_id=new_uuid(4, 0),
        region_id=new_uuid(5, 0), name=name, address=name, province="", city="", phone="", lat=0.0, lon=0.0,
        timezone="Asia/Shanghai", hours=Hours("Asia/Shanghai", ((),) * 7),
        services=Services(pickup=True, ship=True, returns=True), share=Share(), pick_capacity_hour=capacity, pickup_lead_min=30,
        state="open", opened_on=None, version=1,
    )  # fmt: skip


def chain(drawn: random.Random) -> list[list[Origin]]:
    """For each town that orders come from, every location with its distance, the nearest first."""
    towns = [(drawn.uniform(0, 3000), drawn.uniform(0, 2500)) for _ in range(TOWNS)]
    shares = [0.02 + 0.88 * (1 - rank / ARTICLES) ** 3 for rank in range(ARTICLES)]
    places: list[tuple[Store, tuple[float, float], Mapping[UUID, int], Mapping[UUID, int], int]] = []
    for n in range(SHOPS + WAREHOUSES):
        warehouse = n >= SHOPS
        x, y = drawn.choice(towns)
        at = (x, y) if warehouse else (x + drawn.gauss(0, 12), y + drawn.gauss(0, 12))
        have = [i for i in range(ARTICLES) if drawn.random() < (0.97 if warehouse else shares[i])]
        stock = {new_uuid(6, i): drawn.randint(20, 500) if warehouse else drawn.choice((1, 1, 2, 3, 5)) for i in have}
        prices = {sku: drawn.randint(0, 300) // units for sku, units in stock.items() if drawn.random() < 0.5}
        made = store(n, kind="dc" if warehouse else "store", capacity=200 if warehouse else 10)
        places.append((made, at, stock, prices, drawn.randint(0, 100 if warehouse else 8)))
    return [
        sorted(
            (
                Origin(made, ((x - at[0]) ** 2 + (y - at[1]) ** 2) ** 0.5, work, stock, prices)
                for made, at, stock, prices, work in places
            ),
            key=attrgetter("distance_km"),
        )
        for x, y in towns
    ]


def orders(drawn: random.Random, sizes: Sequence[int], count: int) -> list[list[WantedLine]]:
    """Baskets of different articles, mostly one unit of each."""
    weights = [1 / (rank + 1) ** 0.8 for rank in range(ARTICLES)]
    found = []
    for _ in range(count):
        size, articles = drawn.choice(sizes), set[int]()
        while len(articles) < size:
            articles.add(drawn.choices(range(ARTICLES), weights)[0])
        found.append(
            [WantedLine(new_uuid(7, i), new_uuid(6, i), 2 if drawn.random() < 0.1 else 1) for i in sorted(articles)]
        )
    return found


def timed(origins: list[list[Origin]], baskets: list[list[WantedLine]], drawn: random.Random) -> Measured:
    """Every basket from a town drawn for it, the least of a few times."""
    cpu, wall, none = [], [], 0
    towns = [drawn.randrange(len(origins)) for _ in baskets]
    for basket, town in zip(baskets, towns, strict=True):
        tries, tries_wall = [], []
        for _ in range(TIMES):
            began, began_wall = time.thread_time_ns(), time.perf_counter_ns()
            decided = decide(basket, origins[town], POLICY, 1, least_minor=NOTHING)
            tries.append((time.thread_time_ns() - began) / 1e6)
            tries_wall.append((time.perf_counter_ns() - began_wall) / 1e6)
        cpu.append(min(tries))
        wall.append(min(tries_wall))
        none += decided is None
    return Measured(sorted(cpu), sorted(wall), none)


def measure(*, count: int, seed: int = 0) -> dict[str, float]:
    """The figures; `count` decisions of each kind."""
    drawn = random.Random(f"latency {seed}")
    origins = chain(drawn)
    gc.collect()
    gc.freeze()  # a chain in memory is not garbage; the collector need not walk it during a decision
    timed(origins, orders(drawn, (1, 2, 5), 50), drawn)  # warm
    five = timed(origins, orders(drawn, (5,), count), drawn)
    few = timed(origins, orders(drawn, (1, 2), count), drawn)
    figures = {
        "decisions_per_s": round(1000 * len(few.cpu_ms) / sum(few.cpu_ms), 1),
        "decisions_per_s_wall": round(1000 * len(few.wall_ms) / sum(few.wall_ms), 1),
        "decisions_without_plan": five.none + few.none,
    }
    for name, found in (("", five), ("few_lines_", few)):
        for share in (50, 99):
            at = min(len(found.cpu_ms) - 1, share * len(found.cpu_ms) // 100)
            figures[f"{name}decision_p{share}_ms_1600"] = round(found.cpu_ms[at], 3)
            figures[f"{name}decision_p{share}_wall_ms_1600"] = round(found.wall_ms[at], 3)
    say(f"decisions over {SHOPS + WAREHOUSES} locations: {figures}")
    return figures
