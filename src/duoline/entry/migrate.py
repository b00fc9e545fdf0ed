"""`duoline migrate`: bring a database to the state this version needs. Safe to repeat, and at the same time.

In this order, under one lock: the numbered revisions in `migrations/versions` (Alembic); PgQueuer's own schema;
the SQL functions, every `*.sql` file under `src/duoline`, applied anew when its text has changed; and the rights
of the application's role, which may not change or delete rows of append-only tables.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import asyncpg
from alembic import command as alembic
from alembic.config import Config
from pgqueuer.adapters.drivers.asyncpg import AsyncpgDriver
from pgqueuer.adapters.persistence.qb import QueryBuilderEnvironment
from pgqueuer.domain.settings import DBSettings
from pgqueuer.queries import Queries
from rich.console import Console
from sqlalchemy import NullPool
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from duoline.entry.metadata import metadata, registry
from duoline.entry.schema import MIGRATIONS, QUEUE, CannotMigrate, files, pending
from duoline.kernel import jobs, postgres
from duoline.kernel.config import CHECKOUT, from_environment
from duoline.kernel.log import set_up as log_set_up

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from sqlalchemy import Connection

# Made by Alembic and by this file, so unknown to the metadata.
OWN_TABLES = frozenset({"alembic_version", "schema_files"})

BOOK = """
CREATE TABLE IF NOT EXISTS schema_files (
    path text NOT NULL,
    checksum text NOT NULL,
    applied_at timestamptz NOT NULL,
    CONSTRAINT schema_files_pk PRIMARY KEY (path)
)
"""

ENTER = """
INSERT INTO schema_files (path, checksum, applied_at) VALUES ($1, $2, now())
ON CONFLICT (path) DO UPDATE SET checksum = EXCLUDED.checksum, applied_at = EXCLUDED.applied_at
"""


async def migrate(access: postgres.Access) -> list[str]:
    """Apply what is pending and return the names of it. Raises `CannotMigrate`."""
    if trouble := await postgres.obstacles(access.owner_dsn):
        raise CannotMigrate("\n".join(map(str, trouble)))
    await pending(access.owner_dsn)  # refuses another program's database before anything is made in it
    async with _alone(access.owner_dsn):
        todo = await pending(access.owner_dsn)
        if todo:
            await _apply(access, todo)
    return todo


@asynccontextmanager
async def _alone(dsn: str) -> AsyncIterator[None]:
    """Hold a lock for the whole migration, so that two starting processes do it one after the other."""
    connection = await asyncpg.connect(dsn)
    try:
        await _make_book(connection)
        async with connection.transaction():
            await connection.execute("LOCK TABLE schema_files IN SHARE UPDATE EXCLUSIVE MODE")
            yield
    finally:
        await connection.close()


async def _make_book(connection: asyncpg.Connection[Any]) -> None:
    """IF NOT EXISTS does not help two processes at the same instant: one fails on the catalogue, and looks again."""
    try:
        await connection.execute(BOOK)
    except (asyncpg.UniqueViolationError, asyncpg.DuplicateTableError):
        await connection.execute(BOOK)


async def _apply(access: postgres.Access, todo: list[str]) -> None:
    if any(path.startswith("migrations/") for path in todo):
        await _run_revisions(access.owner_dsn)
    checksums = files()
    application, owner = await _role(access.dsn), await asyncpg.connect(access.owner_dsn)
    try:
        if QUEUE in todo:
            await _install_queue(owner)
        await _replace_functions(owner, [path for path in todo if path.endswith(".sql")])
        async with owner.transaction():
            await _grant(owner, application)
            await owner.executemany(ENTER, [(path, checksums[path]) for path in todo])
    finally:
        await owner.close()


async def grant(access: postgres.Access) -> None:
    """Set the rights of the application's role anew, as after a restore."""
    owner = await asyncpg.connect(access.owner_dsn)
    try:
        async with owner.transaction():
            await _grant(owner, await _role(access.dsn))
    finally:
        await owner.close()


def engine(dsn: str) -> AsyncEngine:
    """An SQLAlchemy engine for Alembic; nothing else in Duoline uses one."""

    async def connect() -> Any:
        return await asyncpg.connect(dsn)

    return create_async_engine("postgresql+asyncpg://", async_creator=connect, poolclass=NullPool)


