"""Batches of coupons: opened, followed, printed, given, ended."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any, Literal
from uuid import UUID

import msgspec
import segno
from litestar import Request, get, post
from litestar.params import Parameter

from duoline.channels.http import cursors, doors, site
from duoline.channels.http.answers import Answer, Cursor, Input, Limit, Page
from duoline.channels.http.sessions import Staff
from duoline.channels.http.writes import Write
from duoline.flows.trade import Trade
from duoline.kernel import clock
from duoline.kernel.config import Settings
from duoline.kernel.db import Database, Tx
from duoline.kernel.errors import BadInput, NotFound
from duoline.kernel.ids import new_id
from duoline.kernel.money import Money
from duoline.kernel.text import Text, plain
from duoline.members import consents, phones
from duoline.pricing import coupons
from duoline.pricing.promotions.uses import Returned

if TYPE_CHECKING:
    import asyncpg

PATH = "/api/console/coupon-batches"
PRINT_MAX = 2_000
GIFTS_MAX = 10_000

Reason = Annotated[str, msgspec.Meta(min_length=1, max_length=200, pattern=r"\S")]
Count = Annotated[int, msgspec.Meta(ge=1, le=10_000_000)]
Instant = Annotated[datetime, msgspec.Meta(tz=True)]
Way = Literal["claim", "code", "touchpoint", "print", "given"]


class NewBatchInput(Input, frozen=True, kw_only=True):
    """A batch to open. `code` for a word that many know; of a touchpoint, whose place is named, the code is made.

    `returned`: whether a coupon is good again when everything it took off has come back (`whole`), or only when its
    order comes to nothing (`never`); `grace_days` for how long, if it has ended by then."""

    promotion_id: UUID
    way: Way
    from_at: Instant
    until_at: Instant | None = None
    code: Annotated[str, msgspec.Meta(min_length=4, max_length=40, pattern=r"^[0-9A-Za-z -]+$")] | None = None
    touchpoint: Annotated[str, msgspec.Meta(min_length=1, max_length=80, pattern=r"\S")] | None = None
    issued_max: Count | None = None
    member_max: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 1
    valid_days: Annotated[int, msgspec.Meta(ge=1, le=3650)] | None = None
    returned: Returned = "whole"
    grace_days: Annotated[int, msgspec.Meta(ge=0, le=365)] = 0
    reason: Reason


class BatchRow(msgspec.Struct, frozen=True, kw_only=True):
    """A batch with how far it has got. `taken` is what the promotion took off the orders that used a coupon of it, less
    what came back; `back` is how often a coupon came back."""

    batch_id: UUID
    promotion_id: UUID
    name: Text
    way: Way
    code_tail: str
    touchpoint: str | None
    state: Literal["coming", "open", "over"]
    from_at: datetime
    until_at: datetime | None
    valid_days: int | None
    issued: int
    issued_max: int | None
    member_max: int
    returned: Returned
    grace_days: int
    used: int
    back: int
    void: int
    taken: Money
    opened_by: str | None


class Opened(msgspec.Struct, frozen=True, kw_only=True):
    """The batch. `url` is what the QR of a touchpoint says, `picture` that QR as an SVG to print: told once, because
    only the digest of its code is kept."""

    batch: BatchRow
    url: str | None
    picture: str | None


class PrintInput(Input, frozen=True):
    """How many codes to make, and why."""

    count: Annotated[int, msgspec.Meta(ge=1, le=PRINT_MAX)]
    reason: Reason


class Printed(msgspec.Struct, frozen=True):
    """The codes: told once, because only their digests are kept."""

    codes: list[str]


class GiftInput(Input, frozen=True, kw_only=True):
    """To whom: members by phone, or those who have ordered in the last days, or those who have not for so long."""

    phones: Annotated[list[Annotated[str, msgspec.Meta(max_length=30)]], msgspec.Meta(max_length=1000)] | None = None
    ordered_within_days: Annotated[int, msgspec.Meta(ge=1, le=3650)] | None = None
    not_ordered_for_days: Annotated[int, msgspec.Meta(ge=1, le=3650)] | None = None
    reason: Reason


class Given(msgspec.Struct, frozen=True):
    """How many members were meant, and how many got one; the others had theirs. `without_consent` did not agree to
    marketing and are not among those meant."""

    members: int
    given: int
    without_consent: int


class Why(Input, frozen=True):
    """The reason."""

    reason: Reason


# $1 now, $2 promotion, $3 state, $4 words.
_ROWS = """
SELECT b.*, p.name_zh, p.name_en, u.used, u.void, u.taken, u.back,
       (SELECT s.name FROM staff s WHERE s.id = b.actor_id) AS opened_by,
       CASE WHEN b.until_at <= $1 THEN 'over' WHEN b.from_at > $1 THEN 'coming' ELSE 'open' END AS state
