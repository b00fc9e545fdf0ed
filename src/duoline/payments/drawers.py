"""Drawers of a shop, each from its float to its count. All cash that a shop takes or gives is in one of them.

`note_cash` is the only way cash gets there. It takes its session FOR SHARE, so sales never wait for each other, and
closing takes it FOR UPDATE: a sale that is under way is waited for and counted, one that comes later finds the session
closed and goes into another. The session is the last thing that any transaction locks.

A float was in the shop before and will be after; it moves no account. So a shop's cash account is what its drawers
took, less what was paid out of them, and the differences of their counts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from duoline import ledger
from duoline.kernel import audit, clock, faults, outbox
from duoline.kernel.errors import Fault, NotFound, Refusal, ensure
from duoline.kernel.ids import new_id
from duoline.kernel.money import CURRENCY, Money
from duoline.payments.policy import TILL

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from duoline.kernel.auth import Actor
    from duoline.kernel.db import Tx

MAIN = "1"
"""The drawer of a shop that has one."""

_ATTEMPTS = 20

CashKind = Literal["sale", "collection", "refund", "top_up"]
ByHand = Literal["paid_in", "paid_out"]

faults.register("drawer.before_commit")


class DrawerOpen(Refusal):
    """This drawer has been opened already."""

    code = "payments.drawer-open"
    status = 409
    zh = "钱箱 {drawer} 已经由{by}打开。"
    en = "Drawer {drawer} has been opened already, by {by}."


class DrawerClosed(Refusal):
    """The session is over; nothing goes into it or out of it any more."""

    code = "payments.drawer-closed"
    status = 409
    zh = "钱箱 {drawer} 已经由{by}盘点关闭。"
    en = "Drawer {drawer} has been counted and closed already, by {by}."


class FloatKnown(Refusal):
    """Whoever opened the drawer said what was in it. What came since is paid in."""

    code = "payments.float-known"
    status = 409
    zh = "这个钱箱的备用金在打开时已经登记。后来放进去的钱请登记为存入。"
    en = "The float of this drawer was counted when it was opened. What was added since is paid in."


class DrawerTooLittle(Refusal):
    """More would be paid out than lies in the drawer."""

    code = "payments.drawer-too-little"
    status = 409
    zh = "钱箱里没有这么多现金。"
    en = "There is not as much cash in the drawer."


class DifferenceUnexplained(Refusal):
    """What was counted is further from what should be there than goes without a word. How far is not told."""

    code = "payments.drawer-difference"
    status = 409
    zh = "清点金额与应有金额相差超过 {allowed}。请再数一遍;确实如此就写明原因。"
    en = "The count is off by more than {allowed}. Count again; if it stays so, say why."


class Session(NamedTuple):
    """A session of a drawer as stored, locked."""

    location_id: UUID
    id: UUID
    drawer: str
    by_itself: bool
    float_minor: int
    opened_at: datetime
    closed_at: datetime | None
    closed_name: str | None


class Closed(NamedTuple):
    """What a count came to. Amounts in minor units; the difference is below zero when money is missing."""

    expected_minor: int
    counted_minor: int
    difference_minor: int


async def note_cash(
    tx: Tx,
    location_id: UUID,
    *,
    kind: CashKind,
    amount_minor: int,
    ref_id: UUID,
    actor: Actor,
    drawer: str | None = None,
) -> UUID:
    """Note cash that was taken (a sale, an order collected, a top-up) or given back (`refund`); `amount_minor` is
    above zero.

    `ref_id` is the capture, the top-up or the refund. It goes into the drawer named, else the one that the actor
    opened, else the one that has been open for longest; where none is open, one opens by itself. Returns its session.
    Locks that session, after everything else that the transaction locks.
    """
    ensure(amount_minor > 0, "TIL-2", f"{kind} of {amount_minor}")
    signed = -amount_minor if kind == "refund" else amount_minor
    for _ in range(_ATTEMPTS):
        session_id: UUID | None = await tx.fetchval(
            _NOTE, location_id, new_id(), kind, signed, ref_id, clock.now(), actor.id, actor.name, drawer
        )
        if session_id is not None:
            return session_id
        await _open(tx, location_id, drawer or MAIN, float_minor=0, by_itself=True, actor=actor)
    raise Fault("TIL-2", f"{kind} {ref_id} found no drawer")


# One statement, so that a sale has one more trip to the database and no more. A session that is closed while this waits
# for it does not qualify any more, and the next one is taken.
_NOTE = """
WITH session AS (
    SELECT location_id, id, opened_at FROM drawer_sessions WHERE location_id = $1 AND closed_at IS NULL
    ORDER BY drawer = $9 DESC NULLS LAST, opened_by = $7 DESC, opened_at, id LIMIT 1 FOR SHARE)
