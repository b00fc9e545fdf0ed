"""What the schema is made of, and whether a database has all of it. Loads no migration library.

The table `schema_files` keeps the checksum of each file that was applied. That lets a start see in one query
that nothing is pending, and it shows when a revision was edited after it was applied.
"""

from __future__ import annotations

import hashlib
from importlib.metadata import version
from typing import Any

import asyncpg

from duoline.kernel.config import CHECKOUT
from duoline.kernel.postgres import PostgresTrouble

MIGRATIONS = CHECKOUT / "migrations"
SOURCES = CHECKOUT / "src" / "duoline"
QUEUE = "pgqueuer"


# Tables and views beside which nothing of ours may be made. What came with an extension is nobody's. One statement, so
# that a migration that begins at this moment is seen with its book, which it makes first, or not at all.
TABLES = """
SELECT c.relname FROM pg_class c
WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm')
  AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')
ORDER BY c.relname <> 'schema_files', c.relname LIMIT 3
"""


class CannotMigrate(PostgresTrouble):
    """The database cannot be brought to this version; the text says why and what to do."""


def files() -> dict[str, str]:
    """Every part of the schema in the order of application, with its checksum: revisions, the queue, SQL functions."""
    revisions = sorted((MIGRATIONS / "versions").glob("[0-9]*.py"))
    functions = sorted(SOURCES.rglob("*.sql"))
    found = {path.relative_to(CHECKOUT).as_posix(): _checksum(path.read_bytes()) for path in revisions}
    found[QUEUE] = _checksum(version("pgqueuer").encode())
    return found | {path.relative_to(CHECKOUT).as_posix(): _checksum(path.read_bytes()) for path in functions}


def _checksum(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


class NotMigrated(PostgresTrouble):
    """The database has not what this version needs; `duoline migrate` brings it there."""

    def __init__(self, what: str = "The database is empty") -> None:
        super().__init__(f"{what}: run `duoline migrate` first.")


async def require(owner_dsn: str) -> None:
    """Refuse with `NotMigrated` a database that is empty or behind. Raises `CannotMigrate` as `pending`."""
    todo = await pending(owner_dsn)
    if len(todo) == len(files()):
        raise NotMigrated
    if todo:
        raise NotMigrated(f"The database is behind by {len(todo)} parts, first {todo[0]}")


async def is_empty(dsn: str) -> bool:
    """Whether the database was never migrated. Any role may ask. Raises `CannotMigrate` for another program's."""
    connection = await _connect(dsn)
    try:
        return not await _is_ours(connection)
    finally:
        await connection.close()


async def pending(owner_dsn: str) -> list[str]:
    """The parts that were never applied or have changed since, in order of application; empty when up to date.

    Ask as the owner of the tables: after a migration that failed the application has no rights yet.
    Raises `CannotMigrate` for a database that does not answer or belongs to another program, for a revision that was
    edited after it was applied, and for a database that a newer version of Duoline has migrated.
    """
    connection = await _connect(owner_dsn)
    try:
        applied = await _applied(connection)
    finally:
        await connection.close()
    wanted = files()
    for path in applied:
        if path.startswith("migrations/"):
            if path not in wanted:
                raise CannotMigrate(f"A newer Duoline has migrated this database ({path}); use that version or newer.")
            if applied[path] != wanted[path]:
                raise CannotMigrate(
                    f"{path} was edited after this database was made with it. If the data is not needed, remove the "
                    "directory DUOLINE_HOME (.duoline) and start again; otherwise restore the file and add a revision."
                )
    return [path for path, checksum in wanted.items() if applied.get(path) != checksum]


async def _connect(dsn: str) -> asyncpg.Connection[Any]:
    try:
        return await asyncpg.connect(dsn)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise CannotMigrate(f"the database does not answer: {error}") from error


async def _is_ours(connection: asyncpg.Connection[Any]) -> bool:
    """Whether the database was migrated before; an empty one was not, and another program's is refused."""
    others = [row["relname"] for row in await connection.fetch(TABLES)]
    if "schema_files" in others:
        return True
    if others:
        raise CannotMigrate(
            f"This database belongs to another program (it has tables that are not ours: {', '.join(others)}). "
            "Give Duoline a database of its own with DUOLINE_DATABASE_URL."
        )
    return False


async def _applied(connection: asyncpg.Connection[Any]) -> dict[str, str]:
    if not await _is_ours(connection):
        return {}
    return {row["path"]: row["checksum"] for row in await connection.fetch("SELECT path, checksum FROM schema_files")}
