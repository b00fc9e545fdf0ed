"""`duoline events`: what consumers of events failed on for good, and having it told to them again."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer
from rich.console import Console
from rich.table import Table

from duoline.entry.schema import require
from duoline.kernel import aside, postgres
from duoline.kernel.auth import SYSTEM
from duoline.kernel.config import from_environment
from duoline.kernel.db import Database
from duoline.kernel.errors import NotFound

if TYPE_CHECKING:
    from collections.abc import Collection

SHOWN_MAX = 1_000


def command(
    again: Annotated[list[UUID] | None, typer.Option(help="Tell this one again; may be given several times.")] = None,
    again_all: Annotated[bool, typer.Option("--all", help="Tell everything again that is put aside.")] = False,
    reason: Annotated[str, typer.Option(help="Why it will go well now, for the audit log.")] = "",
) -> None:
    """List the events that a part of Duoline could not digest, and have them told to it again.

    A running worker (`duoline serve` or `duoline worker`) tells them within seconds. What was told again and goes well
    vanishes from the list; what fails again is back in it, with what is wrong now.
    """
    with postgres.access(from_environment()) as access:
        asyncio.run(require(access.owner_dsn))
        asyncio.run(events(access.dsn, Console(), again=again or (), everything=again_all, reason=reason))


async def events(dsn: str, console: Console, *, again: Collection[UUID], everything: bool, reason: str) -> None:
    """Ask for those, or for everything, to be told again; then print what is put aside."""
    db = await Database.connect(dsn, size_max=1)
    try:
        wanted = again
        if everything:
            wanted = [one.id for one in await aside.list_aside(db, limit=SHOWN_MAX) if not one.asked]
        for record_id in wanted:
            try:
                async with db.begin() as tx:
                    await aside.ask_again(tx, record_id, reason=reason, actor=SYSTEM)
            except NotFound:
                console.print(f"{record_id}: nothing is put aside by this id.", highlight=False)
        _show(await aside.list_aside(db, limit=SHOWN_MAX), console)
    finally:
        await db.close()


def _show(found: list[aside.PutAside], console: Console) -> None:
    if not found:
        console.print("No event is put aside.", highlight=False)
        return
    table = Table("id", "since", "consumer", "topic", "about", "problem", box=None, pad_edge=False)
    for one in found:
        problem = "to be told again by the worker" if one.asked else one.problem
        table.add_row(str(one.id), f"{one.at:%Y-%m-%d %H:%M}", one.consumer, one.topic, one.about, problem)
    console.print(table)
