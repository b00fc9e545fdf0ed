"""A breach that nobody looked for is found at night and shown; so is regular work that fails."""

from __future__ import annotations

import logging
from datetime import timedelta
from pathlib import Path

import pytest
from rich.console import Console

from duoline.entry import doctor
from duoline.entry.check import INVARIANTS, check
from duoline.entry.nightly import check_books
from duoline.kernel import clock, jobs, metrics, postgres
from duoline.kernel.db import Database
from tests.http.world import open_world
from tests.platform.test_check import LEVEL_FROM_NOWHERE


async def examined(access: postgres.Access) -> dict[str, doctor.Finding]:
    return {finding.about: finding for finding in await doctor._collect(access)}


async def attention(caller) -> dict[str, dict[str, object]]:
    answer = await caller.get("/api/console/today")
    assert answer.status_code == 200, answer.text
    return {one["kind"]: one for one in answer.json()["attention"]}


async def test_sound_books_are_said_to_be_sound(db: Database, access: postgres.Access):
    assert (await examined(access))["books"].text == "not checked yet; the background worker does it every night"
    assert await check_books(db) == 0
    assert await db.fetchval("SELECT count(*) FROM invariant_checks WHERE rows = 0") == len(INVARIANTS)
    assert await db.fetchval("SELECT count(*) FROM audit_log") == 0
    assert (await examined(access))["books"].text.startswith("all invariants held")


async def test_a_breach_is_logged_counted_and_shown(
    db: Database, access: postgres.Access, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    async with open_world(db, tmp_path) as world:
        assert "books" not in await attention(world.staff("hq"))
        await db.execute(LEVEL_FROM_NOWHERE)
        with caplog.at_level(logging.ERROR):
            assert await check_books(db) == 1
        assert "invariant INV-1 is broken in 1 rows" in caplog.text
        assert 'duoline_invariant_broken_rows{invariant="INV-1"} 1.0' in metrics.render().decode()
        assert 'duoline_invariant_broken_rows{invariant="INV-2"} 0.0' in metrics.render().decode()

        shown = (await attention(world.staff("hq")))["books"]
        assert (shown["count"], shown["link"]) == (1, "/audit?subject_kind=invariant")
        assert "books" not in await attention(world.staff("manager1")), "whose rows they are is not a shop's to see"
        lines = (await world.staff("hq").get("/api/console/audit", params={"subject_kind": "invariant"})).json()
        (line,) = lines["items"]
        assert (line["action"], line["subject"], line["actor_kind"]) == ("invariant.broken", "INV-1", "system")
        assert line["after"]["first"][0]["on_hand"] == 3
        assert (await examined(access))["books"].text == "broken: INV-1 (1 rows)"

        await db.execute("DELETE FROM levels")
        assert await check(access.dsn, Console(quiet=True))
        assert "books" not in await attention(world.staff("hq"))
        assert (await examined(access))["books"].state == "good"


async def test_a_check_that_no_longer_runs_is_noticed(db: Database, access: postgres.Access):
    with clock.frozen(clock.now() - timedelta(days=3)):
        await check_books(db)
    assert (await examined(access))["books"].state == "note"


async def test_regular_work_that_fails_is_counted_and_told_until_it_goes_well(db: Database, access: postgres.Access):
    good = False

    async def sweep(_db: Database) -> None:
        if not good:
            raise ValueError("no broom")

    cron = jobs.Cron("sweep the floor", sweep, "* * * * *")
    for _ in range(2):
        with pytest.raises(ValueError, match="no broom"):
            await jobs.run_cron(db, cron)
    assert 'duoline_crons_failed_total{cron="sweep the floor"} 2.0' in metrics.render().decode()
    finding = (await examined(access))["regular work"]
    assert finding.state == "bad"
    assert "sweep the floor, 2 times since" in finding.text
    assert "ValueError: no broom" in finding.text
    good = True
    await jobs.run_cron(db, cron)
    assert (await examined(access))["regular work"].state == "good"
