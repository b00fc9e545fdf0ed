"""The signature by which WeChat believes a page. Pure.

As WeChat publishes it (JS-SDK, appendix 1): SHA-1 over the ticket, a random text, the time and the page's address
without its fragment, by their names in alphabetical order, none of them encoded. That it is SHA-1 is WeChat's choice.
"""

from __future__ import annotations

import hashlib
from typing import NamedTuple


class Signed(NamedTuple):
    """What a page shows WeChat's script."""

    nonce: str
    timestamp: int
    signature: str


def sign(ticket: str, address: str, *, nonce: str, timestamp: int) -> Signed:
    """The signature of an address, which is signed without its fragment."""
    page = address.partition("#")[0]
    text = f"jsapi_ticket={ticket}&noncestr={nonce}&timestamp={timestamp}&url={page}"
    return Signed(nonce, timestamp, hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest())
