"""`duoline check` finds what is wrong, says where, and fails."""

from __future__ import annotations

import io
from pathlib import Path

import asyncpg
from rich.console import Console

from duoline.entry.check import INVARIANTS, broken, check, findings, show
from duoline.kernel import postgres
from duoline.kernel.db import Database
from tests.platform.conftest import Run

LEVEL_FROM_NOWHERE = """
WITH store AS (
    INSERT INTO locations (id, kind) VALUES (gen_random_uuid(), 'dc') RETURNING id
)
INSERT INTO levels (location_id, sku_id, on_hand) SELECT id, gen_random_uuid(), 3 FROM store
"""


async def test_an_empty_shop_is_right(db: Database):
    assert [finding.id for finding in await findings(db)] == [name for name, _, _ in INVARIANTS]
    assert await broken(db) == []


async def test_units_from_nowhere_are_found(db: Database):
    await db.execute(LEVEL_FROM_NOWHERE)
    (finding,) = await broken(db)
    assert (finding.id, len(finding.rows)) == ("INV-1", 1)
    assert finding.rows[0]["on_hand"] == 3


async def test_it_shows_the_rows_and_says_so(db: Database):
    await db.execute(LEVEL_FROM_NOWHERE)
    console = Console(record=True, width=200, file=io.StringIO())
    assert show(await findings(db), console) is False
    text = console.export_text()
    assert "INV-1: A level's units on hand are the sum of its movements." in text
    assert "on_hand=3" in text
    assert f"{len(INVARIANTS) - 1} of {len(INVARIANTS)} invariants hold." in text


async def test_every_invariant_runs_on_every_row_it_is_about(access: postgres.Access):
    """A query with a mistake in it would hide for ever behind an empty result: each must at least be planned."""
    connection = await asyncpg.connect(access.dsn)
    for name, _, sql in INVARIANTS:
        plan = await connection.fetchval(f"EXPLAIN (FORMAT JSON) {sql}")
        assert "Plan" in plan, name
    await connection.close()


def test_the_command_ends_with_one_when_something_is_wrong(migrated_home: Path, run: Run):
    done = run("check")
    assert (done.returncode, done.stdout.splitlines()[-1]) == (
        0,
        f"{len(INVARIANTS)} of {len(INVARIANTS)} invariants hold.",
    )
    with postgres.embedded(migrated_home) as access:
        postgres.run_program("psql", "-Xq", "-c", LEVEL_FROM_NOWHERE, access.dsn)
    done = run("check")
    assert done.returncode == 1
    assert "INV-1" in done.stdout


async def test_it_looks_at_the_database_it_is_told(db: Database, access: postgres.Access):
    await db.execute(LEVEL_FROM_NOWHERE)
    assert await check(access.dsn, Console(quiet=True)) is False
