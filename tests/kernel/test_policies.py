"""Policies: typed, versioned, in force from their time, and never changed without a trace."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import asyncpg
import msgspec
import pytest

from duoline.kernel import audit, clock, policies
from duoline.kernel.auth import SYSTEM
from duoline.kernel.errors import BadInput, NotFound
from duoline.kernel.ids import new_id
from duoline.kernel.policies import Pilot, PilotOver, PilotOverlaps, Policy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from duoline.kernel.db import Database, Tx


class Keep(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A policy of this test."""

    hours: Annotated[int, msgspec.Meta(ge=1)] = 72


@pytest.fixture
def keep() -> Iterator[Policy[Keep]]:
    yield Policy("test-keep", Keep, Keep(), pilots=True)
    del policies.kinds["test-keep"]
    policies._versions.clear()


async def set_hours(tx: Tx, hours: object, **options: object) -> None:
    body = Keep(hours) if isinstance(hours, int) else {"hours": hours}
    await policies.set_version(tx, actor=SYSTEM, kind="test-keep", body=body, reason="r", **options)  # type: ignore[arg-type]


async def test_the_default_holds_until_somebody_decides(db: Database, keep: Policy[Keep]) -> None:
    await policies.refresh(db)
    assert (keep.current().version, keep.current().body.hours) == (0, 72)
    with pytest.raises(NotFound):
        policies.current("nothing")


async def test_versions_hold_from_their_time_and_the_past_stays_explainable(db: Database, keep: Policy[Keep]) -> None:
    before = clock.now()
    with clock.shifted(timedelta(minutes=1)):
        async with db.begin() as tx:
            await set_hours(tx, 48)
        with clock.shifted(timedelta(minutes=1)):
            async with db.begin() as tx:
                await set_hours(tx, 24, active_from=clock.now() + timedelta(hours=1))
    await policies.refresh(db)
    hours = {minutes: keep.current(before + timedelta(minutes=minutes)).body.hours for minutes in (0, 1.5, 30, 120)}
    assert hours == {0: 72, 1.5: 48, 30: 48, 120: 24}
    assert [v.version for v in policies.versions("test-keep")] == [2, 1, 0]


@pytest.mark.parametrize("hours", [0, "many", None, 1.5])
async def test_a_body_that_does_not_fit_is_refused(tx: Tx, keep: Policy[Keep], hours: object) -> None:
    with pytest.raises(BadInput):
        await set_hours(tx, hours)
    with pytest.raises(BadInput):
        await set_hours(tx, 5, active_from=clock.now() - timedelta(seconds=1))


async def test_a_decision_leaves_an_audit_line_and_an_event(db: Database, keep: Policy[Keep]) -> None:
    async with db.begin() as tx:
        await set_hours(tx, 48)
    line = await db.fetchrow("SELECT actor_kind, action, subject, reason, before, after FROM audit_log")
    assert line is not None
    assert (line["actor_kind"], line["action"], line["subject"], line["reason"]) == (
        "system",
        "policy.set",
        "test-keep",
        "r",
    )
    assert line["before"] == {"hours": 72}
    assert line["after"]["body"] == {"hours": 48}
    assert await db.fetchval("SELECT topic FROM local_outbox") == "policies.set"


async def test_two_decisions_at_once_get_two_numbers_or_one_is_refused(db: Database, keep: Policy[Keep]) -> None:
    async def decide(hours: int) -> bool:
        try:
            async with db.begin() as tx:
                await set_hours(tx, hours)
        except asyncpg.UniqueViolationError:
            return False
        return True

    done = await asyncio.gather(*(decide(n) for n in range(1, 7)))
    numbers = [r["version"] for r in await db.fetch("SELECT version FROM policies ORDER BY version")]
    assert numbers == list(range(1, sum(done) + 1))


async def test_a_version_of_an_older_shape_is_passed_over(db: Database, keep: Policy[Keep]) -> None:
    async with db.begin() as tx:
        await set_hours(tx, 48)
        await tx.execute(
            "INSERT INTO policies (kind, version, body, active_from, actor_id, reason, created_at)"
            " VALUES ('test-keep', 2, '{\"days\": 3}', $1, $2, '', $1)",
            clock.now(),
            SYSTEM.id,
        )
    await policies.refresh(db)
    assert keep.current().body.hours == 48


