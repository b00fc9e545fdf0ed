"""The control API: agree without a browser, see what would be shared, say what goes wrong. For development and tests,
JSON only."""

import sqlite3
from typing import Annotated, Literal

import msgspec
from litestar import Router, get, post
from litestar.params import JSONBody

from duoline.adapters.sandbox.accounts import PATTERN
from duoline.adapters.sandbox.control import json_only
from duoline.adapters.wechat_sandbox import codes, keys, menu
from duoline.adapters.wechat_sandbox.site import WechatSandbox

How = Literal["error", "hang", "garbled", "errcode", "preview"]


class Agree(msgspec.Struct, frozen=True, kw_only=True, tag_field="do", tag="agree", forbid_unknown_fields=True):
    """The owner of an account agrees, and the application gets a code of theirs."""

    app_id: str
    account: Annotated[str, msgspec.Meta(pattern=f"^{PATTERN}$")]
    scope: Literal["snsapi_base", "snsapi_userinfo", "snsapi_login"] = "snsapi_userinfo"


class Spoil(msgspec.Struct, frozen=True, kw_only=True, tag_field="do", tag="answer", forbid_unknown_fields=True):
    """Spoil the next answers: 502, none for `seconds`, nonsense, an error code, an account made up for a preview."""

    how: How
    errcode: int = -1
    times: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] = 1
    seconds: Annotated[float, msgspec.Meta(ge=0, le=600)] = 60.0


class Reset(msgspec.Struct, frozen=True, kw_only=True, tag_field="do", tag="reset", forbid_unknown_fields=True):
    """Answer rightly again."""


class Expire(msgspec.Struct, frozen=True, kw_only=True, tag_field="do", tag="expire", forbid_unknown_fields=True):
    """Every token or ticket that was given is over now."""

    what: Literal["token", "ticket"]


class Quota(msgspec.Struct, frozen=True, kw_only=True, tag_field="do", tag="quota", forbid_unknown_fields=True):
    """So many tokens or tickets more today; then 45009, until `reset`."""

    what: Literal["token", "ticket"]
    left: Annotated[int, msgspec.Meta(ge=0, le=1_000_000)] = 0


Action = Agree | Spoil | Expire | Quota | Reset


class Done(msgspec.Struct):
    """The answer to every action, with the code where there is one."""

    code: str | None = None


class Standing(msgspec.Struct):
    """How many codes were given and used, how many answers are to be spoilt, how often tokens and tickets were asked
    for, and what the menu would send from pages that were looked at, the newest first."""

    codes: int
    used: int
    spoilt: int
    tokens: int
    tickets: int
    shares: list[menu.Share]


def routes(sandbox: WechatSandbox) -> Router:
    """The control API of one sandbox, under /control."""

    @post("/", status_code=200, guards=[json_only])
    async def act(data: JSONBody[Action]) -> Done:
        return await sandbox.ledger.write(lambda db: _act(db, data, sandbox.now_ms()))

    @get("/")
    async def look() -> Standing:
        return await sandbox.ledger.read(_standing)

    return Router("/control", route_handlers=[act, look])


def _act(db: sqlite3.Connection, action: Action, now_ms: int) -> Done:
    match action:
        case Agree(app_id=app_id, account=account, scope=scope):
            return Done(codes.give(db, app_id=app_id, account=account, scope=scope, now_ms=now_ms))
        case Spoil(how=how, errcode=errcode, times=times, seconds=seconds):
            db.execute(
                "INSERT INTO spoilt (how, errcode, seconds, times_left) VALUES (?, ?, ?, ?)",
                (how, errcode, seconds, times),
            )
        case Expire(what=what):
            keys.expire(db, what)
        case Quota(what=what, left=left):
            keys.limit(db, what, left)
        case Reset():
            for table in ("spoilt", "quota", "shares"):
                db.execute(f"DELETE FROM {table}")  # noqa: S608 - our own names
    return Done()


def _standing(db: sqlite3.Connection) -> Standing:
    given, used = db.execute("SELECT count(*), count(used_ms) FROM codes").fetchone()
    left = db.execute("SELECT coalesce(sum(times_left), 0) FROM spoilt").fetchone()[0]
    asked = dict(db.execute("SELECT kind, times FROM asked").fetchall())
    return Standing(given, used, left, asked.get("token", 0), asked.get("ticket", 0), menu.shares(db))
