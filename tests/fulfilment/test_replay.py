"""A past period played again: units are conserved, time and load count, and terms are measured with one measure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from duoline.fulfilment import DeliveryPolicy, SourcingPolicy, WantedLine
from duoline.fulfilment.replay import (
    Began,
    Collected,
    GivenBack,
    Kept,
    Moved,
    Paid,
    Placed,
    Resolved,
    Simulation,
    Start,
    in_order,
)
from duoline.kernel.errors import Fault
from duoline.kernel.text import Text
from duoline.stores.hours import ALWAYS, Hours, Span
from duoline.stores.types import Services, Share, Store

T0 = datetime(2026, 11, 2, 2, 0, tzinfo=UTC)  # a Monday, ten in the morning in Shanghai
SKUS = [UUID(int=n) for n in (1, 2)]
SHARED, INSTALLED = Share(), SourcingPolicy()
DAY = ((Span("09:00", "21:00"),),) * 7


def shop(n: int, *, capacity: int = 60, share: Share = SHARED, week=ALWAYS, kind: str = "store") -> Store:
    name = Text(zh=f"{n}号店", en=f"Shop {n}")
    return Store(
        id=UUID(int=100 + n), code=f"S{n}", kind=kind, company_id=UUID(int=1), region_id=UUID(int=2), name=name,
        address=name, province="", city="", phone="", lat=0.0, lon=float(n), timezone="Asia/Shanghai",
        hours=Hours("Asia/Shanghai", week), services=Services(pickup=True, ship=True, returns=True), share=share,
        pick_capacity_hour=capacity, pickup_lead_min=30, state="open", opened_on=None, version=1,
    )  # fmt: skip


def simulation(
    stores: list[Store], levels: list[Start], policy: SourcingPolicy = INSTALLED, **more: object
) -> Simulation:
    return Simulation(
        policy,
        version=1,
        yardstick=more.get("yardstick", policy),
        delivery=DeliveryPolicy(),
        stores={store.id: store for store in stores},
        levels=levels,
        prices_minor={SKUS[0]: 1000, SKUS[1]: 2500},
    )


def at(minutes: float) -> datetime:
    return T0 + timedelta(minutes=minutes)


def wants(n: int, *units: tuple[int, int], minutes: float = 0, km: dict[str, float] | None = None, **more) -> Placed:
    """An order of `units` (SKU by position, quantity); shops are as many km away as their number says, times ten."""
    lines = tuple(WantedLine(UUID(int=1000 * n + k), SKUS[sku], quantity) for k, (sku, quantity) in enumerate(units))
    far = (lambda store: km[store.code]) if km else (lambda store: 10.0 * int(store.code[1:]))
    return Placed(at(minutes), UUID(int=n), lines, "mall", far, **more)


# --- whatever happens ---------------------------------------------------------------------------------


@st.composite
def periods(draw):
    stores = [
        shop(
            n,
            capacity=draw(st.sampled_from([1, 7, 60])),
            share=draw(st.sampled_from([Share(), Share("up_to", 2, 50), Share("all_but", 1), Share("none")])),
            week=draw(st.sampled_from([ALWAYS, DAY, ((),) * 7])),
        )
        for n in range(1, 4)
    ]
    levels = [
        Start(
            store.id, sku, draw(st.integers(0, 6)), draw(st.integers(0, 1)), store.share.reserve, store.share.cap,
            draw(st.sampled_from([{}, {"mall": 1}])),
        )
        for store in stores
        for sku in SKUS
        if draw(st.booleans())
    ]  # fmt: skip
    events, place, sku = [], st.sampled_from([one.id for one in stores]), st.sampled_from(SKUS)
    units, when = st.integers(1, 4), st.integers(0, 3000)
    for _ in range(draw(st.integers(0, 12))):
        sign = draw(st.sampled_from([1, -1, -1]))
        events.append(Moved(at(draw(when)), draw(place), draw(sku), sign * draw(units), draw(st.booleans())))
    for n in range(draw(st.integers(0, 8))):
        began = draw(when)
        events.append(
            Kept(at(began), UUID(int=n + 1), draw(place), draw(sku), draw(units), outward=draw(st.booleans()))
        )
        if draw(st.booleans()):
            events.append(Resolved(at(began + draw(when)), UUID(int=n + 1), taken=draw(st.booleans())))
        events.append(Began(at(began), draw(place)))
    for n in range(1, draw(st.integers(1, 10))):
        began = draw(when)
        wanted = [(draw(st.sampled_from([0, 1])), draw(units)) for _ in range(draw(st.integers(1, 2)))]
        order = wants(n, *wanted, minutes=began)
        events.append(order)
        if draw(st.booleans()):
            events.append(Paid(at(began + draw(st.integers(0, 15))), order.order_id))
        if draw(st.booleans()):
            back = {line.line_id: draw(st.integers(1, line.quantity)) for line in order.lines}
            events.append(GivenBack(at(began + draw(when)), order.order_id, back))
    return stores, levels, in_order(events)


def on_hand(one: Simulation) -> int:
    return sum(level.on_hand for places in one.levels.values() for level in places.values())


@given(periods(), st.integers(1, 3))
@settings(max_examples=200)
def test_units_are_conserved_and_never_negative(period, parcels_max):
    stores, levels, events = period
    one = simulation(stores, levels, SourcingPolicy(parcels_max=parcels_max))
    started = on_hand(one)
    for event in events:
        one.apply(event)
        assert started + one.came - one.went == on_hand(one)
        for places in one.levels.values():
            for level in places.values():
                assert 0 <= level.outward <= level.held <= level.on_hand
    outcome = one.outcome()
    served = sum(
        sum(piece.quantity for piece in parcel.pieces) for plan in one.plans.values() for parcel in plan.parcels
    )
    assert outcome.units_served == served == sum(each.units for each in outcome.shops)
    assert outcome.late <= outcome.paid <= outcome.served <= outcome.orders
    assert outcome.parcels == sum(each.parcels for each in outcome.shops)
    assert outcome.cost_minor == outcome.own_cost_minor  # measured with its own terms
    one.finish(at(60 * 24 * 10))
    assert started + one.came - one.went == on_hand(one)


@given(periods())
@settings(max_examples=50)
def test_the_same_period_has_the_same_outcome(period):
    stores, levels, events = period
    outcomes = []
    for _ in range(2):
        one = simulation(stores, levels)
        for event in events:
            one.apply(event)
        outcomes.append(one.outcome())
    assert outcomes[0] == outcomes[1]


# --- one thing at a time ------------------------------------------------------------------------------


def test_an_order_goes_where_it_costs_least_and_leaves_when_it_is_picked():
    near, far = shop(1, capacity=6), shop(9)
    one = simulation([near, far], [Start(near.id, SKUS[0], 2), Start(far.id, SKUS[0], 5)])
    one.apply(wants(1, (0, 2)))
    level = one.levels[SKUS[0]][near.id]
    assert (level.on_hand, level.held, level.outward) == (2, 2, 2)
    one.apply(Paid(at(1), UUID(int=1)))
    one.apply(Began(at(10), far.id))
    assert (level.on_hand, level.held) == (2, 2)  # six an hour: ten minutes from being paid
    one.apply(Began(at(11), far.id))
    assert (level.on_hand, level.held, level.outward) == (0, 0, 0)
    outcome = one.outcome()
    assert (outcome.orders, outcome.served, outcome.paid, outcome.late, outcome.parcels) == (1, 1, 1, 0, 1)
    assert outcome.cost_minor == 600 + 10 + 120


def test_what_the_owner_does_not_share_is_not_sent():
    near, far = shop(1, share=Share("up_to", 1, 50)), shop(9)
    one = simulation([near, far], [Start(near.id, SKUS[0], 9, cap=1), Start(far.id, SKUS[0], 9)])
    one.apply(wants(1, (0, 1)))
    one.apply(wants(2, (0, 1)))
    assert [(each.location_id, each.units) for each in one.outcome().shops] == [(near.id, 1), (far.id, 1)]
    assert one.outcome().fees_minor == 50


def test_a_walk_in_sale_that_finds_nothing_is_lost():
    near = shop(1)
    one = simulation([near], [Start(near.id, SKUS[0], 3)])
    one.apply(wants(1, (0, 2)))
    one.apply(Moved(at(5), near.id, SKUS[0], -3, walk_in=True))
    one.apply(Kept(at(6), UUID(int=7), near.id, SKUS[0], 1))
    one.apply(Resolved(at(7), UUID(int=7), taken=True))
    one.apply(Moved(at(8), near.id, SKUS[0], -1))  # damaged, but it is not there any more: nobody lost a sale
    outcome = one.outcome()
    assert (outcome.lost_units, outcome.lost_minor) == (3, 3000)


def test_an_order_that_nobody_can_serve_counts_against_the_fill_rate():
    near = shop(1)
    one = simulation([near], [Start(near.id, SKUS[0], 3)])
    one.apply(wants(1, (0, 4)))
    one.apply(wants(2, (0, 3)))
    one.apply(Paid(at(1), UUID(int=1)))
    outcome = one.outcome()
    assert (outcome.orders, outcome.served, outcome.units, outcome.units_served, outcome.paid) == (2, 1, 7, 3, 0)


def test_what_is_collected_at_a_shop_is_not_sent_from_it():
    near, far = shop(1), shop(9)
    one = simulation([near, far], [Start(near.id, SKUS[0], 2), Start(far.id, SKUS[0], 2)])
    one.apply(wants(1, (0, 1), collected=(Collected(near.id, SKUS[0], 2),)))
    assert one.plans[UUID(int=1)].parcels[0].location_id == far.id
    # An article that is never delivered in the period has no level here at all.
    one.apply(wants(2, (0, 1), collected=(Collected(near.id, UUID(int=77), 1),)))
    assert one.plans[UUID(int=2)].parcels[0].location_id == near.id


def test_cancelled_units_come_back_from_the_shelf_or_from_the_road():
    near = shop(1)
    one = simulation([near], [Start(near.id, SKUS[0], 5)])
    order = wants(1, (0, 4))
    line, level = order.lines[0].line_id, one.levels[SKUS[0]][near.id]
    one.apply(order)
    one.apply(GivenBack(at(1), order.order_id, {line: 1}))
    assert (level.on_hand, level.held) == (5, 3)
    one.apply(Paid(at(2), order.order_id))
    one.apply(GivenBack(at(60), order.order_id, {line: 2}))
    assert (level.on_hand, level.held) == (4, 0)
    one.apply(GivenBack(at(61), order.order_id, {line: 9}))
    assert (level.on_hand, level.held, one.outcome().served) == (5, 0, 1)


def test_an_order_cancelled_before_it_is_paid_is_no_work():
    near = shop(1, capacity=1)
    one = simulation([near], [Start(near.id, SKUS[0], 5)])
    order = wants(1, (0, 4))
    one.apply(order)
    one.apply(GivenBack(at(1), order.order_id, {order.lines[0].line_id: 4}))
    one.apply(Paid(at(2), order.order_id))
    assert (one.outcome().paid, one.outcome().shops[0].busy_hours) == (0, 0)
    second = wants(2, (0, 4), minutes=3)
    one.apply(second)
    one.apply(Paid(at(3), second.order_id))
    one.apply(GivenBack(at(4), second.order_id, {second.lines[0].line_id: 4}))
    assert one.levels[SKUS[0]][near.id].held == 0
    assert one._open[near.id] == 0


def test_open_work_makes_a_shop_dearer_and_hours_over_capacity_are_counted():
    near, far = shop(1, capacity=2), shop(30, capacity=2)
    levels = [Start(near.id, SKUS[0], 9), Start(far.id, SKUS[0], 9)]
    one = simulation([near, far], levels, SourcingPolicy(load=400, per_km=1))
    for n in range(1, 5):
        one.apply(wants(n, (0, 1), minutes=n))
        one.apply(Paid(at(n), UUID(int=n)))
    # The first costs 10 from near and 300 from far; each open one adds 200, so the third goes far.
    places = [one.plans[UUID(int=n)].parcels[0].location_id for n in range(1, 5)]
    assert places == [near.id, near.id, far.id, near.id]
    facts = {each.location_id: each for each in one.outcome().shops}
    assert (facts[near.id].peak, facts[near.id].busy_hours, facts[near.id].over_hours) == (3, 1, 1)
    assert (facts[far.id].peak, facts[far.id].over_hours) == (1, 0)


def test_late_is_later_than_an_idle_nearest_place_would_be():
    near, far = shop(1, capacity=1, week=DAY), shop(9, week=DAY)
    one = simulation([near, far], [Start(far.id, SKUS[0], 9), Start(near.id, SKUS[1], 9)])
    km = {"S1": 100.0, "S9": 1000.0}
    one.apply(wants(1, (0, 1), km=km))  # only far away: three days instead of one
    one.apply(Paid(at(0), UUID(int=1)))
    one.apply(wants(2, (1, 1), km=km))
    one.apply(Paid(at(0), UUID(int=2)))
    assert (one.outcome().paid, one.outcome().late) == (2, 1)
    for _ in range(5):  # one an hour: the next is picked after the cut-off at four
        one.apply(Began(at(1), near.id))
    one.apply(wants(3, (1, 1), minutes=2, km=km))
    one.apply(Paid(at(2), UUID(int=3)))
    assert (one.outcome().paid, one.outcome().late) == (3, 2)


def test_terms_are_compared_by_the_terms_in_force():
    near, far = shop(1), shop(90)
    levels = [Start(near.id, SKUS[0], 0), Start(far.id, SKUS[0], 5)]
    yardstick, draft = SourcingPolicy(parcel=600, per_km=1), SourcingPolicy(parcel=0, per_km=0)
    one = simulation([near, far], levels, draft, yardstick=yardstick)
    one.apply(wants(1, (0, 1)))
    assert (one.outcome().cost_minor, one.outcome().own_cost_minor) == (600 + 900 + 120, 120)


def test_terms_say_who_may_send_and_the_measure_still_knows_them():
    near, far = shop(1), shop(90, kind="dc")
    levels = [Start(near.id, SKUS[0], 5), Start(far.id, SKUS[0], 5)]
    one = simulation(
        [near, far], levels, SourcingPolicy(from_shops=False), yardstick=SourcingPolicy(from_warehouses=False)
    )
    one.apply(wants(1, (0, 1)))
    assert one.plans[UUID(int=1)].parcels[0].location_id == far.id
    assert one.outcome().cost_minor == 600 + 900 + 60


def test_a_place_with_too_much_open_work_sends_nothing():
    near, far = shop(1, capacity=1), shop(90)
    levels = [Start(near.id, SKUS[0], 5), Start(far.id, SKUS[0], 5)]
    one = simulation([near, far], levels, SourcingPolicy(hours_full=2, load=0))
    for n in (1, 2, 3):
        one.apply(wants(n, (0, 1)))
        one.apply(Paid(at(0), UUID(int=n)))
    assert [one.plans[UUID(int=n)].parcels[0].location_id for n in (1, 2, 3)] == [near.id, near.id, far.id]


def test_what_a_walk_in_customer_would_have_left_counts_against_sending():
    near, far = shop(1), shop(20)
    levels = [Start(near.id, SKUS[0], 1, walk_in_rate=900), Start(far.id, SKUS[0], 1)]
    bought = {"prices_minor": {SKUS[0]: 100_000}}
    careful = simulation([near, far], levels)
    careful.apply(wants(1, (0, 1), **bought))
    careless = simulation([near, far], levels, SourcingPolicy(walk_in=0), yardstick=SourcingPolicy())
    careless.apply(wants(1, (0, 1), **bought))
    assert careful.plans[UUID(int=1)].parcels[0].location_id == far.id
    assert careless.plans[UUID(int=1)].parcels[0].location_id == near.id
    outcome = careless.outcome()
    assert outcome.cost_minor - outcome.own_cost_minor == 29945  # 30 % of the price, and one comes for all but certain


def test_every_further_parcel_costs_what_it_costs():
    near, far = shop(1), shop(9)
    one = simulation([near, far], [Start(near.id, SKUS[0], 1), Start(far.id, SKUS[0], 1)], SourcingPolicy(split=500))
    one.apply(wants(1, (0, 2)))
    outcome = one.outcome()
    assert outcome.cost_minor == outcome.own_cost_minor == 2 * (600 + 120) + 10 + 90 + 500


def test_a_level_that_would_keep_what_is_not_there_is_a_fault():
    near = shop(1)
    one = simulation([near], [Start(near.id, SKUS[0], 1)])
    with pytest.raises(Fault, match="REPLAY"):
        one.levels[SKUS[0]][near.id].keep(2, outward=0)
