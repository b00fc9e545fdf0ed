"""What a location keeps back from others: buffers against channels, and its owner's terms."""

from __future__ import annotations

from typing import TYPE_CHECKING

from duoline.inventory.errors import BadQuantity
from duoline.inventory.rules import QUANTITY_MAX
from duoline.kernel import audit
from duoline.kernel.errors import ensure

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from duoline.kernel.auth import Actor
    from duoline.kernel.db import Tx


async def set_buffers(
    tx: Tx, *, location_id: UUID, sku_id: UUID, buffers: Mapping[str, int], reason: str, actor: Actor
) -> None:
    """Let each channel leave so many units of a level, besides its safety stock. Locks the level.

    Channels that are not named leave nothing. Written to the audit log with its reason.
    """
    ensure(reason.strip(), "AUDIT", "buffers are changed for a reason")
    if not all(0 <= units <= QUANTITY_MAX for units in buffers.values()):
        raise BadQuantity(maximum=QUANTITY_MAX)
    kept = {channel: units for channel, units in sorted(buffers.items()) if units}
    await tx.execute("SELECT duo_open_level($1, $2)", location_id, sku_id)
    before = await tx.fetchval(
        "SELECT buffers FROM levels WHERE location_id = $1 AND sku_id = $2 FOR UPDATE", location_id, sku_id
    )
    await tx.execute("UPDATE levels SET buffers = $3 WHERE location_id = $1 AND sku_id = $2", location_id, sku_id, kept)
    await audit.record(
        tx,
        actor=actor,
        action="stock.buffers",
        subject_kind="sku",
        subject=str(sku_id),
        store_id=location_id,
        reason=reason,
        before=before,
        after=kept,
    )


async def set_terms(tx: Tx, *, location_id: UUID, cap: int | None, reserve: int) -> None:
    """Let others have of each SKU of a location at most `cap` units at a time, leaving `reserve`.

    Locks the location, then its levels in order of SKU. What is promised already stays promised. The caller keeps the
    audit log: the terms are those of the store's contract.
    """
    await tx.execute(
        "UPDATE locations SET outward_cap = $2, outward_reserve = $3 WHERE id = $1", location_id, cap, reserve
    )
    await tx.execute("SELECT 1 FROM levels WHERE location_id = $1 ORDER BY sku_id FOR UPDATE", location_id)
    await tx.execute(
        """UPDATE levels SET outward_cap = $2, outward_reserve = $3
           WHERE location_id = $1 AND (outward_cap IS DISTINCT FROM $2 OR outward_reserve <> $3)""",
        location_id,
        cap,
        reserve,
    )
