"""Read XLSX files row by row. Loads openpyxl: only the process that runs an import imports this module.

What Excel keeps once for the whole book, the texts of its cells, is in memory; the rows are not.
"""

from __future__ import annotations

import warnings
import zipfile
from typing import TYPE_CHECKING, Any

from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException

from duoline.channels.imports.errors import UnreadableFile

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

UNPACKED_BYTES_MAX = 4_000_000_000
"""A book that unpacks to more than this is a trap, not a list of goods."""


class XlsxFile:
    """One sheet of a workbook: the first, unless another is named."""

    total: int | None = None

    def __init__(self, path: Path, *, sheet: str | None = None) -> None:
        self._path = path
        self._sheet = sheet
        self._header_row = 0
        self.headers = self._headers()

    def _headers(self) -> list[str]:
        for number, cells in self._cells():
            if any(cell is not None for cell in cells):
                self._header_row = number
                names = ["" if cell is None else str(cell).strip() for cell in cells]
                while names and not names[-1]:
                    names.pop()
                return names
        raise UnreadableFile(why_zh="工作表是空的", why_en="the sheet is empty")

    def rows(self) -> Iterator[tuple[int, dict[str, Any]]]:
        """The rows below the header, each with its number in the sheet."""
        blanks = (None,) * len(self.headers)  # a row ends with its last cell
        for number, cells in self._cells():
            if number > self._header_row and any(cell is not None for cell in cells):
                yield number, dict(zip(self.headers, (*cells, *blanks[len(cells) :]), strict=False))

    def _cells(self) -> Iterator[tuple[int, tuple[Any, ...]]]:
        try:
            # Opened here, because openpyxl would judge a path by its name.
            with open(self._path, "rb") as file:
                with zipfile.ZipFile(file) as archive:
                    if sum(entry.file_size for entry in archive.infolist()) > UNPACKED_BYTES_MAX:
                        raise UnreadableFile(why_zh="解压后过大", why_en="it unpacks to far too much")
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")  # about styles and extensions that do not concern us
                    book = load_workbook(file, read_only=True, data_only=True, keep_links=False)
                    try:
                        yield from self._of(book)
                    finally:
                        book.close()
        except (zipfile.BadZipFile, InvalidFileException, KeyError, OSError, ValueError) as error:
            raise UnreadableFile(why_zh="不是完整的 XLSX 文件", why_en="it is no whole XLSX file") from error

    def _of(self, book: Any) -> Iterator[tuple[int, tuple[Any, ...]]]:
        if self._sheet is not None and self._sheet not in book.sheetnames:
            sheets = ", ".join(book.sheetnames)
            raise UnreadableFile(
                why_zh=f"没有名为 {self._sheet} 的工作表(有:{sheets})",
                why_en=f"it has no sheet named {self._sheet} (there are: {sheets})",
            )
        sheet = book[self._sheet] if self._sheet is not None else book.worksheets[0]
        sheet.reset_dimensions()  # what the file says of its own size is often wrong
        yield from enumerate(sheet.iter_rows(values_only=True), start=1)
