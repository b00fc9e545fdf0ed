"""Pay the principal of a wallet out to its member: headquarters does, by hand, with a reason."""

from __future__ import annotations

from typing import TYPE_CHECKING

from duoline import ledger
from duoline.kernel import audit, clock
from duoline.kernel.ids import new_id
from duoline.kernel.money import Money
from duoline.wallet.account import BONUS, PRINCIPAL, draw, lock, move
from duoline.wallet.errors import NothingToPayOut

if TYPE_CHECKING:
    from uuid import UUID

    from duoline.kernel.auth import Actor
    from duoline.kernel.db import Tx
    from duoline.wallet.reckon import Shares


async def pay_out(tx: Tx, *, member_id: UUID, principal_minor: int, reason: str, actor: Actor) -> Shares:
    """All principal goes back to the member, outside of every provider, and the bonus is given up. Locks the wallet.

    Refuses `wallet.payout-changed` when the principal is not what whoever pays it out has seen, or nothing. Returns
    what left the wallet.
    """
    have = await lock(tx, member_id)
    if have.principal != principal_minor or not have.principal:
        raise NothingToPayOut(principal=str(Money(have.principal)), principal_minor=have.principal)
    payout_id = new_id()
    await draw(tx, member_id, "principal", have.principal, gone=True)
    await draw(tx, member_id, "bonus", have.bonus, gone=True)
    await tx.execute(
        """INSERT INTO wallet_payouts (member_id, id, principal_minor, bonus_minor, reason, actor, at)
           VALUES ($1, $2, $3, $4, $5, $6, $7)""",
        member_id,
        payout_id,
        have.principal,
        have.bonus,
        reason,
        actor.label,
        clock.now(),
    )
    entries = [
        ledger.Entry(PRINCIPAL, ledger.accounts.BY_HAND, have.principal),
        ledger.Entry(BONUS, ledger.accounts.BONUS_COST, have.bonus),
    ]
    await move(tx, member_id, "wallet-paid-out", entries, ref_id=payout_id, actor=actor, reason=reason)
    await audit.record(
        tx,
        actor=actor,
        action="wallet.pay-out",
        subject_kind="member",
        subject=str(member_id),
        reason=reason,
        before={"principal_minor": have.principal, "bonus_minor": have.bonus},
        after={"principal_minor": 0, "bonus_minor": 0},
    )
    return have
