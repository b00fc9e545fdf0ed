"""Asking WeChat for what pages are signed by: what goes out is what WeChat takes, every answer is understood, no secret is
told. And the sandbox answers as WeChat does, and checks a page as WeChat's script would."""

from __future__ import annotations

import json
import logging
import traceback
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from duoline.adapters.wechat import App
from duoline.adapters.wechat_sharing import SCRIPT, WechatKeys
from duoline.attribution.wechat import Key, QuotaUsedUp, TokenRefused
from duoline.attribution.wechat_sign import sign
from duoline.kernel import clock
from duoline.kernel.errors import Unavailable
from tests.adapters.test_wechat import HIDDEN, answering
from tests.http.wechat_stand import ACCOUNT, SECRETS, SITE, standing

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.http.wechat_stand import Stand

PAGE = "http://localhost:8000/p/MILK?q=1"


def keys(url: str, *, app: str = ACCOUNT, secret: str | None = None, deadline_s: float = 2.0) -> WechatKeys:
    return WechatKeys(App(app, secret or SECRETS[app]), api=url, deadline_s=deadline_s)


@pytest.fixture
async def stand(tmp_path: Path) -> AsyncIterator[Stand]:
    async with standing(tmp_path / "wechat.sqlite") as made:
        yield made


async def test_the_questions_are_wechats(kit: Any) -> None:
    assert keys("http://x").script == SCRIPT == "https://res.wx.qq.com/open/js/jweixin-1.6.0.js"
    async with answering(kit) as (other, url):
        other.body = b'{"access_token":"A","expires_in":7100}'
        assert await keys(url).token(renew=False) == Key("A", 7100)
        assert other.asked.split(" ")[:2] == ["POST", "/cgi-bin/stable_token"]
        other.body = b'{"errcode":0,"errmsg":"ok","ticket":"T","expires_in":7200}'
        assert await keys(url).ticket("A &x") == Key("T", 7200)
        assert other.asked.split(" ")[:2] == ["GET", "/cgi-bin/ticket/getticket?access_token=A+%26x&type=jsapi"]


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b'{"errcode":40001,"errmsg":"invalid credential"}', TokenRefused),
        (b'{"errcode":40014,"errmsg":"invalid access_token"}', TokenRefused),
        (b'{"errcode":42001,"errmsg":"access_token expired"}', TokenRefused),
        (b'{"errcode":45009,"errmsg":"reach max api daily quota limit"}', QuotaUsedUp),
        (b'{"errcode":-1,"errmsg":"system error"}', Unavailable),
        (b'{"errcode":45011}', Unavailable),
        (b'{"errcode":40164,"errmsg":"invalid ip"}', Unavailable),
        (b"{}", Unavailable),
        (b'{"ticket":"","expires_in":7200}', Unavailable),
        (b'{"ticket":"T"}', Unavailable),
        (b'{"ticket":"T","expires_in":-5}', Unavailable),
        (b'{"ticket":"' + b"x" * 1025 + b'","expires_in":7200}', Unavailable),
        (b"<html>", Unavailable),
        (b"\xff", Unavailable),
    ],
)
async def test_every_answer_is_understood(kit: Any, body: bytes, problem: type[Exception]) -> None:
    async with answering(kit) as (other, url):
        other.body = body
        with pytest.raises(problem):
            await keys(url).ticket("A")
        if problem is not TokenRefused:  # of the question for a token there is none to refuse
            with pytest.raises(problem):
                await keys(url).token(renew=False)


@pytest.mark.parametrize("status", [0, 302, 500])
async def test_no_answer_tells_no_secret(kit: Any, status: int, caplog: pytest.LogCaptureFixture) -> None:
    async with answering(kit) as (other, url):
        other.status = status
        asked = keys(url, secret=HIDDEN, deadline_s=0.5)
        told = ""
        with caplog.at_level(logging.DEBUG):
            for question in (asked.token(renew=False), asked.ticket(HIDDEN)):
                with pytest.raises(Unavailable) as caught:
                    await question
                told += "".join(traceback.format_exception(caught.value)) + repr(caught.value.__context__)
    assert HIDDEN not in told + caplog.text


# --- the sandbox -----------------------------------------------------------------------------------------------


