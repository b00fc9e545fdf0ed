"""From the codes people use to the ids of brands and categories."""

from __future__ import annotations

from typing import TYPE_CHECKING

from duoline.catalog.errors import NoSuchBrand, NoSuchCategory

if TYPE_CHECKING:
    from uuid import UUID

    from duoline.kernel.db import Tx


async def category_id_of(tx: Tx, code: str) -> UUID:
    """The category's id. Refuses with `NoSuchCategory`."""
    found: UUID | None = await tx.fetchval("SELECT id FROM categories WHERE code = $1", code)
    if found is None:
        raise NoSuchCategory(category=code)
    return found


async def brand_id_of(tx: Tx, code: str | None) -> UUID | None:
    """The brand's id, None for no brand. Refuses with `NoSuchBrand`."""
    if code is None:
        return None
    found: UUID | None = await tx.fetchval("SELECT id FROM brands WHERE code = $1", code)
    if found is None:
        raise NoSuchBrand(brand=code)
    return found
