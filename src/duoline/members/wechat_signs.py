"""What a browser carries on its way through WeChat, and what proves it when it comes back. Pure.

Each is signed with our secret for one purpose and one browser, by a number that only that browser has (its nonce), and
ends after ten minutes; so nothing is stored, and what was begun in one browser comes to nothing in another. That keeps
somebody from logging others in as themselves, and their WeChat account out of another's membership.
"""

from __future__ import annotations

import base64
import hmac
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, get_args

import msgspec

from duoline.members.wechat import Place, WechatAccount

if TYPE_CHECKING:
    from uuid import UUID

LASTS = timedelta(minutes=10)
NONCE = re.compile(r"[A-Za-z0-9_-]{43}")
"""A browser's number: 256 bits."""

_STATE = re.compile(r"(?P<place>inside|outside)(?P<until>[0-9a-f]{8})(?P<proof>[0-9a-f]{48})")
_DIGEST_BYTES = 24


class _Carried(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """The account in a proof, and until which second it counts."""

    until_s: int
    unionid: str | None
    openid: str | None


def state_of(place: Place, *, nonce: str, member_id: UUID | None, now: datetime, secret: str) -> str:
    """What WeChat takes along: letters and digits. `member_id` is who links their account; None for who logs in."""
    until = f"{int((now + LASTS).timestamp()):08x}"
    return f"{place}{until}{_state_proof(place, until, nonce=nonce, member_id=member_id, secret=secret)}"


def begun(state: str, *, nonce: str, member_id: UUID | None, now: datetime, secret: str) -> Place | None:
    """From where the way was begun, by this browser and for this member; None for anything else, and when late."""
    found = _STATE.fullmatch(state)
    if found is None or datetime.fromtimestamp(int(found["until"], 16), UTC) < now:
        return None
    place = next(each for each in get_args(Place) if each == found["place"])
    good = _state_proof(place, found["until"], nonce=nonce, member_id=member_id, secret=secret)
    return place if hmac.compare_digest(found["proof"], good) else None


def proof_of(account: WechatAccount, *, nonce: str, now: datetime, secret: str) -> str:
    """That the person at this browser has that WeChat account."""
    carried = _Carried(int((now + LASTS).timestamp()), account.unionid, account.openid)
    body = _text(msgspec.json.encode(carried))
    return f"{body}.{_text(_digest(b'wechat proof', nonce, body, secret=secret))}"


def proved(proof: str, *, nonce: str, now: datetime, secret: str) -> WechatAccount | None:
    """The account that a proof is of; None when we have not made it for this browser, and when it is late."""
    body, _, digest = proof.partition(".")
    good = _text(_digest(b"wechat proof", nonce, body, secret=secret))
    if not hmac.compare_digest(digest.encode(), good.encode()):
        return None
    carried = msgspec.json.decode(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)), type=_Carried)
    if carried.until_s < now.timestamp():
        return None
    return WechatAccount(carried.unionid, carried.openid)


def fresh_nonce(*material: bytes, secret: str) -> str:
    """The number of a browser that has none yet. The same request makes the same one again."""
    return _text(hmac.digest(secret.encode(), b"wechat nonce\0" + b"\0".join(material), "sha256"))


def _state_proof(place: str, until: str, *, nonce: str, member_id: UUID | None, secret: str) -> str:
    whose = "" if member_id is None else str(member_id)
    return _digest(b"wechat state", nonce, place, until, whose, secret=secret).hex()


def _digest(purpose: bytes, *parts: str, secret: str) -> bytes:
    return hmac.digest(secret.encode(), b"\0".join([purpose, *(part.encode() for part in parts)]), "sha256")[
        :_DIGEST_BYTES
    ]


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
