"""A member's wallet: what is in it, filling it, every movement, and paying an order from it."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import msgspec
from litestar import Request, get, post

from duoline import wallet
from duoline.channels.http import cursors, doors, limits, site
from duoline.channels.http.answers import Answer, Cursor, Input, Limit, Page, answer
from duoline.channels.http.sessions import Member
from duoline.channels.http.wallets import TopUpOfferView, offers_now
from duoline.channels.http.writes import Write
from duoline.channels.mall.shopping import owner_of
from duoline.flows import order_view, own_tender, pay_wallet, top_up
from duoline.flows.order_view import OrderView
from duoline.kernel.config import Settings
from duoline.kernel.db import Database, Tx
from duoline.kernel.money import Money, minor_of
from duoline.payments import providers
from duoline.wallet import TopUp, top_ups

ASKS_BY_MEMBER = limits.Limit(300, 3600)
"""Each asks the payment provider, whose patience is not ours to use up."""


class BonusEnding(msgspec.Struct, frozen=True):
    """Bonus that is gone at an instant unless it is spent before."""

    amount: Money
    at: datetime


class WalletView(msgspec.Struct, frozen=True, kw_only=True):
    """My wallet: all of it, what I have paid in, what was given on top, and the next of that to end. Of the `offers`
    for a top-up the highest that is reached counts; none is taken where `top_ups` is false. Of the `day_limit` of 24
    hours `day_left` may still be topped up, and `room` is what the wallet takes with the bonus; what waits for its
    payment counts in both."""

    balance: Money
    principal: Money
    bonus: Money
    ending: BonusEnding | None
    offers: list[TopUpOfferView]
    least: Money
    limit: Money
    day_limit: Money
    day_left: Money
    room: Money
    top_ups: bool


class WalletLine(msgspec.Struct, frozen=True, kw_only=True):
    """A movement of my wallet, below zero when it left, and the order that made it."""

    id: UUID
    at: datetime
    kind: str
    principal: Money
    bonus: Money
    order_id: UUID | None
    order_no: str | None
    reason: str


class TopUpRequest(Input, frozen=True, kw_only=True):
    """So much into my wallet. Another bonus than `expected_bonus` is refused: 409 `wallet.bonus-changed`."""

    amount: Money
    expected_bonus: Money | None = None


class TopUpView(msgspec.Struct, frozen=True, kw_only=True):
    """A top-up: `open` until it is paid, and until when; its page at the provider once that was opened."""

    id: UUID
    amount: Money
    bonus: Money
    state: Literal["open", "paid", "closed"]
    pay_url: str | None
    expires_at: datetime | None


class UsableWallet(msgspec.Struct, frozen=True):
    """How much the order takes from my wallet now, and what is in it."""

    most: Money
    balance: Money


class WalletPayment(Input, frozen=True):
    """So much for the order, or a part of it."""

    amount: Money


_ENDING = """
SELECT sum(left_minor)::bigint AS minor, expires_at FROM wallet_lots
WHERE member_id = ANY ($1) AND left_minor > 0 AND expires_at IS NOT NULL GROUP BY expires_at ORDER BY expires_at LIMIT 1
"""


@get("/api/mall/wallet", opt=doors.member(known=True))
async def show_wallet(db: Database, member: Member) -> WalletView:
    """My wallet as of now."""
    have, rules = await wallet.balance_of(db, member.id), wallet.WALLET.current().body
    can = await top_ups.room_of(db, member.id, have)
    ending = await db.fetchrow(_ENDING, member.ids)
    return WalletView(
        balance=Money(have.total),
        principal=Money(have.principal),
        bonus=Money(have.bonus),
        ending=None if ending is None else BonusEnding(Money(ending["minor"]), ending["expires_at"]),
        offers=offers_now(),
        least=Money(rules.least_minor),
        limit=Money(rules.max_balance_minor),
        day_limit=Money(rules.day_top_up_minor),
        day_left=Money(can.day_left_minor),
        room=Money(can.room_minor),
        top_ups=rules.top_ups and providers.online() is not None,
    )


_HISTORY = """
SELECT j.id, j.at, j.kind, j.order_id, j.reason, n.order_no,
       coalesce(sum(CASE 'stored:principal' WHEN e.credit THEN e.amount_minor WHEN e.debit THEN -e.amount_minor END), 0)
           ::bigint AS principal,
       coalesce(sum(CASE 'stored:bonus' WHEN e.credit THEN e.amount_minor WHEN e.debit THEN -e.amount_minor END), 0)
           ::bigint AS bonus
FROM (SELECT * FROM journals j WHERE j.member_id = ANY ($1) AND j.ref_kind = 'wallet'
      AND ($2::timestamptz IS NULL OR (j.at, j.id) < ($2, $3::uuid)) ORDER BY j.at DESC, j.id DESC LIMIT $4) j
