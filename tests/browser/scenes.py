"""Every page of the faces, and the states of it that look different: what the pictures show and the tests look at."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote
from uuid import UUID

from tests.browser.stage import SHOP

if TYPE_CHECKING:
    from playwright.async_api import Page, Route

    from tests.browser.stage import Stage

Act = Callable[["Page"], Awaitable[object]]


class Scene(NamedTuple):
    """A page as somebody sees it; `act` opens what is not there at once."""

    name: str
    path: str
    who: str
    act: Act | None = None
    only: str | None = None
    """The width at which there is such a state; None for both."""


def press(*names: str, nth: int = 0) -> Act:
    """Presses the button that has one of these names, in whichever language, and waits for what opens."""
    pattern = re.compile("|".join(names))

    async def act(page: Page) -> None:
        await page.get_by_role("button", name=pattern).locator("visible=true").nth(nth).click()
        await page.locator("dialog[open]").first.wait_for()

    return act


async def try_in_regions(page: Page) -> None:
    """Change a term, and open the sheet that asks where to try it."""
    await page.get_by_label(re.compile("最多包裹数|Parcels at most")).fill("3")
    await press("分区试行|Try in regions")(page)


def click(selector: str, then: str) -> Act:
    """Presses the first visible thing of this kind, and waits for another."""

    async def act(page: Page) -> None:
        await page.locator(selector).locator("visible=true").first.click()
        await page.locator(then).locator("visible=true").first.wait_for()

    return act


def shows(what: str) -> Act:
    """Waits for what comes by itself."""

    async def act(page: Page) -> None:
        await page.locator(what).first.wait_for()

    return act


def keys(pressed: str, then: str) -> Act:
    """Presses a key, and waits for what it opens."""

    async def act(page: Page) -> None:
        await page.keyboard.press(pressed)
        await page.locator(then).first.wait_for()

    return act


def write(selector: str, text: str, then: str) -> Act:
    """Types into a field, and waits for what it finds."""

    async def act(page: Page) -> None:
        await page.locator(selector).locator("visible=true").first.fill(text)
        await page.locator(then).locator("visible=true").first.wait_for()

    return act


async def make_codes(page: Page) -> None:
    """A few codes, which are told once."""
    await press("^生成券码$|^Make codes$")(page)
    asked = page.locator("dialog[open]")
    await asked.get_by_label(re.compile("^生成几个$|^How many$")).fill("3")
    await asked.get_by_label(re.compile("^原因$|^Reason$|^Why$")).fill("-")
    await asked.get_by_role("button", name=re.compile("^生成$|^Make them$")).click()
    await page.locator("section.told code").first.wait_for()


async def open_place(page: Page) -> None:
    """A QR for a place, which is told once."""
    await page.locator("label.way:has([value=touchpoint])").click()
    await page.get_by_label(re.compile("^放在哪里$|^Where it is$")).fill("静安店收银台")
    await page.get_by_label(re.compile("^原因$|^Reason$|^Why$")).fill("-")
    await page.locator("button[type=submit]").click()
    await page.locator("section.told img").wait_for()


async def decide(page: Page) -> None:
    """The dispute that waits."""
    await page.locator("button.row-link").locator("visible=true").first.click()
    await page.locator("dialog[open]").wait_for()


async def show_figures(page: Page) -> None:
    """The table behind the chart."""
    await page.get_by_role("button", name=re.compile("^看数字$|^Figures$")).first.click()
    await page.locator("th[scope=colgroup]").first.wait_for()


async def show_stale(page: Page) -> None:
    """Units kept for too long, which no day of the stage is long enough for."""
    at = "2026-11-01T04:00:00Z"
    article = {"sku_id": str(UUID(int=1)), "sku_code": "K-1", "product_code": "K", "gtin": None, "image": None,
               "name": {"zh": "婴儿棉柔巾", "en": "Cotton tissues"}, "units": 2,
               "options": [{"name": {"zh": "规格", "en": "Size"}, "value": {"zh": "六包", "en": "Six packs"}}]}  # fmt: skip
    hold = {"kind": "stale_hold", "store_code": SHOP, "store_name": {"zh": "静安店", "en": "Jing'an"}, "at": at, "since": None,
            "units": 2, "out_of": None, "articles": [article], "articles_total": 1, "hold_id": str(UUID(int=2)),
            "ref_kind": "order", "ref_id": str(UUID(int=3)), "ref_no": "261101-7QK2", "ends_at": None, "past_end": False}  # fmt: skip
    late = {
        "hold_id": str(UUID(int=4)),
        "ref_kind": "clerk",
        "ref_id": None,
        "ref_no": None,
        "ends_at": at,
        "past_end": True,
    }
    answer = {
        "items": [hold, hold | late],
        "next": "x",
        "total": 9,
        "counts": {"missing": 3, "stale_hold": 9, "rejects": 0},
    }
    await page.route("**/stock/alerts?*kind=stale_hold*", lambda route: route.fulfill(json=answer))
    await page.get_by_role("button", name=re.compile("^久占|^Stale")).click()
    await page.locator("#alerts li .article").first.wait_for()


def closing(state: str) -> Act:
    """A month that is being closed, or was not closed whole: the stage's own month is closed in a moment."""
    at = "2026-12-01T06:00:00Z"
    run = {"id": str(UUID(int=5)), "month": "2026-10", "state": state, "payees_total": 1301, "payees_done": 412,
           "payees_failed": 0, "shares_total": 400_000, "shares_done": 151_200, "by": "hq", "at": at, "started_at": at,
           "finished_at": None, "problem": None}  # fmt: skip
    why = {
        "zh": "1 个收款方没能关账,原因已写进服务器日志;其余都已完成。处理后再关一次账,只会补上缺的。",
        "en": "1 payee could not be closed; the server's log says why. All others are done. Close the month again"
        " afterwards: it only adds what is missing.",
    }

    async def act(page: Page) -> None:
        language = (await page.evaluate("document.documentElement.lang"))[:2]
        ended = {"finished_at": "2099-01-01T00:00:00Z", "payees_failed": 1, "problem": why[language]}
        shown = run | (ended if state == "failed" else {})
        await page.route(
            re.compile(r"/settlement-closings\?"), lambda route: route.fulfill(json={"items": [shown], "next": None})
        )
        await page.route(re.compile(r"/settlement-closings/"), lambda route: route.fulfill(json=shown))
        await page.reload()
        await page.locator(f"section.closing.{state}").wait_for()

    return act


