"""Give a SKU its barcodes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from duoline.catalog.changes import changed
from duoline.catalog.errors import GtinTaken, NoSuchSku
from duoline.catalog.locks import lock_products
from duoline.catalog.rules import normal_gtin

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from duoline.kernel.auth import Actor
    from duoline.kernel.db import Tx


async def set_barcodes(tx: Tx, *, actor: Actor, sku_id: UUID, gtins: Sequence[str]) -> None:
    """Make these the SKU's barcodes, and no others. Refusals: `NoSuchSku`, `BadGtin`, `GtinTaken`."""
    product_id = await tx.fetchval("SELECT product_id FROM skus WHERE id = $1", sku_id)
    if product_id is None:
        raise NoSuchSku
    await lock_products(tx, [product_id])
    before = [row["gtin"] for row in await tx.fetch("SELECT gtin FROM barcodes WHERE sku_id = $1 ORDER BY 1", sku_id)]
    after = await write_barcodes(tx, sku_id, gtins)
    if after != before:
        await changed(tx, actor=actor, product_id=product_id, action="sku.barcodes-set", before=before, after=after)


async def write_barcodes(tx: Tx, sku_id: UUID, gtins: Sequence[str]) -> list[str]:
    """The rows alone, in 14 digits; the caller closes the change. Refusals: `BadGtin`, `GtinTaken`.

    Two transactions that want one barcode meet at its key: the second waits, then finds it taken.
    """
    wanted = sorted({normal_gtin(gtin) for gtin in gtins})
    await tx.execute("DELETE FROM barcodes WHERE sku_id = $1 AND gtin <> ALL($2::text[])", sku_id, wanted)
    await tx.execute(
        "INSERT INTO barcodes (gtin, sku_id) SELECT gtin, $1 FROM unnest($2::text[]) AS u(gtin)"
        " ON CONFLICT (gtin) DO NOTHING",
        sku_id,
        wanted,
    )
    taken = await tx.fetchrow(
        "SELECT b.gtin, s.code FROM barcodes b JOIN skus s ON s.id = b.sku_id"
        " WHERE b.gtin = ANY($2::text[]) AND b.sku_id <> $1 ORDER BY 1 LIMIT 1",
        sku_id,
        wanted,
    )
    if taken is not None:
        raise GtinTaken(gtin=taken["gtin"], sku_code=taken["code"])
    return wanted