FROM coupon_batches b
JOIN LATERAL (SELECT * FROM promotions q WHERE q.id = b.promotion_id ORDER BY q.version DESC LIMIT 1) p ON true
CROSS JOIN LATERAL (
    SELECT count(c.order_id)::integer AS used, count(c.void_at)::integer AS void,
           coalesce(sum(d.left_minor), 0)::bigint AS taken,
           (SELECT count(*) FROM coupons g JOIN coupon_uses w ON w.coupon_id = g.id
            WHERE g.batch_id = b.batch_id AND w.given_back_at IS NOT NULL)::integer AS back
    FROM coupons c
    LEFT JOIN LATERAL duo_offer_left(c.buyer_id, c.order_id, c.promotion_id) d ON c.order_id IS NOT NULL
    WHERE c.batch_id = b.batch_id) u
WHERE ($2::uuid IS NULL OR b.promotion_id = $2)
  AND CASE $3 WHEN 'over' THEN b.until_at <= $1 WHEN 'coming' THEN b.from_at > $1
              WHEN 'open' THEN b.from_at <= $1 AND (b.until_at IS NULL OR b.until_at > $1) ELSE true END
  AND ($4 = '' OR p.name_zh ILIKE '%' || $4 || '%' OR p.name_en ILIKE '%' || $4 || '%'
       OR b.touchpoint ILIKE '%' || $4 || '%')
  AND ($5::uuid IS NULL OR b.batch_id < $5) AND ($6::uuid IS NULL OR b.batch_id = $6)
ORDER BY b.batch_id DESC LIMIT $7
"""


@get(PATH, opt=doors.staff("prices.read", promotion_id=doors.SHARED))
async def list_batches(
    db: Database,
    q: Annotated[str, Parameter(max_length=60, description="A part of the promotion's or the place's name.")] = "",
    which: Annotated[Literal["open", "coming", "over", "all"], Parameter(description="When they can be had.")] = "all",
    promotion_id: UUID | None = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[BatchRow]:
    """Batches of coupons, the newest first."""
    before = cursors.unpack(cursor, UUID)[0] if cursor else None
    rows = await db.fetch_filtered(_ROWS, clock.now(), promotion_id, which, plain(q), before, None, limit + 1)
    shown = rows[:limit]
    return Page([_row(row) for row in shown], cursors.pack(shown[-1]["batch_id"]) if len(rows) > limit else None)


@get(f"{PATH}/{{batch_id:uuid}}", opt=doors.staff("prices.read", batch_id=doors.SHARED))
async def show_batch(db: Database, batch_id: UUID) -> BatchRow:
    """One batch."""
    return await _one(db, batch_id)


@post(PATH, opt=doors.staff("prices.edit", promotion_id=doors.SHARED, code=doors.SHARED))
async def open_batch(
    write: Write,
    staff: Staff,
    trade: Trade,
    settings: Settings,
    request: Request[Any, Any, Any],
    data: NewBatchInput,
) -> Answer[Opened]:
    """Let coupons of a promotion be had."""
    problems = _problems(data)
    if problems:
        raise BadInput(problems=problems)
    code = data.code if data.way == "code" else coupons.new_code() if data.way == "touchpoint" else None
    new = coupons.NewBatch(
        batch_id=new_id(),
        promotion_id=data.promotion_id,
        way=data.way,
        from_at=data.from_at,
        until_at=data.until_at,
        code=code,
        touchpoint=data.touchpoint.strip() if data.touchpoint else None,
        issued_max=data.issued_max,
        member_max=data.member_max,
        valid_days=data.valid_days,
        returned=data.returned,
        grace_days=data.grace_days,
    )

    async def work(tx: Tx) -> Opened:
        await coupons.open_batch(tx, new, secret=trade.secret, reason=data.reason.strip(), actor=staff.actor)
        url = f"{site.front_of(request, settings)}/coupons/{code}" if data.way == "touchpoint" else None
        picture = segno.make(url, error="m").svg_inline(scale=8, border=4) if url else None
        return Opened(batch=await _one(tx, new.batch_id), url=url, picture=picture)

    return await write.run(work, status=201)


@post(f"{PATH}/{{batch_id:uuid}}/codes", opt=doors.staff("prices.edit", batch_id=doors.SHARED))
async def print_codes(write: Write, staff: Staff, trade: Trade, batch_id: UUID, data: PrintInput) -> Answer[Printed]:
    """Make codes to print, each good for one coupon."""

    async def work(tx: Tx) -> Printed:
        made = await coupons.print_codes(
            tx, batch_id, count=data.count, secret=trade.secret, reason=data.reason.strip(), actor=staff.actor
        )
        return Printed([f"{code[:4]}-{code[4:8]}-{code[8:]}" for code in made])

    return await write.run(work, status=201)


@post(
    f"{PATH}/{{batch_id:uuid}}/gifts", opt=doors.staff("prices.edit", batch_id=doors.SHARED, phones=doors.SHARED)
)  # fmt: skip
async def give_coupons(write: Write, staff: Staff, batch_id: UUID, data: GiftInput) -> Answer[Given]:
    """Give members a coupon each. A phone that is no member's is passed over.

    Members meant by what they bought are those who agreed to marketing; the others are counted as `without_consent`.
    """
    if sum(one is not None for one in (data.phones, data.ordered_within_days, data.not_ordered_for_days)) != 1:
        raise BadInput(
            problems=[{"field": "phones", "zh": "请选择一种发放对象。", "en": "Choose one kind of members."}]
        )

    async def work(tx: Tx) -> Given:
        members, without = await _meant(tx, data)
        given = await coupons.give(
            tx, batch_id, member_ids=members, reason=data.reason.strip(), actor=staff.actor
        )  # fmt: skip
        return Given(len(members), given, without)

    return await write.run(work, status=201)


@post(f"{PATH}/{{batch_id:uuid}}/end", opt=doors.staff("prices.edit", batch_id=doors.SHARED), status_code=200)
async def end_batch(write: Write, staff: Staff, batch_id: UUID, data: Why) -> Answer[BatchRow]:
    """No more of these coupons; those that members have stay good."""

    async def work(tx: Tx) -> BatchRow:
        await coupons.end_batch(tx, batch_id, reason=data.reason.strip(), actor=staff.actor)
        return await _one(tx, batch_id)

    return await write.run(work)


@post(f"{PATH}/{{batch_id:uuid}}/void", opt=doors.staff("prices.edit", batch_id=doors.SHARED), status_code=200)
async def void_batch(write: Write, staff: Staff, batch_id: UUID, data: Why) -> Answer[BatchRow]:
    """Make the coupons of a batch void that no order has."""

    async def work(tx: Tx) -> BatchRow:
        await coupons.end_batch(tx, batch_id, reason=data.reason.strip(), actor=staff.actor)
        await coupons.void(tx, batch_id, reason=data.reason.strip(), actor=staff.actor)
        return await _one(tx, batch_id)

    return await write.run(work)


def _problems(data: NewBatchInput) -> list[dict[str, str]]:
    found = []
    if (data.way == "code") != (data.code is not None):
        found.append({"field": "code", "zh": "口令发券要填券码,其他方式不填。", "en": "A code, for this way only."})
    if (data.way == "touchpoint") != (data.touchpoint is not None):
        found.append(
            {"field": "touchpoint", "zh": "扫码领券要填放在哪里。", "en": "Say where the QR is, for this way only."}
        )
    if data.until_at is not None and data.until_at <= max(data.from_at, clock.now()):
        found.append(
            {"field": "until_at", "zh": "结束时间要晚于开始和现在。", "en": "After the beginning, and after now."}
        )
    return found


_BY_ORDERS = """
FROM members m
WHERE m.kind = 'member' AND m.merged_into IS NULL AND duo_consents(m.member_id, 'marketing') = $3
  AND EXISTS (SELECT FROM orders o WHERE o.member_id = ANY (duo_person(m.member_id)) AND o.placed_at > $1
                    AND o.state IN ('confirmed', 'completed')) = $2
