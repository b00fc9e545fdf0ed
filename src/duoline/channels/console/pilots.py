"""Pilots of the sourcing terms: tried in some regions, compared with others, ended or switched on everywhere."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from datetime import date, datetime, timedelta
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from litestar import get, post

from duoline import fulfilment
from duoline.channels.http import doors
from duoline.channels.http.answers import Answer, Input, Page
from duoline.channels.http.sessions import Staff
from duoline.channels.http.writes import Write
from duoline.fulfilment.pilot import Effect, Sums, effects
from duoline.fulfilment.pilot_report import read_days
from duoline.kernel import clock, policies
from duoline.kernel.db import Database, Tx
from duoline.kernel.errors import BadInput, NotFound
from duoline.kernel.policies import InForce, Pilot
from duoline.kernel.text import Text
from duoline.stores.directory import Chain
from duoline.stores.types import CHAIN_ZONE

BEFORE_MIN, BEFORE_MAX = timedelta(days=14), timedelta(days=28)
"""How long before its beginning a pilot is compared with: as long as it has run, within these."""

Instant = Annotated[datetime, msgspec.Meta(tz=True)]
Code = Annotated[str, msgspec.Meta(min_length=1, max_length=40)]
Codes = Annotated[list[Code], msgspec.Meta(min_length=1, max_length=100)]
Reason = Annotated[str, msgspec.Meta(min_length=1, max_length=200, pattern=r"\S")]
State = Literal["planned", "running", "ended", "replaced"]


class PilotInput(Input, frozen=True, kw_only=True):
    """Terms to try: where, compared with where, until when, and why. A region stands for those below it too."""

    body: dict[str, Any]
    regions: Codes
    controls: Codes
    until: Instant
    reason: Reason


class PilotWhy(Input, frozen=True):
    """The reason for ending it or for switching it on."""

    reason: Reason


class PilotRegion(msgspec.Struct, frozen=True):
    """A region by code and name."""

    code: str
    name: Text


class PilotFacts(msgspec.Struct, frozen=True, kw_only=True):
    """A pilot. `replaced` when a newer version that everybody gets holds in its regions too."""

    version: int
    state: State
    body: dict[str, Any]
    regions: list[PilotRegion]
    controls: list[PilotRegion]
    since: datetime
    until: datetime


class PilotSums(msgspec.Struct, frozen=True):
    """What a group of regions ordered on one day; costs in minor units, at the terms in force elsewhere."""

    orders: int
    cost_minor: int
    parcels: int
    km: int
    rejected: int
    late: int


class PilotDay(msgspec.Struct, frozen=True):
    """A day of both groups."""

    on: date
    pilot: PilotSums
    control: PilotSums


class PilotCase(PilotFacts, frozen=True, kw_only=True):
    """A pilot with what it brought so far. `compared_from` is where the days before its beginning start."""

    compared_from: datetime
    days: list[PilotDay]
    effects: list[Effect]


SEE, EDIT = doors.staff("policies.read", version=doors.SHARED), doors.staff("policies.edit", version=doors.SHARED)
KIND = fulfilment.SOURCING.kind


@post("/api/console/pilots", opt=doors.staff("policies.edit"))
async def start_pilot(write: Write, db: Database, staff: Staff, chain: Chain, data: PilotInput) -> Answer[PilotFacts]:
    """Try terms of sourcing in some regions, from now on; the others go on as before."""
    pilot = Pilot(_regions(chain, "regions", data.regions), _regions(chain, "controls", data.controls), data.until)

    async def work(tx: Tx) -> PilotFacts:
        made = await policies.set_version(
            tx, actor=staff.actor, kind=KIND, body=data.body, reason=data.reason.strip(), pilot=pilot
        )
        return _facts(made, pilot, chain, newest=made.version)

    return await write.run(work, status=201, after=lambda: policies.refresh(db))


@get("/api/console/pilots", opt=doors.staff("policies.read"))
async def list_pilots(chain: Chain) -> Page[PilotFacts]:
    """Every pilot of the sourcing terms, the latest first."""
    newest = _newest_everywhere()
    return Page(
        [_facts(one, one.pilot, chain, newest=newest) for one in policies.versions(KIND) if one.pilot is not None]
    )


@get("/api/console/pilots/{version:int}", opt=SEE)
async def show_pilot(db: Database, chain: Chain, version: int) -> PilotCase:
    """One pilot with its figures before and since, in its regions and in the controls."""
    return await _case(db, chain, version)


@post("/api/console/pilots/{version:int}/end", opt=EDIT, status_code=200)
async def stop_pilot(
    write: Write, db: Database, staff: Staff, chain: Chain, version: int, data: PilotWhy
) -> Answer[PilotFacts]:
    """End a pilot before its time: its regions go back to the terms that hold elsewhere."""
    found, pilot = _one(version)

    async def work(tx: Tx) -> PilotFacts:
        await policies.end_pilot(tx, actor=staff.actor, kind=KIND, version=version, reason=data.reason.strip())
        ended = Pilot(pilot.regions, pilot.controls, clock.now())
        return _facts(found, ended, chain, newest=_newest_everywhere())

    return await write.run(work, after=lambda: policies.refresh(db))


@post("/api/console/pilots/{version:int}/adoption", opt=EDIT, status_code=200)
async def adopt_pilot(
    write: Write, db: Database, staff: Staff, chain: Chain, version: int, data: PilotWhy
) -> Answer[PilotFacts]:
    """Switch a pilot's terms on everywhere, as a version of their own; one that still runs ends."""
    found, pilot = _one(version)

    async def work(tx: Tx) -> PilotFacts:
        until_at = pilot.until_at
        if until_at > clock.now():
            await policies.end_pilot(tx, actor=staff.actor, kind=KIND, version=version, reason=data.reason.strip())
            until_at = clock.now()
        made = await policies.set_version(tx, actor=staff.actor, kind=KIND, body=found.body, reason=data.reason.strip())
        return _facts(found, Pilot(pilot.regions, pilot.controls, until_at), chain, newest=made.version)

    return await write.run(work, after=lambda: policies.refresh(db))