JOIN journal_entries e ON e.member_id = j.member_id AND e.journal_id = j.id
LEFT JOIN orders n ON n.member_id = ANY ($1) AND n.id = j.order_id
GROUP BY j.id, j.at, j.kind, j.order_id, j.reason, n.order_no ORDER BY j.at DESC, j.id DESC
"""


@get("/api/mall/wallet/movements", opt=doors.member(known=True))
async def list_wallet_movements(
    db: Database, member: Member, limit: Limit = 20, cursor: Cursor = None
) -> Page[WalletLine]:
    """Every movement of my wallet, the newest first."""
    before = cursors.unpack(cursor, datetime, UUID) if cursor else (None, None)
    rows = await db.fetch(_HISTORY, member.ids, *before, limit + 1)
    shown = [_line(row) for row in rows[:limit]]
    return Page(shown, cursors.pack(shown[-1].at, shown[-1].id) if len(rows) > limit else None)


def _line(row: Any) -> WalletLine:
    return WalletLine(
        id=row["id"],
        at=row["at"],
        kind=row["kind"].removeprefix("wallet-"),
        principal=Money(row["principal"]),
        bonus=Money(row["bonus"]),
        order_id=row["order_id"],
        order_no=row["order_no"],
        # What headquarters wrote down is between themselves; the kind says what happened.
        reason="",
    )


@post("/api/mall/wallet/top-ups", opt=doors.member(known=True))
async def begin_top_up(write: Write, member: Member, data: TopUpRequest) -> Answer[TopUpView]:
    """Begin to fill my wallet; it is paid on the provider's page within a quarter of an hour.

    Refuses `orders.no-online-payment`, `wallet.top-ups-off`, `wallet.too-little`, `wallet.bonus-changed`,
    `wallet.day-top-ups`, `wallet.too-much`.
    """

    async def work(tx: Tx) -> TopUpView:
        made = await top_up.begin(
            tx,
            member_id=member.id,
            amount_minor=minor_of(data.amount),
            expected_bonus_minor=minor_of(data.expected_bonus) if data.expected_bonus else None,
            store_id=None,
            actor=member.actor,
        )
        return _view(made)

    return await write.run(work, status=201)


@get("/api/mall/wallet/top-ups/{top_up_id:uuid}", opt=doors.member(top_up_id="top_up"))
async def show_top_up(db: Database, member: Member, top_up_id: UUID) -> TopUpView:
    """One of my top-ups."""
    return _view(await _mine(db, member, top_up_id))


async def _mine(db: Database, member: Member, top_up_id: UUID) -> TopUp:
    """A top-up that was begun under one of the member's ids. Refuses somebody else's as absent."""
    owner = await db.fetchval(
        "SELECT member_id FROM wallet_top_ups WHERE member_id = ANY ($1) AND id = $2", member.ids, top_up_id
    )
    return await top_ups.load(db, owner or member.id, top_up_id)


@post("/api/mall/wallet/top-ups/{top_up_id:uuid}/payment", opt=doors.member(top_up_id="top_up"))
async def open_top_up_payment(
    request: Request[Any, Any, Any],
    write: Write,
    db: Database,
    member: Member,
    settings: Settings,
    top_up_id: UUID,
) -> Answer[TopUpView]:
    """Open the provider's page for it. Safe to repeat: the page is the same. Refuses `wallet.top-up-over`."""
    del write  # the top-up's own id is the key: every repeat finds the same payment
    mine = await _mine(db, member, top_up_id)
    opened = await top_up.open_page(
        db,
        member_id=mine.member_id,
        top_up_id=top_up_id,
        subject="Duoline",
        notify_url=site.notify_url(settings),
        return_url=f"{site.front_of(request, settings)}/wallet?top_up={top_up_id}",
    )
    return answer(_view(opened), status=201)


@post(
    "/api/mall/wallet/top-ups/{top_up_id:uuid}/payment-check",
    opt=doors.member(top_up_id="top_up"),
    status_code=200,
)
async def check_top_up(write: Write, db: Database, member: Member, top_up_id: UUID) -> Answer[TopUpView]:
    """Ask the provider how it stands, for when its notice is late. Safe to repeat, 300 times an hour."""
    ASKS_BY_MEMBER.check(str(member.id))
    del write  # recording a payment twice is impossible, however often it is asked for
    return answer(_view(await top_up.check(db, await _mine(db, member, top_up_id))))


def _view(one: TopUp) -> TopUpView:
    return TopUpView(
        id=one.id,
        amount=Money(one.principal_minor),
        bonus=Money(one.bonus_minor),
        state=one.state,  # type: ignore[arg-type] # a constraint says so
        pay_url=one.pay_url,
        expires_at=one.expires_at,
    )


@get("/api/mall/orders/{order_id:uuid}/wallet", opt=doors.member(order_id="order"))
async def show_usable_wallet(db: Database, member: Member, order_id: UUID) -> UsableWallet:
    """How much this order takes from my wallet now."""
    can = await pay_wallet.usable(db, member_id=await owner_of(db, member, order_id), order_id=order_id)
    return UsableWallet(Money(can.most_minor), Money(can.have.total))


@post("/api/mall/orders/{order_id:uuid}/wallet", opt=doors.member(order_id="order"), status_code=200)
async def pay_from_wallet(
    write: Write, db: Database, member: Member, order_id: UUID, data: WalletPayment
) -> Answer[OrderView]:
    """Pay an order that waits to be paid online from my wallet, or a part of it; the rest is paid as before.

    Refuses `orders.already-paid`, `orders.pay-time-over`, `wallet.not-taken`, `wallet.not-enough`, `wallet.day-limit`,
    `payments.being-charged`.
    """
    stored: Answer[OrderView] | None = await write.replay()
    if stored is not None:
        return stored
    owner = await owner_of(db, member, order_id)
    await own_tender.close_open(db, member_id=owner, order_id=order_id)

    async def work(tx: Tx) -> OrderView:
        await pay_wallet.pay_wallet(
            tx, member_id=owner, order_id=order_id, amount_minor=minor_of(data.amount), actor=member.actor
        )
        return await order_view.view(tx, owner, order_id)

    return await write.run(work)


ROUTES = [
    show_wallet,
    list_wallet_movements,
    begin_top_up,
    show_top_up,
    open_top_up_payment,
    check_top_up,
    show_usable_wallet,
    pay_from_wallet,
]
