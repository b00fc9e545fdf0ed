"""Payouts as they are shown: of a run, of a statement, of a payee; and the short numbers that people call them by."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID

import msgspec

from duoline.channels.console.payee_scope import NAMED, NAMES, PayeeOf, money, payee_of
from duoline.kernel.money import Money
from duoline.settlement import bank_numbers
from duoline.settlement.payee_accounts import masked

if TYPE_CHECKING:
    from duoline.kernel.db import Database, Tx
    from duoline.stores.directory import Chain

COLUMNS = f"""o.payee_id, o.id, o.statement_id, o.run_id, o.amount_minor, o.state, o.provider, o.receiver, o.bank,
       o.account_by, o.account_at, ab.name AS account_by_name, o.problem, o.at, o.resolved_at, p.kind, {NAMED}"""
FROM = f"""FROM payouts o JOIN payees p ON p.payee_id = o.payee_id {NAMES}
LEFT JOIN staff ab ON o.account_by = 'staff:' || ab.id"""

# An approved statement with a payout: it failed, or the statement would be on its way or paid.
FAILED = """(s.state = 'approved' AND EXISTS (SELECT FROM payouts o WHERE o.payee_id = s.payee_id
             AND o.statement_id = s.id))"""


class AccountSet(msgspec.Struct, frozen=True, kw_only=True):
    """Who set an account, and when. `by` is empty where they are no staff."""

    by: str
    at: datetime


class PayoutRow(msgspec.Struct, frozen=True, kw_only=True):
    """A payout: whose, how much, for which statement, by which run, how it ended. `provider` executes it, to
    `receiver`, of which only the ends are told; one without a provider goes by file, to the account of which `receiver`
    is the end at `bank`, or to none that is known. `account_set`: nothing had arrived at that account when it was
    asked for, and it was not the payee alone who set it: worth a call."""

    id: UUID
    payee: PayeeOf
    statement_id: UUID
    run_id: UUID
    run_no: str
    amount: Money
    state: Literal["requested", "done", "failed"]
    provider: str
    receiver: str
    bank: str
    account_set: AccountSet | None
    problem: str
    at: datetime
    resolved_at: datetime | None


def number(of: UUID) -> str:
    """What people call a run by: the end of its id, which tells those of a month apart."""
    return of.hex[-6:].upper()


def statement_number(month: str, statement_id: UUID) -> str:
    """What people call a statement by, such as 2026-11-3F9A0C."""
    return f"{month}-{number(statement_id)}"


def payout_of(row: Any, chain: Chain) -> PayoutRow:
    """From a row of `COLUMNS`."""
    return PayoutRow(
        id=row["id"],
        payee=payee_of(row, chain),
        statement_id=row["statement_id"],
        run_id=row["run_id"],
        run_no=number(row["run_id"]),
        amount=money(row["amount_minor"]),
        state=row["state"],
        provider=row["provider"],
        receiver=_end(row["provider"], row["receiver"]),
        bank=row["bank"],
        account_set=AccountSet(by=row["account_by_name"] or "", at=row["account_at"]) if row["account_by"] else None,
        problem=row["problem"],
        at=row["at"],
        resolved_at=row["resolved_at"],
    )


def _end(provider: str, receiver: str) -> str:
    if not receiver:
        return ""
    return masked(receiver) if provider else bank_numbers.masked(receiver)


async def payouts_to(
    db: Database | Tx, chain: Chain, payee_id: UUID, *, statement_id: UUID | None = None, limit: int = 20
) -> list[PayoutRow]:
    """What was asked for a payee, or for one statement of theirs, the last first."""
    rows = await db.fetch(
        f"""SELECT {COLUMNS} {FROM} WHERE o.payee_id = $1 AND ($2::uuid IS NULL OR o.statement_id = $2)
            ORDER BY o.id DESC LIMIT $3""",
        payee_id,
        statement_id,
        limit,
    )
    return [payout_of(row, chain) for row in rows]
