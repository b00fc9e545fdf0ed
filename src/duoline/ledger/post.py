"""Post a journal. An entry moves an amount from its credit account to its debit account, so LED-1 holds by shape."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from duoline.kernel import clock
from duoline.kernel.errors import ensure
from duoline.kernel.ids import new_id

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from duoline.kernel.auth import Actor
    from duoline.kernel.db import Tx


class Entry(NamedTuple):
    """`amount_minor` (> 0) to the debit account, from the credit account."""

    debit: str
    credit: str
    amount_minor: int


async def post(
    tx: Tx,
    *,
    member_id: UUID,
    kind: str,
    ref_kind: str,
    ref_id: UUID,
    entries: Sequence[Entry],
    currency: str,
    actor: Actor,
    order_id: UUID | None = None,
    reason: str = "",
) -> UUID | None:
    """Write one journal for one event. Returns its id, or None when this event has been posted already.

    Entries of nothing are left out; a journal without entries is not written.
    """
    real = [entry for entry in entries if entry.amount_minor]
    ensure(all(entry.amount_minor > 0 and entry.debit != entry.credit for entry in real), "LED-1", kind)
    if not real:
        return None
    journal_id: UUID | None = await tx.fetchval(
        """INSERT INTO journals (member_id, id, kind, ref_kind, ref_id, order_id, at, actor, reason)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
           ON CONFLICT (member_id, kind, ref_id) DO NOTHING RETURNING id""",
        member_id,
        new_id(),
        kind,
        ref_kind,
        ref_id,
        order_id,
        clock.now(),
        actor.label,
        reason,
    )
    if journal_id is None:
        return None
    await tx.execute(
        """INSERT INTO journal_entries (member_id, journal_id, n, debit, credit, amount_minor, currency)
           SELECT $1, $2, e.n, e.debit, e.credit, e.amount, $6
           FROM unnest($3::text[], $4::text[], $5::bigint[]) WITH ORDINALITY AS e(debit, credit, amount, n)""",
        member_id,
        journal_id,
        [entry.debit for entry in real],
        [entry.credit for entry in real],
        [entry.amount_minor for entry in real],
        currency,
    )
    return journal_id
