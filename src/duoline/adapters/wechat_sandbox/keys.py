"""Tokens and tickets of an Official Account, as WeChat gives them: for two hours, and so many a day."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from duoline.kernel.ids import code as fresh

if TYPE_CHECKING:
    import sqlite3

    from duoline.adapters.wechat_sandbox.site import WechatSandbox

LASTS_MS = 7200 * 1000
OVERLAP_MS = 5 * 60 * 1000
"""So long before its end a token is followed by the next; both are good until then."""
NOT_LATEST, NO_TOKEN, TOO_OLD, QUOTA = 40001, 41001, 42001, 45009
Told = dict[str, object]


class TokenAsked(msgspec.Struct, frozen=True):
    """The body of the question for a token."""

    grant_type: str = ""
    appid: str = ""
    secret: str = ""
    force_refresh: bool = False


def token(sandbox: WechatSandbox, db: sqlite3.Connection, asked: TokenAsked) -> Told | int:
    """`cgi-bin/stable_token`: the same token for everybody who asks, a new one near its end or when it is forced."""
    if asked.grant_type != "client_credential":
        return 40002
    for given, missing in ((asked.appid, 41002), (asked.secret, 41004)):
        if not given:
            return missing
    app = sandbox.apps.get(asked.appid)
    if app is None or app.kind != "account":
        return 40013
    if asked.secret != app.secret:
        return 40125
    if _over(db, "token"):
        return QUOTA
    now_ms = sandbox.now_ms()
    latest = _latest(db, "token", app.id)
    if asked.force_refresh:
        db.execute("UPDATE keys SET ends_ms = 0 WHERE kind = 'token' AND app_id = ?", (app.id,))
        latest = None
    if latest is None or latest["ends_ms"] - OVERLAP_MS <= now_ms:
        latest = _make(db, "token", app.id, now_ms)
    return {"access_token": latest["value"], "expires_in": (latest["ends_ms"] - now_ms) // 1000}


def ticket(sandbox: WechatSandbox, db: sqlite3.Connection, asked: dict[str, str]) -> Told | int:
    """`cgi-bin/ticket/getticket`: a ticket for the application whose token it is."""
    given = asked.get("access_token")
    if not given:
        return NO_TOKEN
    row = db.execute("SELECT * FROM keys WHERE kind = 'token' AND value = ?", (given,)).fetchone()
    now_ms = sandbox.now_ms()
    if row is None or row["ends_ms"] == 0:
        return NOT_LATEST
    if row["ends_ms"] <= now_ms:
        return TOO_OLD
    if asked.get("type") != "jsapi":
        return 40097
    if _over(db, "ticket"):
        return QUOTA
    made = _make(db, "ticket", row["app_id"], now_ms)
    return {"errcode": 0, "errmsg": "ok", "ticket": made["value"], "expires_in": LASTS_MS // 1000}


def tickets_of(db: sqlite3.Connection, app_id: str, *, now_ms: int) -> list[str]:
    """Every ticket of an application that is good."""
    rows = db.execute(
        "SELECT value FROM keys WHERE kind = 'ticket' AND app_id = ? AND ends_ms > ?", (app_id, now_ms)
    ).fetchall()
    return [row["value"] for row in rows]


def expire(db: sqlite3.Connection, kind: str) -> None:
    """All of a kind are over, as if their two hours were: such a token is 42001, and the next one is new."""
    db.execute("UPDATE keys SET ends_ms = 1 WHERE kind = ? AND ends_ms > 1", (kind,))


def limit(db: sqlite3.Connection, kind: str, left: int) -> None:
    """So many more of a kind today."""
    db.execute("INSERT OR REPLACE INTO quota (kind, times_left) VALUES (?, ?)", (kind, left))


def _over(db: sqlite3.Connection, kind: str) -> bool:
    db.execute(
        "INSERT INTO asked (kind, times) VALUES (?, 1) ON CONFLICT (kind) DO UPDATE SET times = times + 1", (kind,)
    )
    row = db.execute("SELECT times_left FROM quota WHERE kind = ?", (kind,)).fetchone()
    if row is None:
        return False
    db.execute("UPDATE quota SET times_left = max(0, times_left - 1) WHERE kind = ?", (kind,))
    return bool(row["times_left"] == 0)


def _latest(db: sqlite3.Connection, kind: str, app_id: str) -> Any:
    return db.execute(
        "SELECT * FROM keys WHERE kind = ? AND app_id = ? ORDER BY id DESC LIMIT 1", (kind, app_id)
    ).fetchone()


def _make(db: sqlite3.Connection, kind: str, app_id: str, now_ms: int) -> Any:
    db.execute(
        "INSERT INTO keys (kind, value, app_id, ends_ms, made_ms) VALUES (?, ?, ?, ?, ?)",
        (kind, fresh(64), app_id, now_ms + LASTS_MS, now_ms),
    )
    return _latest(db, kind, app_id)
