"""`duoline check`: run every named invariant against a database and show the rows that break one.

What it finds is kept, so that a breach which was put right vanishes from the console's Today at once.
"""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from duoline.entry.findings import INVARIANTS, ROWS_KEPT, Finding, broken, findings, keep
from duoline.entry.schema import require
from duoline.kernel import postgres
from duoline.kernel.config import from_environment
from duoline.kernel.db import Database

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["INVARIANTS", "Finding", "broken", "check", "findings", "show"]


def show(found: list[Finding], console: Console) -> bool:
    """Print the table, then the first rows of what is broken; True when everything holds."""
    table = Table("", "invariant", "what must hold", "rows that break it", box=None, pad_edge=False)
    for finding in found:
        mark = "[red]✗[/]" if finding.rows else "[green]✓[/]"
        table.add_row(mark, finding.id, finding.sentence, finding.count if finding.rows else "")
    console.print(table)
    bad = [finding for finding in found if finding.rows]
    for line in _details(bad):
        console.print(line, highlight=False, markup=False)
    console.print(f"{len(found) - len(bad)} of {len(found)} invariants hold.", highlight=False)
    return not bad


def _details(bad: list[Finding]) -> Iterator[str]:
    for finding in bad:
        yield f"\n{finding.id}: {finding.sentence}"
        for row in finding.rows[:ROWS_KEPT]:
            yield "  " + ", ".join(f"{name}={value}" for name, value in row.items())


async def check(dsn: str, console: Console) -> bool:
    """Run and print every invariant of a database; True when all hold."""
    db = await Database.connect(dsn, size_max=1)
    try:
        found = await findings(db)
        await keep(db, found)
        return show(found, console)
    finally:
        await db.close()


def command() -> None:
    """Prove that the books are right: every named invariant must hold."""
    with postgres.access(from_environment()) as access:
        asyncio.run(require(access.owner_dsn))
        good = asyncio.run(check(access.dsn, Console()))
    sys.exit(0 if good else 1)
