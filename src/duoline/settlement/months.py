"""What people's commission came to by month: the cap of a month is on all of it together, whenever it is taken back."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple
from zoneinfo import ZoneInfo

from duoline.kernel.errors import ensure
from duoline.settlement.policy import COMMISSION
from duoline.settlement.reckon import payable
from duoline.stores.types import CHAIN_ZONE

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
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
    others_minor: int = 0

    def pays(self, *, earned_minor: int, others_minor: int) -> _Month:
        """The month with so much earned, while the person's other accounts have so much of its cap. What an account had
        before it was known to be the same person's is not taken back for that."""
        most = payable(earned_minor, self.cap_minor)
        room = most if not self.cap_minor else min(most, max(self.cap_minor - others_minor, 0))
        paid = max(room, min(self.payable_minor, most))
        return _Month(self.cap_minor, earned_minor, paid, 0 if paid == most else self.cap_minor - paid)


class Months:
    """Months of locked payees, with those of the other accounts of the same person: read at once, added to in memory,
    written at once."""

    def __init__(self, known: dict[tuple[UUID, str], _Month], persons: Mapping[UUID, Sequence[UUID]]) -> None:
        self._known = known
        self._persons = persons
        self._changed: set[tuple[UUID, str]] = set()

    @classmethod
    async def read(cls, tx: Tx, those: Collection[tuple[UUID, str]]) -> Months:
        """The months of payees that are locked with the person's other accounts; those that are not there are empty."""
        if not those:
            return cls({}, {})
        rows = await tx.fetch(_PERSONS, list({payee_id for payee_id, _ in those}))
        persons = {row["payee_id"]: row["ids"] for row in rows}
        keys = {(one, month) for payee_id, month in those for one in persons[payee_id]}
        rows = await tx.fetch(_READ, *zip(*keys, strict=True))
        persons |= {one: ids for ids in persons.values() for one in ids}
        return cls({(row["payee_id"], row["month"]): _Month(*row[2:]) for row in rows}, persons)

    def add(self, payee_id: UUID, month: str, minor: int) -> dict[UUID, int]:
        """So much more, or less, was earned in a month that became due; returns what is paid more, or less, for it, by
        account: what was taken back of one makes room for what is above the cap in the person's others.

        The cap is the one that held when the account's first share of the month became due.
        """
        key = payee_id, month
        was = self._known.get(key) or _Month(COMMISSION.current().body.month_cap_minor, 0, 0)
        earned = was.earned_minor + minor
        ensure(earned >= 0, "STL-8", f"{payee_id} earned {earned} in {month}")
        self._known[key] = was.pays(earned_minor=earned, others_minor=self._others(key))
        self._changed.add(key)
        paid = {payee_id: self._known[key].payable_minor - was.payable_minor}
        for other in self._persons.get(payee_id, ()) if minor < 0 else ():
            there = self._known.get((other, month))
            if other == payee_id or there is None or there.payable_minor == there.earned_minor:
                continue
            now = there.pays(earned_minor=there.earned_minor, others_minor=self._others((other, month)))
            if now.payable_minor > there.payable_minor:
                self._known[other, month] = now
                self._changed.add((other, month))
                paid[other] = now.payable_minor - there.payable_minor
        return paid

    def _others(self, key: tuple[UUID, str]) -> int:
        """What the person's other accounts have of the month."""
        payee_id, month = key
        those = (self._known.get((one, month)) for one in self._persons.get(payee_id, ()) if one != payee_id)
        return sum(one.payable_minor for one in those if one is not None)

    async def write(self, tx: Tx) -> None:
        """Write down what was added."""
        if rows := [(*key, *self._known[key]) for key in sorted(self._changed)]:
            await tx.execute(_WRITE, *zip(*rows, strict=True))


_PERSONS = "SELECT id AS payee_id, duo_group(id) AS ids FROM unnest($1::uuid[]) AS i(id)"
_READ = """
SELECT m.payee_id, m.month, m.cap_minor, m.earned_minor, m.payable_minor, m.others_minor
FROM payee_months m JOIN unnest($1::uuid[], $2::text[]) AS k(payee_id, month) USING (payee_id, month)
"""
_WRITE = """
INSERT INTO payee_months (payee_id, month, cap_minor, earned_minor, payable_minor, others_minor)
SELECT * FROM unnest($1::uuid[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[])
ON CONFLICT (payee_id, month) DO UPDATE
SET earned_minor = excluded.earned_minor, payable_minor = excluded.payable_minor, others_minor = excluded.others_minor
"""


async def add_to_month(tx: Tx, payee_id: UUID, month: str, minor: int) -> int:
    """As `Months.add`, for what became due of one locked payee; nobody else is paid more for that."""
    months = await Months.read(tx, [(payee_id, month)])
    paid = months.add(payee_id, month, minor)[payee_id]
    await months.write(tx)
    return paid
