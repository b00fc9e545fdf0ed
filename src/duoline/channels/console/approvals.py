"""Many statements approved in one go: each by its own rules, in a transaction and with an audit entry of its own."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from litestar import post

from duoline import settlement
from duoline.channels.console.payee_scope import VISIBLE, money, reach
from duoline.channels.http import doors
from duoline.channels.http.answers import Answer, Input
from duoline.channels.http.sessions import Staff
from duoline.channels.http.writes import Write
from duoline.kernel.db import RETRYABLE, Database, Tx
from duoline.kernel.errors import NotFound, Refusal
from duoline.kernel.money import Money
from duoline.kernel.text import Text
from duoline.settlement import statements
from duoline.stores.directory import Chain

AT_ONCE = 100
"""Statements a request. Whoever has more asks again with the next ones."""


class ApprovalsInput(Input, frozen=True):
    """Which statements; each is approved once, however often it is named."""

    statements: Annotated[list[UUID], msgspec.Meta(min_length=1, max_length=AT_ONCE)]


class StatementApproval(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one: `approved`; `waits` for the word of another person after mine; or `refused`, with why. What I
    approved before, as when the answer to an earlier request was lost, is told as it stands."""

    id: UUID
    outcome: Literal["approved", "waits", "refused"]
    amount: Money
    code: str | None = None
    says: Text | None = None


class Approvals(msgspec.Struct, frozen=True):
    """What became of each, in the order they were named."""

    items: list[StatementApproval]


_FIND = f"""
SELECT s.payee_id, s.to_pay_minor FROM statements s JOIN payees p ON p.payee_id = s.payee_id
WHERE {VISIBLE} AND s.id = $3
"""  # noqa: S608 - our own text
_BY_ME = """
SELECT s.state FROM statements s
JOIN statement_approvals a ON a.payee_id = s.payee_id AND a.statement_id = s.id
WHERE s.payee_id = $1 AND s.id = $2 AND a.staff_id = $3
"""


@post("/api/console/statement-approvals", opt=doors.staff("settlement.approve"), status_code=200)
async def approve_statements(
    write: Write, db: Database, staff: Staff, chain: Chain, data: ApprovalsInput
) -> Answer[Approvals]:
    """My word for many statements, one after the other: what one refuses does not keep the others from being approved.

    A hundred at most. Repeated after it was cut off, it goes on: what I approved is told as such.
    """
    if (before := await write.replay()) is not None:
        return before
    items = [await _approve(write, db, staff, chain, one) for one in dict.fromkeys(data.statements)]

    async def store() -> Answer[Approvals]:
        async with db.begin() as tx:
            return await write.begin(tx) or await write.finish(tx, Approvals(items))

    return await write.attempts(store)


async def _approve(write: Write, db: Database, staff: Staff, chain: Chain, statement_id: UUID) -> StatementApproval:
    everything = reach(staff, chain, "settlement.approve")
    found = await db.fetchrow(_FIND, *everything, statement_id)
    if found is None:
        return _refused(statement_id, 0, NotFound(kind="statement"))
    payee_id, minor = found["payee_id"], found["to_pay_minor"]

    async def once() -> str:
        async with db.begin() as tx:
            return await _mine(tx, payee_id, statement_id, staff)

    try:
        state = await write.attempts(once)
    except Refusal as refusal:
        return _refused(statement_id, minor, refusal)
    except RETRYABLE:
        return _refused(statement_id, minor, settlement.PayeeBusy())
    return StatementApproval(id=statement_id, outcome="waits" if state == "closed" else "approved", amount=money(minor))


async def _mine(tx: Tx, payee_id: UUID, statement_id: UUID, staff: Staff) -> str:
    """The state after my word, also when I gave it before. Locks the payee, then the statement."""
    await statements.lock(tx, payee_id, statement_id)
    state: Any = await tx.fetchval(_BY_ME, payee_id, statement_id, staff.id)
    if state is not None:
        return str(state)
    return await settlement.approve(tx, payee_id, statement_id, actor=staff.actor, staff_id=staff.id)


def _refused(statement_id: UUID, minor: int, refusal: Refusal) -> StatementApproval:
    says = Text(refusal.sentence("zh"), refusal.sentence("en"))
    return StatementApproval(id=statement_id, outcome="refused", amount=money(minor), code=refusal.code, says=says)


ROUTES = [approve_statements]
