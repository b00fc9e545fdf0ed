"""Headquarters makes a promotion: chosen by pictures, said in a sentence, tried on a basket, begun, changed by two, ended."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable

import pytest
from playwright.async_api import Page, Playwright, expect

from tests.browser import stage

pytestmark = pytest.mark.browser

Visit = Callable[..., Awaitable[Page]]


async def test_a_promotion_from_the_idea_to_its_end(site: str, visit: Visit, playwright: Playwright) -> None:
    head = await stage.staff(playwright, site, "hq")
    nappies = next(one for one in (await head.get("console/categories"))["items"] if one["code"] == "diaper")
    page = await visit(width="desk", storage_state=await head.cookies())
    await page.goto(f"{site}/console/promotions")
    await page.get_by_role("link", name="新建促销").first.click()

    # What it does, for which articles, and what it is called.
    await page.get_by_text("满减 / 满折").click()
    sentence = page.get_by_label("一句话说明")
    await page.get_by_label("满(元)").fill("100")
    await page.get_by_label("减去(元)").fill("30")
    await expect(sentence).to_contain_text("全场商品满 ¥100 减 ¥30,只减一次。")
    await page.get_by_label("参加", exact=True).fill(nappies["name"]["zh"])
    await page.get_by_role("option").filter(has_text=re.compile("· diaper$")).click()
    await expect(sentence).to_contain_text(f"{nappies['name']['zh']}满 ¥100 减 ¥30,只减一次。")
    await expect(page.get_by_text("个单品参加").first).to_be_visible()

    # Saved too early: the field that is missing says so.
    await page.get_by_role("button", name=re.compile("^马上开始")).click()
    await expect(page.get_by_text("必填").first).to_be_visible()
    await page.get_by_label("名称(中文)").fill("尿裤满 100 减 30")
    await page.get_by_label("名称(英文)").fill("Nappies: 30 off 100")

    # A basket under it, before anybody pays by it: only for a channel in which nobody buys here.
    await page.get_by_label("开放接口").first.check()
    tried = page.locator("#try")
    await tried.locator("button.suggest").click()
    await tried.get_by_role("group", name=re.compile(".+")).get_by_label("数量").last.fill("9")
    await tried.get_by_role("button", name="时间、渠道、等级、首单").click()
    await tried.get_by_label("渠道").select_option("open_api")
    await expect(tried.locator("dl .mine")).to_contain_text("尿裤满 100 减 30")
    await expect(tried.locator("dl .mine")).to_contain_text("30.00")

    # Begun.
    await page.get_by_role("button", name=re.compile("^马上开始")).first.click()
    asked = page.locator("dialog[open]")
    await expect(asked).to_contain_text("减 ¥30")
    await asked.get_by_role("button", name="马上开始").click()
    await expect(page.get_by_text("促销已开始").first).to_be_visible()
    await expect(page).to_have_url(re.compile("/promotions/[0-9a-f-]{36}$"))
    promotion_id = page.url.rpartition("/")[2]
    await expect(page.locator(".page-head")).to_contain_text("第 1 版")

    # Somebody else is faster: nothing is overwritten.
    kept = (await head.get(f"console/promotions/{promotion_id}"))["promotion"]
    assert kept["when"]["channels"] == ["open_api"]
    again = {
        "name": kept["name"],
        "effect": {"type": "threshold", "steps": [{"from_minor": 10000, "off_minor": 2500}]},
        "of": {"categories": ["diaper"]},
        "when": {"channels": ["open_api"]},
    }
    body = {"promotion": again, "version": 1, "reason": "预算有限"}
    await head.send("PUT", f"console/promotions/{promotion_id}", body)
    await page.get_by_label("减去(元)").fill("40")
    await page.get_by_role("button", name=re.compile("^保存")).click()
    await asked.get_by_label("原因").fill("加大力度")
    await asked.get_by_role("button", name="保存").click()
    await expect(asked).to_contain_text("刚被别人改过")
    await asked.get_by_role("button", name="看最新内容").click()
    await expect(page.get_by_label("减去(元)")).to_have_value("25")
    await expect(page.get_by_text("预算有限")).to_be_visible()

    # Ended, with a reason, and found among those that are over.
    await page.get_by_role("button", name="结束促销").click()
    await asked.get_by_role("button", name="结束促销").click()
    await expect(asked.get_by_text("请写明原因")).to_be_visible()
    await asked.get_by_label("原因").fill("提前售完")
    await asked.get_by_role("button", name="结束促销").click()
    await expect(page.locator(".page-head")).to_contain_text("已结束")
    await expect(page.get_by_label("减去(元)")).to_be_disabled()
    await page.goto(f"{site}/console/promotions?which=over")
    await expect(page.get_by_role("row").filter(has_text="尿裤满 100 减 30")).to_be_visible()
