"""Links that open one order to whoever has them, without logging in. Pure.

The link of an order that a clerk made for a customer opens what is to be paid, and paying it; the link of a receipt
opens the receipt of a sale. Each is the order's number and a digest that only we can make, so nothing is stored and no
number can be guessed. The purpose is part of the digest: no link opens what another is for.
"""

from __future__ import annotations

import base64
import hmac
from datetime import timedelta

LASTS = timedelta(days=1)
"""For how long a link opens its order after it was placed: to pay, and to see that it was paid."""

RECEIPT_LASTS = timedelta(days=180)
"""For how long a receipt can be opened by its link: as long as anybody may want to bring something back."""

_DIGEST_BYTES = 16
_ORDER = b"order link\0"
_RECEIPT = b"receipt link\0"


def link_of(order_no: str, *, secret: bytes) -> str:
    """The link of an order, as it stands in the address of its page."""
    return f"{order_no}.{_proof(_ORDER, order_no, secret)}"


def order_no_of(link: str, *, secret: bytes) -> str | None:
    """The number of the order that a link is for; None when we have not made it."""
    return _checked(_ORDER, link, secret)


def receipt_link_of(order_no: str, *, secret: bytes) -> str:
    """The link of a sale's receipt, as it stands in the address of its page."""
    return f"{order_no}.{_proof(_RECEIPT, order_no, secret)}"


def receipt_no_of(link: str, *, secret: bytes) -> str | None:
    """The number of the sale whose receipt a link is for; None when we have not made it."""
    return _checked(_RECEIPT, link, secret)


def _checked(purpose: bytes, link: str, secret: bytes) -> str | None:
    order_no, _, proof = link.rpartition(".")
    good = hmac.compare_digest(proof.encode(), _proof(purpose, order_no, secret).encode())
    return order_no if good and order_no else None


def _proof(purpose: bytes, order_no: str, secret: bytes) -> str:
    digest = hmac.digest(secret, purpose + order_no.encode(), "sha256")
    return base64.urlsafe_b64encode(digest[:_DIGEST_BYTES]).rstrip(b"=").decode()
