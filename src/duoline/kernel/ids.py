"""Identifiers: time-ordered UUIDs (RFC 9562, version 7) and codes people read."""

from __future__ import annotations

import os
import secrets
import time
from typing import NewType
from uuid import UUID

MemberId = NewType("MemberId", UUID)
StaffId = NewType("StaffId", UUID)
LocationId = NewType("LocationId", UUID)
SkuId = NewType("SkuId", UUID)
ProductId = NewType("ProductId", UUID)
OrderId = NewType("OrderId", UUID)
LineId = NewType("LineId", UUID)
FulfilmentId = NewType("FulfilmentId", UUID)
HoldId = NewType("HoldId", UUID)
IntentId = NewType("IntentId", UUID)

# Letters and digits that nobody confuses when reading aloud or copying by hand (Crockford base32).
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


_last = 0


def new_id() -> UUID:
    """A new UUIDv7: 60 bits of time, in steps of 1/4096 ms, and 62 random bits.

    Of two ids that one process makes the later is the greater, also within a step and when the machine's clock goes
    back (RFC 9562, section 6.2, method 3): what one transaction writes sorts as it was written.
    """
    global _last
    milliseconds, rest = divmod(time.time_ns(), 1_000_000)
    _last = max(_last + 1, milliseconds << 12 | rest * 4096 // 1_000_000)
    random = int.from_bytes(os.urandom(8), "big") >> 2
    return UUID(int=(_last >> 12) << 80 | 0x7 << 76 | (_last & 0xFFF) << 64 | 0x2 << 62 | random)


def code(length: int) -> str:
    """A random code of `length` characters, 5 bits each."""
    return "".join(secrets.choice(ALPHABET) for _ in range(length))


def digits(length: int) -> str:
    """A random run of decimal digits."""
    return "".join(secrets.choice("0123456789") for _ in range(length))


def derived_id(digest: bytes) -> UUID:
    """An id computed from something else (version 8): the same digest gives the same id, on every machine."""
    value = int.from_bytes(digest[:16], "big")
    value = value & ~(0xF << 76) | (0x8 << 76)
    value = value & ~(0x3 << 62) | (0x2 << 62)
    return UUID(int=value)
