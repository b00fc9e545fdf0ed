"""Scan a member's card at the till."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec
from litestar import post

from duoline import loyalty, wallet
from duoline.channels.http import doors, limits, partners
from duoline.channels.http.answers import Answer, Input, answer
from duoline.channels.http.sessions import Staff
from duoline.channels.http.writes import Write
from duoline.flows.read_card import read_card
from duoline.flows.trade import Trade
from duoline.kernel import clock
from duoline.kernel.errors import Refusal
from duoline.kernel.money import Money
from duoline.kernel.text import Text
from duoline.members import cards, phones, profile
from duoline.members.group import group_of
from duoline.members.policy import TIERS
from duoline.members.stand import standing_of
from duoline.stores.directory import Chain

TYPED_BY_STAFF = limits.Limit(120, 3600)
"""A counter types one customer's number after the other; whoever reads through a list of them types more."""


class CardScan(Input, frozen=True):
    """What the camera read, or the number that somebody typed from an old card."""

    store: Annotated[str, msgspec.Meta(min_length=1, max_length=40)]
    text: Annotated[str, msgspec.Meta(min_length=1, max_length=80)]


class CardChecks(msgspec.Struct, frozen=True, kw_only=True):
    """By what the till knows the card again without a network: of the code of each step from `starts_at` on, the first
    32 bits of SHA-256 over `<number>.<step>.<code>`, modulo a thousand; steps are counted from 1970."""

    number: str
    starts_at: datetime
    step_seconds: int
    values: list[int]


class CardHolder(msgspec.Struct, frozen=True, kw_only=True):
    """Whose card it is, as much as a clerk needs to greet them. `card` goes into the sale, `until` then; what the
    member has is spent with it for a quarter of an hour, if it was on their phone. `checks` are for a card on a phone.
    """

    card: str
    until: datetime
    checks: CardChecks | None
    display_name: str
    phone_masked: str | None
    tier: Text
    points: int
    wallet: Money


@post("/api/clerk/cards", opt=doors.staff("sell", store="store", text=doors.SHARED), status_code=200)
async def scan_card(write: Write, staff: Staff, chain: Chain, trade: Trade, data: CardScan) -> Answer[CardHolder]:
    """Find the member of a card. The answer is not stored; wrong tries are counted for staff and shop, and a number
    that was typed is in the audit log with the member it led to.

    Refuses `http.too-many-requests` for typed numbers, `members.too-many-wrong-cards`, `members.card-code-over`,
    `members.no-such-card`, then in a franchisee's shop `members.card-not-shared` for a typed number.
    """
    del write  # takes part in the rule that every POST names its key; a scan is answered anew each time
    shop = staff.store(data.store, "sell")
    if not cards.is_shown(data.text):
        TYPED_BY_STAFF.check(str(staff.id))
    async with trade.db.begin() as tx:
        member_id = await read_card(
            tx,
            shop,
            data.text,
            franchised=partners.franchised(chain, shop),
            secret=trade.secret,
            actor=staff.actor,
        )
    if isinstance(member_id, Refusal):
        raise member_id
    who = await profile.profile(trade.db, member_id)
    standing = await standing_of(trade.db, member_id)
    balance = await loyalty.balance_of_group(trade.db, await group_of(trade.db, member_id))
    tiers = TIERS.current().body.tiers
    tier = next((tier for tier in tiers if standing and tier.code == standing.tier), tiers[0])
    checks = cards.checks_of(data.text, secret=trade.secret)
    return answer(
        CardHolder(
            until=clock.now() + cards.HOLDS,
            checks=CardChecks(
                number=checks.number,
                starts_at=checks.starts_at,
                step_seconds=int(cards.STEP.total_seconds()),
                values=checks.values,
            )
            if checks
            else None,
            card=cards.hold(member_id, shown=cards.is_shown(data.text), secret=trade.secret),
            display_name=who.display_name,
            phone_masked=phones.masked(who.phone),
            tier=tier.name.filled,
            points=balance.spendable,
            wallet=Money((await wallet.balance_of(trade.db, member_id)).total),
        )
    )


ROUTES = [scan_card]
