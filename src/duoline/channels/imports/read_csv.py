"""Read CSV files as they come: UTF-8 with or without a mark, GB18030, UTF-16; comma, semicolon, tab or bar.

A line that cannot be decoded, a quotation mark that is never closed or a row with too few cells costs that row and
nothing more: reading goes on at the next line. Nothing longer than one record is kept in memory.
"""

from __future__ import annotations

import codecs
import csv
import re
from collections import deque
from typing import IO, TYPE_CHECKING, Any

from duoline.channels.imports.errors import UnreadableFile
from duoline.channels.imports.problems import Bad, Problem, problem

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DELIMITERS = ",\t;|"
LINE_BYTES_MAX = 1_000_000
RECORD_LINES_MAX = 200
"""A record longer than this is not a long text but a quotation mark that somebody forgot to close."""

csv.field_size_limit(LINE_BYTES_MAX)


class _BadLine(Exception):
    """A physical line that cannot be used."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class CsvFile:
    """A CSV file. `headers` are its columns; `total` is unknown until it has been read."""

    total: int | None = None

    def __init__(self, path: Path, *, encoding: str | None = None, delimiter: str | None = None) -> None:
        self._path = path
        self.encoding = encoding or detect_encoding(path)
        try:
            codecs.lookup(self.encoding)
        except LookupError:
            raise UnreadableFile(
                why_zh=f"没有名为 {encoding} 的编码", why_en=f"there is no encoding named {encoding}"
            ) from None
        self.delimiter, self._skip = self._dialect(delimiter)
        self.headers = self._headers()

    def _dialect(self, delimiter: str | None) -> tuple[str, int]:
        """The delimiter, and how many lines stand before the header: one if Excel's `sep=` is there."""
        with self._open() as file:
            first = next(_decoded(file, self.encoding), None)
        if first is None:
            raise UnreadableFile(why_zh="文件是空的", why_en="it is empty")
        if isinstance(first, _BadLine):
            raise UnreadableFile(why_zh="表头的文字编码有误", why_en="its header is not valid text")
        if match := re.fullmatch(r"\ufeff?sep=(.)\s*", first):
            return delimiter or match[1], 1
        bare = re.sub(r'"[^"]*"', "", first)
        return delimiter or max(DELIMITERS, key=bare.count), 0

    def _headers(self) -> list[str]:
        with self._open() as file:
            for _, record in self._records(file):
                if isinstance(record, list) and any(cell.strip() for cell in record):
                    return [cell.strip() for cell in record]
                break
        raise UnreadableFile(why_zh="没有可用的表头", why_en="it has no usable header")

    def rows(self) -> Iterator[tuple[int, dict[str, Any]] | Problem]:
        """The rows below the header, each with the line it begins on."""
        width = len(self.headers)
        with self._open() as file:
            records = self._records(file)
            next(records)
            for line, record in records:
                if isinstance(record, Bad):
                    yield problem(line, "", None, record)
                elif not any(record):
                    continue
                elif len(record) != width and (len(record) < width or any(record[width:])):
                    yield problem(line, "", None, Bad("cells", have=len(record), want=width))
                else:
                    yield line, dict(zip(self.headers, record, strict=False))

    def _open(self) -> IO[bytes]:
        return open(self._path, "rb")

    def _records(self, file: IO[bytes]) -> Iterator[tuple[int, list[str] | Bad]]:
        """Records with the number of their first line; a broken one is `Bad`, and reading goes on behind it."""
        lines = _Lines(_decoded(file, self.encoding))
        for _ in range(self._skip):
            next(lines, None)
        reader = csv.reader(lines, delimiter=self.delimiter, strict=True)
        while True:
            lines.begin()
            try:
                record = next(reader)
            except StopIteration:
                return
            except _BadLine as bad:
                yield lines.first, Bad(bad.reason)
            except csv.Error as error:
                reason = "quote" if "unexpected end" in str(error) else "unreadable"
                yield lines.first, Bad(reason, why=str(error))
            else:
                yield lines.first, record
                continue
            lines.back_to_second()
            reader = csv.reader(lines, delimiter=self.delimiter, strict=True)


class _Lines:
    """Lines for the CSV reader, which remembers those of the present record so that it can go back."""

    def __init__(self, source: Iterator[str | _BadLine]) -> None:
        self._source = source
        self._again: deque[str | _BadLine] = deque()
        self._record: list[str | _BadLine] = []
        self.first = 1

    def begin(self) -> None:
        """A new record begins."""
        self.first += len(self._record)
        self._record = []

    def back_to_second(self) -> None:
        """Give all but the first line of this record once more."""
        self._again.extendleft(reversed(self._record[1:]))
        del self._record[1:]

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        line = self._again.popleft() if self._again else next(self._source)
        self._record.append(line)
        if isinstance(line, _BadLine):
            raise line
        if len(self._record) > RECORD_LINES_MAX:
            raise _BadLine("quote")
        return line


def _decoded(file: IO[bytes], encoding: str) -> Iterator[str | _BadLine]:
    """Lines as text. UTF-16 has no lines of bytes, so it is read as a stream."""
    if encoding.startswith("utf-16"):
        yield from codecs.getreader(encoding)(file, "replace")
        return
    first = True
    while line := file.readline(LINE_BYTES_MAX):
        if len(line) == LINE_BYTES_MAX and not line.endswith(b"\n"):
            _skip_line(file)
            yield _BadLine("quote")
            continue
        if first:
            line, first = line.removeprefix(codecs.BOM_UTF8), False
        try:
            yield line.decode(encoding)
        except UnicodeDecodeError:
            yield _BadLine("encoding")


def _skip_line(file: IO[bytes]) -> None:
    while (rest := file.readline(LINE_BYTES_MAX)) and not rest.endswith(b"\n"):
        pass


def detect_encoding(path: Path) -> str:
    """The encoding in which fewest lines are broken: UTF-8, or GB18030, which Excel writes in China."""
    with open(path, "rb") as file:
        start = file.read(4)
        if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            return "utf-16"
        file.seek(0)
        broken = {"utf-8": 0, "gb18030": 0}
        while line := file.readline(LINE_BYTES_MAX):
            if line.isascii():
                continue
            for encoding in broken:
                try:
                    line.decode(encoding)
                except UnicodeDecodeError:
                    broken[encoding] += 1
    return min(broken, key=lambda encoding: broken[encoding])
