"""Past orders played again under other terms of sourcing: asked for, watched, compared."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from litestar import get, post

from duoline.channels.http import cursors, doors
from duoline.channels.http.answers import Answer, Cursor, Input, Limit, Page
from duoline.channels.http.sessions import Staff
from duoline.channels.http.writes import Write
from duoline.flows import replay
from duoline.fulfilment import replay_book
from duoline.fulfilment.replay import Outcome
from duoline.kernel.db import Database, Tx
from duoline.kernel.money import Money
from duoline.kernel.text import Text
from duoline.stores.directory import Chain

CURRENCY = "CNY"  # what policies count their costs in

Instant = Annotated[datetime, msgspec.Meta(tz=True)]
Version = Annotated[int, msgspec.Meta(ge=0, le=1_000_000)]


class Draft(Input, frozen=True):
    """Terms that nobody has decided yet; what is not named is as installed."""

    body: dict[str, Any]


class ReplayInput(Input, frozen=True, kw_only=True):
    """A period, and what to compare with the terms in force: numbers of versions, and a draft."""

    since: Instant
    until: Instant
    versions: Annotated[list[Version], msgspec.Meta(max_length=replay_book.OTHERS_MAX)] = msgspec.field(
        default_factory=list
    )
    draft: Draft | None = None


class ReplayShop(msgspec.Struct, frozen=True, kw_only=True):
    """What one location would have had to do. An hour is over when more work was open than it picks in an hour."""

    store_code: str
    name: Text
    kind: str
    units: int
    parcels: int
    peak: int
    capacity: int
    busy_hours: int
    over_hours: int


class ReplayOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """What terms would have done. `cost` is by the terms in force, `own_cost` by their own; `late` are among `paid`."""

    orders: int
    served: int
    paid: int
    late: int
    units: int
    units_served: int
    parcels: int
    cost: Money
    own_cost: Money
    fees: Money
    lost_units: int
    lost: Money
    busy_hours: int
    over_hours: int
    shops: list[ReplayShop]


class ReplayTerms(msgspec.Struct, frozen=True, kw_only=True):
    """Terms that were tried, and what came of them. A draft has no version."""

    name: Literal["in_force", "version", "draft"]
    version: int | None
    body: dict[str, Any]
    outcome: ReplayOutcome | None


class ReplayFacts(msgspec.Struct, frozen=True, kw_only=True):
    """A replay and how far it is. `problem` says why it could not be played."""

    id: UUID
    state: Literal["queued", "running", "done", "failed", "cancelled"]
    since: datetime
    until: datetime
    terms: int
    orders_total: int | None
    orders_done: int
    by: str
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    problem: str | None


class ReplayCase(ReplayFacts, frozen=True, kw_only=True):
    """One replay with what came of it, the terms in force first. `cut_at`: later orders were too many to play."""

    contenders: list[ReplayTerms]
    cut_at: datetime | None


@post("/api/console/replays", opt=doors.staff("policies.edit"))
async def start_replay(write: Write, staff: Staff, chain: Chain, data: ReplayInput) -> Answer[ReplayCase]:
    """Play past orders again. It runs in the background; look at it again to see how far it is."""
    others: list[int | dict[str, Any]] = [*data.versions, *([data.draft.body] if data.draft else [])]

    async def work(tx: Tx) -> ReplayCase:
        asked = await replay.ask(tx, since_at=data.since, until_at=data.until, others=others, actor=staff.actor)
        return _case(asked, chain, write.language)

    return await write.run(work, status=202)


@get("/api/console/replays", opt=doors.staff("policies.edit"))
async def list_replays(db: Database, language: str, limit: Limit = 20, cursor: Cursor = None) -> Page[ReplayFacts]:
    """Replays, the latest first."""
    before = None
    if cursor:
        at, replay_id = cursors.unpack(cursor, datetime, UUID)
        before = at, replay_id
    found = await replay_book.latest(db, before=before, limit=limit + 1)
    following = cursors.pack(found[limit - 1].created_at, found[limit - 1].id) if len(found) > limit else None
    return Page([ReplayFacts(**_facts(one, language)) for one in found[:limit]], next=following)


@get("/api/console/replays/{replay_id:uuid}", opt=doors.staff("policies.edit", replay_id=doors.SHARED))
async def show_replay(db: Database, chain: Chain, language: str, replay_id: UUID) -> ReplayCase:
    """One replay: how far it is, and what came of it."""
    return _case(await replay_book.get(db, replay_id), chain, language)


@post(
    "/api/console/replays/{replay_id:uuid}/cancellation",
    opt=doors.staff("policies.edit", replay_id=doors.SHARED),
    status_code=200,
)
async def cancel_replay(write: Write, chain: Chain, replay_id: UUID) -> Answer[ReplayCase]:
    """Stop one that waits or runs; nothing is kept of it but that it was asked for."""

    async def work(tx: Tx) -> ReplayCase:
        return _case(await replay_book.cancel(tx, replay_id), chain, write.language)

    return await write.run(work)


def _facts(found: replay_book.Replay, language: str) -> dict[str, Any]:
    return {
        "id": found.id,
        "state": found.state,
        "since": found.since_at,
        "until": found.until_at,
        "terms": len(found.contenders),
        "orders_total": found.orders_total,
        "orders_done": found.orders_done,
        "by": found.actor.name,
        "created_at": found.created_at,
        "started_at": found.started_at,
        "finished_at": found.finished_at,
        "problem": found.problem[language] if found.problem else None,
    }


def _case(found: replay_book.Replay, chain: Chain, language: str) -> ReplayCase:
    result = found.result
    outcomes = [None] * len(found.contenders) if result is None else result.outcomes
    return ReplayCase(
        **_facts(found, language),
        contenders=[
            ReplayTerms(
                name=one.name,  # type: ignore[arg-type]  # what `replay_book` writes
                version=one.version,
                body=one.body,
                outcome=None if outcome is None else _outcome(outcome, chain),
            )
            for one, outcome in zip(found.contenders, outcomes, strict=True)
        ],
        cut_at=result.until_at if result is not None and result.cut else None,
    )


def _outcome(found: Outcome, chain: Chain) -> ReplayOutcome:
    return ReplayOutcome(
        orders=found.orders,
        served=found.served,
        paid=found.paid,
        late=found.late,
        units=found.units,
        units_served=found.units_served,
        parcels=found.parcels,
        cost=Money(found.cost_minor, CURRENCY),
        own_cost=Money(found.own_cost_minor, CURRENCY),
        fees=Money(found.fees_minor, CURRENCY),
        lost_units=found.lost_units,
        lost=Money(found.lost_minor, CURRENCY),
        busy_hours=sum(shop.busy_hours for shop in found.shops),
        over_hours=sum(shop.over_hours for shop in found.shops),
        shops=[
            ReplayShop(
                store_code=store.code,
                name=store.name,
                kind=store.kind,
                units=shop.units,
                parcels=shop.parcels,
                peak=shop.peak,
                capacity=store.pick_capacity_hour,
                busy_hours=shop.busy_hours,
                over_hours=shop.over_hours,
            )
            for shop in found.shops
            if (store := chain.stores.get(shop.location_id)) is not None
        ],
    )


ROUTES = [start_replay, list_replays, show_replay, cancel_replay]
