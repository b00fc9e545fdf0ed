"""Order numbers: the day, then eight characters nobody mixes up (40 random bits)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from duoline.kernel import clock
from duoline.kernel.ids import code
from duoline.stores.types import CHAIN_ZONE

if TYPE_CHECKING:
    from datetime import datetime


def new_order_no(at: datetime, timezone: str = CHAIN_ZONE) -> str:
    """A number such as `261121-7KX2-M9QF`. Unique by the key of `order_numbers`, not by this function."""
    letters = code(8)
    return f"{clock.trading_day(at, timezone):%y%m%d}-{letters[:4]}-{letters[4:]}"