def _regions(chain: Chain, field: str, codes: Collection[str]) -> frozenset[UUID]:
    """The regions of these codes and those below them. Refuses `BadInput` with the codes that are none."""
    unknown = sorted({code for code in codes if code not in chain.region_by_code})
    if unknown:
        names = ", ".join(unknown)
        raise BadInput(problems=[{"field": field, "zh": f"没有区域 {names}。", "en": f"There is no region {names}."}])
    return frozenset(below for code in codes for below in chain.regions_below(chain.region_by_code[code].id))


def _one(version: int) -> tuple[InForce[Any], Pilot]:
    for one in policies.versions(KIND):
        if one.version == version and one.pilot is not None:
            return one, one.pilot
    raise NotFound(kind="pilot")


def _newest_everywhere() -> int:
    return fulfilment.SOURCING.current().version


def _facts(one: InForce[Any], pilot: Pilot, chain: Chain, *, newest: int) -> PilotFacts:
    now = clock.now()
    state: State = "running"
    if pilot.until_at <= now:
        state = "ended"
    elif newest > one.version:
        state = "replaced"
    elif one.active_from > now:
        state = "planned"
    return PilotFacts(
        version=one.version,
        state=state,
        body=msgspec.to_builtins(one.body),
        regions=_named(pilot.regions, chain),
        controls=_named(pilot.controls, chain),
        since=one.active_from,
        until=pilot.until_at,
    )


def _named(regions: frozenset[UUID], chain: Chain) -> list[PilotRegion]:
    """Those that stand for the others: a region whose parent is there too goes without saying."""
    known = [chain.regions[region_id] for region_id in regions if region_id in chain.regions]
    return [
        PilotRegion(region.code, region.name)
        for region in sorted(known, key=lambda region: region.code)
        if region.parent_id not in regions
    ]


async def _case(db: Database, chain: Chain, version: int) -> PilotCase:
    one, pilot = _one(version)
    until_at = min(clock.now(), pilot.until_at)
    since_at = min(one.active_from, until_at)
    from_at = since_at - min(max(until_at - since_at, BEFORE_MIN), BEFORE_MAX)
    days = await read_days(
        db,
        pilot,
        since_at=from_at,
        until_at=until_at,
        terms=fulfilment.SOURCING.current().body,
        warehouses=[store.code for store in chain.stores.values() if store.kind == "dc"],
        zone=CHAIN_ZONE,
    )
    first = clock.trading_day(since_at, CHAIN_ZONE)  # begun in the middle of a day, which is neither before nor since
    before, since = [day for day in days if day.on < first], [day for day in days if day.on > first]
    return PilotCase(
        **msgspec.structs.asdict(_facts(one, pilot, chain, newest=_newest_everywhere())),
        compared_from=from_at,
        days=[PilotDay(day.on, _sums(day.pilot), _sums(day.control)) for day in days],
        effects=await asyncio.to_thread(effects, before, since),  # a third of a second of drawing days
    )


def _sums(sums: Sums) -> PilotSums:
    return PilotSums(*sums)


ROUTES = [start_pilot, list_pilots, show_pilot, stop_pilot, adopt_pilot]
