"""A member's wallet: the row that every change locks, and what it moves in the ledger.

A person who was several members has as many wallets (`members.group`): what each holds stays where it was paid in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from duoline import ledger
from duoline.kernel import clock
from duoline.kernel.errors import ensure
from duoline.kernel.ids import new_id
from duoline.kernel.money import CURRENCY
from duoline.wallet.reckon import Left, Shares, first_in_first_out

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from typing import Literal
    from uuid import UUID

    from duoline.kernel.auth import Actor
    from duoline.kernel.db import Database, Tx


class Drawn(NamedTuple):
    """What was taken out of a lot: of whose wallet, and when that lot ends."""

    member_id: UUID
    minor: int
    expires_at: datetime | None


PRINCIPAL = ledger.accounts.STORED_PRINCIPAL
BONUS = ledger.accounts.STORED_BONUS


async def balance_of(db: Database | Tx, member_id: UUID) -> Shares:
    """What is in a person's wallets as of now: the member's, and those of who else they are."""
    row = await db.fetchrow(
        """SELECT coalesce(sum(principal_minor), 0)::bigint, coalesce(sum(bonus_minor), 0)::bigint
           FROM wallets WHERE member_id = ANY (duo_group($1))""",
        member_id,
    )
    return Shares(*row) if row else Shares()


async def lock_purse(tx: Tx, ids: Sequence[UUID]) -> dict[UUID, Shares]:
    """A person's wallets, locked in order of id, with what is in each; of none there is none."""
    rows = await tx.fetch(
        """SELECT member_id, principal_minor, bonus_minor FROM wallets
           WHERE member_id = ANY ($1) ORDER BY member_id FOR UPDATE""",
        list(ids),
    )
    return {row["member_id"]: Shares(row["principal_minor"], row["bonus_minor"]) for row in rows}


def sum_of(purse: Mapping[UUID, Shares]) -> Shares:
    """All wallets of a person together."""
    return Shares(sum(one.principal for one in purse.values()), sum(one.bonus for one in purse.values()))


async def make(tx: Tx, member_id: UUID) -> None:
    """The member's wallet, if there is none. Locks nothing that is there."""
    await tx.execute(
        "INSERT INTO wallets (member_id, updated_at) VALUES ($1, $2) ON CONFLICT (member_id) DO NOTHING",
        member_id,
        clock.now(),
    )


async def lock(tx: Tx, member_id: UUID) -> Shares:
    """The member's wallet, made if there is none, locked: after the member's points, before a drawer."""
    await make(tx, member_id)
    row = await tx.fetchrow(
        "SELECT principal_minor, bonus_minor FROM wallets WHERE member_id = $1 FOR UPDATE", member_id
    )
    ensure(row is not None, "WAL-1", "a wallet that was just made")
    return Shares(*row)  # type: ignore[misc]


async def move(
    tx: Tx,
    member_id: UUID,
    kind: str,
    entries: Sequence[ledger.Entry],
    *,
    ref_id: UUID,
    order_id: UUID | None = None,
    actor: Actor,
    reason: str = "",
) -> None:
    """Post a movement of a locked wallet, once for its `kind` and `ref_id`, and bring its balances along."""
    change = {PRINCIPAL: 0, BONUS: 0}
    for entry in entries:
        for account, minor in ((entry.credit, entry.amount_minor), (entry.debit, -entry.amount_minor)):
            if account in change:
                change[account] += minor
    posted = await ledger.post(
        tx,
        member_id=member_id,
        kind=kind,
        ref_kind="wallet",
        ref_id=ref_id,
        order_id=order_id,
        entries=entries,
        currency=CURRENCY,
        actor=actor,
        reason=reason,
    )
    ensure(posted is not None, "WAL-1", f"{kind} {ref_id} is posted once")
    row = await tx.fetchrow(
        """UPDATE wallets SET principal_minor = principal_minor + $2, bonus_minor = bonus_minor + $3, updated_at = $4
           WHERE member_id = $1 RETURNING principal_minor, bonus_minor""",
        member_id,
        change[PRINCIPAL],
        change[BONUS],
        clock.now(),
    )
    ensure(row is not None and min(row) >= 0, "WAL-1", f"{kind}: {row}")


async def add_lot(
    tx: Tx,
    member_id: UUID,
    *,
    part: Literal["principal", "bonus"],
    source: Literal["top_up", "refund"],
    ref_id: UUID,
    minor: int,
    expires_at: datetime | None = None,
) -> None:
    """A lot of a locked wallet; of nothing there is none."""
    if minor:
        await tx.execute(
            """INSERT INTO wallet_lots (member_id, id, part, source, ref_id, granted_minor, left_minor, expires_at, at)
               VALUES ($1, $2, $3, $4, $5, $6, $6, $7, $8)""",
            member_id,
            new_id(),
            part,
            source,
            ref_id,
            minor,
            expires_at,
            clock.now(),
        )


async def draw(
    tx: Tx, ids: Sequence[UUID], part: Literal["principal", "bonus"], minor: int, *, gone: bool = False
) -> list[Drawn]:
    """Take an amount out of the lots of a person's locked wallets, those that end first before the others, then the
    oldest, whichever wallet they are in.

    With `gone` it was not spent: it was paid out or given up. There is as much (WAL-2).
    """
    rows = await tx.fetch(
        """SELECT member_id, id, left_minor, expires_at FROM wallet_lots
           WHERE member_id = ANY ($1) AND part = $2 AND left_minor > 0 ORDER BY expires_at NULLS LAST, id""",
        list(ids),
        part,
    )
    whose = {row["id"]: row["member_id"] for row in rows}
    taken = first_in_first_out([Left(row["id"], row["left_minor"], row["expires_at"]) for row in rows], minor)
    ensure(sum(one.minor for one in taken) == minor, "WAL-2", f"{ids}: {minor} of {part} is not in their lots")
    await tx.executemany(
        """UPDATE wallet_lots SET left_minor = left_minor - $3,
                  gone_minor = gone_minor + CASE WHEN $4 THEN $3 ELSE 0 END
           WHERE member_id = $1 AND id = $2""",
        [(whose[one.lot_id], one.lot_id, one.minor, gone) for one in taken],
    )
    return [Drawn(whose[one.lot_id], one.minor, one.expires_at) for one in taken]
