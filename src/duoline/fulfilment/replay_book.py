"""The book of replays: rows of `sourcing_replays`, from the wish to the result."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NoReturn
from uuid import UUID

import msgspec

from duoline.fulfilment.errors import NoSuchReplay, ReplayEnded
from duoline.fulfilment.policy import SOURCING
from duoline.fulfilment.replay import Outcome
from duoline.kernel import clock, policies
from duoline.kernel.auth import Actor
from duoline.kernel.errors import BadInput
from duoline.kernel.ids import new_id

if TYPE_CHECKING:
    from collections.abc import Sequence

    from duoline.fulfilment.policy import SourcingPolicy
    from duoline.kernel.db import Database, Tx

OTHERS_MAX = 2
DAYS_MAX = 92
RUNNING = ("queued", "running")


class Contender(msgspec.Struct, frozen=True):
    """Terms to try: a version as it was decided, or a draft, which has none. `body` is a `SourcingPolicy` as values,
    so that a replay can still be shown when policies have got another shape."""

    name: str  # in_force | version | draft
    version: int | None
    body: dict[str, Any]


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it: an outcome for each contender. `until_at` is earlier than asked where there were too many orders
    (`cut`)."""

    outcomes: list[Outcome]
    until_at: datetime
    cut: bool


class Replay(msgspec.Struct, frozen=True, kw_only=True):
    """A replay as stored."""

    id: UUID
    since_at: datetime
    until_at: datetime
    contenders: list[Contender]
    state: str
    orders_total: int | None
    orders_done: int
    result: Result | None
    problem: dict[str, str] | None
    actor: Actor
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


COLUMNS = (
    "id, since_at, until_at, contenders, state, orders_total, orders_done, result, problem, actor_kind, actor_id,"
    " actor_name, created_at, started_at, finished_at"
)

WITHOUT_RESULT = COLUMNS.replace(" result,", " NULL::jsonb AS result,")


def of_row(row: Any) -> Replay:
    """From a row of `COLUMNS`."""
    values = dict(row)
    values["contenders"] = msgspec.convert(values["contenders"], list[Contender])
    if values["result"] is not None:
        values["result"] = msgspec.convert(values["result"], Result)
    actor = Actor(values.pop("actor_kind"), values.pop("actor_id"), values.pop("actor_name"))
    return Replay(**values, actor=actor)


async def ask(
    tx: Tx, *, since_at: datetime, until_at: datetime, others: Sequence[int | dict[str, Any]], actor: Actor
) -> Replay:
    """Write down a replay of the period `since_at` ≤ t < `until_at`. The terms in force are always tried, and first.

    `others` are versions, or the values of drafts, at most `OTHERS_MAX`. Refuses `BadInput` for a period that is empty,
    too long or not over, for a version that there is not, and for values that do not fit.
    """
    _check_period(since_at, until_at)
    current = SOURCING.current()
    contenders = [_named("in_force", current.version, current.body)]
    if len(others) > OTHERS_MAX:
        _refuse("others", f"一次最多再比较 {OTHERS_MAX} 套规则。", f"Compare with {OTHERS_MAX} others at most.")
    contenders += [_contender(other) for other in others]
    row = await tx.fetchrow(
        f"""INSERT INTO sourcing_replays (id, since_at, until_at, contenders, actor_kind, actor_id, actor_name,
                                          created_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING {COLUMNS}""",  # noqa: S608 - our own columns
        new_id(),
        since_at,
        until_at,
        contenders,
        actor.kind,
        actor.id,
        actor.name,
        clock.now(),
    )
    return of_row(row)


def _contender(other: int | dict[str, Any]) -> Contender:
    if isinstance(other, dict):
        return _named("draft", None, policies.fit(SOURCING.kind, other))
    found = next((each for each in policies.versions(SOURCING.kind) if each.version == other), None)
    if found is None:
        _refuse("others", f"没有第 {other} 版规则。", f"There is no version {other}.")
    return _named("version", found.version, found.body)


