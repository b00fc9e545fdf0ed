"""Count what is there: open a count, scan, submit, approve or send back.

A difference is counted − book at the moment the units were counted, and is added to what is on hand when it is
approved: what was sold or came in between stays as it was. What is held cannot be written off; it becomes a shortage.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple
from uuid import UUID

import msgspec

from duoline.inventory.errors import BadQuantity, CountIncomplete, NothingToCount, OwnCount
from duoline.inventory.locks import lock_levels
from duoline.inventory.rules import LOSS, QUANTITY_MAX
from duoline.inventory.states import COUNTS, CountState
from duoline.kernel import audit, clock, faults, jobs, outbox
from duoline.kernel.errors import NotFound, ensure
from duoline.kernel.ids import new_id

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from duoline.kernel.auth import Actor
    from duoline.kernel.db import Tx

SHORTAGE_JOB = "stock.shortage"

faults.register("count.before_commit")

CountKind = Literal["cycle", "full"]


class ShortageDue(msgspec.Struct):
    """A shortage to work on."""

    location_id: UUID
    shortage_id: UUID


class Count(NamedTuple):
    """A count as stored, locked."""

    location_id: UUID
    id: UUID
    kind: str
    state: str
    submitted_by: UUID | None


class Scanned(NamedTuple):
    """Units of an article as somebody counted them: `delta` more (or fewer), or `counted` in all; one of the two.

    `id` is the phone's own, so that a repeat counts nothing. `at` is when it was scanned, no later than now.
    """

    id: UUID
    sku_id: UUID
    delta: int | None
    counted: int | None
    at: datetime


class Booked(NamedTuple):
    """What approval made of one line: `variance` = `applied` − `short`; on hand before, and the task when short."""

    sku_id: UUID
    variance: int
    applied: int
    short: int
    before: int | None
    shortage_id: UUID | None


async def open_count(
    tx: Tx,
    *,
    location_id: UUID,
    count_id: UUID,
    kind: CountKind,
    blind: bool,
    title: str,
    shelf: str | None,
    sku_ids: Sequence[UUID],
    actor: Actor,
) -> None:
    """Begin a count: of everything on hand ("full"), of a shelf or of chosen SKUs ("cycle").

    More articles may be scanned later. Refuses `inventory.nothing-to-count` for a cycle count without articles.
    """
    now = clock.now()
    await tx.execute(
        """INSERT INTO counts (location_id, id, kind, blind, title, shelf, opened_at, opened_by, opened_name)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)""",
        location_id, count_id, kind, blind, title, shelf, now, actor.id, actor.name,
    )  # fmt: skip
    if kind == "full":
        await tx.execute(
            """INSERT INTO count_lines (location_id, count_id, sku_id)
               SELECT location_id, $2, sku_id FROM levels WHERE location_id = $1 AND on_hand > 0""",
            location_id, count_id,
        )  # fmt: skip
    else:
        made = await tx.execute(
            """INSERT INTO count_lines (location_id, count_id, sku_id)
               SELECT $1::uuid, $2::uuid, sku_id FROM levels WHERE location_id = $1 AND shelf = $3
               UNION SELECT $1::uuid, $2::uuid, unnest($4::uuid[])""",
            location_id, count_id, shelf, list(sku_ids),
        )  # fmt: skip
        if made == "INSERT 0 0":
            raise NothingToCount
    await _trace(tx, location_id, count_id, "stock.count-open", actor, after={"kind": kind, "shelf": shelf})


async def lock_count(tx: Tx, location_id: UUID, count_id: UUID) -> Count:
    """A count, locked before the levels of its articles. Refuses with `NotFound`."""
    row = await tx.fetchrow(
        "SELECT location_id, id, kind, state, submitted_by FROM counts WHERE location_id = $1 AND id = $2 FOR UPDATE",
        location_id, count_id,
    )  # fmt: skip
    if row is None:
        raise NotFound
    return Count(*row)


async def scan(tx: Tx, *, location_id: UUID, count_id: UUID, scans: Sequence[Scanned], actor: Actor) -> None:
    """Count units, each scan once whatever is repeated. Locks the count, then the levels.

    The book is read as it was at the time of the scan. Taking units back (`delta` below zero) corrects a slip and
    keeps the book of the scan before. Refuses `kernel.wrong-state`, then `inventory.bad-quantity`.
    """
    count = await lock_count(tx, location_id, count_id)
    if count.state != CountState.OPEN.value:
        COUNTS.check(CountState(count.state), CountState.SUBMITTED)
    for one in scans:
        ensure((one.delta is None) != (one.counted is None), "CNT-1", "a scan says how many more or how many in all")
        if abs(one.delta or one.counted or 0) > QUANTITY_MAX or (one.counted or 0) < 0:
            raise BadQuantity(maximum=QUANTITY_MAX)
    # Under the level's lock no correction is on its way that would carry an earlier time than the scan it follows.
    await lock_levels(tx, [(location_id, one.sku_id) for one in scans])
    now = clock.now()
    for one in scans:
        await _count(tx, count, one, min(one.at, now), actor)


async def _count(tx: Tx, count: Count, one: Scanned, at: datetime, actor: Actor) -> None:
    key = (count.location_id, count.id, one.sku_id)
    await tx.execute(
        "INSERT INTO count_lines (location_id, count_id, sku_id) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING", *key
    )
    new = await tx.fetchval(
        """INSERT INTO count_scans (location_id, count_id, sku_id, id, delta, counted, at, actor)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING RETURNING true""",
        *key, one.id, one.delta, one.counted, at, actor.label,
    )  # fmt: skip
    if not new:
        return
    if one.delta is not None and one.delta < 0:
        kept = await tx.execute(
            """UPDATE count_lines SET counted = greatest(counted + $4, 0)
               WHERE location_id = $1 AND count_id = $2 AND sku_id = $3 AND counted IS NOT NULL""",
            *key, one.delta,
        )  # fmt: skip
        if kept == "UPDATE 1":
            return
    done = await tx.execute(
        """WITH book AS (
               SELECT greatest(coalesce((SELECT on_hand FROM levels WHERE location_id = $1 AND sku_id = $3), 0)
                               - coalesce((SELECT sum(quantity) FROM movements
                                           WHERE location_id = $1 AND sku_id = $3 AND at > $6), 0), 0)::int AS units)
           UPDATE count_lines c
           SET counted = CASE WHEN $5::integer IS NULL THEN greatest(coalesce(c.counted, 0) + $4, 0) ELSE $5 END,
               moved = $5 IS NULL AND c.counted IS NOT NULL AND (c.moved OR c.book <> b.units),
               book = b.units, first_at = coalesce(c.first_at, $6), last_at = greatest(c.last_at, $6)
           FROM book b WHERE c.location_id = $1 AND c.count_id = $2 AND c.sku_id = $3""",
        *key, one.delta, one.counted, at,
    )  # fmt: skip
    ensure(done == "UPDATE 1", "CNT-1", "what was scanned has its line")


async def submit(
    tx: Tx, *, location_id: UUID, count_id: UUID, rest: Literal["absent", "leave"] | None, actor: Actor
) -> dict[UUID, int]:
    """End counting; returns the differences by SKU, without those that are none. Locks the count, then levels.

    `rest` says of articles on the list that nobody counted that they are not there, or (in a cycle count) that they
    are left for another time. Refuses `kernel.wrong-state`, then `inventory.count-incomplete`, then
    `inventory.nothing-to-count`.
    """
    count = await lock_count(tx, location_id, count_id)
    COUNTS.check(CountState(count.state), CountState.SUBMITTED)
    left = await tx.fetch(
        """SELECT sku_id FROM count_lines WHERE location_id = $1 AND count_id = $2 AND counted IS NULL
           ORDER BY sku_id""",
        location_id, count_id,
    )  # fmt: skip
    if left and (rest is None or (rest == "leave" and count.kind == "full")):
        raise CountIncomplete(uncounted=len(left))
    if left and rest == "absent":
        await lock_levels(tx, [(location_id, row["sku_id"]) for row in left])
        now = clock.now()
        await tx.execute(
            """UPDATE count_lines c SET counted = 0, first_at = $3, last_at = $3, book = coalesce((
                   SELECT on_hand FROM levels l WHERE l.location_id = c.location_id AND l.sku_id = c.sku_id), 0)
               WHERE c.location_id = $1 AND c.count_id = $2 AND c.counted IS NULL""",
            location_id, count_id, now,
        )  # fmt: skip
    lines = await tx.fetch(
        """SELECT sku_id, counted - book AS difference FROM count_lines
           WHERE location_id = $1 AND count_id = $2 AND counted IS NOT NULL""",
        location_id, count_id,
    )  # fmt: skip
    if not lines:
        raise NothingToCount
    await tx.execute(
        """UPDATE counts SET state = 'submitted', submitted_at = $3, submitted_by = $4, submitted_name = $5
           WHERE location_id = $1 AND id = $2""",
        location_id, count_id, clock.now(), actor.id, actor.name,
    )  # fmt: skip
    await _trace(tx, location_id, count_id, "stock.count-submit", actor, after={"lines": len(lines), "rest": rest})
    return {row["sku_id"]: row["difference"] for row in lines if row["difference"]}


async def approve(tx: Tx, *, location_id: UUID, count_id: UUID, note: str, actor: Actor) -> list[Booked]:
    """Correct the book by the differences. Locks the count, then the levels in order.

    Units that are held cannot be written off: they open a shortage with its job in the same transaction. Every
    correction is written to the audit log. Refuses `kernel.wrong-state`, then `inventory.own-count`.
    """
    count = await lock_count(tx, location_id, count_id)
    COUNTS.check(CountState(count.state), CountState.APPROVED)
    if actor.id == count.submitted_by:
        raise OwnCount
    rows = await tx.fetch(
        """SELECT sku_id FROM count_lines WHERE location_id = $1 AND count_id = $2 AND counted IS NOT NULL
           ORDER BY sku_id""",
        location_id, count_id,
    )  # fmt: skip
    skus = [row["sku_id"] for row in rows]
    # A level that is not there yet cannot be locked: make it first, in the order in which they are locked.
    await tx.execute(
        """SELECT duo_open_level($1, c.sku_id) FROM (
               SELECT sku_id FROM count_lines WHERE location_id = $1 AND count_id = $2 AND counted > 0
               ORDER BY sku_id) c""",
        location_id, count_id,
    )  # fmt: skip
    await lock_levels(tx, [(location_id, sku) for sku in skus])
    now = clock.now()
    ids = [(new_id(), new_id()) for _ in skus]
    done = await tx.fetch(
        "SELECT * FROM duo_apply_count($1, $2, $3, $4, $5, $6, $7, $8)",
        location_id, count_id, skus, [one for one, _ in ids], [two for _, two in ids], LOSS, now, actor.label,
    )  # fmt: skip
    booked = [Booked(*row) for row in done]
    ensure(len(booked) == len(skus), "CNT-1", f"{len(booked)} of {len(skus)} lines are booked")
    await tx.execute(
        """UPDATE counts SET state = 'approved', decided_at = $3, decided_by = $4, decided_name = $5, note = $6
           WHERE location_id = $1 AND id = $2""",
        location_id, count_id, now, actor.id, actor.name, note,
    )  # fmt: skip
    await _trace_booked(tx, location_id, count_id, booked, note, actor)
    for one in booked:
        if one.shortage_id is not None:
            await work_on_shortage(tx, location_id, one.shortage_id, one.sku_id)
        if one.applied:
            await _tell(tx, location_id, "stock.changed", str(one.sku_id), {"sku_id": str(one.sku_id)})
    await _tell(tx, location_id, "stock.counted", str(count_id), {"count_id": str(count_id), "state": "approved"})
    faults.point("count.before_commit")
    return booked


async def work_on_shortage(
    tx: Tx, location_id: UUID, shortage_id: UUID, sku_id: UUID, *, run_at: datetime | None = None
) -> None:
    """Ask for a shortage to be worked on after the commit, and tell the shop.

    With a time, once for that minute: whoever waits for the same thing does not add up.
    """
    turn = f"{run_at:%Y%m%d%H%M}" if run_at else str(new_id())
    await jobs.enqueue(
        tx,
        SHORTAGE_JOB,
        ShortageDue(location_id, shortage_id),
        run_at=run_at,
        key=f"{SHORTAGE_JOB}:{shortage_id}:{turn}",
    )
    await _tell(
        tx, location_id, "stock.shortage", str(shortage_id), {"shortage_id": str(shortage_id), "sku_id": str(sku_id)}
    )


async def send_back(tx: Tx, *, location_id: UUID, count_id: UUID, reason: str, actor: Actor) -> None:
    """Reject the differences: the count is open again, with the reason on it. Refuses `kernel.wrong-state`."""
    count = await lock_count(tx, location_id, count_id)
    COUNTS.check(CountState(count.state), CountState.OPEN)
    await tx.execute(
        """UPDATE counts SET state = 'open', submitted_at = NULL, submitted_by = NULL, submitted_name = NULL,
                  decided_at = $3, decided_by = $4, decided_name = $5, note = $6
           WHERE location_id = $1 AND id = $2""",
        location_id, count_id, clock.now(), actor.id, actor.name, reason,
    )  # fmt: skip
    await _trace(tx, location_id, count_id, "stock.count-reject", actor, reason=reason)
    await _tell(tx, location_id, "stock.counted", str(count_id), {"count_id": str(count_id), "state": "open"})


async def cancel_count(tx: Tx, *, location_id: UUID, count_id: UUID, actor: Actor) -> None:
    """Give a count up; nothing is corrected. Refuses `kernel.wrong-state`."""
    count = await lock_count(tx, location_id, count_id)
    COUNTS.check(CountState(count.state), CountState.CANCELLED)
    await tx.execute(
        """UPDATE counts SET state = 'cancelled', decided_at = $3, decided_by = $4, decided_name = $5
           WHERE location_id = $1 AND id = $2""",
        location_id, count_id, clock.now(), actor.id, actor.name,
    )  # fmt: skip
    await _trace(tx, location_id, count_id, "stock.count-cancel", actor)


async def _trace(
    tx: Tx, location_id: UUID, count_id: UUID, action: str, actor: Actor, *, reason: str = "", after: object = None
) -> None:
    await audit.record(
        tx,
        actor=actor,
        action=action,
        subject_kind="count",
        subject=str(count_id),
        store_id=location_id,
        reason=reason,
        after=after,
    )


async def _trace_booked(
    tx: Tx, location_id: UUID, count_id: UUID, booked: Sequence[Booked], note: str, actor: Actor
) -> None:
    """One line for the count, and one for each correction, as of every change of stock made by hand."""
    totals = {
        "lines": len(booked),
        "corrections": sum(one.applied != 0 for one in booked),
        "short": sum(one.short for one in booked),
    }
    await _trace(tx, location_id, count_id, "stock.count-approve", actor, reason=note, after=totals)
    lines = [
        audit.Line(
            actor,
            "stock.count",
            "sku",
            str(one.sku_id),
            reason=note or "count",
            before={"on_hand": one.before},
            after={"on_hand": (one.before or 0) + one.applied, "count_id": str(count_id), "short": one.short},
            store_id=location_id,
        )
        for one in booked
        if one.applied or one.short
    ]
    await audit.record_all(tx, lines)


async def _tell(tx: Tx, location_id: UUID, topic: str, key: str, payload: dict[str, str]) -> None:
    await outbox.emit(
        tx, topic=topic, key=key, payload=payload, family="stock", owner_id=location_id, store_ids=[location_id]
    )
