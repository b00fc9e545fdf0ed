"""Codes: given to a browser when its owner agrees, good once, for five minutes, for the application they are for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from duoline.adapters.wechat_sandbox.people import openid_of, unionid_of
from duoline.kernel.ids import code as fresh

if TYPE_CHECKING:
    import sqlite3

    from duoline.adapters.wechat_sandbox.site import SandboxApp

LASTS_MS = 5 * 60 * 1000
TOKEN_LASTS_S = 7200

BAD_CODE, USED, TOO_OLD = 40029, 40163, 42003
MESSAGES = {
    -1: "system error",
    40001: "invalid credential, access_token is invalid or not latest",
    40002: "invalid grant_type",
    40013: "invalid appid",
    40029: "invalid code",
    40125: "invalid appsecret",
    40163: "code been used",
    41001: "access_token missing",
    41002: "appid missing",
    41004: "appsecret missing",
    41008: "missing code",
    42001: "access_token expired",
    42003: "code expired",
    45009: "reach max api daily quota limit",
    45011: "api minute-quota reach limit",
}


def give(db: sqlite3.Connection, *, app_id: str, account: str, scope: str, now_ms: int) -> str:
    """A new code for an account that has agreed."""
    made = "0" + fresh(31)
    db.execute(
        "INSERT INTO codes (code, app_id, account, scope, created_ms) VALUES (?, ?, ?, ?, ?)",
        (made, app_id, account, scope, now_ms),
    )
    return made


def exchange(db: sqlite3.Connection, code: str, app: SandboxApp, *, now_ms: int) -> dict[str, object] | int:
    """What the application is told for a code, or the number of what is wrong with it."""
    row = db.execute("SELECT * FROM codes WHERE code = ? AND app_id = ?", (code, app.id)).fetchone()
    if row is None:
        return BAD_CODE
    if row["used_ms"] is not None:
        return USED
    if row["created_ms"] + LASTS_MS < now_ms:
        return TOO_OLD
    db.execute("UPDATE codes SET used_ms = ? WHERE code = ?", (now_ms, code))
    told: dict[str, object] = {
        "access_token": "S_" + fresh(60),
        "expires_in": TOKEN_LASTS_S,
        "refresh_token": "S_" + fresh(60),
        "openid": openid_of(app.id, row["account"]),
        "scope": row["scope"],
    }
    # As WeChat: who only looks in (`snsapi_base`) is not told of.
    return told if row["scope"] == "snsapi_base" else told | {"unionid": unionid_of(row["account"])}
