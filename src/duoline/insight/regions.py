"""Rows of a region that add up: the regions right below it, and the shops that stand in it itself. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Set
    from uuid import UUID

    from duoline.stores.directory import Chain
    from duoline.stores.types import Region


class Part(NamedTuple):
    """A region with the shops of a row.

    `direct`: only those that stand in the region itself, beside rows for the regions below it. `divides`: it has
    regions below it to look at.
    """

    region: Region
    stores: frozenset[UUID]
    direct: bool
    divides: bool


def parts(chain: Chain, region_id: UUID | None, within: Set[UUID]) -> list[Part]:
    """The rows of a region (of the chain when None) for the shops in `within`, by code.

    Each shop of `within` that is in the region is in exactly one of them; rows without a shop are left out.
    """
    found = []
    for region in chain.regions.values():
        if _parent(chain, region) == region_id and region.id != region_id:
            stores = chain.stores_below(region.id) & within
            if stores:
                found.append(Part(region, stores, direct=False, divides=_divides(chain, region.id, within)))
    if region_id is not None:
        own = _own(chain, region_id, within)
        if own:
            found.append(Part(chain.regions[region_id], own, direct=bool(found), divides=False))
    return sorted(found, key=lambda part: (not part.direct, part.region.code))


def narrowest(chain: Chain, within: Set[UUID]) -> UUID | None:
    """Where to begin to look: the lowest region that all the shops of `within` are in; None when that is the chain."""
    at: UUID | None = None
    while True:
        rows = parts(chain, at, within)
        if len(rows) != 1 or rows[0].region.id == at:
            return at
        at = rows[0].region.id


def way_to(chain: Chain, region_id: UUID | None) -> list[Region]:
    """From the top of the tree down to the region. A ring, which no tree should have, is cut where it closes."""
    path: list[Region] = []
    while region_id is not None and region_id in chain.regions and chain.regions[region_id] not in path:
        path.append(chain.regions[region_id])
        region_id = chain.regions[region_id].parent_id
    return path[::-1]


def _parent(chain: Chain, region: Region) -> UUID | None:
    """A region whose parent is not known stands at the top."""
    return region.parent_id if region.parent_id in chain.regions else None


def _own(chain: Chain, region_id: UUID, within: Set[UUID]) -> frozenset[UUID]:
    return frozenset(store.id for store in chain.stores.values() if store.region_id == region_id and store.id in within)


def _divides(chain: Chain, region_id: UUID, within: Set[UUID]) -> bool:
    """Whether the region has regions below it with shops."""
    return bool((chain.stores_below(region_id) & within) - _own(chain, region_id, within))
