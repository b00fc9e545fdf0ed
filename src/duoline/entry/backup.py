"""`duoline backup`: everything a shop needs to stand up again elsewhere, while it goes on selling."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from duoline.entry import backups
from duoline.entry.schema import is_empty
from duoline.kernel import clock, postgres
from duoline.kernel.config import from_environment


def command(
    target: Annotated[Path | None, typer.Argument(help="New directory; else one in DUOLINE_HOME/backups.")] = None,
) -> None:
    """Write database, pictures and sandbox ledger into a new directory. May run while the shop is open."""
    settings = from_environment()
    console = Console()
    target = (target or settings.home / "backups" / f"{clock.now():%Y%m%dT%H%M%SZ}").resolve()
    with postgres.access(settings) as access, console.status("Backing up…"):
        if asyncio.run(is_empty(access.owner_dsn)):
            raise backups.BackupTrouble("The database is empty: there is nothing to back up.")
        manifest = backups.write(access.owner_dsn, settings.home, target)
    size_mb = sum((target / path).stat().st_size for path in manifest.files) / 1_000_000
    console.print(f"{len(manifest.files)} files, {size_mb:.1f} MB: {target}", highlight=False, soft_wrap=True)
