"""A code is made in the console, printed, scanned, counted and ended; a shop's label is printed and scanned."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable

import pypdfium2
import pytest
import zxingcpp
from playwright.async_api import Page, Playwright, expect

from tests.browser import stage
from tests.browser.faces import in_languages
from tests.browser.stage import SHOP

pytestmark = pytest.mark.browser

Visit = Callable[..., Awaitable[Page]]
WORDS = {
    "zh": {"zh": "名称(中文)", "make": "^新建$", "end": "停用", "why": "原因", "ended": "已停用",
           "over": "这个码已经停用", "label": "货架或商品价签"},
    "en": {"zh": "Name (Chinese)", "make": "^Make it$", "end": "End it", "why": "Reason", "ended": "Ended",
           "over": "This code has ended", "label": "Shelf or product label"},
}  # fmt: skip


def codes(pdf: bytes) -> set[str]:
    """What a phone reads off the sheet."""
    document = pypdfium2.PdfDocument(pdf)
    found = {
        code.text
        for n in range(len(document))
        for code in zxingcpp.read_barcodes(document[n].render(scale=4).to_pil())
        if "QR" in str(code.format)
    }
    document.close()
    return found


@in_languages
async def test_a_code_is_made_printed_scanned_counted_and_ended(
    site: str, visit: Visit, playwright: Playwright, language: str
) -> None:
    says = WORDS[language]
    head = await stage.staff(playwright, site, "hq")
    desk = await visit(width="desk", language=language, storage_state=await head.cookies())
    await desk.goto(f"{site}/console/touchpoints/new")
    await desk.locator("label:has([value=poster])").click()
    await desk.get_by_label(says["zh"]).fill("东门海报" if language == "zh" else "西门海报")
    await desk.get_by_role("button", name=re.compile(says["make"])).click()
    await expect(desk).to_have_url(re.compile(r"/touchpoints/[0-9a-f-]{36}$"))
    scans = desk.locator(".tile dd.num").first
    await expect(scans).to_have_text("0")

    # The sheet that is printed has the short link, which a phone opens.
    sheet = await desk.locator("a[href*='touchpoints.pdf']").get_attribute("href")
    printed = await head.request.get(f"{site}{sheet}")
    (link,) = codes(await printed.body())
    phone = await visit(language=language)
    await phone.goto(link.replace(link.split("/t/")[0], site))
    await expect(phone).to_have_url(re.compile(r"/\?t=[0-9A-Z]{8}$"))
    await phone.goto(link.replace(link.split("/t/")[0], site))  # the same phone, at once: counted once
    await desk.reload()
    await expect(scans).to_have_text("1")

    await desk.get_by_role("button", name=says["end"], exact=True).click()
    asked = desk.locator("dialog[open]")
    await asked.get_by_label(says["why"]).fill("海报撤下")
    await asked.get_by_role("button", name=says["end"], exact=True).click()
    await expect(desk.locator(".page-head")).to_contain_text(says["ended"])
    await phone.goto(link.replace(link.split("/t/")[0], site))
    await expect(phone.get_by_text(says["over"]).first).to_be_visible()
    await desk.reload()
    await expect(scans).to_have_text("1")


@in_languages
async def test_a_label_is_printed_scanned_and_gets_the_order(
    site: str, visit: Visit, playwright: Playwright, language: str
) -> None:
    says, number = WORDS[language], "19910004001" if language == "zh" else "19910004002"
    clerk = await stage.clerk_at(playwright, site, SHOP)
    head = await stage.staff(playwright, site, "hq")
    buyer = await stage.member(playwright, site, number)
    goods = await stage.in_stock(buyer, at=SHOP, limit=6)
    article = goods[4] if language == "zh" else goods[5]
    printed = await clerk.request.get(f"{site}/api/staff/labels.pdf?store={SHOP}&sku={article['sku_id']}")
    (link,) = codes(await printed.body())
    path = re.sub(r"^https?://[^/]+", "", link)

    phone = await visit(language=language, storage_state=await buyer.cookies(**{"duoline.known": True}))
    await phone.goto(f"{site}{path}")
    await expect(phone).to_have_url(re.compile(rf"/p/{article['product']}\?.*store={SHOP}&scan=1&t=[0-9A-Z]{{8}}$"))
    bought = await stage.order(buyer, [stage.line(article)], name=stage.PEOPLE[1])

    desk = await visit(width="desk", language=language, storage_state=await head.cookies())
    await desk.goto(f"{site}/console/touchpoints?labels=only&store={SHOP}")
    (row,) = [
        one
        for one in (await head.get("console/touchpoints", labels="only", store=SHOP, limit=100))["items"]
        if one["target"]["name"] == article["product"]
    ]
    assert (row["scans"], row["orders"], row["sales"]) == (1, 1, bought["total"])
    shown = desk.locator(f"a[href$='/touchpoints/{row['id']}']").first
    await shown.click()
    await expect(desk.locator(".tile dd.num").first).to_have_text("1")
    await expect(desk.locator("dl.facts")).to_contain_text(says["label"])
