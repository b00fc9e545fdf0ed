"""Mark a product as a favourite, and forget it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from duoline.kernel import clock
from duoline.kernel.ids import new_id

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from duoline.kernel.db import Tx


async def mark_favourite(
    tx: Tx, *, member_id: UUID, product_id: UUID, sku_id: UUID | None, store_id: UUID | None
) -> UUID:
    """The member likes the product; gives the favourite's id. Again, it keeps its place and takes the newer scan."""
    favourite_id: UUID = await tx.fetchval(
        """INSERT INTO favourites AS f (member_id, id, product_id, sku_id, store_id, added_at)
           VALUES ($1, $2, $3, $4, $5, $6)
           ON CONFLICT (member_id, product_id) DO UPDATE SET
             sku_id = CASE WHEN excluded.store_id IS NOT NULL OR f.store_id IS NULL
                           THEN coalesce(excluded.sku_id, f.sku_id) ELSE f.sku_id END,
             store_id = coalesce(excluded.store_id, f.store_id)
           RETURNING id""",
        member_id,
        new_id(),
        product_id,
        sku_id,
        store_id,
        clock.now(),
    )
    return favourite_id


async def forget_favourite(tx: Tx, *, member_ids: Sequence[UUID], favourite_id: UUID) -> list[UUID]:
    """Take a product out of the favourites, also where the member liked it as a guest. Gives the ids that are gone."""
    rows = await tx.fetch(
        """DELETE FROM favourites WHERE member_id = ANY ($1) AND product_id =
             (SELECT product_id FROM favourites WHERE member_id = ANY ($1) AND id = $2)
           RETURNING id""",
        list(member_ids),
        favourite_id,
    )
    return [row["id"] for row in rows]
