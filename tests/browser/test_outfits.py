"""An outfit goes from favourites to a friend's cart; a guide puts one together; both are ended by who made them."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable

import pytest
from playwright.async_api import Page, Playwright, expect

from tests.browser import stage
from tests.browser.faces import in_languages
from tests.browser.stage import OUTFIT, SHOP

pytestmark = pytest.mark.browser

Visit = Callable[..., Awaitable[Page]]
WORDS = {
    "zh": {"phone": "19910004011", "name": "搭配名称", "make": "生成分享链接", "bad": "请删掉后再分享", "add": "2 件加入购物车", "done": "2 件已加入",
           "end": "结束分享", "over": "这套搭配已结束分享", "edit": "修改搭配", "save": "保存"},
    "en": {"phone": "19910004012", "name": "What is it called", "make": "Make a link", "bad": "cannot hold a link", "add": "Add all 2 to the cart",
           "done": "2 articles are in", "end": "End it", "over": "This outfit is not shared", "edit": "Change the outfit",
           "save": "Save"},
}  # fmt: skip


@in_languages
async def test_from_favourites_to_a_friend_s_cart(
    site: str, visit: Visit, playwright: Playwright, language: str
) -> None:
    says = WORDS[language]
    maker = await stage.member(playwright, site, says["phone"])
    goods = await stage.in_stock(maker, at=SHOP, limit=3)
    for one in goods:
        await maker.send("PUT", "mall/favourites", {"product_code": one["product"]})
    page = await visit(language=language, storage_state=await maker.cookies(**{"duoline.known": True}))
    await page.goto(f"{site}/me/favourites")
    await page.locator("a[href='/me/outfits/new']").click()
    for _ in range(2):
        await page.locator("ul.list button.one").first.click()
    await expect(page.locator("ol.list li")).to_have_count(2)
    await page.get_by_label(says["name"]).fill("看 www.example.com")
    await page.get_by_role("button", name=re.compile(says["make"])).click()
    await expect(page.get_by_text(re.compile(says["bad"]))).to_be_visible()
    await page.get_by_label(says["name"]).fill(OUTFIT)
    await page.get_by_role("button", name=re.compile(says["make"])).click()
    url = await page.locator(".url").inner_text()

    # A friend opens it, chooses how to have it, and puts all of it into the cart.
    friend = await visit(language=language)
    await friend.goto(re.sub(r"^https?://[^/]+", site, url))
    await expect(friend).to_have_url(re.compile(r"/outfits/[0-9a-f-]{36}\?t=[0-9A-Z]{8}$"))
    await expect(friend.locator("h1")).to_have_text(OUTFIT)
    await expect(friend.locator("li.piece")).to_have_count(2)
    await friend.get_by_role("button", name=says["add"], exact=True).click()
    await expect(friend.get_by_text(re.compile(says["done"]))).to_be_visible()
    await friend.goto(f"{site}/cart")
    await expect(friend.locator(".cart-line")).to_have_count(2)

    # Its maker changes it; the link stays, and shows the third piece too.
    await page.goto(f"{site}/me/shares")
    await page.get_by_role("link", name=OUTFIT).first.click()
    await page.get_by_role("link", name=says["edit"]).click()
    await page.locator("ul.list button.one").first.click()
    await page.get_by_role("button", name=says["save"], exact=True).click()
    await expect(page.locator("li.piece")).to_have_count(3)
    await page.get_by_role("button", name=says["end"], exact=True).click()
    await page.locator("dialog[open]").get_by_role("button", name=says["end"], exact=True).click()
    await expect(page).to_have_url(re.compile("/me/shares$"))
    shown = (await maker.get("mall/shares"))["items"][0]
    assert (shown["kind"], shown["clicks"], shown["ended_at"] is not None) == ("outfit", 1, True)
    await friend.goto(f"{site}/outfits/{shown['target']}")
    await expect(friend.get_by_text(re.compile(says["over"]))).to_be_visible()


@in_languages
async def test_a_guide_puts_one_together_and_ends_it(
    site: str, visit: Visit, playwright: Playwright, language: str
) -> None:
    says = WORDS[language]
    clerk = await stage.clerk_at(playwright, site, SHOP)
    stranger = stage.Person(await playwright.request.new_context(), site)
    goods = await stage.in_stock(stranger, at=SHOP, limit=2)
    counter = await visit(language=language, storage_state=await clerk.cookies(**{"duoline.clerk.store": SHOP}))
    await counter.goto(f"{site}/clerk/outfits/new")
    await counter.get_by_label(says["name"]).fill(OUTFIT)
    for one in goods:
        await counter.locator("input[type=search]").fill(one["sku"])
        await counter.locator("ul.rows button.row").first.click()
    await expect(counter.locator("ol.rows li")).to_have_count(2)
    await counter.get_by_role("button", name=re.compile(says["make"])).click()
    url = await counter.locator(".url").inner_text()
    friend = await visit(language=language)
    await friend.goto(re.sub(r"^https?://[^/]+", site, url))
    await expect(friend.locator("li.piece")).to_have_count(2)
    await counter.goto(f"{site}/clerk/outfits")
    first = counter.locator("li.outfit").first
    await expect(first).to_be_visible()
    before = await counter.locator("li.outfit").count()
    await first.get_by_role("button", name=says["end"], exact=True).click()
    await counter.locator("dialog[open]").get_by_role("button", name=says["end"], exact=True).click()
    await expect(counter.locator("li.outfit")).to_have_count(before - 1)
    await friend.reload()
    await expect(friend.get_by_text(re.compile(says["over"]))).to_be_visible()