INSERT INTO drawer_entries (location_id, session_id, id, kind, amount_minor, ref_id, at, actor_id, actor_name)
SELECT location_id, id, $2, $3, $4, $5, greatest($6, opened_at), $7, $8 FROM session
RETURNING session_id
"""


async def open_drawer(tx: Tx, location_id: UUID, *, drawer: str, float_minor: int, actor: Actor) -> UUID:
    """Open a drawer with what was counted into it. Refuses `payments.drawer-open`."""
    session_id = await _open(tx, location_id, drawer, float_minor=float_minor, by_itself=False, actor=actor)
    if session_id is None:
        by = await tx.fetchval(
            "SELECT opened_name FROM drawer_sessions WHERE location_id = $1 AND drawer = $2 AND closed_at IS NULL",
            location_id,
            drawer,
        )
        raise DrawerOpen(drawer=drawer, by=by or "")
    return session_id


async def _open(
    tx: Tx, location_id: UUID, drawer: str, *, float_minor: int, by_itself: bool, actor: Actor
) -> UUID | None:
    """None when the drawer is open already: of two at once, the second waits for the first and gets None.

    Never before the session before it was closed, whatever this process's clock says (TIL-3).
    """
    session_id: UUID | None = await tx.fetchval(
        """INSERT INTO drawer_sessions (location_id, id, drawer, by_itself, float_minor, opened_at, opened_by,
                                        opened_name)
           VALUES ($1, $2, $3, $4, $5, greatest($6, (
                       SELECT max(closed_at) FROM drawer_sessions WHERE location_id = $1 AND drawer = $3)), $7, $8)
           ON CONFLICT (location_id, drawer) WHERE closed_at IS NULL DO NOTHING RETURNING id""",
        location_id,
        new_id(),
        drawer,
        by_itself,
        float_minor,
        clock.now(),
        actor.id,
        actor.name,
    )
    if session_id is not None:
        after = {"drawer": drawer, "float_minor": float_minor, "by_itself": by_itself}
        await _trace(tx, location_id, session_id, "open", actor, after=after)
        await tell(tx, location_id)
    return session_id


async def set_float(tx: Tx, location_id: UUID, session_id: UUID, *, float_minor: int, actor: Actor) -> None:
    """Say what lay in a drawer that opened by itself. Locks the session.

    Refuses `kernel.not-found`, `payments.drawer-closed`, `payments.float-known`.
    """
    session = await _lock_open(tx, location_id, session_id)
    if not session.by_itself or session.float_minor:
        raise FloatKnown
    await tx.execute(
        "UPDATE drawer_sessions SET float_minor = $3 WHERE location_id = $1 AND id = $2",
        location_id,
        session_id,
        float_minor,
    )
    before = {"drawer": session.drawer, "float_minor": session.float_minor}
    await _trace(
        tx, location_id, session_id, "float", actor, before=before, after=before | {"float_minor": float_minor}
    )


async def pay_by_hand(
    tx: Tx, location_id: UUID, session_id: UUID, *, kind: ByHand, amount_minor: int, reason: str, actor: Actor
) -> UUID:
    """Put cash into an open drawer or take it out, for a reason; `amount_minor` is above zero. Locks the session.

    Refuses `kernel.not-found`, `payments.drawer-closed`, `payments.drawer-too-little`.
    """
    session = await _lock_open(tx, location_id, session_id)
    if kind == "paid_out" and amount_minor > await _holds(tx, session):
        raise DrawerTooLittle
    entry_id, now = new_id(), max(clock.now(), session.opened_at)
    signed = amount_minor if kind == "paid_in" else -amount_minor
    await tx.execute(
        """INSERT INTO drawer_entries (location_id, session_id, id, kind, amount_minor, ref_id, at, actor_id,
                                       actor_name, reason)
           VALUES ($1, $2, $3, $4, $5, $3, $6, $7, $8, $9)""",
        location_id,
        session_id,
        entry_id,
        kind,
        signed,
        now,
        actor.id,
        actor.name,
        reason,
    )
    petty = ledger.accounts.petty(location_id)
    await _post(tx, location_id, kind, entry_id, signed, petty, actor=actor, reason=reason)
    after = {"drawer": session.drawer, "amount_minor": signed}
    await _trace(tx, location_id, session_id, kind.replace("_", "-"), actor, reason=reason, after=after)
    return entry_id


async def close_drawer(
    tx: Tx, location_id: UUID, session_id: UUID, *, counted_minor: int, note: str, actor: Actor
) -> Closed | DifferenceUnexplained:
    """End a session with what was counted; the difference is posted. Locks the session, waiting for sales under way.

    Raises `kernel.not-found`, `payments.drawer-closed`. A difference of more than the policy `till` lets pass without a
    word is returned as the refusal `payments.drawer-difference`: the count is in the audit log, so that nobody guesses
    their way to what should be there without a trace. (What that is stays out of the log until then.)
    """
    session = await _lock_open(tx, location_id, session_id)
    expected = await _holds(tx, session)
    difference = counted_minor - expected
    allowed = TILL.current().body.drawer_difference_minor
    told = {"drawer": session.drawer, "counted_minor": counted_minor}
    if abs(difference) > allowed and not note:
        await _trace(tx, location_id, session_id, "count", actor, after=told)
        return DifferenceUnexplained(allowed=str(Money(allowed)), allowed_minor=allowed)
    done = await tx.fetchrow(
        """UPDATE drawer_sessions s
           SET closed_at = greatest($3, s.opened_at, (SELECT max(e.at) FROM drawer_entries e
                                                      WHERE e.location_id = $1 AND e.session_id = $2)),
               closed_by = $4, closed_name = $5, counted_minor = $6, expected_minor = $7, note = $8
           WHERE location_id = $1 AND id = $2 AND closed_at IS NULL
           RETURNING expected_minor - float_minor - coalesce((
               SELECT sum(e.amount_minor) FROM drawer_entries e
               WHERE e.location_id = $1 AND e.session_id = $2), 0) AS off""",
        location_id,
        session_id,
        clock.now(),
        actor.id,
        actor.name,
        counted_minor,
        expected,
        note,
    )
    if done is None:
        raise Fault("TIL-3", f"drawer {session.drawer} is open and was closed meanwhile")
    ensure(done["off"] == 0, "TIL-1", f"drawer {session.drawer} was expected to hold {expected}")
    account = ledger.accounts.till_difference(location_id)
    await _post(tx, location_id, "till-difference", session_id, difference, account, actor=actor, reason=note)
    told |= {"expected_minor": expected, "difference_minor": difference}
    await _trace(tx, location_id, session_id, "close", actor, reason=note, after=told)
    await tell(tx, location_id)
    faults.point("drawer.before_commit")
    return Closed(expected, counted_minor, difference)


async def _lock_open(tx: Tx, location_id: UUID, session_id: UUID) -> Session:
    row = await tx.fetchrow(
        """SELECT location_id, id, drawer, by_itself, float_minor, opened_at, closed_at, closed_name
           FROM drawer_sessions WHERE location_id = $1 AND id = $2 FOR UPDATE""",
        location_id,
        session_id,
    )
    if row is None:
        raise NotFound
    session = Session(*row)
    if session.closed_at is not None:
        raise DrawerClosed(drawer=session.drawer, by=session.closed_name or "")
    return session


async def _holds(tx: Tx, session: Session) -> int:
    """What should lie in a locked drawer. A statement of its own, after the lock, so that it sees all that went in."""
    total: int = await tx.fetchval(
        """SELECT $3::bigint + coalesce(sum(amount_minor), 0)::bigint FROM drawer_entries
           WHERE location_id = $1 AND session_id = $2""",
        session.location_id,
        session.id,
        session.float_minor,
    )
    return total


async def _post(
    tx: Tx,
    location_id: UUID,
    kind: str,
    ref_id: UUID,
    signed_minor: int,
    account: str,
    *,
    actor: Actor,
    reason: str,
) -> None:
    """Move `signed_minor` into the shop's cash account from another one (out of it when below zero).

    No member has part in it. Journals live with whose they are, and this one is the shop's.
    """
    cash = ledger.accounts.cash(location_id)
    debit, credit = (cash, account) if signed_minor > 0 else (account, cash)
    posted = await ledger.post(
        tx,
        member_id=location_id,
        kind=kind,
        ref_kind="drawer",
        ref_id=ref_id,
        entries=[ledger.Entry(debit, credit, abs(signed_minor))],
        currency=CURRENCY,
        actor=actor,
        reason=reason,
    )
    ensure((posted is not None) == (signed_minor != 0), "TIL-2", f"{kind} {ref_id} is posted once")


async def _trace(
    tx: Tx,
    location_id: UUID,
    session_id: UUID,
    what: str,
    actor: Actor,
    *,
    reason: str = "",
    before: object = None,
    after: object = None,
) -> None:
    await audit.record(
        tx,
        actor=actor,
        action=f"drawer.{what}",
        subject_kind="drawer",
        subject=str(session_id),
        store_id=location_id,
        reason=reason,
        before=before,
        after=after,
    )


async def tell(tx: Tx, location_id: UUID) -> None:
    """Tell the shop's phones that a drawer was opened or closed."""
    await outbox.emit(
        tx,
        topic="till.changed",
        key=str(location_id),
        payload={"what": "drawer"},
        family="stock",
        owner_id=location_id,
        store_ids=[location_id],
    )
