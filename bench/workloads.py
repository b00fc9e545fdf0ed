"""The four workloads: product page, search, whole checkout, 400 buyers for 100 units; and holds on one hot SKU.

They are the workloads W1 to W4 of the comparison with other products: product detail; text search, a page of 20; the
whole checkout of one unit by a guest; 400 buyers who start at once. A checkout counts every call of the buyer.
"""

from __future__ import annotations

import asyncio
import random
import time
import uuid
from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote

from bench.client import Connection, Run, closed_loop
from duoline import inventory
from duoline.kernel.auth import SYSTEM
from duoline.kernel.ids import new_id

if TYPE_CHECKING:
    from bench.system import System
    from duoline.kernel.db import Database

CONTACT = {"name": "Bench", "phone": "13900000000"}


class Goods(NamedTuple):
    """What there is to buy: product codes, words to look for, and (SKU, store code, store id) with much in stock."""

    products: list[str]
    words: list[str]
    shelves: list[tuple[str, str, uuid.UUID]]
    stores: list[str]


async def goods(db: Database, *, shelves: int = 2000, units: int = 100_000) -> Goods:
    """Choose articles and shops at random, and stock the chosen shelves so that no checkout fails for lack of goods."""
    chance = random.Random(7)
    products = [row["code"] for row in await db.fetch("SELECT code FROM product_docs ORDER BY code")]
    words = [row["word"] for row in await db.fetch(
        "SELECT word FROM search_words WHERE kind IN ('category', 'brand') ORDER BY word")]  # fmt: skip
    rows = await db.fetch(
        """SELECT l.sku_id, s.code, l.location_id FROM levels l
           JOIN stores s ON s.id = l.location_id AND s.kind = 'store' AND s.pickup AND s.state = 'open'
           JOIN skus k ON k.id = l.sku_id AND k.state = 'active'
           JOIN products p ON p.id = k.product_id AND p.state = 'published'
           ORDER BY md5(l.location_id::text || l.sku_id::text) LIMIT $1""",
        shelves,
    )
    async with db.begin() as tx:
        for row in rows:
            await inventory.adjust(
                tx, location_id=row["location_id"], sku_id=row["sku_id"], delta=units, reason="receipt", actor=SYSTEM,
                note="bench",
            )  # fmt: skip
    found = [(str(row["sku_id"]), row["code"], row["location_id"]) for row in rows]
    stores = sorted({code for _, code, _ in found})
    chance.shuffle(products)
    return Goods(products, words, found, stores)


async def product_page(system: System, of: Goods, *, seconds: float) -> Run:
    """W1: a product's page data with prices and stock, for a chosen shop."""

    async def look(connection: Connection, n: int) -> str | None:
        code, store = of.products[n * 7919 % len(of.products)], of.stores[n % len(of.stores)]
        reply = await connection.ask("GET", f"/api/mall/products/{code}?store={store}")
        return None if reply.status == 200 else f"HTTP {reply.status}"

    return await closed_loop(system.port, look, clients=16, seconds=seconds)


async def search(system: System, of: Goods, *, seconds: float) -> Run:
    """W2: text search, a page of 20 with counts."""

    async def look(connection: Connection, n: int) -> str | None:
        word = of.words[n * 31 % len(of.words)]
        reply = await connection.ask("GET", f"/api/mall/search?q={quote(word)}&limit=20")
        return None if reply.status == 200 else f"HTTP {reply.status}"

    return await closed_loop(system.port, look, clients=16, seconds=seconds)


CHECKOUT_CALLS = 2


async def buy(connection: Connection, sku_id: str, store_code: str) -> str | None:
    """W3: a guest puts a unit into the cart and places the order, to be paid at the shop. Two calls."""
    connection.token = None
    first = str(uuid.uuid4())
    line = {"sku_id": sku_id, "quantity": 1, "method": "pickup", "store_code": store_code}
    reply = await connection.ask("POST", "/api/mall/cart/lines", line, key=first)
    if reply.status != 201:
        return f"cart {reply.status}"
    connection.token = reply.headers["set-cookie"].split(";")[0].split("=", 1)[1]
    order = {"pay_mode": "at_store", "contact": CONTACT, "expected_total": reply.json()["total"]}
    reply = await connection.ask("POST", "/api/mall/orders", order, key=str(uuid.uuid4()))
    return None if reply.status == 201 else reply.json().get("code", f"order {reply.status}")


