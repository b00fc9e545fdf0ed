"""The rules by which real baskets are replayed, and what is held against the results: on data made up here."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pyarrow
import pytest
from pyarrow import parquet

from bench.completejourney import derive, evidence, figures
from bench.completejourney.derive import Basket
from bench.completejourney.fates import fates
from bench.completejourney.replay import Replayed
from bench.completejourney.talk import Book
from tests.imports.conftest import STORES, take_in

if TYPE_CHECKING:
    from pathlib import Path

    from duoline.kernel.db import Database


def test_fates_are_dealt_out_by_number_and_seed_alone() -> None:
    numbers = list(range(1000, 5000))
    drawn = fates(numbers, 7)
    assert fates(reversed(numbers), 7) == drawn
    assert fates(numbers, 8) != drawn
    ways = Counter(fate.way for fate in drawn.values())
    assert ways == {"sale": 3200, "pickup": 480, "delivery": 320}
    assert Counter(fate.turn for fate in drawn.values() if fate.way != "sale") == {
        "served": 600, "cancelled": 50, "left": 50, "trimmed": 50, "rejected": 50,
    }  # fmt: skip
    assert sum(fate.turn == "repeated" for fate in drawn.values()) == 80
    assert Counter(fate.pay for fate in drawn.values()) == {"cash": 3200, "online": 640, "at_store": 160}
    assert {(fate.way, fate.pay, fate.turn) for fate in drawn.values() if fate.way == "delivery"} == {
        ("delivery", "online", turn) for turn in ("served", "cancelled", "left", "trimmed", "rejected")
    }


def basket(number: int, store: str, *lines: tuple[str, int]) -> Basket:
    return Basket(number, datetime(2017, 3, 1, 12), store, 1, lines)  # noqa: DTZ001 - the data know no zone


def test_a_week_has_the_units_it_needs_but_for_every_two_hundredth_shelf() -> None:
    wanted = [basket(n, "S1", (f"{n:03d}", 2), ("500", 1)) for n in range(300)]
    stock = derive.stock_for(wanted)
    assert len(stock) == 301
    short = [(product, units) for _, product, units in stock if units not in (2, 300)]
    assert short == [("000", 1), ("200", 1)]
    assert ("S1", "500", 300) in stock


def lines(*rows: tuple[Any, ...]) -> Any:
    names = ("basket_id", "week", "transaction_timestamp", "store_id", "household_id", "product_id", "quantity")
    return pyarrow.table({name: [row[n] for row in rows] for n, name in enumerate(names)})


def test_baskets_are_put_together_and_what_no_till_takes_is_left_out(tmp_path: Path) -> None:
    at = [datetime(2017, 3, 1, hour) for hour in range(3)]  # noqa: DTZ001 - the data know no zone
    crowd = [(4, 10, at[0], 7, 1, product, 1) for product in range(101)]
    table = lines(
        (1, 10, at[2], 7, 1, 50, 1), (1, 10, at[2], 7, 1, 50, 2), (1, 10, at[2], 7, 1, 51, 0),
        (2, 10, at[1], 8, 2, 52, 1),
        (3, 10, at[0], 7, 1, 6534178, 11500),
        *crowd,
        (5, 11, at[0], 7, 1, 50, 1),
    )  # fmt: skip
    parquet.write_table(table, tmp_path / "transactions.parquet")
    found, left_out = derive.baskets_of(tmp_path, 10)
    assert found == [
        Basket(2, at[1], "8", 2, (("52", 1),)),
        Basket(1, at[2], "7", 1, (("50", 3), ("51", 1))),
    ]
    assert left_out == 2


def test_one_unknown_article_keeps_all_rows_of_its_order_out(tmp_path: Path) -> None:
    parquet.write_table(pyarrow.table({"basket_id": [1, 1, 2, 3], "product_id": [5, 9, 5, 6]}), tmp_path / "orders")
    parquet.write_table(pyarrow.table({"product_id": [5, 6]}), tmp_path / "products")
    assert derive.rows_left_out(tmp_path / "orders", tmp_path / "products") == 2


HEAD = "line,column,value,reason_zh,reason_en,product_id\n"


def test_an_error_file_names_every_bad_row(tmp_path: Path) -> None:
    path = tmp_path / "errors.csv"
    path.write_text(
        HEAD + "3,product_id,9,没有,is unknown,9\n3,store_id,1,没有,is unknown,9\n8,product_id,9,没有,is unknown,9\n"
    )
    assert evidence.reasons_in(path, 2) == {"product_id is unknown": 2, "store_id is unknown": 1}
    with pytest.raises(SystemExit, match="3 rows were bad, and the error file names 2"):
        evidence.reasons_in(path, 3)
    path.write_text(HEAD + "3,,9,没有,is unknown,9\n")
    with pytest.raises(SystemExit, match="without line, column or reason"):
        evidence.reasons_in(path, 1)


async def test_rows_that_are_written_are_counted(db: Database) -> None:
    before = await evidence.rows_written(db)
    assert await evidence.rows_written(db) == before
    assert (await take_in(db, "stores", STORES)).counts == (3, 0, 0)
    assert await evidence.rows_written(db) > before + 3
    settled = await evidence.rows_written(db)
    assert (await take_in(db, "stores", STORES)).counts == (0, 3, 0)
    assert await evidence.rows_written(db) == settled


def test_a_fingerprint_is_of_what_happened_and_not_of_when() -> None:
    one, two = Book(), Book()
    for number in (1, 2, 3):
        one.tell(number, "sale.sold")
    for number in (3, 1, 2):
        two.tell(number, "sale.sold")
    two.again["kernel.unavailable"] += 1
    assert one.fingerprint() == two.fingerprint()
    two.tell(2, "sale.repeated")
    assert one.fingerprint() != two.fingerprint()


def test_figures_count_refusals_by_code_and_failures_apart() -> None:
    replayed = Replayed(shops_s=4.0, evenings_s=1.0, sale_s=[0.01, 0.03, 0.02])
    told = {
        1: ["sale.sold"], 2: ["sale.refused.inventory.insufficient-stock"], 3: ["sale.sold", "sale.repeated"],
        4: ["pickup.refused.inventory.insufficient-stock"], 5: ["pickup.placed", "failed.ready.kernel.wrong-state"],
    }  # fmt: skip
    for number, words in told.items():
        for word in words:
            replayed.book.tell(number, word)
    found = figures.of_replay(replayed)
    expected = {
        "baskets": 5, "baskets_per_s": 1.0, "sales": 2, "sales_per_s": 0.5, "sale_p50_ms": 20.0, "online_orders": 1,
        "sale_repeated": 1, "refused_inventory_insufficient_stock": 2, "refused": 2, "failed": 1,
    }  # fmt: skip
    assert {name: found[name] for name in expected} == expected
