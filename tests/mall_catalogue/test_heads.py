"""Server-rendered pages: what crawlers, previews and readers without scripts get."""

from __future__ import annotations

import json
import re
from html import unescape
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

import msgspec
import pytest

from duoline.catalog.edit_product import edit_product
from duoline.catalog.types import ProductEdit
from duoline.channels.mall import heads
from duoline.channels.mall.catalogue_types import Home, ProductPage, SearchPage
from duoline.channels.mall.heads import Head
from duoline.kernel.auth import SYSTEM
from duoline.kernel.money import Money
from duoline.kernel.text import Text

if TYPE_CHECKING:
    from tests.mall_catalogue.conftest import Shop

SHELL = (
    '<!doctype html><html lang="zh-CN"><head><title>Duoline</title></head>'
    '<body><div id="app"></div><script type="module" src="/assets/main.js"></script></body></html>'
)
EVIL = '</script><script>alert("1")</script><!-- \\g<1> "quoted" & \u2028'


@pytest.fixture(autouse=True)
def shell(monkeypatch: pytest.MonkeyPatch):
    """The built page, whether or not it is built on this machine."""
    monkeypatch.setattr("duoline.channels.http.pages.Pages.shell", lambda _pages, _face: SHELL)


async def read(shop: Shop, path: str, *, status: int = 200, language: str = "zh") -> str:
    answer = await shop.visitor.get(path, headers={"Accept-Language": language})
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    return answer.text


def meta(page: str, name: str) -> str:
    found = re.search(rf'<meta (?:name|property)="{re.escape(name)}" content="([^"]*)">', page)
    assert found, name
    return unescape(found[1])


def data(page: str) -> dict[str, dict[str, Any]]:
    blocks = re.findall(r'<script type="application/ld\+json">(.*?)</script>', page)
    return {block["@type"]: block for block in map(json.loads, blocks)}


def boot(page: str) -> bytes:
    (found,) = re.findall(r'<script type="application/json" id="boot">(.*?)</script>', page)
    return str(found).encode()


async def test_a_product_page(shop: Shop):
    page = await read(shop, "/p/F700")
    assert "<title>星飞帆 婴儿配方奶粉 1段 700g - 双线 Duoline</title>" in page
    assert '<link rel="canonical" href="http://localhost:8000/p/F700">' in page
    assert meta(page, "og:url") == "http://localhost:8000/p/F700"
    assert meta(page, "description") == "星飞帆 婴儿配方奶粉 1段 700g的介绍"
    assert "<h1>星飞帆 婴儿配方奶粉 1段 700g</h1><p>¥289.00</p>" in page
    product = data(page)["Product"]
    assert product["brand"]["name"] == "飞鹤"
    (offer,) = product["offers"]
    assert (offer["price"], offer["priceCurrency"]) == ("289.00", "CNY")
    assert offer["availability"] == "https://schema.org/InStock"
    assert [step["name"] for step in data(page)["BreadcrumbList"]["itemListElement"]] == ["奶粉辅食", "婴儿配方奶粉"]
    api = (await shop.visitor.get("/api/mall/products/F700")).content
    booted = msgspec.json.decode(boot(page), type=ProductPage)
    assert booted.product == msgspec.json.decode(api, type=ProductPage).product
    assert booted.store is None


async def test_the_first_page_and_a_search_bring_their_answer(shop: Shop):
    """What a visitor without a store would ask for stands in the page, and its articles can be read without scripts."""
    first = await read(shop, "/")
    api = (await shop.visitor.get("/api/mall/home")).content
    assert msgspec.json.decode(boot(first), type=Home) == msgspec.json.decode(api, type=Home)
    assert '<a href="/p/F700">' in first
    found = await read(shop, "/search?q=奶粉&sort=price")
    api = (await shop.visitor.get("/api/mall/search?q=奶粉&sort=price&limit=24")).content
    assert msgspec.json.decode(boot(found), type=SearchPage) == msgspec.json.decode(api, type=SearchPage)
    assert "<title>奶粉 - 双线 Duoline</title>" in found
    # What a store has ready is asked by the page, which knows the store; nonsense in the address is as if absent.
    assert 'id="boot"' not in await read(shop, "/search?ready=1")
    assert 'id="boot"' in await read(shop, f"/search?sort=nonsense&category=nowhere&q={'x' * 500}")


