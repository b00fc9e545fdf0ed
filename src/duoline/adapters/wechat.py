"""WeChat as it is: where a browser is sent to say whose account it has, and the question whose code came back.

Two of WeChat's ways (the member need not see a difference). Inside WeChat the Official Account's web authorization,
`connect/oauth2/authorize`, with the scope `snsapi_userinfo`: the only one under which WeChat tells the union id, and
allowed because a member always taps a button first. In any other browser the website application's
`connect/qrconnect`, a code to be scanned by the phone, scope `snsapi_login`. The code that comes back is exchanged at
`sns/oauth2/access_token`, once, within five minutes. WeChat answers 200 to everything and says in `errcode` what is
wrong. Of the answer the two ids are taken; tokens, which would open the member's profile, are neither kept nor used.

WeChat takes the secret in the address of a GET. So the request is handed to the transport directly: the client above it
would write the address into the log, and into the text of some errors. (`wechat_sharing.py` asks the same way.)
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, NamedTuple, TypeVar
from urllib.parse import urlencode

import httpx
import msgspec

from duoline.kernel.errors import Unavailable
from duoline.members.errors import WechatOff, WechatPreview, WechatRefused
from duoline.members.match import id_of
from duoline.members.wechat import WechatAccount

if TYPE_CHECKING:
    from collections.abc import Mapping

    from duoline.members.wechat import Place

log = logging.getLogger("duoline.wechat")

Told = TypeVar("Told")

PAGES = "https://open.weixin.qq.com"
API = "https://api.weixin.qq.com"
CONNECT_S = 3.0
DEADLINE_S = 8.0
ANSWER_BYTES_MAX = 64 * 1024
ID_LENGTH_MAX = 100

# 40029 no such code; 40163 used; 42003 too old; 41008 none; 40226 an account that WeChat has restrained.
_REFUSED = frozenset({40029, 40163, 42003, 41008, 40226})

_WAYS = {
    "inside": ("/connect/oauth2/authorize", "snsapi_userinfo"),
    "outside": ("/connect/qrconnect", "snsapi_login"),
}


class App(NamedTuple):
    """An application of the chain's at WeChat: its number and its secret."""

    id: str
    secret: str

    def __repr__(self) -> str:
        """Without the secret: values end up in logs and tracebacks."""
        return f"App({self.id})"


class _Answer(msgspec.Struct, frozen=True):
    """What we take of an answer; there is more in it."""

    errcode: int = 0
    openid: str | None = None
    unionid: str | None = None
    is_snapshotuser: int = 0


class WechatLogin:
    """A `Wechat` that asks WeChat, or whatever speaks like it at `pages` and `api`."""

    def __init__(
        self, apps: Mapping[Place, App], *, pages: str = PAGES, api: str = API, deadline_s: float = DEADLINE_S
    ) -> None:
        self.places: frozenset[Place] = frozenset(apps)
        self._apps, self._pages, self._api, self._deadline_s = dict(apps), pages, api, deadline_s

    def address(self, place: Place, *, back: str, state: str) -> str:
        """See `Wechat.address`. WeChat reads the parameters in this order alone, and needs the fragment."""
        path, scope = _WAYS[place]
        asked = {
            "appid": self._app(place).id,
            "redirect_uri": back,
            "response_type": "code",
            "scope": scope,
            "state": state,
        }
        return f"{self._pages}{path}?{urlencode(asked)}#wechat_redirect"

    async def who(self, place: Place, code: str) -> WechatAccount:
        """See `Wechat.who`. Asked once: a code that WeChat has seen is used up, whether we hear of it or not."""
        app = self._app(place)
        asked = {"appid": app.id, "secret": app.secret, "code": code, "grant_type": "authorization_code"}
        url = f"{self._api}/sns/oauth2/access_token?{urlencode(asked)}"
        answer = read(await ask("GET", url, deadline_s=self._deadline_s), _Answer)
        if answer.errcode in _REFUSED:
            raise WechatRefused
        if answer.errcode:
            # -1 and 45011 are WeChat's own trouble; the others are ours: number, secret, addresses allowed.
            log.error("WeChat refuses to say whose a code is: errcode %d", answer.errcode)
            raise Unavailable(f"WeChat answered errcode {answer.errcode}")
        if answer.is_snapshotuser:
            raise WechatPreview
        # The website's open id is another one than the Official Account's for the same person, and would look like two.
        account = WechatAccount(_id(answer.unionid), _id(answer.openid) if place == "inside" else None)
        if account == WechatAccount(None, None):
            raise Unavailable("WeChat answered without an id")
        return account

    def _app(self, place: Place) -> App:
        if place not in self._apps:
            raise WechatOff
        return self._apps[place]


async def ask(method: str, url: str, *, deadline_s: float, body: bytes = b"") -> bytes:
    """The body of WeChat's answer. Nothing that is raised here or above has the address or the body in it."""
    timeout = httpx.Timeout(deadline_s, connect=min(CONNECT_S, deadline_s)).as_dict()
    headers = {"content-type": "application/json"} if body else {}
    problem = "it is not to be reached"
    try:
        # The library's time is for each step of a call; this one is for all of it.
        async with asyncio.timeout(deadline_s), httpx.AsyncHTTPTransport(trust_env=False) as transport:
            request = httpx.Request(method, url, headers=headers, content=body, extensions={"timeout": timeout})
            answer = await transport.handle_async_request(request)
            try:
                told = bytearray()
                async for part in answer.aiter_bytes():
                    told += part
                    if len(told) > ANSWER_BYTES_MAX:
                        break
            finally:
                await answer.aclose()
        if answer.status_code == httpx.codes.OK and len(told) <= ANSWER_BYTES_MAX:
            return bytes(told)
        problem = f"it answered {answer.status_code}, {len(told)} bytes"
    except (TimeoutError, OSError, httpx.HTTPError, httpx.InvalidURL) as error:
        problem = type(error).__name__
    raise Unavailable(f"WeChat does not answer: {problem}")


def read(body: bytes, kind: type[Told]) -> Told:
    """An answer as what we take of it."""
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError):
        pass
    raise Unavailable("WeChat's answer cannot be read")


def _id(text: str | None) -> str | None:
    plain = id_of(text or "")
    if plain is not None and len(plain) > ID_LENGTH_MAX:
        raise Unavailable("WeChat answered with an id that is none")
    return plain
