"""The whole story through the real pages: a member buys, a clerk hands over, headquarters sees it happen."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import segno
from playwright.async_api import Page, Playwright, expect

from tests.browser import stage
from tests.browser.faces import CHROMIUM, CHROMIUM_ARGS, settled, staff_log_in, staff_session, window

pytestmark = pytest.mark.browser

Visit = Callable[..., Awaitable[Page]]
SHOP = "SH001"
NEXT_SHOP = "SH002"  # of the same company
CLERKS = ("clerk01", "clerk02", "clerk03", "dc01")
HAN = re.compile(r"[\u3400-\u9fff]")


async def in_stock(page: Page, base: str) -> dict[str, Any]:
    """An article that the shop has some of, whichever kind is chosen."""
    answer = await page.request.get(f"{base}/api/mall/search?store={SHOP}&limit=50")
    for item in (await answer.json())["items"]:
        if (item["store_available"] or 0) > 2:
            found = await (await page.request.get(f"{base}/api/mall/products/{item['code']}?store={SHOP}")).json()
            if all(one["store_available"] > 0 and one["online_available"] > 0 for one in found["live"]):
                return item
    raise AssertionError(f"{SHOP} has nothing")


async def put_in_cart(page: Page, line: str) -> None:
    """Presses the button of this line; an article of several kinds asks which one first."""
    await page.get_by_role("button", name=line).last.click()
    kinds = page.get_by_role("dialog").get_by_role("button", name=line, exact=True)
    added = page.get_by_text(f"已放进购物车,{line}")
    await expect(kinds.or_(added).first).to_be_visible()
    if await kinds.is_visible():
        await kinds.click()
    await expect(added.first).to_be_visible()


async def clerk_of(visit: Visit, base: str, code: str) -> Page:
    """A clerk of this shop, logged in, with the queue open and news arriving."""
    for login in CLERKS:
        page = await visit()
        await staff_log_in(page, base, "clerk", login)
        me = await (await page.request.get(f"{base}/api/staff/me")).json()
        if [store["code"] for store in me["stores"]] == [code]:
            await expect(page.locator(".state i.up")).to_be_visible()
            return page
        await page.context.close()
    raise AssertionError(f"no demo clerk works at {code}")


async def pay(page: Page) -> str:
    """From the provider's page back to the order; its id."""
    await page.wait_for_url("**/sandbox/pay/**")
    await page.get_by_role("button", name="支付").first.click()
    await page.wait_for_url("**/orders/**")
    return page.url.split("/orders/")[1].split("?")[0]


async def order_of(page: Page, base: str, order_id: str) -> dict[str, Any]:
    """The order as its buyer reads it."""
    return await (await page.request.get(f"{base}/api/mall/orders/{order_id}")).json()


