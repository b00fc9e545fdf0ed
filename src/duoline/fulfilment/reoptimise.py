"""Plan again, together, what nobody has picked yet. Pure but for its time limit.

Orders were planned one by one, each with the stock and the costs of its moment. Before they are picked, all of them
can be planned at once (Xu, Allgor, Graves, *Benefits of reevaluating real-time order fulfillment decisions*, M&SOM
11(2), 2009):

    minimise  sum over orders o and locations n of parcel y + pick z + each x
    where     sum over n of x = units wanted of each SKU of o,   x <= stock z,   z <= y,   sum over n of y <= parcels
              sum over o of x <= free stock of the shelf + what the plans in hand hold of it

CP-SAT begins with the plans in hand and keeps them when it finds nothing cheaper in its time, so the answer is never
dearer than they are now; of equal answers it is the one that opens the fewest other locations. Each order chooses
among the cheapest locations for it and those it has; that is a rule to keep the program small, and `exact` is only
true when it left nobody out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from duoline.fulfilment.programs import Program
from duoline.fulfilment.sourcing import Parcel, Plan, Site, WantedLine, as_plan, offers_of
from duoline.kernel.errors import ensure

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from duoline.fulfilment.offers import Offer, Sending, Units
    from duoline.fulfilment.programs import Row

LIMIT_MS = 10_000
CHOICES = 12
"""So many locations an order chooses among, beside those it has."""

Shelf = tuple["UUID", "UUID"]
"""A location and a SKU."""


class Unpicked(NamedTuple):
    """An order that nobody has begun to pick, and the plan in hand.

    `sites` are the locations that may send it, at today's costs for its destination, those of the plan in hand among
    them; what they have is not read from `Site.stock` but from `free` below.
    """

    order_id: UUID
    lines: tuple[WantedLine, ...]
    sites: tuple[Site, ...]
    in_hand: Plan
    parcels_max: int


class Replanned(NamedTuple):
    """The plan of each order; what all of them cost before, at today's costs, and now (minor units).

    `each_before_minor` is what each order's plan in hand costs today.
    """

    plans: Mapping[UUID, Plan]
    each_before_minor: Mapping[UUID, int]
    before_minor: int
    after_minor: int
    exact: bool


def reoptimise(
    orders: Sequence[Unpicked], free: Mapping[Shelf, int], *, limit_ms: int = LIMIT_MS, choices: int = CHOICES
) -> Replanned:
    """Plans that together cost no more than those in hand, serve the same units, and fit the stock.

    `free` is what each shelf has beside the units that the plans in hand hold; shelves that are not named have none.
    The plan of an order that does not change is the very one in hand, but at today's costs.
    """
    supply = _supply(orders, free)
    tasks = [_task(order, supply, choices) for order in orders]
    before = sum(task.known_minor for task in tasks)
    sendings, exact = _solve(tasks, supply, limit_ms)
    plans = {
        task.order.order_id: _as_it_is(task, exact=exact)
        if sending == task.known
        else as_plan(task.order.lines, task.skus, task.order.sites, sending, exact=exact)
        for task, sending in zip(tasks, sendings, strict=True)
    }
    after = sum(plan.cost_minor for plan in plans.values())
    ensure(after <= before, "SRC-2", "a joint plan is never dearer than the plans in hand")
    _check_stock(plans, supply)
    each_before = {task.order.order_id: task.known_minor for task in tasks}
    return Replanned(plans, each_before, before, after, exact and all(not task.left_out for task in tasks))


class _Task(NamedTuple):
    """An order as numbers: its SKUs, the units of each, who could send them, the plan in hand, and its cost today."""

    order: Unpicked
    skus: list[UUID]
    wanted: Units
    offers: list[Offer]
    known: Sending
    known_minor: int
    left_out: bool


def _supply(orders: Sequence[Unpicked], free: Mapping[Shelf, int]) -> dict[Shelf, int]:
    """What all orders together may take from each shelf."""
    supply = {shelf: max(0, units) for shelf, units in free.items()}
    for order in orders:
        for parcel in order.in_hand.parcels:
            for piece in parcel.pieces:
                shelf = parcel.location_id, piece.sku_id
                supply[shelf] = supply.get(shelf, 0) + piece.quantity
    return supply


def _task(order: Unpicked, supply: Mapping[Shelf, int], choices: int) -> _Task:
    demand: dict[UUID, int] = {}
    for line in order.lines:
        demand[line.sku_id] = demand.get(line.sku_id, 0) + line.quantity
    skus, wanted = list(demand), tuple(demand.values())
    sites = [site._replace(stock={sku: supply.get((site.location_id, sku), 0) for sku in skus}) for site in order.sites]
    known = _in_hand(order, skus)
    offers = offers_of(sites, skus, wanted)
    at = {offer.position: offer for offer in offers}
    ensure(all(sum(units[i] for _, units in known) == need for i, need in enumerate(wanted)), "SRC-2", "all in hand")
    used = {n for n, _ in known}
    by_worth = sorted(
        offers, key=lambda one: (one.position not in used, one.cost(one.units) / sum(one.units), one.position)
    )
    kept = sorted(by_worth[: choices + len(used)])
    return _Task(
        order, skus, wanted, kept, known, sum(at[n].cost(units) for n, units in known), len(kept) < len(offers)
    )


def _in_hand(order: Unpicked, skus: Sequence[UUID]) -> Sending:
    position = {site.location_id: n for n, site in enumerate(order.sites)}
    sending = []
    for parcel in order.in_hand.parcels:
        ensure(parcel.location_id in position, "SRC-2", "the location of a plan in hand is among its sites")
        units = dict.fromkeys(skus, 0)
        for piece in parcel.pieces:
            units[piece.sku_id] += piece.quantity
        sending.append((position[parcel.location_id], tuple(units.values())))
    return sorted(sending)


def _as_it_is(task: _Task, *, exact: bool) -> Plan:
    """The plan in hand, piece by piece, at today's costs."""
    at = {task.order.sites[offer.position].location_id: offer for offer in task.offers}
    sent = {task.order.sites[n].location_id: units for n, units in task.known}
    parcels = tuple(
        Parcel(one.location_id, one.pieces, at[one.location_id].cost(sent[one.location_id]))
        for one in task.order.in_hand.parcels
    )
    return Plan(parcels, sum(parcel.cost_minor for parcel in parcels), exact)


