"""The public network of the fulfilment literature, drawn anew: centres, cities, tariff, orders, stock.

The setting of Jasin and Sinha (Operations Research 63(6), 2015) as Ma (arXiv 2207.04774) made it public: fulfilment
centres and cities of the United States, 8.759 dollars a parcel and 0.423 + 0.000541 a mile for each unit; an order, or
a part of it, that is not served costs twice a parcel and twice the unit from the farthest centre. Orders are sets of
items; of each size there are a few, drawn once. Stock is what the nearest centre that carries an item is expected to
need, with half a standard deviation more; nothing is delivered later.

Amounts here are whole ten-thousandths of a dollar, so that the sourcing of the product itself decides.
"""

from __future__ import annotations

import math
import random
from collections import Counter
from typing import NamedTuple

from asyncpg.pgproto.pgproto import UUID  # as the database driver makes them

SCALE = 10_000
PARCEL = 8.759
UNIT, UNIT_MILE = 0.423, 0.000541
EARTH_MILES = 3959.0

Place = tuple[str, float, float]

CENTRES_SMALL: tuple[Place, ...] = (
    ("OAK4", 37.7448, -121.3985), ("IND1", 39.9797, -86.3833), ("AVP3", 41.2776, -75.4973),
    ("CAE1", 33.9114, -81.0501), ("DFW7", 32.9709, -97.3348),
)  # fmt: skip
CENTRES_LARGE: tuple[Place, ...] = (
    *CENTRES_SMALL,
    ("ONT6", 33.873, -117.2361), ("PHX6", 33.433, -112.1644), ("BNA2", 36.1202, -86.4096),
    ("SAT1", 29.6021, -98.289), ("RIC2", 37.3521, -77.3269),
)  # fmt: skip
CITIES: tuple[tuple[str, float, float, int], ...] = (
    ("New York", 40.6943, -73.9249, 18_680_025), ("Los Angeles", 34.1141, -118.4068, 12_531_334),
    ("Chicago", 41.8375, -87.6866, 8_586_888), ("Miami", 25.784, -80.2101, 6_076_316),
    ("Dallas", 32.7935, -96.7667, 5_910_669), ("Houston", 29.786, -95.3885, 5_724_418),
    ("Philadelphia", 40.0077, -75.1339, 5_540_199), ("Atlanta", 33.7628, -84.422, 5_151_496),
    ("Washington", 38.9047, -77.0163, 5_066_973), ("Boston", 42.3188, -71.0852, 4_465_966),
    ("Phoenix", 33.5722, -112.0892, 4_187_723), ("Detroit", 42.3834, -83.1024, 3_731_486),
    ("San Francisco", 37.7558, -122.4449, 3_557_982), ("Seattle", 47.6211, -122.3244, 3_530_752),
    ("San Diego", 32.8313, -117.1222, 3_178_495), ("Minneapolis", 44.9635, -93.2678, 2_885_614),
    ("Tampa", 27.9945, -82.4447, 2_771_700), ("Brooklyn", 40.6501, -73.9496, 2_736_074),
    ("Denver", 39.762, -104.8758, 2_709_398), ("Queens", 40.7498, -73.7976, 2_405_464),
    ("Baltimore", 39.3051, -76.6144, 2_270_087), ("Las Vegas", 36.2333, -115.2654, 2_165_405),
    ("St. Louis", 38.6359, -90.2451, 2_144_317), ("Riverside", 33.9381, -117.3949, 2_112_239),
    ("Portland", 45.5371, -122.65, 2_072_553), ("San Antonio", 29.4632, -98.5238, 2_036_324),
    ("Sacramento", 38.5677, -121.4685, 1_882_358), ("San Juan", 18.3985, -66.061, 1_854_549),
    ("San Jose", 37.3012, -121.848, 1_797_166), ("Orlando", 28.4773, -81.337, 1_792_047),
    ("Cleveland", 41.4764, -81.6805, 1_742_437), ("Pittsburgh", 40.4397, -79.9763, 1_719_289),
    ("Manhattan", 40.7834, -73.9662, 1_694_263), ("Austin", 30.3005, -97.7522, 1_685_522),
    ("Cincinnati", 39.1413, -84.506, 1_684_800), ("Indianapolis", 39.7771, -86.1458, 1_636_763),
    ("Kansas City", 39.1238, -94.5541, 1_602_005), ("Columbus", 39.9862, -82.9855, 1_547_862),
    ("Charlotte", 35.2083, -80.8303, 1_526_465), ("Virginia Beach", 36.7335, -76.0435, 1_475_522),
    ("Bronx", 40.8501, -73.8662, 1_472_654), ("Milwaukee", 43.0642, -87.9675, 1_390_046),
    ("Providence", 41.823, -71.4187, 1_204_385), ("Jacksonville", 30.3322, -81.6749, 1_165_107),
    ("Salt Lake City", 40.7776, -111.9311, 1_135_747), ("Nashville", 36.1715, -86.7842, 1_081_876),
    ("Raleigh", 35.8324, -78.6429, 1_073_795), ("Memphis", 35.1087, -89.9663, 1_072_330),
    ("Richmond", 37.5295, -77.4756, 1_025_117), ("Louisville", 38.1663, -85.6485, 1_004_821),
    ("New Orleans", 30.0687, -89.9288, 957_783), ("Bridgeport", 41.1918, -73.1954, 948_918),
    ("Oklahoma City", 35.4676, -97.5136, 947_247), ("Buffalo", 42.9018, -78.8487, 926_607),
    ("Hartford", 41.7661, -72.6834, 918_434), ("Fort Worth", 32.7817, -97.3474, 892_221),
    ("Tucson", 32.1541, -110.8787, 883_127), ("McAllen", 26.2252, -98.2467, 805_270),
    ("El Paso", 31.8476, -106.43, 798_217), ("Omaha", 41.2627, -96.0529, 791_432),
    ("Albuquerque", 35.1054, -106.6465, 762_853), ("Birmingham", 33.5279, -86.7971, 753_721),
    ("Sarasota", 27.3387, -82.5432, 727_388), ("Dayton", 39.7805, -84.2003, 723_844),
    ("Rochester", 43.168, -77.6162, 720_189), ("Fresno", 36.783, -119.7939, 702_486),
    ("Tulsa", 36.1283, -95.9042, 698_349), ("Allentown", 40.5961, -75.4756, 688_658),
    ("Concord", 37.9722, -122.0016, 667_250), ("Cape Coral", 26.6443, -81.9957, 649_339),
    ("Charleston", 32.8168, -79.9687, 645_413), ("Colorado Springs", 38.8674, -104.7605, 621_332),
    ("Springfield", 42.1155, -72.5395, 615_728), ("Grand Rapids", 42.9619, -85.6562, 615_273),
    ("Ogden", 41.2279, -111.9682, 615_015), ("Columbia", 34.0378, -80.9036, 609_689),
    ("Baton Rouge", 30.442, -91.1311, 605_449), ("Knoxville", 35.9692, -83.9496, 603_685),
    ("Mission Viejo", 33.6096, -117.6551, 600_802), ("Albany", 42.6664, -73.7987, 590_823),
    ("Akron", 41.0798, -81.5219, 570_375), ("New Haven", 41.3113, -72.9246, 566_683),
    ("Provo", 40.2457, -111.6457, 563_884), ("Bakersfield", 35.3529, -119.0359, 556_892),
    ("Murrieta", 33.5719, -117.1909, 524_133), ("Des Moines", 41.5725, -93.6105, 519_180),
    ("Worcester", 42.2705, -71.8079, 516_483), ("Mesa", 33.4015, -111.7178, 508_918),
    ("Toledo", 41.6638, -83.5827, 498_645), ("Palm Bay", 27.9631, -80.6593, 496_640),
    ("Staten Island", 40.5834, -74.1496, 495_747), ("Wichita", 37.6895, -97.3443, 484_715),
    ("Harrisburg", 40.2752, -76.8843, 472_261), ("Long Beach", 33.7977, -118.167, 462_081),
    ("Little Rock", 34.7256, -92.3577, 446_814), ("Madison", 43.0822, -89.393, 445_499),
    ("Greenville", 34.8354, -82.3646, 441_303), ("Reno", 39.5497, -119.8483, 440_547),
    ("Port St. Lucie", 27.2796, -80.3884, 435_182),
)  # fmt: skip
"""Name, latitude, longitude, inhabitants; the first ten are the small network."""