"""


async def _meant(tx: Tx, data: GiftInput) -> tuple[Sequence[UUID], int]:
    """The members that are meant, and how many are passed over because they did not agree to marketing. Refuses more
    than can be given at once."""
    without = 0
    if data.phones is not None:
        numbers = [phones.normalise(phone) for phone in data.phones]
        rows = await tx.fetch(
            "SELECT DISTINCT duo_now(member_id) AS member_id FROM phone_index WHERE phone = ANY ($1)", numbers
        )
    else:
        days = data.ordered_within_days or data.not_ordered_for_days or 0
        asked = clock.now() - timedelta(days=days), data.ordered_within_days is not None
        rows = await tx.fetch(f"SELECT m.member_id {_BY_ORDERS} LIMIT $4", *asked, True, GIFTS_MAX + 1)
        without = await tx.fetchval(f"SELECT count(*)::integer {_BY_ORDERS}", *asked, False)
        if without:
            consents.count_refused("marketing", door="console.coupons", times=without)
    if len(rows) > GIFTS_MAX:
        problem = {"field": "phones", "zh": "一次最多发 1 万人。", "en": "At most 10,000 members at once."}
        raise BadInput(problems=[problem])
    return [row["member_id"] for row in rows], without


async def _one(db: Database | Tx, batch_id: UUID) -> BatchRow:
    rows = await db.fetch(_ROWS, clock.now(), None, "all", "", None, batch_id, 1)
    if not rows:
        raise NotFound(kind="coupon_batch")
    return _row(rows[0])


def _row(row: asyncpg.Record | Any) -> BatchRow:
    return BatchRow(
        batch_id=row["batch_id"],
        promotion_id=row["promotion_id"],
        name=Text(row["name_zh"], row["name_en"]).filled,
        way=row["way"],
        code_tail=row["code_tail"],
        touchpoint=row["touchpoint"],
        state=row["state"],
        from_at=row["from_at"],
        until_at=row["until_at"],
        valid_days=row["valid_days"],
        issued=row["issued"],
        issued_max=row["issued_max"],
        member_max=row["member_max"],
        returned=row["returned"],
        grace_days=row["grace_days"],
        used=row["used"],
        back=row["back"],
        void=row["void"],
        taken=Money(row["taken"], "CNY"),
        opened_by=row["opened_by"],
    )


ROUTES = [list_batches, show_batch, open_batch, print_codes, give_coupons, end_batch, void_batch]
