"""What Duoline needs of WeChat to know who somebody is: the port, and the WeChat that this installation has.

A member who opens the mall inside WeChat is known to the chain's Official Account; in any other browser they show their
phone to a code of the chain's website application. Both are applications of the chain with a number and a secret of
their own, an installation may have either, and the composition root connects what it has.
"""

from __future__ import annotations

from typing import Literal, NamedTuple, Protocol

from duoline.members.errors import WechatOff

Place = Literal["inside", "outside"]
"""Where the member's browser is: WeChat's own, or any other."""


class WechatAccount(NamedTuple):
    """Whose account it is, as WeChat says it: the same for ever. At least one of the two is there.

    `unionid` is one for all applications of a chain that are under one Open Platform account. `openid` is the account's
    at the Official Account; that of the website application is another one, and is not told.
    """

    unionid: str | None
    openid: str | None


class Wechat(Protocol):
    """Asks WeChat whose account somebody's is."""

    places: frozenset[Place]
    """Where it can be asked from."""

    def address(self, place: Place, *, back: str, state: str) -> str:
        """Where to send the browser, which comes to `back` again with `code` and `state` in its query.

        `state` is letters and digits, 128 at most. Refuses `members.wechat-off` for a place that is not offered.
        """
        ...

    async def who(self, place: Place, code: str) -> WechatAccount:
        """Whose code it is. It is good once, for five minutes.

        Refuses `members.wechat-refused` for a code that is no good, `members.wechat-preview` for one of nobody. Raises
        `Unavailable` when WeChat does not answer, or not as it should. Ends within seconds; never in a transaction.
        """
        ...


_connected: list[Wechat] = []


def connect(wechat: Wechat | None) -> None:
    """Say which WeChat this process asks; None for none."""
    _connected[:] = [] if wechat is None else [wechat]


def wechat() -> Wechat:
    """The WeChat to ask. Refuses `members.wechat-off` when there is none."""
    if not _connected:
        raise WechatOff
    return _connected[0]


def places() -> frozenset[Place]:
    """Where members may log in by WeChat; none when this installation is not known to it."""
    return _connected[0].places if _connected else frozenset()
