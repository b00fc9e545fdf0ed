"""Spend stored value for a part of an order, and give it back when that money goes back.

A person may have several wallets (`members.group`): all of them are spent as one, and what comes back comes back where
it came from.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from duoline import ledger
from duoline.kernel import clock
from duoline.kernel.errors import ensure
from duoline.kernel.money import Money
from duoline.members.group import lock_group
from duoline.wallet.account import BONUS, PRINCIPAL, add_lot, balance_of, draw, lock, lock_purse, make, move, sum_of
from duoline.wallet.errors import DayLimit, NotEnoughStored
from duoline.wallet.policy import WALLET
from duoline.wallet.reckon import Shares, back_of, fill, shares_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from duoline.kernel.auth import Actor
    from duoline.kernel.db import Database, Tx
    from duoline.wallet.account import Drawn

USED = ledger.accounts.BY_WALLET
DAY = timedelta(hours=24)


async def spendable(db: Database | Tx, member_id: UUID) -> int:
    """How much may be paid from a person's wallets now: what there is, within what is left of the day's limit."""
    have = await balance_of(db, member_id)
    return max(0, min(have.total, await _day_left(db, member_id)))


async def _day_left(db: Database | Tx, member_id: UUID) -> int:
    spent: int = await db.fetchval(
        """SELECT coalesce(sum(principal_minor + bonus_minor - back_principal_minor - back_bonus_minor), 0)::bigint
           FROM wallet_uses WHERE member_id = ANY (duo_group($1)) AND at > $2""",
        member_id,
        clock.now() - DAY,
    )
    return WALLET.current().body.day_spend_minor - spent


class Given(NamedTuple):
    """What one wallet gave to a payment; `ends_at`, when the last of its bonus would have ended, None for never."""

    shares: Shares
    ends_at: datetime | None


async def use(tx: Tx, *, member_id: UUID, use_id: UUID, order_id: UUID, amount_minor: int, actor: Actor) -> Shares:
    """Pay a part of an order of `member_id`; returns from what it was taken, which is kept for when it goes back.

    Of the person's wallets together: what ends first, then what is oldest, whichever it is in. Locks the person's
    group, then the wallets in order of id. Refuses `members.merged-meanwhile`, `wallet.not-enough`, `wallet.day-limit`.
    """
    group = await lock_group(tx, member_id)
    await make(tx, member_id)
    purse = await lock_purse(tx, group)
    have = sum_of(purse)
    if have.total < amount_minor:
        raise NotEnoughStored(balance=str(Money(have.total)), amount=str(Money(amount_minor)), balance_minor=have.total)
    rules = WALLET.current()
    left = await _day_left(tx, member_id)
    if left < amount_minor:
        limit = rules.body.day_spend_minor
        raise DayLimit(limit=str(Money(limit)), left=str(Money(max(left, 0))), left_minor=max(left, 0))
    shares = shares_of(rules.body, amount_minor, have)
    given = _given(
        await draw(tx, list(purse), "principal", shares.principal), await draw(tx, list(purse), "bonus", shares.bonus)
    )
    ensure(set(given) <= set(group), "WAL-6", f"{given} is not of {group}")
    await _write(tx, member_id, use_id, order_id, shares, given, rules.version)
    for account in sorted(given):
        part = given[account].shares
        entries = [ledger.Entry(PRINCIPAL, USED, part.principal), ledger.Entry(BONUS, USED, part.bonus)]
        await move(tx, account, "wallet-used", entries, ref_id=use_id, order_id=order_id, actor=actor)
    return shares


def _given(principal: Sequence[Drawn], bonus: Sequence[Drawn]) -> dict[UUID, Given]:
    given = {}
    for account in {one.member_id for one in (*principal, *bonus)}:
        ends = [one.expires_at for one in bonus if one.member_id == account]
        part = Shares(*(sum(one.minor for one in some if one.member_id == account) for some in (principal, bonus)))
        given[account] = Given(part, None if None in ends else max((end for end in ends if end), default=None))
    return given


async def _write(
    tx: Tx,
    member_id: UUID,
    use_id: UUID,
    order_id: UUID,
    shares: Shares,
    given: dict[UUID, Given],
    rule_version: int,
) -> None:
    now, others = clock.now(), sorted(account for account in given if account != member_id)
    await tx.execute(
        """INSERT INTO wallet_uses (member_id, id, order_id, principal_minor, bonus_minor, bonus_expires_at,
                                    rule_version, shared_with, at)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)""",
        member_id,
        use_id,
        order_id,
        shares.principal,
        shares.bonus,
        given[member_id].ends_at if member_id in given else None,
        rule_version,
        others,
        now,
    )
    await tx.executemany(
        """INSERT INTO wallet_shares (member_id, use_id, buyer_id, order_id, principal_minor, bonus_minor,
                                      bonus_expires_at, at)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8)""",
        [(one, use_id, member_id, order_id, *given[one].shares, given[one].ends_at, now) for one in others],
    )


class Source(NamedTuple):
    """A wallet that paid a part: what it gave, what of it is back, and when its bonus would have ended."""

    member_id: UUID
    gave: Shares
    back: Shares
    ends_at: datetime | None

    @property
    def room(self) -> Shares:
        """What can still come back."""
        return Shares(self.gave.principal - self.back.principal, self.gave.bonus - self.back.bonus)


async def give_back(
    tx: Tx, *, member_id: UUID, use_id: UUID, refund_id: UUID, amount_minor: int, actor: Actor
) -> Shares:
    """`amount_minor` of what a person's wallets had paid goes back, once for each refund: to principal and bonus in the
    shares in which it was taken, exact in the sum of all parts.

    Each comes as a lot of its own; the bonus lasts as long as what was spent, and `back_days` at least. What several
    wallets paid comes back to the buyer's own first, then to the others in order of id, to each no more than it gave:
    also after a merge was undone. Locks the wallets in order of id, the use. Returns what came back.
    """
    found: list[UUID] | None = await tx.fetchval(
        "SELECT shared_with FROM wallet_uses WHERE member_id = $1 AND id = $2", member_id, use_id
    )
    ensure(found is not None and amount_minor > 0, "WAL-3", f"{use_id} paid nothing")
    shared = found or []
    for account in sorted([member_id, *shared]):
        await lock(tx, account)
    row = await tx.fetchrow(
        """SELECT order_id, principal_minor, bonus_minor, back_principal_minor, back_bonus_minor, bonus_expires_at
           FROM wallet_uses WHERE member_id = $1 AND id = $2 FOR UPDATE""",
        member_id,
        use_id,
    )
    ensure(row is not None, "WAL-3", f"{use_id} paid nothing")
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
    sources = await _sources(tx, member_id, use_id, shared, Source(member_id, used, before, ends_at))
    parts = [
        Shares(*part)
        for part in zip(
            fill([one.room.principal for one in sources], back.principal),
            fill([one.room.bonus for one in sources], back.bonus),
            strict=True,
        )
    ]
    ensure(sum(part.total for part in parts) == amount_minor, "WAL-6", f"{use_id}: {back} back to {sources}")
    for source, part in zip(sources, parts, strict=True):
        if part.total:
            await _put_back(tx, source, part, refund_id, order_id, actor)
    await tx.executemany(
        """UPDATE wallet_shares SET back_principal_minor = back_principal_minor + $3,
                  back_bonus_minor = back_bonus_minor + $4
           WHERE member_id = $1 AND use_id = $2""",
        [(one.member_id, use_id, *part) for one, part in zip(sources[1:], parts[1:], strict=True)],
    )
    return back


async def _sources(tx: Tx, member_id: UUID, use_id: UUID, shared: Sequence[UUID], whole: Source) -> list[Source]:
    """The wallets that paid: the buyer's own, then the others in order of id. `whole` is of all of them together."""
    rows = await tx.fetch(
        """SELECT member_id, principal_minor, bonus_minor, back_principal_minor, back_bonus_minor, bonus_expires_at
           FROM wallet_shares WHERE member_id = ANY ($1) AND use_id = $2 ORDER BY member_id FOR UPDATE""",
        list(shared),
        use_id,
    )
    others = [Source(who, Shares(*some[:2]), Shares(*some[2:]), ends) for who, *some, ends in map(tuple, rows)]
    gave, back = (
        Shares(
            of.principal - sum(getattr(one, name).principal for one in others),
            of.bonus - sum(getattr(one, name).bonus for one in others),
        )
        for of, name in ((whole.gave, "gave"), (whole.back, "back"))
    )
    own = Source(member_id, gave, back, whole.ends_at)
    ensure(len(others) == len(shared) and min(*gave, *back) >= 0, "WAL-6", f"{use_id}: {own} own, {others}")
    return [own, *others]


async def _put_back(tx: Tx, source: Source, part: Shares, refund_id: UUID, order_id: UUID, actor: Actor) -> None:
    least = clock.now() + timedelta(days=WALLET.current().body.back_days)
    who = source.member_id
    await add_lot(tx, who, part="principal", source="refund", ref_id=refund_id, minor=part.principal)
    ends_at = None if source.ends_at is None else max(source.ends_at, least)
    await add_lot(tx, who, part="bonus", source="refund", ref_id=refund_id, minor=part.bonus, expires_at=ends_at)
    entries = [ledger.Entry(USED, PRINCIPAL, part.principal), ledger.Entry(USED, BONUS, part.bonus)]
    await move(tx, who, "wallet-back", entries, ref_id=refund_id, order_id=order_id, actor=actor)