class Setting(NamedTuple):
    """The size of a network and of what is drawn for it."""

    centres: tuple[Place, ...]
    cities: int
    items: int
    size_max: int
    types_a_size: int
    periods: int
    carried: float
    """The chance that a centre carries an item."""


SMALL = Setting(CENTRES_SMALL, 10, 20, 5, 5, 10_000, 0.75)
LARGE = Setting(CENTRES_LARGE, 99, 100, 10, 10, 100_000, 0.5)


class Instance(NamedTuple):
    """One drawn network. Centre k, item i, order type q, city j by number; money in ten-thousandths of a dollar."""

    setting: Setting
    parcel: int
    unit: list[list[int]]  # of city, then centre
    lost_parcel: int
    lost_unit: list[int]  # of city
    types: list[tuple[int, ...]]
    chance: list[list[float]]  # of type, then city: orders a period
    stock: list[dict[int, int]]  # of centre: item -> units


class Order(NamedTuple):
    """An order that came."""

    type: int
    city: int


def centre_id(k: int) -> UUID:
    """The number of a centre as an id."""
    return UUID(((1 << 64) + k).to_bytes(16, "big"))


def item_id(i: int) -> UUID:
    """The number of an item as an id."""
    return UUID(((2 << 64) + i).to_bytes(16, "big"))


