"""Open a file whatever it is: what it is called does not matter, what it begins with does."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Protocol, cast

from duoline.channels.imports.errors import UnreadableFile
from duoline.channels.imports.read_csv import CsvFile

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from duoline.channels.imports.problems import Problem


class Table(Protocol):
    """A file of rows under headers. `rows` may be called again and begins anew."""

    @property
    def headers(self) -> list[str]:
        """The names of its columns, in order."""
        ...

    @property
    def total(self) -> int | None:
        """How many rows there are, where that is known without reading them."""
        ...

    def rows(self) -> Iterator[tuple[int, dict[str, Any]] | Problem]:
        """The rows with their line numbers, or what kept one from being read."""
        ...


def open_table(
    path: Path, *, encoding: str | None = None, delimiter: str | None = None, sheet: str | None = None
) -> Table:
    """The file as a table. Refuses with `UnreadableFile`."""
    table = _open(path, encoding=encoding, delimiter=delimiter, sheet=sheet)
    names = [name for name in table.headers if name]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        shown = ", ".join(twice)
        raise UnreadableFile(why_zh=f"表头有重复的列:{shown}", why_en=f"its header names columns twice: {shown}")
    return table


def _open(path: Path, *, encoding: str | None, delimiter: str | None, sheet: str | None) -> Table:
    try:
        with open(path, "rb") as file:
            start = file.read(8)
    except OSError as error:
        raise UnreadableFile(why_zh=f"打不开({error.strerror})", why_en=f"{error.strerror}") from error
    if start.startswith(b"PK\x03\x04"):
        return cast("Table", _heavy("read_xlsx").XlsxFile(path, sheet=sheet))
    if start.startswith(b"PAR1"):
        return cast("Table", _heavy("read_parquet").ParquetFile(path))
    if start.startswith(b"\xd0\xcf\x11\xe0"):
        raise UnreadableFile(
            why_zh="是旧版 Excel(.xls)或加密的文件,请另存为 .xlsx 或 CSV",
            why_en="it is an old Excel file (.xls) or is encrypted; save it as .xlsx or CSV",
        )
    if b"\x00" in start and not start.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise UnreadableFile(why_zh="不是 CSV、XLSX 或 Parquet 文件", why_en="it is no CSV, XLSX or Parquet file")
    return CsvFile(path, encoding=encoding, delimiter=delimiter)


def _heavy(name: str) -> Any:
    """A reader whose library takes tens of megabytes: loaded when such a file is opened, never before."""
    return importlib.import_module(f"duoline.channels.imports.{name}")