def _named(name: str, version: int | None, body: SourcingPolicy) -> Contender:
    return Contender(name, version, msgspec.to_builtins(body))


def _check_period(since_at: datetime, until_at: datetime) -> None:
    if since_at >= until_at:
        _refuse("until_at", "结束时间要晚于开始时间。", "The end comes after the beginning.")
    if until_at > clock.now():
        _refuse("until_at", "只能回放已经过去的时段。", "Only what is past can be played again.")
    if until_at - since_at > timedelta(days=DAYS_MAX):
        _refuse("since_at", f"一次最多回放 {DAYS_MAX} 天。", f"At most {DAYS_MAX} days at a time.")


def _refuse(field: str, zh: str, en: str) -> NoReturn:
    raise BadInput(problems=[{"field": field, "zh": zh, "en": en}])


async def get(db: Database | Tx, replay_id: UUID) -> Replay:
    """One replay. Refuses with `NoSuchReplay`."""
    row = await db.fetchrow(f"SELECT {COLUMNS} FROM sourcing_replays WHERE id = $1", replay_id)  # noqa: S608
    if row is None:
        raise NoSuchReplay
    return of_row(row)


async def latest(db: Database, *, before: tuple[datetime, UUID] | None, limit: int) -> list[Replay]:
    """Replays without their results, the latest first, from before a place in that list."""
    before_at, before_id = before or (None, None)
    rows = await db.fetch(
        f"""SELECT {WITHOUT_RESULT} FROM sourcing_replays
            WHERE $1::timestamptz IS NULL OR (created_at, id) < ($1, $2::uuid)
            ORDER BY created_at DESC, id DESC LIMIT $3""",  # noqa: S608 - our own columns
        before_at,
        before_id,
        limit,
    )
    return [of_row(row) for row in rows]


async def begin(db: Database, replay_id: UUID) -> bool:
    """It is played now, or anew after its worker died. False when it has ended: nothing is left to do."""
    return await _changed(
        db,
        """UPDATE sourcing_replays SET state = 'running', started_at = $2, orders_total = NULL, orders_done = 0
           WHERE id = $1 AND state IN ('queued', 'running')""",
        replay_id,
        clock.now(),
    )


async def note(db: Database, replay_id: UUID, *, done: int, total: int) -> bool:
    """How far it is. False when it was cancelled meanwhile."""
    return await _changed(
        db,
        "UPDATE sourcing_replays SET orders_done = $2, orders_total = $3 WHERE id = $1 AND state = 'running'",
        replay_id,
        done,
        total,
    )


async def end(db: Database, replay_id: UUID, result: Result, *, orders: int) -> bool:
    """It has been played. False when it was cancelled meanwhile: the result is dropped."""
    return await _changed(
        db,
        """UPDATE sourcing_replays SET state = 'done', finished_at = $2, result = $3, orders_done = $4,
                  orders_total = $4
           WHERE id = $1 AND state = 'running'""",
        replay_id,
        clock.now(),
        result,
        orders,
    )


async def fail(db: Database, replay_id: UUID, *, zh: str, en: str) -> None:
    """It could not be played."""
    await db.execute(
        """UPDATE sourcing_replays SET state = 'failed', finished_at = $2, problem = $3
           WHERE id = $1 AND state IN ('queued', 'running')""",
        replay_id,
        clock.now(),
        {"zh": zh, "en": en},
    )


async def cancel(tx: Tx, replay_id: UUID) -> Replay:
    """Stop one that waits or runs; its worker notices within a second. Refuses `NoSuchReplay`, `ReplayEnded`."""
    row = await tx.fetchrow(
        f"""UPDATE sourcing_replays SET state = 'cancelled', finished_at = $2
            WHERE id = $1 AND state IN ('queued', 'running') RETURNING {COLUMNS}""",  # noqa: S608 - our own columns
        replay_id,
        clock.now(),
    )
    if row is None:
        await get(tx, replay_id)
        raise ReplayEnded
    return of_row(row)


async def _changed(db: Database, sql: str, *values: Any) -> bool:
    return await db.execute(sql, *values) == "UPDATE 1"
