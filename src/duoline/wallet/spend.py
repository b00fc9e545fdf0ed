"""Spend stored value for a part of an order, and give it back when that money goes back."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from duoline import ledger
from duoline.kernel import clock
from duoline.kernel.errors import ensure
from duoline.kernel.money import Money
from duoline.wallet.account import BONUS, PRINCIPAL, add_lot, balance_of, draw, lock, move
from duoline.wallet.errors import DayLimit, NotEnoughStored
from duoline.wallet.policy import WALLET
from duoline.wallet.reckon import Shares, back_of, shares_of

if TYPE_CHECKING:
    from uuid import UUID

    from duoline.kernel.auth import Actor
    from duoline.kernel.db import Database, Tx

USED = ledger.accounts.BY_WALLET
DAY = timedelta(hours=24)


async def spendable(db: Database | Tx, member_id: UUID) -> int:
    """How much may be paid from a member's wallet now: what there is, within what is left of the day's limit."""
    have = await balance_of(db, member_id)
    return max(0, min(have.total, await _day_left(db, member_id)))


async def _day_left(db: Database | Tx, member_id: UUID) -> int:
    spent: int = await db.fetchval(
        """SELECT coalesce(sum(principal_minor + bonus_minor - back_principal_minor - back_bonus_minor), 0)::bigint
           FROM wallet_uses WHERE member_id = $1 AND at > $2""",
        member_id,
        clock.now() - DAY,
    )
    return WALLET.current().body.day_spend_minor - spent


async def use(tx: Tx, *, member_id: UUID, use_id: UUID, order_id: UUID, amount_minor: int, actor: Actor) -> Shares:
    """Pay a part of an order; returns from what it was taken, which is kept for when it goes back.

    Locks the wallet. Refuses `wallet.not-enough`, `wallet.day-limit`.
    """
    have = await lock(tx, member_id)
    if have.total < amount_minor:
        raise NotEnoughStored(balance=str(Money(have.total)), amount=str(Money(amount_minor)), balance_minor=have.total)
    rules = WALLET.current()
    left = await _day_left(tx, member_id)
    if left < amount_minor:
        limit = rules.body.day_spend_minor
        raise DayLimit(limit=str(Money(limit)), left=str(Money(max(left, 0))), left_minor=max(left, 0))
    shares = shares_of(rules.body, amount_minor, have)
    await draw(tx, member_id, "principal", shares.principal)
    ends = [lot.expires_at for lot in await draw(tx, member_id, "bonus", shares.bonus)]
    await tx.execute(
        """INSERT INTO wallet_uses (member_id, id, order_id, principal_minor, bonus_minor, bonus_expires_at,
                                    rule_version, at)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8)""",
        member_id,
        use_id,
        order_id,
        shares.principal,
        shares.bonus,
        None if None in ends else max((end for end in ends if end), default=None),
        rules.version,
        clock.now(),
    )
    entries = [ledger.Entry(PRINCIPAL, USED, shares.principal), ledger.Entry(BONUS, USED, shares.bonus)]
    await move(tx, member_id, "wallet-used", entries, ref_id=use_id, order_id=order_id, actor=actor)
    return shares


async def give_back(
    tx: Tx, *, member_id: UUID, use_id: UUID, refund_id: UUID, amount_minor: int, actor: Actor
) -> Shares:
    """`amount_minor` of what a wallet had paid goes back, once for each refund: to principal and bonus in the shares in
    which it was taken, exact in the sum of all parts.

    Each comes as a lot of its own; the bonus lasts as long as what was spent, and `back_days` at least. Locks the
    wallet, the use. Returns what came back.
    """
    await lock(tx, member_id)
    row = await tx.fetchrow(
        """SELECT order_id, principal_minor, bonus_minor, back_principal_minor, back_bonus_minor, bonus_expires_at
           FROM wallet_uses WHERE member_id = $1 AND id = $2 FOR UPDATE""",
        member_id,
        use_id,
    )
    ensure(row is not None and amount_minor > 0, "WAL-3", f"{use_id} paid nothing")
    order_id, principal, bonus, back_principal, back_bonus, ends_at = row  # type: ignore[misc]
    used, before = Shares(principal, bonus), Shares(back_principal, back_bonus)
    ensure(before.total + amount_minor <= used.total, "WAL-3", f"{use_id} paid {used}, {before} is back")
    after = back_of(used, before.total + amount_minor)
    back = Shares(after.principal - before.principal, after.bonus - before.bonus)
    ensure(min(back) >= 0 and back.total == amount_minor, "WAL-3", f"{use_id}: {amount_minor} back as {back}")
    await tx.execute(
        """UPDATE wallet_uses SET back_principal_minor = $3, back_bonus_minor = $4 WHERE member_id = $1 AND id = $2""",
        member_id,
        use_id,
        after.principal,
        after.bonus,
    )
    least = clock.now() + timedelta(days=WALLET.current().body.back_days)
    await add_lot(tx, member_id, part="principal", source="refund", ref_id=refund_id, minor=back.principal)
    await add_lot(
        tx,
        member_id,
        part="bonus",
        source="refund",
        ref_id=refund_id,
        minor=back.bonus,
        expires_at=None if ends_at is None else max(ends_at, least),
    )
    entries = [ledger.Entry(USED, PRINCIPAL, back.principal), ledger.Entry(USED, BONUS, back.bonus)]
    await move(tx, member_id, "wallet-back", entries, ref_id=refund_id, order_id=order_id, actor=actor)
    return back