def is_ours(_item: Any, name: str | None, kind: str, _reflected: bool, _compare_to: Any) -> bool:
    """Whether Alembic should look at an object: not at the tables it does not know the reason of."""
    return kind != "table" or name not in OWN_TABLES


def alembic_config(connection: Connection | None = None) -> Config:
    """Alembic's configuration without its file."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("file_template", "%%(rev)s_%%(slug)s")
    config.attributes["connection"] = connection
    return config


async def _run_revisions(dsn: str) -> None:
    database = engine(dsn)
    try:
        async with database.connect() as connection:
            await connection.run_sync(lambda sync: alembic.upgrade(alembic_config(sync), "head"))
    finally:
        await database.dispose()


async def _install_queue(owner: asyncpg.Connection[Any]) -> None:
    """PgQueuer's schema, without its trigger (see `kernel.jobs`)."""
    names = DBSettings(db_schema=jobs.SCHEMA)
    queries = Queries(AsyncpgDriver(owner), qbe=QueryBuilderEnvironment(names))
    if await queries.schema_is_installed():
        await queries.upgrade()
    else:
        await queries.install()
    await owner.execute(f"DROP TRIGGER IF EXISTS {names.trigger} ON {names.qualified.queue_table}")


async def _replace_functions(owner: asyncpg.Connection[Any], paths: list[str]) -> None:
    """Apply files of functions, all or none. One that needs another's function waits until that one is there."""
    async with owner.transaction():
        await owner.execute("SET LOCAL check_function_bodies = off")
        while paths:
            waiting = [path for path in paths if not await _replaced(owner, path, last_try=False)]
            if len(waiting) == len(paths):
                await _replaced(owner, waiting[0], last_try=True)
            paths = waiting


async def _replaced(owner: asyncpg.Connection[Any], path: str, *, last_try: bool) -> bool:
    """Apply one file. One that changes a function's result type must drop the old function itself first."""
    try:
        async with owner.transaction():
            await owner.execute((CHECKOUT / path).read_text(encoding="utf-8"))
    except asyncpg.UndefinedFunctionError as error:
        if last_try:
            raise CannotMigrate(f"{path}: {error}") from error
        return False
    except asyncpg.PostgresError as error:
        raise CannotMigrate(f"{path}: {error}") from error
    return True


async def _role(dsn: str) -> str:
    connection = await asyncpg.connect(dsn)
    try:
        return str(await connection.fetchval("SELECT quote_ident(current_user)"))
    finally:
        await connection.close()


async def _grant(owner: asyncpg.Connection[Any], application: str) -> None:
    """Give the application's role what it needs, and take from it what would let it rewrite history."""
    for schema in ("public", jobs.SCHEMA):
        await owner.execute(
            f"""
            GRANT USAGE ON SCHEMA {schema} TO {application};
            GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO {application};
            GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA {schema} TO {application};
            """
        )
    single_role = await owner.fetchval("SELECT quote_ident(current_user)") == application
    if not single_role:
        for name in sorted(OWN_TABLES):
            await owner.execute(f"REVOKE INSERT, UPDATE, DELETE ON {name} FROM {application}")
    for name in append_only_tables():
        await owner.execute(f"REVOKE UPDATE, DELETE, TRUNCATE ON {name} FROM {application}")
        if single_role and (columns := sorted({*_referenced_columns(name), *registry[name].erasable})):
            # A foreign key locks the row it points at with its owner's rights, which takes UPDATE on some column, and
            # `duo_forget_history` cuts names out of others. With one role for everything those are the key and the
            # columns that may name somebody; with an owner of its own it is none.
            await owner.execute(f"GRANT UPDATE ({', '.join(columns)}) ON {name} TO {application}")


def append_only_tables() -> list[str]:
    """Tables whose rows the application may add and read only."""
    return sorted(name for name, declared in registry.items() if declared.append_only)


def _referenced_columns(name: str) -> list[str]:
    for table in metadata.tables.values():
        for key in table.foreign_key_constraints:
            if key.referred_table.name == name:
                return sorted(element.column.name for element in key.elements)
    return []


def command() -> None:
    """Bring the database to the state this version needs."""
    settings = from_environment()
    log_set_up(settings.log_format, settings.log_level)
    with postgres.access(settings) as access:
        done = asyncio.run(migrate(access))
    console = Console()
    for path in done:
        console.print(f"applied {path}", highlight=False)
    console.print("The database is up to date.")
