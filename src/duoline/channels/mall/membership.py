"""A member's card, tier and points, and paying with points."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import get, post

from duoline import loyalty, wallet
from duoline.channels.http import cursors, doors
from duoline.channels.http.answers import Answer, Cursor, Input, Limit, Page
from duoline.channels.http.sessions import Member
from duoline.channels.http.writes import Write
from duoline.channels.mall.coupons import usable_coupons
from duoline.channels.mall.shopping import owner_of
from duoline.flows import judge_tiers, order_view, own_tender, pay_points
from duoline.flows.order_view import OrderView
from duoline.flows.trade import Trade
from duoline.kernel import clock
from duoline.kernel.db import Database, Tx
from duoline.kernel.money import Money
from duoline.kernel.text import Text
from duoline.loyalty.reckon import worth_of
from duoline.members import cards
from duoline.members.group import group_of
from duoline.members.policy import TIERS, TierPolicy
from duoline.members.stand import standing_of
from duoline.members.tiers import Standing

CURRENCY = "CNY"
TIERS_SHOWN = 10
_TIERS = "SELECT tier, at, because FROM tier_changes WHERE member_id = $1 ORDER BY at DESC, id DESC LIMIT $2"


class CardView(msgspec.Struct, frozen=True):
    """My card: its picture says `prefix`, a full stop and the code of the step that holds now. `codes` begin at
    `starts_at`, each is for `step_seconds`; without a network the card is good as long as they last. `now` is our
    clock, because phones' clocks are wrong by minutes."""

    number: str
    prefix: str
    now: datetime
    starts_at: datetime
    step_seconds: int
    codes: list[str]


class TierView(msgspec.Struct, frozen=True):
    """A tier, what has to be spent for it, and how many points it earns in hundredths of what everybody earns."""

    code: str
    name: Text
    starts_from: Money
    points_percent: int


class TierChange(msgspec.Struct, frozen=True):
    """When I came to a tier, and why: `joined`, `reached`, `lapsed`, `set` by hand, by new `rules`, `merged`…"""

    tier: Text
    at: datetime
    because: str


class TierStanding(msgspec.Struct, frozen=True, kw_only=True):
    """My tier: what I have spent within `window_days`, what is missing for the `next` one (None: there is none), until
    when I keep this one at least, and when I leave it unless I spend what it asks for. `history`: the last tiers I had,
    the newest first."""

    tier: TierView
    tiers: list[TierView]
    spent: Money
    window_days: int
    next: TierView | None
    missing: Money | None
    keeps_until: datetime | None
    lapses_at: datetime | None
    history: list[TierChange]


class PointsEnding(msgspec.Struct, frozen=True):
    """Points that are gone at an instant unless they are spent before."""

    points: int
    at: datetime


class PointsView(msgspec.Struct, frozen=True, kw_only=True):
    """My points: to spend now and what that pays, still to come, and owed because what had earned them went back."""

    spendable: int
    worth: Money
    pending: int
    owed: int
    ending: PointsEnding | None
    points_per_100: int
    worth_of_100: Money
    cap_percent: int


class Membership(msgspec.Struct, frozen=True):
    """What I am and have here: also all that is in my wallet, and how many coupons I can use."""

    standing: TierStanding
    points: PointsView
    wallet: Money
    coupons: int


class PointsLine(msgspec.Struct, frozen=True, kw_only=True):
    """A movement of my points: more or fewer to spend, or to wait for (`pending`), and the order that made it."""

    id: UUID
    at: datetime
    kind: str
    points: int
    pending: int
    order_id: UUID | None
    order_no: str | None
    reason: str


class UsablePoints(msgspec.Struct, frozen=True):
    """How many points the order takes now and what they pay; none when `most` is 0. At least `least` at a time."""

    most: int
    least: int
    spendable: int
    worth_of_100: Money
    worth: Money


class PointsPayment(Input, frozen=True):
    """So many points for a part of the order."""

    points: Annotated[int, msgspec.Meta(ge=1, le=1_000_000_000)]


@get("/api/mall/card", opt=doors.member(known=True))
async def show_card(db: Database, trade: Trade, member: Member) -> CardView:
    """My card with its codes of the next hours. It is made at the first look."""
    async with db.begin() as tx:
        card = await cards.card_of(tx, member.id, secret=trade.secret)
    return CardView(
        card.number,
        f"{cards.PREFIX}.{card.number}",
        clock.now(),
        card.starts_at,
        int(cards.STEP.total_seconds()),
        card.codes,
    )


_ENDING = """
SELECT sum(left_points)::bigint AS points, expires_at FROM point_lots
WHERE member_id = ANY ($1) AND state = 'open' AND left_points > 0 AND expires_at IS NOT NULL
GROUP BY expires_at ORDER BY expires_at LIMIT 1
"""


@get("/api/mall/membership", opt=doors.member(known=True))
async def show_membership(db: Database, member: Member) -> Membership:
    """My tier and my points as of now."""
    rules, points = TIERS.current().body, loyalty.POINTS.current().body
    standing = await standing_of(db, member.id) or Standing(rules.tiers[0].code)
    spent = await judge_tiers.spent_of(db, member.id)
    ids = await group_of(db, member.id)
    balance = await loyalty.balance_of_group(db, ids)
    ending = await db.fetchrow(_ENDING, ids)
    return Membership(
        _standing(rules, points, standing, spent, await db.fetch(_TIERS, member.id, TIERS_SHOWN)),
        PointsView(
            spendable=balance.spendable,
            worth=Money(worth_of(points, balance.spendable), CURRENCY),
            pending=balance.pending,
            owed=balance.owed,
            ending=None if ending is None else PointsEnding(*ending),
            points_per_100=points.rate,
            worth_of_100=Money(points.worth_minor, CURRENCY),
            cap_percent=points.cap_percent if points.spendable else 0,
        ),
        Money((await wallet.balance_of(db, member.id)).total, CURRENCY),
        await usable_coupons(db, member.id),
    )


