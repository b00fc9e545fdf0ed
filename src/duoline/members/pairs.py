"""Pairs of members who may be one person: found by the rules, decided by somebody."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from duoline.kernel import clock
from duoline.kernel.auth import SYSTEM
from duoline.kernel.errors import NotFound
from duoline.members.errors import PairDecided

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from uuid import UUID

    from duoline.kernel.auth import Actor
    from duoline.kernel.db import Tx
    from duoline.members.match import Doubt


async def raise_doubts(tx: Tx, doubts: Iterable[Doubt], *, source: str, rule_version: int) -> int:
    """Put pairs into the queue. One that is known stays as it is, decided or not, and two who are one person already
    are none. Returns how many are new."""
    rows: Sequence[Doubt] = sorted(doubts, key=lambda doubt: doubt.ids)
    made = await tx.fetch(
        """INSERT INTO member_pairs (member_id, other_id, score, reasons, rule_version, source, found_at)
           SELECT p.a, p.b, p.score, string_to_array(p.reasons, ' '), $5, $6, $7
           FROM unnest($1::uuid[], $2::uuid[], $3::integer[], $4::text[]) AS p(a, b, score, reasons)
           WHERE duo_now(p.a) <> duo_now(p.b)
           ON CONFLICT (member_id, other_id) DO NOTHING RETURNING 1""",
        [doubt.ids[0] for doubt in rows],
        [doubt.ids[1] for doubt in rows],
        [doubt.score for doubt in rows],
        [" ".join(doubt.reasons) for doubt in rows],
        rule_version,
        source,
        clock.now(),
    )
    return len(made)


async def decide(
    tx: Tx, *, member_id: UUID, other_id: UUID, state: Literal["same", "different"], reason: str, actor: Actor
) -> None:
    """Decide an open pair, whichever of the two is named first. Locks the pair.

    Refuses `kernel.not-found` for no pair, `members.pair-decided`.
    """
    low, high = sorted((member_id, other_id))
    found = await tx.fetchval(
        "SELECT state FROM member_pairs WHERE member_id = $1 AND other_id = $2 FOR UPDATE", low, high
    )
    if found is None:
        raise NotFound(kind="pair")
    if found != "open":
        raise PairDecided
    await _write(tx, low, high, state, reason, actor)


async def settle(
    tx: Tx, *, member_id: UUID, other_id: UUID, state: Literal["same", "different"], reason: str, actor: Actor
) -> None:
    """What was decided elsewhere, by merging or by undoing, is decided of the pair too, if there is one."""
    low, high = sorted((member_id, other_id))
    await _write(tx, low, high, state, reason, actor)


async def close_within(tx: Tx, ids: Sequence[UUID], *, reason: str) -> None:
    """Pairs that wait between those who have become one person close themselves: nobody has anything to decide there.

    What somebody has decided stays theirs.
    """
    await tx.execute(
        """UPDATE member_pairs SET state = 'same', decided_at = $2, decided_by = $3, decided_reason = $4
           WHERE state = 'open' AND member_id = ANY ($1) AND other_id = ANY ($1)""",
        list(ids),
        clock.now(),
        SYSTEM.label,
        reason,
    )


async def reopen_between(tx: Tx, one_id: UUID, ids: Sequence[UUID]) -> None:
    """Pairs that closed themselves between somebody and those they are no longer one person with wait again."""
    await tx.execute(
        """UPDATE member_pairs SET state = 'open', decided_at = NULL, decided_by = '', decided_reason = ''
           WHERE state = 'same' AND decided_by = $3
             AND ((member_id = $1 AND other_id = ANY ($2)) OR (other_id = $1 AND member_id = ANY ($2)))""",
        one_id,
        list(ids),
        SYSTEM.label,
    )


async def _write(tx: Tx, low: UUID, high: UUID, state: str, reason: str, actor: Actor) -> None:
    await tx.execute(
        """UPDATE member_pairs SET state = $3, decided_at = $4, decided_by = $5, decided_reason = $6
           WHERE member_id = $1 AND other_id = $2""",
        low,
        high,
        state,
        clock.now(),
        actor.label,
        reason,
    )
