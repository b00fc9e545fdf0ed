"""The door from a channel to a product or SKU. The catalogue belongs to the chain: staff who may read it may read
all of it, members what is published, so the doors only say whether it is there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from duoline.catalog.errors import NoSuchProduct, NoSuchSku

if TYPE_CHECKING:
    from uuid import UUID

    from duoline.kernel.db import Database, Tx


async def product_id_of(reader: Database | Tx, code: str) -> UUID:
    """The product of that code, in any state, for staff. Refuses with `NoSuchProduct`."""
    found: UUID | None = await reader.fetchval("SELECT id FROM products WHERE code = $1", code)
    if found is None:
        raise NoSuchProduct
    return found


async def product_id_of_sku(reader: Database | Tx, sku_id: UUID) -> UUID:
    """The product a SKU belongs to, for staff. Refuses with `NoSuchSku`."""
    found: UUID | None = await reader.fetchval("SELECT product_id FROM skus WHERE id = $1", sku_id)
    if found is None:
        raise NoSuchSku
    return found
