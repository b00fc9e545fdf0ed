"""Every command on a database that is empty, behind or another program's: a sentence, never a traceback."""

from __future__ import annotations

from pathlib import Path

import pytest

from duoline.kernel import postgres
from tests.platform.conftest import Run

COMMANDS = [
    ["check"],
    ["backup", "{home}/backup"],
    ["doctor"],
    ["demo", "--stores", "1", "--skus", "1", "--members", "0", "--days", "0"],
    ["import", "stores", "{home}/stores.csv"],
    ["migrate"],
    ["worker"],
]


@pytest.fixture
def empty_home(home: Path) -> Path:
    """A home with a database in which nothing was ever made."""
    with postgres.embedded(home):
        pass
    (home / "stores.csv").write_text("code,name_zh\n", encoding="utf-8")
    return home


def psql(home: Path, sql: str) -> str:
    with postgres.embedded(home) as access:
        return postgres.run_program("psql", "-XqAt", "-c", sql, access.owner_dsn)


def said(run: Run, home: Path, command: list[str]) -> tuple[int, str]:
    done = run(*(part.format(home=home) for part in command))
    text = done.stdout + done.stderr
    assert "Traceback" not in text, text
    return done.returncode, text


def test_an_empty_database(run: Run, empty_home: Path):
    for command, says in (
        (["check"], "The database is empty: run `duoline migrate` first."),
        (["backup", "{home}/backup"], "The database is empty: there is nothing to back up."),
        (["worker"], "The database is empty: run `duoline migrate` first."),
        (["doctor"], "Run `duoline migrate`."),
    ):
        code, text = said(run, empty_home, command)
        assert (code, says in text) == (1, True), (command, text)
    assert not (empty_home / "backup").exists()


def test_a_database_that_is_behind(run: Run, migrated_home: Path):
    psql(migrated_home, "DELETE FROM schema_files WHERE path LIKE '%hold.sql'")
    code, text = said(run, migrated_home, ["check"])
    assert (code, "is behind by 1 parts" in text, "run `duoline migrate` first" in text) == (1, True, True)
    code, _ = said(run, migrated_home, ["backup", "{home}/backup"])
    assert code == 0, "what is behind can be backed up, and should be before it is migrated"
    assert said(run, migrated_home, ["migrate"])[0] == 0
    assert said(run, migrated_home, ["check"])[0] == 0


def test_another_programs_database_is_left_alone(run: Run, empty_home: Path):
    psql(empty_home, "CREATE TABLE orders (id integer); CREATE TABLE customers (id integer)")
    for command in COMMANDS:
        code, text = said(run, empty_home, command)
        assert code == 1, command
        assert "belongs to another program" in text, (command, text)
        assert "customers, orders" in text
    tables = psql(empty_home, "SELECT string_agg(tablename, ' ') FROM pg_tables WHERE schemaname = 'public'")
    assert sorted(tables.split()) == ["customers", "orders"]
