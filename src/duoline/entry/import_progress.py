"""How far an import is: a bar on a terminal, now and then a line anywhere else.

A log of a night's import should say that it goes on, how long it takes and that its memory stays where it is.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.console import Console

    from duoline.channels.imports.run import Progress

    Show = Callable[[Progress], None]

LINE_EVERY_S = 5.0


@contextmanager
def shown(console: Console) -> Iterator[Show]:
    """What an import is to call with its progress."""
    if not console.is_terminal:
        yield _lines(console)
        return
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    with Bar(*columns, console=console) as bar:
        task = bar.add_task("reading", total=None)

        def show(now: Progress) -> None:
            step = step_of(now)
            if step == "reading":
                bar.update(task, completed=now.read)
            else:
                bar.update(task, description=step, completed=now.done, total=now.total)

        yield show


def step_of(now: Progress) -> str:
    """Reading and checking rows, sorting them into the order of work, or writing them."""
    if now.total is None:
        return "reading"
    return "writing" if now.done else "sorting"


def _lines(console: Console) -> Show:
    """A line at each new step, and every few seconds in between."""
    began = said_at = time.monotonic()
    said = ""

    def show(now: Progress) -> None:
        nonlocal said, said_at
        step, at = step_of(now), time.monotonic()
        if step == said and at - said_at < LINE_EVERY_S:
            return
        said, said_at = step, at
        rows = f"{now.done:,} of {now.total:,} rows" if step == "writing" else f"{now.read:,} rows"
        console.print(f"{step}: {rows}, {at - began:.0f} s, {memory_mb('VmRSS')} MB", highlight=False)

    return show


def memory_mb(what: str) -> int:
    """Memory of this program: now (`VmRSS`) or the most there was (`VmHWM`).

    Not from getrusage, which counts what the program that started it had.
    """
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith(f"{what}:"):
            return int(line.split()[1]) // 1024
    return 0
