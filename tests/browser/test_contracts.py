"""A contract is decided on its page in words; from then on whose the prices are sets them, and the other side is told so."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable

import pytest
from playwright.async_api import Page, Playwright, expect

from tests.browser import stage

pytestmark = pytest.mark.browser

Visit = Callable[..., Awaitable[Page]]


async def test_a_franchisee_sets_its_prices_within_the_contract_and_headquarters_does_not(
    site: str, visit: Visit, playwright: Playwright
) -> None:
    head, theirs = await stage.staff(playwright, site, "hq"), await stage.staff(playwright, site, "franchise01")
    shop = (await theirs.get("staff/me"))["stores"][0]
    company = shop["company"]["name"]["zh"]
    kinds = (await head.get("console/policies"))["items"]
    before = next(one for one in kinds if one["kind"] == "contracts")["current"]["body"]
    product = (await stage.in_stock(head, at=shop["code"], limit=5))[-1]["product"]

    # By default the prices are headquarters'.
    own = await visit(width="desk", storage_state=await theirs.cookies())
    await own.goto(f"{site}/console/prices/{product}")
    await expect(own.get_by_text("您门店的价格由总部定")).to_be_visible()
    await expect(own.get_by_role("button", name="设定价格")).to_have_count(0)

    # The terms are agreed; the page says what they mean before anything is decided.
    desk = await visit(width="desk", storage_state=await head.cookies())
    await desk.goto(f"{site}/console/settlement/rules/contracts")
    await desk.get_by_role("row").filter(has_text=company).get_by_role("button", name="约定条款").click()
    await desk.get_by_label(f"{company} 的模式").select_option("all_franchise")
    means = desk.locator("#means")
    await expect(means).to_contain_text(f"{company} 门店的价格由自己定,总部不能改")
    await expect(means).to_contain_text(f"{company}(货主)")
    await desk.get_by_label(f"{company} 最低价,总部价的 %").fill("90")
    await desk.get_by_label(f"{company} 最高价,总部价的 %").fill("80")
    await expect(desk.get_by_text("要高于下限,否则没有价格可定")).to_be_visible()
    await desk.get_by_label(f"{company} 最高价,总部价的 %").fill("110")
    await expect(means).to_contain_text("在总部价的 90% 到 110% 之间")
    await desk.get_by_role("button", name=re.compile("^发布新版本")).click()
    sheet = desk.locator("dialog[open]")
    await sheet.get_by_label("原因").fill("改为全加盟")
    await sheet.get_by_role("button", name="立即生效").click()
    await expect(desk.locator(".page-head")).to_contain_text("第 1 版")

    # The company, which may not see all rules, reads its own contract where they would be.
    await own.goto(f"{site}/console/settlement/rules")
    await expect(own).to_have_url(re.compile("/settlement/contract$"))
    panel = own.get_by_role("region", name=company)
    await expect(panel).to_contain_text("全加盟")
    await expect(panel).to_contain_text(f"{company} 门店的价格由自己定,在总部价的 90% 到 110% 之间")
    await own.goto(f"{site}/console/prices/{product}")

    # The company sets the price of its shop; what is outside is said before it is sent.
    await own.reload()
    await own.get_by_role("button", name="设定价格").click()
    form = own.locator("dialog[open]")
    price = form.get_by_label("价格(元)")
    await expect(form.get_by_text("按合同在")).to_be_visible()
    low, high = re.findall(r"[\d.]+", (await form.get_by_text("按合同在").inner_text()).replace(",", ""))
    await price.fill("0.01")
    await expect(form.locator(".field-error")).to_contain_text("按合同在")
    await price.fill(high)
    await form.get_by_role("button", name="设定", exact=True).click()
    row = own.get_by_role("row").filter(has_text=shop["name"]["zh"])
    await expect(row).to_contain_text(high)
    await expect(row.get_by_role("button", name="现在结束")).to_be_visible()
    await expect(own.get_by_role("button", name="现在结束")).to_have_count(1)
    assert float(low) < float(high)

    # Headquarters sees it, and may neither end it nor set another.
    await desk.goto(f"{site}/console/prices/{product}")
    row = desk.get_by_role("row").filter(has_text=shop["name"]["zh"])
    await expect(row).to_contain_text(high)
    await expect(row.get_by_role("button")).to_have_count(0)
    await desk.get_by_role("button", name="设定价格").click()
    form = desk.locator("dialog[open]")
    await form.get_by_role("button", name="门店", exact=True).click()
    await form.get_by_role("combobox").first.fill(shop["code"])
    await form.get_by_role("option", name=re.compile(shop["name"]["zh"])).click()
    await expect(form.get_by_text("这家门店的价格由经营它的公司定")).to_be_visible()

    # As it was, for the journeys that come after.
    await head.send("PUT", "console/policies/contracts", {"body": before, "reason": "试过了"})
