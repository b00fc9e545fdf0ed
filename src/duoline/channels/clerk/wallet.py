"""Fill a member's wallet at the till, in cash or by the code on the customer's phone."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from litestar import get, post

from duoline import wallet
from duoline.channels.clerk.till import CardPass, DrawerName
from duoline.channels.clerk.till_orders import ScannedCode
from duoline.channels.http import doors, site
from duoline.channels.http.answers import Answer, Input, answer
from duoline.channels.http.sessions import Staff
from duoline.channels.http.wallets import TopUpOfferView, offers_now
from duoline.channels.http.writes import Write
from duoline.flows import top_up
from duoline.flows.trade import Trade
from duoline.kernel.config import Settings
from duoline.kernel.db import Database, Tx
from duoline.kernel.errors import NotFound
from duoline.kernel.money import Money, minor_of
from duoline.members import cards, phones, profile
from duoline.wallet import TopUp


class TopUpAsk(Input, frozen=True, kw_only=True):
    """Whose wallet is to be filled."""

    store: Annotated[str, msgspec.Meta(min_length=1, max_length=40)]
    card: CardPass


class TopUpRules(msgspec.Struct, frozen=True, kw_only=True):
    """What this member may top up now, and what is given on top: by the highest offer that is reached. Of the
    `day_limit` of 24 hours `day_left` may still be topped up, and `room` is what the wallet takes with the bonus; what
    waits for its payment counts in both."""

    offers: list[TopUpOfferView]
    least: Money
    limit: Money
    day_limit: Money
    day_left: Money
    room: Money
    top_ups: bool


class TillTopUpRequest(Input, frozen=True, kw_only=True):
    """So much into the wallet of the member of this card. By `code`, it waits for the code on the payer's phone; in
    cash it is done, and `tendered` says what was given. Another bonus than `expected_bonus` is refused."""

    store: Annotated[str, msgspec.Meta(min_length=1, max_length=40)]
    card: CardPass
    amount: Money
    expected_bonus: Money
    tender: Literal["cash", "code"]
    tendered: Money | None = None
    drawer: DrawerName | None = None


class TillTopUp(msgspec.Struct, frozen=True, kw_only=True):
    """A top-up at a till: `open`; `asked` while the provider has not said how it ended; `paid`; `closed`. `balance` is
    what is in the wallet now, once it is paid; `change` what to give back of the cash."""

    id: UUID
    member_name: str
    phone_masked: str | None
    amount: Money
    bonus: Money
    tender: Literal["cash", "code"]
    state: Literal["open", "asked", "paid", "closed"]
    expires_at: datetime | None
    balance: Money | None
    change: Money | None = None


class Nothing(Input, frozen=True):
    """A body without fields."""


DOOR = doors.staff("sell", top_up_id="till_top_up")


@post("/api/clerk/top-up-quotes", opt=doors.staff("sell", store="store", card=doors.SHARED), status_code=200)
async def quote_top_up(write: Write, staff: Staff, trade: Trade, data: TopUpAsk) -> Answer[TopUpRules]:
    """What may be topped up now into the wallet of a card's member. Refuses `members.card-code-over`."""
    del write  # takes part in the rule that every POST names its key; a quote is made anew each time
    staff.store(data.store, "sell")
    member_id = cards.holder_of(data.card, secret=trade.secret)
    rules = wallet.WALLET.current().body
    can = await wallet.top_ups.room_of(trade.db, member_id, await wallet.balance_of(trade.db, member_id))
    return answer(
        TopUpRules(
            offers=offers_now(),
            least=Money(rules.least_minor),
            limit=Money(rules.max_balance_minor),
            day_limit=Money(rules.day_top_up_minor),
            day_left=Money(can.day_left_minor),
            room=Money(can.room_minor),
            top_ups=rules.top_ups,
        )
    )


