"""Where somebody is paid, as they and headquarters see it: by the payment provider, by file to a bank account, or by
file with no account known yet. What is entered last counts."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec

from duoline import settlement
from duoline.channels.http.answers import Input
from duoline.kernel.errors import BadInput
from duoline.payments import providers
from duoline.settlement import bank_numbers
from duoline.settlement.errors import NoTransfers

if TYPE_CHECKING:
    from uuid import UUID

    from duoline.kernel.auth import Actor
    from duoline.kernel.db import Database, Tx
    from duoline.settlement.types import PayeeKind

Receiver = Annotated[str, msgspec.Meta(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_@.+-]+$")]
Holder = Annotated[str, msgspec.Meta(min_length=1, max_length=60, pattern=r"\S")]
Branch = Annotated[str, msgspec.Meta(max_length=80)]
Number = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
Owner = Literal["person", "company"]


class PayoutAccountInput(Input, frozen=True):
    """What the provider knows the account by, and whose name is on it."""

    receiver: Receiver
    holder: Holder


class BankAccountInput(Input, frozen=True, kw_only=True):
    """A bank account: whose name is on it, at which bank and branch, its number as people write it, and whether it is a
    person's or a company's."""

    holder: Holder
    bank: Holder
    branch: Branch = ""
    number: Number
    owner: Owner


class PayoutAccount(msgspec.Struct, frozen=True, kw_only=True):
    """An account at a provider, or at a bank (`provider` is `bank`). Of `receiver`, or the number, only an end is told.
    `doubtful`: it looks like a card, and its check digit is wrong."""

    provider: str
    receiver: str
    holder: str
    bank: str
    branch: str
    owner: Literal["", "person", "company"]
    doubtful: bool
    at: datetime


class PaidTo(msgspec.Struct, frozen=True, kw_only=True):
    """Where somebody is paid: their one account, or nowhere yet without one. `provider` is the one at which an account
    can be entered; null where this installation pays to bank accounts alone."""

    account: PayoutAccount | None
    provider: str | None


def shown(found: settlement.PayeeAccount) -> PayoutAccount:
    """An account as it is told to anybody."""
    return PayoutAccount(
        provider=found.provider,
        receiver=found.masked,
        holder=found.holder,
        bank=found.bank,
        branch=found.branch,
        owner=found.owner,  # type: ignore[arg-type]
        doubtful=found.by_file and bank_numbers.doubtful(found.receiver, owner=found.owner),
        at=found.at,
    )


async def paid_to(db: Database | Tx, payee_id: UUID) -> PaidTo:
    """Where a payee is paid now."""
    found = await settlement.account_of(db, payee_id)
    return PaidTo(account=found and shown(found), provider=providers.pays_out())


async def put_account(
    tx: Tx, payee_id: UUID, *, kind: PayeeKind, data: PayoutAccountInput, actor: Actor, reason: str = ""
) -> PaidTo:
    """Pay somebody to an account at the provider from now on. Refuses `settlement.no-transfers`."""
    provider = providers.pays_out()
    if provider is None:
        raise NoTransfers
    account = settlement.Account(provider, data.receiver, data.holder.strip())
    await settlement.set_account(tx, payee_id, account, kind=kind, actor=actor, reason=reason)
    return await paid_to(tx, payee_id)


def bank_account(data: BankAccountInput, *, reason: str = "") -> settlement.Account:
    """The bank account that was entered. Refuses `kernel.bad-input` for a number that is none, and for one that stands
    where it would be shown to more people than may see it."""
    number = bank_numbers.plain(data.number)
    problems = []
    if wrong := bank_numbers.problem(number):
        problems.append({"field": "number", "zh": wrong[0], "en": wrong[1]})
    words = {"holder": data.holder, "bank": data.bank, "branch": data.branch, "reason": reason}
    problems += [
        {"field": field, "zh": "这里不要填账号,账号只填在账号一栏。", "en": "Enter the number under number only."}
        for field, text in words.items()
        if bank_numbers.within(text)
    ]
    if problems:
        raise BadInput(problems=problems)
    return settlement.Account(
        settlement.BANK, number, data.holder.strip(), data.bank.strip(), data.branch.strip(), data.owner
    )


async def put_bank_account(
    tx: Tx, payee_id: UUID, *, kind: PayeeKind, data: BankAccountInput, actor: Actor, reason: str = ""
) -> PaidTo:
    """Pay somebody by file, to a bank account, from now on. Refuses as `bank_account`."""
    account = bank_account(data, reason=reason)
    await settlement.set_account(tx, payee_id, account, kind=kind, actor=actor, reason=reason)
    return await paid_to(tx, payee_id)


async def drop_account(tx: Tx, payee_id: UUID, *, actor: Actor, reason: str = "") -> PaidTo:
    """From now on somebody has no account. Refuses `kernel.not-found`."""
    await settlement.drop_account(tx, payee_id, actor=actor, reason=reason)
    return await paid_to(tx, payee_id)
