"""The hot reads have an index for every step, whatever the planner thinks of tables as small as here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from duoline.catalog.cutter import Cutter
from duoline.catalog.tokens import parse
from duoline.channels.mall import catalogue_sql as sql
from duoline.channels.mall.found import Wish, _statement
from duoline.kernel import clock

if TYPE_CHECKING:
    from duoline.kernel.db import Tx
    from tests.mall_catalogue.conftest import Shop

BIG = {"products", "skus", "prices", "levels", "product_docs", "product_search", "barcodes", "stores"}


async def scanned(shop: Shop, statement: str, *values: Any) -> set[str]:
    """The large tables of which a statement reads every row, when it may not unless there is no other way."""
    async with shop.world.db.begin() as tx:
        await tx.execute("SET LOCAL enable_seqscan = off")
        before = await _scans(tx)
        await tx.fetch(statement, *values)
        after = await _scans(tx)
    return {name for name in BIG if after.get(name, 0) > before.get(name, 0)}


async def _scans(tx: Tx) -> dict[str, int]:
    """Scans of whole tables that this connection has counted and not yet reported."""
    rows = await tx.fetch("SELECT relname, seq_scan FROM pg_stat_xact_user_tables")
    return {row["relname"]: row["seq_scan"] for row in rows}


async def test_product_page_cards_and_stores(shop: Shop):
    world, at = shop.world, clock.now()
    here = (world.stores["S1"], [world.regions["north"]], at, world.stores["S1"], [world.stores["D1"]], "gold")
    assert await scanned(shop, sql.PRODUCT_PAGE, "F700", *here) == set()
    assert await scanned(shop, sql.CARDS, list(shop.goods.products.values()), *here) == set()
    assert await scanned(shop, sql.PRODUCT_STORES, "F700", None) == set()
    assert await scanned(shop, sql.NEWEST, 20) == set()
    assert await scanned(shop, sql.SUGGESTED_PRODUCTS, "'奶粉'", 5, "奶粉") == set()


@pytest.mark.parametrize("sort", ["relevance", "price", "newest"])
@pytest.mark.parametrize("ready", [True, False])
async def test_search(shop: Shop, sort: Any, ready: bool):
    wish = Wish(
        query=parse("奶粉", Cutter({})),
        category="milk",
        brand=None,
        sort=sort,
        price_store=shop.world.stores["S1"],
        price_regions=(),
        price_tier="gold",
        ready_at=shop.world.stores["S1"] if ready else None,
    )
    statement, values = _statement(wish, clock.now())
    assert await scanned(shop, statement, *values) == set()


async def test_it_would_be_seen(shop: Shop):
    assert await scanned(shop, "SELECT count(*) FROM products WHERE version > 7") == {"products"}