def miles(a: tuple[float, float], b: tuple[float, float]) -> float:
    """Along a great circle."""
    (lat_a, lon_a), (lat_b, lon_b) = (tuple(map(math.radians, each)) for each in (a, b))
    half = math.sin((lat_b - lat_a) / 2) ** 2 + math.cos(lat_a) * math.cos(lat_b) * math.sin((lon_b - lon_a) / 2) ** 2
    return 2 * EARTH_MILES * math.asin(math.sqrt(half))


def draw(setting: Setting, seed: int) -> Instance:
    """An instance from its seed."""
    drawn = random.Random(f"network {seed}")
    cities = CITIES[: setting.cities]
    far = [[miles((lat, lon), (c_lat, c_lon)) for _, c_lat, c_lon in setting.centres] for _, lat, lon, _ in cities]
    unit = [[round(SCALE * (UNIT + UNIT_MILE * each)) for each in row] for row in far]
    sizes = _shares([drawn.random() for _ in range(setting.size_max + 1)])  # the first is no order at all
    types: list[tuple[int, ...]] = []
    chances: list[float] = []
    for size in range(1, setting.size_max + 1):
        found: set[tuple[int, ...]] = set()
        while len(found) < min(setting.types_a_size, math.comb(setting.items, size)):
            found.add(tuple(sorted(drawn.sample(range(setting.items), size))))
        ordered = sorted(found)
        types += ordered
        chances += [sizes[size] * share for share in _shares([drawn.random() for _ in ordered])]
    people = _shares([float(city[3]) for city in cities])
    chance = [[each * share for share in people] for each in chances]
    carries = [[drawn.random() < setting.carried for _ in range(setting.items)] for _ in setting.centres]
    return Instance(
        setting, round(SCALE * PARCEL), unit, round(2 * SCALE * PARCEL),
        [2 * max(row) for row in unit], types, chance, _stock(setting, far, types, chance, carries),
    )  # fmt: skip


def _shares(weights: list[float]) -> list[float]:
    total = sum(weights)
    return [weight / total for weight in weights]


def _stock(
    setting: Setting,
    far: list[list[float]],
    types: list[tuple[int, ...]],
    chance: list[list[float]],
    carries: list[list[bool]],
) -> list[dict[int, int]]:
    expected = [[0.0] * setting.items for _ in setting.centres]
    for items, of_city in zip(types, chance, strict=True):
        for city, orders in enumerate(of_city):
            for i in items:
                near = min((k for k in range(len(carries)) if carries[k][i]), key=lambda k: far[city][k], default=None)
                if near is not None:
                    expected[near][i] += orders
    periods = setting.periods
    return [
        {
            i: round(periods * mean + 0.5 * math.sqrt(periods * mean * (1 - mean)))
            for i, mean in enumerate(row)
            if carries[k][i]
        }
        for k, row in enumerate(expected)
    ]


def arrivals(instance: Instance, seed: int) -> list[Order | None]:
    """What comes in each period; None when nothing does."""
    drawn = random.Random(f"arrivals {seed}")
    kinds = [(q, j) for q in range(len(instance.types)) for j in range(instance.setting.cities)]
    weights = [instance.chance[q][j] for q, j in kinds]
    outcomes: list[Order | None] = [Order(q, j) for q, j in kinds] + [None]
    return drawn.choices(outcomes, [*weights, max(0.0, 1 - sum(weights))], k=instance.setting.periods)


def counted(orders: list[Order | None]) -> Counter[Order]:
    """How many of each kind came."""
    return Counter(order for order in orders if order is not None)
