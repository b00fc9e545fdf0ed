"""Write down what favourites cost: units that somebody was refused while favourites kept some of them."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from duoline import favourites
from duoline.flows.places import region_path

if TYPE_CHECKING:
    from collections.abc import Sequence

    from duoline.flows import basket as baskets
    from duoline.inventory import InsufficientStock


async def note_refusal(look: baskets.Look, refused: InsufficientStock, *, channel: str, who: UUID | None = None) -> int:
    """Note a refusal of stock, after its transaction was rolled back. Returns how many of the units favourites kept.

    A refusal that names no location was of a delivery: any location that sends could have served it. `who` is the
    buyer, None for somebody unknown.
    """
    chain = look.chain
    senders = [store.id for store in chain.stores.values() if store.active and store.services.ship]
    shorts = []
    for entry in refused.fields.get("short", ()):
        places: Sequence[UUID] = senders
        if entry.get("location_id"):
            places = [UUID(entry["location_id"])]
        elif entry.get("location_code"):
            places = [chain.coded(entry["location_code"]).id]
        missing = entry["wanted"] - entry["available"]
        shorts.append(favourites.Short(UUID(entry["sku_id"]), missing, sorted(places)))
    concerned = {place for short in shorts for place in short.location_ids}
    regions = {place: region_path(chain, chain.stores[place]) for place in concerned if place in chain.stores}
    return await favourites.note_refused(look.db, shorts, channel=channel, who=who, regions=regions)
