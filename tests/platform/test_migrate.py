"""Migrating is safe to repeat and to do at the same time, and refuses what it cannot do."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from duoline.entry import migrate as migrating
from duoline.entry import schema
from duoline.entry.migrate import grant, migrate
from duoline.kernel import postgres


@pytest.fixture
async def blank(server: postgres.Access) -> AsyncIterator[postgres.Access]:
    """A database with our extensions and nothing else."""
    admin = await asyncpg.connect((server.admin_dsn or "").replace("/duoline?", "/postgres?"))
    await admin.execute("CREATE DATABASE blank TEMPLATE template0 OWNER duoline_owner")
    there = postgres.Access(*(dsn.replace("/duoline?", "/blank?") for dsn in (server.dsn, server.owner_dsn)))
    inside = await asyncpg.connect((server.admin_dsn or "").replace("/duoline?", "/blank?"))
    for name in postgres.EXTENSIONS:
        await inside.execute(f"CREATE EXTENSION {name}")
    await inside.close()
    yield there
    await admin.execute("DROP DATABASE blank WITH (FORCE)")
    await admin.close()


async def execute(dsn: str, sql: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(sql)
    finally:
        await connection.close()


async def value(dsn: str, sql: str) -> object:
    connection = await asyncpg.connect(dsn)
    try:
        return await connection.fetchval(sql)
    finally:
        await connection.close()


async def test_it_does_all_once_and_then_nothing(blank: postgres.Access):
    assert await schema.pending(blank.owner_dsn) == list(schema.files())
    assert await migrate(blank) == list(schema.files())
    assert await schema.pending(blank.owner_dsn) == []
    assert await migrate(blank) == []


async def test_two_at_the_same_time_do_it_once(blank: postgres.Access):
    both = await asyncio.gather(migrate(blank), migrate(blank))
    assert sorted(both, key=len) == [[], list(schema.files())]


@pytest.fixture
def sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with one function and no revisions, in place of ours."""
    sources = tmp_path / "src" / "duoline"
    sources.mkdir(parents=True)
    monkeypatch.setattr(schema, "CHECKOUT", tmp_path)
    monkeypatch.setattr(schema, "SOURCES", sources)
    monkeypatch.setattr(schema, "MIGRATIONS", tmp_path / "migrations")
    monkeypatch.setattr(migrating, "CHECKOUT", tmp_path)
    monkeypatch.setattr(migrating, "append_only_tables", list)
    monkeypatch.setattr(migrating, "OWN_TABLES", {"schema_files"})
    return sources


def function(name: str, body: str) -> str:
    return f"CREATE OR REPLACE FUNCTION {name}() RETURNS integer LANGUAGE sql IMMUTABLE RETURN {body};"


async def test_a_function_is_replaced_when_its_text_changes(blank: postgres.Access, sources: Path):
    (sources / "one.sql").write_text(function("one", "1"), encoding="utf-8")
    assert "src/duoline/one.sql" in await migrate(blank)
    assert await value(blank.dsn, "SELECT one()") == 1
    (sources / "one.sql").write_text(function("one", "11"), encoding="utf-8")
    assert await migrate(blank) == ["src/duoline/one.sql"]
    assert await value(blank.dsn, "SELECT one()") == 11


async def test_functions_may_use_each_other_in_any_order(blank: postgres.Access, sources: Path):
    (sources / "a.sql").write_text(function("a", "b() + 1"), encoding="utf-8")
    (sources / "b.sql").write_text(function("b", "c() + 1"), encoding="utf-8")
    (sources / "c.sql").write_text(function("c", "1"), encoding="utf-8")
    await migrate(blank)
    assert await value(blank.dsn, "SELECT a()") == 3


@pytest.mark.parametrize("text", ["CREATE OR REPLACE FUNCTION broken", function("lost", "nowhere()")])
async def test_a_function_that_cannot_be_made_changes_nothing(blank: postgres.Access, sources: Path, text: str):
    (sources / "a.sql").write_text(function("a", "1"), encoding="utf-8")
    (sources / "b.sql").write_text(text, encoding="utf-8")
    with pytest.raises(schema.CannotMigrate, match=r"src/duoline/b\.sql"):
        await migrate(blank)
    assert await value(blank.dsn, "SELECT to_regproc('a')") is None
    assert "src/duoline/a.sql" in await schema.pending(blank.owner_dsn)


async def test_an_edited_revision_is_refused(access: postgres.Access):
    await execute(access.owner_dsn, "UPDATE schema_files SET checksum = 'other' WHERE path LIKE 'migrations/%/0001_%'")
    with pytest.raises(schema.CannotMigrate, match=r"0001_\w+\.py was edited after"):
        await migrate(access)


async def test_a_newer_database_is_refused(access: postgres.Access):
    await execute(access.owner_dsn, "INSERT INTO schema_files VALUES ('migrations/versions/9999_next.py', '', now())")
    with pytest.raises(schema.CannotMigrate, match=r"newer Duoline has migrated this database"):
        await migrate(access)


async def test_a_server_that_lacks_something_is_refused_before_anything_is_changed(blank: postgres.Access):
    await execute(blank.owner_dsn.replace("duoline_owner@", "postgres@"), "DROP EXTENSION pg_trgm")
    with pytest.raises(schema.CannotMigrate, match=r"pg_trgm is missing"):
        await migrate(blank)
    assert await value(blank.dsn, "SELECT to_regclass('schema_files')") is None


async def test_rights_come_back(access: postgres.Access):
    await execute(access.owner_dsn, "GRANT UPDATE, DELETE ON movements, audit_log TO duoline")
    await grant(access)
    assert await value(access.dsn, "SELECT has_table_privilege('audit_log', 'UPDATE')") is False
    assert await value(access.dsn, "SELECT has_table_privilege('movements', 'DELETE')") is False


async def test_one_role_for_everything_is_bound_too(blank: postgres.Access):
    """A hosted database often gives one role only. Entries still cannot be changed, and foreign keys still work."""
    single = postgres.Access(blank.owner_dsn, blank.owner_dsn)
    await migrate(single)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await execute(single.dsn, "DELETE FROM journals")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await execute(single.dsn, "UPDATE journal_entries SET amount_minor = 0")
    with pytest.raises(asyncpg.ForeignKeyViolationError):
        await execute(
            single.dsn,
            """
            INSERT INTO journal_entries
            SELECT (jsonb_populate_record(NULL::journal_entries, jsonb_build_object(
                'member_id', gen_random_uuid(), 'journal_id', gen_random_uuid(), 'n', 1, 'debit', 'a', 'credit', 'b',
                'amount_minor', 1, 'currency', 'CNY'))).*
            """,
        )
