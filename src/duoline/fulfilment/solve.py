"""Choose by mixed-integer programming, with CP-SAT, where the exact searches would take too long. Pure but for time.

For each location n a parcel y, for each SKU i it has a pick z and its units x:

    minimise  sum of parcel y + pick z + each x   where   sum over n of x = wanted,  x <= units z,  z <= y,
                                                          sum of y <= parcels allowed.

CP-SAT is called through OR-Tools' linear solver wrapper, not through `cp_model`: the same solver, but the import holds
some 25 MiB instead of 93. Even that is loaded with the first order that needs it; most processes never see one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from duoline.fulfilment.offers import cost_of
from duoline.fulfilment.programs import Program
from duoline.kernel.errors import ensure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from duoline.fulfilment.offers import Known, Offer, Sending, Units

VARIABLES_MAX = 8_000
"""A larger model is not even built within the time an order has; the cheapest locations are taken, and it says so."""


def solve(
    wanted: Units, offers: Sequence[Offer], known: Known | None, *, parcels_max: int, limit_ms: int
) -> tuple[Sending | None, bool]:
    """The cheapest sending found in time, never dearer than `known`, and whether it is proved to be the cheapest."""
    able, left_out = _able(wanted, offers, known, parcels_max)
    if known is not None and not able:
        return known[1], True
    if limit_ms <= 0:
        return (None if known is None else known[1]), False
    program = Program(limit_ms=limit_ms)
    sent: list[tuple[Offer, list[tuple[int, Any]]]] = []
    totals = [program.row(need, need) for need in wanted]
    parcels = program.row(0, parcels_max)
    hint = {} if known is None else dict(known[1])
    for offer in able:
        hinted = hint.get(offer.position)
        used = program.whole(0, 1, offer.parcel_minor, hint=1 if hinted else 0)
        program.put(parcels, used, 1)
        units = []
        for i, has in enumerate(offer.units):
            if has:
                at = hinted[i] if hinted else 0
                units.append((i, program.picked(has, used, offer.pick_minor, offer.each_minor[i], hint=at)))
                program.put(totals[i], units[-1][1], 1)
        sent.append((offer, units))
    answer = program.solve()
    if answer is None:
        none_at_all = program.infeasible and not left_out
        return (None if known is None else known[1]), none_at_all
    sending = []
    for offer, units in sent:
        amounts = [0] * len(wanted)
        for i, variable in units:
            amounts[i] = program.value(variable)
        if any(amounts):
            sending.append((offer.position, tuple(amounts)))
    cost = cost_of(sending, able)
    ensure(all(sum(units[i] for _, units in sending) == need for i, need in enumerate(wanted)), "SRC-2", "all served")
    exact = program.optimal and not left_out
    if known is not None and known[0] <= cost:
        return known[1], exact
    return sorted(sending), exact


def _able(
    wanted: Units, offers: Sequence[Offer], known: Known | None, parcels_max: int
) -> tuple[Sequence[Offer], bool]:
    """Locations that a plan cheaper than `known` could have; whether others that could were left out for time."""
    if known is not None:
        picks = len(wanted) * min(offer.pick_minor for offer in offers)
        parcel = min(offer.parcel_minor for offer in offers)
        offers = [
            offer
            for offer in offers
            if offer.parcel_minor + picks + (0 if offer.units == wanted else parcel) < known[0]
        ]
    offers = _unmatched(offers, parcels_max)
    room = VARIABLES_MAX // (1 + 2 * len(wanted))
    if len(offers) <= room:
        return offers, False
    kept = {} if known is None else dict(known[1])
    by_worth = sorted(offers, key=lambda one: (one.position not in kept, one.cost(one.units) / sum(one.units)))
    return sorted(by_worth[:room]), True


def _unmatched(offers: Sequence[Offer], parcels_max: int) -> list[Offer]:
    """Of locations that have the same units at the same cost, as many of the cheapest parcels as may be used."""
    seen: dict[tuple[int, Units, Units], int] = {}
    kept = []
    for offer in sorted(offers, key=lambda one: (one.parcel_minor, one.position)):
        key = offer.pick_minor, offer.units, offer.each_minor
        seen[key] = seen.get(key, 0) + 1
        if seen[key] <= parcels_max:
            kept.append(offer)
    return sorted(kept)
