"""A member is brought by a friend, and headquarters reads it all on one page; another system reads it by a key."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Awaitable, Callable

import pytest
from playwright.async_api import Page, Playwright, expect

from tests.browser import stage
from tests.browser.faces import in_languages
from tests.browser.stage import SHOP

pytestmark = pytest.mark.browser

Visit = Callable[..., Awaitable[Page]]

WORDS = {
    "zh": {"phone": "19910000201", "friend": "19910000203", "qr": "打开了链接", "signed": "由此注册为会员", "bound": "绑定导购", "shared": "分享给好友",
           "agreed": "同意授权", "scans": "扫码", "all": "全部", "by": "由谁带来", "make": "新建密钥", "name": "系统名称", "serve": "为会员服务", "do": "^新建$",
           "kept": "已保存好", "revoke": "^停用$", "reason": "原因", "never": "还没有用过", "used": "最近使用", "over": "已停用"},
    "en": {"phone": "19910000202", "friend": "19910000204", "qr": "Opened a link", "signed": "Signed up through it", "bound": "Chose a guide", "shared": "Shared with friends",
           "agreed": "Agreed", "scans": "Scans", "all": "All", "by": "Brought by", "make": "Make a key", "name": "Which system", "serve": "Serving members", "do": "^Make$",
           "kept": "I have kept it", "revoke": "^Revoke$", "reason": "Reason", "never": "Never used", "used": "Last used", "over": "Revoked"},
}  # fmt: skip


@in_languages
async def test_everything_is_on_one_page_and_in_one_call(
    site: str, visit: Visit, playwright: Playwright, language: str
) -> None:
    says = WORDS[language]
    friend = await stage.member(playwright, site, says["friend"])
    clerk = await stage.clerk_at(playwright, site, SHOP)
    head = await stage.staff(playwright, site, "hq")
    (article,) = await stage.in_stock(friend, at=SHOP, limit=1)
    link = await friend.send("POST", "mall/shares", {"kind": "product", "name": article["product"], "note": ""})

    # Somebody opens the link, becomes a member there and chooses a guide.
    phone = await visit(language=language)
    await phone.goto(f"{site}/t/{link['code']}")
    await expect(phone.locator("h1").first).to_be_visible()
    buyer = stage.Person(phone.context.request, site)
    await stage.sign_in(buyer, says["phone"])
    code = (await clerk.send("POST", "clerk/guide-codes", {"store": SHOP}))["code"]
    await phone.goto(f"{site}/t/{code}")
    await expect(phone.locator("h1").first).to_be_visible()
    await buyer.send("POST", "mall/guide", {"code": code})
    await buyer.send("POST", "mall/shares", {"kind": "product", "name": article["product"], "note": ""})

    desk = await visit(width="desk", language=language, storage_state=await head.cookies())
    (row,) = (await head.get("console/members", q=says["phone"]))["items"]
    await desk.goto(f"{site}/console/members/{row['id']}")
    story = desk.locator("#story")
    for word in ("qr", "signed", "bound", "shared", "agreed"):
        await expect(story.locator("ol")).to_contain_text(says[word])
    await story.get_by_role("button", name=says["scans"], exact=True).click()
    await expect(story.locator("ol li")).to_have_count(3)
    # A guide's code is named by guide and shop, and belongs to that shop: it is said once, and no dot is left over.
    for said in await story.locator("ol li p").all_inner_texts():
        words = [word.strip() for word in said.replace("\n", " ").split("\u00b7")]
        assert all(words), said
        assert len(set(words)) == len(words), said
    await expect(story.locator("ol")).not_to_contain_text(says["bound"])
    await story.get_by_role("button", name=says["all"], exact=True).click()
    await expect(story.locator("ol")).to_contain_text(says["bound"])
    ties = desk.locator("#relations")
    await expect(ties).to_contain_text(says["by"])
    await expect(ties.locator("ol li")).to_have_count(2)

    # A key for another system: shown once, used, revoked.
    await desk.goto(f"{site}/console/members/systems")
    await desk.get_by_role("button", name=says["make"]).click()
    sheet = desk.locator("dialog[open]")
    await sheet.get_by_role("button", name=re.compile(says["do"])).click()
    await expect(sheet.locator(".field-error")).to_have_count(2)
    await sheet.get_by_label(says["name"]).fill(f"BI {language}")
    await sheet.get_by_label(says["serve"]).check()
    await sheet.get_by_role("button", name=re.compile(says["do"])).click()
    token = await sheet.locator(".token").inner_text()
    await sheet.get_by_role("button", name=says["kept"]).click()
    mine = desk.locator(".keys li", has_text=f"BI {language}")
    await expect(mine).to_contain_text(says["never"])

    async def call() -> tuple[int, str]:
        outside = await playwright.request.new_context()
        answer = await outside.post(
            f"{site}/api/open/members/history",
            headers={"Authorization": f"Bearer {token}", "Idempotency-Key": str(uuid.uuid4())},
            data={"identity": {"kind": "phone", "value": says["phone"]}, "purpose": "service", "limit": 100},
        )
        text = await answer.text()
        await outside.dispose()
        return answer.status, text

    status, text = await call()
    assert status == 200, text
    events = {(one["kind"], one["event"]) for one in json.loads(text)["events"]}
    assert {("scan", "link"), ("scan", "signed_up"), ("guide", "bound"), ("share", "shared")} <= events
    await desk.reload()
    await expect(mine).to_contain_text(says["used"])
    await mine.get_by_role("button", name=re.compile(says["revoke"])).click()
    await sheet.get_by_label(says["reason"]).fill("OK")
    await sheet.get_by_role("button", name=re.compile(says["revoke"])).click()
    await expect(mine).to_contain_text(says["over"])
    assert (await call())[0] == 401