def _standing(
    rules: TierPolicy, points: loyalty.PointsPolicy, standing: Standing, spent: int, changes: Sequence[Any]
) -> TierStanding:
    times = {one.tier: one.percent for one in points.tiers}
    views = [
        TierView(one.code, one.name.filled, Money(one.from_minor, CURRENCY), times.get(one.code, 100))
        for one in rules.tiers
    ]
    rank = max(rules.rank(standing.tier), 0)
    following = next((tier for tier in rules.tiers[rank + 1 :] if tier.from_minor > spent), None)
    return TierStanding(
        tier=views[rank],
        tiers=views,
        spent=Money(spent, CURRENCY),
        window_days=rules.window_days,
        next=None if following is None else views[rules.rank(following.code)],
        missing=None if following is None else Money(following.from_minor - spent, CURRENCY),
        keeps_until=standing.keeps_until,
        lapses_at=standing.lapses_at,
        # A tier that the rules do not have any more has no name to be shown under.
        history=[
            TierChange(views[rank].name, row["at"], row["because"])
            for row in changes
            if (rank := rules.rank(row["tier"])) >= 0
        ],
    )


_HISTORY = """
SELECT j.id, j.at, j.kind, j.order_id, j.reason, n.order_no,
       coalesce(sum(e.amount_minor) FILTER (WHERE e.credit IN ('points:open', 'points:owed')), 0)
       - coalesce(sum(e.amount_minor) FILTER (WHERE e.debit IN ('points:open', 'points:owed')), 0) AS points,
       coalesce(sum(e.amount_minor) FILTER (WHERE e.credit = 'points:pending'), 0)
       - coalesce(sum(e.amount_minor) FILTER (WHERE e.debit = 'points:pending'), 0) AS pending
FROM (SELECT * FROM journals j WHERE j.member_id = ANY ($1) AND j.ref_kind = 'points' AND j.kind <> 'points-used-back'
      AND ($2::timestamptz IS NULL OR (j.at, j.id) < ($2, $3::uuid)) ORDER BY j.at DESC, j.id DESC LIMIT $4) j
JOIN journal_entries e ON e.member_id = j.member_id AND e.journal_id = j.id
LEFT JOIN orders n ON n.member_id = ANY ($1) AND n.id = j.order_id
GROUP BY j.id, j.at, j.kind, j.order_id, j.reason, n.order_no ORDER BY j.at DESC, j.id DESC
"""


@get("/api/mall/points", opt=doors.member(known=True))
async def list_points(db: Database, member: Member, limit: Limit = 20, cursor: Cursor = None) -> Page[PointsLine]:
    """Every movement of my points, the newest first."""
    before = cursors.unpack(cursor, datetime, UUID) if cursor else (None, None)
    rows = await db.fetch(_HISTORY, await group_of(db, member.id), *before, limit + 1)
    shown = [_line(row) for row in rows[:limit]]
    return Page(shown, cursors.pack(shown[-1].at, shown[-1].id) if len(rows) > limit else None)


def _line(row: Any) -> PointsLine:
    return PointsLine(
        id=row["id"],
        at=row["at"],
        kind=row["kind"],
        points=int(row["points"]),
        pending=int(row["pending"]),
        order_id=row["order_id"],
        order_no=row["order_no"],
        reason=row["reason"],
    )


@get("/api/mall/orders/{order_id:uuid}/points", opt=doors.member(order_id="order"))
async def show_usable_points(db: Database, member: Member, order_id: UUID) -> UsablePoints:
    """How many of my points this order takes now."""
    can = await pay_points.usable(db, member_id=await owner_of(db, member, order_id), order_id=order_id)
    worth = loyalty.POINTS.current().body.worth_minor
    return UsablePoints(can.most, can.least, can.spendable, Money(worth, CURRENCY), Money(can.worth_minor, CURRENCY))


@post("/api/mall/orders/{order_id:uuid}/points", opt=doors.member(order_id="order"), status_code=200)
async def pay_with_points(
    write: Write, db: Database, member: Member, order_id: UUID, data: PointsPayment
) -> Answer[OrderView]:
    """Pay a part of an order that waits to be paid online in points, once; the rest is paid as before.

    Refuses `orders.already-paid`, `orders.pay-time-over`, `loyalty.points-not-taken`, `payments.being-charged`.
    """
    stored: Answer[OrderView] | None = await write.replay()
    if stored is not None:
        return stored
    owner = await owner_of(db, member, order_id)
    await own_tender.close_open(db, member_id=owner, order_id=order_id)

    async def work(tx: Tx) -> OrderView:
        await pay_points.pay_points(tx, member_id=owner, order_id=order_id, points=data.points, actor=member.actor)
        return await order_view.view(tx, owner, order_id)

    return await write.run(work)


ROUTES = [show_card, show_membership, list_points, show_usable_points, pay_with_points]
