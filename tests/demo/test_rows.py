"""The demo chain's rows: the same every time, believable, and all of them good."""

from __future__ import annotations

import hashlib
from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import islice
from math import gcd
from typing import TYPE_CHECKING, Any

import pytest

from duoline.catalog.rules import is_gtin
from duoline.channels.imports.validate import checker
from duoline.channels.imports.values import phone
from duoline.entry.demo import goods, history, numbers, people, shops
from duoline.entry.demo.catalogue import LEAVES, PARENTS
from duoline.entry.demo.decorate import keys
from duoline.entry.demo.goods import STEP
from duoline.entry.demo.load import PARTS
from duoline.entry.demo.pictures.canvas import PALETTES
from duoline.entry.demo.pictures.draw import DRAWINGS, Key, draw
from duoline.entry.demo.places import CITIES
from duoline.entry.demo.size import Size
from duoline.entry.demo.words import BRANDS, COLOURS, SERIES

if TYPE_CHECKING:
    from collections.abc import Iterable

NOW = datetime(2026, 11, 21, 6, tzinfo=UTC)
SMALL = Size(stores=6, regions=2, skus=150, members=40, days=2, now=NOW)
LARGE = Size(stores=1600, regions=58, dcs=6, skus=100_000, members=1_000_000, now=NOW)


def digest(rows: Iterable[Any]) -> str:
    found = hashlib.sha256()
    for row in rows:
        found.update(repr(row).encode())
    return found.hexdigest()


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.kind)
def test_the_same_size_and_instant_make_the_same_rows(part: Any) -> None:
    assert digest(part.rows(SMALL)) == digest(part.rows(SMALL))
    other = Size(stores=6, regions=2, skus=150, members=40, days=2, now=NOW, seed=2)
    assert digest(part.rows(SMALL)) != digest(part.rows(other))


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.kind)
def test_every_row_is_good(part: Any) -> None:
    check = checker(part.kind, part.present)
    bad = [found for n, row in enumerate(part.rows(SMALL)) if isinstance(found := check.check(n, row), list)]
    assert bad == []


def test_the_default_chain_is_what_was_promised() -> None:
    size = Size(now=NOW)
    rows = list(shops.rows(size))
    assert Counter(row["kind"] for row in rows) == {"store": 24, "dc": 1}
    assert len({row["region_code"] for row in rows}) == 3
    assert len({row["company_code"] for row in rows}) >= 2
    assert len({row["code"] for row in rows}) == len({row["name_zh"] for row in rows}) == 25
    assert sum(bool(row.get("hour_exceptions")) for row in rows) >= 4
    made = list(goods.products(size))
    variants = [variant for product in made for variant in product.variants]
    assert len(variants) == 2000
    assert 800 <= len(made) <= 1000
    assert len({product.name.zh for product in made}) == len({product.name.en for product in made}) == len(made)
    assert len({variant.gtin for variant in variants}) == 2000
    assert all(is_gtin(variant.gtin) and variant.gtin[0] == "2" for variant in variants)
    assert {product.leaf.parent for product in made} == {code for code, _ in PARENTS}
    assert {product.leaf.code for product in made} == {leaf.code for leaf in LEAVES}
    assert all(850 <= variant.price_minor <= 399900 for variant in variants)
    assert all(
        str(variant.price_minor).rstrip("0")[-1] in "5689" for variant in variants if variant.price_minor >= 3000
    )
    assert gcd(STEP, len(SERIES)) == 1


def test_stock_is_uneven() -> None:
    size = Size(now=NOW)
    rows = list(numbers.stock_rows(size))
    assert 30_000 < len(rows) < 45_000
    shop_rows = [row for row in rows if not row["store_code"].startswith("DC")]
    out = sum(row["on_hand"] == 0 for row in shop_rows) / len(shop_rows)
    assert 0.04 < out < 0.25
    assert len({row["on_hand"] for row in shop_rows}) > 20
    assert any(row["safety"] for row in shop_rows)
    pairs = [(row["store_code"], row["sku_code"]) for row in rows]
    assert len(set(pairs)) == len(pairs)


