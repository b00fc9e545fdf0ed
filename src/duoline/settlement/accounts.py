"""A payee's account: the row that every change locks, and what it moves in the ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from duoline import ledger
from duoline.kernel import clock
from duoline.kernel.errors import ensure
from duoline.kernel.ids import new_id
from duoline.kernel.money import CURRENCY

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from uuid import UUID

    from duoline.kernel.auth import Actor
    from duoline.kernel.db import Tx
    from duoline.settlement.types import Book, Payee

BOOKS: dict[Book, str] = {"commission": "commission", "allocation": "allocation"}
"""The other side of what payees earn: a cost of the chain, or what orders came to."""

PAID_OUT = "clearing:payouts"
"""Money that went to payees by file. What a provider paid left our balance there: `clearing:<provider>`."""

WRITTEN_OFF = "commission:written-off"
"""What payees owed and headquarters wrote off: a cost of the chain."""

BOOKED = "allocation:booked"
"""What the chain's own shops and departments have been credited with; no money moves."""


class Account(NamedTuple):
    """What a payee has, in minor units: not theirs yet, theirs, on its way, and had."""

    pending_minor: int
    due_minor: int
    paying_minor: int
    paid_minor: int


def pending(payee_id: UUID) -> str:
    """Earned by a payee and not theirs yet: the goods may come back."""
    return f"pending:{payee_id}"


def due(payee_id: UUID) -> str:
    """A payee's, and not paid; a debit balance is carried against what comes."""
    return f"due:{payee_id}"


def paying(payee_id: UUID) -> str:
    """Asked of the provider or the bank for a payee, who does not have it yet."""
    return f"paying:{payee_id}"


async def lock(tx: Tx, payees: Iterable[Payee]) -> None:
    """The accounts, made where there are none, locked in the order of their ids: after everything else that is."""
    kinds = {payee.id: payee.kind for payee in payees}
    ids = sorted(kinds)
    known = await tx.fetch("SELECT payee_id FROM payees WHERE payee_id = ANY ($1) ORDER BY payee_id FOR UPDATE", ids)
    if len(known) == len(ids):
        return
    await tx.execute(
        """INSERT INTO payees (payee_id, kind, updated_at)
           SELECT p.id, p.kind, $3 FROM unnest($1::uuid[], $2::text[]) AS p(id, kind)
           ON CONFLICT (payee_id) DO NOTHING""",
        ids,
        [kinds[one] for one in ids],
        clock.now(),
    )
    await tx.execute("SELECT FROM payees WHERE payee_id = ANY ($1) ORDER BY payee_id FOR UPDATE", ids)


async def lock_one(tx: Tx, payee_id: UUID) -> Account | None:
    """One account that is there, locked; None where nothing was ever earned."""
    row = await tx.fetchrow(
        "SELECT pending_minor, due_minor, paying_minor, paid_minor FROM payees WHERE payee_id = $1 FOR UPDATE", payee_id
    )
    return None if row is None else Account(*row)


async def lock_person(tx: Tx, payee_id: UUID) -> Account | None:
    """As `lock_one`, with the accounts that are the same person's, in the order of their ids: the cap of a month and
    the limit of an approval are the person's."""
    rows = await tx.fetch(
        """SELECT payee_id, pending_minor, due_minor, paying_minor, paid_minor FROM payees
           WHERE payee_id = ANY (duo_group($1)) ORDER BY payee_id FOR UPDATE""",
        payee_id,
    )
    return next((Account(*row[1:]) for row in rows if row["payee_id"] == payee_id), None)


async def payable_to(tx: Tx, payee_id: UUID) -> int:
    """What of an account's due can be paid, in minor units: no more than all accounts of the person come to, since what
    was taken back of one after it was paid is carried against the others too. They are locked (`lock_person`)."""
    minor: int = await tx.fetchval(f"SELECT {PAYABLE} FROM payees p WHERE p.payee_id = $1", payee_id)  # noqa: S608 - our own text
    return minor


