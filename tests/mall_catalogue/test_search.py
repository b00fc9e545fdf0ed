"""Search, suggestions, categories and the first page, through HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from duoline.channels.mall.catalogue_types import Categories, Home, SearchPage, Suggestions

if TYPE_CHECKING:
    from tests.mall_catalogue.conftest import Shop


async def search(shop: Shop, **params: Any) -> SearchPage:
    answer = await shop.visitor.get("/api/mall/search", params=params)
    assert answer.status_code == 200, answer.text
    decoded = msgspec.json.decode(answer.content, type=SearchPage)
    assert msgspec.json.decode(answer.content) == msgspec.to_builtins(decoded)
    return decoded


def codes(page: SearchPage) -> list[str]:
    return [item.code for item in page.items]


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("奶粉", {"F700", "A800"}),
        ("飞鹤奶粉", {"F700"}),
        ("飞鹤 1段", {"F700"}),
        ("APTAMIL", {"A800"}),
        ("apta", {"A800"}),
        ("infant formula", {"F700", "A800"}),
        ("尿裤", {"D60"}),
        ("纸尿裤S码", {"D60"}),
        ("红色奶瓶", {"B240"}),
        ("240ml", {"B240"}),
        ("b240-red", {"B240"}),
        ("新西兰", {"F700", "A800", "D60", "B240"}),
        ("绿茶", set()),
        ("！！", {"F700", "A800", "D60", "B240"}),
        ("' | 'x & !", set()),
    ],
)
async def test_what_is_typed_finds_what_is_meant(shop: Shop, typed: str, found: set[str]):
    page = await search(shop, q=typed)
    assert set(codes(page)) == found
    assert page.total == len(found)


async def test_hits_in_the_title_come_before_other_hits(shop: Shop):
    async with shop.world.db.begin() as tx:
        await tx.execute(
            "UPDATE product_search SET tokens = tokens || array_to_tsvector(ARRAY['奶瓶','奶','瓶'])"
            " WHERE product_id = $1",
            shop.goods.products["A800"],
        )
    assert codes(await search(shop, q="奶瓶")) == ["B240", "A800"]


async def test_cards_carry_price_and_stock_of_the_moment(shop: Shop):
    (card,) = (await search(shop, q="纸尿裤", store="S1")).items
    assert card.price.minor == 9900
    assert card.price_max is not None
    assert card.price_max.minor == 10900
    assert (card.store_available, card.online_available, card.sku_count) == (3, 1, 2)
    (card,) = (await search(shop, q="飞鹤")).items
    assert (card.store_available, card.online_available) == (None, 9)
    (card,) = (await search(shop, q="爱他美")).items
    assert (card.price_max, card.store_available, card.online_available) == (None, None, 0)
    assert card.brand is not None


async def test_filters_and_their_counts(shop: Shop):
    page = await search(shop, category="milk")
    assert set(codes(page)) == {"F700", "A800"}
    assert {facet.code: facet.count for facet in page.facets.brands} == {"feihe": 1, "aptamil": 1}
    assert codes(await search(shop, category="milk", brand="aptamil")) == ["A800"]
    assert codes(await search(shop, q="奶粉", brand="feihe")) == ["F700"]
    assert (await search(shop, category="nowhere")).total == 0
    everything = await search(shop)
    assert {facet.code: facet.count for facet in everything.facets.categories} == {
        "formula": 2,
        "diapers": 1,
        "feeding": 1,
    }


async def test_sorting(shop: Shop):
    assert codes(await search(shop, sort="price")) == ["B240", "D60", "F700", "A800"]
    assert codes(await search(shop, sort="-price")) == ["A800", "F700", "D60", "B240"]
    assert codes(await search(shop, sort="newest")) == ["B240", "D60", "A800", "F700"]
    await shop.set_price("A800-1", 100, scope="store", scope_id=shop.world.stores["S2"])
    assert codes(await search(shop, sort="price", store="S2"))[0] == "A800"
    answer = await shop.visitor.get("/api/mall/search", params={"sort": "colour"})
    assert answer.status_code in (400, 422)


async def test_ready_today_is_what_the_store_has(shop: Shop):
    assert set(codes(await search(shop, store="S1", ready_today=1))) == {"F700", "D60"}
    assert codes(await search(shop, q="奶粉", store="S1", ready_today=1)) == ["F700"]
    assert codes(await search(shop, store="S4", ready_today=1)) == []
    assert codes(await search(shop, ready_today=1)) == []


async def test_pages_follow_each_other(shop: Shop):
    seen: list[str] = []
    cursor = None
    for _ in range(3):
        page = await search(shop, sort="price", limit=2, **({"cursor": cursor} if cursor else {}))
        seen += codes(page)
        cursor = page.next
        if cursor is None:
            break
    assert seen == ["B240", "D60", "F700", "A800"]
    answer = await shop.visitor.get("/api/mall/search", params={"cursor": "nonsense"})
    assert answer.json()["code"] == "http.bad-cursor"


@pytest.mark.parametrize(
    ("typed", "meant", "found"),
    [("aptamli", "aptamil", "A800"), ("botle", "bottle", "B240"), ("纸尿库", "纸尿裤", "D60")],
)
async def test_a_slip_of_the_finger_is_forgiven_and_named(shop: Shop, typed: str, meant: str, found: str):
    page = await search(shop, q=typed)
    assert (page.did_you_mean or "").casefold() == meant
    assert found in codes(page)
    assert (await search(shop, q=meant)).did_you_mean is None


async def test_nonsense_finds_nothing_and_suggests_nothing(shop: Shop):
    page = await search(shop, q="zzqqxx")
    assert (page.total, page.items, page.did_you_mean) == (0, [], None)


async def suggest(shop: Shop, typed: str, language: str = "zh") -> list[tuple[str, str]]:
    answer = await shop.visitor.get("/api/mall/suggestions", params={"q": typed}, headers={"Accept-Language": language})
    return [(item.kind, item.text) for item in msgspec.json.decode(answer.content, type=Suggestions).items]


async def test_suggestions(shop: Shop):
    found = await suggest(shop, "奶")
    assert ("category", "奶粉辅食") in found
    assert ("word", "奶粉") in found
    assert ("product", "宽口径奶瓶 240ml") in found
    assert ("brand", "Aptamil") in await suggest(shop, "apt")
    assert ("product", "Wide neck bottle 240 ml") in await suggest(shop, "bottle", "en")
    assert await suggest(shop, "") == []
    assert await suggest(shop, "绿") == []


async def test_categories_name_their_parents_and_counts(shop: Shop):
    answer = await shop.visitor.get("/api/mall/categories")
    found = msgspec.json.decode(answer.content, type=Categories).items
    assert [(c.code, c.parent_code, c.product_count) for c in found] == [
        ("care", None, 1),
        ("feeding", None, 1),
        ("milk", None, 2),
        ("diapers", "care", 1),
        ("formula", "milk", 2),
    ]


async def test_the_first_page(shop: Shop):
    answer = await shop.visitor.get("/api/mall/home", params={"lat": 39.9, "lon": 116.4})
    home = msgspec.json.decode(answer.content, type=Home)
    assert home.store is not None
    assert home.store.code == "S1"
    assert {card.code for card in home.ready_today} == {"F700", "D60"}
    assert [card.code for card in home.feed] == ["B240", "D60", "A800", "F700"]
    assert {card.code for card in home.categories} == {"milk", "care", "feeding"}
    plain = msgspec.json.decode((await shop.visitor.get("/api/mall/home")).content, type=Home)
    assert (plain.store, plain.ready_today) == (None, [])
    chosen = msgspec.json.decode((await shop.visitor.get("/api/mall/home", params={"store": "S3"})).content, type=Home)
    assert [card.code for card in chosen.ready_today] == ["D60"]
