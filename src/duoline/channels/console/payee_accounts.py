"""Where payees are paid: their account at the payment provider or at a bank, entered here with a reason by headquarters
or by the company itself, or by people themselves."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

import msgspec
from litestar import get, post

from duoline import settlement
from duoline.channels.console.payee_scope import VISIBLE, reach
from duoline.channels.http import doors, payout_account
from duoline.channels.http.answers import Answer, Input
from duoline.channels.http.payout_account import (
    BankAccountInput,
    Holder,
    PayoutAccount,
    PayoutAccountInput,
    Receiver,
    drop_account,
    put_account,
    shown,
)
from duoline.channels.http.sessions import Staff
from duoline.channels.http.writes import Write
from duoline.kernel.db import Database, Tx
from duoline.kernel.errors import NotFound
from duoline.payments import providers
from duoline.settlement.errors import BookedOnly
from duoline.settlement.types import PayeeKind
from duoline.stores.directory import Chain

PATH = "/api/console/payees/{payee_id:uuid}/account"
Why = Annotated[str, msgspec.Meta(min_length=1, max_length=200, pattern=r"\S")]


class PayeeAccountInput(Input, frozen=True):
    """What the provider knows the account by, whose name is on it, and why it is entered or changed."""

    receiver: Receiver
    holder: Holder
    reason: Why


class PayeeBankAccountInput(BankAccountInput, frozen=True, kw_only=True):
    """A bank account, and why it is entered or changed."""

    reason: Why


class DropAccountInput(Input, frozen=True):
    """Why the payee has no account any more."""

    reason: Why


class PayeePaidTo(msgspec.Struct, frozen=True, kw_only=True):
    """Where a payee is paid. `booked`: the chain's own shop or department, to which no money moves. `provider` is the
    one at which an account can be entered; null where this installation pays to bank accounts alone. `new`: nothing has
    arrived at the account yet, and not the payee alone answers for it but whoever set it, `by` where that was staff."""

    account: PayoutAccount | None
    provider: str | None
    booked: bool
    new: bool
    by: str


async def _kind(db: Database | Tx, staff: Staff, chain: Chain, permission: str, payee_id: UUID) -> PayeeKind:
    """The kind of a payee in reach. Refuses `kernel.not-found`."""
    kind: PayeeKind | None = await db.fetchval(
        f"SELECT p.kind FROM payees p WHERE {VISIBLE} AND p.payee_id = $3",  # noqa: S608 - our own text
        *reach(staff, chain, permission),
        payee_id,
    )
    if kind is None:
        raise NotFound(kind="payee")
    return kind


async def _view(db: Database | Tx, kind: PayeeKind, payee_id: UUID) -> PayeePaidTo:
    found = await settlement.account_of(db, payee_id)
    by = found and await db.fetchval("SELECT name FROM staff WHERE id::text = substr($1, 7)", found.actor)
    return PayeePaidTo(
        account=found and shown(found),
        provider=providers.pays_out(),
        booked=not settlement.pays(kind, payee_id),
        new=found is not None and found.new,
        by=by or "",
    )


@get(PATH, opt=doors.staff("settlement.read", payee_id="payee"))
async def show_payee_account(db: Database, staff: Staff, chain: Chain, payee_id: UUID) -> PayeePaidTo:
    """Where a payee is paid."""
    return await _view(db, await _kind(db, staff, chain, "settlement.read", payee_id), payee_id)


@post(PATH, opt=doors.staff("settlement.account", payee_id="payee"))
async def set_payee_account(
    write: Write, staff: Staff, chain: Chain, payee_id: UUID, data: PayeeAccountInput
) -> Answer[PayeePaidTo]:
    """Pay a payee by the provider, to this account, from the next run on. Refuses `settlement.booked-only`,
    `settlement.no-transfers`."""

    async def work(tx: Tx) -> PayeePaidTo:
        kind = await _kind(tx, staff, chain, "settlement.account", payee_id)
        if not settlement.pays(kind, payee_id):
            raise BookedOnly
        given = PayoutAccountInput(receiver=data.receiver, holder=data.holder)
        await put_account(tx, payee_id, kind=kind, data=given, actor=staff.actor, reason=data.reason.strip())
        return await _view(tx, kind, payee_id)

    return await write.run(work)


@post(f"{PATH}/bank", opt=doors.staff("settlement.account", payee_id="payee"))
async def set_payee_bank_account(
    write: Write, staff: Staff, chain: Chain, payee_id: UUID, data: PayeeBankAccountInput
) -> Answer[PayeePaidTo]:
    """Pay a payee by file, to this bank account, from the next run on. Refuses `settlement.booked-only`."""

    async def work(tx: Tx) -> PayeePaidTo:
        kind = await _kind(tx, staff, chain, "settlement.account", payee_id)
        if not settlement.pays(kind, payee_id):
            raise BookedOnly
        await payout_account.put_bank_account(
            tx, payee_id, kind=kind, data=data, actor=staff.actor, reason=data.reason.strip()
        )
        return await _view(tx, kind, payee_id)

    return await write.run(work)


@post(f"{PATH}/removal", opt=doors.staff("settlement.account", payee_id="payee"))
async def drop_payee_account(
    write: Write, staff: Staff, chain: Chain, payee_id: UUID, data: DropAccountInput
) -> Answer[PayeePaidTo]:
    """A payee has no account from the next run on."""

    async def work(tx: Tx) -> PayeePaidTo:
        kind = await _kind(tx, staff, chain, "settlement.account", payee_id)
        await drop_account(tx, payee_id, actor=staff.actor, reason=data.reason.strip())
        return await _view(tx, kind, payee_id)

    return await write.run(work)


ROUTES = [show_payee_account, set_payee_account, set_payee_bank_account, drop_payee_account]
