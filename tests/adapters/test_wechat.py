"""Asking WeChat: what goes out is what WeChat takes, every kind of answer is understood, and no secret is told. And the
sandbox, which stands for WeChat everywhere else, answers as WeChat does."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import time
import traceback
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from duoline.adapters.wechat import App, WechatLogin
from duoline.adapters.wechat_sandbox import openid_of, unionid_of
from duoline.adapters.wechat_sandbox.texts import MARK, TEXTS
from duoline.kernel import clock
from duoline.kernel.errors import Unavailable
from duoline.members.errors import WechatOff, WechatPreview, WechatRefused
from duoline.members.wechat import Wechat, WechatAccount
from tests.http.wechat_stand import ACCOUNT, SECRETS, SITE, standing

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.http.wechat_stand import Stand

SECRET = "very&secret=1 x"
HIDDEN = "".join(["TO", "P-", "hid", "den"])  # in no line of a traceback but by what it was used in
BACK = "http://localhost:8000/login/wechat?next=%2Fme"
STATE = "inside6922aa00" + "ab" * 24


def login(url: str, *, secret: str | None = None, **options: float) -> Wechat:
    account, site = App(ACCOUNT, secret or SECRETS[ACCOUNT]), App(SITE, secret or SECRETS[SITE])
    return WechatLogin({"inside": account, "outside": site}, pages=url, api=url, **options)


@pytest.fixture
async def stand(tmp_path: Path) -> AsyncIterator[Stand]:
    async with standing(tmp_path / "wechat.sqlite") as made:
        yield made


# --- our side, with somebody at the other end who answers as told ----------------------------------------------


class Other:
    """Whoever listens at the other end."""

    def __init__(self, kit: Any) -> None:
        self.kit, self.status, self.body, self.asked = kit, 200, b"{}", ""

    async def hear(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        self.asked = head.split("\r\n")[0]
        if self.status == 0:
            await reader.read()  # until the other side gives up
        else:
            where = "Location: http://127.0.0.1/elsewhere\r\n" if self.status == 302 else ""
            writer.write(
                f"HTTP/1.1 {self.status} X\r\n{where}Content-Type: text/plain\r\nContent-Length: {len(self.body)}\r\n\r\n".encode()
            )
            writer.write(self.body)
            await writer.drain()
        writer.close()


@asynccontextmanager
async def answering(kit: Any) -> AsyncIterator[tuple[Other, str]]:
    other = Other(kit)
    async with kit.listening(other.hear) as port:
        yield other, f"http://127.0.0.1:{port}"


async def test_the_question_is_wechats(kit: Any) -> None:
    async with answering(kit) as (other, url):
        other.body = b'{"access_token":"A","expires_in":7200,"refresh_token":"R","openid":"o1","scope":"snsapi_userinfo","unionid":"u1"}'
        assert await login(url, secret=SECRET).who("inside", "a code&x=1") == WechatAccount("u1", "o1")
        method, target, _ = other.asked.split(" ")
        assert (method, urlsplit(target).path) == ("GET", "/sns/oauth2/access_token")
        asked = parse_qsl(urlsplit(target).query, strict_parsing=True)
        assert asked == [
            ("appid", ACCOUNT), ("secret", SECRET), ("code", "a code&x=1"), ("grant_type", "authorization_code"),
        ]  # fmt: skip
        # The open id of a website application is another one for the same person; it is not taken.
        assert await login(url).who("outside", "c") == WechatAccount("u1", None)
        other.body = b'{"openid":"o1"}'
        assert await login(url).who("inside", "c") == WechatAccount(None, "o1")


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b'{"errcode":40029,"errmsg":"invalid code"}', WechatRefused),
        (b'{"errcode":40163,"errmsg":"code been used"}', WechatRefused),
        (b'{"errcode":42003,"errmsg":"code expired"}', WechatRefused),
        (b'{"errcode":40226,"errmsg":"code blocked"}', WechatRefused),
        (b'{"errcode":-1,"errmsg":"system error"}', Unavailable),
        (b'{"errcode":45011,"errmsg":"api minute-quota reach limit"}', Unavailable),
        (b'{"errcode":40125,"errmsg":"invalid appsecret"}', Unavailable),
        (b'{"openid":"o1","unionid":"u1","is_snapshotuser":1}', WechatPreview),
        (b"{}", Unavailable),
        (b'{"openid":"","unionid":" "}', Unavailable),
        (b'{"openid":"' + b"x" * 101 + b'"}', Unavailable),
        (b'{"openid":5}', Unavailable),
        (b"<html>", Unavailable),
        (b"\xff", Unavailable),
        (b"", Unavailable),
        (b"[" * 100_000, Unavailable),
    ],
)
async def test_every_answer_is_understood(kit: Any, body: bytes, problem: type[Exception]) -> None:
    async with answering(kit) as (other, url):
        other.body = body
        with pytest.raises(problem):
            await login(url).who("inside", "c")


@pytest.mark.parametrize("status", [0, 204, 302, 404, 500, 503])
async def test_no_answer_is_try_again_within_seconds_and_tells_no_secret(
    kit: Any, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    async with answering(kit) as (other, url):
        other.status = status
        other.body = b"" if status == 204 else b"{}"
        began = time.monotonic()
        with caplog.at_level(logging.DEBUG), pytest.raises(Unavailable) as caught:
            await login(url, secret=HIDDEN, deadline_s=0.5).who("inside", "c")
        assert time.monotonic() - began < 5
    told = "".join(traceback.format_exception(caught.value)) + caplog.text + repr(caught.value.__context__)
    assert HIDDEN not in told
    assert HIDDEN not in repr(App("x", HIDDEN))


async def test_nobody_there_is_try_again(kit: Any, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG), pytest.raises(Unavailable) as caught:
        await login(f"http://127.0.0.1:{kit.free_port()}", secret=HIDDEN).who("inside", "c")
    assert HIDDEN not in "".join(traceback.format_exception(caught.value)) + caplog.text


def test_the_address_is_wechats_to_the_letter() -> None:
    own = WechatLogin({"inside": App("wx1", "s"), "outside": App("wx2", "s")})
    assert own.address("inside", back="https://shop.example/login/wechat?next=/me", state="abc") == (
        "https://open.weixin.qq.com/connect/oauth2/authorize?appid=wx1"
        "&redirect_uri=https%3A%2F%2Fshop.example%2Flogin%2Fwechat%3Fnext%3D%2Fme"
        "&response_type=code&scope=snsapi_userinfo&state=abc#wechat_redirect"
    )
    assert own.address("outside", back="https://shop.example/x", state="abc") == (
        "https://open.weixin.qq.com/connect/qrconnect?appid=wx2&redirect_uri=https%3A%2F%2Fshop.example%2Fx"
        "&response_type=code&scope=snsapi_login&state=abc#wechat_redirect"
    )


async def test_where_there_is_no_application_nothing_is_offered() -> None:
    own = WechatLogin({"inside": App("wx1", "s")})
    assert own.places == {"inside"}
    with pytest.raises(WechatOff):
        own.address("outside", back="https://shop.example/x", state="abc")
    with pytest.raises(WechatOff):
        await own.who("outside", "c")


# --- the sandbox -----------------------------------------------------------------------------------------------


async def test_an_account_is_the_same_each_time_and_one_over_applications(stand: Stand) -> None:
    ours = login(stand.url)
    first = await ours.who("inside", await stand.code("fang"))
    assert first == WechatAccount(unionid_of("fang"), openid_of(ACCOUNT, "fang"))
    assert await ours.who("inside", await stand.code("fang")) == first
    assert openid_of(SITE, "fang") != openid_of(ACCOUNT, "fang")
    site = await ours.who("outside", await stand.code("fang", app=SITE, scope="snsapi_login"))
    assert site == WechatAccount(first.unionid, None)
    other = await ours.who("inside", await stand.code("li"))
    assert not set(other) & set(first)
    # Who only looks in is not told of by their union id.
    assert (await ours.who("inside", await stand.code("fang", scope="snsapi_base"))).unionid is None
    assert all(len(each) == 28 and each.isascii() for each in (*first, *other) if each)


async def raw(stand: Stand, kit: Any, **asked: str) -> Any:
    async with kit.web() as http:
        answer = await http.get(f"{stand.url}/sns/oauth2/access_token", params=asked)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain")
    return answer.json()


async def test_wrong_questions_are_answered_as_wechat_does(stand: Stand, kit: Any) -> None:
    right = {"appid": ACCOUNT, "secret": SECRETS[ACCOUNT], "code": await stand.code("fang")}
    for changed, errcode in (
        ({"appid": ""}, 41002), ({"secret": ""}, 41004), ({"code": ""}, 41008), ({"appid": "wx-none"}, 40013),
        ({"secret": "x"}, 40125), ({"code": "x"}, 40029), ({"appid": SITE, "secret": SECRETS[SITE]}, 40029),
    ):  # fmt: skip
        assert (await raw(stand, kit, **(right | changed)))["errcode"] == errcode
    good = await raw(stand, kit, **right)
    assert set(good) == {"access_token", "expires_in", "refresh_token", "openid", "scope", "unionid"}
    assert (await raw(stand, kit, **right))["errcode"] == 40163
    late = right | {"code": await stand.code("fang")}
    with clock.shifted(timedelta(minutes=5, seconds=1)):
        assert (await raw(stand, kit, **late))["errcode"] == 42003
    assert (await raw(stand, kit, **late))["openid"] == openid_of(ACCOUNT, "fang")


async def test_what_goes_wrong_is_told_and_forgotten(stand: Stand) -> None:
    ours = login(stand.url, deadline_s=1.0)
    for how, problem in (
        ({"how": "error"}, Unavailable), ({"how": "hang", "seconds": 5}, Unavailable), ({"how": "garbled"}, Unavailable),
        ({"how": "errcode", "errcode": 45011}, Unavailable), ({"how": "preview"}, WechatPreview),
    ):  # fmt: skip
        await stand.control("answer", **how)
        with pytest.raises(problem):
            await ours.who("inside", await stand.code("fang"))
    await stand.control("answer", how="error", times=100)
    await stand.control("reset")
    assert (await ours.who("inside", await stand.code("fang"))).unionid == unionid_of("fang")


async def test_a_browser_agrees_and_is_remembered_or_declines(stand: Stand, kit: Any) -> None:
    ours = login(stand.url)
    address = ours.address("inside", back=BACK, state=STATE)
    async with kit.web() as browser:
        page = await browser.get(address, headers={"accept-language": "zh"})
        assert page.status_code == 200
        assert "双线母婴" in page.text
        assert "script" not in page.headers["content-security-policy"]
        bad = await browser.post(address, data={"account": "WRONG NAME", "answer": "yes"})
        assert (bad.status_code, 'role="alert"' in bad.text) == (422, True)
        agreed = await browser.post(address, data={"account": "fang", "answer": "yes"})
        assert agreed.status_code == 303
        back = urlsplit(agreed.headers["location"])
        told = dict(parse_qsl(back.query))
        assert (back.hostname, back.path, told["next"], told["state"]) == ("localhost", "/login/wechat", "/me", STATE)
        assert (await ours.who("inside", told["code"])).openid == openid_of(ACCOUNT, "fang")
        assert 'value="fang"' in (await browser.get(address)).text
        declined = await browser.post(address, data={"answer": "no"})
        assert dict(parse_qsl(urlsplit(declined.headers["location"]).query)) == {"next": "/me", "state": STATE}
        # Asked without a page, it goes back at once.
        silent = await browser.get(address.replace("snsapi_userinfo", "snsapi_base"))
        assert (silent.status_code, "code=" in silent.headers["location"]) == (303, True)


async def test_a_link_that_wechat_would_not_open_is_not_opened(stand: Stand, kit: Any) -> None:
    ours = login(stand.url)
    right = ours.address("inside", back=BACK, state=STATE)
    site = ours.address("outside", back=BACK, state=STATE)
    wrong = [
        right.replace(ACCOUNT, "wx-none"),
        right.replace("localhost", "evil.example"),
        right.replace("response_type=code", "response_type=token"),
        right.replace("snsapi_userinfo", "snsapi_login"),
        right.replace(STATE, "a-b"),
        right.replace(STATE, "a" * 129),
        right.replace(f"&state={STATE}", "").replace("appid=", f"state={STATE}&appid="),
        site.replace("qrconnect", "oauth2/authorize"),
    ]
    async with kit.web() as browser:
        assert (await browser.get(site)).status_code == 200
        for address in wrong:
            for answer in (await browser.get(address), await browser.post(address, data={"answer": "yes"})):
                assert (answer.status_code, "location" in answer.headers) == (400, False), address


def test_both_languages_say_everything() -> None:
    assert TEXTS["zh"].keys() == TEXTS["en"].keys()
    assert MARK.keys() == TEXTS.keys()


async def test_it_stands_alone(tmp_path: Path, kit: Any) -> None:
    port = kit.free_port()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-W", "error", "-m", "duoline.adapters.wechat_sandbox", "--books", str(tmp_path / "w.sqlite"),
        "--port", str(port), "--app", "wx-one=secret", "--site", "wx-two=secret2",
        env=os.environ | {"PYTHONPATH": str(kit.SOURCE)}, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    url = f"http://127.0.0.1:{port}"
    try:
        async with kit.web() as http:
            for _ in range(600):
                try:
                    made = await http.post(f"{url}/control", json={"do": "agree", "app_id": "wx-one", "account": "a"})
                    break
                except kit.httpx.TransportError:
                    await asyncio.sleep(0.05)
        ours = WechatLogin({"inside": App("wx-one", "secret")}, pages=url, api=url)
        assert (await ours.who("inside", made.json()["code"])).openid == openid_of("wx-one", "a")
    finally:
        process.terminate()
        assert await process.wait() == 0
