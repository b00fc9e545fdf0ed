"""Bring what payees have earned by an order up to what it is now. Told twice, it changes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from duoline.kernel import clock
from duoline.kernel.errors import ensure
from duoline.settlement import accounts
from duoline.settlement.months import add_to_month
from duoline.settlement.types import NOWHERE, Key, Payee

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from duoline.kernel.auth import Actor
    from duoline.kernel.db import Tx
    from duoline.ledger import Entry
    from duoline.settlement.types import Book, Earned


class _Old(NamedTuple):
    earned_minor: int
    state: str
    month: str | None


async def tell(
    tx: Tx,
    *,
    member_id: UUID,
    order_id: UUID,
    earned: Sequence[Earned],
    done_at: Mapping[UUID, datetime],
    sign_off_id: UUID | None,
    actor: Actor,
) -> int:
    """What an order's shares come to by now; returns how many of them changed.

    `done_at` says of lines of which nothing is still to come when what they earn becomes due. The difference to what
    was told before is booked: as pending, or, of what is due already, as due, so that a refund after a payout is
    carried against what comes. One journal a book, under the buyer. Locks the payees, in the order of their ids.
    """
    rows = await tx.fetch("SELECT DISTINCT payee_kind, payee_id FROM accruals WHERE order_id = $1", order_id)
    new = {one.key: one for one in earned}
    ensure(len(new) == len(earned), "STL-3", f"{order_id} has a share twice")
    if not rows and not new:
        return 0
    await accounts.lock(tx, {*(Payee(*row) for row in rows), *(key.payee for key in new)})
    before = await _before(tx, order_id)
    changed = await _write(tx, member_id, order_id, new, before, done_at, sign_off_id)
    await _book(tx, member_id, order_id, new, before, actor)
    return changed


async def _before(tx: Tx, order_id: UUID) -> dict[Key, _Old]:
    """What the shares were, now that their payees are locked."""
    rows = await tx.fetch(
        """SELECT payee_id, payee_kind, line_id, book, role, location_id, earned_minor, state, month
           FROM accruals WHERE order_id = $1""",
        order_id,
    )
    return {
        Key(
            Payee(row["payee_kind"], row["payee_id"]), row["line_id"], row["book"], row["role"], row["location_id"]
        ): _Old(row["earned_minor"], row["state"], row["month"])
        for row in rows
    }


async def _write(
    tx: Tx,
    member_id: UUID,
    order_id: UUID,
    new: Mapping[Key, Earned],
    before: Mapping[Key, _Old],
    done_at: Mapping[UUID, datetime],
    sign_off_id: UUID | None,
) -> int:
    now = clock.now()
    for one in new.values():
        ensure(one.level in (1, 2) and (one.level == 1 or sign_off_id is not None), "STL-5", f"{one.key.role}")
        ensure(one.flag is not None or one.key.payee.id != member_id, "STL-5", f"{member_id} pays themselves")
        ensure(one.flag is None or one.earned_minor == 0, "STL-3", f"{one.key.role} is flagged and earns")
    rows = [
        (
            key.payee.id,
            order_id,
            key.line_id,
            key.book,
            key.role,
            key.location_id,
            member_id,
            key.payee.kind,
            one.level,
            sign_off_id if one.level > 1 else None,
            one.rate_bp,
            one.flag,
            one.basis_minor,
            one.gross_minor,
            one.earned_minor,
            done_at.get(key.line_id),
            now,
        )
        for key, one in new.items()
    ]
    await tx.executemany(_UPSERT, rows)
    gone = [key for key in before if key not in new]
    await tx.executemany(
        """UPDATE accruals SET basis_minor = 0, gross_minor = 0, earned_minor = 0, updated_at = $7,
                  matures_at = coalesce(matures_at, $8)
           WHERE payee_id = $1 AND order_id = $2 AND line_id = $3 AND book = $4 AND role = $5 AND location_id = $6""",
        [
            (key.payee.id, order_id, key.line_id, key.book, key.role, key.location_id, now, done_at.get(key.line_id))
            for key in gone
        ],
    )
    changed = [key for key, one in new.items() if key not in before or before[key].earned_minor != one.earned_minor]
    return len(changed) + sum(1 for key in gone if before[key].earned_minor)


# Once it is known when a line's shares become due, that stays; while something is still to come of it, it is unknown.
_UPSERT = """
INSERT INTO accruals AS a (payee_id, order_id, line_id, book, role, location_id, member_id, payee_kind, level,
                           sign_off_id, rate_bp, flag, basis_minor, gross_minor, earned_minor, matures_at, at,
                           updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $17)