async def buy_at_once(connection: Connection, sku_id: str, store_code: str) -> str | None:
    """The same by a headless client: one call."""
    connection.token = None
    order = {
        "lines": [{"sku_id": sku_id, "quantity": 1, "method": "pickup", "store_code": store_code}],
        "pay_mode": "at_store",
        "contact": CONTACT,
    }
    reply = await connection.ask("POST", "/api/mall/orders", order, key=str(uuid.uuid4()))
    return None if reply.status == 201 else reply.json().get("code", f"order {reply.status}")


async def checkout(system: System, of: Goods, *, seconds: float, clients: int = 8, at_once: bool = False) -> Run:
    """W3, over many articles and shops."""
    how = buy_at_once if at_once else buy

    async def one(connection: Connection, n: int) -> str | None:
        sku_id, store_code, _ = of.shelves[n * 613 % len(of.shelves)]
        return await how(connection, sku_id, store_code)

    return await closed_loop(system.port, one, clients=clients, seconds=seconds)


class SellOut(NamedTuple):
    """W4: what 400 buyers of 100 units got."""

    buyers: int
    units: int
    sold: int
    refused: dict[str, int]
    seconds: float
    last_sale_s: float


async def sell_out(system: System, db: Database, of: Goods, *, buyers: int = 400, units: int = 100) -> SellOut:
    """Every buyer starts at the same moment with an empty cart; stock is counted in the database afterwards."""
    sku_id, store_code, location_id = of.shelves[-1]
    async with db.begin() as tx:
        level = await tx.fetchrow(
            "SELECT on_hand, held, safety FROM levels WHERE location_id = $1 AND sku_id = $2", location_id,
            uuid.UUID(sku_id),
        )  # fmt: skip
        if level["safety"]:
            await inventory.set_safety(
                tx, location_id=location_id, sku_id=uuid.UUID(sku_id), safety=0, reason="measuring", actor=SYSTEM
            )
        await inventory.correct_to(
            tx, location_id=location_id, sku_id=uuid.UUID(sku_id), counted=level["held"] + units, actor=SYSTEM
        )
    before = level["held"]
    connections = [Connection(system.port) for _ in range(buyers)]
    sales: list[float] = []
    outcomes: Counter[str] = Counter()
    began = time.perf_counter()

    async def one(connection: Connection) -> None:
        failed = await buy(connection, sku_id, store_code)
        if failed is None:
            sales.append(time.perf_counter() - began)
        else:
            outcomes[failed] += 1

    await asyncio.gather(*(one(connection) for connection in connections))
    seconds = time.perf_counter() - began
    for connection in connections:
        connection.close()
    held = await db.fetchval(
        "SELECT held FROM levels WHERE location_id = $1 AND sku_id = $2", location_id, uuid.UUID(sku_id)
    )
    return SellOut(buyers, units, held - before, dict(outcomes), seconds, max(sales, default=0.0))


async def hot_holds(db: Database, of: Goods, *, seconds: float, callers: int = 500) -> tuple[float, int]:
    """Holds a second on one SKU of one shop, from one process with 500 callers; and how many were granted."""
    sku_id, _, location_id = of.shelves[-2]
    holds = inventory.Holds(db)
    stop_at = time.perf_counter() + seconds
    granted = 0

    async def caller() -> None:
        nonlocal granted
        while time.perf_counter() < stop_at:
            await holds.hold(
                location_id=location_id, sku_id=uuid.UUID(sku_id), quantity=1, ref_kind="bench", ref_id=new_id(),
                expires_at=None, actor=SYSTEM,
            )  # fmt: skip
            granted += 1

    began = time.perf_counter()
    await asyncio.gather(*(caller() for _ in range(callers)))
    return granted / (time.perf_counter() - began), granted


def summary(run: Run, used: dict[str, float]) -> dict[str, Any]:
    """A run in numbers: rate, times in ms, CPU an operation in ms, what others used of the machine in cores."""
    count = max(1, len(run.took))
    return {
        "per_s": round(run.rate, 1),
        "p50_ms": round(run.quantile(0.5), 2),
        "p99_ms": round(run.quantile(0.99), 2),
        "app_cpu_ms": round(1000 * used["app"] / count, 3),
        "postgres_cpu_ms": round(1000 * used["postgres"] / count, 3),
        "client_cpu_ms": round(1000 * used["client"] / count, 3),
        "others_cores": round(used["others"], 2),
        "failures": run.failures,
    }
