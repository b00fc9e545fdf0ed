"""What a browser keeps on its way through WeChat, in cookies that no script reads.

Its nonce, to which everything on the way is bound; and, once WeChat has said whose account it is and a number must be
proved besides, the proof of it: a cookie and no part of an answer, so that it stands in no stored answer of ours.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeAlias

from duoline.kernel import clock
from duoline.members import wechat_signs
from duoline.members.wechat import Place, WechatAccount

if TYPE_CHECKING:
    from uuid import UUID

    from litestar import Request

    from duoline.channels.http.writes import Write
    from duoline.kernel.config import Settings

    Asked: TypeAlias = Request[Any, Any, Any]

NONCE_COOKIE = "duoline_wechat"
PROOF_COOKIE = "duoline_wechat_proof"
# Longer than anything that is bound to it.
NONCE_LASTS_S = int((3 * wechat_signs.LASTS) / timedelta(seconds=1))
PROOF_LASTS_S = int(wechat_signs.LASTS / timedelta(seconds=1))


def begin(request: Asked, write: Write, settings: Settings, *, place: Place, member_id: UUID | None) -> str:
    """The state to send with a browser, which is given a nonce with the answer if it has none."""
    nonce = _nonce(request) or wechat_signs.fresh_nonce(
        write.actor_id.bytes, write.key.encode(), secret=settings.secret
    )
    write.keep_cookie(NONCE_COOKIE, nonce, seconds=NONCE_LASTS_S)
    return wechat_signs.state_of(place, nonce=nonce, member_id=member_id, now=clock.now(), secret=settings.secret)


def begun(request: Asked, settings: Settings, state: str, *, member_id: UUID | None) -> Place | None:
    """From where this browser began, for that member or, with None, to log in; None when it did not, or is late."""
    nonce = _nonce(request)
    if nonce is None:
        return None
    return wechat_signs.begun(state, nonce=nonce, member_id=member_id, now=clock.now(), secret=settings.secret)


def keep_proof(request: Asked, write: Write, settings: Settings, account: WechatAccount) -> None:
    """Let the browser prove its account for ten minutes more."""
    proof = wechat_signs.proof_of(account, nonce=_nonce(request) or "", now=clock.now(), secret=settings.secret)
    write.keep_cookie(PROOF_COOKIE, proof, seconds=PROOF_LASTS_S)


def proved(request: Asked, settings: Settings) -> WechatAccount | None:
    """The account that this browser has proved; None for none, and when it is too long ago."""
    nonce = _nonce(request)
    if nonce is None:
        return None
    return wechat_signs.proved(
        request.cookies.get(PROOF_COOKIE, ""), nonce=nonce, now=clock.now(), secret=settings.secret
    )


def forget_proof(write: Write) -> None:
    """It has done what it was for."""
    write.keep_cookie(PROOF_COOKIE, "", seconds=0)


def _nonce(request: Asked) -> str | None:
    kept = request.cookies.get(NONCE_COOKIE, "")
    return kept if wechat_signs.NONCE.fullmatch(kept) else None
