"""Pure rules of transfers: when a request approves itself, when units arrive, what a receipt means."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from duoline.inventory.transfers.errors import TooManyDamaged

if TYPE_CHECKING:
    from collections.abc import Iterable
    from uuid import UUID

    from duoline.inventory.transfers.policy import TransferPolicy

LINES_MAX = 50
QUANTITY_MAX = 999


class Units(NamedTuple):
    """Units of a SKU: asked for, or picked."""

    sku_id: UUID
    quantity: int


class Came(NamedTuple):
    """What was in the box of a SKU: good and damaged units."""

    sku_id: UUID
    received: int
    damaged: int = 0


class Booked(NamedTuple):
    """What a receipt changes: units from the way to the shelf and to quarantine, and those nobody had sent."""

    received: int
    damaged: int
    surplus: int


def book(came: Came, *, on_the_way: int) -> Booked:
    """Split what came: damaged units first, then good ones as far as they were sent; the rest is surplus.

    Refuses `TooManyDamaged`: a damaged unit that nobody sent is nobody's.
    """
    if came.damaged > on_the_way:
        raise TooManyDamaged(units=on_the_way)
    received = min(came.received, on_the_way - came.damaged)
    return Booked(received, came.damaged, came.received - received)


def add_up(units: Iterable[Units]) -> list[Units]:
    """One entry a SKU, in the order in which levels are locked."""
    total: dict[UUID, int] = {}
    for sku_id, quantity in units:
        total[sku_id] = total.get(sku_id, 0) + quantity
    return [Units(*pair) for pair in sorted(total.items())]


def add_up_receipt(came: Iterable[Came]) -> list[Came]:
    """As `add_up`, for what came."""
    total: dict[UUID, tuple[int, int]] = {}
    for sku_id, received, damaged in came:
        before = total.get(sku_id, (0, 0))
        total[sku_id] = before[0] + received, before[1] + damaged
    return [Came(sku_id, *units) for sku_id, units in sorted(total.items())]


def approves_itself(policy: TransferPolicy, *, units: int, left_min: int, one_company: bool) -> bool:
    """Whether nobody has to be asked: few units, of one company, and the source keeps enough above its safety stock.

    `left_min` is what the source can still promise of the article it is left with least of.
    """
    theirs = one_company or policy.auto_across_companies
    return units <= policy.auto_units_max and left_min >= policy.keep_units and theirs


def hours_under_way(policy: TransferPolicy, distance_m: int) -> int:
    """Hours from the approval until units are expected, by distance."""
    if distance_m <= policy.near_km * 1000:
        return policy.hours_near
    return policy.hours_far if distance_m <= policy.far_km * 1000 else policy.hours_beyond
