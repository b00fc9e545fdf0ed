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
    apps: dict[Place, App] = {}
    if settings.wechat_app_id is not None:
        apps["inside"] = App(settings.wechat_app_id, settings.wechat_secret)
    if settings.wechat_site_app_id is not None:
        apps["outside"] = App(settings.wechat_site_app_id, settings.wechat_site_secret)
    if apps:
        own = settings.wechat_url
        wechat.connect(WechatLogin(apps, pages=own or PAGES, api=own or API))
        account = apps.get("inside")
        script = settings.wechat_script or SCRIPT
        sharing.connect(account and WechatKeys(account, api=own or API, script=script))
    elif settings.development:
        wechat.connect(
            WechatLogin(
                {
                    "inside": App(ACCOUNT, app_secret(settings.secret, ACCOUNT)),
                    "outside": App(SITE, app_secret(settings.secret, SITE)),
                },
                pages=PATH,  # on whichever name of this machine the developer uses
                api=f"http://127.0.0.1:{settings.port}{PATH}",
            )
        )
        sharing.connect(
            WechatKeys(
                App(ACCOUNT, app_secret(settings.secret, ACCOUNT)),
                api=f"http://127.0.0.1:{settings.port}{PATH}",
                script=settings.wechat_script or f"{PATH}{SCRIPT_PATH}",
            )
        )
    else:
        wechat.connect(None)
        sharing.connect(None)


def parts(settings: Settings) -> Parts:
    """The script that pages may load, and in development the sandbox WeChat, where everybody can be anybody."""
    connect(settings)
    asked = sharing.sharing()
    scripts = [asked.script] if asked is not None and not asked.script.startswith("/") else []
    if not settings.development:
        return Parts(scripts=scripts)
    settings.sandbox_dir.mkdir(parents=True, exist_ok=True)
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