async def test_a_member_buys_a_clerk_hands_over_and_headquarters_sees_it(site: str, visit: Visit) -> None:
    member = await visit()
    await member.goto(f"{site}/s/{SHOP}")
    await member.get_by_role("button", name="设为我的门店").click()
    await expect(member.get_by_text("已切换到").first).to_be_visible()
    article = await in_stock(member, site)
    await member.goto(f"{site}/p/{article['code']}")
    await put_in_cart(member, "到店取")

    clerk = await clerk_of(visit, site, SHOP)
    head = await visit(width="desk")
    await staff_log_in(head, site, "console", "hq")
    await head.goto(f"{site}/console/orders")
    await expect(head.locator("tbody tr").first).to_be_visible()

    await member.goto(f"{site}/cart")
    await member.locator("a[href='/checkout']:visible").click()
    await member.locator("#c-name").fill("王芳")
    await member.locator("#c-phone").fill("13900000001")
    await member.locator(".bottom-bar button:visible").last.click()
    order_id = await pay(member)
    await expect(member.get_by_text("已付款").first).to_be_visible()
    order = await order_of(member, site, order_id)
    order_no = order["order_no"]

    # Nobody reloaded these two pages.
    card = clerk.locator(f"article.work[data-id='{order['fulfilments'][0]['id']}']")
    news = clerk.get_by_role("button", name=re.compile("张新单"))
    await expect(card.or_(news).first).to_be_visible()
    if not await card.is_visible():
        await news.click()
    await expect(head.locator("button.news")).to_be_visible()
    await head.locator("button.news").click()
    row = head.locator("tbody tr", has_text=order_no)
    await expect(row).to_be_visible()

    await card.get_by_role("link", name="王芳").click()
    await clerk.get_by_role("checkbox").first.wait_for()
    for line in await clerk.get_by_role("checkbox").all():
        await line.click()
    await clerk.get_by_role("button", name="备好了,通知顾客").click()
    await clerk.wait_for_url("**/clerk/queue*")

    short = member.locator(".pickup .short").first
    await expect(short).to_have_text(re.compile(r"\d{4} \d{4}"))
    await expect(member.locator(".pickup img").first).to_be_visible()
    digits = re.sub(r"\D", "", await short.inner_text())

    await clerk.get_by_role("button", name="扫一扫").click()
    # There is no camera here: the page says so and opens the field for typing by itself.
    await clerk.locator("#typed-code").fill(digits)
    await clerk.get_by_role("button", name="查", exact=True).click()
    await clerk.wait_for_url("**/hand-over")
    await clerk.get_by_role("checkbox").first.wait_for()
    for goods in await clerk.get_by_role("checkbox").all():
        await goods.click()
    await clerk.get_by_role("button", name="确认交付").click()
    finished = clerk.locator("dialog.finished")
    await expect(finished).to_contain_text("已交付")
    await expect(finished).to_have_css("background-color", "rgb(36, 105, 63)")

    await expect(member.get_by_text("这一单已完成")).to_be_visible()
    await row.get_by_role("link").first.click()
    await expect(head.locator("section.next")).to_contain_text("已完成")
    story = head.locator("main")
    for happened in ("顾客下单", "收到付款", "已备好", "交付给顾客"):
        await expect(story.get_by_text(re.compile(happened)).first).to_be_visible()


async def test_a_delivery_is_packed_and_sent_and_the_member_sees_it_on_the_way(site: str, visit: Visit) -> None:
    member = await visit()
    article = await in_stock(member, site)
    await member.goto(f"{site}/p/{article['code']}")
    await put_in_cart(member, "送到家")
    await member.goto(f"{site}/checkout")
    await member.get_by_role("button", name="添加收货地址").click()
    await member.locator("#a-name").fill("李敏")
    await member.locator("#a-phone").fill("13900000002")
    for level in ("省份", "城市", "区县"):
        await member.get_by_role("combobox", name=level).select_option(index=1)
    await member.locator("#a-line").fill("人民路 8 号 3 栋 502")
    await member.get_by_role("button", name="保存", exact=True).click()
    await expect(member.get_by_role("button", name=re.compile("李敏"))).to_be_visible()
    await member.locator(".bottom-bar button:visible").last.click()
    order_id = await pay(member)
    await expect(member.get_by_text("已付款").first).to_be_visible()
    order = await order_of(member, site, order_id)
    location = order["fulfilments"][0]["store"]["code"]

    sender = await sender_of(visit, site, location)
    await sender.goto(f"{site}/clerk/queue/{order['fulfilments'][0]['id']}")
    await sender.get_by_role("button", name=re.compile("点此全部勾选")).click()
    await sender.get_by_role("button", name="打包好了").click()
    await sender.locator("#tracking").fill("SF1234567890")
    await sender.get_by_role("button", name="交给快递了").click()
    await expect(sender.get_by_text("已发货").first).to_be_visible()

    await expect(member.get_by_text("包裹在路上").first).to_be_visible()
    await expect(member.get_by_text("SF1234567890").first).to_be_visible()


