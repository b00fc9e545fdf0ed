"""What people's commission came to by month: the cap of a month is on all of it together, whenever it is taken back."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple
from zoneinfo import ZoneInfo

from duoline.kernel.errors import ensure
from duoline.settlement.policy import COMMISSION
from duoline.settlement.reckon import payable
from duoline.stores.types import CHAIN_ZONE

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime
    from uuid import UUID

    from duoline.kernel.db import Tx

ZONE = ZoneInfo(CHAIN_ZONE)
"""Months are those of the chain's calendar."""


def month_of(at: datetime) -> str:
    """The month of an instant, as `2026-11`."""
    return f"{at.astimezone(ZONE):%Y-%m}"


class _Month(NamedTuple):
    cap_minor: int
    earned_minor: int
    payable_minor: int


class Months:
    """Months of locked payees: read at once, added to in memory, written at once."""

    def __init__(self, known: dict[tuple[UUID, str], _Month]) -> None:
        self._known = known
        self._changed: set[tuple[UUID, str]] = set()

    @classmethod
    async def read(cls, tx: Tx, those: Collection[tuple[UUID, str]]) -> Months:
        """The months of payees that are locked; those that are not there are empty."""
        rows = await tx.fetch(_READ, *zip(*those, strict=True)) if those else []
        return cls({(row["payee_id"], row["month"]): _Month(*row[2:]) for row in rows})

    def add(self, payee_id: UUID, month: str, minor: int) -> int:
        """So much more, or less, was earned in a month that became due; returns what is paid more, or less, for it.

        The cap is the one that held when the month's first share became due.
        """
        key = payee_id, month
        was = self._known.get(key) or _Month(COMMISSION.current().body.month_cap_minor, 0, 0)
        earned = was.earned_minor + minor
        ensure(earned >= 0, "STL-8", f"{payee_id} earned {earned} in {month}")
        self._known[key] = _Month(was.cap_minor, earned, payable(earned, was.cap_minor))
        self._changed.add(key)
        return self._known[key].payable_minor - was.payable_minor

    async def write(self, tx: Tx) -> None:
        """Write down what was added."""
        if rows := [(*key, *self._known[key]) for key in sorted(self._changed)]:
            await tx.execute(_WRITE, *zip(*rows, strict=True))


_READ = """
SELECT m.payee_id, m.month, m.cap_minor, m.earned_minor, m.payable_minor
FROM payee_months m JOIN unnest($1::uuid[], $2::text[]) AS k(payee_id, month) USING (payee_id, month)
"""
_WRITE = """
INSERT INTO payee_months (payee_id, month, cap_minor, earned_minor, payable_minor)
SELECT * FROM unnest($1::uuid[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[])
ON CONFLICT (payee_id, month) DO UPDATE SET earned_minor = excluded.earned_minor, payable_minor = excluded.payable_minor
"""


async def add_to_month(tx: Tx, payee_id: UUID, month: str, minor: int) -> int:
    """As `Months.add`, for one month of a locked payee."""
    months = await Months.read(tx, [(payee_id, month)])
    paid = months.add(payee_id, month, minor)
    await months.write(tx)
    return paid