async def test_everybody_gets_the_same_token_until_near_its_end(stand: Stand) -> None:
    ours = keys(stand.url)
    first = await ours.token(renew=False)
    assert (await keys(stand.url).token(renew=False)).value == first.value
    assert first.lasts_s == 7200
    with clock.shifted(timedelta(minutes=114)):
        again = await ours.token(renew=False)
        assert (again.value, again.lasts_s <= 360) == (first.value, True)
    with clock.shifted(timedelta(minutes=116)):
        second = await ours.token(renew=False)
        assert second.value != first.value
        assert (await ours.ticket(first.value)).lasts_s == 7200  # both are good for five minutes
    with clock.shifted(timedelta(minutes=121)), pytest.raises(TokenRefused):
        await ours.ticket(first.value)


async def test_a_renewed_token_ends_the_last_and_an_expired_one_is_refused(stand: Stand, kit: Any) -> None:
    ours = keys(stand.url)
    first = await ours.token(renew=False)
    second = await ours.token(renew=True)
    errcodes = []
    for value in (first.value, "nonsense"):
        with pytest.raises(TokenRefused):
            await ours.ticket(value)
    await stand.control("expire", what="token")
    async with kit.web() as http:
        for value in (first.value, second.value, ""):
            asked = {"access_token": value, "type": "jsapi"}
            errcodes.append((await http.get(f"{stand.url}/cgi-bin/ticket/getticket", params=asked)).json()["errcode"])
    assert errcodes == [40001, 42001, 41001]


async def test_wrong_questions_and_the_daily_quota(stand: Stand, kit: Any) -> None:
    async def errcode(**changed: Any) -> int:
        right = {"grant_type": "client_credential", "appid": ACCOUNT, "secret": SECRETS[ACCOUNT]}
        async with kit.web() as http:
            answer = await http.post(f"{stand.url}/cgi-bin/stable_token", content=json.dumps(right | changed))
        return int(answer.json().get("errcode", 0))

    assert [await errcode(**changed) for changed in (
        {}, {"grant_type": "x"}, {"appid": ""}, {"secret": ""}, {"appid": "none"}, {"secret": "x"},
        {"appid": SITE, "secret": SECRETS[SITE]},
    )] == [0, 40002, 41002, 41004, 40013, 40125, 40013]  # fmt: skip
    await stand.control("quota", what="token", left=1)
    assert [await errcode(), await errcode()] == [0, 45009]
    await stand.control("reset")
    assert await errcode() == 0


async def test_a_page_is_believed_for_what_was_signed_alone(stand: Stand, kit: Any) -> None:
    ours = keys(stand.url)
    ticket = (await ours.ticket((await ours.token(renew=False)).value)).value

    async def says(path: str, **asked: Any) -> str:
        async with kit.web() as http:
            answer = await http.post(f"{stand.url}/jssdk/{path}", json=asked)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["says"])

    signed = sign(ticket, PAGE, nonce="n", timestamp=1)
    right = {"app_id": ACCOUNT, "timestamp": 1, "nonce": "n", "signature": signed.signature, "page": PAGE}
    assert await says("config", **right) == "config:ok"
    for wrong, answer in (
        ({"page": PAGE + "&a=1"}, "signature"), ({"timestamp": 2}, "signature"), ({"nonce": "m"}, "signature"),
        ({"app_id": SITE}, "appid"), ({"page": PAGE.replace("localhost", "evil.example")}, "url domain"),
    ):  # fmt: skip
        assert await says("config", **(right | wrong)) == f"config:invalid {answer}"
    share = {
        "app_id": ACCOUNT, "to_whom": "friend", "page": PAGE, "title": "奶粉", "text": "好喝", "link": PAGE,
        "picture": "http://localhost:8000/a.png",
    }  # fmt: skip
    assert await says("shares", **share) == "ok"
    assert "js secure domain" in await says("shares", **(share | {"link": "https://evil.example/"}))
    assert "invalid" in await says("shares", **(share | {"picture": "/a.png"}))
    async with kit.web() as http:
        told = (await http.get(f"{stand.url}/control")).json()
        script = await http.get(f"{stand.url}/open/js/jweixin-1.6.0.js")
    assert (told["tokens"], told["tickets"]) == (1, 1)
    assert [(one["title"], one["text"], one["link"]) for one in told["shares"]] == [("奶粉", "好喝", PAGE)]
    assert "updateAppMessageShareData" in script.text
    with clock.shifted(timedelta(hours=2, seconds=1)):
        assert await says("config", **right) == "config:invalid signature"
