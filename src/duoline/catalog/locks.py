"""The only row locks of the catalogue. Order: brands, categories, products, always by id."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from uuid import UUID

    from duoline.kernel.db import Tx


async def lock_products(tx: Tx, product_ids: Iterable[UUID]) -> list[UUID]:
    """Lock products against other edits; gives those that exist. Rows that refer to them stay free."""
    rows = await tx.fetch(
        "SELECT id FROM products WHERE id = ANY($1::uuid[]) ORDER BY id FOR NO KEY UPDATE", list(product_ids)
    )
    return [row["id"] for row in rows]


async def share_places(tx: Tx, *, brand_id: UUID | None, category_id: UUID) -> None:
    """Keep the brand and the category as they are until the product that names them is saved."""
    await tx.execute("SELECT 1 FROM brands WHERE id = $1 FOR SHARE", brand_id)
    await tx.execute("SELECT 1 FROM categories WHERE id = $1 FOR SHARE", category_id)


async def lock_brand(tx: Tx, code: str) -> UUID | None:
    """Lock a brand against edits and against products that are about to name it."""
    found: UUID | None = await tx.fetchval("SELECT id FROM brands WHERE code = $1 FOR NO KEY UPDATE", code)
    return found


async def lock_tree(tx: Tx) -> None:
    """Lock every category: moving one must see all others stand still, or two moves could close a ring."""
    await tx.execute("SELECT 1 FROM categories ORDER BY id FOR NO KEY UPDATE")
