"""End a count: small differences are approved by themselves, larger ones wait for somebody who may approve them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from duoline import inventory, pricing
from duoline.kernel import clock
from duoline.kernel.auth import SYSTEM

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from duoline.kernel.auth import Actor
    from duoline.kernel.db import Tx


async def submit(
    tx: Tx, *, location_id: UUID, count_id: UUID, rest: Literal["absent", "leave"] | None, actor: Actor
) -> bool:
    """Submit a count; True when its differences were small (policy `counts`) and are booked already.

    Locks and refuses as `inventory.submit`.
    """
    differences = await inventory.submit(tx, location_id=location_id, count_id=count_id, rest=rest, actor=actor)
    if not await _small(tx, differences):
        return False
    await inventory.approve(tx, location_id=location_id, count_id=count_id, note="within the limits", actor=SYSTEM)
    return True


async def _small(tx: Tx, differences: Mapping[UUID, int]) -> bool:
    """Whether differences are within the limits. One of an article without a price has no value to judge by."""
    prices = await pricing.chain_prices(tx, list(differences), at=clock.now())
    limit = inventory.COUNTS_POLICY.current().body
    units = sum(abs(units) for units in differences.values())
    value = sum(abs(units) * prices[sku][0] for sku, units in differences.items() if sku in prices)
    return units <= limit.units_max and value <= limit.value_minor_max and differences.keys() <= prices.keys()
