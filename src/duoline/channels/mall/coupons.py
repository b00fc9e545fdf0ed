"""Coupons of a member: those they have, those they can have, and a code turned into one."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from litestar import get, post
from litestar.params import Parameter

from duoline.channels.http import cursors, doors, limits
from duoline.channels.http.answers import Answer, Cursor, Input, Limit, Page
from duoline.channels.http.sessions import Member, Visitor
from duoline.channels.http.writes import Write
from duoline.flows.trade import Trade
from duoline.kernel import clock
from duoline.kernel.db import Database, Tx
from duoline.kernel.text import Text
from duoline.pricing import coupons
from duoline.pricing.promotions.uses import Returned

CODES_BY_MEMBER = limits.Limit(30, 3600)
"""Nobody types more codes than that in an hour; whoever guesses does."""


class CouponView(msgspec.Struct, frozen=True, kw_only=True):
    """A coupon. `until` None as long as its promotion lasts; `order_no` of the order that has it. `returned`:
    whether it is good again with everything that it took off (`whole`); `back_at` when it last came back."""

    id: UUID
    name: Text
    kind: str
    state: Literal["usable", "used", "ended"]
    from_at: datetime
    until: datetime | None
    order_no: str | None
    touchpoint: str | None
    returned: Returned
    grace_days: int
    back_at: datetime | None


class CentreRow(msgspec.Struct, frozen=True, kw_only=True):
    """Coupons that can be had. `left` None without a number; `mine` are those the visitor has had."""

    batch_id: UUID
    name: Text
    kind: str
    until: datetime | None
    valid_days: int | None
    left: int | None
    mine: int
    member_max: int


class CodeInput(Input, frozen=True):
    """A code as it was typed or scanned."""

    code: Annotated[str, msgspec.Meta(min_length=3, max_length=60)]


_USABLE = """c.order_id IS NULL AND c.void_at IS NULL
       AND (least(c.expires_at, p.until_at) IS NULL OR least(c.expires_at, p.until_at) > $2)"""
_NEWEST = "LATERAL (SELECT * FROM promotions q WHERE q.id = c.promotion_id ORDER BY q.version DESC LIMIT 1) p ON true"
_COUNT = f"""
SELECT count(*)::integer FROM coupons c JOIN {_NEWEST} WHERE c.member_id = ANY (duo_group($1)) AND {_USABLE}
"""  # noqa: S608 - our own text
_MINE = f"""
SELECT c.id, p.name_zh, p.name_en, p.kind, p.from_at, least(c.expires_at, p.until_at) AS until, o.order_no,
       c.touchpoint, b.returned, b.grace_days,
       (SELECT max(w.given_back_at) FROM coupon_uses w WHERE w.coupon_id = c.id) AS back_at,
       CASE WHEN c.order_id IS NOT NULL THEN 'used'
            WHEN c.void_at IS NOT NULL OR least(c.expires_at, p.until_at) <= $2 THEN 'ended' ELSE 'usable' END AS state
FROM coupons c JOIN coupon_batches b ON b.batch_id = c.batch_id
JOIN {_NEWEST}
LEFT JOIN orders o ON o.member_id = c.buyer_id AND o.id = c.order_id
WHERE c.member_id = ANY (duo_group($1))
  AND ({_USABLE}) = $3
  AND ($4::uuid IS NULL OR c.id < $4)
ORDER BY c.id DESC LIMIT $5
"""  # noqa: S608 - our own text


async def usable_coupons(db: Database, member_id: UUID) -> int:
    """How many coupons somebody can use now."""
    found: int = await db.fetchval(_COUNT, member_id, clock.now())
    return found


@get("/api/mall/coupons", opt=doors.member(known=True))
async def list_coupons(
    db: Database,
    member: Member,
    which: Annotated[Literal["usable", "past"], Parameter(description="Those that can be used, or the others.")] = (
        "usable"
    ),
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[CouponView]:
    """The member's coupons, the newest first."""
    before = cursors.unpack(cursor, UUID)[0] if cursor else None
    rows = await db.fetch(_MINE, member.id, clock.now(), which == "usable", before, limit + 1)
    shown = rows[:limit]
    return Page(
        [_view(row) for row in shown],
        cursors.pack(shown[-1]["id"]) if len(rows) > limit else None,
    )


