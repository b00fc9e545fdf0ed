"""What people's commission came to by month: the cap of a month is on all of it together, whenever it is taken back."""

from __future__ import annotations

from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from duoline.kernel.errors import ensure
from duoline.orders import TIMEZONE
from duoline.settlement.policy import COMMISSION
from duoline.settlement.reckon import payable

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from duoline.kernel.db import Tx

ZONE = ZoneInfo(TIMEZONE)
"""Months are those of the chain's calendar."""


def month_of(at: datetime) -> str:
    """The month of an instant, as `2026-11`."""
    return f"{at.astimezone(ZONE):%Y-%m}"


async def add_to_month(tx: Tx, payee_id: UUID, month: str, minor: int) -> int:
    """So much more, or less, was earned in a month that became due; returns what is paid more, or less, for it.

    The cap is the one that held when the month's first share became due. The payee is locked.
    """
    row = await tx.fetchrow(
        "SELECT cap_minor, earned_minor, payable_minor FROM payee_months WHERE payee_id = $1 AND month = $2",
        payee_id,
        month,
    )
    known: tuple[int, int, int] | None = tuple(row) if row else None
    cap, earned, paid = known or (COMMISSION.current().body.month_cap_minor, 0, 0)
    now_paid = payable(earned + minor, cap)
    ensure(earned + minor >= 0, "STL-8", f"{payee_id} earned {earned + minor} in {month}")
    await tx.execute(
        """INSERT INTO payee_months (payee_id, month, cap_minor, earned_minor, payable_minor)
           VALUES ($1, $2, $3, $4, $5)
           ON CONFLICT (payee_id, month) DO UPDATE SET earned_minor = $4, payable_minor = $5""",
        payee_id,
        month,
        cap,
        earned + minor,
        now_paid,
    )
    return now_paid - paid
