"""The named queries of the catalogue find what they are for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from duoline.catalog.invariants import INVARIANTS

if TYPE_CHECKING:
    from duoline.kernel.db import Tx
    from tests.catalog.goods import Goods

BREAK = {
    "CAT-1": "DELETE FROM product_docs WHERE code = 'F700'",
    "CAT-2": "UPDATE categories SET parent_id = (SELECT id FROM categories WHERE code = 'formula') WHERE code = 'milk'",
    "CAT-3": """UPDATE skus SET options = '{"size": "s"}' WHERE code = 'D60-M'""",
    "CAT-4": """UPDATE skus SET options = '{"size": "xxl"}' WHERE code = 'D60-M'""",
    "CAT-5": "UPDATE product_docs SET sku_ids = '{}' WHERE code = 'D60'",
    "CAT-6": "INSERT INTO barcodes (gtin, sku_id) SELECT '06901234567891', id FROM skus LIMIT 1",
    "CAT-7": "UPDATE product_search SET published_at = NULL",
    "CAT-8": "UPDATE products SET published_at = NULL",
    "CAT-9": "INSERT INTO unlisted (product_id, store_ids) SELECT id, ARRAY[id] FROM products LIMIT 1",
}


@pytest.mark.parametrize("name", BREAK)
async def test_each_one_can_fail(tx: Tx, goods: Goods, name: str):
    queries = {invariant: sql for invariant, _, sql in INVARIANTS}
    assert await tx.fetch(queries[name]) == []
    await tx.execute(BREAK[name])
    assert await tx.fetch(queries[name]) != []


def test_all_are_tried():
    assert list(BREAK) == [name for name, _, _ in INVARIANTS]
