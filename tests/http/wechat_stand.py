"""A WeChat for tests: the sandbox on a port of its own, and a world whose members may log in by it."""

from __future__ import annotations

import asyncio
import socket
import ssl
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

import httpx
from granian.constants import Interfaces
from granian.server.embed import Server

from duoline.adapters.wechat_sandbox import SandboxApp, WechatSandbox, create_app
from tests.http.world import Caller, World, open_world

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from duoline.kernel.db import Database

ACCOUNT, SITE = "wx-account", "wx-site"
SECRETS = {ACCOUNT: "a-secret-of-the-account", SITE: "a-secret-of-the-site"}
DOMAIN = "localhost"
# Plain http on loopback; loading root certificates for each client would take longer.
NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


@dataclass
class Stand:
    """Where a sandbox is."""

    url: str

    async def control(self, action: str, **fields: Any) -> dict[str, Any]:
        """One call of the control API that must succeed."""
        async with httpx.AsyncClient(verify=NO_TLS) as http:
            answer = await http.post(f"{self.url}/control", json={"do": action, **fields})
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def code(self, account: str, *, app: str = ACCOUNT, scope: str = "snsapi_userinfo") -> str:
        """The owner of an account agrees, without a browser."""
        return str((await self.control("agree", app_id=app, account=account, scope=scope))["code"])


@asynccontextmanager
async def standing(path: Path, *, domain: str = DOMAIN) -> AsyncIterator[Stand]:
    """Serve a sandbox with an Official Account and a website application, in this process, at this process's time."""
    apps = (
        SandboxApp(ACCOUNT, SECRETS[ACCOUNT], "双线母婴", "Duoline Baby", domain, "account"),
        SandboxApp(SITE, SECRETS[SITE], "双线母婴", "Duoline Baby", domain, "website"),
    )
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    sandbox = WechatSandbox(path, apps)
    server = Server(
        create_app(sandbox, mounted=True),
        address="127.0.0.1",
        port=port,
        interface=Interfaces.ASGINL,
        websockets=False,
        log_enabled=False,
    )
    async with sandbox.running():
        task = asyncio.create_task(server.serve())
        try:
            async with httpx.AsyncClient(verify=NO_TLS) as http:
                for _ in range(500):
                    with suppress(httpx.TransportError):
                        await http.get(f"http://127.0.0.1:{port}/control")
                        break
                    await asyncio.sleep(0.02)
            yield Stand(f"http://127.0.0.1:{port}")
        finally:
            server.stop()
            await task


@asynccontextmanager
async def open_wechat_world(db: Database, home: Path) -> AsyncIterator[tuple[World, Stand]]:
    """The chain, known to a WeChat of the test's own."""
    async with standing(home / "wechat.sqlite") as stand:
        own = {
            "DUOLINE_WECHAT_APP_ID": ACCOUNT,
            "DUOLINE_WECHAT_SECRET": SECRETS[ACCOUNT],
            "DUOLINE_WECHAT_SITE_APP_ID": SITE,
            "DUOLINE_WECHAT_SITE_SECRET": SECRETS[SITE],
            "DUOLINE_WECHAT_URL": stand.url,
        }
        async with open_world(db, home, **own) as world:
            yield world, stand


async def begin(browser: Caller, *, place: str = "inside", next_: str | None = None) -> dict[str, str]:
    """Set out to WeChat; what the address says."""
    body = {"place": place} | ({"next": next_} if next_ else {})
    begun = await browser.post("/api/mall/wechat-starts", body)
    assert begun.status_code == 201, begun.text
    return dict(parse_qsl(urlsplit(begun.json()["address"]).query))


async def by_wechat(stand: Stand, browser: Caller, account: str, *, place: str = "inside") -> httpx.Response:
    """All the way through WeChat and back, by that account."""
    asked = await begin(browser, place=place)
    code = await stand.code(account, app=asked["appid"], scope=asked["scope"])
    return await browser.post("/api/mall/wechat-sessions", {"code": code, "state": asked["state"]})


async def by_phone(world: World, browser: Caller, phone: str, *, wechat: bool = False) -> dict[str, Any]:
    """Log in with a number of eleven digits and the code it received."""
    sent = await browser.post("/api/mall/login-codes", {"phone": phone})
    assert sent.status_code == 202, sent.text
    code = await world.code_sent("+86" + phone)
    body = {"phone": phone, "code": code} | ({"wechat": True} if wechat else {})
    entered = await browser.post("/api/mall/sessions", body)
    assert entered.status_code == 201, entered.text
    return dict(entered.json())