_CENTRE = """
SELECT b.batch_id, p.name_zh, p.name_en, p.kind, least(b.until_at, p.until_at) AS until, b.valid_days,
       b.issued_max - b.issued AS left, b.member_max,
       (SELECT count(*) FROM coupons c
        WHERE c.batch_id = b.batch_id AND c.member_id = ANY (duo_group($1)))::integer AS mine
FROM coupon_batches b
JOIN LATERAL (SELECT * FROM promotions q WHERE q.id = b.promotion_id ORDER BY q.version DESC LIMIT 1) p ON true
WHERE b.way = 'claim' AND b.from_at <= $2 AND (b.until_at IS NULL OR b.until_at > $2)
  AND (p.until_at IS NULL OR p.until_at > $2)
  AND ($3::uuid IS NULL OR b.batch_id < $3)
ORDER BY b.batch_id DESC LIMIT $4
"""


@get("/api/mall/coupon-centre", opt=doors.visitor())
async def show_centre(db: Database, visitor: Visitor, limit: Limit = 20, cursor: Cursor = None) -> Page[CentreRow]:
    """Coupons that anybody who logs in can have, the newest first."""
    before = cursors.unpack(cursor, UUID)[0] if cursor else None
    rows = await db.fetch(_CENTRE, visitor.member.id if visitor.member else None, clock.now(), before, limit + 1)
    shown = rows[:limit]
    return Page(
        [
            CentreRow(
                batch_id=row["batch_id"],
                name=Text(row["name_zh"], row["name_en"]).filled,
                kind=row["kind"],
                until=row["until"],
                valid_days=row["valid_days"],
                left=row["left"],
                mine=row["mine"],
                member_max=row["member_max"],
            )
            for row in shown
        ],
        cursors.pack(shown[-1]["batch_id"]) if len(rows) > limit else None,
    )


@post("/api/mall/coupon-batches/{batch_id:uuid}/claims", opt=doors.member(known=True, batch_id=doors.SHARED))
async def claim_coupon(write: Write, member: Member, batch_id: UUID) -> Answer[CouponView]:
    """Take one of the coupons that can be had."""

    async def work(tx: Tx) -> CouponView:
        return await _one(tx, member.id, await coupons.claim(tx, batch_id, member_id=member.id))

    return await write.run(work, status=201)


@post("/api/mall/coupon-codes", opt=doors.member(known=True, code=doors.SHARED))
async def redeem_code(write: Write, trade: Trade, member: Member, data: CodeInput) -> Answer[CouponView]:
    """Turn a code into a coupon of the member's: a printed one, a word that many know, or a QR scanned at a place."""
    CODES_BY_MEMBER.check(str(member.id))

    async def work(tx: Tx) -> CouponView:
        coupon = await coupons.redeem(tx, data.code, member_id=member.id, secret=trade.secret)
        return await _one(tx, member.id, coupon)

    return await write.run(work, status=201)


async def _one(tx: Tx, member_id: UUID, coupon_id: UUID) -> CouponView:
    row = await tx.fetchrow(
        """SELECT c.id, p.name_zh, p.name_en, p.kind, p.from_at, least(c.expires_at, p.until_at) AS until, c.touchpoint,
                  'usable' AS state, NULL AS order_no, b.returned, b.grace_days, NULL::timestamptz AS back_at
           FROM coupons c JOIN coupon_batches b ON b.batch_id = c.batch_id
           JOIN LATERAL (SELECT * FROM promotions q WHERE q.id = c.promotion_id ORDER BY q.version DESC LIMIT 1) p
             ON true
           WHERE c.id = $1 AND c.member_id = ANY (duo_group($2))""",
        coupon_id,
        member_id,
    )
    if row is None:
        raise coupons.NoSuchCoupon
    return _view(row)


def _view(row: Any) -> CouponView:
    return CouponView(
        id=row["id"],
        name=Text(row["name_zh"], row["name_en"]).filled,
        kind=row["kind"],
        state=row["state"],
        from_at=row["from_at"],
        until=row["until"],
        order_no=row["order_no"],
        touchpoint=row["touchpoint"],
        returned=row["returned"],
        grace_days=row["grace_days"],
        back_at=row["back_at"],
    )


ROUTES = [list_coupons, show_centre, claim_coupon, redeem_code]
