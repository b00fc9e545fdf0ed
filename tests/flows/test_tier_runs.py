"""New rules of tiers judge everybody: once each, whoever dies, buys, merges or decides anew meanwhile."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

import asyncpg
import msgspec
import pytest

from duoline.entry.check import broken
from duoline.flows import judge_by_new_rules, judge_tiers
from duoline.flows.merge_members import merge_members
from duoline.kernel import clock, faults, outbox, policies
from duoline.kernel.errors import Unavailable
from duoline.kernel.text import Text
from duoline.members import stand, tier_runs
from duoline.members.policy import TIERS, Tier
from tests.flows.test_credit import had
from tests.flows.test_tiers import is_now, unit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.flows.conftest import World

POINTS = ["tier_run.before_commit", "tier_run.before_end", "tier_run.before_part", "tier_run.between_parts"]


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Two members a transaction."""
    monkeypatch.setattr(judge_by_new_rules, "CHUNK", 2)
    yield
    faults.arm("")


@pytest.fixture(autouse=True)
async def as_before(world: World):
    """Each test decides its own rules."""
    yield
    await world.db.execute("DELETE FROM policies")
    await policies.refresh(world.db)


def tiers(**froms: int) -> tuple[Tier, ...]:
    return tuple(Tier(code=code, name=Text(code, code), from_minor=start) for code, start in froms.items())


async def decide(world: World, later: timedelta | None = None, **fields: Any) -> int:
    """Headquarters publishes rules."""
    async with world.db.begin() as tx:
        body = msgspec.structs.replace(TIERS.current().body, **fields)
        made = await policies.set_version(
            tx,
            actor=world.manager,
            kind="tiers",
            body=body,
            reason="test",
            active_from=clock.now() + later if later else None,
        )
    return made.version


async def planned(world: World) -> list[tier_runs.TierRun]:
    """What the relay and the worker's consumer make of it; the newest first."""
    while await world.value("SELECT duo_relay(500)"):
        pass
    while await outbox.consume_once(world.db, outbox.consumers["tier-rules"]):
        pass
    return await tier_runs.latest(world.db, limit=10)


async def run(world: World, one: tier_runs.TierRun) -> tier_runs.TierRun:
    await judge_by_new_rules.judge_everybody(world.db, judge_by_new_rules.Judging(one.id))
    return await found(world, one)


async def found(world: World, one: tier_runs.TierRun) -> tier_runs.TierRun:
    now = await tier_runs.get(world.db, one.id)
    assert now is not None
    return now


def counts(one: tier_runs.TierRun) -> tuple[str, int | None, int, int, int, int, int]:
    return one.state, one.members_total, one.judged, one.went_up, one.went_down, one.moved, one.kept


async def members(world: World, n: int, tier: str) -> list[UUID]:
    made = [await world.new_member() for _ in range(n)]
    for one in made:
        await is_now(world, tier, member_id=one)
    return made


async def have(world: World) -> Counter[str]:
    rows = await world.db.fetch("SELECT tier, count(*) AS n FROM members WHERE kind = 'member' GROUP BY 1")
    return Counter({row["tier"]: row["n"] for row in rows})


async def changes(world: World, version: int) -> Counter[str]:
    rows = await world.db.fetch(
        "SELECT because, count(*) AS n FROM tier_changes WHERE rule_version = $1 AND because <> 'set' GROUP BY 1",
        version,
    )
    return Counter({row["because"]: row["n"] for row in rows})


