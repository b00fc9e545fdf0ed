"""The development inbox: codes are logged, kept within bounds, and shown."""

from __future__ import annotations

import asyncio
import logging
import stat
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from litestar import Litestar

from duoline.adapters import dev_inbox
from duoline.adapters.dev_inbox import DevInbox
from duoline.kernel import clock
from duoline.members.sms import SmsMessage, SmsSender, SmsTemplate

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def inbox(tmp_path: Path) -> DevInbox:
    """An empty inbox."""
    return DevInbox(tmp_path / "home" / "dev_inbox.sqlite")


def login_code(phone: str, code: str, **changes: Any) -> SmsMessage:
    """The message with a log-in code."""
    wanted: dict[str, Any] = {
        "phone": phone,
        "template": SmsTemplate.LOGIN_CODE,
        "fields": {"code": code, "minutes": "5"},
    } | changes
    return SmsMessage(**wanted)


async def test_a_code_is_logged_and_kept(inbox: DevInbox, caplog: pytest.LogCaptureFixture) -> None:
    sender: SmsSender = inbox
    at = datetime(2026, 11, 21, 8, 30, tzinfo=UTC)
    with caplog.at_level(logging.INFO, logger="duoline.sms"), clock.frozen(at):
        await sender.send(login_code("13800001234", "482107"))
    [record] = caplog.records
    assert record.levelno == logging.INFO
    assert "482107" in record.getMessage()
    [message] = await inbox.messages()
    assert (message.phone, message.code, message.at) == ("13800001234", "482107", "2026-11-21T08:30:00.000Z")
    assert message.text == "【双线】验证码 482107，5 分钟内有效。请不要告诉他人。"


async def test_every_message_has_both_languages(inbox: DevInbox) -> None:
    assert {(template, locale) for template in SmsTemplate for locale in ("zh", "en")} == set(dev_inbox.TEXTS)
    await inbox.send(login_code("13800001234", "482107", locale="en"))
    [message] = await inbox.messages()
    assert message.text == "[Duoline] Your code is 482107, valid for 5 minutes. Tell it to nobody."


async def test_the_inbox_keeps_the_last_two_hundred(inbox: DevInbox) -> None:
    for n in range(dev_inbox.KEPT + 20):
        await inbox.send(login_code(f"138{n:08}", f"{n:06}"))
    messages = await inbox.messages()
    assert len(messages) == 200
    assert [messages[0].code, messages[-1].code] == ["000219", "000020"]
    assert [message.code for message in await inbox.messages(phone="13800000100")] == ["000100"]
    assert await inbox.messages(phone="13800000001") == []


async def test_the_file_is_its_owners_alone(inbox: DevInbox) -> None:
    for made_before in (False, True):
        await inbox.send(login_code("13800001234", "482107"))
        files = list(inbox.path.parent.iterdir())
        assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}, made_before
        inbox.path.chmod(0o644)


async def test_two_processes_may_write_at_once(inbox: DevInbox) -> None:
    other = DevInbox(inbox.path)
    await asyncio.gather(*(box.send(login_code("13800001234", f"{n:06}")) for n in range(20) for box in (inbox, other)))
    assert len(await inbox.messages()) == 40


async def test_the_inbox_is_shown_as_data_and_as_a_page(inbox: DevInbox, kit: Any) -> None:
    application = Litestar(dev_inbox.routes(inbox), openapi_config=None, logging_config=None)
    async with kit.serving(application) as url, kit.web() as browser:
        assert (await browser.get(f"{url}/api/dev/inbox")).json() == {"items": []}
        assert "还没有短信" in (await browser.get(f"{url}/dev/inbox")).text
        await inbox.send(login_code("13800001234", "482107"))
        await inbox.send(login_code("<b>13900005678", "730518"))
        [first] = (await browser.get(f"{url}/api/dev/inbox", params={"phone": "13800001234"})).json()["items"]
        assert (first["code"], first["template"]) == ("482107", "login_code")
        assert len((await browser.get(f"{url}/api/dev/inbox", params={"limit": 1})).json()["items"]) == 1
        assert (await browser.get(f"{url}/api/dev/inbox", params={"limit": 0})).status_code == 400
        page = await browser.get(f"{url}/dev/inbox", headers={"accept-language": "en"})
        assert "Development inbox" in page.text
        assert "&lt;b&gt;13900005678" in page.text
        assert page.text.index("730518") < page.text.index("482107")
        assert page.headers["cache-control"] == "no-store"
