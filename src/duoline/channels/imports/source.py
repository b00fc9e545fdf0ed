"""A file on its way in: opened, mapped to our columns, and able to be read again for the error file."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from duoline.channels.imports import mapping, readers
from duoline.channels.imports.dictionary import KINDS
from duoline.channels.imports.errors import MissingColumns
from duoline.channels.imports.problems import Problem
from duoline.channels.imports.validate import missing_columns

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection, Iterator
    from pathlib import Path

    from duoline.channels.imports.mapping import ColumnMap
    from duoline.channels.imports.readers import Table


@dataclass(frozen=True)
class FileSource:
    """A file whose columns are known to be enough for its kind."""

    kind_name: str
    table: Table
    columns: ColumnMap

    @property
    def present(self) -> Collection[str]:
        """Our columns that the file has."""
        return self.columns.targets.keys()

    def rows(self) -> Iterator[tuple[int, dict[str, Any]] | Problem]:
        """The rows by our names."""
        apply = self.columns.apply
        for item in self.table.rows():
            yield item if isinstance(item, Problem) else (item[0], apply(item[1]))


def open_source(kind_name: str, path: Path, mapping_content: Any = None) -> FileSource:
    """Open a file of a kind. Refuses with `UnreadableFile`, `BadMapping`, `MissingColumns`."""
    kind = KINDS[kind_name]
    if mapping_content is None:
        table = readers.open_table(path)
        columns = mapping.by_titles(kind, table.headers)
    else:
        # Once without headers: a bad encoding or delimiter would otherwise hide what is wrong with the mapping.
        given = mapping.make(kind, mapping_content)
        table = readers.open_table(path, encoding=given.encoding, delimiter=given.delimiter, sheet=given.sheet)
        columns = mapping.make(kind, mapping_content, table.headers)
    lacking = missing_columns(kind, columns.targets.keys())
    if lacking:
        raise MissingColumns(columns=", ".join(lacking), missing=lacking)
    return FileSource(kind_name, table, columns)


ERROR_COLUMNS = ("line", "column", "value", "reason_zh", "reason_en")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


async def write_errors(path: Path, source: FileSource, problems: AsyncIterator[Problem]) -> int:
    """Write the error file: each problem with its line, then the row as it came. Returns how many problems.

    The file is read once more beside the problems, both in order of line, so neither is ever in memory.
    """
    headers = [name for name in source.table.headers if name]
    rows = source.table.rows()
    at, row = 0, dict[str, Any]()
    count = 0
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_suffix(".part")
    # With the mark, Excel knows that it is UTF-8.
    with open(scratch, "w", encoding="utf-8-sig", newline="") as file:  # noqa: ASYNC230 - nobody else in this process
        writer = csv.writer(file)
        writer.writerow([*ERROR_COLUMNS, *headers])
        async for found in problems:
            while at < found.line and (item := next(rows, None)) is not None:
                at, row = (item.line, {}) if isinstance(item, Problem) else item
            original = row if at == found.line else {}
            column = source.columns.renamed.get(found.column) or found.column
            cells = [found.line, column, found.value, found.zh, found.en, *(original.get(name) for name in headers)]
            writer.writerow([harmless(cell) for cell in cells])
            count += 1
    scratch.replace(path)
    return count


def harmless(cell: Any) -> Any:
    """A cell that no spreadsheet takes for a formula: a sign in front is shown as text."""
    if isinstance(cell, str) and cell.startswith(_FORMULA):
        return "'" + cell
    return cell
