"""What a cell may say, and what it is read as."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from duoline.channels.imports.dictionary import KINDS
from duoline.channels.imports.problems import REASONS, Bad, problem
from duoline.channels.imports.validate import checker, key_of
from duoline.channels.imports.values import amount, empty, gtins, hours, minor, pairs, reader


def read(kind: str, column: str, value: Any) -> Any:
    return reader(KINDS[kind].by_name[column])(value)


def refusal(kind: str, column: str, value: Any) -> str:
    with pytest.raises(Bad) as caught:
        read(kind, column, value)
    return caught.value.code


@pytest.mark.parametrize(
    ("value", "number"), [("12", 12), (" 7 ", 7), ("12.0", 12), (12, 12), (12.0, 12), ("+3", 3), ("0", 0)]
)
def test_whole_numbers(value: Any, number: int) -> None:
    assert read("stock", "on_hand", value) == number


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("1e9", "whole"),
        ("12.5", "whole"),
        (12.5, "whole"),
        ("1,200", "whole"),
        ("twelve", "whole"),
        ("-1", "range"),
        ("1000001", "range"),
        ("99999999999999999999", "whole"),
        (float("inf"), "not-a-number"),
        ("12", "whole") if False else ("1 2", "whole"),
        ("١٢", "whole"),
    ],
)
def test_numbers_that_are_none(value: Any, code: str) -> None:
    assert refusal("stock", "on_hand", value) == code


def test_what_was_read_before_does_not_colour_what_equals_it() -> None:
    price, code = reader(KINDS["prices"].by_name["price"]), reader(KINDS["stock"].by_name["sku_code"])
    assert [str(price(value)) for value in ("1", 1, 1.0, "1.00", Decimal("1.0"), Decimal("1.00"))] == [
        "1", "1", "1", "1.00", "1.0", "1.00",
    ]  # fmt: skip
    assert [code(value) for value in ("1", 1, True, 1.0, "1")] == ["1", "1", "true", "1", "1"]
    for _ in range(2):
        with pytest.raises(Bad):
            code("no code")


def test_nan_and_blanks_are_empty_cells() -> None:
    assert [empty(value) for value in (float("nan"), None, "", "  ", 0, False, "0")] == [True] * 4 + [False] * 3


@pytest.mark.parametrize(
    ("value", "expected"),
    [("19.9", 1990), ("¥19.90", 1990), ("1,234.50", 123450), (19.9, 1990), (0.07, 7), (Decimal("1.10"), 110), (5, 500)],
)
def test_amounts_are_exact(value: Any, expected: int) -> None:
    assert minor(amount(value), "CNY") == expected


def test_amounts_are_never_rounded() -> None:
    with pytest.raises(Bad) as caught:
        minor(amount("1.005"), "CNY")
    assert caught.value.code == "decimals"
    assert minor(amount("1000"), "JPY") == 1000
    assert minor(amount("1.005"), "KWD") == 1005


@pytest.mark.parametrize("value", ["1e3", "NaN", "-", "1.2.3", "1,23", "=1+1", "0x10"])
def test_amounts_that_are_none(value: str) -> None:
    assert refusal("prices", "price", value) == "not-a-number"


def test_instants_without_a_zone_are_shanghai_time() -> None:
    assert read("orders", "placed_at", "2026-11-01 09:30") == datetime(2026, 11, 1, 1, 30, tzinfo=UTC)
    assert read("orders", "placed_at", "2026/11/01") == datetime(2026, 10, 31, 16, tzinfo=UTC)
    assert read("orders", "placed_at", "2026-11-01T09:30:00+00:00") == datetime(2026, 11, 1, 9, 30, tzinfo=UTC)
    assert read("orders", "placed_at", datetime(2026, 11, 1, 9, 30)) == datetime(2026, 11, 1, 1, 30, tzinfo=UTC)  # noqa: DTZ001
    assert read("stores", "opened_on", "2021-05-01") == date(2021, 5, 1)
    assert [refusal("orders", "placed_at", value) for value in ("31.12.2026", "soon", "1066-01-01")] == ["instant"] * 3


def test_flags_choices_codes() -> None:
    assert [read("stores", "pickup", value) for value in ("是", "TRUE", "0", "否", True, 1)] == [
        True,
        True,
        False,
        False,
        True,
        True,
    ]
    assert refusal("stores", "pickup", "maybe") == "flag"
    assert read("stores", "kind", "DC") == "dc"
    assert refusal("stores", "kind", "shop") == "choice"
    assert read("stores", "code", 1001) == "1001"
    assert read("stores", "code", 1001.0) == "1001"
    assert [refusal("stores", "code", value) for value in ("S 1", "店1", "x" * 41, "-a")] == ["code"] * 4
    assert refusal("stores", "name_zh", "a\x00b") == "control"
    assert refusal("stores", "name_zh", "x" * 201) == "too-long"
    assert refusal("stores", "lat", "91") == "range"


def test_phones() -> None:
    assert [read("members", "phone", value) for value in ("19900000001", 19900000001, "+86 199-0000-0001")] == [
        "+8619900000001"
    ] * 3
    assert read("members", "phone", "+4915112345678") == "+4915112345678"
    assert refusal("members", "phone", "12345") == "phone"


def test_barcodes_need_their_check_digit() -> None:
    assert gtins("2000000000015; 96385074") == ["02000000000015", "00000096385074"]
    for wrong in ("2000000000016", "123", "ABCDEFGH"):
        with pytest.raises(Bad, match="gtin"):
            gtins(wrong)


def test_hours() -> None:
    assert json.loads(hours("10:00-21:00")) == [[["10:00", "21:00"]]] * 7
    week = json.loads(hours("Mon-Fri 9:00-12:00+14:00-20:00; Sat 10:00-18:00; Sun closed"))
    assert week[0] == [["09:00", "12:00"], ["14:00", "20:00"]]
    assert (week[5], week[6]) == ([["10:00", "18:00"]], [])
    assert json.loads(hours("周一-周五 10:00–21:00;周六、周日 休"))[4:] == [[["10:00", "21:00"]], [], []]
    assert json.loads(hours("Sat-Mon 10:00-12:00"))[0] == [["10:00", "12:00"]]
    for wrong in ("21:00-10:00", "Mon", "Foo 10:00-12:00", "10:00-12:00+11:00-13:00", "25:00-26:00"):
        with pytest.raises(Bad, match="hours"):
            hours(wrong)


def test_attributes() -> None:
    assert json.loads(pairs("面料|Fabric=纯棉|Cotton; 产地=浙江")) == [
        {"name": {"zh": "面料", "en": "Fabric"}, "value": {"zh": "纯棉", "en": "Cotton"}},
        {"name": {"zh": "产地", "en": "产地"}, "value": {"zh": "浙江", "en": "浙江"}},
    ]
    with pytest.raises(Bad, match="pair"):
        pairs("nothing")


def test_keys_of_options_are_stable_and_apart() -> None:
    assert key_of("奶黄", "Cream") == "cream"
    assert key_of("59", "59") == "59"
    assert key_of("尺码", "Mist Blue") == "mist-blue"
    assert key_of("1.5 公斤", "1.5 kg") != key_of("15 公斤", "15 kg")
    assert key_of("红", "红") != key_of("蓝", "蓝")
    assert key_of("红", "红") == key_of("红", "红")


def test_a_row_tells_everything_that_is_wrong_with_it() -> None:
    check = checker("stock", ["store_code", "sku_code", "on_hand", "safety"])
    found = check.check(7, {"store_code": "", "sku_code": "A B", "on_hand": "NaN", "safety": "-1"})
    assert [(each.line, each.column, each.code) for each in found] == [
        (7, "store_code", "required"),
        (7, "sku_code", "code"),
        (7, "on_hand", "whole"),
        (7, "safety", "range"),
    ]
    assert found[3].en == "must lie between 0 and 1000000"


def test_every_reason_can_be_said() -> None:
    fields = dict.fromkeys(
        (
            "high",
            "low",
            "decimals",
            "choices",
            "part",
            "gtin",
            "why_zh",
            "why_en",
            "other",
            "why",
            "have",
            "want",
            "line",
        ),
        1,
    ) | {"product": 1, "sku": 1, "held": 1}
    for code in REASONS:
        said = problem(1, "c", "v", Bad(code, **fields))
        assert "{" not in said.zh + said.en