async def pick_all(page: Page) -> None:
    """Every statement that waits is ticked."""
    await page.locator(".many button").first.click()
    await page.locator(".many .btn-online:enabled").wait_for()


async def approve_many(page: Page) -> None:
    """How many are approved and how much that is, before it is done."""
    await pick_all(page)
    await page.locator(".many .btn-online").click()
    await page.locator("dialog[open]").wait_for()


async def approved_many(page: Page) -> None:
    """What became of each: approved, waiting for somebody else, refused."""

    async def answer(route: Route) -> None:
        says = {
            "zh": "收款方有异议,请先答复再审批。",
            "en": "The payee disputes this statement; answer before you approve it.",
        }
        one = {"amount": {"minor": 12345, "currency": "CNY"}, "code": None, "says": None}
        ends = ("approved", "waits", "refused")
        items = [
            one | {"id": each, "outcome": ends[n % 3]} | ({"says": says} if n % 3 == 2 else {})
            for n, each in enumerate(route.request.post_data_json["statements"])
        ]
        await route.fulfill(json={"items": items})

    await page.route("**/api/console/statement-approvals", answer)
    await approve_many(page)
    await page.locator("dialog[open] .btn-online").click()
    await page.locator("dialog[open] li.refused").first.wait_for()


async def put_aside(page: Page) -> None:
    """Events that could not be digested, of which no day of the stage makes any."""
    at = "2026-11-30T06:00:00Z"
    one = {"id": str(UUID(int=6)), "consumer": "settlement", "topic": "orders.sold", "about": str(UUID(int=7)), "asked": False,
           "problem": "KeyError: 'order_id'", "at": at, "tries": 5, "member_id": None,
           "order": {"id": str(UUID(int=7)), "order_no": "261130-7QK2"}}  # fmt: skip
    other = {"id": str(UUID(int=8)), "topic": "members.merged", "order": None, "member_id": str(UUID(int=9))}
    third = {"id": str(UUID(int=10)), "consumer": "points", "order": None, "tries": 6}
    await page.route(
        re.compile(r"/events-aside\?"),
        lambda route: route.fulfill(
            json={
                "items": [one, one | other | {"problem": "Fault: CUR-1"}, one | third | {"asked": True}],
                "next": None,
                "total": 3,
            }
        ),
    )
    await page.reload()
    await page.locator(".many").wait_for()


async def read_aside(page: Page) -> None:
    """One of them, with why in the program's words."""
    await put_aside(page)
    await page.locator("button.row-link").first.click()
    await page.locator("dialog[open] .said").wait_for()


async def tell_many(page: Page) -> None:
    """All that wait, before they are told again."""
    await put_aside(page)
    await pick_all(page)
    await page.locator(".many .btn-online").click()
    await page.locator("dialog[open] #tell-again").wait_for()


async def telling_many(page: Page) -> None:
    """They are told, one after the other: the first is, the second is not answered yet."""
    await tell_many(page)
    asked = 0

    async def answer(route: Route) -> None:
        nonlocal asked
        asked += 1
        if asked == 1:
            await route.fulfill(status=204)

    await page.route("**/telling", answer)
    await page.locator("dialog[open] input").fill("1.2")
    await page.locator("dialog[open] [type=submit]").click()
    await page.locator("dialog[open] [role=progressbar][aria-valuenow='1'][aria-valuemax='2']").wait_for()


async def judging(page: Page) -> None:
    """Everybody is judged by new rules of tiers, which on the stage takes no time."""
    at = "2026-11-30T06:00:00Z"
    run = {"version": 3, "state": "running", "active_from": at, "members": 120_000, "judged": 45_000, "up": 1200, "down": 300,
           "moved": 0, "kept": 43_498, "failed": 2, "started_at": at, "finished_at": None}  # fmt: skip
    await page.route(re.compile(r"/tier-runs"), lambda route: route.fulfill(json={"items": [run], "next": None}))
    await page.reload()
    bar = page.locator("section.run [role=progressbar][aria-valuenow='38'][aria-valuemax='100']")
    await bar.scroll_into_view_if_needed()


async def told_many(page: Page) -> None:
    """What became of them: one failed again, one is heard."""
    await tell_many(page)
    await page.route("**/telling", lambda route: route.fulfill(status=204))
    still = {"id": str(UUID(int=8)), "consumer": "settlement", "topic": "members.merged", "about": "1", "asked": False,
             "problem": "Fault: CUR-1", "at": "2026-11-30T06:00:00Z", "tries": 6, "member_id": None, "order": None}  # fmt: skip
    await page.route(
        re.compile(r"/events-aside\?event="), lambda route: route.fulfill(json={"items": [still], "next": None})
    )
    await page.locator("dialog[open] input").fill("1.2")
    await page.locator("dialog[open] [type=submit]").click()
    await page.locator("dialog[open] li.failed").wait_for()


async def try_terms(page: Page) -> None:
    """A company's terms are changed, and the month is tried out with them."""
    await page.locator("details").nth(2).locator("summary").click()
    await page.locator("details").nth(2).locator(".one button").first.click()
    await page.locator("form button[type=submit]").click()
    await page.locator(".tiles").wait_for()


async def show_days(page: Page) -> None:
    """The table behind a chart of days."""
    await page.get_by_role("button", name=re.compile("^看数字$|^Figures$|^数字$")).first.click()
    await page.locator("table.plain th[scope=row]").first.wait_for()


async def be_reminded(page: Page) -> None:
    """The order as it is a day before its time runs out: the stage knows today only, so the answer is told so."""

    async def answer(route: Route) -> None:
        got = await route.fetch()
        told = await got.json()
        for job in told.get("fulfilments", []):
            job["reminded_at"] = job["ready_at"]
        await route.fulfill(response=got, json=told)

    await page.route(re.compile("/api/mall/orders/[0-9a-f-]{36}$"), answer)
    await page.reload()
    await page.locator(".soon").wait_for()


