"""Statements: what a payee is told at the end of a month, and who approved it.

| State | Meaning | Next |
|---|---|---|
| closed | reckoned, and waits for one person's word, or two above the limit | approved |
| approved | may be paid; the chain's own are booked at once | paying, paid |
| paying | the provider was asked | paid, approved (it failed) |
| paid | had | |
| carried | nothing to pay: what is there, or missing, goes into the next one | |
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from duoline.kernel import audit, clock, faults
from duoline.kernel.errors import NotFound, ensure
from duoline.kernel.ids import new_id
from duoline.kernel.money import CURRENCY, Money
from duoline.settlement import accounts
from duoline.settlement.errors import ApprovedBefore, Disputed, MonthNotOver, NotClosed, OwnStatement
from duoline.settlement.months import month_of
from duoline.settlement.policy import STATEMENTS

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from duoline.kernel.auth import Actor
    from duoline.kernel.db import Database, Tx


faults.register("settlement.before_close")


class Statement(NamedTuple):
    """One payee's month, locked. Amounts in minor units."""

    payee_id: UUID
    id: UUID
    kind: str
    month: str
    way: str
    to_pay_minor: int
    state: str
    approvals_needed: int


def check_over(month: str) -> None:
    """Refuses `settlement.month-not-over`."""
    if month >= month_of(clock.now()):
        raise MonthNotOver(month=month)


async def close_month(db: Database, month: str, *, pays: Callable[[str, UUID], bool], actor: Actor) -> int:
    """Make the statements of a month, each payee in a transaction of its own; returns how many were made.

    `pays` says of a payee, by kind and id, whether money goes to them; the chain's own are only booked. Told twice, or
    after it was stopped, it makes those that are missing. Refuses `settlement.month-not-over`.
    """
    check_over(month)
    made = 0
    while rows := await db.fetch(
        """SELECT p.payee_id, p.kind FROM payees p
           WHERE NOT EXISTS (SELECT FROM statements s WHERE s.payee_id = p.payee_id AND s.month >= $1)
             AND (EXISTS (SELECT FROM accruals a WHERE a.payee_id = p.payee_id AND a.state = 'matured'
                          AND a.earned_minor <> a.settled_minor AND a.month <= $1)
                  OR (SELECT s.carried_out_minor FROM statements s WHERE s.payee_id = p.payee_id
                      ORDER BY s.month DESC LIMIT 1) <> 0)
           ORDER BY p.payee_id LIMIT 500""",
        month,
    ):
        for row in rows:
            if await close_one(db, row["payee_id"], month, pays=pays(row["kind"], row["payee_id"]), actor=actor):
                made += 1
    return made


async def close_one(db: Database, payee_id: UUID, month: str, *, pays: bool, actor: Actor) -> bool:
    """The statement of one payee. False when there is one of that month or a later one. Locks the payee."""
    rules = STATEMENTS.current().body
    now, statement_id = clock.now(), new_id()
    async with db.begin() as tx:
        # A payee with millions of lines has one statement all the same.
        await tx.execute("SET LOCAL statement_timeout = '600s'")
        await accounts.lock_one(tx, payee_id)
        last = await tx.fetchrow(
            "SELECT month, carried_out_minor FROM statements WHERE payee_id = $1 ORDER BY month DESC LIMIT 1", payee_id
        )
        if last is not None and last["month"] >= month:
            return False
        carried = last["carried_out_minor"] if last else 0
        await tx.execute(
            """INSERT INTO statements (payee_id, id, kind, month, way, carried_in_minor, earned_minor, reversed_minor,
                                       cut_minor, to_pay_minor, carried_out_minor, state, approvals_needed, closed_by,
                                       closed_at)
               SELECT payee_id, $2, kind, $3, $4, $5, 0, 0, 0, 0, $5, 'closed', 1, $6, $7
               FROM payees WHERE payee_id = $1""",
            payee_id,
            statement_id,
            month,
            "payout" if pays else "internal",
            carried,
            actor.label,
            now,
        )
        sums = await tx.fetchrow(_SETTLE, payee_id, statement_id, month)
        cut: int = await tx.fetchval(_CUT, payee_id, month)
        earned, back = (sums["earned"], sums["back"]) if sums else (0, 0)
        closing = carried + earned - back - cut
        listed = await tx.fetchval(
            "SELECT coalesce(sum(amount_minor), 0) FROM statement_lines WHERE payee_id = $1 AND statement_id = $2",
            payee_id,
            statement_id,
        )
        ensure(listed == earned - back, "STL-6", f"{statement_id} lists {listed}, not {earned - back}")
        to_pay = closing if not pays or closing >= rules.least_minor else 0
        await tx.execute(
            """UPDATE statements SET earned_minor = $3, reversed_minor = $4, cut_minor = $5, to_pay_minor = $6,
                      carried_out_minor = $7, state = $8, approvals_needed = $9
               WHERE payee_id = $1 AND id = $2""",
            payee_id,
            statement_id,
            earned,
            back,
            cut,
            to_pay,
            closing - to_pay,
            "closed" if to_pay else "carried",
            2 if abs(to_pay) > rules.two_above_minor else 1,
        )
        faults.point("settlement.before_close")
    return True


