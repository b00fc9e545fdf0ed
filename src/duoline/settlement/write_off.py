"""Write off what a payee owes: shares taken back after they were paid, with nothing to come that could be set against
them. Headquarters decides it, by name; nothing else ever forgives a payee."""

from __future__ import annotations

from typing import TYPE_CHECKING

from duoline.kernel import audit
from duoline.kernel.errors import ensure
from duoline.settlement import accounts

if TYPE_CHECKING:
    from uuid import UUID

    from duoline.kernel.auth import Actor
    from duoline.kernel.db import Tx


async def write_off_debt(tx: Tx, payee_id: UUID, *, reason: str, actor: Actor) -> int:
    """Whatever a payee owes becomes a cost of the chain, under the name of whoever decides it. Returns how much in
    minor units, 0 where nothing is owed. Locks the payee."""
    have = await accounts.lock_one(tx, payee_id)
    if have is None or have.due_minor >= 0:
        return 0
    ensure(have.pending_minor == 0 and have.paying_minor == 0, "STL-2", f"{payee_id} is still to earn: {have}")
    owed = -have.due_minor
    await accounts.change(tx, payee_id, due_minor=owed)
    await accounts.book(
        tx,
        under=payee_id,
        kind="settlement-written-off",
        entries=[accounts.entry(accounts.WRITTEN_OFF, accounts.due(payee_id), owed)],
        actor=actor,
    )
    await audit.record(
        tx,
        actor=actor,
        action="settlement.write-off",
        subject_kind="payee",
        subject=str(payee_id),
        reason=reason,
        before={"due_minor": have.due_minor},
        after={"due_minor": 0},
    )
    return owed