async def choose_place(page: Page) -> None:
    """Somebody says by hand where units that wait come from."""
    await press("^处理$|^Look after it$")(page)
    await page.locator("dialog[open] input[value=at]").check()
    await page.locator("dialog[open] input[name=place]").first.wait_for()


async def tick_all(page: Page) -> None:
    """The clerk has all of it in hand."""
    for box in await page.get_by_role("checkbox").all():
        await box.click()


async def count_pieces(page: Page) -> None:
    """The drawer's cash by notes and coins."""
    await press("^盘点并关闭$|^Count and close$")(page)
    await page.get_by_role("button", name=re.compile("^按面额数$|^Count notes and coins$")).click()
    await page.locator("#drawer-sum-10000").fill("3")
    await page.locator("#drawer-sum-50").fill("5")


async def send_home(page: Page) -> None:
    """Makes an order of the article, with the place that is proposed."""
    await page.locator(".dock .btn-shop").click()
    await page.locator(".quote .when b").wait_for()
    await page.locator(".area select").first.wait_for()


async def send_home_wrong(page: Page) -> None:
    """Orders before anybody has said who receives it."""
    await send_home(page)
    await page.locator(".dock .btn-shop:not(:disabled)").click()
    await page.locator(".field-error").first.wait_for()


async def refuse_coupon(page: Page) -> None:
    """Somebody types a code that does not exist."""
    await page.locator("#coupon-code").fill("NOTHING")
    await page.keyboard.press("Enter")
    await page.locator(".field-error").wait_for()


def paper_coupon(code: str, then: str = "li.counts") -> Act:
    """The clerk types the code of a coupon on paper."""

    async def act(page: Page) -> None:
        await page.locator("#paper-coupon").fill(code)
        await page.keyboard.press("Enter")
        await page.locator(then).first.wait_for()

    return act


def open_preorder(code: str) -> Act:
    """The clerk types the code of a pre-order."""

    async def act(page: Page) -> None:
        await page.locator("#preorder-code").press_sequentially(code.replace(" ", ""))
        await page.keyboard.press("Enter")
        await page.locator(".dock .btn-shop").first.wait_for()

    return act


async def bring_back(page: Page) -> None:
    """The customer says why, and one piece lies on the counter."""
    await page.locator(".reason").nth(1).click()
    await page.locator(".d-stepper button").nth(1).click()
    await page.locator(".dock .btn-shop:not(:disabled)").wait_for()


async def ask_to_bring_back(page: Page) -> None:
    """The clerk is asked before anything is done."""
    await bring_back(page)
    await page.locator(".dock .btn-shop").click()
    await page.locator("dialog[open]").first.wait_for()


