"""The link of an order that a clerk made for a customer: whoever has it may look at what is to be paid, and pay. Pure.

It is the order's number and a digest that only we can make, so nothing is stored and no number can be guessed.
"""

from __future__ import annotations

import base64
import hmac
from datetime import timedelta

LASTS = timedelta(days=1)
"""For how long a link opens its order after it was placed: to pay, and to see that it was paid."""

_DIGEST_BYTES = 16


def link_of(order_no: str, *, secret: bytes) -> str:
    """The link of an order, as it stands in the address of its page."""
    return f"{order_no}.{_proof(order_no, secret)}"


def order_no_of(link: str, *, secret: bytes) -> str | None:
    """The number of the order that a link is for; None when we have not made it."""
    order_no, _, proof = link.rpartition(".")
    good = hmac.compare_digest(proof.encode(), _proof(order_no, secret).encode())
    return order_no if good and order_no else None


def _proof(order_no: str, secret: bytes) -> str:
    digest = hmac.digest(secret, b"order link\0" + order_no.encode(), "sha256")
    return base64.urlsafe_b64encode(digest[:_DIGEST_BYTES]).rstrip(b"=").decode()