def _solve(tasks: Sequence[_Task], supply: Mapping[Shelf, int], limit_ms: int) -> tuple[list[Sending], bool]:
    """What each order is sent, and whether nothing cheaper is possible among the locations looked at."""
    known = [task.known for task in tasks]
    if limit_ms <= 0 or not tasks:
        return known, not tasks
    program = Program(limit_ms=limit_ms)
    shelves: dict[Shelf, Row] = {}
    scale = 1 + sum(len(task.offers) for task in tasks)  # all other locations together weigh less than one minor unit
    variables = [_add(program, task, supply, shelves, scale) for task in tasks]
    if program.solve() is None:
        return known, False
    found = [_read(program, task, units) for task, units in zip(tasks, variables, strict=True)]
    cost = sum(_cost(task, sending) for task, sending in zip(tasks, found, strict=True))
    if cost >= sum(task.known_minor for task in tasks):
        return known, program.optimal
    return found, program.optimal


def _add(
    program: Program, task: _Task, supply: Mapping[Shelf, int], shelves: dict[Shelf, Row], scale: int
) -> list[list[tuple[int, Any]]]:
    """One order in the program; for each offer the variables of its units."""
    hint = dict(task.known)
    totals = [program.row(need, need) for need in task.wanted]
    parcels = program.row(0, max(task.order.parcels_max, len(task.known)))
    every = []
    for offer in task.offers:
        hinted = hint.get(offer.position)
        used = program.whole(0, 1, scale * offer.parcel_minor + (0 if hinted else 1), hint=1 if hinted else 0)
        program.put(parcels, used, 1)
        units = []
        for i, has in enumerate(offer.units):
            if not has:
                continue
            pick, each = scale * offer.pick_minor, scale * offer.each_minor[i]
            amount = program.picked(has, used, pick, each, hint=hinted[i] if hinted else 0)
            program.put(totals[i], amount, 1)
            shelf = task.order.sites[offer.position].location_id, task.skus[i]
            if shelf not in shelves:
                shelves[shelf] = program.row(0, supply[shelf])
            program.put(shelves[shelf], amount, 1)
            units.append((i, amount))
        every.append(units)
    return every


def _read(program: Program, task: _Task, variables: Sequence[Sequence[tuple[int, Any]]]) -> Sending:
    sending = []
    for offer, units in zip(task.offers, variables, strict=True):
        amounts = [0] * len(task.wanted)
        for i, variable in units:
            amounts[i] = program.value(variable)
        if any(amounts):
            sending.append((offer.position, tuple(amounts)))
    return sending


def _cost(task: _Task, sending: Sending) -> int:
    at = {offer.position: offer for offer in task.offers}
    return sum(at[n].cost(units) for n, units in sending)


def _check_stock(plans: Mapping[UUID, Plan], supply: Mapping[Shelf, int]) -> None:
    taken: dict[Shelf, int] = {}
    for plan in plans.values():
        for parcel in plan.parcels:
            for piece in parcel.pieces:
                shelf = parcel.location_id, piece.sku_id
                taken[shelf] = taken.get(shelf, 0) + piece.quantity
    ensure(all(units <= supply.get(shelf, 0) for shelf, units in taken.items()), "SRC-2", "no more than there is")
