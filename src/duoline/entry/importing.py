"""`duoline import`: take in a CSV, XLSX or Parquet file, or carry out an import that the console has asked for."""

from __future__ import annotations

import asyncio
import getpass
import signal
import time
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer
from rich.console import Console

from duoline.channels.imports import book, mapping
from duoline.channels.imports.background import REFUSED
from duoline.channels.imports.dictionary import KINDS
from duoline.channels.imports.execute import execute
from duoline.channels.imports.run import Result
from duoline.entry.import_progress import memory_mb, shown
from duoline.entry.process import die_with_parent, migrate_first
from duoline.entry.schema import pending
from duoline.kernel import postgres
from duoline.kernel.auth import SYSTEM_ID, Actor
from duoline.kernel.config import Settings, from_environment
from duoline.kernel.db import Database
from duoline.kernel.errors import Refusal
from duoline.kernel.ids import new_id
from duoline.kernel.log import set_up as log_set_up

POOL = 3


def command(
    kind: Annotated[str | None, typer.Argument(help=f"What the rows are: {', '.join(KINDS)}.")] = None,
    file: Annotated[Path | None, typer.Argument(help="The file.", exists=True, dir_okay=False)] = None,
    mapping_file: Annotated[
        Path | None, typer.Option("--mapping", help="Where our columns come from (TOML or JSON).", exists=True)
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only look for problems; change nothing.")] = False,
    move_stock: Annotated[bool, typer.Option("--move-stock", help="Past orders take their units from stock.")] = False,
    errors: Annotated[Path | None, typer.Option(help="Where to write bad rows (CSV).")] = None,
    job: Annotated[str | None, typer.Option(help="Carry out this import of the console.", hidden=True)] = None,
) -> None:
    """Take in a file: every good row is kept, every bad one is listed with line, column and reason.

    Exit code 0: all rows are in; 1: some were bad; 2: the file as a whole cannot be used. The columns are described
    in docs/guides/import.md. Importing the same file again changes nothing.
    """
    settings = from_environment()
    console = Console(stderr=True)
    if job is not None:
        die_with_parent(signal.SIGTERM)
        log_set_up(settings.log_format, settings.log_level)
        with postgres.access(settings) as access:
            raise typer.Exit(asyncio.run(_run_asked(settings, access.dsn, UUID(job))))
    if kind not in KINDS or file is None:
        console.print(f"Say what to import and from where: duoline import KIND FILE, KIND one of {', '.join(KINDS)}.")
        raise typer.Exit(REFUSED)
    with postgres.access(settings) as access:
        if asyncio.run(pending(access.owner_dsn)):
            migrate_first()
        try:
            result = asyncio.run(
                _run_here(settings, access.dsn, kind, file, mapping_file, dry_run, move_stock, errors, console)
            )
        except Refusal as refusal:
            console.print(f"[bold red]duoline:[/] {refusal.sentence('en')}", highlight=False)
            for each in refusal.fields.get("problems", []):
                console.print(f"  {each['field']} {each['en']}", highlight=False, markup=False)
            raise typer.Exit(REFUSED) from refusal
    raise typer.Exit(1 if result.bad else 0)


async def _run_here(
    settings: Settings,
    dsn: str,
    kind: str,
    file: Path,
    mapping_file: Path | None,
    dry_run: bool,
    move_stock: bool,
    errors: Path | None,
    console: Console,
) -> Result:
    """Import a file of this machine and show how far it is. The import stands in the book like any other."""
    content = None if mapping_file is None else mapping.read(mapping_file)
    db = await Database.connect(dsn, size_max=POOL)
    began = time.monotonic()
    try:
        async with db.begin() as tx:
            wanted = await book.enter(
                tx,
                import_id=new_id(),
                kind=kind,
                filename=file.name,
                mapping=content,
                actor=Actor("system", SYSTEM_ID, f"{getpass.getuser()} (duoline import)"),
                dry_run=dry_run,
                move_stock=move_stock,
            )
        listed = errors or book.errors_path(settings.imports_dir, wanted.id)
        with shown(console) as show:
            result = await execute(db, wanted, file, listed, progress=show)
    finally:
        await db.close()
    _summarise(console, kind, result, listed, seconds=time.monotonic() - began, dry_run=dry_run)
    return result


def _summarise(console: Console, kind: str, result: Result, errors: Path, *, seconds: float, dry_run: bool) -> None:
    pace = result.rows / seconds if seconds else 0
    peak = memory_mb("VmHWM")
    if dry_run:
        console.print(f"{kind}: {result.rows:,} rows looked at, nothing changed.", highlight=False)
    else:
        console.print(
            f"{kind}: {result.rows:,} rows; {result.changed:,} changed something, {result.same:,} were there already.",
            highlight=False,
        )
    console.print(f"{seconds:.1f} s, {pace:,.0f} rows a second, {peak} MB of memory at most.", highlight=False)
    if result.bad:
        console.print(f"[bold red]{result.bad:,} rows were bad[/]; they are listed in {errors}", highlight=False)


async def _run_asked(settings: Settings, dsn: str, import_id: UUID) -> int:
    """Carry out an import of the console in this process; the answer is the exit code."""
    db = await Database.connect(dsn, size_max=POOL)
    path = book.upload_path(settings.imports_dir, import_id)
    try:
        wanted = await book.get(db, import_id)
        result = await execute(db, wanted, path, book.errors_path(settings.imports_dir, import_id))
    except Refusal:
        path.unlink(missing_ok=True)
        return REFUSED
    finally:
        await db.close()
    path.unlink(missing_ok=True)
    return 1 if result.bad else 0
