"""Sharing by WeChat's own menu: what it would send from a page for a member, a guest and a clerk, and what comes of it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from playwright.async_api import Page, Playwright, expect

from tests.browser import stage
from tests.browser.faces import in_languages
from tests.browser.stage import SHOP, Person
from tests.browser.test_wechat import IN_WECHAT

pytestmark = pytest.mark.browser

Visit = Callable[..., Awaitable[Page]]
ON_IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148"
    " MicroMessenger/8.0.50(0x18003234) NetType/WIFI Language/zh_CN"
)
WORDS = {
    "zh": {"phone": "19910005061", "friend": "19910005063", "idea": "门店与线上是同一家店", "share": "分享 ", "note": "想说的话", "make": "生成分享链接",
           "menu": "右上角", "open": "打开页面", "to_customer": "分享给顾客", "looks": "19910005066"},
    "en": {"phone": "19910005062", "friend": "19910005064", "idea": "shop", "share": "Share ", "note": "A few words", "make": "Make a link",
           "menu": "top right", "open": "Open", "to_customer": "Share", "looks": "19910005067"},
}  # fmt: skip


async def menu(page: Page, site: str, to_whom: str = "friend", *, until: str | None = None) -> dict[str, Any]:
    """What WeChat's menu of a page would send now, once its link is what it comes to be."""
    found: list[dict[str, Any]] = []
    for _ in range(100):
        told = await (await page.request.get(f"{site}/wechat/control")).json()
        found = [one for one in told["shares"] if one["to_whom"] == to_whom and one["page"] == page.url]
        if found and (until is None or re.search(until, str(found[0]))):
            return found[0]
        await asyncio.sleep(0.1)
    raise AssertionError(f"{page.url}: {found[:2]}")


async def article(person: Person) -> dict[str, Any]:
    (one,) = await stage.in_stock(person, at=SHOP, limit=1)
    return dict(one)


@in_languages
async def test_a_member_s_page_carries_their_name_and_a_friend_s_order_counts_for_them(
    site: str, visit: Visit, playwright: Playwright, language: str
) -> None:
    says = WORDS[language]
    sharer = await stage.member(playwright, site, says["phone"])
    one = await article(sharer)
    product = (await sharer.get(f"mall/products/{one['product']}"))["product"]
    page = await visit(
        language=language, user_agent=IN_WECHAT, storage_state=await sharer.cookies(**{"duoline.known": True})
    )
    await page.goto(f"{site}/p/{one['product']}?store={SHOP}&scan=1&gtin=1")
    sent = await menu(page, site, until=r"/t/\w{8}/product/")
    assert sent["title"] == product["name"]["zh" if language == "zh" else "en"]
    assert re.fullmatch(rf"{site}/t/[0-9A-Z]{{8}}/product/{one['product']}", sent["link"])
    assert sent["text"]
    assert sent["picture"].startswith(site)
    assert (await page.request.get(sent["picture"])).ok
    moments = await menu(page, site, "moments", until=r"/t/\w{8}/product/")
    assert (moments["title"], moments["link"], moments["text"]) == (sent["title"], sent["link"], "")
    assert (await sharer.get("mall/shares"))["items"] == []

    # A friend opens it, inside WeChat too. What they pass on is theirs: nobody's, as a guest.
    friend = await visit(language=language, user_agent=IN_WECHAT)
    await friend.goto(sent["link"])
    await expect(friend).to_have_url(re.compile(rf"/p/{one['product']}\?t=[0-9A-Z]{{8}}$"))
    passed_on = await menu(friend, site)
    assert passed_on["link"] == f"{site}/p/{one['product']}"
    buyer = Person(friend.context.request, site)
    await stage.sign_in(buyer, says["friend"])
    await stage.order(buyer, [stage.line(one)], name="林小雨")
    (brought,) = (await sharer.get("mall/shares"))["items"]
    assert (brought["target"], brought["clicks"], brought["orders"]) == (one["product"], 1, 1)

    # With words of their own, and once there is a link with them, by that one.
    await page.get_by_role("button", name=re.compile(f"^{says['share']}")).locator("visible=true").first.click()
    sheet = page.locator("dialog[open]")
    await expect(sheet.get_by_text(says["menu"])).to_be_visible()
    await sheet.get_by_label(says["note"]).fill("我家一直用")
    assert (await menu(page, site, until="我家一直用"))["link"] == sent["link"]
    assert (await menu(page, site, "moments", until="我家一直用"))["title"] == f"我家一直用 · {sent['title']}"
    await sheet.get_by_role("button", name=says["make"]).click()
    made = await menu(page, site, until=rf"{site}/t/[0-9A-Z]{{8}}'")
    assert (made["text"], made["title"]) == ("我家一直用", sent["title"])


@in_languages
async def test_a_guest_s_pages_are_plain_and_their_own_are_not_sent(site: str, visit: Visit, language: str) -> None:
    page = await visit(language=language, user_agent=IN_WECHAT)
    await page.goto(f"{site}/search?q=a&ready=1")
    assert (await menu(page, site))["link"] == f"{site}/search?q=a"
    await page.goto(f"{site}/orders")
    sent = await menu(page, site)
    assert (sent["link"], sent["picture"]) == (f"{site}/", f"{site}/icon-512.png")
    assert WORDS[language]["idea"] in sent["text"]


