"""Where a payee is paid, in one of two ways: by the payment provider, to their account there, or by file, to their bank
account. Who has neither is in the file without an account.

One row a payee: what was entered last counts, so nobody ever asks which of two accounts money goes to.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from duoline.kernel import audit, clock
from duoline.kernel.errors import NotFound, ensure
from duoline.settlement import bank_numbers

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from duoline.kernel.auth import Actor
    from duoline.kernel.db import Database, Tx
    from duoline.settlement.types import PayeeKind

BANK = "bank"
"""Stands where the name of a provider does: no provider executes it, the file for the bank has it."""


class Account(NamedTuple):
    """What is entered: what the provider knows a payee by (`receiver`), or the number of a bank account with the
    bank's name, its branch and whether it is a person's or a company's (`owner`); and whose name is on it."""

    provider: str
    receiver: str
    holder: str
    bank: str = ""
    branch: str = ""
    owner: str = ""


class PayeeAccount(NamedTuple):
    """An account as it stands: since when, and by whom (`actor`). `new`: it was set by somebody else than the payee, or
    is a shop's or company's, and no payout has arrived there yet. That is where fraud would begin."""

    provider: str
    receiver: str
    holder: str
    bank: str
    branch: str
    owner: str
    at: datetime
    actor: str
    new: bool

    @property
    def by_file(self) -> bool:
        """Whether the file for the bank has it, and no provider."""
        return self.provider == BANK

    @property
    def masked(self) -> str:
        """What is shown of it: enough to know one's own again."""
        return (bank_numbers.masked if self.by_file else masked)(self.receiver)


def masked(receiver: str) -> str:
    """The first and last two letters; of a short one the first."""
    return f"{receiver[:2]}****{receiver[-2:]}" if len(receiver) > 5 else f"{receiver[:1]}****"


def picked(of: str) -> str:
    """The account of the payee whose id `of` is, as a row of SQL or none. Of a person who was several members: that of
    who they are now, else that payee's own, else any."""
    return f"""(SELECT a.* FROM payee_accounts a, (SELECT duo_group({of}) AS ids) g WHERE a.payee_id = ANY (g.ids)
                ORDER BY a.payee_id = g.ids[1] DESC, a.payee_id = {of} DESC, a.payee_id LIMIT 1)"""  # noqa: S608 - our own text


# Whether account `k` is `new`.
NEW = """((k.kind IN ('store', 'company') OR k.actor <> k.kind || ':' || k.payee_id)
  AND NOT EXISTS (SELECT FROM payouts d WHERE d.payee_id = ANY (duo_group(k.payee_id)) AND d.state = 'done'
                  AND d.provider = CASE k.provider WHEN 'bank' THEN '' ELSE k.provider END
                  AND d.receiver = k.receiver))"""
_COLUMNS = f"k.provider, k.receiver, k.holder, k.bank, k.branch, k.owner, k.at, k.actor, {NEW}"


async def account_of(db: Database | Tx, payee_id: UUID) -> PayeeAccount | None:
    """The account of a payee; None for who has none."""
    row = await db.fetchrow(f"SELECT {_COLUMNS} FROM {picked('$1')} k", payee_id)  # noqa: S608 - our own text
    return PayeeAccount(*row) if row else None


async def set_account(
    tx: Tx,
    payee_id: UUID,
    account: Account,
    *,
    kind: PayeeKind,
    actor: Actor,
    reason: str = "",
) -> PayeeAccount:
    """Pay a payee to this account from now on; what is on its way goes where it was sent. Of who was merged it is the
    account of who they are now, which goes before their own. Setting what is set changes nothing, unless the payee says
    for the first time what somebody else had set. Locks the account; of several at once the last counts, and each audit
    line says what it replaced."""
    ensure(
        account.provider != BANK or bank_numbers.problem(account.receiver) is None,
        "STL-10",
        f"{payee_id} would be paid to a number that is none",
    )
    if kind == "member":
        payee_id = await tx.fetchval("SELECT (duo_group($1))[1]", payee_id)
    given = (*account, actor.label, clock.now())
    while not await tx.fetchval(_INSERT, payee_id, kind, *given):
        before = await _locked(tx, payee_id)
        if before is None:  # dropped in between
            continue
        confirmed = before.new and actor.label == f"{kind}:{payee_id}"
        if before[:6] == account and not confirmed:
            return before
        await tx.execute(_UPDATE, payee_id, kind, *given)
        return await _set(tx, payee_id, before, reason=reason, actor=actor)
    return await _set(tx, payee_id, None, reason=reason, actor=actor)


_INSERT = """
INSERT INTO payee_accounts (payee_id, kind, provider, receiver, holder, bank, branch, owner, actor, at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (payee_id) DO NOTHING RETURNING true
"""
_UPDATE = """
UPDATE payee_accounts SET kind = $2, provider = $3, receiver = $4, holder = $5, bank = $6, branch = $7, owner = $8,
                          actor = $9, at = $10 WHERE payee_id = $1
"""


async def drop_account(tx: Tx, payee_id: UUID, *, actor: Actor, reason: str = "") -> None:
    """From now on a payee has no account, nor has who else they are: of a person who was several members, another's
    would be in its place. Refuses `kernel.not-found`. Locks the accounts."""
    rows = await tx.fetch(
        "SELECT payee_id FROM payee_accounts WHERE payee_id = ANY (duo_group($1)) ORDER BY payee_id FOR UPDATE",
        payee_id,
    )
    if not rows:
        raise NotFound(kind="payee_account")
    for row in rows:
        before = await _locked(tx, row["payee_id"])
        await tx.execute("DELETE FROM payee_accounts WHERE payee_id = $1", row["payee_id"])
        await _record(tx, "payee.account-dropped", row["payee_id"], before, None, reason=reason, actor=actor)


async def _locked(tx: Tx, payee_id: UUID) -> PayeeAccount | None:
    row = await tx.fetchrow(
        f"SELECT {_COLUMNS} FROM payee_accounts k WHERE k.payee_id = $1 FOR UPDATE OF k",  # noqa: S608 - our own text
        payee_id,
    )
    return PayeeAccount(*row) if row else None


async def _set(tx: Tx, payee_id: UUID, before: PayeeAccount | None, *, reason: str, actor: Actor) -> PayeeAccount:
    made = await _locked(tx, payee_id)
    ensure(made is not None, "STL-10", f"the account of {payee_id} is gone")
    await _record(tx, "payee.account-set", payee_id, before, made, reason=reason, actor=actor)
    return made  # type: ignore[return-value]


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
        before=before and _said(before),
        after=after and _said(after),
    )


def _said(account: PayeeAccount) -> dict[str, str]:
    said = {"provider": account.provider, "receiver": account.masked}
    return said | {"bank": account.bank} if account.by_file else said
