"""What a guide's member buys is seen by the guide at once; a month is disputed, answered, approved, paid, taken along."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from playwright.async_api import Page, Playwright, expect

from tests.browser import stage
from tests.browser.stage import SHOP

pytestmark = pytest.mark.browser

Visit = Callable[..., Awaitable[Page]]
PHONE = "19900000901"
CARD = "6222021234567890128"
BRINGING = 500  # for a new member who chose the guide


async def test_a_sale_becomes_commission_of_the_guide(site: str, visit: Visit, playwright: Playwright) -> None:
    clerk = await stage.clerk_at(playwright, site, SHOP)
    counter = await visit(storage_state=await clerk.cookies(**{"duoline.clerk.store": SHOP}))
    await counter.goto(f"{site}/clerk/me")
    await counter.get_by_role("link", name=re.compile("我的佣金")).click()
    await expect(counter.locator("h1")).to_have_text("我的佣金")
    before = (await clerk.get("clerk/earnings"))["pending"]["minor"]

    # Somebody chooses the guide, and buys online.
    member = await stage.member(playwright, site, PHONE)
    code = (await clerk.send("POST", "clerk/guide-codes", {"store": SHOP}))["code"]
    await member.send("POST", "mall/guide", {"code": code})
    (article,) = await stage.in_stock(member, at=SHOP, limit=1)
    bought = await stage.order(member, [stage.line(article)], name=stage.PEOPLE[3])
    pending = counter.locator(".tile").filter(has_text="还在等").locator("dd").first
    earned = (bought["total"]["minor"] * 2 + 50) // 100  # two percent, to the nearest cent
    expected = before + BRINGING + earned
    for _ in range(stage.TRIES):
        if (await clerk.get("clerk/earnings"))["pending"]["minor"] >= expected:
            break
        await counter.wait_for_timeout(1000 * stage.PAUSE_S)
    await counter.reload()
    await expect(pending).to_have_text(yuan(expected))
    # What both came to may have been told together, in whichever order.
    share = counter.locator("li .share").filter(has_text=bought["lines"][0]["name"]["zh"]).first
    await expect(share).to_contain_text("作为导购")
    await expect(counter.locator("li .share").filter(has_text="新会员选了您").first).to_contain_text(yuan(BRINGING))

    # Headquarters sees who is paid for the order, and why.
    head = await stage.staff(playwright, site, "hq")
    desk = await visit(width="desk", storage_state=await head.cookies())
    await desk.goto(f"{site}/console/orders/{bought['id']}")
    panel = desk.locator("#shares")
    await panel.get_by_text("逐行明细").first.click()
    await expect(panel.get_by_role("cell", name=re.compile("专属导购:.* 的 2%"))).to_be_visible()


async def test_a_month_is_disputed_approved_and_paid(site: str, visit: Visit, playwright: Playwright) -> None:
    head = await stage.staff(playwright, site, "hq")
    waiting = (await head.get("console/statements", kind="staff", which="closed", limit=100))["items"]
    statement = next(one for one in waiting if one["way"] == "payout")
    name = statement["payee"]["name"]["zh"]
    people = (await head.get("console/staff", limit=100))["items"]
    login = next(one["login"] for one in people if one["name"] == name and one["login"].startswith("clerk"))
    guide = await stage.staff(playwright, site, login)
    shop = (await guide.get("staff/me"))["stores"][0]["code"]

    # The guide says on the phone what is not right.
    phone = await visit(storage_state=await guide.cookies(**{"duoline.clerk.store": shop}))
    await phone.goto(f"{site}/clerk/earnings")
    await phone.locator("summary").first.click()
    await phone.get_by_role("button", name="有问题").first.click()
    asked = phone.locator("dialog[open]")
    await asked.get_by_role("button", name="发送").click()
    await expect(asked.get_by_text("请写一下哪里不对")).to_be_visible()
    await asked.get_by_label("哪里不对?").fill("周六那单没有算")
    await asked.get_by_role("button", name="发送").click()
    await expect(phone.locator(".notes")).to_contain_text("周六那单没有算")

    # And where they are paid: a bank account, of which only the end is shown afterwards.
    await phone.get_by_role("button", name=re.compile("^(登记收款账户|更换账户)$")).click()
    await asked.get_by_role("radio", name="银行账户").check()
    await asked.get_by_label("户名").fill(name)
    await asked.get_by_label("账号", exact=True).fill("6222 0212 3456")
    await asked.get_by_role("button", name="保存").click()
    await expect(asked.get_by_text("请填写开户银行")).to_be_visible()
    await asked.get_by_label("开户银行").fill("招商银行")
    await asked.get_by_label("账号", exact=True).fill("6222 021")
    await expect(asked.get_by_text("账号是 12 到 30 位数字")).to_be_visible()
    await asked.get_by_label("账号", exact=True).fill(CARD[:-1] + "9")
    await expect(asked.get_by_role("status").filter(has_text="校验位不对")).to_be_visible()
    await asked.get_by_label("账号", exact=True).fill(CARD)
    await expect(asked.get_by_role("status").filter(has_text="校验位不对")).to_have_count(0)
    await asked.get_by_role("button", name="保存").click()
    to = phone.get_by_role("region", name="打款到")
    await expect(to).to_contain_text("招商银行 ****0128")
    await expect(to).to_contain_text("总部按银行文件打到这个账户")

    # Headquarters closes the month again, which makes nothing; it answers and approves.
    desk = await visit(width="desk", storage_state=await head.cookies())
    await desk.goto(f"{site}/console/settlement")
    await desk.get_by_role("button", name="关账", exact=True).click()
    sheet = desk.locator("dialog[open]")
    await sheet.get_by_role("button", name=re.compile("^关账:")).click()
    ended = desk.get_by_role("region", name=re.compile("已关账$"))
    await expect(ended.get_by_text("没有要补的结算单")).to_be_visible()
    await desk.reload()  # how it ended is still there, until it was read
    await ended.get_by_role("button", name="看待审批的").click()
    await expect(desk).to_have_url(re.compile("which=closed"))
    await ended.get_by_role("button", name="知道了").click()
    await expect(ended).to_have_count(0)
    row = desk.get_by_role("row").filter(has_text=name).filter(has_text="员工").filter(has_text="有异议")
    await expect(row.get_by_role("checkbox")).to_have_count(0)  # it has to be answered first
    await row.get_by_role("link").click()
    await expect(desk.locator(".notes")).to_contain_text("周六那单没有算")
    await desk.get_by_role("textbox", name="答复").fill("那单已退货")
    await desk.get_by_role("button", name="发送答复").click()
    await expect(desk.locator(".notes li.answer")).to_contain_text("那单已退货")
    await desk.get_by_role("button", name="审批通过").click()
    await sheet.get_by_role("button", name="审批通过").click()
    await expect(desk.locator(".page-head")).to_contain_text("已审批")
    await desk.get_by_role("button", name="下载").click()
    async with desk.expect_download() as taken:
        await desk.get_by_role("menuitem", name="CSV 表格").click()
    text = (await (await taken.value).path()).read_text("utf-8-sig")
    assert "应付 To pay" in text or "金额 Amount" in text

    # Paid: the sum is named before; the bank's file has it; one that failed is paid again.
    for outcome in ("failed", "done"):
        await desk.goto(f"{site}/console/settlement")
        await desk.get_by_role("button", name="打款已审批的").click()
        if outcome == "done":
            await expect(sheet.get_by_role("listitem").filter(has_text=name)).to_contain_text("还没有付到过")
        await sheet.get_by_role("button", name=re.compile("^打款 ¥")).click()
        await expect(desk).to_have_url(re.compile("/settlement/payouts"))
        line = desk.get_by_role("row").filter(has_text=name).filter(has_text="已提交")
        await expect(line).to_have_count(1)
        await expect(line).to_contain_text("招商银行 ****0128" if outcome == "failed" else "工商银行 ****8901")
        async with desk.expect_download() as bank:
            await desk.get_by_role("link", name="银行文件 CSV").click()
        file = (await (await bank.value).path()).read_text("utf-8-sig")
        [mine] = [one for one in file.splitlines() if str(statement["payee"]["id"]) in one]
        assert ("6222 0212 3456 7890 128" if outcome == "failed" else "3100 6671 2345 6789 01") in mine
        # What headquarters set is named on the page and in the file, until it has arrived.
        await expect(line.get_by_text("还没有付到过")).to_have_count(0 if outcome == "failed" else 1)
        assert ("首次打款" in mine) is (outcome == "done")
        await line.get_by_role("button").click()
        await sheet.locator(f"input[value={outcome}]").check()
        if outcome == "failed":
            await sheet.get_by_role("button", name="登记").click()
            await expect(sheet.get_by_text("请写明失败原因")).to_be_visible()
            await sheet.get_by_label("失败原因").fill("账号不符")
        await sheet.get_by_role("button", name="登记").click()
        await expect(sheet).to_have_count(0)
        await expect(await state_of(desk, name)).to_contain_text("失败" if outcome == "failed" else "已到账")
        # The list finds it, and the statement says why, until it is paid.
        await desk.goto(f"{site}/console/settlement?which=payout_failed")
        failed = desk.get_by_role("row").filter(has_text=name).filter(has_text="打款失败")
        await expect(failed).to_have_count(1 if outcome == "failed" else 0)
        await desk.goto(f"{site}/console/settlement/statements/{statement['id']}")
        says = desk.get_by_text("打款失败:账号不符")
        await expect(says).to_have_count(1 if outcome == "failed" else 0)
        await expect(desk.get_by_role("region", name="打款记录")).to_contain_text("账号不符")
        if outcome == "failed":
            await desk.goto(f"{site}/console/settlement/payees/{statement['payee']['id']}")
            await desk.get_by_role("button", name="更换账户").click()
            await sheet.get_by_label("开户银行").fill("工商银行")
            await sheet.get_by_label("账号", exact=True).fill("310066712345678901")
            await sheet.get_by_label("原因").fill("本人来电,原卡已注销")
            await sheet.get_by_role("button", name="保存").click()
            await expect(desk.get_by_text("请先电话核实")).to_be_visible()

    # The guide sees it arrive, with the answer.
    await phone.reload()
    await phone.locator("summary").filter(has_text="已付").first.click()
    await expect(phone.locator(".notes")).to_contain_text("那单已退货")
    months: list[dict[str, Any]] = (await guide.get("clerk/statements"))["items"]
    assert months[0]["state"] == "paid"


async def test_statements_are_chosen_and_approved_in_one_go(site: str, visit: Visit, playwright: Playwright) -> None:
    head = await stage.staff(playwright, site, "hq")
    found = (await head.get("console/statements", which="closed", limit=100))["items"]
    waiting = [one for one in found if one["mine_to_approve"]]
    left = next(one for one in waiting if one["payee"]["kind"] == "store")
    those = [one for one in waiting if one != left]
    assert those
    money = yuan(sum(one["to_pay"]["minor"] for one in those))

    desk = await visit(width="desk", storage_state=await head.cookies())
    await desk.goto(f"{site}/console/settlement?which=closed")
    many = desk.get_by_role("group", name="批量审批")
    await expect(many.get_by_role("button", name="审批所选")).to_be_disabled()
    await many.get_by_role("button", name="全选筛选结果").click()
    await expect(many).to_contain_text(f"已选 {len(waiting)} 张")
    # By the keyboard: down to the one that is not meant, and x takes it out.
    mine = desk.locator(f".row-link[data-row='{left['id']}']")
    await mine.focus()
    await desk.keyboard.press("x")
    await expect(many).to_contain_text(f"已选 {len(those)} 张,合计 {money}")
    await many.get_by_role("button", name="审批所选").click()
    sheet = desk.locator("dialog[open]")
    await expect(sheet.locator("h2")).to_have_text(f"审批 {len(those)} 张结算单?")
    await expect(sheet.locator(".sums")).to_contain_text("¥")
    await sheet.get_by_role("button", name=f"审批通过 {len(those)} 张").click()
    await expect(sheet.locator("h2")).to_have_text("审批结果")
    after = {one["id"]: one for one in (await head.get("console/statements", limit=100))["items"]}
    for one in those:
        state, waits = after[one["id"]]["state"], one["approvals"] + 1 < one["approvals_needed"]
        assert (state == "closed", after[one["id"]]["approvals"]) == (waits, one["approvals"] + 1)
    done = sum(after[one["id"]]["state"] != "closed" for one in those)
    if done:
        await expect(sheet.locator(".ends")).to_contain_text(f"{done} 张已审批")
    if done < len(those):
        await expect(sheet.locator(".ends")).to_contain_text(f"{len(those) - done} 张等另一位同事")
    await sheet.get_by_role("button", name="好", exact=True).click()
    await expect(many).to_contain_text("勾选要审批的结算单")

    # The one that was left, on the phone; meanwhile its shop disputes it, and that is said.
    phone = await visit(storage_state=await head.cookies())
    await phone.goto(f"{site}/console/settlement?kind=store&which=closed")
    await phone.get_by_role("checkbox", name=re.compile(left["payee"]["name"]["zh"])).check()
    code = left["payee"]["note"]
    people = (await head.get("console/staff", limit=100))["items"]
    for login in [each["login"] for each in people if each["login"].startswith("store")]:
        manager = await stage.staff(playwright, site, login)
        if any(shop["code"] == code for shop in (await manager.get("staff/me"))["stores"]):
            await manager.send("POST", f"console/statements/{left['id']}/notes", {"note": "房租没有算"})
            break
    else:
        pytest.fail(f"nobody manages {code}")
    await phone.get_by_role("button", name="审批所选").click()
    asked = phone.locator("dialog[open]")
    await asked.get_by_role("button", name="审批通过 1 张").click()
    await expect(asked.locator(".refused")).to_contain_text("收款方对这张结算单有异议,请先答复再审批")
    await asked.locator(".refused a").click()
    await expect(phone).to_have_url(re.compile(f"/settlement/statements/{left['id']}"))
    await expect(phone.get_by_text("之后才能审批").first).to_be_visible()


async def state_of(desk: Page, name: str) -> Any:
    """The row of a payee in the run that is looked at."""
    return desk.get_by_role("row").filter(has_text=name).first


def yuan(minor: int) -> str:
    """As the faces write it."""
    return f"¥{minor // 100:,}.{minor % 100:02d}"


async def test_rules_of_pay_are_checked_while_they_are_typed(site: str, visit: Visit, playwright: Playwright) -> None:
    head = await stage.staff(playwright, site, "hq")
    desk = await visit(width="desk", storage_state=await head.cookies())
    await desk.goto(f"{site}/console/policies/commission")
    await expect(desk).to_have_url(re.compile("/settlement/rules$"))
    checker = desk.locator("#checker")
    await expect(checker.get_by_text("这个方案可以保存")).to_be_visible()
    await desk.get_by_label("第二级 %").fill("1")
    await expect(checker.get_by_text("这个方案不能保存")).to_be_visible()
    await expect(desk.locator(".field").filter(has_text="第二级 %")).to_contain_text("只有一级时,第二级不能有提成")
    await desk.get_by_label("第二级 %").fill("0")
    await desk.get_by_label("分享层级").select_option("2")
    await expect(checker).to_contain_text("改为两级前,请先登记批准文件")
    await desk.get_by_label("分享层级").select_option("1")
    await desk.get_by_label("交货后几天到期").fill("3")
    await expect(checker.get_by_text("请留意:")).to_be_visible()
    await checker.get_by_text("问问别的做法").click()
    await checker.get_by_label("入门费(元)").fill("99")
    await expect(checker.get_by_text("入门费)")).to_be_visible()
    await checker.get_by_label("入门费(元)").fill("")
    await expect(checker.get_by_text("这个方案可以保存")).to_be_visible()
    await desk.get_by_role("button", name=re.compile("^发布新版本")).click()
    sheet = desk.locator("dialog[open]")
    await sheet.get_by_label("原因").fill("缩短到期")
    await sheet.get_by_role("button", name="立即生效").click()
    await expect(desk.locator(".page-head")).to_contain_text("第 1 版")

    # A month under other rules, of which nothing is stored.
    await desk.goto(f"{site}/console/settlement/simulator")
    await desk.get_by_label("专属导购 %").fill("4")
    await desk.get_by_text("合同", exact=True).last.click()
    franchisee = next(
        one for one in (await head.get("console/companies", limit=100))["items"] if one["kind"] == "franchisee"
    )
    own = desk.get_by_role("region", name=franchisee["name"]["zh"])
    await own.get_by_role("button", name=re.compile("约定条款")).click()
    await own.get_by_label(re.compile("的模式$")).select_option("direct")
    await own.get_by_label(re.compile("的货值$")).fill("120")
    await desk.get_by_role("button", name="开始试算").click()
    await expect(own.get_by_text("填 0 到 100 的整数")).to_be_visible()
    await own.get_by_label(re.compile("的货值$")).fill("80")
    await desk.get_by_role("button", name="开始试算").click()
    await expect(desk.get_by_role("cell", name=re.compile(r"^\+¥")).first).to_be_visible()
    # Other rules make it an old result, and it says so.
    stale = desk.get_by_text("下面还是之前的结果")
    await expect(stale).to_have_count(0)
    await desk.get_by_label("专属导购 %").fill("5")
    await expect(stale).to_be_visible()
    await desk.get_by_label("专属导购 %").fill("4")
    await expect(stale).to_have_count(0)
    # Shop by shop, and guide by guide.
    for kind, said in (("store", "门店"), ("staff", "员工")):
        await desk.get_by_label("全部类型").select_option(kind)
        await expect(desk.locator("tbody tr").first).to_contain_text(said)
    kept = next(one for one in (await head.get("console/policies"))["items"] if one["kind"] == "commission")
    assert (kept["current"]["version"], kept["current"]["body"]["guide_bp"]) == (1, 200)
