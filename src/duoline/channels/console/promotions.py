"""Promotions: listed, looked at with all their versions, added, changed, ended."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any, Literal
from uuid import UUID

import msgspec
from litestar import get, post, put
from litestar.params import Parameter, QueryParameter

from duoline.channels.console.promotion_codes import Written, decoded, encoded, state_of
from duoline.channels.console.promotion_shapes import (
    Kind,
    NewPromotion,
    PromotionBar,
    PromotionCase,
    PromotionChange,
    PromotionEnd,
    PromotionRow,
)
from duoline.channels.http import cursors, doors
from duoline.channels.http.answers import Answer, Cursor, Limit, Page
from duoline.channels.http.sessions import Staff
from duoline.channels.http.writes import Write
from duoline.kernel import clock
from duoline.kernel.db import Database, Tx
from duoline.kernel.errors import BadInput, NotFound
from duoline.kernel.ids import new_id
from duoline.kernel.text import Text, plain
from duoline.pricing.promotions import book, save
from duoline.pricing.promotions.types import Promotion
from duoline.stores.directory import Chain

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

PATH = "/api/console/promotions"
CALENDAR_MAX = timedelta(days=400)
BARS_MAX = 500
"""More than anybody can read on one calendar."""

READ = doors.staff("prices.read")
READ_ONE = doors.staff("prices.read", promotion_id=doors.SHARED)
ADD = doors.staff("prices.edit", stores=doors.SHARED)
CHANGE = doors.staff("prices.edit", promotion_id=doors.SHARED, stores=doors.SHARED)
END = doors.staff("prices.edit", promotion_id=doors.SHARED)

# $1 now, $2 state, $3 kind, $4 words.
_WHERE = """
FROM promotions p
WHERE NOT EXISTS (SELECT FROM promotions n WHERE n.id = p.id AND n.version > p.version)
  AND CASE $2 WHEN 'live' THEN p.from_at <= $1::timestamptz AND (p.until_at IS NULL OR p.until_at > $1)
              WHEN 'coming' THEN p.from_at > $1 AND (p.until_at IS NULL OR p.until_at > $1)
              WHEN 'over' THEN p.until_at <= $1 ELSE true END
  AND ($3 = 'all' OR p.kind = $3)
  AND ($4 = '' OR p.name_zh ILIKE '%' || $4 || '%' OR p.name_en ILIKE '%' || $4 || '%')
"""
_COLUMNS = """p.id, p.body, p.reason, p.created_at, p.from_at, p.until_at, p.name_zh, p.name_en, p.kind,
       (SELECT a.name FROM staff a WHERE a.id = p.actor_id) AS by"""
_ROWS = f"""
SELECT {_COLUMNS}
{_WHERE}  AND ($5::timestamptz IS NULL OR (p.from_at, p.id) < ($5, $6::uuid))
ORDER BY p.from_at DESC, p.id DESC LIMIT $7
"""
_TOTAL = f"SELECT count(*) {_WHERE}"
_VERSIONS = f"SELECT {_COLUMNS} FROM promotions p WHERE p.id = $1 ORDER BY p.version DESC"  # noqa: S608 - the same
_BARS = f"""
SELECT {_COLUMNS} FROM promotions p
WHERE NOT EXISTS (SELECT FROM promotions n WHERE n.id = p.id AND n.version > p.version)
  AND p.from_at < $2 AND (p.until_at IS NULL OR (p.until_at > $1 AND p.until_at > p.from_at))
