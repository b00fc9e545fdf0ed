"""Read Parquet files a batch of rows at a time. Loads pyarrow: only the process that runs an import imports this."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow
from pyarrow import parquet

from duoline.channels.imports.errors import UnreadableFile

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BATCH_ROWS = 2000


class ParquetFile:
    """A Parquet file; the number of a row is its place, from 1."""

    def __init__(self, path: Path) -> None:
        try:
            self._file = parquet.ParquetFile(path)
        except (pyarrow.ArrowException, OSError) as error:
            raise UnreadableFile(why_zh="不是完整的 Parquet 文件", why_en="it is no whole Parquet file") from error
        self.headers: list[str] = list(self._file.schema_arrow.names)
        self.total: int | None = self._file.metadata.num_rows

    def rows(self) -> Iterator[tuple[int, dict[str, Any]]]:
        """Every row."""
        number = 0
        try:
            for batch in self._file.iter_batches(batch_size=BATCH_ROWS, use_threads=False):
                for row in batch.to_pylist():
                    number += 1
                    yield number, row
        except (pyarrow.ArrowException, OSError) as error:
            raise UnreadableFile(why_zh="Parquet 文件已损坏", why_en="the Parquet file is damaged") from error
