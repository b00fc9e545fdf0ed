"""The product page through HTTP: the bytes that SQL builds, decoded into the struct that the API describes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec
import pytest

from duoline.catalog.publish import advance
from duoline.catalog.types import Publication
from duoline.channels.mall.catalogue_types import ProductPage, StoreStocks
from duoline.kernel import clock
from duoline.kernel.auth import SYSTEM
from duoline.kernel.money import Money
from duoline.stores import directory

if TYPE_CHECKING:
    from tests.mall_catalogue.conftest import Shop

strict = msgspec.json.Decoder(ProductPage, strict=True)
NOON = datetime(2026, 11, 18, 4, 0, tzinfo=UTC)  # a Wednesday, noon in Shanghai


async def page(shop: Shop, code: str, store: str | None = None) -> ProductPage:
    answer = await shop.visitor.get(f"/api/mall/products/{code}", params={"store": store} if store else {})
    assert answer.status_code == 200, answer.text
    decoded = strict.decode(answer.content)
    # Nothing in the bytes that the struct does not know, and nothing missing.
    assert msgspec.json.decode(answer.content) == msgspec.to_builtins(decoded, str_keys=True)
    return decoded


async def test_without_a_store_it_has_the_chain_price_and_what_can_be_sent(shop: Shop):
    found = await page(shop, "F700")
    (live,) = found.live
    assert live.price == live.chain_price == Money(28900)
    assert (live.price_scope, live.online_available, live.store_available) == ("chain", 99, None)
    assert found.store is None
    assert found.pickup_promise is None
    assert found.delivery_promise is not None
    assert (found.delivery_fee, found.free_delivery_from) == (Money(800), Money(9900))


async def test_with_a_store_it_has_its_price_stock_and_promise(shop: Shop):
    await shop.set_price("F700-1", 27900, scope="region", scope_id=shop.world.regions["north"])
    with clock.frozen(NOON):
        found = await page(shop, "F700", "S1")
    (live,) = found.live
    assert (live.price, live.chain_price, live.price_scope) == (Money(27900), Money(28900), "region")
    assert live.store_available == 5
    assert found.store is not None
    assert found.store.code == "S1"
    assert found.pickup_promise is not None
    assert found.pickup_promise.at == datetime(2026, 11, 18, 4, 30, tzinfo=UTC)


async def test_each_variant_has_its_own_line(shop: Shop):
    found = await page(shop, "D60", "S1")
    codes = {sku.id: sku.code for sku in found.product.skus}
    lines = {codes[live.sku_id]: (live.price.minor, live.online_available, live.store_available) for live in found.live}
    assert lines == {"D60-S": (9900, 3, 3), "D60-M": (10900, 4, 0)}


async def test_only_open_places_that_ship_count_for_delivery(shop: Shop):
    async def online() -> int:
        return (await page(shop, "B240")).live[0].online_available

    assert await online() == 1
    await shop.world.db.execute("UPDATE stores SET ship = false WHERE code = 'S2'")
    assert await online() == 0
    await shop.stock("D1", "B240-RED", 7)
    assert await online() == 7
    await shop.world.db.execute("UPDATE levels SET safety = 3, held = 2 WHERE on_hand = 7")
    assert await online() == 2


async def test_many_small_stocks_add_up_to_the_cap_and_no_further(shop: Shop):
    for store in ("S1", "S3", "S4", "D1"):
        await shop.stock(store, "B240-BLUE", 40)
    lines = [live.online_available for live in (await page(shop, "B240")).live]
    assert lines == [1, 99]


async def test_a_variant_without_a_price_is_not_offered(shop: Shop):
    await shop.world.db.execute("DELETE FROM prices WHERE sku_id = $1", shop.goods.skus["D60-M"])
    found = await page(shop, "D60")
    assert len(found.product.skus) == 2
    assert [live.price.minor for live in found.live] == [9900]


async def test_what_is_not_published_is_not_there(shop: Shop):
    for code in ("DRAFT", "NOWHERE", "%00", "'; DROP"):
        answer = await shop.visitor.get(f"/api/mall/products/{code}")
        assert answer.status_code in (400, 404), code
    async with shop.world.db.begin() as tx:
        await advance(tx, actor=SYSTEM, product_id=shop.goods.products["F700"], to=Publication.WITHDRAWN)
    problem = await shop.get("/api/mall/products/F700", status=404)
    assert problem["code"] == "catalog.no-such-product"


@pytest.mark.parametrize("store", ["NOWHERE", "D1"])
async def test_a_store_that_is_none_counts_as_not_chosen(shop: Shop, store: str):
    assert (await page(shop, "F700", store)).store is None


async def test_a_store_without_pickup_prices_but_offers_no_units(shop: Shop):
    await shop.world.db.execute("UPDATE stores SET pickup = false, version = version + 1 WHERE code = 'S1'")
    await directory.refresh(shop.world.db)
    found = await page(shop, "F700", "S1")
    assert found.live[0].store_available is None
    assert found.pickup_promise is None


async def test_stores_that_have_it_nearest_first(shop: Shop):
    answer = await shop.visitor.get("/api/mall/products/F700/stores", params={"lat": 22.5, "lon": 114.0})
    found = msgspec.json.decode(answer.content, type=StoreStocks)
    assert [(item.store.code, item.available) for item in found.items] == [("S2", 2), ("S1", 5)]
    assert found.items[0].store.distance_m is not None
    assert all(item.promise is not None for item in found.items)
    by_most = await shop.get("/api/mall/products/F700/stores", limit=1)
    assert [item["store"]["code"] for item in by_most["items"]] == ["S1"]
    rest = await shop.get("/api/mall/products/F700/stores", limit=1, cursor=by_most["next"])
    assert [item["store"]["code"] for item in rest["items"]] == ["S2"]
    assert rest["next"] is None


async def test_stores_of_one_variant(shop: Shop):
    both = await shop.get("/api/mall/products/D60/stores")
    assert {item["store"]["code"]: item["available"] for item in both["items"]} == {"S1": 3, "S3": 4}
    one = await shop.get("/api/mall/products/D60/stores", sku=str(shop.goods.skus["D60-M"]))
    assert [item["store"]["code"] for item in one["items"]] == ["S3"]
    foreign = await shop.get("/api/mall/products/D60/stores", sku=str(shop.goods.skus["F700-1"]))
    assert foreign["items"] == []
    nowhere = await shop.get("/api/mall/products/A800/stores")
    assert nowhere == {"items": [], "next": None}
    await shop.get("/api/mall/products/DRAFT/stores", status=404)
