"""`duoline demo`: fill a database with an invented chain on real Chinese places."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar

from duoline.entry.demo.load import load
from duoline.entry.demo.numbers import FIRST_PHONE, spaced_phone
from duoline.entry.demo.people import PASSWORD, accounts
from duoline.entry.demo.size import Size
from duoline.entry.marks import DEMO_LOG_INS
from duoline.entry.process import migrate_first
from duoline.entry.schema import pending
from duoline.kernel import clock, postgres
from duoline.kernel.config import from_environment
from duoline.kernel.db import Database

if TYPE_CHECKING:
    from duoline.channels.imports.run import Progress
    from duoline.kernel.config import Settings


def command(
    stores: Annotated[int, typer.Option(min=1, max=20_000, help="Shops.")] = 24,
    regions: Annotated[int, typer.Option(min=1, max=500, help="Regions; each is a city.")] = 3,
    dcs: Annotated[int, typer.Option(min=0, max=50, help="Distribution centres.")] = 1,
    skus: Annotated[int, typer.Option(min=1, max=2_000_000, help="SKUs.")] = 2000,
    members: Annotated[int, typer.Option(min=0, max=20_000_000, help="Members.")] = 2000,
    days: Annotated[int, typer.Option(min=0, max=60, help="Days of past orders.")] = 14,
    promotions: Annotated[bool, typer.Option(help="With promotions, or every article at its own price.")] = True,
    seed: Annotated[int, typer.Option(help="The same seed on the same day makes the same chain.")] = 1,
) -> None:
    """Fill the database with an invented mother-and-baby chain. Adds to what is there; never deletes."""
    settings = from_environment()
    console = Console(stderr=True)
    if not settings.development:
        console.print("The demo chain comes with known passwords; it is for DUOLINE_ENV=development only.")
        raise typer.Exit(1)
    size = Size(
        stores=stores,
        regions=min(regions, stores),
        dcs=dcs,
        skus=skus,
        members=members,
        days=days,
        promotions=promotions,
        seed=seed,
        now=clock.now(),
    )
    began = time.monotonic()
    with postgres.access(settings) as access:
        if asyncio.run(pending(access.owner_dsn)):
            migrate_first()
        asyncio.run(_fill(settings, access, size, console))
    console.print(f"The demo chain is ready ({time.monotonic() - began:.0f} s).")
    print_log_ins(console, size)
    with open(settings.home / DEMO_LOG_INS, "w", encoding="utf-8") as file:
        print_log_ins(Console(file=file, width=120), size)


async def _fill(settings: Settings, access: postgres.Access, size: Size, console: Console) -> None:
    db = await Database.connect(access.dsn, size_max=4)
    try:
        with Bar(
            SpinnerColumn(),
            TextColumn("{task.description:<10}"),
            BarColumn(),
            TextColumn("{task.completed:>10,.0f} rows"),
            TimeElapsedColumn(),
            console=console,
        ) as bar:
            tasks: dict[str, TaskID] = {}

            def report(kind: str, progress: Progress) -> None:
                task = tasks[kind] if kind in tasks else tasks.setdefault(kind, bar.add_task(kind, total=None))
                bar.update(task, total=progress.total, completed=progress.done or progress.read)

            await load(db, settings, size, report=report)
    finally:
        await db.close()


def print_log_ins(console: Console, size: Size) -> None:
    """Say with what one can log in."""
    found = accounts(size)
    console.print(f"\nStaff (password of all: [bold]{PASSWORD}[/]):", highlight=False)
    shown: set[str] = set()
    for login, _, role, _, _ in found:
        if role not in shown:
            shown.add(role)
            count = sum(each[2] == role for each in found)
            more = f" and {count - 1} more" if count > 1 else ""
            console.print(f"  {role:<13} [bold]{login}[/]{more}", highlight=False)
    last = FIRST_PHONE + size.members - 1
    console.print(
        f"Members: {spaced_phone(f'+86{FIRST_PHONE}')} to {spaced_phone(f'+86{last}')}; "
        "their log-in codes appear at /dev/inbox and in the log.\n",
        highlight=False,
    )
