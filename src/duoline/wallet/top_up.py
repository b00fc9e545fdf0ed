"""Fill a wallet: what is paid in is owed to the member, no sale; the bonus on top is a cost of ours."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from duoline import ledger
from duoline.kernel import audit, clock
from duoline.kernel.errors import NotFound, ensure
from duoline.kernel.ids import new_id
from duoline.kernel.money import CURRENCY, Money
from duoline.members.group import lock_group
from duoline.wallet import top_up_refund
from duoline.wallet.account import BONUS, PRINCIPAL, add_lot, lock, lock_purse, make, move, sum_of
from duoline.wallet.errors import BonusChanged, TopUpDayLimit, TopUpsOff, TopUpTooLittle, WalletFull
from duoline.wallet.policy import WALLET
from duoline.wallet.reckon import Shares, bonus_for

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime
    from uuid import UUID

    from duoline.kernel.auth import Actor
    from duoline.kernel.db import Database, Tx
    from duoline.kernel.policies import InForce
    from duoline.wallet.policy import WalletPolicy
    from duoline.wallet.top_up_refund import TopUpRefund

CASH = "cash"
DAY = timedelta(hours=24)


class TopUp(NamedTuple):
    """A top-up as stored. Amounts in minor units; a provider knows it by its id."""

    member_id: UUID
    id: UUID
    principal_minor: int
    bonus_minor: int
    tender: str
    store_id: UUID | None
    state: str
    provider_ref: str | None
    pay_url: str | None
    asked_at: datetime | None
    expires_at: datetime | None

    @property
    def known_there(self) -> bool:
        """Whether the provider may know of it: somebody could pay it, or has."""
        return self.provider_ref is not None or self.asked_at is not None


_COLUMNS = (
    "member_id, id, principal_minor, bonus_minor, tender, store_id, state, provider_ref, pay_url, asked_at, expires_at"
)


class Room(NamedTuple):
    """What may still be topped up: paid in within the 24 hours, and fit into the wallet with its bonus; what waits for
    its money counts in both."""

    day_left_minor: int
    room_minor: int


async def load(db: Database | Tx, member_id: UUID, top_up_id: UUID) -> TopUp:
    """A top-up as it stands. Refuses `kernel.not-found`."""
    row = await db.fetchrow(
        f"SELECT {_COLUMNS} FROM wallet_top_ups WHERE member_id = $1 AND id = $2",  # noqa: S608 - our own words
        member_id,
        top_up_id,
    )
    if row is None:
        raise NotFound
    return TopUp(*row)


async def lock_top_up(tx: Tx, member_id: UUID, top_up_id: UUID) -> TopUp:
    """A top-up, locked; before the wallet. Refuses `kernel.not-found`."""
    row = await tx.fetchrow(
        f"SELECT {_COLUMNS} FROM wallet_top_ups WHERE member_id = $1 AND id = $2 FOR UPDATE",  # noqa: S608 - our own
        member_id,
        top_up_id,
    )
    if row is None:
        raise NotFound
    return TopUp(*row)


async def ask(
    tx: Tx,
    *,
    member_id: UUID,
    amount_minor: int,
    tender: str,
    store_id: UUID | None,
    expires_at: datetime | None,
    expected_bonus_minor: int | None,
    actor: Actor,
) -> TopUp:
    """Write a top-up that waits for its money; with `tender` cash it is paid, and the caller calls `receive`.

    It goes into the member's own wallet; the limits are of the person. Locks their group, then their wallets. Refuses
    `members.merged-meanwhile`, `wallet.top-ups-off`, `wallet.too-little`, `wallet.bonus-changed` when another bonus was
    shown, `wallet.day-top-ups`, `wallet.too-much`: what is still to be paid counts too.
    """
    rules = WALLET.current()
    group = await lock_group(tx, member_id)
    await make(tx, member_id)
    have = sum_of(await lock_purse(tx, group))
    bonus = bonus_for(rules.body, amount_minor)
    await _ensure_may(tx, rules.body, have, member_id=member_id, amount_minor=amount_minor, bonus_minor=bonus)
    if expected_bonus_minor is not None and expected_bonus_minor != bonus:
        raise BonusChanged(bonus=str(Money(bonus)), bonus_minor=bonus)
    return await _write(tx, rules, member_id, amount_minor, bonus, tender, store_id, expires_at, actor)


async def _ensure_may(
    tx: Tx, rules: WalletPolicy, have: Shares, *, member_id: UUID, amount_minor: int, bonus_minor: int
) -> None:
    if not rules.top_ups:
        raise TopUpsOff
    if amount_minor < rules.least_minor:
        raise TopUpTooLittle(least=str(Money(rules.least_minor)), least_minor=rules.least_minor)
    can = await _room(tx, rules, have, member_id)
    if amount_minor > can.day_left_minor:
        left = can.day_left_minor
        raise TopUpDayLimit(limit=str(Money(rules.day_top_up_minor)), left=str(Money(left)), left_minor=left)
    if amount_minor + bonus_minor > can.room_minor:
        left = can.room_minor
        raise WalletFull(limit=str(Money(rules.max_balance_minor)), left=str(Money(left)), left_minor=left)


async def _room(db: Database | Tx, rules: WalletPolicy, have: Shares, member_id: UUID) -> Room:
    row = await db.fetchrow(
        """SELECT coalesce(sum(principal_minor) FILTER (WHERE created_at > $2), 0)::bigint AS day,
                  coalesce(sum(principal_minor + bonus_minor) FILTER (WHERE state = 'open'), 0)::bigint AS waiting
           FROM wallet_top_ups WHERE member_id = ANY (duo_group($1)) AND state <> 'closed'""",
        member_id,
        clock.now() - DAY,
    )
    day, waiting = row or (0, 0)
    return Room(
        day_left_minor=max(0, rules.day_top_up_minor - day),
        room_minor=max(0, rules.max_balance_minor - have.total - waiting),
    )


async def room_of(db: Database | Tx, member_id: UUID, have: Shares) -> Room:
    """How much more a person who has so much may top up now, by the limits that `ask` refuses by."""
    return await _room(db, WALLET.current().body, have, member_id)


async def _write(
    tx: Tx,
    rules: InForce[WalletPolicy],
    member_id: UUID,
    amount_minor: int,
    bonus_minor: int,
    tender: str,
    store_id: UUID | None,
    expires_at: datetime | None,
    actor: Actor,
) -> TopUp:
    now, paid = clock.now(), tender == CASH
    made = TopUp(
        member_id, new_id(), amount_minor, bonus_minor, tender, store_id, "paid" if paid else "open", None, None, None,
        None if paid else expires_at,
    )  # fmt: skip
    await tx.execute(
        """INSERT INTO wallet_top_ups (member_id, id, principal_minor, bonus_minor, currency, rule_version, tender,
                                       store_id, state, expires_at, created_at, resolved_at, actor)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)""",
        member_id,
        made.id,
        amount_minor,
        bonus_minor,
        CURRENCY,
        rules.version,
        tender,
        store_id,
        made.state,
        made.expires_at,
        now,
        now if paid else None,
        actor.label,
    )
    return made


async def receive(tx: Tx, top_up: TopUp, *, account: str, actor: Actor) -> None:
    """The money of a top-up is there, in a ledger's `account`: it is the member's, with its bonus. Locks the wallet.

    The caller has made it `paid` in this transaction, once.
    """
    have = await lock(tx, top_up.member_id)
    days = WALLET.current().body.bonus_days
    ends_at = clock.now() + timedelta(days=days) if days else None
    member_id, ref = top_up.member_id, top_up.id
    await add_lot(tx, member_id, part="principal", source="top_up", ref_id=ref, minor=top_up.principal_minor)
    await add_lot(
        tx, member_id, part="bonus", source="top_up", ref_id=ref, minor=top_up.bonus_minor, expires_at=ends_at
    )
    entries = [
        ledger.Entry(account, PRINCIPAL, top_up.principal_minor),
        ledger.Entry(ledger.accounts.BONUS_COST, BONUS, top_up.bonus_minor),
    ]
    state = await tx.fetchval("SELECT state FROM wallet_top_ups WHERE member_id = $1 AND id = $2", member_id, ref)
    ensure(state == "paid", "WAL-5", f"{ref} is {state} and fills a wallet")
    await move(tx, member_id, "top-up", entries, ref_id=ref, actor=actor)
    await audit.record(
        tx,
        actor=actor,
        action="wallet.top-up",
        subject_kind="member",
        subject=str(member_id),
        store_id=top_up.store_id,
        before={"principal_minor": have.principal, "bonus_minor": have.bonus},
        after={
            "principal_minor": have.principal + top_up.principal_minor,
            "bonus_minor": have.bonus + top_up.bonus_minor,
            "tender": top_up.tender,
        },
    )


async def pay(
    tx: Tx, top_up: TopUp, *, account: str, paid_minor: int, actor: Actor, payer_key: bytes | None = None
) -> TopUpRefund | None:
    """A provider says that a top-up was paid: record it once, also when it was closed before. Locks the row of its
    member, shared, the top-up, the wallet. Of another amount than was asked for, what came is the principal, with its
    bonus. `payer_key` is the digest of whose account paid it.

    Who has been forgotten meanwhile has no wallet to fill: nothing is given on top, nothing is kept of who paid, and
    all that came is to go back, by what is returned.
    """
    gone = await top_up_refund.forgotten(tx, top_up.member_id)
    locked = await lock_top_up(tx, top_up.member_id, top_up.id)
    if locked.state == "paid":
        return None
    bonus = locked.bonus_minor if paid_minor == locked.principal_minor else bonus_for(WALLET.current().body, paid_minor)
    if gone:
        bonus, payer_key = 0, None
    await tx.execute(
        """UPDATE wallet_top_ups SET state = 'paid', principal_minor = $3, bonus_minor = $4, resolved_at = $5,
                  asked_at = NULL, payer_key = $6
           WHERE member_id = $1 AND id = $2""",
        locked.member_id,
        locked.id,
        paid_minor,
        bonus,
        clock.now(),
        payer_key,
    )
    paid = locked._replace(principal_minor=paid_minor, bonus_minor=bonus)
    if gone:
        return await top_up_refund.request(tx, paid, account=account, actor=actor)
    await receive(tx, paid, account=account, actor=actor)
    return None


async def remember_opened(tx: Tx, top_up: TopUp, *, provider_ref: str, pay_url: str | None) -> bool:
    """Store what the provider calls it, and where it is paid if that is a page. False when it waits no more."""
    done = await tx.execute(
        """UPDATE wallet_top_ups SET provider_ref = $3, pay_url = $4, asked_at = NULL
           WHERE member_id = $1 AND id = $2 AND state = 'open'""",
        top_up.member_id,
        top_up.id,
        provider_ref,
        pay_url,
    )
    return bool(done == "UPDATE 1")


async def note_asked(tx: Tx, top_up: TopUp) -> TopUp:
    """The provider is about to be asked for a locked top-up by a code."""
    now = clock.now()
    await tx.execute(
        "UPDATE wallet_top_ups SET asked_at = $3 WHERE member_id = $1 AND id = $2", top_up.member_id, top_up.id, now
    )
    return top_up._replace(asked_at=now)


async def note_declined(tx: Tx, top_up: TopUp) -> None:
    """Nothing came of what was asked at the instant of `top_up`. What was asked since stays asked."""
    await tx.execute(
        "UPDATE wallet_top_ups SET asked_at = NULL WHERE member_id = $1 AND id = $2 AND asked_at = $3",
        top_up.member_id,
        top_up.id,
        top_up.asked_at,
    )


async def close(tx: Tx, top_up: TopUp) -> None:
    """Nobody shall pay this any more. A paid one stays as it is."""
    await tx.execute(
        """UPDATE wallet_top_ups SET state = 'closed', resolved_at = $3
           WHERE member_id = $1 AND id = $2 AND state = 'open'""",
        top_up.member_id,
        top_up.id,
        clock.now(),
    )


async def close_unasked(tx: Tx, member_ids: Collection[UUID]) -> None:
    """Close what of these members waits and no provider knows of: nobody can pay it."""
    await tx.execute(
        """UPDATE wallet_top_ups SET state = 'closed', resolved_at = $2
           WHERE member_id = ANY ($1) AND state = 'open' AND provider_ref IS NULL AND asked_at IS NULL""",
        list(member_ids),
        clock.now(),
    )


async def filled_by(db: Database | Tx, member_ids: Collection[UUID]) -> list[bytes]:
    """The accounts at providers, as digests, that ever filled a wallet of these members."""
    rows = await db.fetch(
        "SELECT DISTINCT payer_key FROM wallet_top_ups WHERE member_id = ANY ($1) AND payer_key IS NOT NULL",
        list(member_ids),
    )
    return [row["payer_key"] for row in rows]
