"""`duoline restore`: stand up a backup in another home directory, and prove that it is right."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import Annotated

import asyncpg
import typer
from rich.console import Console

from duoline.entry import backups
from duoline.entry.check import check
from duoline.entry.migrate import grant, migrate
from duoline.kernel import postgres
from duoline.kernel.config import Settings, from_environment

# What may stand in a home directory that counts as empty: reading the settings makes the secret.
NOTHING_YET = frozenset({"secret"})


def command(
    source: Annotated[Path, typer.Argument(help="A directory that `duoline backup` wrote.")],
    home: Annotated[Path | None, typer.Option(help="New, empty DUOLINE_HOME to restore into.")] = None,
) -> None:
    """Restore a backup into an empty home directory (or database), bring it up to date, and check it."""
    if home is not None:
        os.environ["DUOLINE_HOME"] = str(home)
    console = Console()
    manifest = backups.read(source)
    settings = from_environment()
    _refuse_full(settings)
    console.print(f"Restoring {source.name}, made {manifest.made_at} by Duoline {manifest.duoline}.", highlight=False)
    backups.put_back_files(source, settings.home)
    with postgres.access(settings) as access:
        asyncio.run(_refuse_tables(access.owner_dsn))
        backups.put_back_database(source, access.owner_dsn)
        asyncio.run(_bring_up_to_date(access))
        good = asyncio.run(check(access.dsn, console))
    console.print(f"To serve it: DUOLINE_HOME={settings.home} duoline serve", highlight=False, soft_wrap=True)
    sys.exit(0 if good else 1)


def _refuse_full(settings: Settings) -> None:
    there = {path.name for path in settings.home.iterdir()} if settings.home.exists() else set()
    if full := sorted(there - NOTHING_YET):
        raise backups.BackupTrouble(
            f"{settings.home} is not empty ({', '.join(full[:3])}…): restore into another directory with --home."
        )


async def _refuse_tables(dsn: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        count = await connection.fetchval("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")
    finally:
        await connection.close()
    if count:
        raise backups.BackupTrouble(f"The database has {count} tables already; restore into an empty one.")


async def _bring_up_to_date(access: postgres.Access) -> None:
    """A backup of an older version is migrated; one of this version needs only the rights, which no dump carries."""
    if not await migrate(access):
        await grant(access)