# Everything that became due by the end of the month and no statement has, as it is now.
_SETTLE = """
WITH open AS (
    SELECT order_id, line_id, book, role, location_id, earned_minor - settled_minor AS minor FROM accruals
    WHERE payee_id = $1 AND state = 'matured' AND month <= $3 AND earned_minor <> settled_minor
), settled AS (
    UPDATE accruals a SET settled_minor = a.earned_minor FROM open o
    WHERE a.payee_id = $1 AND a.order_id = o.order_id AND a.line_id = o.line_id AND a.book = o.book
      AND a.role = o.role AND a.location_id = o.location_id
), lines AS (
    INSERT INTO statement_lines (payee_id, statement_id, order_id, line_id, book, role, location_id, amount_minor)
    SELECT $1, $2, order_id, line_id, book, role, location_id, minor FROM open RETURNING amount_minor)
SELECT coalesce(sum(amount_minor) FILTER (WHERE amount_minor > 0), 0)::bigint AS earned,
       coalesce(-sum(amount_minor) FILTER (WHERE amount_minor < 0), 0)::bigint AS back
FROM lines
"""

# What of the months' commission is above their caps, less what earlier statements left out for it. A later refund may
# make it less: then it comes back.
_CUT = """
WITH before AS (
    SELECT month, settled_cut_minor, earned_minor - payable_minor AS cut FROM payee_months
    WHERE payee_id = $1 AND month <= $2 AND settled_cut_minor <> earned_minor - payable_minor
), now AS (
    UPDATE payee_months m SET settled_cut_minor = b.cut FROM before b
    WHERE m.payee_id = $1 AND m.month = b.month)
SELECT coalesce(sum(cut - settled_cut_minor), 0)::bigint FROM before
"""


async def lock(tx: Tx, payee_id: UUID, statement_id: UUID) -> Statement:
    """The payee, and the statement, locked. Refuses `kernel.not-found`."""
    await accounts.lock_one(tx, payee_id)
    row = await tx.fetchrow(
        """SELECT payee_id, id, kind, month, way, to_pay_minor, state, approvals_needed FROM statements
           WHERE payee_id = $1 AND id = $2 FOR UPDATE""",
        payee_id,
        statement_id,
    )
    if row is None:
        raise NotFound(kind="statement")
    return Statement(*row)


async def approve(tx: Tx, payee_id: UUID, statement_id: UUID, *, actor: Actor, staff_id: UUID) -> str:
    """One person's word for a statement; returns its state after it.

    Refuses `kernel.not-found`, `settlement.not-closed`, `settlement.own-statement`, `settlement.disputed` until what is
    disputed was answered, `settlement.approved-before`. Locks the payee, then the statement. The chain's own are booked
    with the last word.
    """
    statement = await lock(tx, payee_id, statement_id)
    if statement.state != "closed":
        raise NotClosed
    if staff_id == payee_id:
        raise OwnStatement
    if await is_disputed(tx, payee_id, statement_id):
        raise Disputed
    fresh = await tx.fetchval(
        """INSERT INTO statement_approvals (payee_id, statement_id, staff_id, at) VALUES ($1, $2, $3, $4)
           ON CONFLICT DO NOTHING RETURNING true""",
        payee_id,
        statement_id,
        staff_id,
        clock.now(),
    )
    if not fresh:
        raise ApprovedBefore
    given: int = await tx.fetchval(
        "SELECT count(*) FROM statement_approvals WHERE payee_id = $1 AND statement_id = $2", payee_id, statement_id
    )
    state = "closed" if given < statement.approvals_needed else "approved"
    if state == "approved" and statement.way == "internal":
        state = "paid"
        await accounts.change(tx, payee_id, due_minor=-statement.to_pay_minor, paid_minor=statement.to_pay_minor)
        await accounts.book(
            tx,
            under=payee_id,
            kind="settlement-booked",
            entries=[accounts.entry(accounts.due(payee_id), accounts.BOOKED, statement.to_pay_minor)],
            actor=actor,
        )
    await set_state(tx, statement, state)
    await audit.record(
        tx,
        actor=actor,
        action="statement.approve",
        subject_kind="statement",
        subject=str(statement_id),
        after={"month": statement.month, "amount": Money(statement.to_pay_minor, CURRENCY), "state": state},
    )
    return state


async def set_state(tx: Tx, statement: Statement, state: str) -> None:
    """Take a locked statement to a state."""
    if state == statement.state:
        return
    done = await tx.execute(
        "UPDATE statements SET state = $3, done_at = $4 WHERE payee_id = $1 AND id = $2 AND state = $5",
        statement.payee_id,
        statement.id,
        state,
        clock.now() if state == "paid" else None,
        statement.state,
    )
    ensure(done == "UPDATE 1", "STL-7", f"{statement.id} is not {statement.state} any more")


async def is_disputed(tx: Tx, payee_id: UUID, statement_id: UUID) -> bool:
    """Whether the last that was said of a locked statement is a dispute."""
    last: str | None = await tx.fetchval(
        "SELECT kind FROM statement_notes WHERE payee_id = $1 AND statement_id = $2 ORDER BY id DESC LIMIT 1",
        payee_id,
        statement_id,
    )
    return last == "dispute"


async def say(tx: Tx, payee_id: UUID, statement_id: UUID, *, kind: str, note: str, actor: Actor) -> UUID:
    """Write down what a payee disputes, or what they are answered; until then nobody approves or pays it.

    Refuses `kernel.not-found`. Locks the payee, then the statement: it is not approved meanwhile.
    """
    note_id = new_id()
    await lock(tx, payee_id, statement_id)
    await tx.execute(
        """INSERT INTO statement_notes (payee_id, statement_id, id, kind, note, actor, at)
           VALUES ($1, $2, $3, $4, $5, $6, $7)""",
        payee_id,
        statement_id,
        note_id,
        kind,
        note.strip(),
        actor.label,
        clock.now(),
    )
    return note_id
