"""The cheapest sending in which a SKU may come from several locations. Exact, within a number of steps.

First every unit is taken for a SKU of its own, of which a location can serve as many as it has, and the search of
`whole.py` is done on those. It may take the same unit twice, in two parcels of one location, so what it finds bounds
the cost from below; mostly it does not, and then what it finds is the cheapest.

Otherwise locations are taken up one after the other, each at most once; the state is what is still missing of each
SKU. A location is left out when as many others as there may be parcels have at least as much for at most as much, and
when two parcels, one of them its own, already cost what is known to suffice. A state is left out when what is missing
must cost too much. Costs must not be negative.
"""

from __future__ import annotations

from functools import cache
from itertools import accumulate, product
from typing import TYPE_CHECKING

from duoline.fulfilment.whole import partition

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from duoline.fulfilment.offers import Known, Offer, Sending, Units

SPLIT_STEPS = 20_000
"""How many steps the search may take; some tens of milliseconds."""
UNITS_MAX = 8
"""Of how many units each may be taken for a SKU of its own; a millisecond."""
COMPARED_MAX = 256
"""Of how many locations each is compared with every other."""


def may_split(wanted: Units, offers: Sequence[Offer], bound: int | None) -> Sequence[Offer]:
    """Locations that a plan cheaper than `bound` could have, if it splits a SKU; none when there is no such plan.

    It has two parcels at least, a pick for each SKU and one more. Costs of units may be negative here.
    """
    if len(offers) < 2:
        return ()
    if bound is None:
        return offers
    while True:
        least = (len(wanted) + 1) * min(offer.pick_minor for offer in offers)
        least += sum(
            need * min(offer.each_minor[i] for offer in offers if offer.units[i]) for i, need in enumerate(wanted)
        )
        first, second = sorted(offer.parcel_minor for offer in offers)[:2]
        kept = [offer for offer in offers if offer.parcel_minor + first + least < bound]
        if bound <= first + second + least or not _enough(wanted, kept):
            return ()
        if len(kept) == len(offers):
            return kept
        offers = kept  # without these the least costs may be higher, and more may go


def _enough(wanted: Units, offers: Sequence[Offer]) -> bool:
    return all(sum(offer.units[i] for offer in offers) >= need for i, need in enumerate(wanted))


def by_units(
    wanted: Units, offers: Sequence[Offer], known: Known | None, parcels_max: int
) -> tuple[Sending | None, bool]:
    """The cheapest sending; None and False when that cannot be told from single units, or there are too many."""
    total = sum(wanted)
    if total > UNITS_MAX:
        return None, False
    limit = 1 << 62 if known is None else known[0]
    firsts = list(accumulate(wanted, initial=0))
    single: list[tuple[int, int] | None] = [None] * (1 << total)
    for offer in offers:
        sums = [(0, offer.parcel_minor)]  # every set of units it could send, with its cost
        for i, has in enumerate(offer.units):
            if has:
                pick, each = offer.pick_minor, offer.each_minor[i]
                some = [(mask << firsts[i], pick + count * each) for mask, count in _choices(wanted[i], has)]
                sums += [(one | mask, cost + more) for one, cost in sums for mask, more in some if cost + more < limit]
        for mask, cost in sums:
            best = single[mask]
            if best is None or cost < best[0]:
                single[mask] = cost, offer.position
    if any(single[1 << n] is None for n in range(total)):  # no cheap enough place for one of them
        return (None, False) if known is None else (known[1], True)
    least, chosen = partition(single, (1 << total) - 1)
    if least >= limit and known is not None:
        return known[1], True
    at = {offer.position: offer for offer in offers}
    sending = [
        (n, tuple([(mask >> first & (1 << need) - 1).bit_count() for first, need in zip(firsts, wanted, strict=False)]))
        for n, mask in sorted(chosen.items())
    ]
    possible = all(sent <= has for n, units in sending for sent, has in zip(units, at[n].units, strict=True))
    return (sending, True) if possible and len(sending) <= parcels_max else (None, False)


