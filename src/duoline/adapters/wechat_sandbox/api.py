"""The questions of an application: whose account a code is, its token, its ticket. All are answered with 200, as
WeChat does."""

import sqlite3
from collections.abc import Callable
from typing import Any

import msgspec
from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler

from duoline.adapters.wechat_sandbox import codes, keys
from duoline.adapters.wechat_sandbox.site import WechatSandbox

Asked = Request[Any, Any, Any]


def routes(sandbox: WechatSandbox) -> list[HTTPRouteHandler]:
    """The questions that a sandbox answers."""

    @get("/sns/oauth2/access_token")
    async def access_token(request: Asked) -> Response[Any]:
        return await answered(lambda db: _answer(sandbox, db, dict(request.query_params)))

    @post("/cgi-bin/stable_token", status_code=200)
    async def stable_token(request: Asked) -> Response[Any]:
        try:
            asked = msgspec.json.decode(await request.body(), type=keys.TokenAsked)
        except msgspec.DecodeError:
            return _wrong(47001)
        return await answered(lambda db: keys.token(sandbox, db, asked))

    @get("/cgi-bin/ticket/getticket")
    async def getticket(request: Asked) -> Response[Any]:
        return await answered(lambda db: keys.ticket(sandbox, db, dict(request.query_params)))

    async def answered(work: Callable[[sqlite3.Connection], dict[str, object] | int]) -> Response[Any]:
        spoilt = await sandbox.ledger.write(_next_spoilt)
        if spoilt is not None:
            if spoilt["how"] == "hang":
                await sandbox.hang(spoilt["seconds"])
            if spoilt["how"] in ("hang", "error"):
                return Response("", status_code=502)
            if spoilt["how"] == "garbled":
                return _told("<html>")
            if spoilt["how"] == "errcode":
                return _wrong(spoilt["errcode"])
        told = await sandbox.ledger.write(work)
        if isinstance(told, int):
            return _wrong(told)
        return _told(told | {"is_snapshotuser": 1} if spoilt is not None else told)

    return [access_token, stable_token, getticket]


def _answer(sandbox: WechatSandbox, db: sqlite3.Connection, asked: dict[str, str]) -> dict[str, object] | int:
    for name, missing in (("appid", 41002), ("secret", 41004), ("code", 41008)):
        if not asked.get(name):
            return missing
    app = sandbox.apps.get(asked["appid"])
    if app is None:
        return 40013
    if asked["secret"] != app.secret:
        return 40125
    return codes.exchange(db, asked["code"], app, now_ms=sandbox.now_ms())


def _next_spoilt(db: sqlite3.Connection) -> sqlite3.Row | None:
    """What is to go wrong with this answer, counted; None for nothing."""
    row: sqlite3.Row | None = db.execute("SELECT * FROM spoilt WHERE times_left > 0 ORDER BY id LIMIT 1").fetchone()
    if row is not None:
        db.execute("UPDATE spoilt SET times_left = times_left - 1 WHERE id = ?", (row["id"],))
    return row


def _wrong(errcode: int) -> Response[Any]:
    return _told({"errcode": errcode, "errmsg": f"{codes.MESSAGES.get(errcode, 'error')}, rid: sandbox"})


def _told(content: Any) -> Response[Any]:
    """WeChat calls its JSON plain text."""
    body = content.encode() if isinstance(content, str) else msgspec.json.encode(content)
    return Response(body, media_type="text/plain", headers={"cache-control": "no-store"})