async def test_rules_that_are_published_judge_everybody_at_once_and_nobody_without_grace(world, books):
    await had(world, books)
    usual, _ = await unit(world)
    gold = await members(world, 3, "gold")
    black = await members(world, 1, "black")
    rules = tiers(member=0, silver=usual, gold=5 * usual)
    version = await decide(world, tiers=rules, grace_days=10, keep_days=60)
    (one,) = await planned(world)
    assert (one.version, counts(one)) == (version, ("queued", None, 0, 0, 0, 0, 0))
    assert (
        await world.value("SELECT count(*) FROM pgqueuer.pgqueuer WHERE entrypoint = $1", judge_by_new_rules.JOB) == 1
    )
    done = await run(world, one)
    everybody = await world.value("SELECT count(*) FROM members WHERE kind = 'member'")
    # Who bought is silver now, golds keep theirs for ten days, black is none any more.
    assert counts(done) == ("done", everybody, everybody, 1, 0, 1, 3)
    assert await changes(world, version) == {"reached": 1, "rules": 1}
    assert (await stand.standing_of(world.db, world.member_id)).tier == "silver"
    assert (await stand.standing_of(world.db, black[0])).tier == "member"
    for member_id in gold:
        standing = await stand.standing_of(world.db, member_id)
        assert standing.tier == "gold"
        assert timedelta(days=9) < standing.lapses_at - clock.now() <= timedelta(days=10)
    # The queue and the relay may tell it again: nothing more comes of it.
    assert await run(world, one) == done
    await world.db.execute("UPDATE event_offsets SET last_id = 0 WHERE consumer = 'tier-rules'")
    assert len(await planned(world)) == 1
    told = await world.value(
        "SELECT count(*) FROM event_log WHERE topic = $1 AND payload ->> 'tier' = 'silver'", stand.TOPIC
    )
    assert told + await world.value("SELECT count(*) FROM member_outbox WHERE topic = $1 AND payload ->> 'tier' = 'silver'", stand.TOPIC) == 1  # fmt: skip


async def test_rules_without_grace_take_at_once_what_nothing_keeps(world):
    gold = await members(world, 2, "gold")
    await is_now(world, "gold")
    async with world.db.begin() as tx:
        kept_until = clock.now() + timedelta(days=5)
        await stand.set_tier(tx, gold[0], "gold", keeps_until=kept_until, reason="promised", actor=world.manager)
    await decide(world, grace_days=0)
    done = await run(world, (await planned(world))[0])
    assert (done.went_down, done.kept) == (2, 1)
    assert await stand.standing_of(world.db, gold[0]) == stand.Standing("gold", kept_until, kept_until)


async def test_rules_that_begin_later_judge_when_they_begin(world):
    gold = await members(world, 3, "gold")
    await decide(world, timedelta(hours=3), grace_days=0)
    (one,) = await planned(world)
    waits = await world.value(
        "SELECT extract(epoch FROM execute_after - now()) FROM pgqueuer.pgqueuer WHERE entrypoint = $1",
        judge_by_new_rules.JOB,
    )
    assert 10_000 < waits <= 10_800
    with pytest.raises(Unavailable):
        await run(world, one)
    assert (await have(world))["gold"] == len(gold)
    with clock.frozen(clock.now() + timedelta(hours=3, seconds=1)):
        assert (await run(world, one)).went_down == 3
    assert (await have(world))["gold"] == 0


async def test_a_plan_that_newer_rules_overtake_judges_nobody(world):
    await members(world, 1, "gold")
    await decide(world, timedelta(hours=1), grace_days=0)
    await decide(world)
    newer, older = await planned(world)
    with clock.frozen(clock.now() + timedelta(hours=2)):
        # Its hour has come before the newer ones were judged by.
        assert counts(await run(world, older)) == ("stopped", None, 0, 0, 0, 0, 0)
        assert (await run(world, newer)).kept == 1
    assert (await have(world))["gold"] == 1


async def test_newer_rules_stop_a_run_of_older_ones(world):
    """Two decisions, one after the other: the older one's run ends in its middle, and everybody is judged by the newer."""
    await members(world, 6, "gold")
    first = await decide(world, tiers=tiers(member=0, gold=1), grace_days=0)
    (older,) = await planned(world)
    async with world.db.begin() as tx:
        assert await tier_runs.begin(tx, older.id)
    assert await judge_by_new_rules._part(world.db, older.id, 2)
    second = await decide(world, tiers=tiers(member=0, gold=1, black=2), grace_days=20)
    assert not await judge_by_new_rules._part(world.db, older.id, 2)  # before anybody has planned the newer one
    newer, older = await planned(world)
    assert (older.version, older.state, older.judged) == (first, "stopped", 2)
    assert (await run(world, newer)).state == "done"
    assert newer.version == second
    assert (await run(world, older)).state == "stopped"
    assert (await changes(world, second))["lapsed"] == 0
    assert (await have(world))["gold"] + (await changes(world, first))["lapsed"] == 6


