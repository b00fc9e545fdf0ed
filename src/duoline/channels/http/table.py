"""A table to hand out as a file: a heading, facts above it, columns, rows."""

from __future__ import annotations

import csv
import io
from typing import Literal

import msgspec


class Column(msgspec.Struct, frozen=True):
    """A column: `money` cells are minor units of a currency with two digits, `width` is a share of the page."""

    title: str
    kind: Literal["text", "money"] = "text"
    width: int = 1


class Table(msgspec.Struct, frozen=True):
    """`facts` are pairs of a name and what it is; a cell is a text, or whole minor units in a column of money."""

    title: str
    facts: list[tuple[str, str]]
    columns: list[Column]
    rows: list[list[str | int]]

    def as_csv(self) -> bytes:
        """With a byte order mark, as spreadsheets want it; money with two digits. No cell is taken for a formula."""
        out = io.StringIO()
        writer = csv.writer(out)
        writer.writerow([column.title for column in self.columns])
        writer.writerows([self.shown(row) for row in self.rows])
        return b"\xef\xbb\xbf" + out.getvalue().encode()

    def shown(self, row: list[str | int]) -> list[str]:
        """A row as texts."""
        return [amount(cell) if isinstance(cell, int) else plain(cell) for cell in row]


def amount(minor: int) -> str:
    """Minor units as a number with two digits."""
    sign = "-" if minor < 0 else ""
    return f"{sign}{abs(minor) // 100}.{abs(minor) % 100:02d}"


def plain(text: str) -> str:
    """A text that no spreadsheet calculates with (OWASP, CSV injection)."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text
