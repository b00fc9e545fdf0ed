"""What Alembic runs: online only, on a connection handed over by `duoline.entry.migrate` or made from the settings."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from alembic import context

from duoline.entry.metadata import metadata
from duoline.entry.migrate import engine, is_ours
from duoline.kernel import postgres
from duoline.kernel.config import settings

if TYPE_CHECKING:
    from sqlalchemy import Connection


def run(connection: Connection) -> None:
    """Run every pending revision, each in its own transaction."""
    context.configure(
        connection=connection,
        target_metadata=metadata,
        include_object=is_ours,
        compare_type=True,
        compare_server_default=False,
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        context.run_migrations()


async def run_by_settings() -> None:
    """For the `alembic` command itself: the database that the settings name."""
    with postgres.access(settings()) as access:
        database = engine(access.owner_dsn)
        async with database.connect() as connection:
            await connection.run_sync(run)
        await database.dispose()


handed_over: Any = context.config.attributes.get("connection")
if handed_over is not None:
    run(handed_over)
else:
    asyncio.run(run_by_settings())