PAYABLE = """(SELECT least(p.due_minor, greatest(sum(x.due_minor), 0))::bigint FROM payees x
              WHERE x.payee_id = ANY (duo_group(p.payee_id)))"""
"""The same as SQL, of a payee `p`."""


async def of_persons(tx: Tx, member_ids: Sequence[UUID]) -> list[UUID]:
    """The accounts there are of the people whom these members are now."""
    rows = await tx.fetch(_OF_PERSONS, member_ids)
    return [row["payee_id"] for row in rows]


_OF_PERSONS = """
WITH heads AS (
    SELECT DISTINCT coalesce(m.merged_into, i.id) AS id
    FROM unnest($1::uuid[]) AS i(id) LEFT JOIN members m ON m.member_id = i.id
), ids AS (
    SELECT id FROM heads
    UNION SELECT g.other_id FROM heads h JOIN member_merges g ON g.member_id = h.id AND g.undone_at IS NULL)
SELECT p.payee_id FROM ids JOIN payees p ON p.payee_id = ids.id
"""


async def change_all(tx: Tx, changes: Mapping[UUID, tuple[int, int]]) -> None:
    """Bring locked accounts along: what is pending and what is due, by payee."""
    those = {payee_id: both for payee_id, both in changes.items() if any(both)}
    if not those:
        return
    done = await tx.execute(
        """UPDATE payees p SET pending_minor = p.pending_minor + c.pending, due_minor = p.due_minor + c.due,
                  updated_at = $4
           FROM unnest($1::uuid[], $2::bigint[], $3::bigint[]) AS c(payee_id, pending, due)
           WHERE p.payee_id = c.payee_id""",
        list(those),
        [pending_minor for pending_minor, _ in those.values()],
        [due_minor for _, due_minor in those.values()],
        clock.now(),
    )
    ensure(done == f"UPDATE {len(those)}", "STL-1", f"of {len(those)} accounts {done}")


async def change(
    tx: Tx, payee_id: UUID, *, pending_minor: int = 0, due_minor: int = 0, paying_minor: int = 0, paid_minor: int = 0
) -> None:
    """Bring a locked account along with what is posted beside it."""
    if not (pending_minor or due_minor or paying_minor or paid_minor):
        return
    done = await tx.execute(
        """UPDATE payees SET pending_minor = pending_minor + $2, due_minor = due_minor + $3,
                  paying_minor = paying_minor + $4, paid_minor = paid_minor + $5, updated_at = $6
           WHERE payee_id = $1""",
        payee_id,
        pending_minor,
        due_minor,
        paying_minor,
        paid_minor,
        clock.now(),
    )
    ensure(done == "UPDATE 1", "STL-1", f"{payee_id} has no account")


def entry(debit: str, credit: str, minor: int) -> ledger.Entry:
    """An entry for an amount that may be below nothing: then it goes the other way."""
    return ledger.Entry(debit, credit, minor) if minor >= 0 else ledger.Entry(credit, debit, -minor)


def journal(
    under: UUID, kind: str, entries: Sequence[ledger.Entry], *, order_id: UUID | None = None, reason: str = ""
) -> ledger.Journal:
    """What one event moves, under the buyer or the payee whose it is."""
    return ledger.Journal(under, kind, "settlement", new_id(), entries, order_id, reason)


async def book_all(tx: Tx, journals: Sequence[ledger.Journal], *, actor: Actor) -> None:
    """One journal for each event."""
    await ledger.post_all(tx, journals, currency=CURRENCY, actor=actor)


async def book(
    tx: Tx, *, under: UUID, kind: str, entries: Sequence[ledger.Entry], actor: Actor, reason: str = ""
) -> None:
    """One journal for one event."""
    await book_all(tx, [journal(under, kind, entries, reason=reason)], actor=actor)