async def test_the_audit_log_cannot_be_changed_by_the_application(db: Database) -> None:
    async with db.begin() as tx:
        await audit.record(tx, actor=SYSTEM, action="a.b", subject_kind="s", subject="1", before={"x": 1}, after=None)
    for sql in ("UPDATE audit_log SET reason = 'none'", "DELETE FROM audit_log", "TRUNCATE audit_log"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await db.execute(sql)


NORTH, SOUTH, WEST, EAST = (new_id() for _ in range(4))


def pilot(*regions: object, controls: tuple[object, ...] = (SOUTH,), hours: float = 24) -> Pilot:
    return Pilot(frozenset(regions), frozenset(controls), clock.now() + timedelta(hours=hours))  # type: ignore[arg-type]


async def test_a_pilot_holds_in_its_regions_until_it_ends(db: Database, keep: Policy[Keep]) -> None:
    async with db.begin() as tx:
        await set_hours(tx, 48)
        await set_hours(tx, 24, pilot=pilot(NORTH, EAST))
    await policies.refresh(db)

    def hours(region: object = None, later: float = 0) -> int:
        return keep.current(clock.now() + timedelta(hours=later), region_id=region).body.hours  # type: ignore[arg-type]

    assert (hours(), hours(NORTH), hours(EAST), hours(SOUTH), hours(WEST)) == (48, 24, 24, 48, 48)
    assert hours(NORTH, later=24.1) == 48
    assert policies.current("test-keep").version == 1
    async with db.begin() as tx:
        await policies.end_pilot(tx, actor=SYSTEM, kind="test-keep", version=2, reason="dear")
    await policies.refresh(db)
    assert hours(NORTH) == 48
    for version, refused in ((2, PilotOver), (1, NotFound), (9, NotFound)):
        with pytest.raises(refused):
            async with db.begin() as tx:
                await policies.end_pilot(tx, actor=SYSTEM, kind="test-keep", version=version, reason="again")
    told = await db.fetch("SELECT action, reason, after FROM audit_log WHERE subject = 'test-keep' ORDER BY at, id")
    assert [(row["action"], row["reason"]) for row in told] == [
        ("policy.set", "r"), ("policy.set", "r"), ("policy.pilot-end", "dear"),
    ]  # fmt: skip
    assert told[1]["after"]["regions"] == sorted(map(str, (NORTH, EAST)))


async def test_a_newer_version_for_everybody_holds_in_the_pilots_regions_too(db: Database, keep: Policy[Keep]) -> None:
    async with db.begin() as tx:
        await set_hours(tx, 24, pilot=pilot(NORTH))
        await set_hours(tx, 12)
    await policies.refresh(db)
    assert keep.current(region_id=NORTH).body.hours == 12


@pytest.mark.parametrize(
    ("regions", "controls", "hours", "field"),
    [((), (SOUTH,), 1, "regions"), ((NORTH,), (), 1, "controls"), ((NORTH,), (NORTH,), 1, "controls"), ((NORTH,), (SOUTH,), -1, "until")],
)  # fmt: skip
async def test_a_pilot_that_cannot_be_is_refused_by_name(db, keep, regions, controls, hours, field) -> None:
    async with db.begin() as tx:
        with pytest.raises(BadInput) as refused:
            await set_hours(tx, 24, pilot=pilot(*regions, controls=controls, hours=hours))
    assert [problem["field"] for problem in refused.value.fields["problems"]] == [field]


async def test_only_what_can_be_piloted_is(db: Database, keep: Policy[Keep]) -> None:
    keep.pilots = False
    async with db.begin() as tx:
        with pytest.raises(BadInput):
            await set_hours(tx, 24, pilot=pilot(NORTH))


async def test_no_region_takes_part_in_two_pilots_at_once(db: Database, keep: Policy[Keep]) -> None:
    async with db.begin() as tx:
        await set_hours(tx, 24, pilot=pilot(NORTH))
    for regions, controls in (((NORTH,), (WEST,)), ((WEST,), (NORTH,)), ((SOUTH,), (WEST,)), ((WEST,), (SOUTH,))):
        async with db.begin() as tx:
            with pytest.raises(PilotOverlaps):
                await set_hours(tx, 12, pilot=pilot(*regions, controls=controls))
    async with db.begin() as tx:
        await set_hours(tx, 12, pilot=pilot(WEST, controls=(EAST,)))  # strangers
        await policies.end_pilot(tx, actor=SYSTEM, kind="test-keep", version=1, reason="over")
    async with db.begin() as tx:
        await set_hours(tx, 12, pilot=pilot(NORTH, SOUTH, controls=(new_id(),)))  # the first is over


async def test_of_two_pilots_started_at_once_one_is_refused(db: Database, keep: Policy[Keep]) -> None:
    async def start() -> str:
        try:
            async with db.begin() as tx:
                await set_hours(tx, 24, pilot=pilot(NORTH))
        except (PilotOverlaps, asyncpg.UniqueViolationError) as refused:
            return type(refused).__name__
        return "started"

    assert (await asyncio.gather(*(start() for _ in range(4)))).count("started") == 1
    assert await db.fetchval("SELECT count(*) FROM policies WHERE kind = 'test-keep'") == 1
