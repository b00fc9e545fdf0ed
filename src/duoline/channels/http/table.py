"""A table to hand out as a file: a heading, facts above it, columns, rows."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Literal

import msgspec


class Column(msgspec.Struct, frozen=True):
    """A column: `money` cells are minor units of a currency with two digits, `width` is a share of the page."""

    title: str
    kind: Literal["text", "money"] = "text"
    width: int = 1


class Table(msgspec.Struct, frozen=True):
    """`facts` are pairs of a name and what it is; a cell is a text, or whole minor units in a column of money, and so
    is a fact. `total` is the row below all others."""

    title: str
    facts: list[tuple[str, str | int]]
    columns: list[Column]
    rows: list[list[str | int]]
    total: list[str | int] | None = None

    def as_csv(self) -> bytes:
        """As `csv_head` and `csv_rows`."""
        return csv_head(self.columns) + csv_rows([*self.rows, *([self.total] if self.total else [])])


def csv_head(columns: Sequence[Column]) -> bytes:
    """The first line of a CSV file, with a byte order mark, as spreadsheets want it."""
    return b"\xef\xbb\xbf" + _csv([[column.title for column in columns]])


def csv_rows(rows: Iterable[Sequence[str | int]]) -> bytes:
    """Lines of a CSV file: money with two digits, and no cell is taken for a formula."""
    return _csv(map(shown, rows))


def shown(row: Sequence[str | int]) -> list[str]:
    """A row as texts."""
    return [amount(cell) if isinstance(cell, int) else plain(cell) for cell in row]


def _csv(rows: Iterable[Sequence[str]]) -> bytes:
    out = io.StringIO()
    csv.writer(out).writerows(rows)
    return out.getvalue().encode()


def amount(minor: int) -> str:
    """Minor units as a number with two digits."""
    sign = "-" if minor < 0 else ""
    return f"{sign}{abs(minor) // 100}.{abs(minor) % 100:02d}"


def plain(text: str) -> str:
    """A text that no spreadsheet calculates with (OWASP, CSV injection)."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text
