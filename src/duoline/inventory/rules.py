"""Pure rules of stock: the ends a movement can have, and how demand is added up before it is checked."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID, uuid5

if TYPE_CHECKING:
    from collections.abc import Iterable

# Ends of movements that are not places of ours. The same in every installation.
SUPPLIER = UUID("00000000-0000-7000-8000-0000000000a1")
CUSTOMER = UUID("00000000-0000-7000-8000-0000000000a2")
TRANSIT = UUID("00000000-0000-7000-8000-0000000000a3")
LOSS = UUID("00000000-0000-7000-8000-0000000000a4")
QUARANTINE = UUID("00000000-0000-7000-8000-0000000000a5")
VIRTUAL = {
    SUPPLIER: "supplier",
    CUSTOMER: "customer",
    TRANSIT: "transit",
    LOSS: "loss",
    QUARANTINE: "quarantine",
}

QUANTITY_MAX = 1_000_000
"""No single movement or count is larger; anything above is a typing error."""


@cache
def transit_of(store_id: UUID) -> UUID:
    """The place where units on the way to a store are: real, with levels, and the same id on every machine."""
    return uuid5(TRANSIT, str(store_id))


class Need(NamedTuple):
    """Units of a SKU wanted at a location."""

    location_id: UUID
    sku_id: UUID
    quantity: int


def add_up(needs: Iterable[Need]) -> list[Need]:
    """One need a (location, SKU), in the order in which rows are locked.

    Two lines of one order that want the same SKU must be checked as one, or each passes alone.
    """
    total: dict[tuple[UUID, UUID], int] = {}
    for need in needs:
        key = need.location_id, need.sku_id
        total[key] = total.get(key, 0) + need.quantity
    return [Need(location, sku, quantity) for (location, sku), quantity in sorted(total.items())]


def available(*, on_hand: int, held: int, safety: int, mine: int = 0) -> int:
    """The formula of `duo_available`, for code that already has the numbers; a test holds the two equal."""
    return max(on_hand - held - safety + mine, 0)


def shared(*, on_hand: int, held: int, safety: int, reserve: int, cap: int | None, outward: int) -> int:
    """The formula of `duo_shared`, likewise: what may be promised to leave for others."""
    free = on_hand - held - safety - reserve
    return max(free if cap is None else min(free, cap - outward), 0)
