"""WeChat's menu, "send to a friend" and "moments": a stand-in for the script that pages load, and what it would send.

The script has the names, answers and rules of `jweixin-1.6.0.js` as far as sharing goes. It asks the sandbox whether a
signature is right for the page as WeChat sees it: on Android its address of the moment, on an iPhone the one it was
opened at, however the page has changed it since. What a page names for the menu is shown by the control API. It asks
the sandbox beside which it stands, so it works where the sandbox is mounted in the site itself, as in development.
"""

import hashlib
import hmac
import sqlite3
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import msgspec
from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import JSONBody

from duoline.adapters.sandbox.control import json_only
from duoline.adapters.wechat_sandbox import keys
from duoline.adapters.wechat_sandbox.site import WechatSandbox

Asked = Request[Any, Any, Any]

SCRIPT_PATH = "/open/js/jweixin-1.6.0.js"
SCRIPT = Path(__file__).with_name("jweixin.js")
SHARES_SHOWN_MAX = 50
TEXT_LENGTH_MAX = 2000
ToWhom = Literal["friend", "moments"]


class Configured(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a page said in `wx.config`, and its address as WeChat sees it."""

    app_id: str
    timestamp: int
    nonce: str
    signature: str
    page: str


class Share(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the menu of a page would send. Moments show no text."""

    app_id: str
    to_whom: ToWhom
    page: str
    title: str
    text: str
    link: str
    picture: str


class Told(msgspec.Struct):
    """WeChat's answer to a page; `ok` alone is good."""

    says: str


def routes(sandbox: WechatSandbox) -> list[HTTPRouteHandler]:
    """The script and what it asks."""

    @get(SCRIPT_PATH)
    async def script() -> Response[bytes]:
        headers = {"cache-control": "no-store"}
        return Response(SCRIPT.read_bytes(), media_type="application/javascript", headers=headers)

    @post("/jssdk/config", status_code=200, guards=[json_only])
    async def config(data: JSONBody[Configured]) -> Told:
        def work(db: sqlite3.Connection) -> Told:
            return Told(_checked(sandbox, db, data))

        return await sandbox.ledger.read(work)

    @post("/jssdk/shares", status_code=200, guards=[json_only])
    async def share(data: JSONBody[Share]) -> Told:
        return Told(await sandbox.ledger.write(lambda db: _named(sandbox, db, data)))

    return [script, config, share]


def shares(db: sqlite3.Connection) -> list[Share]:
    """What pages named for the menu, the newest first."""
    rows = db.execute("SELECT * FROM shares ORDER BY id DESC LIMIT ?", (SHARES_SHOWN_MAX,)).fetchall()
    return [
        Share("", row["to_whom"], row["page"], row["title"], row["text"], row["link"], row["picture"]) for row in rows
    ]


def _checked(sandbox: WechatSandbox, db: sqlite3.Connection, asked: Configured) -> str:
    app = sandbox.apps.get(asked.app_id)
    if app is None or app.kind != "account":
        return "config:invalid appid"
    if urlsplit(asked.page).hostname != app.domain:
        return "config:invalid url domain"
    for ticket in keys.tickets_of(db, app.id, now_ms=sandbox.now_ms()):
        told = f"jsapi_ticket={ticket}&noncestr={asked.nonce}&timestamp={asked.timestamp}&url={asked.page}"
        right = hashlib.sha1(told.encode(), usedforsecurity=False).hexdigest()
        if hmac.compare_digest(right, asked.signature):
            return "config:ok"
    return "config:invalid signature"


def _named(sandbox: WechatSandbox, db: sqlite3.Connection, share: Share) -> str:
    app = sandbox.apps.get(share.app_id)
    if app is None or urlsplit(share.link).hostname != app.domain:
        return "fail, link must be in js secure domain list"
    if not urlsplit(share.picture).scheme.startswith("http") or len(share.title + share.text) > TEXT_LENGTH_MAX:
        return "fail, invalid args"
    db.execute(
        "INSERT INTO shares (to_whom, page, title, text, link, picture) VALUES (?, ?, ?, ?, ?, ?)",
        (share.to_whom, share.page, share.title, share.text, share.link, share.picture),
    )
    return "ok"
