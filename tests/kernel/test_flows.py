"""Flows: every step at least once, the record exactly as far as the steps are done, and no step for a sleeper."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from duoline.kernel import clock, faults, flows
from duoline.kernel.errors import Unavailable
from duoline.kernel.flows import DONE, Flow, Go, Outcome, Run, Wait

if TYPE_CHECKING:
    from collections.abc import Iterator

    from duoline.kernel.db import Database


@pytest.fixture
def log() -> list[Any]:
    return []


@pytest.fixture
def flow(log: list[Any]) -> Iterator[Flow]:
    """Two steps: ask somebody outside, then book the answer."""
    made = Flow("test", attempts_max=3)

    @made.step("ask")
    async def ask(run: Run) -> Outcome:
        log.append(("ask", run.key, run.attempts))
        if run.data.get("fail"):
            raise Unavailable("nobody answers")
        return Go("book", {"answer": 42})

    @made.step("book")
    async def book(run: Run) -> Outcome:
        log.append(("book", run.key, run.data["answer"]))
        return DONE

    yield made
    del flows.registered["test"]


async def start(db: Database, flow: Flow, key: str = "k", **data: Any) -> bool:
    async with db.begin() as tx:
        return await flow.start(tx, key=key, data=data)


async def record(db: Database) -> dict[str, Any]:
    row = await db.fetchrow("SELECT state, step, attempts, problem, data FROM flow_records")
    assert row is not None
    return dict(row)


async def test_steps_follow_one_another_to_the_end(db: Database, flow: Flow, log: list[Any]) -> None:
    assert await start(db, flow)
    assert not await start(db, flow)  # one flow a key
    while await flows.run_due(db):
        pass
    assert log == [("ask", "k", 0), ("book", "k", 42)]
    assert (await record(db))["state"] == "done"
    assert not await start(db, flow)


async def test_a_flow_exists_exactly_if_its_fact_does(db: Database, flow: Flow, log: list[Any]) -> None:
    async def fail() -> None:
        async with db.begin() as tx:
            await flow.start(tx, key="k", data={})
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert await flows.run_due(db) == 0
    assert log == []


async def test_failures_pause_longer_each_time_and_end_with_a_person(db: Database, flow: Flow, log: list[Any]) -> None:
    await start(db, flow, fail=True)
    for n, wait in enumerate((0, 1, 3)):
        assert await flows.run_due(db) == (1 if n == 0 else 0)
        with clock.shifted(timedelta(seconds=wait + 1)):
            await flows.run_due(db)
    failed = await record(db)
    assert (failed["state"], failed["attempts"]) == ("failed", 3)
    assert "nobody answers" in failed["problem"]
    assert [entry[2] for entry in log] == [0, 1, 2]
    flow_id = await db.fetchval("SELECT id FROM flow_records")
    async with db.begin() as tx:
        assert await flows.retry(tx, flow_id)
        assert not await flows.retry(tx, flow_id)
        await tx.execute("UPDATE flow_records SET data = '{}'")
    while await flows.run_due(db):
        pass
    assert (await record(db))["state"] == "done"


@pytest.mark.parametrize("point", ["flows.before_step", "flows.after_step", "flows.after_save"])
async def test_a_crash_anywhere_is_made_good_after_the_claim(
    db: Database, flow: Flow, log: list[Any], point: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        """Nothing runs after it, as after SIGKILL."""

    def die(name: str) -> None:
        if name == point:
            raise Killed

    monkeypatch.setattr(faults, "point", die)
    await start(db, flow)
    with pytest.raises(Killed):
        await flows.run_due(db)
    monkeypatch.undo()
    with clock.shifted(flows.CLAIM + timedelta(seconds=1)):
        while await flows.run_due(db):
            pass
    assert (await record(db))["state"] == "done"
    assert log[-1] == ("book", "k", 42)
    assert 1 <= sum(entry[0] == "ask" for entry in log) <= 2


async def test_a_worker_that_slept_through_its_claim_changes_nothing(db: Database, log: list[Any]) -> None:
    slow = Flow("slow")
    asleep, go_on = asyncio.Event(), asyncio.Event()

    @slow.step("only")
    async def only(run: Run) -> Outcome:
        log.append(run.data)
        if len(log) == 1:
            asleep.set()
            await go_on.wait()
            return Go("only", {"by": "the sleeper"})
        return DONE

    try:
        await start(db, slow)
        first = asyncio.create_task(flows.run_due(db))
        await asleep.wait()
        with clock.shifted(flows.CLAIM + timedelta(seconds=1)):
            assert await flows.run_due(db) == 1
        go_on.set()
        await first
        ended = await record(db)
        assert (ended["state"], ended["data"]) == ("done", {})
    finally:
        del flows.registered["slow"]


async def test_two_workers_never_run_the_same_step_together(db: Database, flow: Flow, log: list[Any]) -> None:
    for n in range(20):
        await start(db, flow, f"k{n}")
    ran = await asyncio.gather(*(flows.run_due(db, limit=5) for _ in range(8)))
    assert sum(ran) >= 20
    asked = [entry[1] for entry in log if entry[0] == "ask"]
    assert sorted(asked) == sorted(set(asked))


async def test_waiting_is_no_failure(db: Database, log: list[Any]) -> None:
    patient = Flow("patient", attempts_max=2)

    @patient.step("look")
    async def look(run: Run) -> Outcome:
        log.append(run.attempts)
        return DONE if len(log) == 5 else Wait(clock.now())

    try:
        await start(db, patient)
        while await flows.run_due(db):
            pass
        assert log == [0] * 5
        assert (await record(db))["state"] == "done"
    finally:
        del flows.registered["patient"]


async def test_the_edge_may_try_at_once(db: Database, flow: Flow, log: list[Any]) -> None:
    await start(db, flow, "mine")
    await start(db, flow, "other")
    await flow.run_now(db, "mine")
    assert log == [("ask", "mine", 0)]


async def test_the_service_runs_and_stops(db: Database, flow: Flow, log: list[Any]) -> None:
    await start(db, flow)
    stop = asyncio.Event()
    service = asyncio.create_task(flows.run_flows(db, stop))
    for _ in range(100):
        if len(log) == 2:
            break
        await asyncio.sleep(0.05)
    stop.set()
    await asyncio.wait_for(service, 5)
    assert (await record(db))["state"] == "done"


def test_fault_points_are_known() -> None:
    assert {"flows.before_step", "flows.after_step", "flows.after_save"} <= set(faults.points())
