"""Where what I earn by sharing is paid to: my own account, and nobody else's."""

from __future__ import annotations

from litestar import delete, get, put

from duoline.channels.http import doors, payout_account
from duoline.channels.http.answers import Answer
from duoline.channels.http.payout_account import (
    BankAccountInput,
    PaidTo,
    PayoutAccountInput,
    drop_account,
    paid_to,
    put_account,
)
from duoline.channels.http.sessions import Member
from duoline.channels.http.writes import Write
from duoline.kernel.db import Database, Tx

PATH = "/api/mall/payout-account"


@get(PATH, opt=doors.member(known=True))
async def show_payout_account(db: Database, member: Member) -> PaidTo:
    """Where I am paid."""
    return await paid_to(db, member.id)


@put(PATH, opt=doors.member(known=True))
async def put_payout_account(write: Write, member: Member, data: PayoutAccountInput) -> Answer[PaidTo]:
    """Pay me by the provider, to this account, from the next run on. Refuses `settlement.no-transfers`."""

    async def work(tx: Tx) -> PaidTo:
        return await put_account(tx, member.id, kind="member", data=data, actor=member.actor)

    return await write.run(work)


@put(f"{PATH}/bank", opt=doors.member(known=True))
async def put_bank_account(write: Write, member: Member, data: BankAccountInput) -> Answer[PaidTo]:
    """Pay me by file, to this bank account, from the next run on."""

    async def work(tx: Tx) -> PaidTo:
        return await payout_account.put_bank_account(tx, member.id, kind="member", data=data, actor=member.actor)

    return await write.run(work)


@delete(PATH, opt=doors.member(known=True), status_code=200)
async def delete_payout_account(write: Write, member: Member) -> Answer[PaidTo]:
    """I have no account from the next run on."""

    async def work(tx: Tx) -> PaidTo:
        return await drop_account(tx, member.id, actor=member.actor)

    return await write.run(work)


ROUTES = [show_payout_account, put_payout_account, put_bank_account, delete_payout_account]
