"""Units that are kept for a member at this moment, and which of them a basket uses."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

import msgspec

from duoline.kernel.errors import ensure

if TYPE_CHECKING:
    from collections.abc import Container, Sequence

    from duoline.kernel.db import Database, Tx

REF_KIND = "favourite"
"""Of holds for favourites. Their `ref_id` is the favourite."""

KEPT_JSON = """
(SELECT coalesce(json_agg(json_build_array(f.location_id, f.id, f.sku_id, f.expires_at, least(
           greatest(duo_available(l.on_hand, l.held, l.safety) - duo_buffer(l.buffers, $channel), 0) + 1
             - l.outward_reserve,
           coalesce(l.outward_cap - l.outward, 1)) > 0) ORDER BY f.expires_at, f.id), '[]')
 FROM favourite_holds f JOIN holds h ON h.location_id = f.location_id AND h.id = f.id AND h.state = 'open'
 JOIN levels l ON l.location_id = f.location_id AND l.sku_id = f.sku_id
 WHERE f.member_id = $member AND f.sku_id = ANY ($skus) AND f.expires_at > $at)
"""
"""The kept units of a member as rows of `KeptUnit`, the soonest to end first, for a statement that reads more."""


class KeptUnit(msgspec.Struct, frozen=True, array_like=True):
    """One unit kept for a member. `leaves` says whether the owner of the shop's stock lets it be sent."""

    location_id: UUID
    hold_id: UUID
    sku_id: UUID
    until: datetime
    leaves: bool = True


class Use(NamedTuple):
    """A kept unit that serves a wish, by the wish's position."""

    n: int
    unit: KeptUnit


class Wished(NamedTuple):
    """What a wish is to the kept units: how many of which SKU, and at which shop; None when they are delivered."""

    sku_id: UUID
    quantity: int
    store_id: UUID | None


def use_kept(wishes: Sequence[Wished], kept: Sequence[KeptUnit], sending: Container[UUID]) -> list[Use]:
    """Which kept units serve which wishes: first those to be collected where they are kept, then those to be sent.

    A shop outside of `sending` sends nothing, so what it keeps can only be collected. Pure.
    """
    left = list(kept)
    uses: list[Use] = []
    for delivered in (False, True):
        for n, wish in enumerate(wishes):
            if (wish.store_id is None) is not delivered:
                continue
            fit = [
                unit
                for unit in left
                if unit.sku_id == wish.sku_id
                and (unit.leaves and unit.location_id in sending if delivered else unit.location_id == wish.store_id)
            ][: wish.quantity]
            uses += [Use(n, unit) for unit in fit]
            left = [unit for unit in left if unit not in fit]
    return uses


async def kept_of(db: Database | Tx, member_id: UUID, location_id: UUID, sku_ids: Sequence[UUID]) -> list[KeptUnit]:
    """The units kept for a member at a shop, of these SKUs, the soonest to end first; also those just over."""
    rows = await db.fetch(
        """SELECT f.location_id, f.id, f.sku_id, f.expires_at FROM favourite_holds f
           JOIN holds h ON h.location_id = f.location_id AND h.id = f.id AND h.state = 'open'
           WHERE f.member_id = $1 AND f.location_id = $2 AND f.sku_id = ANY ($3) ORDER BY f.expires_at, f.id""",
        member_id,
        location_id,
        list(sku_ids),
    )
    return [KeptUnit(*row) for row in rows]


async def kept_anywhere(db: Database | Tx, member_ids: Sequence[UUID]) -> list[KeptUnit]:
    """Every unit that is still kept for these members, in no order."""
    rows = await db.fetch(
        """SELECT f.location_id, f.id, f.sku_id, f.expires_at FROM favourite_holds f
           JOIN holds h ON h.location_id = f.location_id AND h.id = f.id AND h.state = 'open'
           WHERE f.member_id = ANY ($1)""",
        list(member_ids),
    )
    return [KeptUnit(*row) for row in rows]


async def mark_used(tx: Tx, *, location_id: UUID, hold_ids: Sequence[UUID], order_id: UUID) -> None:
    """These units went into an order. Their holds were released in the same transaction."""
    done = await tx.execute(
        """UPDATE favourite_holds f SET order_id = $3 FROM holds h
           WHERE f.location_id = $1 AND f.id = ANY ($2) AND f.order_id IS NULL
             AND h.location_id = f.location_id AND h.id = f.id AND h.state = 'released'""",
        location_id,
        list(hold_ids),
        order_id,
    )
    ensure(done == f"UPDATE {len(hold_ids)}", "FAV-1", f"{done} for {len(hold_ids)} kept units used")