@pytest.mark.parametrize("agent", [IN_WECHAT, ON_IPHONE], ids=["android", "iphone"])
async def test_the_next_page_is_believed_too_on_android_and_on_an_iphone(
    site: str, visit: Visit, on_stage: stage.Stage, agent: str
) -> None:
    page = await visit(user_agent=agent)
    configs: list[str] = []
    page.on("request", lambda asked: configs.append(asked.url) if "/jssdk/config" in asked.url else None)

    async def shown_to_wechat(times: int) -> None:
        async with asyncio.timeout(30):
            while len(configs) < times:
                await asyncio.sleep(0.1)

    # Opened by a code, which leads on: the page's address is another one than the link's.
    await page.goto(f"{site}/t/{on_stage.ids['share_code']}")
    await page.wait_for_url(re.compile(r"/p/"))
    await shown_to_wechat(1)  # who goes on before that shows the next page alone
    first = await menu(page, site)
    assert "t=" not in first["link"]
    await page.locator("a[href='/cart']").locator("visible=true").first.click()
    await page.wait_for_url(f"{site}/cart")
    assert (await menu(page, site))["link"] == f"{site}/"
    await shown_to_wechat(2)
    await page.wait_for_timeout(500)
    assert len(configs) == 2  # the right address at the first try, each time


async def test_a_clerk_sends_the_page_of_their_link(site: str, visit: Visit, playwright: Playwright) -> None:
    clerk = await stage.clerk_at(playwright, site, SHOP)
    one = await article(await stage.member(playwright, site, "19910005065"))
    body = {"kind": "product", "name": one["product"], "store": SHOP, "note": "您上次问的"}
    made = await clerk.send("POST", "clerk/shares", body)
    page = await visit(user_agent=IN_WECHAT, storage_state=await clerk.cookies(**{"duoline.clerk.store": SHOP}))
    await page.goto(f"{site}/p/{one['product']}?t={made['code']}")
    sent = await menu(page, site, until="/t/")
    assert sent["link"] == made["url"]
    # Whoever else opens it hands on the page alone.
    other = await visit(user_agent=IN_WECHAT)
    await other.goto(f"{site}/p/{one['product']}?t={made['code']}&by=other")
    assert (await menu(other, site))["link"] == f"{site}/p/{one['product']}"


@in_languages
async def test_a_clerk_shares_from_their_own_face_without_making_a_link_first(
    site: str, visit: Visit, playwright: Playwright, language: str
) -> None:
    says = WORDS[language]
    clerk = await stage.clerk_at(playwright, site, SHOP)
    one = await article(await stage.member(playwright, site, says["looks"]))
    before = (await clerk.get(f"clerk/shares?store={SHOP}"))["items"]
    page = await visit(
        language=language, user_agent=IN_WECHAT, storage_state=await clerk.cookies(**{"duoline.clerk.store": SHOP})
    )
    await page.goto(f"{site}/clerk/stock/{one['sku_id']}")
    await page.get_by_role("button", name=says["to_customer"], exact=True).click()
    await page.locator("dialog[open]").get_by_role("button", name=re.compile(says["open"])).click()
    await page.wait_for_url(re.compile(r"/p/[^/]+\?t=[0-9A-Z]{8}$"))
    code = page.url.partition("?t=")[2]
    sent = await menu(page, site, until=r"/t/\w{8}/product/")
    assert sent["link"] == f"{site}/t/{code}/product/{one['product']}"
    assert (await clerk.get(f"clerk/shares?store={SHOP}"))["items"] == before
    friend = await visit(language=language, user_agent=IN_WECHAT)
    await friend.goto(sent["link"])
    await expect(friend).to_have_url(re.compile(rf"/p/{one['product']}\?t=[0-9A-Z]{{8}}$"))
    assert (await menu(friend, site))["link"] == f"{site}/p/{one['product']}"
    items = (await clerk.get(f"clerk/shares?store={SHOP}"))["items"]
    mine = [each for each in items if each["target"] == one["product"] and each["note"] == ""]
    assert mine, items
    # With a few words of theirs it is a link that has them, in one go too.
    await page.goto(f"{site}/clerk/stock/{one['sku_id']}")
    await page.get_by_role("button", name=says["to_customer"], exact=True).click()
    sheet = page.locator("dialog[open]")
    await sheet.get_by_label(says["note"]).fill("您上次问的")
    await sheet.get_by_role("button", name=re.compile(says["open"])).click()
    await page.wait_for_url(re.compile(r"/p/[^/]+\?t=[0-9A-Z]{8}$"))
    linked = page.url.partition("?t=")[2]
    assert linked != code
    assert (await menu(page, site, until="/t/"))["link"] == f"{site}/t/{linked}"


async def test_another_browser_fetches_nothing_of_it_and_a_wechat_that_is_down_changes_nothing(
    site: str, visit: Visit
) -> None:
    page = await visit()
    asked: list[str] = []
    page.on("request", lambda one: asked.append(one.url))
    await page.goto(f"{site}/")
    await page.wait_for_timeout(1500)
    assert [url for url in asked if "wechat" in url.lower() or "jweixin" in url] == []

    inside = await visit(user_agent=IN_WECHAT)
    await inside.route("**/api/mall/wechat-menu*", lambda route: route.abort("connectionfailed"))
    await inside.route("**/open/js/*", lambda route: route.abort("connectionfailed"))
    await inside.goto(f"{site}/categories")
    await expect(inside.locator("main a").first).to_be_visible()
