"""Import files of growing length and show that memory does not grow with them.

    python -m bench.imports.million [--rows 10000,100000,1000000] [--kinds stock,products]

Makes a database of its own, a chain of 100 shops and 10,000 SKUs, and files in a temporary directory; nothing stays.
Prints for each file: rows a second, processor seconds of the importing process, and its peak resident memory.
The second import of each file must change nothing; stock is then counted anew, and every level differs by one.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.imports.measure import import_file
from duoline.kernel import postgres

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

STORES, SKUS = 100, 10_000


def store_rows() -> Iterator[dict[str, Any]]:
    for n in range(STORES):
        yield {
            "code": f"S{n:03d}", "name_zh": f"{n} 号店", "company_code": "HQ", "company_zh": "总部", "region_code": "R",
            "region_zh": "全国", "province": "上海市", "city": "上海市", "address_zh": f"路 {n} 号",
            "lat": 31 + n / 1000, "lon": 121 + n / 1000,
        }  # fmt: skip


def product_rows(count: int, prefix: str = "P") -> Iterator[dict[str, Any]]:
    """Two variants a product."""
    for n in range(count):
        yield {
            "product_code": f"{prefix}{n // 2}", "sku_code": f"{prefix}{n // 2}-{n % 2}",
            "name_zh": f"连体衣 {n // 2} 号", "name_en": f"Bodysuit no. {n // 2}", "brand_code": f"B{n // 2 % 50}", "brand_zh": f"品牌 {n // 2 % 50}",
            "category_code": f"C{n // 2 % 40}", "category_zh": f"类目 {n // 2 % 40}", "option1_name": "尺码|Size",
            "option1_value": ("59", "66")[n % 2], "weight_g": 150,
        }  # fmt: skip


def stock_rows(count: int, more: int = 0) -> Iterator[dict[str, Any]]:
    """Sorted by SKU, as a warehouse system exports it: the import has to bring it into the order of shops."""
    for n in range(count):
        sku, store = divmod(n, STORES)
        yield {
            "store_code": f"S{store:03d}", "sku_code": f"P{sku // 2}-{sku % 2}", "on_hand": (n * 7919) % 60 + more,
            "safety": n % 3,
        }  # fmt: skip


MAKE = {"stock": stock_rows, "products": lambda count: product_rows(count, "Q")}


def write(path: Path, rows: Iterable[dict[str, Any]]) -> None:
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer: csv.DictWriter[str] | None = None
        for row in rows:
            if writer is None:
                writer = csv.DictWriter(file, list(row))
                writer.writeheader()
            writer.writerow(row)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rows", default="10000,100000,1000000")
    options.add_argument("--kinds", default="stock,products")
    options.add_argument("--out", type=Path)
    chosen = options.parse_args()
    found: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(prefix="duoline-million-") as name:
        home = Path(name)
        home.chmod(0o755)
        with postgres.embedded(home / "home") as access:
            environment = {key: value for key, value in os.environ.items() if not key.startswith("DUOLINE_")} | {
                "DUOLINE_HOME": str(home / "home"),
                "DUOLINE_DATABASE_URL": access.dsn,
                "DUOLINE_OWNER_URL": access.owner_dsn,
            }
            subprocess.run(
                [sys.executable, "-m", "duoline", "migrate"], env=environment, check=True, capture_output=True
            )
            write(home / "stores.csv", store_rows())
            write(home / "goods.csv", product_rows(SKUS))
            import_file("stores", home / "stores.csv", environment)
            import_file("products", home / "goods.csv", environment)
            for kind in chosen.kinds.split(","):
                for rows in map(int, chosen.rows.split(",")):
                    path = home / f"{kind}.csv"
                    write(path, MAKE[kind](rows))
                    for _ in range(2):
                        found.append(import_file(kind, path, environment))
                        print(json.dumps(found[-1]), flush=True)
                    assert found[-1]["changed"] == 0
                    if kind == "stock":
                        write(path, stock_rows(rows, more=1))
                        found.append(import_file(kind, path, environment) | {"kind": "recount"})
                        print(json.dumps(found[-1]), flush=True)
                        assert found[-1]["changed"] == rows
    if chosen.out:
        chosen.out.write_text(json.dumps(found, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