async def test_a_large_page_is_compressed_for_who_takes_that(shop: Shop):
    plain = await shop.visitor.get("/p/F700", headers={"Accept-Encoding": "identity"})
    packed = await shop.visitor.get("/p/F700", headers={"Accept-Encoding": "gzip"})
    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.text == plain.text
    again = await shop.visitor.get("/p/F700", headers={"If-None-Match": packed.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


async def test_nothing_left_is_out_of_stock(shop: Shop):
    (offer,) = data(await read(shop, "/p/A800"))["Product"]["offers"]
    assert offer["availability"] == "https://schema.org/OutOfStock"


async def test_pages_speak_the_language_asked_for(shop: Shop):
    page = await read(shop, "/p/F700", language="en-US,en;q=0.9")
    assert '<html lang="en">' in page
    assert "<h1>Star infant formula stage 1, 700 g</h1>" in page
    assert meta(page, "og:locale") == "en_US"


async def test_what_is_not_there_is_404_and_still_a_page(shop: Shop):
    for path in ("/p/NOWHERE", "/p/DRAFT", "/s/NOWHERE", "/s/D1"):
        page = await read(shop, path, status=404)
        assert "没有找到这个页面" in page
        assert "/assets/main.js" in page


async def test_a_name_can_break_out_of_nothing(shop: Shop):
    product_id = shop.goods.products["F700"]
    async with shop.world.db.begin() as tx:
        version = await tx.fetchval("SELECT version FROM products WHERE id = $1", product_id)
        await edit_product(
            tx,
            actor=SYSTEM,
            product_id=product_id,
            edit=ProductEdit(version=version, name=Text(EVIL, EVIL), description=Text(EVIL, EVIL)),
        )
    page = await read(shop, "/p/F700")
    assert "<script>alert" not in page
    assert "<!-- " not in page
    assert "\u2028" not in boot(page).decode()
    assert data(page)["Product"]["name"] == EVIL.strip()
    assert msgspec.json.decode(boot(page), type=ProductPage).product.name.zh == EVIL.strip()
    assert page.count("<script") == SHELL.count("<script") + 3


async def test_a_store_page(shop: Shop):
    page = await read(shop, "/s/S1")
    store = data(page)["Store"]
    assert store["address"]["streetAddress"] == "某路 1 号"
    assert store["geo"] == {"@type": "GeoCoordinates", "latitude": 39.9, "longitude": 116.4}
    assert len(store["openingHoursSpecification"]) == 7
    assert json.loads(boot(page))["code"] == "S1"


async def test_the_first_page(shop: Shop):
    page = await read(shop, "/")
    assert data(page)["WebSite"]["url"] == "http://localhost:8000/"


async def test_a_page_that_has_not_changed_is_not_sent_again(shop: Shop):
    first = await shop.visitor.get("/s/S1")
    again = await shop.visitor.get("/s/S1", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert (await shop.visitor.get("/s/S1", headers={"If-None-Match": '"other"'})).status_code == 200


async def test_robots_and_sitemap(shop: Shop, monkeypatch: pytest.MonkeyPatch):
    robots = (await shop.visitor.get("/robots.txt")).text
    assert "Disallow: /console/" in robots
    assert "Sitemap: http://localhost:8000/sitemap.xml" in robots
    places = {element.text for element in _xml((await shop.visitor.get("/sitemap.xml")).content)}
    assert {"http://localhost:8000/p/F700", "http://localhost:8000/s/S1"} <= places
    assert not any("DRAFT" in (place or "") or "/D1" in (place or "") for place in places)
    monkeypatch.setattr("duoline.channels.mall.pages.SITEMAP_MAX", 3)
    index = _xml((await shop.visitor.get("/sitemap.xml")).content)
    assert [element.text for element in index] == [f"http://localhost:8000/sitemap.xml?part={n}" for n in (0, 1)]
    parts = [_xml((await shop.visitor.get(f"/sitemap.xml?part={n}")).content) for n in (0, 1)]
    assert {element.text for part in parts for element in part} == places


def _xml(content: bytes) -> list[ElementTree.Element]:
    root = ElementTree.fromstring(content)  # noqa: S314 - our own answer
    return [element for element in root.iter() if element.tag.endswith("}loc")]


def test_a_head_leaves_the_rest_of_the_shell_alone():
    page = heads.render(SHELL, Head("A & B", "x" * 10, "/p/1", body="<h1>A</h1>"), public_url="http://t", language="en")
    assert '<div id="app"><h1>A</h1></div><script type="module" src="/assets/main.js"></script>' in page
    assert "<title>A &amp; B</title>" in page
    assert page.count("<title>") == 1


@pytest.mark.parametrize(
    ("money", "words"),
    [(Money(1990), "¥19.90"), (Money(5), "¥0.05"), (Money(1990, "JPY"), "1990 JPY"), (Money(100, "USD"), "$1.00")],
)
def test_money_in_words(money: Money, words: str):
    assert heads.price_words(money) == words
