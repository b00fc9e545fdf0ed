"""Files as they come: encodings, delimiters, broken quotes, workbooks, Parquet."""

from __future__ import annotations

import zipfile
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pyarrow
import pytest
from openpyxl import Workbook
from pyarrow import parquet

from duoline.channels.imports.errors import UnreadableFile
from duoline.channels.imports.problems import Problem
from duoline.channels.imports.readers import open_table

if TYPE_CHECKING:
    from pathlib import Path


def table_of(path: Path, content: bytes | str, **options: Any) -> Any:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return open_table(path, **options)


def rows_of(table: Any) -> list[Any]:
    return [(item.line, item.code) if isinstance(item, Problem) else item for item in table.rows()]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_encodings_are_found_out(tmp_path: Path, encoding: str) -> None:
    table = table_of(tmp_path / "f", "编码,名称\nS1,徐汇店\nS2,静安店\n".encode(encoding))
    assert table.headers == ["编码", "名称"]
    assert rows_of(table) == [(2, {"编码": "S1", "名称": "徐汇店"}), (3, {"编码": "S2", "名称": "静安店"})]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiters_are_found_out(tmp_path: Path, delimiter: str) -> None:
    table = table_of(tmp_path / "f", f'a{delimiter}"b,;x"\n1{delimiter}2\n')
    assert rows_of(table) == [(2, {"a": "1", "b,;x": "2"})]


def test_excels_own_hint_names_the_delimiter(tmp_path: Path) -> None:
    table = table_of(tmp_path / "f", "sep=;\r\na;b\r\n1;2,5\r\n")
    assert rows_of(table) == [(3, {"a": "1", "b": "2,5"})]


def test_one_column_blank_lines_and_quoted_line_breaks(tmp_path: Path) -> None:
    assert rows_of(table_of(tmp_path / "f", "code\nS1\n\n  \nS2\n"))[0] == (2, {"code": "S1"})
    table = table_of(tmp_path / "g", 'a,b\n"one\ntwo",1\nx,2\n')
    assert rows_of(table) == [(2, {"a": "one\ntwo", "b": "1"}), (4, {"a": "x", "b": "2"})]


def test_a_line_in_another_encoding_costs_that_line(tmp_path: Path) -> None:
    good = "".join(f"S{n},徐汇\n" for n in range(20)).encode()
    table = table_of(tmp_path / "f", b"code,name\n" + good + b"X," + b"\xff\xfe\xfd\n" + "Y,静安\n".encode())
    rows = rows_of(table)
    assert (22, "encoding") in rows
    assert rows[-1] == (23, {"code": "Y", "name": "静安"})
    assert len(rows) == 22


def test_a_quote_that_is_never_closed_costs_its_line_only(tmp_path: Path) -> None:
    lines = ["a,b", '1,"x', *(f"{n},y" for n in range(2, 600))]
    rows = rows_of(table_of(tmp_path / "f", "\n".join(lines) + "\n"))
    assert rows[0] == (2, "quote")
    assert rows[1:] == [(n + 1, {"a": str(n), "b": "y"}) for n in range(2, 600)]


def test_a_quote_open_at_the_end_and_one_closed_too_late(tmp_path: Path) -> None:
    assert rows_of(table_of(tmp_path / "f", 'a,b\n1,2\n3,"4')) == [(2, {"a": "1", "b": "2"}), (3, "quote")]
    rows = rows_of(table_of(tmp_path / "g", 'a,b\n1,"x\n2,y\n3,"z",\n4,w\n'))
    assert [row[0] for row in rows] == [2, 3, 4, 5]
    assert rows[0] == (2, "unreadable")
    assert rows[1] == (3, {"a": "2", "b": "y"})
    assert rows[3] == (5, {"a": "4", "b": "w"})


def test_too_few_and_too_many_cells(tmp_path: Path) -> None:
    rows = rows_of(table_of(tmp_path / "f", "a,b,c\n1,2\n1,2,3,4\n1,2,3,\n1,2,3\n"))
    assert rows == [
        (2, "cells"),
        (3, "cells"),
        (4, {"a": "1", "b": "2", "c": "3"}),
        (5, {"a": "1", "b": "2", "c": "3"}),
    ]


def test_a_line_without_end_is_no_row(tmp_path: Path) -> None:
    rows = rows_of(table_of(tmp_path / "f", b"a,b\n" + b"x" * 3_000_000 + b"\n1,2\n"))
    assert [row for row in rows if isinstance(row[1], dict)] == [(3, {"a": "1", "b": "2"})] or rows[-1][1] == {
        "a": "1",
        "b": "2",
    }
    assert rows[0][1] == "quote"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\n\n",
        b"a,a\n1,2\n",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1rest",
        b"PK\x03\x04broken",
        b"PAR1broken",
        b"\x00\x01\x02\x03\x04",
    ],
)
def test_what_is_no_table_is_refused_with_a_reason(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(UnreadableFile) as caught:
        rows_of(table_of(tmp_path / "f", content))
    assert caught.value.fields["why_zh"]
    assert "{" not in caught.value.sentence("zh")


def test_unknown_encoding_of_a_mapping(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match="unreadable"):
        table_of(tmp_path / "f", "a\n1\n", encoding="klingon")


def workbook(path: Path) -> Path:
    book = Workbook()
    sheet = book.active
    sheet.append([])
    sheet.append(["code", "on_hand", "at", None])
    sheet.append(["S1", 12, datetime(2026, 11, 1, 9, 30)])  # noqa: DTZ001 - workbooks know no zones
    sheet.append([None, None, None])
    sheet.append(["S2", 3.5, None])
    second = book.create_sheet("商品")
    second.append(["x"])
    second.append(["y"])
    book.save(path)
    return path


def test_workbooks(tmp_path: Path) -> None:
    path = workbook(tmp_path / "f.csv")  # what it is called does not matter
    table = open_table(path)
    assert table.headers == ["code", "on_hand", "at"]
    assert rows_of(table) == [
        (3, {"code": "S1", "on_hand": 12, "at": datetime(2026, 11, 1, 9, 30)}),  # noqa: DTZ001
        (5, {"code": "S2", "on_hand": 3.5, "at": None}),
    ]
    assert rows_of(open_table(path, sheet="商品")) == [(2, {"x": "y"})]
    with pytest.raises(UnreadableFile) as caught:
        open_table(path, sheet="没有")
    assert "商品" in caught.value.fields["why_en"]


def test_a_zip_that_is_no_workbook(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "f", "w") as archive:
        archive.writestr("hello.txt", "hello")
    with pytest.raises(UnreadableFile):
        open_table(tmp_path / "f")


def test_parquet(tmp_path: Path) -> None:
    path = tmp_path / "f"
    parquet.write_table(pyarrow.table({"code": ["S1", None], "on_hand": [1, 2]}), path)
    table = open_table(path)
    assert (table.headers, table.total) == (["code", "on_hand"], 2)
    assert rows_of(table) == [(1, {"code": "S1", "on_hand": 1}), (2, {"code": None, "on_hand": 2})]
    assert rows_of(table) == rows_of(table)
