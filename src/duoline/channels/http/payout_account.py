"""Where somebody is paid, as they and headquarters see it: an account at the payment provider, or by file."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import msgspec

from duoline import settlement
from duoline.channels.http.answers import Input
from duoline.payments import providers
from duoline.settlement.errors import NoTransfers

if TYPE_CHECKING:
    from uuid import UUID

    from duoline.kernel.auth import Actor
    from duoline.kernel.db import Database, Tx
    from duoline.settlement.types import PayeeKind

Receiver = Annotated[str, msgspec.Meta(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_@.+-]+$")]
Holder = Annotated[str, msgspec.Meta(min_length=1, max_length=60, pattern=r"\S")]


class PayoutAccountInput(Input, frozen=True):
    """What the provider knows the account by, and whose name is on it."""

    receiver: Receiver
    holder: Holder


class PayoutAccount(msgspec.Struct, frozen=True, kw_only=True):
    """An account at a provider. Of `receiver` only the ends are told."""

    provider: str
    receiver: str
    holder: str
    at: datetime


class PaidTo(msgspec.Struct, frozen=True, kw_only=True):
    """Where somebody is paid: their account, or by file without one. `provider` is the one at which an account can be
    entered; null where this installation pays by file alone."""

    account: PayoutAccount | None
    provider: str | None


async def paid_to(db: Database | Tx, payee_id: UUID) -> PaidTo:
    """Where a payee is paid now."""
    found = await settlement.account_of(db, payee_id)
    account = found and PayoutAccount(provider=found.provider, receiver=found.masked, holder=found.holder, at=found.at)
    return PaidTo(account=account, provider=providers.pays_out())


async def put_account(
    tx: Tx, payee_id: UUID, *, kind: PayeeKind, data: PayoutAccountInput, actor: Actor, reason: str = ""
) -> PaidTo:
    """Pay somebody to an account from now on. Refuses `settlement.no-transfers`."""
    provider = providers.pays_out()
    if provider is None:
        raise NoTransfers
    await settlement.set_account(
        tx,
        payee_id,
        kind=kind,
        provider=provider,
        receiver=data.receiver,
        holder=data.holder.strip(),
        actor=actor,
        reason=reason,
    )
    return await paid_to(tx, payee_id)


async def drop_account(tx: Tx, payee_id: UUID, *, actor: Actor, reason: str = "") -> PaidTo:
    """Pay somebody by file from now on. Refuses `kernel.not-found`."""
    await settlement.drop_account(tx, payee_id, actor=actor, reason=reason)
    return await paid_to(tx, payee_id)
