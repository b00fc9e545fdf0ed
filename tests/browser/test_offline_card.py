"""The card without a network: on an installed phone, and at a till that has read it a little while ago."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable

import pytest
from playwright.async_api import Browser, Page, Playwright, expect

from tests.browser import stage
from tests.browser.faces import in_languages, window
from tests.browser.stage import SHOP
from tests.browser.test_coupons import log_in
from tests.browser.test_wechat import agree

pytestmark = pytest.mark.browser

Visit = Callable[..., Awaitable[Page]]
WORDS = {
    "zh": {"phone": "19910004021", "offline": "没有网络", "known": "本机 .* 扫过这张卡", "unknown": "本机两小时内没有扫过",
           "pay": "收款", "received": "已收款", "sold": "收款完成"},
    "en": {"phone": "19910004022", "offline": "No network", "known": "this till read the card at",
           "unknown": "this till has not read this card", "pay": "Take payment", "received": "Money received", "sold": "Sold"},
}  # fmt: skip
NEXT = {
    "zh": {"phones": ["19910004131", "19910004132", "19910004133"], "go": "微信登录", "allow": "允许", "visitor": "登录"},
    "en": {"phones": ["19910004141", "19910004142", "19910004143"], "go": "Continue with WeChat", "allow": "Allow", "visitor": "Log in"},
}  # fmt: skip
DIGITS = "JSON.parse(localStorage.getItem('duoline.card'))?.number ?? null"
SHOWN = """() => { const c = JSON.parse(localStorage.getItem('duoline.card'));
  return c.prefix + '.' + c.codes[Math.floor((Date.now() - Date.parse(c.starts_at) - c.ahead) / 1000 / c.step_seconds)] }"""
SCAN = "(text) => [...text, 'Enter'].forEach((key) => document.body.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true })))"


@in_languages
async def test_a_till_without_a_network_knows_a_card_that_it_has_read(
    site: str, visit: Visit, playwright: Playwright, language: str
) -> None:
    says = WORDS[language]
    buyer = await stage.member(playwright, site, says["phone"])
    clerk = await stage.clerk_at(playwright, site, SHOP)
    (article,) = await stage.in_stock(buyer, at=SHOP, limit=1)
    phone = await visit(language=language, storage_state=await buyer.cookies(**{"duoline.known": True}))
    await phone.goto(f"{site}/me/card")
    await expect(phone.locator(".code img")).to_be_visible()
    counter = await visit(language=language, storage_state=await clerk.cookies(**{"duoline.clerk.store": SHOP}))
    await counter.goto(f"{site}/clerk/till")
    await counter.locator("input[type=search]").fill(article["sku"])
    await counter.locator(".rows button.row").first.click()
    await expect(counter.locator("main li.line")).to_have_count(1)
    await counter.evaluate(SCAN, await phone.evaluate(SHOWN))
    await expect(counter.locator(".member")).to_be_visible()
    await counter.locator(".member .icon-btn").click()
    await expect(counter.locator(".member")).to_have_count(0)

    # The network goes. A made-up code of the same card is none, and another card is not known.
    await counter.context.set_offline(True)
    text = await phone.evaluate(SHOWN)
    wrong = text[:-1] + str((int(text[-1]) + 1) % 10)
    for none in (wrong, "DLC1.0123456789.12345678"):
        await counter.evaluate(SCAN, none)
        await expect(counter.get_by_text(re.compile(says["unknown"])).first).to_be_visible()
        await expect(counter.locator(".member")).to_have_count(0)
    await counter.evaluate(SCAN, await phone.evaluate(SHOWN))
    await expect(counter.locator(".member")).to_be_visible()
    await expect(counter.locator(".known")).to_contain_text(re.compile(says["known"]))
    kept = await counter.evaluate("localStorage.getItem('duoline.clerk.sale.member')")
    assert '"seenAt"' in kept

    # It comes back, and the sale is theirs.
    await counter.context.set_offline(False)
    await counter.reload()
    await expect(counter.locator(".member")).to_be_visible()
    await expect(counter.locator(".known")).to_have_count(0)
    await counter.get_by_role("button", name=says["pay"], exact=True).click()
    await counter.locator(".sheet button.choice.num").first.click()
    await counter.get_by_role("button", name=says["received"], exact=True).click()
    await expect(counter.get_by_text(says["sold"], exact=True).first).to_be_visible()
    mine = (await buyer.get("mall/orders", state="all"))["items"]
    assert [(one["channel"], one["state"]) for one in mine] == [("till", "completed")]


@in_languages
async def test_an_installed_phone_shows_the_card_without_a_network(
    site: str, browser: Browser, playwright: Playwright, language: str
) -> None:
    says = WORDS[language]
    buyer = await stage.member(playwright, site, "19910004031" if language == "zh" else "19910004032")
    state = await buyer.cookies(**{"duoline.known": True})
    context = await window(browser, width="phone", language=language, storage_state=state)
    try:
        page = await context.new_page()
        await page.goto(f"{site}/me/card")
        await expect(page.locator(".code img")).to_be_visible()
        # What is installed from this page opens on it.
        assert await page.locator("link[rel=manifest]").get_attribute("href") == "/card.webmanifest"
        await page.evaluate("navigator.serviceWorker.ready.then(() => null)")
        # A page that the worker has never served: it was kept when the worker was installed.
        await page.wait_for_function(
            "caches.keys().then((names) => names.some((name) => name.startsWith('duoline-mall-shell-')))"
        )
        await page.goto("about:blank")
        await context.set_offline(True)
        await page.goto(f"{site}/me/card")
        await expect(page.locator(".code img")).to_be_visible()
        await expect(page.locator(".digits")).to_have_text(re.compile(r"^[0-9A-Z]{4} [0-9A-Z]{4} [0-9A-Z]{2}$"))
        await expect(page.locator(".no-net")).to_contain_text(says["offline"])
        # Nobody says who is here, so Me does not either: it leads to the card.
        await page.goto(f"{site}/me")
        await expect(page.locator(".who")).to_have_count(0)
        await page.locator("a.mine").click()
        await expect(page.locator(".code img")).to_be_visible()
    finally:
        await context.close()


@in_languages
async def test_the_next_member_on_a_phone_has_their_own_card(
    site: str, visit: Visit, playwright: Playwright, language: str
) -> None:
    says, account = NEXT[language], f"next-{language}"
    one = await stage.member(playwright, site, says["phones"][0])
    page = await visit(language=language, storage_state=await one.cookies(**{"duoline.known": True}))

    async def shows_theirs() -> str:
        await page.wait_for_url(re.compile(r":\d+/me/card$"))
        number: str = (await (await page.request.get(f"{site}/api/mall/card")).json())["number"]
        await expect(page.locator(".digits")).to_have_text(re.sub("(.{4})(?=.)", r"\1 ", number))
        await expect(page.locator(".code img")).to_be_visible()
        assert await page.evaluate(DIGITS) == number
        return number

    await page.goto(f"{site}/me/card")
    numbers = [await shows_theirs()]

    # The next one logs in by phone without the first having left.
    await page.goto(f"{site}/login?next=/me/card")
    await log_in(page, says["phones"][1])
    numbers.append(await shows_theirs())

    # Another by WeChat, when the session had run out unseen.
    third = await visit(language=language)
    await third.goto(f"{site}/login?next=/me")
    await third.get_by_role("button", name=says["go"]).click()
    await agree(third, account, says)
    await third.wait_for_url(re.compile(r"/login\?.*wechat=1"))
    await log_in(third, says["phones"][2])
    await third.wait_for_url(re.compile("/me$"))
    await page.goto("about:blank")
    await page.context.clear_cookies()
    await page.goto(f"{site}/login?next=/me/card")
    await page.get_by_role("button", name=says["go"]).click()
    await agree(page, account, says)
    numbers.append(await shows_theirs())
    assert len(set(numbers)) == 3

    # The session is over: the page says so, and neither shows nor keeps a card.
    await page.context.clear_cookies()
    await page.reload()
    again = page.locator("main").get_by_role("link", name=says["visitor"], exact=True)
    await expect(again).to_be_visible()
    await expect(page.locator(".member")).to_have_count(0)
    assert await page.evaluate(DIGITS) is None
    await again.click()
    await page.wait_for_url(re.compile("/login.next=/me/card$"))


async def test_the_manifests_say_what_is_installed(site: str, visit: Visit) -> None:
    page = await visit()
    await page.goto(f"{site}/")
    shop = await (await page.request.get(f"{site}/manifest.webmanifest")).json()
    card = await (await page.request.get(f"{site}/card.webmanifest")).json()
    assert (shop["id"], shop["scope"], shop["display"]) == ("/", "/", "standalone")
    assert [one["url"] for one in shop["shortcuts"]] == ["/me/card", "/scan"]
    assert (card["id"], card["start_url"], card["scope"]) == ("/me/card", "/me/card", "/")
    for manifest in (shop, card):
        assert {(one["sizes"], one.get("purpose", "any")) for one in manifest["icons"]} >= {
            ("192x192", "any"), ("512x512", "any"), ("512x512", "maskable"),
        }  # fmt: skip
        for icon in manifest["icons"]:
            answer = await page.request.get(f"{site}{icon['src']}")
            assert answer.headers["content-type"] == icon["type"]
            if icon["type"] == "image/png":
                size = await page.evaluate(
                    "async (src) => { const one = new Image(); one.src = src; await one.decode(); return `${one.naturalWidth}x${one.naturalHeight}` }",
                    icon["src"],
                )
                assert size == icon["sizes"]
    touch = await page.locator("link[rel=apple-touch-icon]").get_attribute("href")
    assert (await page.request.get(f"{site}{touch}")).headers["content-type"] == "image/png"
    # The browser itself finds nothing wrong with it.
    session = await page.context.new_cdp_session(page)
    found = await session.send("Page.getAppManifest")
    assert found["errors"] == []