@cache
def _choices(need: int, most: int) -> list[tuple[int, int]]:
    """Every set of `need` units, as bits, that has one at least and `most` at most, and its size."""
    return [(mask, mask.bit_count()) for mask in range(1, 1 << need) if mask.bit_count() <= most]


def by_splits(
    wanted: Units, offers: Sequence[Offer], known: Known | None, parcels_max: int
) -> tuple[Sending | None, bool]:
    """The cheapest sending, `known` when none of these is cheaper; None and False when that would take too long."""
    if len(offers) > COMPARED_MAX:
        return None, False
    return _split(wanted, _undominated(offers, parcels_max), known, parcels_max)


def _undominated(offers: Sequence[Offer], parcels_max: int) -> list[Offer]:
    order = sorted(offers, key=lambda one: (one.parcel_minor + one.pick_minor, -sum(one.units), one.position))
    kept: list[Offer] = []
    for offer in order:
        better = 0
        for other in kept:
            if _dominates(other, offer):
                better += 1
                if better == parcels_max:
                    break
        if better < parcels_max:
            kept.append(offer)
    return sorted(kept)


def _dominates(other: Offer, offer: Offer) -> bool:
    """Whatever `offer` sends, `other` can send for at most as much."""
    return (
        other.parcel_minor <= offer.parcel_minor
        and other.pick_minor <= offer.pick_minor
        and all(
            units <= other.units[i] and (units == 0 or other.each_minor[i] <= offer.each_minor[i])
            for i, units in enumerate(offer.units)
        )
    )


def _split(
    wanted: Units, useful: Sequence[Offer], known: Known | None, parcels_max: int
) -> tuple[Sending | None, bool]:
    # (parcels, what is missing) -> (cost, who sends what). A site is offered to states that others have made only.
    best: dict[tuple[int, Units], tuple[int, Sending]] = {(0, wanted): (0, [])}
    nothing = tuple(0 for _ in wanted)
    limit, found = (1 << 62, None) if known is None else known
    still = _Still(useful)
    steps = 0
    for offer in useful:
        for (parcels, missing), (cost, sending) in list(best.items()):
            if cost + offer.parcel_minor >= limit:
                continue
            last = parcels + 1 == parcels_max
            for units in _parts(missing, offer.units):
                steps += 1
                now = cost + offer.cost(units)
                left = tuple([need - sent for need, sent in zip(missing, units, strict=True)])
                if now + still.costs(left) < limit and not (last and left != nothing):
                    before = best.get((parcels + 1, left))
                    if before is None or now < before[0]:
                        together = [*sending, (offer.position, units)]
                        if left == nothing:
                            limit, found = now, together
                        elif not last:
                            best[parcels + 1, left] = now, together
                if last:
                    break  # the fullest part or none
            if steps > SPLIT_STEPS:
                return None, False
    return found, True


class _Still:
    """What missing units cost at the very least: a parcel, a pick for each SKU, and the least cost of each unit."""

    def __init__(self, useful: Sequence[Offer]) -> None:
        self._known: dict[Units, int] = {}
        self._parcel = min(offer.parcel_minor for offer in useful)
        self._pick = min(offer.pick_minor for offer in useful)
        self._each = [
            min((offer.each_minor[i] for offer in useful if offer.units[i]), default=0)
            for i in range(len(useful[0].units))
        ]

    def costs(self, missing: Units) -> int:
        """In minor units; nothing when nothing is missing."""
        if missing not in self._known:
            units = sum(self._pick + need * each for need, each in zip(missing, self._each, strict=True) if need)
            self._known[missing] = self._parcel + units if any(missing) else 0
        return self._known[missing]


def _parts(missing: Units, offer: Units) -> Iterator[Units]:
    """Everything a site could send of what is missing, the fullest first. Sending nothing is none of it."""
    ranges = [range(min(need, units), -1, -1) for need, units in zip(missing, offer, strict=True)]
    for units in product(*ranges):
        if any(units):
            yield units
