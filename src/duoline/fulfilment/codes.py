"""Pickup codes: 80 bits in the QR, eight digits to read aloud.

Both are derived from the fulfilment's id with the installation's secret, so the member's phone can show them at
any time while the database keeps only a digest (of the QR) and the digits. The digits open something only at the
right shop, only while it waits there, and only within the limit of wrong attempts.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from uuid import UUID

PREFIX = "DL1:"
WRONG_MAX = 10
"""Wrong codes a clerk may enter in ten minutes. With 50 orders waiting a guess succeeds once in 2 million, so a day
of guessing at the limit (1,440 tries) succeeds with less than 1 in 1,000 at a shop where a clerk is the thief."""


class PickupCode(NamedTuple):
    """`qr` is what the QR holds, `short` the eight digits, `digest` what the database keeps of the QR."""

    qr: str
    short: str
    digest: bytes


def code_of(fulfilment_id: UUID, secret: bytes) -> PickupCode:
    """The codes of one fulfilment."""
    raw = hmac.new(secret, b"pickup:" + fulfilment_id.bytes, hashlib.sha256).digest()
    letters = base64.b32encode(raw[:10]).decode()
    qr = PREFIX + letters
    return PickupCode(qr, f"{int.from_bytes(raw[10:18], 'big') % 10**8:08d}", digest(qr))


def digest(qr: str) -> bytes:
    """What is stored of a QR's text. Eighty random bits need no salt."""
    return hashlib.sha256(qr.encode()).digest()


def read(text: str) -> tuple[str, str] | None:
    """What a scan or a keyboard gave: ("qr", text), ("short", digits), or None when it is neither."""
    cleaned = text.strip().upper()
    if re.fullmatch(r"DL1:[A-Z2-7]{16}", cleaned):
        return "qr", cleaned
    digits = re.sub(r"[\s-]", "", cleaned)
    if re.fullmatch(r"[0-9]{8}", digits):
        return "short", digits
    return None


def looks_like_code(text: str) -> bool:
    """Whether a scan has the form of a pickup code."""
    return read(text) is not None
