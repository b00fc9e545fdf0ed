"""Take rows of a forgotten member out of the error files of imports: they hold rows as they came."""

from __future__ import annotations

import asyncio
import csv
from typing import TYPE_CHECKING, Any

from duoline.flows import erase_member
from duoline.flows.personal_data import digits_of

if TYPE_CHECKING:
    from pathlib import Path

WORD_MIN = 2
"""Shorter than a name, and in too many cells to mean anybody."""

_places: list[Path] = []


def connect(imports_dir: Path) -> None:
    """Say where this installation keeps them. Called once in every process that runs jobs."""
    _places[:] = [imports_dir]


@erase_member.in_files
async def forget(traces: dict[str, Any]) -> None:
    """Rewrite each error file without the rows that have the number, however it is written, or a word that named the
    member for a whole cell. Safe to repeat; one that dies leaves the file as it was."""
    for place in _places:
        await asyncio.to_thread(_sweep, place, traces)


def _sweep(place: Path, traces: dict[str, Any]) -> None:
    numbers = {digits for digits in map(digits_of, traces["phones"]) if digits}
    words = {word for word in traces["values"] if len(word) >= WORD_MIN}
    for path in sorted(place.glob("*-errors.csv")):
        scratch = path.with_suffix(".forget")
        with (
            path.open(encoding="utf-8-sig", newline="") as was,
            scratch.open("w", encoding="utf-8-sig", newline="") as now,
        ):
            reader, writer, gone = csv.reader(was), csv.writer(now), 0
            for n, row in enumerate(reader):
                if n and _names(row, numbers, words):
                    gone += 1
                else:
                    writer.writerow(row)
        if gone:
            scratch.replace(path)
        else:
            scratch.unlink()


def _names(row: list[str], numbers: set[str], words: set[str]) -> bool:
    """Whether a row is about the member."""
    cells = [cell.removeprefix("'").strip() for cell in row]
    return any(cell in words or any(number in digits_of(cell) for number in numbers) for cell in cells if cell)
