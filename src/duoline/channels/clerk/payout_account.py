"""Where what I earn is paid to: my own account, and nobody else's."""

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
from duoline.channels.http.sessions import Staff
from duoline.channels.http.writes import Write
from duoline.kernel.db import Database, Tx

PATH = "/api/clerk/payout-account"


@get(PATH, opt=doors.staff(None))
async def show_payout_account(db: Database, staff: Staff) -> PaidTo:
    """Where I am paid."""
    return await paid_to(db, staff.id)


@put(PATH, opt=doors.staff(None))
async def put_payout_account(write: Write, staff: Staff, data: PayoutAccountInput) -> Answer[PaidTo]:
    """Pay me by the provider, to this account, from the next run on. Refuses `settlement.no-transfers`."""

    async def work(tx: Tx) -> PaidTo:
        return await put_account(tx, staff.id, kind="staff", data=data, actor=staff.actor)

    return await write.run(work)


@put(f"{PATH}/bank", opt=doors.staff(None))
async def put_bank_account(write: Write, staff: Staff, data: BankAccountInput) -> Answer[PaidTo]:
    """Pay me by file, to this bank account, from the next run on."""

    async def work(tx: Tx) -> PaidTo:
        return await payout_account.put_bank_account(tx, staff.id, kind="staff", data=data, actor=staff.actor)

    return await write.run(work)


@delete(PATH, opt=doors.staff(None), status_code=200)
async def delete_payout_account(write: Write, staff: Staff) -> Answer[PaidTo]:
    """I have no account from the next run on."""

    async def work(tx: Tx) -> PaidTo:
        return await drop_account(tx, staff.id, actor=staff.actor)

    return await write.run(work)


ROUTES = [show_payout_account, put_payout_account, put_bank_account, delete_payout_account]
