"""A chain with goods, prices and stock, spoken to through HTTP."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from duoline import inventory, pricing
from duoline.catalog.words import refresh_words
from duoline.kernel.auth import SYSTEM
from tests.catalog.goods import Goods, make_goods
from tests.http.world import Caller, World, open_world

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from duoline.kernel.db import Database

OPENED = datetime(2026, 1, 1, tzinfo=UTC)
PRICES = {"F700-1": 28900, "A800-1": 31900, "D60-S": 9900, "D60-M": 10900, "B240-RED": 6900, "B240-BLUE": 6900}
STOCK = {
    ("S1", "F700-1"): 5,
    ("S2", "F700-1"): 2,
    ("D1", "F700-1"): 300,
    ("S1", "D60-S"): 3,
    ("S3", "D60-M"): 4,
    ("S2", "B240-RED"): 1,
}


@dataclass
class Shop:
    """The world, what it sells, and somebody who looks at it."""

    world: World
    goods: Goods
    visitor: Caller

    async def get(self, path: str, *, status: int = 200, **params: Any) -> Any:
        """The JSON answer of a read, once its status is as expected."""
        answer = await self.visitor.get(path, params={k: v for k, v in params.items() if v is not None})
        assert answer.status_code == status, answer.text
        return answer.json()

    async def set_price(self, sku: str, minor: int, *, scope: str = "chain", scope_id: Any = pricing.CHAIN) -> None:
        async with self.world.db.begin() as tx:
            await pricing.set_price(
                tx,
                sku_id=self.goods.skus[sku],
                scope=scope,  # type: ignore[arg-type]
                scope_id=scope_id,
                price_minor=minor,
                currency="CNY",
                valid_from=OPENED,
                valid_until=None,
                channel="*",
                reason="",
                actor=SYSTEM,
                by="chain",
                right=pricing.CHAINS,
            )

    async def stock(self, store: str, sku: str, units: int) -> None:
        async with self.world.db.begin() as tx:
            await inventory.adjust(
                tx,
                location_id=self.world.stores[store],
                sku_id=self.goods.skus[sku],
                delta=units,
                reason="opening",
                actor=SYSTEM,
            )


@pytest.fixture
async def shop(db: Database, tmp_path: Path) -> AsyncIterator[Shop]:
    """Four published products; F700 is everywhere, A800 nowhere."""
    async with open_world(db, tmp_path) as world:
        await db.execute(
            "INSERT INTO locations (id, kind, store_id) SELECT id, kind, id FROM stores ON CONFLICT DO NOTHING"
        )
        async with db.begin() as tx:
            goods = await make_goods(tx)
            await refresh_words(tx)
        opened = Shop(world, goods, world.anonymous())
        for sku, minor in PRICES.items():
            await opened.set_price(sku, minor)
        for (store, sku), units in STOCK.items():
            await opened.stock(store, sku, units)
        yield opened
