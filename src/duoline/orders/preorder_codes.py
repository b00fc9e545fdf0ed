"""The verification code of a pre-order: what its buyer shows at a till to pay the balance there.

80 bits in a QR, and twelve digits to read aloud. Both are derived from the order's id with the installation's secret,
so that the buyer's phone can show them at any time, while the database keeps a keyed digest of each. The digits open
a pre-order in every shop, so there are more of them than of a pickup code: with 100,000 pre-orders open, a day of
guessing at the limit of wrong codes (1,440 tries a clerk and shop) succeeds with less than 1 in 6,000.
"""

from __future__ import annotations

import base64
import hmac
import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from uuid import UUID

    from duoline.kernel.db import Database, Tx

PREFIX = "DLP:"
_QR = re.compile(r"DLP:[A-Z2-7]{16}")
_DIGITS = re.compile(r"[0-9]{12}")


class PreorderCode(NamedTuple):
    """`qr` is what the QR holds, `digits` what can be read aloud."""

    qr: str
    digits: str

    @property
    def spaced(self) -> str:
        """The digits as a person reads them."""
        return " ".join(self.digits[n : n + 4] for n in range(0, len(self.digits), 4))


def preorder_code_of(order_id: UUID, secret: bytes) -> PreorderCode:
    """The code of one pre-order."""
    raw = hmac.digest(secret, b"preorder\0" + order_id.bytes, "sha256")
    number = int.from_bytes(raw[10:18], "big") % 10**12
    return PreorderCode(PREFIX + base64.b32encode(raw[:10]).decode(), f"{number:012d}")


def read(text: str) -> str | None:
    """The code in what a scan or a keyboard gave, or None when it is none."""
    cleaned = text.strip().upper()
    if _QR.fullmatch(cleaned):
        return cleaned
    digits = re.sub(r"[\s-]", "", cleaned)
    return digits if digits.isascii() and _DIGITS.fullmatch(digits) else None


def digest(code: str, secret: bytes) -> bytes:
    """What is stored of a code. Keyed, because twelve digits can be tried out."""
    return hmac.digest(secret, b"preorder code\0" + code.encode(), "sha256")


async def keep_code(tx: Tx, *, member_id: UUID, order_id: UUID, secret: bytes) -> None:
    """Let the code of a new pre-order lead to it. Digits that another has already open that one: only the QR tells
    two such apart."""
    code = preorder_code_of(order_id, secret)
    await tx.execute(
        """INSERT INTO preorder_codes (code_hash, member_id, order_id)
           SELECT c.code_hash, $2, $3 FROM unnest($1::bytea[]) AS c(code_hash) ON CONFLICT (code_hash) DO NOTHING""",
        [digest(code.qr, secret), digest(code.digits, secret)],
        member_id,
        order_id,
    )


async def find_by_preorder_code(db: Database | Tx, text: str, *, secret: bytes) -> tuple[UUID, UUID] | None:
    """The (member, order) that a code leads to, whatever has become of it; None when it leads to none."""
    code = read(text)
    if code is None:
        return None
    row = await db.fetchrow("SELECT member_id, order_id FROM preorder_codes WHERE code_hash = $1", digest(code, secret))
    return None if row is None else (row["member_id"], row["order_id"])