async def test_both_at_once_one_of_them_is_judged_by_to_the_end(world):
    await members(world, 9, "gold")
    await decide(world, tiers=tiers(member=0, gold=1), grace_days=5)
    (older,) = await planned(world)

    async def newer_ones() -> None:
        await asyncio.sleep(0.01)
        await decide(world, tiers=tiers(member=0, silver=1), grace_days=5)
        newer, _ = await planned(world)
        await asyncio.gather(run(world, newer), run(world, newer))

    await asyncio.gather(run(world, older), run(world, older), newer_ones())
    newer, older = await tier_runs.latest(world.db, limit=2)
    assert (newer.state, newer.judged) == ("done", newer.members_total)
    assert older.state in ("stopped", "done")
    everybody = await world.value("SELECT count(*) FROM members WHERE kind = 'member'")
    assert newer.judged == everybody
    assert await have(world) == {"member": everybody}
    assert (await changes(world, newer.version))["rules"] == 9


async def test_one_runs_at_a_time(world):
    await decide(world)
    await decide(world)
    newer, older = await planned(world)
    await world.db.execute("UPDATE tier_runs SET state = 'running' WHERE id = $1", newer.id)
    with pytest.raises(asyncpg.UniqueViolationError):
        await world.db.execute("UPDATE tier_runs SET state = 'running' WHERE id = $1", older.id)
    await world.db.execute("UPDATE tier_runs SET state = 'queued' WHERE id = $1", newer.id)
    await world.db.execute("UPDATE tier_runs SET state = 'running' WHERE id = $1", older.id)  # its worker is dead
    assert (await run(world, newer)).state == "done"
    assert (await found(world, older)).state == "stopped"


async def test_an_order_is_handed_over_while_its_buyer_is_judged(world, books):
    """Whoever comes first: in the end it is the tier of the new rules, reached once, and the order counts."""
    usual, _ = await unit(world)
    await world.stock("A", "milk", 40)
    for n in range(6):
        receipt = await world.paid(books, world.wish("milk", 1, at="A"))
        await world.ready(receipt)
        version = await decide(world, tiers=tiers(member=0, **{f"t{n}": (n + 1) * usual}), grace_days=0, keep_days=0)
        one = (await planned(world))[0]

        async def bought(receipt=receipt) -> None:
            await world.hand(receipt)
            while await world.value("SELECT duo_relay(500)"):
                pass
            while await outbox.consume_once(world.db, outbox.consumers["tiers"]):
                pass

        await asyncio.gather(bought(), run(world, one))
        assert (await stand.standing_of(world.db, world.member_id)).tier == f"t{n}"
        came = await world.value(
            "SELECT count(*) FROM tier_changes WHERE rule_version = $1 AND tier = $2", version, f"t{n}"
        )
        assert came == 1
        assert await broken(world.db) == []


async def test_who_is_locked_by_their_order_is_judged_after_it(world, books, caplog):
    """The run waits for the order's judging, and sees what it wrote instead of what it read before."""
    await had(world, books)
    await decide(world, tiers=tiers(member=0, gold=1))
    one = (await planned(world))[0]
    async with world.db.begin() as tx:
        assert await judge_tiers.judge_one(tx, world.member_id) == "gold"
        running = asyncio.create_task(run(world, one))
        await asyncio.sleep(0.3)
        assert not running.done()
    assert (await running).went_up == 0
    assert "cannot be judged" not in caplog.text
    assert (await changes(world, one.version))["reached"] == 1


async def test_who_judges_an_order_knows_the_newest_rules(world, books):
    """A process that has not heard of them yet reads them first: nobody is judged by old rules behind the run."""
    await had(world, books)
    await decide(world, tiers=tiers(member=0, gold=1))
    assert TIERS.current().version == 0
    async with world.db.begin() as tx:
        assert await judge_tiers.judge_one(tx, world.member_id) == "gold"