async def bought(playwright: Playwright, base: str, phone: str, *, at: str | None) -> tuple[stage.Person, Any]:
    """A member and a paid order of theirs for one article, to be collected or delivered."""
    buyer = await stage.member(playwright, base, phone)
    (sku,) = await stage.in_stock(buyer, at=SHOP, limit=1)
    return buyer, await stage.order(buyer, [stage.line(sku, at=at)], name="李敏")


async def give_back(clerk: Page, base: str, job: str, *, note: str) -> None:
    """Looks for the article, does not find it, and says so."""
    await clerk.goto(f"{base}/clerk/queue/{job}")
    await clerk.get_by_role("button", name="缺货或有问题").first.click()
    sheet = clerk.locator("dialog[open]")
    await expect(sheet.get_by_role("button", name="先选原因")).to_be_disabled()
    await sheet.get_by_role("radio", name="找不到").click()
    await sheet.locator("#reject-note").fill(note)
    await sheet.get_by_role("button", name="退回 1 件").click()


async def test_what_cannot_be_found_is_refunded_when_the_member_says_so(
    site: str, visit: Visit, playwright: Playwright
) -> None:
    """The pickup was promised at the member's own shop, so the member is asked; headquarters sees who, why and what."""
    buyer, order = await bought(playwright, site, "19900000011", at=SHOP)
    member = await visit(storage_state=await buyer.cookies(**{"duoline.known": True}))
    await member.goto(f"{site}/orders/{order['id']}")
    await expect(member.get_by_text("正在备货").first).to_be_visible()

    at_shop = await stage.clerk_at(playwright, site, SHOP)
    clerk = await visit(storage_state=await at_shop.cookies())
    await give_back(clerk, site, order["fulfilments"][0]["id"], note="货架和仓库都找过")
    await expect(clerk.locator("dialog[open]")).to_contain_text("已请顾客选择")
    await clerk.get_by_role("button", name="知道了").click()

    await expect(member.get_by_text("有商品备不到,请您决定")).to_be_visible()  # nobody reloaded the page
    await member.get_by_role("button", name="退款", exact=True).click()
    await member.get_by_role("dialog").get_by_role("button", name="退款", exact=True).click()
    await expect(member.get_by_text("这一单已取消")).to_be_visible()
    await expect(member.get_by_text("已退款").first).to_be_visible()

    head = await visit(width="desk", storage_state=await (await stage.staff(playwright, site, "hq")).cookies())
    await head.goto(f"{site}/console/orders/{order['id']}")
    story = head.locator("main")
    for happened in ("拒单", "找不到", "货架和仓库都找过", "请顾客选择退款或换店", "选择退款"):
        await expect(story.get_by_text(re.compile(happened)).first).to_be_visible()


async def test_what_cannot_be_found_is_collected_at_another_shop(
    site: str, visit: Visit, playwright: Playwright
) -> None:
    buyer, order = await bought(playwright, site, "19900000012", at=SHOP)
    at_shop = await stage.clerk_at(playwright, site, SHOP)
    await stage.reject(at_shop, order, reason="damaged")
    member = await visit(storage_state=await buyer.cookies(**{"duoline.known": True}))
    await member.goto(f"{site}/orders/{order['id']}")
    await member.get_by_role("button", name="换一家店取").click()
    other = member.locator("dialog[open] li button:not(:disabled)", has_not_text="当前门店").first
    name = await other.locator(".strong").first.inner_text()
    await other.click()
    await expect(member.get_by_text(re.compile(f"{name}(正在备货|开门后就备货)"))).to_be_visible()
    now = await order_of(member, site, order["id"])
    assert [job["state"] for job in now["fulfilments"] if job["lines"]] == ["to_pick"]


