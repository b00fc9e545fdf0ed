"""A tiny chain to import into, and files to import."""

from __future__ import annotations

import csv
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from duoline.channels.imports.run import Generated, Options, Result, run
from duoline.entry.check import findings
from duoline.kernel.auth import SYSTEM

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence
    from pathlib import Path

    from duoline.channels.imports.problems import Problem
    from duoline.kernel.db import Database

STORE = {
    "company_code": "HQ",
    "company_zh": "总部",
    "region_code": "EAST",
    "region_zh": "华东",
    "province": "上海市",
    "city": "上海市",
    "address_zh": "青禾路 1 号",
    "lat": "31.2",
    "lon": "121.4",
}
STORES = [
    {"code": "S1", "name_zh": "一店", **STORE},
    {"code": "S2", "name_zh": "二店", **STORE},
    {"code": "DC", "kind": "dc", "name_zh": "总仓", **STORE},
]
GOODS = {"category_code": "clothing", "category_zh": "童装", "option1_name": "尺码|Size"}
PRODUCTS = [
    {"product_code": "P1", "name_zh": "连体衣", "sku_code": "P1-59", "option1_value": "59", **GOODS},
    {"product_code": "P1", "name_zh": "连体衣", "sku_code": "P1-66", "option1_value": "66", **GOODS},
    {"product_code": "P2", "name_zh": "积木", "sku_code": "P2", "category_code": "toys", "category_zh": "玩具"},
]


@dataclass
class Done:
    """What an import did, and what it reported."""

    result: Result
    problems: list[Problem] = field(default_factory=list)

    @property
    def counts(self) -> tuple[int, int, int]:
        """Rows changed, same, bad."""
        return self.result.changed, self.result.same, self.result.bad

    @property
    def told(self) -> list[tuple[int, str, str]]:
        """Problems as line, column, code."""
        return [(found.line, found.column, found.code) for found in self.problems]


async def take_in(db: Database, kind: str, rows: Sequence[dict[str, Any]], **options: Any) -> Done:
    """Import rows given in the test; their columns are those that any of them has."""
    present = list(dict.fromkeys(name for row in rows for name in row))
    problems: list[Problem] = []

    async def keep(found: AsyncIterator[Problem]) -> None:
        problems.extend([each async for each in found])

    result = await run(db, kind, Generated(present, rows), actor=SYSTEM, options=Options(**options), on_problems=keep)
    return Done(result, problems)


async def assert_sound(db: Database) -> None:
    """Every invariant of the system holds."""
    assert [(found.id, found.rows[:2]) for found in await findings(db) if found.rows] == []


@pytest.fixture
async def chain(db: Database) -> Database:
    """Two shops, a warehouse, three SKUs."""
    assert (await take_in(db, "stores", STORES)).counts == (3, 0, 0)
    assert (await take_in(db, "products", PRODUCTS)).counts == (3, 0, 0)
    return db


@pytest.fixture
def write_csv(tmp_path: Path) -> Callable[..., Path]:
    """Write a CSV file of rows."""

    def write(rows: Sequence[dict[str, Any]], name: str = "file.csv", **options: Any) -> Path:
        path = tmp_path / name
        headers = list(dict.fromkeys(name for row in rows for name in row))
        with open(path, "w", newline="", encoding=options.pop("encoding", "utf-8")) as file:
            writer = csv.DictWriter(file, headers, **options)
            writer.writeheader()
            writer.writerows(rows)
        return path

    return write
