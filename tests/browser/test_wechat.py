"""Log in by WeChat: the first time with a number, from then on with one tap; linked and unlinked under Me."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable

import pytest
from playwright.async_api import Page, expect

from tests.browser.faces import in_languages
from tests.browser.test_coupons import log_in

pytestmark = pytest.mark.browser

Visit = Callable[..., Awaitable[Page]]
IN_WECHAT = (
    "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Mobile Safari/537.36"
    " MicroMessenger/8.0.50(0x28003235) WeChat/arm64 Language/zh_CN"
)
WORDS = {
    "zh": {"phone": "19910004061", "other": "19910004063", "go": "微信登录", "allow": "允许", "no": "拒绝", "linked": "微信已绑定",
           "needed": "这个微信还没有绑定会员", "row": "微信 已绑定", "link": "微信 去绑定", "end": "解除绑定", "ended": "已解除微信绑定",
           "leave": "退出登录", "in": "已登录", "stopped": "没有完成微信授权", "again": "重新用微信登录", "taken": "这个微信属于另一位会员",
           "on": "继续"},
    "en": {"phone": "19910004062", "other": "19910004064", "go": "Continue with WeChat", "allow": "Allow", "no": "Reject",
           "linked": "WeChat is linked", "needed": "not a member's yet", "row": "WeChat Linked", "link": "WeChat Link", "end": "Unlink",
           "ended": "WeChat is unlinked", "leave": "Log out", "in": "You are logged in", "stopped": "You did not finish at WeChat",
           "again": "Try WeChat again", "taken": "another member's", "on": "Continue"},
}  # fmt: skip


async def agree(page: Page, account: str, says: dict[str, str]) -> None:
    """At WeChat: be that account, and let the shop know."""
    await page.wait_for_url(re.compile("/wechat/connect/"))
    await page.locator("input[name=account]").fill(account)
    await page.get_by_role("button", name=says["allow"], exact=True).click()


async def leave(page: Page, says: dict[str, str]) -> None:
    await page.get_by_role("button", name=says["leave"], exact=True).click()
    await page.locator("dialog[open]").get_by_role("button", name=says["leave"], exact=True).click()
    await expect(page.locator("header, nav").first).to_be_visible()
    await page.wait_for_url(re.compile(r":\d+/$"))


@in_languages
async def test_the_first_time_with_a_number_then_with_one_tap(site: str, visit: Visit, language: str) -> None:
    says, account = WORDS[language], f"fang-{language}"
    page = await visit(language=language)
    await page.goto(f"{site}/login?next=/me")
    await page.get_by_role("button", name=says["go"]).click()
    await agree(page, account, says)

    # WeChat knows them, we do not yet: their number says who they are.
    await page.wait_for_url(re.compile(r"/login\?.*wechat=1"))
    await expect(page.get_by_text(says["needed"])).to_be_visible()
    assert "code=" not in page.url
    await log_in(page, says["phone"])
    await page.wait_for_url(re.compile("/me$"))
    await expect(page.get_by_role("status").get_by_text(says["linked"])).to_be_visible()
    await expect(page.get_by_role("button", name=says["row"])).to_be_visible()

    # The next time WeChat is enough, and leads back to where they were.
    await leave(page, says)
    await page.goto(f"{site}/login?next=/me/guide")
    await page.get_by_role("button", name=says["go"]).click()
    await agree(page, account, says)
    await page.wait_for_url(re.compile("/me/guide$"))
    await expect(page.get_by_role("status").get_by_text(says["in"])).to_be_visible()

    # Another member cannot have it.
    other = await visit(language=language)
    await other.goto(f"{site}/login?next=/me")
    await log_in(other, says["other"])
    await other.wait_for_url(re.compile("/me$"))
    await other.get_by_role("button", name=says["link"]).click()
    await agree(other, account, says)
    await expect(other.get_by_text(says["taken"])).to_be_visible()
    await other.get_by_role("link", name=says["on"], exact=True).click()
    await expect(other.get_by_role("button", name=says["link"])).to_be_visible()

    # Unlinked, it is nobody's again; and then the other's.
    await page.goto(f"{site}/me")
    await page.get_by_role("button", name=says["row"]).click()
    await page.locator("dialog[open]").get_by_role("button", name=says["end"], exact=True).click()
    await expect(page.get_by_role("status").get_by_text(says["ended"])).to_be_visible()
    await expect(page.get_by_role("button", name=says["link"])).to_be_visible()
    await other.get_by_role("button", name=says["link"]).click()
    await agree(other, account, says)
    await other.wait_for_url(re.compile("/me$"))
    await expect(other.get_by_role("button", name=says["row"])).to_be_visible()


async def test_inside_wechat_it_comes_first_and_who_declines_has_a_way_on(site: str, visit: Visit) -> None:
    says = WORDS["zh"]
    page = await visit(user_agent=IN_WECHAT)
    await page.goto(f"{site}/login")
    first = page.get_by_role("button", name=says["go"])
    await first.wait_for()
    button, field = await first.bounding_box(), await page.locator("#l-phone").bounding_box()
    assert button is not None
    assert field is not None
    assert button["y"] < field["y"]
    await first.click()
    await page.wait_for_url(re.compile("/wechat/connect/oauth2/authorize"))
    await page.get_by_role("button", name=says["no"], exact=True).click()
    await expect(
        page.get_by_role("heading", name=says["stopped"]).or_(page.get_by_text(says["stopped"])).first
    ).to_be_visible()
    await page.get_by_role("button", name=says["again"]).click()
    await agree(page, "nobody-yet", says)
    await page.wait_for_url(re.compile(r"/login\?.*wechat=1"))

    # An address that was passed on, or is opened again, opens nothing.
    stranger = await visit()
    await stranger.goto(f"{site}/login/wechat?code=0123456789&state=inside0000000000")
    await expect(stranger.locator(".d-error")).to_be_visible()
    await expect(stranger.get_by_role("button", name=says["again"])).to_be_visible()
    assert "code=" not in stranger.url