async def test_a_delivery_that_cannot_be_served_is_sent_from_elsewhere(
    site: str, visit: Visit, playwright: Playwright
) -> None:
    """Nobody has to be asked: the parcel comes from the next best place, and headquarters sees both decisions."""
    buyer, order = await bought(playwright, site, "19900000013", at=None)
    first = order["fulfilments"][0]
    sender = await sender_of(visit, site, first["store"]["code"])
    await give_back(sender, site, first["id"], note="")
    await expect(sender.locator("dialog[open]")).to_contain_text("改由")

    member = await visit(storage_state=await buyer.cookies(**{"duoline.known": True}))
    await member.goto(f"{site}/orders/{order['id']}")
    await expect(member.get_by_text(re.compile("^已换到.+备货$"))).to_be_visible()
    head = await visit(width="desk", storage_state=await (await stage.staff(playwright, site, "hq")).cookies())
    await head.goto(f"{site}/console/orders/{order['id']}")
    await expect(head.get_by_text(re.compile("^改派给")).first).to_be_visible()
    await expect(head.get_by_text("能一次配齐").first).to_be_visible()
    await head.locator("details.before > summary").click()
    await expect(head.locator("details.before tr.chosen").first).to_contain_text(first["store"]["name"]["zh"])


def film(code: str, path: Path) -> None:
    """A video of a code held before a camera, as Chromium's false camera plays it: grey, two frames a second."""
    wide, high, dot = 640, 480, 10
    square = [list(row) for row in segno.make(code, error="m").matrix_iter(scale=dot, border=3)]
    left, top = (wide - len(square[0])) // 2, (high - len(square)) // 2
    light = bytearray(b"\xd0" * (wide * high))
    for y, row in enumerate(square):
        at = (top + y) * wide + left
        light[at : at + len(row)] = bytes(16 if dark else 235 for dark in row)
    colour = b"\x80" * (wide * high // 2)
    frame = b"FRAME\n" + bytes(light) + colour
    path.write_bytes(f"YUV4MPEG2 W{wide} H{high} F2:1 Ip A1:1 C420jpeg\n".encode() + frame * 4)


async def test_the_camera_reads_the_members_code(site: str, playwright: Playwright, tmp_path: Path) -> None:
    buyer, order = await bought(playwright, site, "19900000014", at=SHOP)
    at_shop = await stage.clerk_at(playwright, site, SHOP)
    job = order["fulfilments"][0]["id"]
    await stage.ready(at_shop, job)
    film((await buyer.get(f"mall/orders/{order['id']}/pickup-code"))["qr"], tmp_path / "code.y4m")
    camera = ["--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream",
              f"--use-file-for-fake-video-capture={tmp_path / 'code.y4m'}"]  # fmt: skip
    browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=[*CHROMIUM_ARGS, *camera])
    try:
        context = await window(
            browser, width="phone", language="zh", storage_state=await at_shop.cookies(), permissions=["camera"]
        )
        clerk = await context.new_page()
        await clerk.goto(f"{site}/clerk/scan")
        await clerk.wait_for_url(f"**/{job}/hand-over")
        await clerk.get_by_role("checkbox").first.wait_for()
        for goods in await clerk.get_by_role("checkbox").all():
            await goods.click()
        await clerk.get_by_role("button", name="确认交付").click()
        await expect(clerk.locator("dialog.finished")).to_contain_text("已交付")
    finally:
        await browser.close()


async def sender_of(visit: Visit, base: str, location: str) -> Page:
    """Whoever may fulfil at this location, which may be the distribution centre, in the clerk's face."""
    page = await visit()
    for login in CLERKS:
        me = await staff_session(page, base, login)
        if location in [store["code"] for store in me["stores"]]:
            break
    else:
        raise AssertionError(f"nobody of the demo may send from {location}")
    await page.goto(f"{base}/clerk/")
    await page.evaluate("code => localStorage.setItem('duoline.clerk.store', JSON.stringify(code))", location)
    return page


