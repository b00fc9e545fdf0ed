"""Where things are: addresses, locations and regions, and how far apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

from duoline import pricing
from duoline.stores.directory import distance_m

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from duoline import orders
    from duoline.stores.directory import Chain
    from duoline.stores.types import Store

UNKNOWN_KM = 300.0
"""The distance assumed for every location while nobody knows where to deliver."""


def region_path(chain: Chain, store: Store) -> list[UUID]:
    """The store's region and those above it, nearest first."""
    return chain.regions_above(store.region_id)


def shelf_path(chain: Chain, store: Store) -> list[UUID]:
    """The scopes of prices on a location's shelf, nearest first; a warehouse has the chain's alone."""
    return [store.id, *region_path(chain, store), pricing.CHAIN] if store.kind == "store" else [pricing.CHAIN]


def place_of(chain: Chain, address: orders.Address | None) -> tuple[float, float] | None:
    """Where an address is: its own coordinates, else the middle of our locations in its city, else its province."""
    if address is None:
        return None
    if address.lat is not None and address.lon is not None:
        return address.lat, address.lon
    for near in (
        [store for store in chain.stores.values() if store.city == address.city],
        [store for store in chain.stores.values() if store.province == address.province],
    ):
        if near:
            return middle_of(near)
    return None


def middle_of(stores: Sequence[Store]) -> tuple[float, float] | None:
    """The middle of some locations."""
    if not stores:
        return None
    return sum(s.lat for s in stores) / len(stores), sum(s.lon for s in stores) / len(stores)


def distance_km(store: Store, place: tuple[float, float] | None) -> float:
    """Kilometres from a location to a place, or the assumption when the place is unknown."""
    return UNKNOWN_KM if place is None else distance_m(store.lat, store.lon, *place) / 1000
