"""Migrations, SQL functions and rights make exactly what the code declares."""

from __future__ import annotations

import ast
import re

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection

from duoline.entry.metadata import metadata, registry
from duoline.entry.migrate import engine, is_ours
from duoline.entry.schema import MIGRATIONS
from duoline.kernel import postgres
from duoline.kernel.config import CHECKOUT
from duoline.kernel.db import Database

SOURCES = CHECKOUT / "src" / "duoline"
FUNCTION = re.compile(r"CREATE OR REPLACE FUNCTION\s+(\w+)", re.IGNORECASE)
# Nothing but functions may be repeatable: a table or an index made here would be made twice.
OTHER = re.compile(
    r"^\s*(CREATE(?! OR REPLACE FUNCTION)|ALTER|DROP(?! FUNCTION IF EXISTS))\b", re.IGNORECASE | re.MULTILINE
)


def _differences(connection: Connection) -> list[object]:
    context = MigrationContext.configure(connection, opts={"include_object": is_ours, "compare_type": True})
    return compare_metadata(context, metadata)


async def test_migrations_make_the_declared_tables(shared_access: postgres.Access):
    database = engine(shared_access.owner_dsn)
    async with database.connect() as connection:
        assert await connection.run_sync(_differences) == []
    await database.dispose()


async def test_constraints_and_special_indexes_are_as_declared(shared_db: Database):
    """What the comparison above does not look at: checks, exclusions, and how an index is built."""
    constraints = {row["conname"] for row in await shared_db.fetch("SELECT conname FROM pg_constraint")}
    indexes = {
        row["indexname"]: row["indexdef"] for row in await shared_db.fetch("SELECT indexname, indexdef FROM pg_indexes")
    }
    for table in metadata.tables.values():
        assert {str(constraint.name) for constraint in table.constraints} - constraints == set(), table.name
        for index in table.indexes:
            options = index.dialect_options["postgresql"]
            definition = indexes[str(index.name)]
            assert ("UNIQUE" in definition) == bool(index.unique)
            assert f"USING {options['using'] or 'btree'} " in definition
            assert (options["where"] is not None) == (" WHERE " in definition), definition
            for operators in (options["ops"] or {}).values():
                assert operators in definition
    exclusion = await shared_db.fetchval(
        "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'prices_no_overlap_ex'"
    )
    assert exclusion.startswith("EXCLUDE USING gist (sku_id WITH =")
    assert "valid WITH &&" in exclusion


async def test_every_function_of_every_sql_file_is_applied(shared_db: Database):
    applied = {
        row["proname"]
        for row in await shared_db.fetch("SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace")
    }
    files = list(SOURCES.rglob("*.sql"))
    assert files
    for path in files:
        text = re.sub(r"--[^\n]*", "", path.read_text(encoding="utf-8"))
        names = FUNCTION.findall(text)
        assert names, f"{path.name} makes no function"
        assert OTHER.findall(text) == [], path.name
        assert {name.lower() for name in names} <= applied, path.name


def test_every_migration_gives_up_on_a_held_lock():
    revisions = sorted((MIGRATIONS / "versions").glob("*.py"))
    assert revisions
    for path in revisions:
        number = path.name.split("_")[0]
        text = path.read_text(encoding="utf-8")
        assert f'revision = "{number}"' in text, "a revision is named by its file's number"
        for function in ("upgrade", "downgrade"):
            body = next(n for n in ast.parse(text).body if isinstance(n, ast.FunctionDef) and n.name == function).body
            assert "SET LOCAL lock_timeout" in ast.unparse(body[1]), f"{path.name}: {function}"


@pytest.mark.parametrize("name", sorted(name for name, declared in registry.items() if declared.append_only))
async def test_the_application_cannot_rewrite_an_append_only_table(shared_db: Database, name: str):
    for right, wanted in (
        ("SELECT", True),
        ("INSERT", True),
        ("UPDATE", False),
        ("DELETE", False),
        ("TRUNCATE", False),
    ):
        assert await shared_db.fetchval("SELECT has_table_privilege($1, $2)", name, right) is wanted, right


async def test_the_application_cannot_say_what_was_migrated(shared_db: Database):
    for name in ("alembic_version", "schema_files"):
        assert await shared_db.fetchval("SELECT has_table_privilege($1, 'SELECT')", name)
        assert not await shared_db.fetchval("SELECT has_table_privilege($1, 'INSERT, UPDATE, DELETE')", name)


async def test_the_application_owns_nothing(shared_db: Database):
    owners = await shared_db.fetch(
        "SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname IN ('public', 'pgqueuer')"
    )
    assert [row["tableowner"] for row in owners] == ["duoline_owner"]
    assert not await shared_db.fetchval("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
