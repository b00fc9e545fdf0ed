"""What article a code on a label means."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from uuid import UUID

    from duoline.kernel.db import Database, Tx


async def sku_of(db: Database | Tx, text: str) -> UUID | None:
    """The SKU of a label's digits or of our own SKU code."""
    sku_id: UUID | None = await db.fetchval(
        """SELECT sku_id FROM barcodes WHERE gtin = lpad($1, 14, '0') AND $1 ~ '^[0-9]{8,14}$'
           UNION ALL SELECT id FROM skus WHERE code = $1 LIMIT 1""",
        text,
    )
    return sku_id