def mall(stage: Stage) -> list[Scene]:
    """The member's shop."""
    ids = stage.ids
    product, one_kind = f"/p/{ids['product']}", f"/p/{ids['one_kind']}"
    return [
        Scene("home-new", "/", "visitor"),
        Scene("home", "/", "member"),
        Scene("home-shops", "/", "member", click(".where, .side .btn-text", "dialog[open]")),
        Scene("categories", "/categories", "member"),
        Scene("search", "/search?ready=1", "member"),
        Scene("search-words", "/search?q=Heyu", "visitor"),
        Scene("search-suggest", "/search?focus=1", "member", write("input[type=search]", "heyu", "[role=option]")),
        Scene("search-mean", "/search?q=Twetle", "member"),
        Scene("search-none", "/search?q=zzzzzz", "member"),
        Scene("product", product, "member"),
        Scene("product-one", one_kind, "visitor"),
        Scene("product-choose", product, "member", click("button.chosen", "dialog[open]"), only="phone"),
        Scene("product-scanned", f"{one_kind}?store={SHOP}&scan=1", "member"),
        Scene("product-scanned-visitor", f"{one_kind}?store={SHOP}&scan=1", "nobody"),
        Scene("product-kept", f"/p/{ids['kept']}?store={SHOP}&scan=1&sku={ids['kept_sku']}", "member"),
        Scene("product-shops", product, "member", press("全部门店|All shops")),
        Scene("product-brought", f"/p/{ids['lacking']}?sku={ids['lacking_sku']}", "member"),
        Scene("scan", "/scan", "member", shows(".trouble")),
        Scene("scan-bag", f"/scan?add={quote(ids['label'])}&store={SHOP}", "member", shows(".lines .line")),
        Scene("order-in-shop", f"/orders/{ids['in_shop']}", "member"),
        Scene("cart", "/cart", "member"),
        Scene("cart-way", "/cart", "member", click(".way", "dialog[open] .way")),
        Scene("cart-empty", "/cart", "nobody"),
        Scene("checkout", "/checkout", "member"),
        Scene("checkout-kept", f"/checkout?sku={ids['kept_sku']}&n=1&by=delivery", "member"),
        Scene("checkout-brought", f"/checkout?sku={ids['lacking_sku']}&n=1&by=pickup&at={SHOP}", "member"),
        Scene("orders", "/orders", "member"),
        Scene("orders-none", "/orders", "nobody"),
        Scene("presale", f"/p/{ids['presold']}?sku={ids['presold_sku']}", "member"),
        Scene("presale-visitor", f"/p/{ids['presold']}?sku={ids['presold_sku']}", "nobody"),
        Scene("book", f"/book/{ids['presold']}/{ids['presale']}", "member"),
        Scene("order-booked", f"/orders/{ids['preorder']}", "member"),
        Scene("order-booked-cancel", f"/orders/{ids['preorder_open']}", "member", press("^取消订单$|^Cancel order$")),
        Scene("order-balance", f"/orders/{ids['preorder_open']}", "member"),
        Scene("balance", f"/orders/{ids['preorder_open']}/balance", "member"),
        Scene("order-unpaid", f"/orders/{ids['unpaid']}", "member"),
        Scene("order-preparing", f"/orders/{ids['preparing']}", "member"),
        Scene("order-cancel", f"/orders/{ids['preparing']}", "member", press("^取消订单$|^Cancel order$")),
        Scene("order-ready", f"/orders/{ids['ready']}", "member"),
        Scene("order-reminded", f"/orders/{ids['ready']}", "member", be_reminded),
        Scene("order-asked", f"/orders/{ids['asked']}", "member"),
        Scene("order-stuck", f"/orders/{ids['stuck']}", "member"),
        Scene("order-sent", f"/orders/{ids['sent']}", "member"),
        Scene("order-brought", f"/orders/{ids['bring']}", "member"),
        Scene("order-brought-sent", f"/orders/{ids['bring_sent']}", "member"),
        Scene("order-moved", f"/orders/{ids['moved']}", "member"),
        Scene("order-done", f"/orders/{ids['done']}", "member"),
        Scene("order-cancelled", f"/orders/{ids['cancelled']}", "member"),
        Scene("order-returned", f"/orders/{ids['returned']}", "member"),
        Scene("pay", f"/pay/{ids['unpaid']}", "member"),
        Scene("order-link", f"/o/{ids['link_unpaid']}", "nobody"),
        Scene("order-link-back", f"/o/{ids['link_unpaid']}?paid=1", "nobody", shows(".sweep")),
        Scene("order-link-paid", f"/o/{ids['link_paid']}", "nobody"),
        Scene("order-link-over", f"/o/{ids['link_over']}", "nobody"),
        Scene("order-link-gone", "/o/nothing.here", "nobody"),
        Scene("receipt", f"/r/{ids['receipt_link']}", "nobody"),
        Scene("receipt-gone", "/r/nothing.here", "nobody"),
        Scene("stores", "/stores", "member"),
        Scene("store", f"/s/{SHOP}", "member"),
        Scene("login", "/login", "nobody", shows(".last button")),
        Scene("login-linking", "/login?wechat=1", "nobody"),
        Scene("login-wechat", "/login/wechat", "nobody"),
        Scene("me", "/me", "member"),
        Scene("me-nobody", "/me", "nobody"),
        Scene("card", "/me/card", "member", shows(".code img")),
        Scene("card-visitor", "/me/card", "nobody"),
        Scene("wallet", "/wallet", "member", shows(".lines li")),
        Scene("wallet-visitor", "/wallet", "nobody"),
        Scene("favourites", "/me/favourites", "member"),
        Scene("favourites-none", "/me/favourites", "nobody"),
        Scene("favourite-give-up", "/me/favourites", "member", press("^不留了$|^Give it up$")),
        Scene("coupons", "/coupons", "member"),
        Scene("coupons-past", "/coupons?tab=past", "member"),
        Scene("coupons-centre", "/coupons?tab=centre", "member"),
        Scene("coupons-visitor", "/coupons", "nobody"),
        Scene("coupons-log-in", "/coupons?tab=usable", "nobody"),
        Scene("coupons-wrong", "/coupons", "member", refuse_coupon),
        Scene("coupon-got", f"/coupons/{ids['coupon_code']}", "member", shows("h1")),
        Scene("coupon-not", "/coupons/NOTHING", "member", shows("h1")),
        Scene("coupon-visitor", f"/coupons/{ids['coupon_code']}", "nobody", shows("h1")),
        Scene("order-discounted", f"/orders/{ids['discounted']}", "member"),
        Scene("guide-ask", f"/guide/{ids['guide_code']}", "nobody"),
        Scene("guide-same", f"/guide/{ids['guide_code']}", "member"),
        Scene("guide-kept", f"/guide/{ids['other_guide_code']}", "member"),
        Scene("guide-gone", "/guide/ZZZZZZZZ", "nobody", shows("h1")),
        Scene("guide-mine", "/me/guide", "member"),
        Scene("guide-leave", "/me/guide", "member", press("^解除导购$|^End it$")),
        Scene("guide-nobody", "/me/guide", "nobody"),
        Scene("shares", "/me/shares", "member"),
        Scene("shares-nobody", "/me/shares", "nobody"),
        Scene("privacy", "/me/privacy", "member", shows("[role=switch]")),
        Scene("privacy-leave", "/me/privacy", "member", press("^注销账号$|^Delete my account$")),
        Scene("earnings", "/me/earnings", "member"),
        Scene(
            "earnings-account",
            "/me/earnings",
            "member",
            press("^(登记收款账户|更换账户)$|^(Enter an|Change the) account$"),
        ),
        Scene("earnings-nobody", "/me/earnings", "nobody"),
        Scene("share", f"/p/{ids['share_product']}", "member", press("^分享 |^Share ")),
        Scene("shared", f"/p/{ids['share_product']}?t={ids['share_code']}", "nobody", shows(".shared")),
        Scene("outfit", f"/outfits/{ids['outfit']}", "nobody"),
        Scene("outfit-mine", f"/outfits/{ids['outfit']}", "member"),
        Scene("outfit-over", f"/outfits/{ids['outfit_over']}", "nobody"),
        Scene("outfit-new", "/me/outfits/new?from=cart", "member"),
        Scene("outfit-edit", f"/me/outfits/{ids['outfit']}", "member"),
        Scene("outfit-nobody", "/me/outfits/new", "nobody"),
        Scene("coupon-share", "/coupons?tab=centre", "member", press("^分享 |^Share ")),
        Scene("code-ended", f"/t/{ids['ended_code']}", "nobody"),
        Scene("addresses", "/me/addresses", "member"),
        Scene("address-new", "/me/addresses", "member", press("添加地址|Add an address")),
        Scene("missing", "/nowhere", "nobody"),
    ]


