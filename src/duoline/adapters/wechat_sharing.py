"""The Official Account's token and ticket, by which pages may say what WeChat's menu sends.

The token is asked at `cgi-bin/stable_token` and not at `cgi-bin/token`: that one gives everybody who asks a new token
and ends the last, so that processes, and other systems of the chain, would throw each other out; this one gives all the
same until five minutes before its end. The ticket is asked at `cgi-bin/ticket/getticket`. WeChat has the token in the
address of that one, the secret in the body of the other: both go out as `wechat.ask` sends them, and are in no log.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import msgspec

from duoline.adapters.wechat import API, DEADLINE_S, ask, read
from duoline.attribution.wechat import Key, QuotaUsedUp, TokenRefused
from duoline.kernel.errors import Unavailable

if TYPE_CHECKING:
    from duoline.adapters.wechat import App

log = logging.getLogger("duoline.wechat")

SCRIPT = "https://res.wx.qq.com/open/js/jweixin-1.6.0.js"
VALUE_LENGTH_MAX = 1024
LASTS_S_MAX = 24 * 3600

# 40001 not the newest, or none; 40014 no token at all; 42001 too old.
_REFUSED = frozenset({40001, 40014, 42001})
# 45009 for today; 45011 for this minute passes by itself.
_QUOTA = 45009


class _Answer(msgspec.Struct, frozen=True):
    """What we take of an answer."""

    errcode: int = 0
    access_token: str = ""
    ticket: str = ""
    expires_in: int = 0


class WechatKeys:
    """A `WechatSharing` that asks WeChat, or whatever speaks like it at `api`."""

    def __init__(self, app: App, *, api: str = API, script: str = SCRIPT, deadline_s: float = DEADLINE_S) -> None:
        self.app_id, self.script = app.id, script
        self._app, self._api, self._deadline_s = app, api, deadline_s

    async def token(self, *, renew: bool) -> Key:
        """See `WechatSharing.token`."""
        asked = {
            "grant_type": "client_credential",
            "appid": self._app.id,
            "secret": self._app.secret,
            "force_refresh": renew,
        }
        answer = await self._ask("POST", "/cgi-bin/stable_token", body=msgspec.json.encode(asked))
        if answer.errcode:
            raise _trouble("a token", answer.errcode)
        return _key(answer.access_token, answer.expires_in)

    async def ticket(self, token: str) -> Key:
        """See `WechatSharing.ticket`."""
        asked = urlencode({"access_token": token, "type": "jsapi"})
        answer = await self._ask("GET", f"/cgi-bin/ticket/getticket?{asked}")
        if answer.errcode in _REFUSED:
            raise TokenRefused
        if answer.errcode:
            raise _trouble("a ticket", answer.errcode)
        return _key(answer.ticket, answer.expires_in)

    async def _ask(self, method: str, path: str, *, body: bytes = b"") -> _Answer:
        return read(await ask(method, self._api + path, deadline_s=self._deadline_s, body=body), _Answer)


def _trouble(what: str, errcode: int) -> Exception:
    """-1 and 45011 are WeChat's own trouble; the others are ours: number, secret, addresses allowed (40164)."""
    log.error("WeChat refuses %s: errcode %d", what, errcode)
    return QuotaUsedUp() if errcode == _QUOTA else Unavailable(f"WeChat answered errcode {errcode}")


def _key(value: str, lasts_s: int) -> Key:
    if not 0 < len(value) <= VALUE_LENGTH_MAX or not 0 < lasts_s <= LASTS_S_MAX:
        raise Unavailable("WeChat answered without what it was asked for")
    return Key(value, lasts_s)
