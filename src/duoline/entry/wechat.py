"""The WeChat that this installation asks, and in development the sandbox one beside the API."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from duoline.adapters.wechat import API, PAGES, App, WechatLogin
from duoline.adapters.wechat_sandbox import SCRIPT_PATH, SandboxApp, WechatSandbox, app_secret, mount
from duoline.adapters.wechat_sharing import SCRIPT, WechatKeys
from duoline.attribution import wechat as sharing
from duoline.channels.http import doors
from duoline.channels.http.app import Parts
from duoline.members import wechat

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from litestar import Litestar

    from duoline.kernel.config import Settings
    from duoline.members.wechat import Place

ACCOUNT, SITE = "wx-sandbox", "wx-sandbox-site"
PATH = "/wechat"


def connect(settings: Settings) -> None:
    """WeChat itself when the chain's applications are set, in development the sandbox, else none.

    Its menu sends our links where members log in inside it: both are the Official Account's.
    """
    wechat.connect(_login(settings))
    sharing.connect(_sharing(settings))


def _login(settings: Settings) -> WechatLogin | None:
    apps: dict[Place, App] = {}
    if settings.wechat_app_id is not None:
        apps["inside"] = App(settings.wechat_app_id, settings.wechat_secret)
    if settings.wechat_site_app_id is not None:
        apps["outside"] = App(settings.wechat_site_app_id, settings.wechat_site_secret)
    if apps:
        own = settings.wechat_url
        return WechatLogin(apps, pages=own or PAGES, api=own or API)
    if settings.development:
        pages = PATH  # on whichever name of this machine the developer uses
        return WechatLogin(
            {"inside": _sandbox_app(settings, ACCOUNT), "outside": _sandbox_app(settings, SITE)},
            pages=pages,
            api=_sandbox_api(settings),
        )
    return None


def _sharing(settings: Settings) -> WechatKeys | None:
    if settings.wechat_app_id is not None:
        account = App(settings.wechat_app_id, settings.wechat_secret)
        return WechatKeys(account, api=settings.wechat_url or API, script=settings.wechat_script or SCRIPT)
    if settings.development and settings.wechat_site_app_id is None:
        script = settings.wechat_script or f"{PATH}{SCRIPT_PATH}"
        return WechatKeys(_sandbox_app(settings, ACCOUNT), api=_sandbox_api(settings), script=script)
    return None


def _sandbox_app(settings: Settings, app_id: str) -> App:
    return App(app_id, app_secret(settings.secret, app_id))


def _sandbox_api(settings: Settings) -> str:
    return f"http://127.0.0.1:{settings.port}{PATH}"


def parts(settings: Settings) -> Parts:
    """The script that pages may load, and in development the sandbox WeChat, where everybody can be anybody."""
    asked = _sharing(settings)
    scripts = [asked.script] if asked is not None and not asked.script.startswith("/") else []
    if not settings.development:
        return Parts(scripts=scripts)
    domain = urlsplit(settings.public_url).hostname or "localhost"
    sandbox = WechatSandbox(
        settings.sandbox_dir / "wechat.sqlite",
        (
            SandboxApp(ACCOUNT, app_secret(settings.secret, ACCOUNT), "双线母婴", "Duoline Baby", domain, "account"),
            SandboxApp(SITE, app_secret(settings.secret, SITE), "双线母婴", "Duoline Baby", domain, "website"),
        ),
    )

    @asynccontextmanager
    async def running(_app: Litestar) -> AsyncIterator[None]:
        async with sandbox.running():
            yield

    route = mount(sandbox, PATH)
    route.opt.update(doors.development())
    return Parts(routes=[route], lifespan=[running], scripts=scripts)
