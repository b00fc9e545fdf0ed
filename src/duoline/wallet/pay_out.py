"""Pay the principal of a wallet out to its member: headquarters does, by hand, with a reason."""

from __future__ import annotations

from typing import TYPE_CHECKING

from duoline import ledger
from duoline.kernel import audit, clock
from duoline.kernel.ids import new_id
from duoline.kernel.money import Money
from duoline.members.group import lock_group
from duoline.wallet.account import BONUS, PRINCIPAL, draw, lock_purse, move, sum_of
from duoline.wallet.errors import NothingToPayOut
from duoline.wallet.reckon import Shares

if TYPE_CHECKING:
    from uuid import UUID

    from duoline.kernel.auth import Actor
    from duoline.kernel.db import Tx


async def pay_out(tx: Tx, *, member_id: UUID, principal_minor: int, reason: str, actor: Actor) -> Shares:
    """All principal goes back to the person, outside of every provider, and the bonus beside it is given up. Locks
    their group, then their wallets.

    Refuses `wallet.payout-changed` when the principal is not what whoever pays it out has seen, or nothing. Returns
    what left the wallet.
    """
    purse = await lock_purse(tx, await lock_group(tx, member_id))
    have = sum_of(purse)
    if have.principal != principal_minor or not have.principal:
        raise NothingToPayOut(principal=str(Money(have.principal)), principal_minor=have.principal)
    for account, part in purse.items():
        # A wallet of nothing but bonus keeps it: what is given up is given up with what is paid out.
        if part.principal:
            await _pay_out_of(tx, account, part, reason=reason, actor=actor)
    left = sum_of(await lock_purse(tx, list(purse)))
    await audit.record(
        tx,
        actor=actor,
        action="wallet.pay-out",
        subject_kind="member",
        subject=str(member_id),
        reason=reason,
        before={"principal_minor": have.principal, "bonus_minor": have.bonus},
        after={"principal_minor": left.principal, "bonus_minor": left.bonus},
    )
    return Shares(have.principal - left.principal, have.bonus - left.bonus)


async def _pay_out_of(tx: Tx, member_id: UUID, have: Shares, *, reason: str, actor: Actor) -> None:
    payout_id = new_id()
    await draw(tx, [member_id], "principal", have.principal, gone=True)
    await draw(tx, [member_id], "bonus", have.bonus, gone=True)
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
