"""The database: a pool, transactions opened at the edge, and nothing else.

A domain function takes `tx` and never commits. `begin()` retries nothing by itself: the edge that knows
the idempotency key decides (see `channels.http`).
"""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, NewType, cast

import asyncpg
import msgspec

from duoline.kernel.errors import Fault, Unavailable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from asyncpg.pool import PoolConnectionProxy

Tx = NewType("Tx", asyncpg.Connection)
"""A connection inside a transaction. Take it first, pass it down, never commit it."""


class DatabaseFault(Fault, asyncpg.PostgresError):
    """A broken invariant that a function in the database has found (`duo_fault`).

    The driver looks up classes of errors by their SQLSTATE, so this is what it raises: nobody has to translate.
    """

    sqlstate = "ZD001"

    def __init__(self, message: str) -> None:
        super().__init__(message)


# Worth one more try by the edge: the transaction was rolled back whole and nothing was answered.
RETRYABLE = (
    asyncpg.exceptions.DeadlockDetectedError,
    asyncpg.exceptions.SerializationError,
    asyncpg.exceptions.LockNotAvailableError,
)

# What says nothing of the work itself: the database was busy, away, full or being stopped, or something else that does
# not answer now. The same work may go well later, however often it has failed so far.
AWAY = (
    *RETRYABLE,
    asyncpg.exceptions.TransactionRollbackError,
    asyncpg.exceptions.OperatorInterventionError,  # also a statement's time that is over
    asyncpg.exceptions.PostgresConnectionError,
    asyncpg.exceptions.InsufficientResourcesError,
    asyncpg.exceptions.PostgresSystemError,
    asyncpg.exceptions.ReadOnlySQLTransactionError,
    asyncpg.exceptions.IdleInTransactionSessionTimeoutError,
    asyncpg.exceptions.InterfaceError,  # the connection was closed
    OSError,  # and time-outs, which are such
    Unavailable,
)

_encoder = msgspec.json.Encoder()


def _encode(value: Any) -> str:
    return value if isinstance(value, str) else _encoder.encode(value).decode()


async def _prepare(connection: asyncpg.Connection[Any]) -> None:
    """Teach a new connection our codecs: jsonb takes text or Python values and gives Python."""
    await connection.set_type_codec("jsonb", encoder=_encode, decoder=json.loads, schema="pg_catalog")


async def _as_it_is(_connection: object) -> None:
    """What becomes of a connection that comes back: nothing. A rest of a transaction is rolled back all the same.

    The driver would send RESET ALL and four more statements after every query, a third of the cost of a page.
    Nothing here changes a session's settings, takes advisory locks or leaves cursors open.
    """


class Database:
    """A pool of connections to one PostgreSQL.

    Lending and taking back a connection costs the driver's pool one and a half times what a small query costs, so
    connections that come back healthy wait here, outside the pool, for whoever comes next (docs/decisions/0004). They
    go back into it as soon as somebody waits for one.
    """

    def __init__(self, pool: asyncpg.Pool[Any], wait_s: float) -> None:
        self._pool, self._wait_s = pool, wait_s
        self._waiting = 0
        self._idle: list[asyncpg.Connection[Any]] = []

    @classmethod
    async def connect(cls, dsn: str, *, size_max: int = 16, size_min: int = 1, wait_s: float = 5) -> Database:
        """Open a pool. Statement and lock time-outs are set on every connection, and nobody waits for one for longer
        than `wait_s`: better a refusal than a queue that grows."""
        try:
            pool = await asyncpg.create_pool(
                dsn,
                min_size=size_min,
                max_size=size_max,
                init=_prepare,
                reset=_as_it_is,
                server_settings={
                    "application_name": "duoline",
                    "jit": "off",
                    # A plan for all arguments, made once a connection: planning a page anew each time costs more than
                    # running it. Lists with optional filters, which need a plan of their own, use `fetch_filtered`.
                    "plan_cache_mode": "force_generic_plan",
                    "lock_timeout": "5s",
                    "statement_timeout": "30s",
                    "idle_in_transaction_session_timeout": "30s",
                    "timezone": "UTC",
                },
            )
        except (OSError, asyncpg.PostgresError) as error:
            raise Unavailable(f"the database does not answer: {error}") from error
        return cls(pool, wait_s)

    async def close(self) -> None:
        """Close every connection."""
        while self._idle:
            await self._release(self._idle.pop())
        await self._pool.close()

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[Tx]:
        """A transaction: commits at the end of the block, rolls back if it raises."""
        async with self.acquire() as connection, connection.transaction():
            yield Tx(connection)

    @asynccontextmanager
    async def acquire(self) -> AsyncIterator[asyncpg.Connection[Any]]:
        """A bare connection for reads that need several statements."""
        connection = await self._take()
        try:
            yield connection
        except BaseException:
            await self._release(connection)  # which waits for a statement that is being cancelled
            raise
        await self._give_back(connection)

    async def fetch(self, sql: str, *args: Any) -> list[asyncpg.Record]:
        """Rows of a read."""
        async with self.acquire() as connection:
            return await connection.fetch(sql, *args)

    async def fetch_filtered(self, sql: str, *args: Any) -> list[asyncpg.Record]:
        """Rows of a list with optional filters: planned for these very arguments."""
        async with self.acquire() as connection, connection.transaction(readonly=True):
            await connection.execute("SET LOCAL plan_cache_mode = force_custom_plan")
            rows: list[asyncpg.Record] = await connection.fetch(sql, *args)
            return rows

    async def fetchrow(self, sql: str, *args: Any) -> asyncpg.Record | None:
        """The first row of a read, if any."""
        connection = await self._take()
        try:
            row = await connection.fetchrow(sql, *args)
        except BaseException:
            await self._release(connection)
            raise
        await self._give_back(connection)
        return row

    async def execute(self, sql: str, *args: Any) -> str:
        """One statement that is a transaction of its own."""
        async with self.acquire() as connection:
            return await connection.execute(sql, *args)

    async def fetchval(self, sql: str, *args: Any) -> Any:
        """The first value of the first row of a read."""
        connection = await self._take()
        try:
            value = await connection.fetchval(sql, *args)
        except BaseException:
            await self._release(connection)
            raise
        await self._give_back(connection)
        return value

    async def _take(self) -> asyncpg.Connection[Any]:
        while self._idle:
            connection = self._idle.pop()
            if not connection.is_closed():
                return connection
            await self._release(connection)
        self._waiting += 1
        try:
            return cast("asyncpg.Connection[Any]", await self._pool.acquire(timeout=self._wait_s))
        finally:
            self._waiting -= 1

    async def _give_back(self, connection: asyncpg.Connection[Any]) -> None:
        if self._waiting or connection.is_closed():
            await self._release(connection)
        else:
            self._idle.append(connection)

    async def _release(self, connection: asyncpg.Connection[Any]) -> None:
        await self._pool.release(cast("PoolConnectionProxy[Any]", connection))
