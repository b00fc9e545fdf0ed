"""Post journals. An entry moves an amount from its credit account to its debit account, so LED-1 holds by shape."""

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


class Journal(NamedTuple):
    """What one event moves, under a member: `ref_kind` and `ref_id` name the event, once for a kind."""

    member_id: UUID
    kind: str
    ref_kind: str
    ref_id: UUID
    entries: Sequence[Entry]
    order_id: UUID | None = None
    reason: str = ""


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
    journal = Journal(member_id, kind, ref_kind, ref_id, entries, order_id, reason)
    return next(iter(await post_all(tx, [journal], currency=currency, actor=actor)), None)


async def post_all(tx: Tx, journals: Sequence[Journal], *, currency: str, actor: Actor) -> list[UUID]:
    """Write so many journals in two statements; returns the ids of those that were not posted already, in order."""
    made: dict[UUID, tuple[Journal, list[Entry]]] = {}
    for journal in journals:
        real = [entry for entry in journal.entries if entry.amount_minor]
        ensure(all(entry.amount_minor > 0 and entry.debit != entry.credit for entry in real), "LED-1", journal.kind)
        if real:
            made[new_id()] = journal, real
    if not made:
        return []
    of = [journal for journal, _ in made.values()]
    fresh = await tx.fetch(
        """INSERT INTO journals (member_id, id, kind, ref_kind, ref_id, order_id, at, actor, reason)
           SELECT j.member_id, j.id, j.kind, j.ref_kind, j.ref_id, j.order_id, $8, $9, j.reason
           FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::uuid[], $6::uuid[], $7::text[])
                AS j(member_id, id, kind, ref_kind, ref_id, order_id, reason)
           ON CONFLICT (member_id, kind, ref_id) DO NOTHING RETURNING id""",
        [journal.member_id for journal in of],
        list(made),
        [journal.kind for journal in of],
        [journal.ref_kind for journal in of],
        [journal.ref_id for journal in of],
        [journal.order_id for journal in of],
        [journal.reason for journal in of],
        clock.now(),
        actor.label,
    )
    new = {row["id"] for row in fresh}
    rows = [
        (journal.member_id, journal_id, n, *entry)
        for journal_id, (journal, real) in made.items()
        if journal_id in new
        for n, entry in enumerate(real, 1)
    ]
    if rows:
        await tx.execute(
            """INSERT INTO journal_entries (member_id, journal_id, n, debit, credit, amount_minor, currency)
               SELECT e.*, $7 FROM unnest($1::uuid[], $2::uuid[], $3::integer[], $4::text[], $5::text[], $6::bigint[])
                                   AS e""",
            *zip(*rows, strict=True),
            currency,
        )
    return [journal_id for journal_id in made if journal_id in new]
