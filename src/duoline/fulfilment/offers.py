"""What locations could send of an order, what a sending costs, and the greedy way to choose one. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

Units = tuple[int, ...]
"""A number for each wanted SKU, in their order."""

Sending = list[tuple[int, Units]]
"""Which sites (by their position) send how much, by position."""


class Offer(NamedTuple):
    """What one site could send: its position, cost of a parcel, a pick and each unit (minor), and units a SKU.

    It never offers more of a SKU than is wanted. Costs of units it does not have mean nothing.
    """

    position: int
    parcel_minor: int
    pick_minor: int
    units: Units
    each_minor: Units

    def cost(self, units: Units) -> int:
        """Of a parcel with so many units of each SKU."""
        total = self.parcel_minor
        for sent, each in zip(units, self.each_minor, strict=True):
            if sent:
                total += self.pick_minor + sent * each
        return total


def cost_of(sending: Sending, offers: Sequence[Offer]) -> int:
    """What a sending costs, in minor units."""
    at = {offer.position: offer for offer in offers}
    return sum(at[n].cost(units) for n, units in sending)


Known = tuple[int, Sending]
"""The best sending so far, and what it costs."""


def greedy(wanted: Units, offers: Sequence[Offer], parcels_max: int) -> Sending | None:
    """The cheapest cost a unit, again and again; where that needs too many parcels, the most units instead."""
    for by_units in (False, True):
        missing, sending, unused = wanted, Sending(), list(offers)
        while any(missing) and len(sending) < parcels_max:
            best: tuple[float, Offer, Units] | None = None
            for offer in unused:
                units = tuple(map(min, missing, offer.units))
                if any(units):
                    score = -sum(units) if by_units else offer.cost(units) / sum(units)
                    if best is None or score < best[0]:
                        best = score, offer, units
            if best is None:
                break
            _, offer, units = best
            unused.remove(offer)
            sending.append((offer.position, units))
            missing = tuple(need - sent for need, sent in zip(missing, units, strict=True))
        if not any(missing):
            return sorted(sending)
    return None