def clerk(stage: Stage) -> list[Scene]:
    """The clerk's phone."""
    ids, queue = stage.ids, "/clerk/queue"
    return [
        Scene("log-in", "/clerk/log-in", "nobody"),
        Scene("shops", "/clerk/shops", "hq"),
        Scene("queue", queue, "clerk"),
        Scene("queue-ready", f"{queue}?tab=ready", "clerk"),
        Scene("queue-incoming", f"{queue}?tab=incoming", "clerk"),
        Scene("queue-done", f"{queue}?tab=done", "clerk"),
        Scene("work", f"{queue}/{ids['job']}", "clerk"),
        Scene("reject", f"{queue}/{ids['job']}", "clerk", press("缺货或有问题|A problem")),
        Scene("queue-for-shop", queue, "packer"),
        Scene("work-for-shop", f"{queue}/{ids['bring_job']}", "packer"),
        Scene("work-ready", f"{queue}/{ids['ready_job']}", "clerk"),
        Scene("work-rejected", f"{queue}/{ids['asked_job']}", "clerk"),
        Scene("work-done", f"{queue}/{ids['done_job']}", "clerk"),
        Scene("ticked", f"{queue}/{ids['job']}", "clerk", tick_all),
        Scene("hand-over", f"{queue}/{ids['ready_job']}/hand-over", "clerk"),
        Scene("hand-over-owed", f"{queue}/{ids['owed_job']}/hand-over", "clerk"),
        Scene("my-code", "/clerk/my-code", "clerk"),
        Scene("my-code-large", "/clerk/my-code", "clerk", press("放大二维码|Show the code larger")),
        Scene("ask", "/clerk/my-code", "clerk", press("请顾客在手机上确认|Ask on the customer")),
        Scene("members", "/clerk/members", "clerk"),
        Scene("members-none", "/clerk/members", "packer"),
        Scene("member", "/clerk/members", "clerk", click("a.row", "main .facts")),
        Scene("member-card-none", "/clerk/member-card", "clerk"),
        Scene("member-dispute", "/clerk/members", "clerk", press("会员归属申诉|Dispute a member")),
        Scene("performance", "/clerk/performance", "clerk"),
        Scene("tasks", "/clerk/tasks", "clerk"),
        Scene("task", "/clerk/tasks", "clerk", click("button.row", "dialog[open] .piece .why")),
        Scene("outfits", "/clerk/outfits", "clerk"),
        Scene("outfits-none", "/clerk/outfits", "packer"),
        Scene("outfit-new", "/clerk/outfits/new", "clerk"),
        Scene("outfit-edit", f"/clerk/outfits/{ids['clerk_outfit']}", "clerk"),
        Scene("performance-none", "/clerk/performance", "packer"),
        Scene("earnings", "/clerk/earnings", "clerk"),
        Scene("earnings-none", "/clerk/earnings", "packer"),
        Scene(
            "earnings-account",
            "/clerk/earnings",
            "clerk",
            press("^(登记收款账户|更换账户)$|^(Enter an|Change the) account$"),
        ),
        Scene("article-share", f"/clerk/stock/{ids['sku']}", "clerk", press("^分享给顾客$|^Share$")),
        Scene("scan", "/clerk/scan", "clerk"),
        Scene("stock", "/clerk/stock", "clerk"),
        Scene("stock-found", "/clerk/stock?q=Heyu", "clerk"),
        Scene("article", f"/clerk/stock/{ids['sku']}", "clerk"),
        Scene("article-kept", f"/clerk/stock/{ids['kept_sku']}", "clerk"),
        Scene("article-lacking", f"/clerk/stock/{ids['lacking_sku']}", "clerk"),
        Scene("send-home-empty", "/clerk/send-home", "clerk"),
        Scene("send-home", f"/clerk/stock/{ids['lacking_sku']}", "clerk", send_home),
        Scene("send-home-wrong", f"/clerk/stock/{ids['lacking_sku']}", "clerk", send_home_wrong),
        Scene("home-sales", "/clerk/home-sales", "clerk"),
        Scene("home-sale", f"/clerk/home-sales/{ids['home_unpaid']}", "clerk"),
        Scene(
            "home-sale-cancel",
            f"/clerk/home-sales/{ids['home_unpaid']}",
            "clerk",
            press("^取消这一单$|^Cancel this order$"),
        ),
        Scene("home-sale-paid", f"/clerk/home-sales/{ids['home_paid']}", "clerk"),
        Scene("home-sale-over", f"/clerk/home-sales/{ids['home_over']}", "clerk"),
        Scene("counts", "/clerk/counts", "clerk"),
        Scene("count-start", "/clerk/counts", "clerk", press("^开始盘点$|^Start a count$")),
        Scene("count", f"/clerk/counts/{ids['count']}", "clerk"),
        Scene("count-end", f"/clerk/counts/{ids['count']}", "clerk", press("^结束盘点$|^Finish$")),
        Scene("count-done", f"/clerk/counts/{ids['counted']}", "clerk"),
        Scene("goods-in", "/clerk/goods-in", "clerk"),
        Scene("breakage", "/clerk/breakage", "clerk"),
        Scene("missing-units", "/clerk/missing", "clerk"),
        Scene("article-coming", f"/clerk/stock/{ids['coming_sku']}", "clerk"),
        Scene("call", f"/clerk/stock/{ids['coming_sku']}", "clerk", press("^从 .+ 调来$|^Call here from")),
        Scene("transfers", "/clerk/transfers", "clerk"),
        Scene("transfers-out", "/clerk/transfers?tab=out", "clerk"),
        Scene("transfers-done", "/clerk/transfers?tab=done", "clerk"),
        Scene("transfer-pick", f"/clerk/transfers/{ids['pick']}", "clerk"),
        Scene("transfer-picked", f"/clerk/transfers/{ids['pick']}", "clerk", tick_all),
        Scene("transfer-receive", f"/clerk/transfers/{ids['coming']}", "clerk"),
        Scene("transfer-for-order", f"/clerk/transfers/{ids['bring_coming']}", "clerk"),
        Scene("transfer-short", f"/clerk/transfers/{ids['short']}", "clerk"),
        Scene("transfer-cancel", f"/clerk/transfers/{ids['pick']}", "clerk", press("^取消调拨$|^Cancel transfer$")),
        Scene("transfer-done", f"/clerk/transfers/{ids['moved_unit']}", "clerk"),
        Scene("till", "/clerk/till", "clerk"),
        Scene("till-no-drawer", "/clerk/till", "packer", shows(".tools .none")),
        Scene("till-park", "/clerk/till", "clerk", click(".bar .icon-btn", "dialog[open] #park-note")),
        Scene("till-parked", "/clerk/till", "clerk", click(".tools button", "dialog[open] .take")),
        Scene("drawer", "/clerk/drawer", "clerk"),
        Scene("drawer-pay-out", "/clerk/drawer", "clerk", press("^取出现金$|^Pay out$")),
        Scene("drawer-close", "/clerk/drawer", "clerk", press("^盘点并关闭$|^Count and close$")),
        Scene("drawer-count", "/clerk/drawer", "clerk", count_pieces),
        Scene("drawer-report", f"/clerk/drawer/{ids['drawer']}", "clerk"),
        Scene("sales", "/clerk/sales", "clerk"),
        Scene("sales-none", "/clerk/sales", "clerk", write("input[type=search]", "zzzz", ".d-empty")),
        Scene("sale", f"/clerk/sales/{ids['sale']}", "clerk"),
        Scene("preorder", "/clerk/preorder", "clerk"),
        Scene("preorder-found", "/clerk/preorder", "clerk", open_preorder(ids["preorder_code"])),
        Scene("till-coupon", "/clerk/till", "clerk", paper_coupon(ids["paper_code"])),
        Scene("till-coupon-wrong", "/clerk/till", "clerk", paper_coupon("000000000000", then=".field-error")),
        Scene("till-cash", "/clerk/till", "clerk", press("^收款$|Take payment")),
        Scene("return-begin", "/clerk/return", "clerk"),
        Scene("return-none", "/clerk/return?no=261118-0000-0000", "clerk"),
        Scene("return", f"/clerk/return?no={ids['returned_no']}", "clerk"),
        Scene("return-chosen", f"/clerk/return?no={ids['returned_no']}", "clerk", bring_back),
        Scene("return-ask", f"/clerk/return?no={ids['returned_no']}", "clerk", ask_to_bring_back),
        Scene("keep", f"/clerk/stock/{ids['sku']}", "clerk", press("为顾客留货|Keep aside")),
        Scene("me", "/clerk/me", "clerk"),
    ]