async def test_two_members_are_merged_while_everybody_is_judged(world, books):
    await had(world, books)
    usual, _ = await unit(world)
    for n in range(4):
        (other,) = await members(world, 1, "gold" if n == 0 else f"g{n - 1}")
        await decide(world, tiers=tiers(**{"member": 0, f"s{n}": usual, f"g{n}": 50 * usual}), grace_days=0)
        one = (await planned(world))[0]

        async def merged(other=other) -> None:
            async with world.db.begin() as tx:
                await merge_members(
                    tx, survivor_id=world.member_id, other_id=other, reason="one face", actor=world.manager
                )

        done, _ = await asyncio.gather(run(world, one), merged())
        assert (done.state, done.judged) == ("done", done.members_total)
        assert (await stand.standing_of(world.db, world.member_id)).tier == f"s{n}"
        assert await broken(world.db) == []


async def test_who_cannot_be_judged_is_counted_and_keeps_nobody_else_from_it(world, access):
    gold = await members(world, 5, "gold")
    owner = await asyncpg.connect(access.owner_dsn)
    await owner.execute(
        f"ALTER TABLE tier_changes ADD CONSTRAINT not_this CHECK (member_id <> '{gold[2]}' OR because <> 'lapsed')"
    )
    await decide(world, grace_days=0)
    done = await run(world, (await planned(world))[0])
    assert (done.state, done.failed, done.went_down, done.judged) == ("done", 1, 4, done.members_total)
    await owner.execute("ALTER TABLE tier_changes DROP CONSTRAINT not_this")
    await owner.close()
    assert await judge_tiers.judge_all(world.db) == 1


async def test_a_run_whose_job_was_given_up_gets_another(world):
    await decide(world)
    (one,) = await planned(world)
    await decide(world, timedelta(days=3))
    await planned(world)
    assert await judge_by_new_rules.resume(world.db) == 0
    with clock.frozen(clock.now() + timedelta(minutes=5)):
        await world.db.execute("DELETE FROM pgqueuer.pgqueuer")
        assert await judge_by_new_rules.resume(world.db) == 1  # the other one's rules do not hold yet
        assert await world.value("SELECT count(*) FROM pgqueuer.pgqueuer") == 1
        assert (await run(world, one)).state == "done"
        assert await judge_by_new_rules.resume(world.db) == 0


@pytest.mark.parametrize("point", POINTS)
async def test_killed_at(point, world, books, access):
    """The process dies there once; whoever runs the job again goes on, and says the same of it in the end."""
    await had(world, books)
    await members(world, 4, "gold")
    version = await decide(world, tiers=tiers(member=0, silver=1, gold=10**8), grace_days=0)
    (one,) = await planned(world)

    def work(fault: str) -> int:
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("DUOLINE_")},
            "DUOLINE_DATABASE_URL": access.dsn, "DUOLINE_FAULT": fault, "PYTHONPATH": "src",
        }  # fmt: skip
        program = str(Path(__file__).parent / "tier_run_process.py")
        return subprocess.run([sys.executable, program, str(one.id), "2"], env=environment, check=False).returncode

    nth = "" if point == "tier_run.before_end" else "@2"
    assert await asyncio.to_thread(work, f"{point}:kill{nth}") == -9
    half = await found(world, one)
    assert half.state == "running"
    assert 0 < half.judged < await world.value("SELECT count(*) FROM members WHERE kind = 'member'")
    assert await broken(world.db) == []
    assert await asyncio.to_thread(work, "") == 0
    done = await found(world, one)
    everybody = await world.value("SELECT count(*) FROM members WHERE kind = 'member'")
    assert counts(done) == ("done", everybody, everybody, 1, 4, 0, 0)
    assert await changes(world, version) == {"reached": 1, "lapsed": 4}


def test_every_point_is_here():
    assert [point for point in faults.points() if point.startswith("tier_run.")] == POINTS
