"""Foreign columns become ours; a mapping that cannot work says why before anything is read."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from duoline.channels.imports import mapping
from duoline.channels.imports.dictionary import KINDS
from duoline.channels.imports.errors import BadMapping
from duoline.channels.imports.problems import Bad


def one(spec: Any, row: dict[str, Any], *, kind: str = "products", column: str = "name_zh") -> Any:
    return mapping.of_kind(kind, {"columns": {column: spec}}).apply(row)[column]


def faults(content: Any, headers: list[str] | None = None, kind: str = "products") -> list[tuple[str, str]]:
    with pytest.raises(BadMapping) as caught:
        mapping.of_kind(kind, content, headers)
    return [(found["field"], found["en"]) for found in caught.value.fields["problems"]]


def test_sources() -> None:
    row = {"品牌": "禾苗", "品名": "奶瓶", "空": ""}
    assert one("品名", row) == "奶瓶"
    assert one({"template": "{品牌} {空} {品名}"}, row) == "禾苗 奶瓶"
    assert one({"constant": "piece"}, row) == "piece"
    assert one({"column": "空", "default": "无"}, row) == "无"
    assert one({"column": "没有"}, row) is None


def test_conversions() -> None:
    assert one({"column": "p", "scale": "0.01"}, {"p": "1990"}, kind="prices", column="price") == "19.90"
    assert one({"column": "p", "scale": 0.01}, {"p": 1990}, kind="prices", column="price") == "19.90"
    assert one({"column": "p", "scale": "7.1", "decimals": 2}, {"p": "2.80"}, kind="prices", column="price") == "19.88"
    assert one({"column": "kg", "scale": 1000, "decimals": 0}, {"kg": "0.18"}, column="weight_g") == "180"
    assert one({"column": "s", "values": {"在售": "active"}, "otherwise": "withdrawn"}, {"s": "停产"}) == "withdrawn"
    assert one({"column": "s", "values": {"在售": "active"}}, {"s": "在售"}) == "active"
    assert one({"column": "c", "slug": True}, {"c": "Frozen Foods / Ice"}) == "frozen-foods-ice"
    assert one({"column": "d", "format": "%d.%m.%Y"}, {"d": "31.12.2026"}) == datetime(2026, 12, 31)  # noqa: DTZ001


def test_a_value_that_cannot_be_converted_is_bad_and_not_lost() -> None:
    assert isinstance(one({"column": "p", "scale": 2}, {"p": "much"}), Bad)
    assert isinstance(one({"column": "d", "format": "%d.%m.%Y"}, {"d": "2026-12-31"}), Bad)


def test_both_languages_of_writing_a_mapping() -> None:
    toml = 'kind = "stock"\nencoding = "gb18030"\n[columns]\nsku_code = "货号"\non_hand = { column = "n" }\n'.encode()
    made = mapping.of_kind("stock", mapping.parse(toml))
    assert (made.encoding, sorted(made.targets), sorted(made.needs)) == (
        "gb18030",
        ["on_hand", "sku_code"],
        ["n", "货号"],
    )
    assert mapping.parse(b'\xef\xbb\xbf {"columns": {}}') == {"columns": {}}


@pytest.mark.parametrize("data", [b"columns = ", b"{", b"\xff\xff", b"[columns]\na = 1\na = 2\n"])
def test_what_cannot_be_parsed(data: bytes) -> None:
    with pytest.raises(BadMapping) as caught:
        mapping.of_kind("stock", mapping.parse(data))
    assert "{" not in caught.value.sentence("en").replace("{column}", "")


def test_everything_that_is_wrong_is_named_at_once() -> None:
    content = {
        "kind": "stock",
        "colour": "red",
        "create": ["brands", "planets"],
        "columns": {
            "sku_cod": "x",
            "unit": {},
            "weight_g": {"column": "w", "scale": "heavy"},
            "name_zh": {"template": "{a"},
            "brand_zh": {"column": "a", "constant": "b"},
            "position": {"column": 5},
            "gtins": {"colum": "x"},
            "name_en": 7,
        },
    }
    assert faults(content) == [
        ("colour", "is no setting; there are kind, encoding, delimiter, sheet, timezone, create, columns"),
        ("kind", "it is a mapping of stock"),
        ("create", "planets: it takes brands, categories, companies, regions"),
        ("columns.sku_cod", "is no column of products; did you mean sku_code?"),
        ("columns.unit", "takes exactly one of column, template and constant"),
        ("columns.weight_g.scale", "must be a number"),
        ("columns.name_zh.template", "has braces that do not match (expected '}' before end of string)"),
        ("columns.brand_zh", "takes exactly one of column, template and constant"),
        ("columns.position.column", "has a value of the wrong type"),
        (
            "columns.gtins.colum",
            "is no setting; there are column, template, constant, default, values, otherwise, format, scale, decimals, "
            "slug",
        ),
        ("columns.name_en", "must be the name of a column, or a table"),
    ]
    assert faults([]) == [("", "it must be a table of settings")]
    assert faults({}) == [("columns", "it maps no column")]


def test_columns_that_the_file_does_not_have() -> None:
    content = {"columns": {"sku_code": "货号", "name_zh": {"template": "{品牌} {品名}"}}}
    assert faults(content, ["货号", "品名 "]) == [
        ("columns", "the file has no column 品名; did you mean 品名 ?"),
        ("columns", "the file has no column 品牌"),
    ]


def test_without_a_mapping_names_and_titles_count() -> None:
    made = mapping.by_titles(KINDS["stock"], ["门店或仓库编码", "SKU_CODE", "units on hand", "备注", "sku_code"])
    assert made.apply({"门店或仓库编码": "S1", "SKU_CODE": "A", "units on hand": 3, "备注": "?", "sku_code": "B"}) == {
        "store_code": "S1",
        "sku_code": "A",
        "on_hand": 3,
    }