def console(stage: Stage) -> list[Scene]:
    """Headquarters' desk."""
    ids, root = stage.ids, "/console"
    product, sku = ids["product"], ids["sku"]
    return [
        Scene("login", f"{root}/login", "nobody"),
        Scene("today", f"{root}/", "hq"),
        Scene("command", f"{root}/", "hq", keys("Control+k", "dialog[open] input")),
        Scene("orders", f"{root}/orders", "hq"),
        Scene("orders-none", f"{root}/orders?q=zzzz", "hq"),
        Scene("order", f"{root}/orders/{ids['moved']}", "hq"),
        Scene("order-asked", f"{root}/orders/{ids['asked']}", "hq"),
        Scene("orders-frozen", f"{root}/orders/frozen", "hq"),
        Scene("order-frozen", f"{root}/orders/{ids['stuck']}", "hq", press("^处理$|^Look after it$")),
        Scene("order-frozen-at", f"{root}/orders/{ids['stuck']}", "hq", choose_place),
        Scene("order-done", f"{root}/orders/{ids['done']}", "hq"),
        Scene("order-returned", f"{root}/orders/{ids['returned']}", "hq"),
        Scene("order-sold-home", f"{root}/orders/{ids['home_paid']}", "hq"),
        Scene("order-cancel", f"{root}/orders/{ids['preparing']}", "hq", press("取消并退款|Cancel and refund")),
        Scene("money", f"{root}/money", "hq"),
        Scene("money-case", f"{root}/money", "hq", click("tbody tr", "dialog[open] fieldset"), only="desk"),
        Scene("drawers", f"{root}/drawers", "hq"),
        Scene("drawers-none", f"{root}/drawers?from=2020-01-01&to=2020-01-02", "hq"),
        Scene("drawers-one", f"{root}/drawers", "hq", click("tbody tr", "dialog[open] .facts"), only="desk"),
        Scene("policy-till", f"{root}/policies/till", "hq"),
        Scene("stock", f"{root}/stock", "hq"),
        Scene("overview", f"{root}/stock/overview", "hq"),
        Scene("overview-shops", f"{root}/stock/overview?by=store&region={ids['region']}", "hq"),
        Scene("overview-status", f"{root}/stock/overview?by=category&store={SHOP}&view=status", "hq"),
        Scene("overview-stale", f"{root}/stock/overview", "hq", show_stale),
        Scene("overview-calm", f"{root}/stock/overview?by=store&alerts=rejects", "hq"),
        Scene("policy-alerts", f"{root}/policies/stock_alerts", "hq"),
        Scene("counts", f"{root}/stock/counts", "hq"),
        Scene("count", f"{root}/stock/counts/{ids['counted']}", "hq"),
        Scene("count-approve", f"{root}/stock/counts/{ids['counted']}", "hq", press("^批准$|^Approve$")),
        Scene("missing-units", f"{root}/stock/missing", "hq"),
        Scene("stock-shop", f"{root}/stock?store={SHOP}", "hq"),
        Scene("sku", f"{root}/stock/{sku}", "hq"),
        Scene("adjust", f"{root}/stock/{sku}", "hq", press("^调整库存$|^Adjust stock$")),
        Scene("kept", f"{root}/kept", "hq"),
        Scene("promises", f"{root}/promises", "hq"),
        Scene("in-shop", f"{root}/promises/in-shop", "hq"),
        Scene("assortments", f"{root}/goods/assortments", "hq"),
        Scene("assortment-new", f"{root}/goods/assortments/new", "hq"),
        Scene("assortment", f"{root}/goods/assortments/{ids['assortment']}", "hq"),
        Scene("unlisted", f"{root}/shops/{ids['other_shop']}/unlisted", "hq"),
        Scene("promises-table", f"{root}/promises", "hq", show_days),
        Scene("promises-shop", f"{root}/promises?store={SHOP}", "hq"),
        Scene("promises-parcels", f"{root}/promises?kind=ship&days=7", "hq"),
        Scene("promises-none", f"{root}/promises?q=zzzz", "hq"),
        Scene("policy-promise", f"{root}/policies/promise", "hq"),
        Scene("policy-favourites", f"{root}/policies/favourite_hold", "hq"),
        Scene("transfers", f"{root}/transfers", "hq"),
        Scene("transfers-none", f"{root}/transfers?q=zzzz", "hq"),
        Scene("transfer", f"{root}/transfers/{ids['short']}", "hq"),
        Scene("order-brought", f"{root}/orders/{ids['bring_sent']}", "hq"),
        Scene("transfer-for-order", f"{root}/transfers/{ids['bring_coming']}", "hq"),
        Scene("transfer-asked", f"{root}/transfers/{ids['wanted']}", "hq"),
        Scene("transfer-loss", f"{root}/transfers/{ids['short']}", "hq", press("核销短少|Write off")),
        Scene("call-off", f"{root}/transfers?call={sku}", "hq", click("label.choice", ".units")),
        Scene("goods", f"{root}/goods", "hq"),
        Scene("brands", f"{root}/goods/brands", "hq"),
        Scene("categories", f"{root}/goods/categories", "hq"),
        Scene("product-new", f"{root}/goods/new", "hq"),
        Scene("product", f"{root}/goods/{product}", "hq"),
        Scene("prices", f"{root}/prices", "hq"),
        Scene("price-exceptions", f"{root}/prices/exceptions", "hq"),
        Scene("price-exceptions-none", f"{root}/prices/exceptions?which=past&q=nothing", "hq"),
        Scene("price", f"{root}/prices/{product}", "hq"),
        Scene("price-set", f"{root}/prices/{product}", "hq", press("设定价格|Set a price")),
        Scene("promotions", f"{root}/promotions", "hq"),
        Scene("promotions-none", f"{root}/promotions?q=zzzz", "hq"),
        Scene("promotion-new", f"{root}/promotions/new", "hq"),
        Scene("promotion", f"{root}/promotions/{ids['promotion']}", "hq"),
        Scene("promotion-coming", f"{root}/promotions/{ids['promotion_coming']}", "hq"),
        Scene("promotion-over", f"{root}/promotions/{ids['promotion_over']}", "hq"),
        Scene(
            "promotion-try", f"{root}/promotions/{ids['promotion']}", "hq", click("button.suggest", "#try dl .total")
        ),
        Scene("promotion-end", f"{root}/promotions/{ids['promotion']}", "hq", press("结束促销|End it")),
        Scene("promotion-coupon", f"{root}/promotions/{ids['promotion_coupon']}", "hq"),
        Scene("touchpoints", f"{root}/touchpoints", "hq"),
        Scene("touchpoints-labels", f"{root}/touchpoints?labels=only", "hq"),
        Scene("touchpoints-none", f"{root}/touchpoints?q=zzzz", "hq"),
        Scene("touchpoint-new", f"{root}/touchpoints/new", "hq"),
        Scene("touchpoint", f"{root}/touchpoints/{ids['touchpoint']}", "hq"),
        Scene(
            "touchpoint-table",
            f"{root}/touchpoints/{ids['touchpoint']}",
            "hq",
            click(".panel button[aria-expanded]", "table.plain"),
        ),
        Scene("touchpoint-end", f"{root}/touchpoints/{ids['touchpoint']}", "hq", press("^停用$|^End it$")),
        Scene("loop", f"{root}/touchpoints/loop", "hq"),
        Scene("loop-none", f"{root}/touchpoints/loop?from=2020-01-01&to=2020-01-02", "hq"),
        Scene("member-pairs", f"{root}/members/pairs", "hq"),
        Scene("member-pair-same", f"{root}/members/pairs", "hq", press("^是同一人$|^Same person$")),
        Scene("member-merged", f"{root}/members/{ids['merged']}", "hq"),
        Scene("dispute-decide", f"{root}/bindings/disputes", "hq", decide),
        Scene("bindings", f"{root}/bindings", "hq"),
        Scene("bindings-none", f"{root}/bindings?q=zzzz", "hq"),
        Scene("pass-on", f"{root}/bindings", "hq", press("^移交会员$|^Pass members on$")),
        Scene("disputes", f"{root}/bindings/disputes", "hq"),
        Scene("disputes-decided", f"{root}/bindings/disputes?which=decided", "hq"),
        Scene("member-bindings", f"{root}/bindings/members/{ids['bound_member']}", "hq"),
        Scene("presales", f"{root}/presales", "hq"),
        Scene("presale", f"{root}/presales/{ids['presale']}", "hq"),
        Scene("presale-withdraw", f"{root}/presales/{ids['presale']}", "hq", press("^撤回预售$|^Withdraw$")),
        Scene("presale-new", f"{root}/presales/new", "hq"),
        Scene("presale-edit", f"{root}/presales/{ids['presale']}/edit", "hq"),
        Scene("coupons", f"{root}/coupons", "hq"),
        Scene("coupons-none", f"{root}/coupons?q=zzzz", "hq"),
        Scene("coupon-new", f"{root}/coupons/new?promotion={ids['promotion_coupon']}", "hq"),
        Scene("coupon", f"{root}/coupons/{ids['coupons_claim']}", "hq"),
        Scene("coupon-coming", f"{root}/coupons/{ids['coupons_place']}", "hq"),
        Scene("coupon-void", f"{root}/coupons/{ids['coupons_void']}", "hq"),
        Scene("coupon-codes", f"{root}/coupons/{ids['coupons_print']}", "hq", press("^生成券码$|^Make codes$")),
        Scene("coupon-codes-made", f"{root}/coupons/{ids['coupons_print']}", "hq", make_codes),
        Scene("coupon-give", f"{root}/coupons/{ids['coupons_given']}", "hq", press("^发给会员$|^Give to members$")),
        Scene("coupon-end", f"{root}/coupons/{ids['coupons_claim']}", "hq", press("^停止发放$|^Stop issuing$")),
        Scene("coupon-lose", f"{root}/coupons/{ids['coupons_print']}", "hq", press("^作废$|^Make void$")),
        Scene("coupon-poster", f"{root}/coupons/new?promotion={ids['promotion_coupon']}", "hq", open_place),
        Scene("members", f"{root}/members", "hq"),
        Scene("members-gold", f"{root}/members?tier=gold", "hq"),
        Scene("members-none", f"{root}/members?q=zzzz", "hq"),
        Scene("member", f"{root}/members/{ids['member']}", "hq", shows("#story ol li")),
        Scene("member-not", f"{root}/members/{UUID(int=1)}", "hq"),
        Scene("member-tier", f"{root}/members/{ids['member']}", "hq", press("^设等级$|^Set the tier$")),
        Scene("member-points", f"{root}/members/{ids['member']}", "hq", press("^加减积分$|^Change points$")),
        Scene("member-history", f"{root}/members/{ids['member']}", "hq", press("^积分明细$|^History of points$")),
        Scene("consent-texts", f"{root}/members/consents", "hq", shows("tbody tr")),
        Scene("consent-text", f"{root}/members/consents", "hq", press("^发布新版本$|^New version$")),
        Scene("member-erase", f"{root}/members/{ids['member']}", "hq", press("^注销账号$|^Delete the account$")),
        Scene("member-relations", f"{root}/members/{ids['bound_member']}", "hq", shows("#relations ol li")),
        Scene("system-keys", f"{root}/members/systems", "hq", shows(".keys li")),
        Scene("system-key-make", f"{root}/members/systems", "hq", press("^新建密钥$|^Make a key$")),
        Scene("system-key-revoke", f"{root}/members/systems", "hq", press("^停用$|^Revoke$")),
        Scene("tier-rules", f"{root}/members/tiers", "hq", shows(".counts tbody tr")),
        Scene("tier-run", f"{root}/members/tiers", "hq", judging),
        Scene("point-rules", f"{root}/members/points", "hq", shows(".result .t-28")),
        Scene("statements", f"{root}/settlement", "hq"),
        Scene("statement", f"{root}/settlement/statements/{ids['statement']}", "hq"),
        Scene("month-close", f"{root}/settlement", "hq", press("^关账$|^Close a month$")),
        Scene("month-closing", f"{root}/settlement", "hq", closing("running")),
        Scene("month-not-closed", f"{root}/settlement", "hq", closing("failed")),
        Scene("statements-picked", f"{root}/settlement?which=closed", "hq", pick_all),
        Scene("statements-approve", f"{root}/settlement?which=closed", "hq", approve_many),
        Scene("statements-approved", f"{root}/settlement?which=closed", "hq", approved_many),
        Scene("statements-pay", f"{root}/settlement", "hq", press("^打款已审批的$|^Pay approved$")),
        Scene("my-contract", f"{root}/settlement/contract", "hq"),
        Scene("payees", f"{root}/settlement/payees", "hq"),
        Scene("payee", f"{root}/settlement/payees/{ids['payee']}", "hq"),
        Scene(
            "payee-account",
            f"{root}/settlement/payees/{ids['payee']}",
            "hq",
            press("^(登记收款账户|更换账户)$|^(Enter an|Change the) account$"),
        ),
        Scene("payouts", f"{root}/settlement/payouts", "hq"),
        Scene("commission-rules", f"{root}/settlement/rules", "hq", shows("#checker .verdict")),
        Scene("allocation-rules", f"{root}/settlement/rules/allocation", "hq"),
        Scene("contract-rules", f"{root}/settlement/rules/contracts", "hq"),
        Scene("simulator", f"{root}/settlement/simulator", "hq", click("form button[type=submit]", ".tiles")),
        Scene("simulator-terms", f"{root}/settlement/simulator", "hq", try_terms),
        Scene("order-paid-for", f"{root}/orders/{ids['paid_order']}", "hq", shows("#shares .bar")),
        Scene("wallet-rules", f"{root}/members/wallet", "hq", shows(".result .t-28")),
        Scene("shops", f"{root}/shops", "hq"),
        Scene("regions", f"{root}/shops/regions", "hq"),
        Scene("companies", f"{root}/shops/companies", "hq"),
        Scene("shop-new", f"{root}/shops/new", "hq"),
        Scene("shop", f"{root}/shops/{SHOP}", "hq"),
        Scene("imports", f"{root}/imports", "hq"),
        Scene("import", f"{root}/imports/{ids['import']}", "hq"),
        Scene("staff", f"{root}/staff", "hq"),
        Scene("hire", f"{root}/staff", "hq", press("新员工|New person")),
        Scene("person", f"{root}/staff/clerk01", "hq"),
        Scene("policies", f"{root}/policies", "hq"),
        Scene("policy", f"{root}/policies/{ids['policy']}", "hq"),
        Scene("policy-sourcing", f"{root}/policies/sourcing", "hq"),
        Scene("replay-ask", f"{root}/policies/sourcing", "hq", press("用历史订单试一试|Try on past orders")),
        Scene("replays", f"{root}/policies/sourcing/replays", "hq"),
        Scene("replay", f"{root}/policies/sourcing/replays/{ids['replay']}", "hq"),
        Scene("replay-table", f"{root}/policies/sourcing/replays/{ids['replay']}", "hq", show_figures),
        Scene("pilot-ask", f"{root}/policies/sourcing", "hq", try_in_regions),
        Scene("pilot", f"{root}/policies/sourcing/pilots/{ids['pilot']}", "hq"),
        Scene("pilot-end", f"{root}/policies/sourcing/pilots/{ids['pilot']}", "hq", press("结束试行|End the pilot")),
        Scene("audit", f"{root}/audit", "hq"),
        Scene("events-aside-none", f"{root}/audit/events", "hq"),
        Scene("events-aside", f"{root}/audit/events", "hq", put_aside),
        Scene("events-aside-one", f"{root}/audit/events", "hq", read_aside),
        Scene("events-aside-again", f"{root}/audit/events", "hq", tell_many),
        Scene("events-aside-telling", f"{root}/audit/events", "hq", telling_many),
        Scene("events-aside-told", f"{root}/audit/events", "hq", told_many),
        Scene("missing", f"{root}/nowhere", "hq"),
    ]


FACES: dict[str, Callable[[Stage], list[Scene]]] = {"mall": mall, "clerk": clerk, "console": console}