def test_a_large_chain_has_its_numbers_without_being_made_whole() -> None:
    assert LARGE.per_store * LARGE.stores + LARGE.dcs * LARGE.skus <= 1_200_000
    rows = list(shops.rows(LARGE))
    assert Counter(row["kind"] for row in rows) == {"store": 1600, "dc": 6}
    assert len({row["region_code"] for row in rows}) == 58
    assert len({row["code"] for row in rows}) == 1606
    names = Counter(product.name.zh for product in islice(goods.products(LARGE), 20_000))
    assert max(names.values()) == 1
    assert len(list(islice(numbers.stock_rows(LARGE), 5000))) == 5000


def test_regions_beyond_the_cities_there_are() -> None:
    assert len(CITIES) == 58
    found = shops.regions(Size(stores=200, regions=120, now=NOW))
    assert len({code for code, _, _ in found}) == 120


def test_every_city_and_district_lies_in_china() -> None:
    for city in CITIES:
        assert len(city.districts) >= 3
        assert len({district.zh for district in city.districts}) == len(city.districts)
        for district in city.districts:
            assert 18 < district.lat < 46
            assert 87 < district.lon < 127
            centre = city.districts[0]
            assert abs(district.lat - centre.lat) < 1
            assert abs(district.lon - centre.lon) < 1


def test_history_ends_now_and_belongs_to_the_chain() -> None:
    rows = list(history.order_rows(SMALL))
    assert max(row["placed_at"] for row in rows) <= NOW
    assert min(row["placed_at"] for row in rows) > NOW - timedelta(days=4)
    codes = {shop.code for shop in shops.shops(SMALL)}
    assert {row["store_code"] for row in rows} <= codes
    assert {row["channel"] for row in rows} == {"till", "import"}
    large = Size(stores=1600, regions=58, skus=2000, members=10, days=14, now=NOW)
    first = list(islice(history.order_rows(large), 1000))
    assert len(first) == 1000


def test_accounts_of_every_role() -> None:
    found = people.accounts(SMALL)
    assert {role for _, _, role, _, _ in found} == {"headquarters", "region", "store", "clerk", "franchisee"}
    logins = [login for login, *_ in found]
    assert len(set(logins)) == len(logins)
    assert {"hq", "region01", "store01", "clerk01", "franchise01"} <= set(logins)
    assert "store0001" in [login for login, *_ in people.accounts(LARGE)]


def test_numbers_of_members_are_plainly_invented() -> None:
    rows = list(numbers.member_rows(SMALL))
    assert rows[0]["phone"] == "+8619900000001"
    assert all(phone(row["phone"]).startswith("+861990000") for row in rows)
    assert numbers.spaced_phone("+8619900000001") == "+86 199 0000 0001"


def test_pictures_are_the_same_every_time_and_all_different() -> None:
    wanted = {key for product in goods.products(Size(now=NOW)) for key in keys(product)}
    assert len(wanted) <= 250
    assert {key.drawing for key in wanted} == set(DRAWINGS) == {leaf.picture for leaf in LEAVES}
    assert [palette.name for palette in PALETTES] == [colour.en for colour in COLOURS]
    some = [Key(drawing, 1) for drawing in DRAWINGS]
    seen = {hashlib.sha256(draw(key).tobytes()).hexdigest() for key in some}
    assert len(seen) == len(some)
    assert draw(Key("tin", 2)).tobytes() == draw(Key("tin", 2)).tobytes()
    assert draw(Key("tin", 2)).size == (640, 640)


def test_brands_are_apart() -> None:
    assert len({code for code, *_ in BRANDS}) == len({zh for _, zh, *_ in BRANDS}) == len(BRANDS)
    parents = {code for code, _ in PARENTS}
    assert {word for *_, makes in BRANDS for word in makes.split()} <= parents | {"*"}
