"""What Duoline needs of WeChat so that WeChat's own menu sends our links: the port, and the WeChat there is.

A page that is opened inside WeChat tells WeChat's script which title, words, picture and link to send. WeChat believes
a page that shows a signature made with a ticket; tickets are the Official Account's and are had for a token, which is
had for the account's secret. Both last two hours and are given only so often a day: `wechat_keys.py` keeps them.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol


class Key(NamedTuple):
    """A token or a ticket as WeChat gives it, and for how long."""

    value: str
    lasts_s: int

    def __repr__(self) -> str:
        """Without the value: values end up in logs and tracebacks."""
        return f"Key(for {self.lasts_s} s)"


class TokenRefused(Exception):
    """WeChat does not know the token, or not any more: it takes another one."""


class QuotaUsedUp(Exception):
    """WeChat answers no more of these today."""


class WechatSharing(Protocol):
    """Asks WeChat for what pages are signed by. Both questions end within seconds; never in a transaction."""

    app_id: str
    """The Official Account's number."""
    script: str
    """Where pages get WeChat's script: an address, or a path of this site."""

    async def token(self, *, renew: bool) -> Key:
        """The account's token, the same for everybody who asks; with `renew` another one, and the last ends.

        Raises `QuotaUsedUp`, and `Unavailable` when WeChat does not answer, or not as it should.
        """
        ...

    async def ticket(self, token: str) -> Key:
        """A ticket to sign pages by. Raises `TokenRefused`, and what `token` raises."""
        ...


_connected: list[WechatSharing] = []


def connect(sharing: WechatSharing | None) -> None:
    """Say which WeChat this process asks; None for none."""
    _connected[:] = [] if sharing is None else [sharing]


def sharing() -> WechatSharing | None:
    """The WeChat to ask; None when this installation has no Official Account."""
    return _connected[0] if _connected else None