@post("/api/clerk/top-ups", opt=doors.staff("sell", store="store", card=doors.SHARED))
async def take_top_up(write: Write, staff: Staff, trade: Trade, data: TillTopUpRequest) -> Answer[TillTopUp]:
    """Fill the wallet of a card's member, in cash at once; by code it waits for a quarter of an hour.

    Refuses `members.card-code-over`, `fulfilment.too-little-money`, `orders.no-online-payment`, `wallet.top-ups-off`,
    `wallet.too-little`, `wallet.bonus-changed`, `wallet.day-top-ups`, `wallet.too-much`.
    """
    shop = staff.store(data.store, "sell")
    member_id = cards.holder_of(data.card, secret=trade.secret)

    async def work(tx: Tx) -> TillTopUp:
        amount, bonus = minor_of(data.amount), minor_of(data.expected_bonus)
        if data.tender == "cash":
            done = await top_up.take_cash(
                tx,
                location_id=shop.id,
                member_id=member_id,
                amount_minor=amount,
                tendered_minor=minor_of(data.tendered) if data.tendered else 0,
                expected_bonus_minor=bonus,
                drawer=data.drawer,
                actor=staff.actor,
            )
            view = await _view(tx, done.top_up)
            return msgspec.structs.replace(view, change=Money(done.change_minor))
        made = await top_up.begin(
            tx,
            member_id=member_id,
            amount_minor=amount,
            expected_bonus_minor=bonus,
            store_id=shop.id,
            actor=staff.actor,
        )
        return await _view(tx, made)

    return await write.run(work, status=201)


@get("/api/clerk/top-ups/{top_up_id:uuid}", opt=DOOR)
async def read_top_up(db: Database, staff: Staff, top_up_id: UUID) -> TillTopUp:
    """One top-up of this shop's till, and how far it is."""
    return await _view(db, await top_up.find(db, top_up_id, staff.scope("sell")))


@post("/api/clerk/top-ups/{top_up_id:uuid}/charges", opt=DOOR, status_code=200)
async def charge_top_up(
    write: Write, db: Database, staff: Staff, settings: Settings, top_up_id: UUID, data: ScannedCode
) -> Answer[TillTopUp]:
    """Take it by the code on the payer's phone. Safe to repeat: it is paid once.

    Refuses `wallet.top-up-over`, `payments.being-charged`, `payments.code-unknown`, `payments.code-used`,
    `payments.code-expired`, `payments.not-enough-money`. 503 when the provider does not answer: then ask it with
    `payment-check` before anything else.
    """
    del write  # the top-up's own id is the key: every repeat finds the same payment, and the code is kept nowhere
    found = await top_up.find(db, top_up_id, staff.scope("sell"))
    await top_up.charge(
        db,
        found,
        auth_code=data.code.replace(" ", ""),
        subject="Duoline",
        notify_url=site.notify_url(settings),
    )
    return answer(await _view(db, await top_up.find(db, top_up_id, staff.scope("sell"))))


@post("/api/clerk/top-ups/{top_up_id:uuid}/payment-check", opt=DOOR, status_code=200)
async def check_till_top_up(write: Write, db: Database, staff: Staff, top_up_id: UUID) -> Answer[TillTopUp]:
    """Ask the provider how it stands, for when its answer is late. Safe to repeat."""
    del write  # recording a payment twice is impossible, however often it is asked for
    found = await top_up.find(db, top_up_id, staff.scope("sell"))
    return answer(await _view(db, await top_up.check(db, found)))


@post("/api/clerk/top-ups/{top_up_id:uuid}/cancellation", opt=DOOR, status_code=200)
async def cancel_top_up(
    write: Write, db: Database, staff: Staff, top_up_id: UUID, data: Nothing | None
) -> Answer[TillTopUp]:
    """Let go of it: nobody can pay it any more. What was paid all the same is in the wallet, and the answer says so.

    Refuses `payments.being-charged`. 503 when the provider does not answer: then nothing has changed.
    """
    del write  # closing twice changes nothing
    found = await top_up.find(db, top_up_id, staff.scope("sell"))
    return answer(await _view(db, await top_up.abandon(db, found)))


async def _view(db: Database | Tx, one: TopUp) -> TillTopUp:
    if one.store_id is None:
        raise NotFound
    who = await profile.profile(db, one.member_id)
    paid = one.state == "paid"
    return TillTopUp(
        id=one.id,
        member_name=who.display_name,
        phone_masked=phones.masked(who.phone),
        amount=Money(one.principal_minor),
        bonus=Money(one.bonus_minor),
        tender="cash" if one.tender == wallet.top_ups.CASH else "code",
        state="asked" if one.state == "open" and one.known_there else one.state,  # type: ignore[arg-type]
        expires_at=one.expires_at,
        balance=Money((await wallet.balance_of(db, one.member_id)).total) if paid else None,
    )


ROUTES = [quote_top_up, take_top_up, read_top_up, charge_top_up, check_till_top_up, cancel_top_up]