ORDER BY p.from_at, p.id LIMIT $3
"""  # noqa: S608 - the same


@get(PATH, opt=READ)
async def list_promotions(
    db: Database,
    chain: Chain,
    q: Annotated[str, Parameter(max_length=60, description="A part of the name.")] = "",
    which: Annotated[Literal["live", "coming", "over", "all"], Parameter(description="When it holds.")] = "all",
    kind: Annotated[Kind | Literal["all"], Parameter(description="What it does.")] = "all",
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[PromotionRow]:
    """Promotions as they hold, those that begin last first."""
    before = cursors.unpack(cursor, datetime, UUID) if cursor else (None, None)
    asked = clock.now(), which, kind, plain(q)
    rows = await db.fetch_filtered(_ROWS, *asked, *before, limit + 1)
    shown = await encoded(db, chain, [_written(row) for row in rows[:limit]])
    return Page(
        shown,
        cursors.pack(shown[-1].from_at, shown[-1].id) if len(rows) > limit else None,
        await db.fetchval(_TOTAL, *asked),
    )


@get(f"{PATH}/calendar", opt=READ)
async def show_calendar(
    db: Database,
    from_: Annotated[datetime, QueryParameter(name="from", description="The beginning of the calendar.")],
    until: Annotated[datetime, Parameter(description="Its end.")],
) -> Page[PromotionBar]:
    """What holds at some time of a period, by beginning: the bars of a calendar."""
    if from_.tzinfo is None or until.tzinfo is None or not timedelta(0) < until - from_ <= CALENDAR_MAX:
        problem = {"field": "until", "zh": "结束要晚于开始,最多 400 天。", "en": "After `from`, by 400 days at most."}
        raise BadInput(problems=[problem])
    rows = await db.fetch(_BARS, from_, until, BARS_MAX)
    return Page(
        [
            PromotionBar(
                id=row["id"],
                name=Text(row["name_zh"], row["name_en"]),
                kind=row["kind"],
                state=state_of(row["from_at"], row["until_at"]),
                from_at=row["from_at"],
                until_at=row["until_at"],
            )
            for row in rows
        ]
    )


@get(f"{PATH}/{{promotion_id:uuid}}", opt=READ_ONE)
async def show_promotion(db: Database, chain: Chain, promotion_id: UUID) -> PromotionCase:
    """One promotion with all its versions."""
    return await _case(db, chain, promotion_id)


@post(PATH, opt=ADD)
async def add_promotion(
    write: Write, db: Database, staff: Staff, chain: Chain, data: NewPromotion
) -> Answer[PromotionCase]:
    """Add a promotion, from an instant on."""

    async def work(tx: Tx) -> PromotionCase:
        promotion = await decoded(tx, chain, data.promotion, promotion_id=new_id(), version=1)
        await save.add(tx, promotion, reason=data.reason.strip(), actor=staff.actor)
        return await _case(tx, chain, promotion.id)

    return await write.run(work, status=201, after=_refreshed(db))


@put(f"{PATH}/{{promotion_id:uuid}}", opt=CHANGE)
async def change_promotion(
    write: Write, db: Database, staff: Staff, chain: Chain, promotion_id: UUID, data: PromotionChange
) -> Answer[PromotionCase]:
    """Say what a promotion is from now on; refused when somebody else has changed it since `version` was read."""

    async def work(tx: Tx) -> PromotionCase:
        promotion = await decoded(tx, chain, data.promotion, promotion_id=promotion_id, version=data.version)
        await save.change(tx, promotion, reason=data.reason.strip(), actor=staff.actor)
        return await _case(tx, chain, promotion_id)

    return await write.run(work, after=_refreshed(db))


@post(f"{PATH}/{{promotion_id:uuid}}/end", opt=END, status_code=200)
async def end_promotion(
    write: Write, db: Database, staff: Staff, chain: Chain, promotion_id: UUID, data: PromotionEnd
) -> Answer[PromotionCase]:
    """End a promotion now. What was charged stays on its orders."""

    async def work(tx: Tx) -> PromotionCase:
        await save.end(tx, promotion_id, version=data.version, reason=data.reason.strip(), actor=staff.actor)
        return await _case(tx, chain, promotion_id)

    return await write.run(work, after=_refreshed(db))


def _refreshed(db: Database) -> Callable[[], Awaitable[object]]:
    """This process prices by it at once; the others as soon as they hear of it."""
    return lambda: book.refresh(db)


async def _case(db: Database | Tx, chain: Chain, promotion_id: UUID) -> PromotionCase:
    rows = await db.fetch(_VERSIONS, promotion_id)
    if not rows:
        raise NotFound(kind="promotion")
    versions = await encoded(db, chain, [_written(row) for row in rows])
    return PromotionCase(versions[0], versions)


def _written(row: Any) -> Written:
    return Written(msgspec.convert(row["body"], Promotion), row["by"], row["reason"], row["created_at"])


ROUTES = [list_promotions, show_calendar, show_promotion, add_promotion, change_promotion, end_promotion]
