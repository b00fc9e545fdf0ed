"""Where a payee is paid: their account at the payment provider. Who has none is paid by file."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from duoline.kernel import audit, clock
from duoline.kernel.errors import NotFound

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from duoline.kernel.auth import Actor
    from duoline.kernel.db import Database, Tx
    from duoline.settlement.types import PayeeKind


class PayeeAccount(NamedTuple):
    """What the provider knows a payee by (`receiver`), and whose name is on it."""

    provider: str
    receiver: str
    holder: str
    at: datetime

    @property
    def masked(self) -> str:
        """What is shown of it: enough to know one's own again."""
        return masked(self.receiver)


def masked(receiver: str) -> str:
    """The first and last two letters; of a short one the first."""
    return f"{receiver[:2]}****{receiver[-2:]}" if len(receiver) > 5 else f"{receiver[:1]}****"


async def account_of(db: Database | Tx, payee_id: UUID) -> PayeeAccount | None:
    """The account of a payee; None for who is paid by file. Of a person who was several members: that of who they are
    now, else that payee's own, else any."""
    row = await db.fetchrow(
        """SELECT provider, receiver, holder, at FROM payee_accounts, (SELECT duo_group($1) AS ids) p
           WHERE payee_id = ANY (p.ids) ORDER BY payee_id = p.ids[1] DESC, payee_id = $1 DESC, payee_id LIMIT 1""",
        payee_id,
    )
    return PayeeAccount(*row) if row else None


async def set_account(
    tx: Tx,
    payee_id: UUID,
    *,
    kind: PayeeKind,
    provider: str,
    receiver: str,
    holder: str,
    actor: Actor,
    reason: str = "",
) -> PayeeAccount:
    """Pay a payee to this account from now on; what is on its way goes where it was sent. Locks the account."""
    before = await _locked(tx, payee_id)
    made = PayeeAccount(provider, receiver, holder, clock.now())
    if before is not None and before[:3] == made[:3]:
        return before
    await tx.execute(
        """INSERT INTO payee_accounts (payee_id, kind, provider, receiver, holder, actor, at)
           VALUES ($1, $2, $3, $4, $5, $6, $7)
           ON CONFLICT (payee_id) DO UPDATE
           SET provider = excluded.provider, receiver = excluded.receiver, holder = excluded.holder,
               actor = excluded.actor, at = excluded.at""",
        payee_id,
        kind,
        provider,
        receiver,
        holder,
        actor.label,
        made.at,
    )
    await _record(tx, "payee.account-set", payee_id, before, made, reason=reason, actor=actor)
    return made


async def drop_account(tx: Tx, payee_id: UUID, *, actor: Actor, reason: str = "") -> None:
    """Pay a payee by file from now on. Refuses `kernel.not-found`. Locks the account."""
    before = await _locked(tx, payee_id)
    if before is None:
        raise NotFound(kind="payee_account")
    await tx.execute("DELETE FROM payee_accounts WHERE payee_id = $1", payee_id)
    await _record(tx, "payee.account-dropped", payee_id, before, None, reason=reason, actor=actor)


async def _locked(tx: Tx, payee_id: UUID) -> PayeeAccount | None:
    row = await tx.fetchrow(
        "SELECT provider, receiver, holder, at FROM payee_accounts WHERE payee_id = $1 FOR UPDATE", payee_id
    )
    return PayeeAccount(*row) if row else None


async def _record(
    tx: Tx,
    action: str,
    payee_id: UUID,
    before: PayeeAccount | None,
    after: PayeeAccount | None,
    *,
    reason: str,
    actor: Actor,
) -> None:
    """Audit lines are kept for years: they name the account masked, and nobody by name."""
    await audit.record(
        tx,
        actor=actor,
        action=action,
        subject_kind="payee",
        subject=str(payee_id),
        reason=reason,
        before=before and {"provider": before.provider, "receiver": before.masked},
        after=after and {"provider": after.provider, "receiver": after.masked},
    )
