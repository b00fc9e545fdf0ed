"""Codes of coupons: what people type or scan, and the digest by which it is found. The code itself is kept nowhere."""

from __future__ import annotations

import hashlib
import hmac
import secrets

CODE_LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32: no letter that looks like another. Twelve of them are 60 bits, too many to guess."""
CODE_LENGTH = 12
TAIL = 4
_LOOKALIKES = str.maketrans("OIL", "011")


def new_code() -> str:
    """A code nobody can guess."""
    return "".join(secrets.choice(CODE_LETTERS) for _ in range(CODE_LENGTH))


def tidy(text: str) -> str:
    """A code as it was meant: without blanks and dashes, in capitals, with letters that look like digits as digits."""
    return "".join(text.split()).replace("-", "").upper().translate(_LOOKALIKES)


def digest(text: str, *, secret: bytes) -> bytes:
    """By what a code is found. Keyed, because the codes that many share are short words."""
    return hmac.new(secret, b"coupon:" + tidy(text).encode(), hashlib.sha256).digest()
