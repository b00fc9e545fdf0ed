"""`duoline import` as somebody types it: files in, an error file out, exit codes, kills in the middle."""

from __future__ import annotations

import csv
import os
import re
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from openpyxl import Workbook

from duoline.channels.imports.source import harmless
from duoline.kernel.db import Database
from tests.imports.conftest import PRODUCTS, STORES, assert_sound

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from duoline.kernel.postgres import Access


@pytest.fixture
def command(access: Access, tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run `duoline import` on the test's own database."""

    def run(*arguments: Any, **environment: str) -> subprocess.CompletedProcess[str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("DUOLINE_")}
        own = {
            "DUOLINE_HOME": str(tmp_path / "home"),
            "DUOLINE_DATABASE_URL": access.dsn,
            "DUOLINE_OWNER_URL": access.owner_dsn,
            "COLUMNS": "200",
        }
        return subprocess.run(
            [sys.executable, "-m", "duoline", "import", *map(str, arguments)],
            env=kept | own | environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    return run


def errors_in(path: Path) -> list[dict[str, str]]:
    with open(path, encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


async def test_a_chain_from_files(command: Any, write_csv: Any, tmp_path: Path, db: Database) -> None:
    assert command("stores", write_csv(STORES, "stores.csv", encoding="gb18030")).returncode == 0
    assert command("products", write_csv(PRODUCTS, "products.csv", delimiter=";")).returncode == 0
    book = Workbook()
    for row in (["门店或仓库编码", "SKU 编码", "现有数量"], ["S1", "P2", 5], ["S1", "P1-59", 2.5], ["S9", "P2", 1]):
        book.active.append(row)
    book.save(tmp_path / "stock.xlsx")
    listed = tmp_path / "bad.csv"
    done = command("stock", tmp_path / "stock.xlsx", "--errors", listed)
    assert done.returncode == 1, done.stderr
    assert "2 rows were bad" in done.stderr
    assert [tuple(row.values()) for row in errors_in(listed)] == [
        ("3", "现有数量", "2.5", "应为整数,例如 12", "must be a whole number such as 12", "S1", "P1-59", "2.5"),
        ("4", "门店或仓库编码", "S9", "没有这个编码", "is not a known code", "S9", "P2", "1"),
    ]
    again = command("stock", tmp_path / "stock.xlsx", "--errors", listed)
    assert "0 changed something, 1 were there already" in again.stderr
    assert await db.fetchval("SELECT sum(on_hand) FROM levels") == 5
    rows = await db.fetch(
        "SELECT state, rows_total, rows_changed, rows_same, rows_bad FROM import_jobs ORDER BY created_at"
    )
    assert [tuple(row) for row in rows] == [
        ("done", 3, 3, 0, 0),
        ("done", 3, 3, 0, 0),
        ("done", 3, 1, 0, 2),
        ("done", 3, 0, 1, 2),
    ]
    await assert_sound(db)


def test_a_log_shows_how_far_an_import_is(command: Any, write_csv: Any) -> None:
    told = command("stores", write_csv(STORES)).stderr
    steps = re.findall(r"^(\w+): (3 rows|3 of 3 rows), \d+ s, (\d+) MB$", told, re.MULTILINE)
    assert [step[:2] for step in steps] == [("reading", "3 rows"), ("sorting", "3 rows"), ("writing", "3 of 3 rows")]
    assert all(20 < int(megabytes) < 400 for _, _, megabytes in steps)


async def test_foreign_columns_through_a_mapping(command: Any, write_csv: Any, tmp_path: Path, db: Database) -> None:
    rows = [
        {"货号": "A1", "品牌": "禾苗", "品名": "奶瓶", "类目": "喂养", "状态": "在售", "重(kg)": "0.18"},
        {"货号": "A2", "品牌": "禾苗", "品名": "奶嘴", "类目": "喂养", "状态": "停产", "重(kg)": "重"},
    ]
    mapping = tmp_path / "mapping.toml"
    mapping.write_text(
        """
        kind = "products"
        [columns]
        product_code = "货号"
        sku_code = "货号"
        name_zh = { template = "{品牌} {品名}" }
        category_zh = "类目"
        category_code = { constant = "feeding" }
        sku_state = { column = "状态", values = { "在售" = "active", "停产" = "withdrawn" } }
        weight_g = { column = "重(kg)", scale = 1000, decimals = 0 }
        """,
        encoding="utf-8",
    )
    done = command("products", write_csv(rows), "--mapping", mapping, "--errors", tmp_path / "bad.csv")
    assert done.returncode == 1, done.stderr
    assert [(row["line"], row["column"]) for row in errors_in(tmp_path / "bad.csv")] == [("3", "重(kg)")]
    found = await db.fetchrow(
        "SELECT p.name_zh, s.weight_g, s.state FROM skus s JOIN products p ON p.id = s.product_id"
    )
    assert tuple(found) == ("禾苗 奶瓶", 180, "active")


async def test_files_that_cannot_be_used(command: Any, write_csv: Any, tmp_path: Path, db: Database) -> None:
    lacking = command("stock", write_csv([{"store_code": "S1"}]))
    assert lacking.returncode == 2
    assert "Columns are missing: sku_code, on_hand" in lacking.stderr
    old = tmp_path / "old.xls"
    old.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")
    assert "save it as .xlsx or CSV" in command("stock", old).stderr
    mapping = tmp_path / "mapping.json"
    mapping.write_text('{"columns": {"sku": "x"}}')
    wrong = command("stock", write_csv([{"x": "1"}]), "--mapping", mapping)
    assert wrong.returncode == 2
    assert "columns.sku is no column of stock" in wrong.stderr
    assert command("planets", old).returncode == 2
    states = await db.fetch("SELECT state, problem FROM import_jobs ORDER BY created_at")
    assert [row["state"] for row in states] == ["failed"] * 3
    assert states[0]["problem"]["zh"].startswith("缺少必需的列:sku_code")


@pytest.mark.parametrize("value", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_no_cell_of_an_error_file_is_a_formula(value: str) -> None:
    assert harmless(value) == "'" + value


async def test_formulas_in_bad_rows_are_harmless(command: Any, write_csv: Any, tmp_path: Path) -> None:
    path = write_csv([{"store_code": "=cmd|' /C calc'!A0", "sku_code": "@x", "on_hand": "-5"}])
    assert command("stock", path, "--errors", tmp_path / "bad.csv").returncode == 1
    cells = [cell for row in errors_in(tmp_path / "bad.csv") for cell in row.values()]
    assert [cell for cell in cells if cell.startswith(("=", "+", "-", "@"))] == []
    assert "'=cmd|' /C calc'!A0" in cells


async def test_a_killed_import_is_finished_by_the_next(command: Any, write_csv: Any, db: Database) -> None:
    command("stores", write_csv(STORES, "stores.csv"))
    count = 2500
    goods = [{**PRODUCTS[2], "product_code": f"X{n}", "sku_code": f"X{n}"} for n in range(count)]  # three chunks
    path = write_csv(goods, "goods.csv")
    killed = command("products", path, DUOLINE_FAULT="imports.after_chunk:kill@1")
    assert killed.returncode == -signal.SIGKILL
    half = await db.fetchval("SELECT count(*) FROM skus")
    assert 0 < half < count
    assert await db.fetchval("SELECT state FROM import_jobs ORDER BY created_at DESC LIMIT 1") == "running"
    assert command("products", path).returncode == 0
    assert await db.fetchval("SELECT count(*) FROM skus") == count
    assert await db.fetchval("SELECT count(*) FROM product_docs") == count

    levels = [
        {"store_code": s, "sku_code": f"X{n}", "on_hand": str(n % 50)} for s in ("S1", "S2", "DC") for n in range(count)
    ]
    path = write_csv(levels, "stock.csv")
    assert command("stock", path, DUOLINE_FAULT="imports.after_chunk:kill@1").returncode == -signal.SIGKILL
    moves = await db.fetchval("SELECT count(*) FROM movements")
    assert moves > 0
    await assert_sound(db)
    done = command("stock", path)
    assert done.returncode == 0
    assert "2,500 changed something, 5,000 were there already" in done.stderr
    await assert_sound(db)
