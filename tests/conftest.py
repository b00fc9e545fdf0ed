"""Fixtures that every test may use.

One throw-away PostgreSQL serves the whole run; its database is migrated once and is then the template that
fresh databases are copied from. In memory that takes two hundredths of a second; on a disk whose files are slow to
make it can take one, a thousand times a run.

- `tx`: a transaction that is rolled back. For verbs, which never commit.
- `db`: a pool on a database of the test's own. For what commits: flows, races, HTTP.
- `access`: where that database is, for tests that start processes; `access.owner_dsn` may do anything.
- `shared_db`: a pool on one database for all tests of a module, for read-only tests on costly data.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import asyncpg
import pytest
from hypothesis import settings as hypothesis_settings
from xdist.scheduler import LoadScopeScheduling

from duoline.entry.migrate import migrate
from duoline.kernel import postgres
from duoline.kernel.db import Database, Tx

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from xdist.remote import Producer

# No test asserts a time, and a busy machine is no failure.
hypothesis_settings.register_profile("duoline", deadline=None)
hypothesis_settings.load_profile("duoline")

# Made long before the first test: one database name for each copy.
_numbers = count(1)

WAIT_S = 60
"""Four hundred buyers at once on a machine that has other things to do: each gets a connection some time."""


CHROMIUM = any(shutil.which(name) for name in ("chromium-headless-shell", "chromium", "chromium-browser"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what drives a browser where there is none; `make browsers` says how to get one."""
    if not CHROMIUM:
        for item in items:
            if "browser" in item.keywords:
                item.add_marker(pytest.mark.skip(reason="no Chromium"))


class _Together(LoadScopeScheduling):
    """Where tests run in several processes: a file stays together, and so do all browser tests, with one chain and one
    browser. Planted bugs have nothing in common but their file; each goes where there is time."""

    def _split_scope(self, nodeid: str) -> str:
        if nodeid.startswith("tests/browser/"):
            return "browser"
        return nodeid if nodeid.startswith("tests/planted/") else nodeid.partition("::")[0]


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> _Together:
    return _Together(config, log)


MEMORY = Path("/dev/shm")  # noqa: S108 - a file system in memory
MEMORY_NEEDED = 2 << 30
"""Far more than the processes of a run use together; where there is less, they do not try."""


def throwaway_home() -> Path:
    """A directory for a server whose data nobody will miss: in memory where there is room, else on disk."""
    try:
        roomy = shutil.disk_usage(MEMORY).free >= MEMORY_NEEDED and os.access(MEMORY, os.W_OK | os.X_OK)
    except OSError:
        roomy = False
    home = Path(tempfile.mkdtemp(prefix="duoline-test-", dir=MEMORY if roomy else None))
    home.chmod(0o755)
    return home


@pytest.fixture(scope="session")
def server() -> Iterator[postgres.Access]:
    """A migrated throw-away PostgreSQL. Use the fixtures below; this one's database is the template."""
    home = throwaway_home()
    try:
        with postgres.embedded(home, postgres.THROWAWAY_SETTINGS) as access:
            asyncio.run(migrate(access))
            yield access
    finally:
        shutil.rmtree(home, ignore_errors=True)


@contextmanager
def _copy(server: postgres.Access) -> Iterator[postgres.Access]:
    """A fresh copy of the template, dropped at the end whoever is still connected."""
    name = f"copy_{next(_numbers)}"
    admin = _with_database(server.admin_dsn or "", "postgres")
    asyncio.run(_execute(admin, f"CREATE DATABASE {name} TEMPLATE duoline OWNER duoline_owner STRATEGY file_copy"))
    try:
        yield postgres.Access(
            dsn=_with_database(server.dsn, name),
            owner_dsn=_with_database(server.owner_dsn, name),
            admin_dsn=_with_database(server.admin_dsn or "", name),
            embedded=True,
        )
    finally:
        asyncio.run(_execute(admin, f"DROP DATABASE {name} WITH (FORCE)"))


def _with_database(dsn: str, name: str) -> str:
    return dsn.replace("/duoline?", f"/{name}?")


async def _execute(dsn: str, sql: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(sql)
    finally:
        await connection.close()


@pytest.fixture
def access(server: postgres.Access) -> Iterator[postgres.Access]:
    """A database of this test's own."""
    with _copy(server) as copy:
        yield copy


@pytest.fixture
async def db(access: postgres.Access) -> AsyncIterator[Database]:
    """A pool on a database of this test's own."""
    database = await Database.connect(access.dsn, wait_s=WAIT_S)
    yield database
    await database.close()


@pytest.fixture(scope="module")
def shared_access(server: postgres.Access) -> Iterator[postgres.Access]:
    """One database for all tests of a module."""
    with _copy(server) as copy:
        yield copy


@pytest.fixture(scope="module")
async def shared_db(shared_access: postgres.Access) -> AsyncIterator[Database]:
    """A pool on one database for all tests of a module."""
    database = await Database.connect(shared_access.dsn, wait_s=WAIT_S)
    yield database
    await database.close()


@pytest.fixture
async def tx(shared_db: Database) -> AsyncIterator[Tx]:
    """A transaction that is rolled back at the end of the test."""
    async with shared_db.acquire() as connection:
        transaction = connection.transaction()
        await transaction.start()
        yield Tx(connection)
        await transaction.rollback()
