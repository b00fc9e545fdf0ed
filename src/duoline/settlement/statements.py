"""Statements: what a payee is told at the end of a month, and who approved it.

| State | Meaning | Next |
|---|---|---|
| closing | its lines are still collected, in parts (see `parts`); nothing can be done with it | closed, carried |
| closed | reckoned, and waits for one person's word, or two above the limit | approved |
| approved | may be paid; the chain's own are booked at once | paying, paid |
| paying | the provider was asked | paid, approved (it failed) |
| paid | had | |
| carried | nothing to pay: what is there, or missing, goes into the next one | |

What was approved may be taken back before it is paid. Then less is paid, or nothing, and the rest is `withheld`: it
goes into the payee's next statement, where what was taken back stands too, so that it is neither paid twice nor lost.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from duoline.kernel import audit, clock
from duoline.kernel.errors import NotFound, ensure
from duoline.kernel.ids import new_id
from duoline.kernel.money import CURRENCY, Money
from duoline.settlement import accounts
from duoline.settlement.errors import (
    ApprovedBefore,
    Disputed,
    MonthNotOver,
    NotClosed,
    OwnStatement,
    StillClosing,
)
from duoline.settlement.months import month_of

if TYPE_CHECKING:
    from uuid import UUID

    from duoline.kernel.auth import Actor
    from duoline.kernel.db import Tx


class Statement(NamedTuple):
    """One payee's month, locked. Amounts in minor units."""

    payee_id: UUID
    id: UUID
    kind: str
    month: str
    way: str
    to_pay_minor: int
    withheld_minor: int
    state: str
    approvals_needed: int


def check_over(month: str) -> None:
    """Refuses `settlement.month-not-over`."""
    if month >= month_of(clock.now()):
        raise MonthNotOver(month=month)


async def lock(tx: Tx, payee_id: UUID, statement_id: UUID) -> Statement:
    """The payee, and the statement, locked. Refuses `kernel.not-found`."""
    await accounts.lock_one(tx, payee_id)
    row = await tx.fetchrow(
        """SELECT payee_id, id, kind, month, way, to_pay_minor, withheld_minor, state, approvals_needed
           FROM statements WHERE payee_id = $1 AND id = $2 FOR UPDATE""",
        payee_id,
        statement_id,
    )
    if row is None:
        raise NotFound(kind="statement")
    return Statement(*row)


def logins_of(staff: str) -> str:
    """Every log-in of the person whose log-in `staff` is, as an array of SQL: who has two has one number of their own,
    and is one person wherever two are needed, or nobody may judge for themselves."""
    return f"""coalesce((SELECT array_agg(l.id) FROM staff me JOIN staff l ON l.id = me.id OR l.phone = me.phone
                         WHERE me.id = {staff}), ARRAY[{staff}])"""  # noqa: S608 - our own words


def is_own(payee: str, staff: str) -> str:
    """Whether the payee `payee` is the person whose log-in `staff` is, as SQL: under any log-in of theirs, and as the
    member who has their number, under any account."""
    return f"""({payee} = ANY ({logins_of(staff)}) OR {payee} = ANY (coalesce((
        SELECT duo_group(i.member_id) FROM staff x JOIN phone_index i ON i.phone = x.phone WHERE x.id = {staff}
    ), '{{}}')))"""  # noqa: S608 - our own words


# Whether the person whose log-in $3 is has approved a statement, under any log-in of theirs.
_APPROVED = f"""
SELECT EXISTS (SELECT FROM statement_approvals a
               WHERE a.payee_id = $1 AND a.statement_id = $2 AND a.staff_id = ANY ({logins_of("$3::uuid")}))
"""  # noqa: S608 - our own words


async def approve(tx: Tx, payee_id: UUID, statement_id: UUID, *, actor: Actor, staff_id: UUID) -> str:
    """One person's word for a statement; returns its state after it.

    Refuses `kernel.not-found`, `settlement.still-closing`, `settlement.not-closed`, `settlement.own-statement`,
    `settlement.disputed` until what is disputed was answered, `settlement.approved-before`. Locks the payee, then the
    statement. The chain's own are booked with the last word.
    """
    statement = await lock(tx, payee_id, statement_id)
    if statement.state == "closing":
        raise StillClosing
    if statement.state != "closed":
        raise NotClosed
    if await tx.fetchval(f"SELECT {is_own('$2::uuid', '$1::uuid')}", staff_id, payee_id):
        raise OwnStatement
    if await is_disputed(tx, payee_id, statement_id):
        raise Disputed
    if await tx.fetchval(_APPROVED, payee_id, statement_id, staff_id):
        raise ApprovedBefore
    await tx.execute(
        "INSERT INTO statement_approvals (payee_id, statement_id, staff_id, at) VALUES ($1, $2, $3, $4)",
        payee_id,
        statement_id,
        staff_id,
        clock.now(),
    )
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


async def withhold(tx: Tx, statement: Statement, minor: int) -> Statement:
    """Leave so much more of a locked statement to the payee's next one: it was taken back before it was paid."""
    done = await tx.execute(
        """UPDATE statements SET withheld_minor = withheld_minor + $3
           WHERE payee_id = $1 AND id = $2 AND withheld_minor = $4 AND state = 'approved'""",
        statement.payee_id,
        statement.id,
        minor,
        statement.withheld_minor,
    )
    ensure(done == "UPDATE 1", "STL-7", f"{statement.id} is not approved any more")
    return statement._replace(withheld_minor=statement.withheld_minor + minor)


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

    Refuses `kernel.not-found`, `settlement.still-closing`. Locks the payee, then the statement: it is not approved
    meanwhile.
    """
    note_id = new_id()
    if (await lock(tx, payee_id, statement_id)).state == "closing":
        raise StillClosing
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