@pytest.mark.parametrize("face", ["mall", "clerk", "console"])
async def test_a_reader_switches_to_english(site: str, visit: Visit, on_stage: stage.Stage, face: str) -> None:
    page = await visit(width="desk" if face == "console" else "phone")
    if face == "mall":
        await page.goto(f"{site}/me")
        await page.get_by_role("button", name="English").first.click()
        await expect(page.locator("html")).to_have_attribute("lang", "en")
        await page.goto(f"{site}/")
    else:
        await page.goto(f"{site}/{face}/")
        await page.get_by_role("button", name="English").click()
        await expect(page.locator("html")).to_have_attribute("lang", "en")
        await staff_log_in(page, site, face, "hq" if face == "console" else "clerk01")
    await expect(page.locator("html")).to_have_attribute("lang", "en")
    await expect(page.locator("nav").first).to_be_visible()
    await page.wait_for_timeout(800)
    words = await page.evaluate("document.body.innerText + document.title")
    for name in sorted(on_stage.names, key=len, reverse=True):  # what people typed is written as it is
        words = words.replace(name, "").replace(f"\n{name[0]}\n", "\n").replace(f"\n{name[-1]}\n", "\n")
    assert sorted({line for line in words.splitlines() if HAN.search(line) and line != "中文"}) == []


async def test_a_browser_that_asks_for_english_gets_it(site: str, visit: Visit) -> None:
    page = await visit(language="en")
    await page.goto(f"{site}/stores")
    await expect(page.locator("html")).to_have_attribute("lang", "en")


async def test_a_unit_is_called_from_another_shop_and_received(site: str, visit: Visit) -> None:
    """Asked for on the article's page; the other shop hears of it, picks and sends; the box is opened here."""
    here, there = await clerk_of(visit, site, SHOP), await clerk_of(visit, site, NEXT_SHOP)
    stock = await (await here.request.get(f"{site}/api/clerk/stock?store={SHOP}&limit=100")).json()
    item, units = next(
        (item, one)
        for item in stock["items"]
        for one in item["elsewhere"]
        if one["store"]["code"] == NEXT_SHOP and one["sendable"] > 1
    )
    names = item["name"]["zh"], units["store"]["name"]["zh"]

    await there.goto(f"{site}/clerk/transfers?tab=out")
    await expect(there.get_by_role("tab", name="调出")).to_have_attribute("aria-selected", "true")
    await settled(there)
    before = await there.locator("a.card").count()
    await here.goto(f"{site}/clerk/stock/{item['sku_id']}")
    await here.get_by_role("button", name=f"从 {names[1]} 调来").click()
    await here.get_by_role("dialog").get_by_role("button", name="请调 1 件").click()
    await expect(here.get_by_text("1 件已为本店留好")).to_be_visible()

    # It appears there by itself, without a reload.
    await expect(there.locator("a.card")).to_have_count(before + 1)
    await there.locator("a.card").first.click()
    await there.get_by_role("checkbox", name=re.compile(names[0])).click()
    await there.get_by_role("button", name="发出 1 件").click()
    await expect(there.get_by_text("已发出 1 件")).to_be_visible()

    await here.goto(f"{site}/clerk/stock/{item['sku_id']}")
    await expect(here.get_by_text(re.compile("另有 1 件在途"))).to_be_visible()
    await here.get_by_text(re.compile("另有 1 件在途")).click()
    await here.locator("a.card").filter(has_text=names[1]).first.click()
    await here.get_by_role("button", name="全部完好(1 件)").click()
    await here.get_by_role("button", name="收货 1 件").click()
    await expect(here.get_by_text("已收货", exact=True)).to_be_visible()
    after = await (await here.request.get(f"{site}/api/clerk/stock?store={SHOP}&sku={item['sku_id']}")).json()
    assert after["items"][0]["here"]["on_hand"] == item["here"]["on_hand"] + 1
    assert after["items"][0]["here"]["on_the_way"] == 0
