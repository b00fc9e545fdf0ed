"""A member's wallet for headquarters: what is in it, every movement, and paying the principal out."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from litestar import get, post

from duoline import wallet
from duoline.channels.console.member_scope import reached
from duoline.channels.http import cursors, doors, partners
from duoline.channels.http.answers import Answer, Cursor, Input, Limit, Page
from duoline.channels.http.sessions import Staff
from duoline.channels.http.writes import Write
from duoline.kernel.db import Database, Tx
from duoline.kernel.money import Money, minor_of
from duoline.members import consents
from duoline.stores.directory import Chain


class MemberWallet(msgspec.Struct, frozen=True):
    """What is in a member's wallet: in all, paid in, given on top."""

    balance: Money
    principal: Money
    bonus: Money


class WalletRow(msgspec.Struct, frozen=True, kw_only=True):
    """A movement of a wallet, below zero when it left, and what was in it after that; `order_id` for an order."""

    id: UUID
    at: datetime
    kind: str
    principal: Money
    bonus: Money
    balance: Money
    order_id: UUID | None
    order_no: str | None
    by: str | None
    reason: str


class WalletPayout(Input, frozen=True):
    """The principal, as it was shown, goes back to the member outside of every provider; `reason` says why and how."""

    principal: Money
    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=200, pattern=r"\S")]


PATH = "/api/console/members/{member_id:uuid}/wallet"


# What moved a wallet tells what was spent everywhere, so it is headquarters' to see.
@get(PATH, opt=doors.staff("members.read", member_id="customer"))
async def show_member_wallet(db: Database, staff: Staff, chain: Chain, member_id: UUID) -> MemberWallet:
    """What is in a member's wallet. Refuses a franchisee `members.no-consent` unless the member agreed to sharing."""
    await reached(db, staff.scope("members.read"), member_id)
    if partners.of_a_partner(chain, staff):
        await consents.ensure_allowed(db, member_id, "sharing", door="console.member-wallet")
    return _view(await wallet.balance_of(db, member_id))


def _view(have: wallet.Shares) -> MemberWallet:
    return MemberWallet(Money(have.total), Money(have.principal), Money(have.bonus))


_ROWS = """
WITH moved AS (
    SELECT j.id, j.at, j.kind, j.order_id, j.actor, j.reason,
           sum(CASE 'stored:principal' WHEN e.credit THEN e.amount_minor WHEN e.debit THEN -e.amount_minor ELSE 0
               END)::bigint AS principal,
           sum(CASE 'stored:bonus' WHEN e.credit THEN e.amount_minor WHEN e.debit THEN -e.amount_minor ELSE 0
               END)::bigint AS bonus
    FROM journals j JOIN journal_entries e ON e.member_id = j.member_id AND e.journal_id = j.id
    WHERE j.member_id = ANY (duo_group($1)) AND j.ref_kind = 'wallet'
    GROUP BY j.id, j.at, j.kind, j.order_id, j.actor, j.reason
), summed AS (SELECT *, sum(principal + bonus) OVER (ORDER BY at, id)::bigint AS balance FROM moved)
SELECT s.*, o.order_no,
       CASE WHEN s.actor LIKE 'staff:%' THEN (SELECT a.name FROM staff a WHERE a.id = substr(s.actor, 7)::uuid) END
         AS by
FROM summed s LEFT JOIN orders o ON o.member_id = ANY (duo_person($1)) AND o.id = s.order_id
WHERE $2::timestamptz IS NULL OR (s.at, s.id) < ($2, $3::uuid)
ORDER BY s.at DESC, s.id DESC LIMIT $4
"""


@get(f"{PATH}/movements", opt=doors.staff("members.read", member_id="customer"))
async def list_member_wallet(
    db: Database, staff: Staff, member_id: UUID, limit: Limit = 20, cursor: Cursor = None
) -> Page[WalletRow]:
    """What moved a member's wallet, the last first; for those who see all orders. Others get none."""
    scope = staff.scope("members.read")
    await reached(db, scope, member_id)
    if not scope.everything:
        return Page([], None)
    before = cursors.unpack(cursor, datetime, UUID) if cursor else (None, None)
    rows = await db.fetch(_ROWS, member_id, *before, limit + 1)
    shown = [
        WalletRow(
            id=row["id"],
            at=row["at"],
            kind=row["kind"].removeprefix("wallet-"),
            principal=Money(row["principal"]),
            bonus=Money(row["bonus"]),
            balance=Money(row["balance"]),
            order_id=row["order_id"],
            order_no=row["order_no"],
            by=row["by"],
            reason=row["reason"],
        )
        for row in rows[:limit]
    ]
    return Page(shown, cursors.pack(shown[-1].at, shown[-1].id) if len(rows) > limit else None)


@post(f"{PATH}/payouts", opt=doors.staff("members.edit", member_id="customer"))
async def pay_wallet_out(write: Write, staff: Staff, member_id: UUID, data: WalletPayout) -> Answer[MemberWallet]:
    """All principal goes back to the member by hand, and the bonus is given up. Refuses `wallet.payout-changed`."""
    scope = staff.scope("members.edit")

    async def work(tx: Tx) -> MemberWallet:
        await reached(tx, scope, member_id)
        await wallet.pay_out(
            tx,
            member_id=member_id,
            principal_minor=minor_of(data.principal),
            reason=data.reason.strip(),
            actor=staff.actor,
        )
        return _view(await wallet.balance_of(tx, member_id))

    return await write.run(work, status=201)


ROUTES = [show_member_wallet, list_member_wallet, pay_wallet_out]