ON CONFLICT (payee_id, order_id, line_id, book, role, location_id) DO UPDATE
SET basis_minor = $13, gross_minor = $14, earned_minor = $15, rate_bp = $11,
    matures_at = CASE WHEN $16::timestamptz IS NULL THEN NULL ELSE coalesce(a.matures_at, $16) END, updated_at = $17
WHERE (a.basis_minor, a.gross_minor, a.earned_minor, a.matures_at, a.rate_bp)
      IS DISTINCT FROM ($13, $14, $15, CASE WHEN $16 IS NULL THEN NULL ELSE coalesce(a.matures_at, $16) END, $11)
"""


async def _book(
    tx: Tx,
    member_id: UUID,
    order_id: UUID,
    new: Mapping[Key, Earned],
    before: Mapping[Key, _Old],
    actor: Actor,
) -> None:
    entries: dict[Book, list[Entry]] = {"commission": [], "allocation": []}
    changes: dict[UUID, tuple[int, int]] = {}
    for key in sorted({*new, *before}, key=lambda one: (one.payee.id, one.line_id, one.role, one.location_id)):
        was = before.get(key, _Old(0, "pending", None))
        more = (new[key].earned_minor if key in new else 0) - was.earned_minor
        if not more:
            continue
        other, payee_id = accounts.BOOKS[key.book], key.payee.id
        pending, due = changes.get(payee_id, (0, 0))
        if was.state == "pending":
            changes[payee_id] = (pending + more, due)
            entries[key.book].append(accounts.entry(other, accounts.pending(payee_id), more))
            continue
        paid = await add_to_month(tx, payee_id, was.month or "", more) if key.book == "commission" else more
        changes[payee_id] = (pending, due + paid)
        entries[key.book].append(accounts.entry(other, accounts.due(payee_id), paid))
    await accounts.change_all(tx, changes)
    for book, those in entries.items():
        await accounts.book(
            tx, under=member_id, kind=f"settlement-{book}", entries=those, order_id=order_id, actor=actor
        )


async def tell_bringing(
    tx: Tx,
    *,
    member_id: UUID,
    guide_id: UUID,
    binding_id: UUID,
    minor: int,
    due_at: datetime,
    actor: Actor,
) -> None:
    """A guide is credited once for a new member who chose them, before any purchase. Repeating it changes nothing.

    The binding stands where an order does. Locks the payee.
    """
    payee = Payee("staff", guide_id)
    await accounts.lock(tx, [payee])
    fresh = await tx.fetchval(
        """INSERT INTO accruals (payee_id, order_id, line_id, book, role, location_id, member_id, payee_kind, rate_bp,
                                 basis_minor, gross_minor, earned_minor, matures_at, at, updated_at)
           VALUES ($1, $2, $3, 'commission', 'bringing', $4, $5, 'staff', 0, 0, 0, $6, $7, $8, $8)
           ON CONFLICT DO NOTHING RETURNING true""",
        guide_id,
        binding_id,
        member_id,
        NOWHERE,
        member_id,
        minor,
        due_at,
        clock.now(),
    )
    if not fresh:
        return
    await accounts.change(tx, guide_id, pending_minor=minor)
    await accounts.book(
        tx,
        under=member_id,
        kind="settlement-bringing",
        entries=[accounts.entry(accounts.BOOKS["commission"], accounts.pending(guide_id), minor)],
        actor=actor,
    )
