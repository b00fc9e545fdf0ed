"""Decisions leave most locations out before they compare any; nothing may be lost by it."""

from __future__ import annotations

from datetime import UTC, datetime
from unittest.mock import patch
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from duoline.fulfilment import Origin, SourcingPolicy, WantedLine, candidates, decide, decide_box, in_rush
from duoline.fulfilment.candidates import CANDIDATES_KEPT, line_cost, parcel_cost
from duoline.fulfilment.sourcing import Site, plan
from duoline.kernel.text import Text
from duoline.stores.hours import Hours
from duoline.stores.types import Services, Share, Store

SKUS = [UUID(int=n) for n in range(3)]


def store(n: int, kind: str = "store") -> Store:
    name, hours = Text(zh=f"{n}号店", en=f"Shop {n}"), Hours("Asia/Shanghai", ((),) * 7)
    return Store(
        id=UUID(int=1000 + n), code=f"S{n:04}", kind=kind, company_id=UUID(int=1), region_id=UUID(int=2), name=name,
        address=name, province="", city="", phone="", lat=0.0, lon=0.0, timezone="Asia/Shanghai", hours=hours,
        services=Services(pickup=True, ship=True, returns=True), share=Share(), pick_capacity_hour=10, pickup_lead_min=30, state="open",
        opened_on=None, version=1,
    )  # fmt: skip


@st.composite
def origins(draw):
    return [
        Origin(
            store(n, draw(st.sampled_from(["store", "dc"]))),
            draw(st.integers(0, 1500)),
            draw(st.integers(0, 20)),
            {sku: draw(st.integers(0, 3)) for sku in SKUS if draw(st.booleans())},
            {sku: draw(st.integers(-400, 700)) for sku in SKUS if draw(st.booleans())},
            days=draw(st.integers(0, 3)),
            reject_bp=draw(st.integers(0, 10_000)),
            rush=draw(st.booleans()),
        )
        for n in range(draw(st.integers(1, 8)))
    ]


@given(
    origins(), st.lists(st.integers(1, 3), min_size=1, max_size=3), st.integers(1, 4), st.booleans(), st.integers(1, 9)
)
@settings(max_examples=300, deadline=None)
def test_what_is_left_out_could_not_have_been_chosen(places, quantities, parcels_max, priced, nearest):
    places = places if priced else [place._replace(unit_minor={}) for place in places]
    lines = [WantedLine(UUID(int=50 + n), SKUS[n], quantity) for n, quantity in enumerate(quantities)]
    policy = SourcingPolicy(parcels_max=parcels_max, split=90 * nearest, day=40 * nearest, reject=300, rush=70)
    with patch.object(candidates, "NEAREST", nearest):
        decided = decide(lines, places, policy, 1)
    every = [
        Site(one.store.id, parcel_cost(one, policy), line_cost(one, policy), one.stock, one.unit_minor)
        for one in places
    ]
    best = plan(lines, every, parcels_max=parcels_max)
    assert (decided[0].cost_minor if decided else None) == (best.cost_minor if best else None)


def test_of_many_locations_the_record_keeps_the_chosen_and_the_cheapest():
    places = [Origin(store(n), 10.0 * n, 0, {SKUS[0]: 5}) for n in range(300, 0, -1)]
    plan_, decision = decide([WantedLine(UUID(int=50), SKUS[0], 1)], places, SourcingPolicy(), 1)
    assert plan_.parcels[0].location_id == UUID(int=1001)
    assert [one["location_code"] for one in decision.candidates] == [f"S{n:04}" for n in range(1, CANDIDATES_KEPT + 1)]
    assert {one["rejected_because"] for one in decision.candidates} == {None, "dearer"}


def test_a_decision_says_what_each_part_costs():
    policy = SourcingPolicy(split=50, day=40, reject=2000)
    place = Origin(store(1), 100, 5, {SKUS[0]: 2}, {SKUS[0]: 75}, days=2, reject_bp=500)
    _, decision = decide([WantedLine(UUID(int=50), SKUS[0], 2)], [place], policy, 1)
    parts = decision.candidates[0]["parts"]
    assert parts == {
        "parcel": 600, "per_km": 100, "load": 200, "day": 80, "reject": 100, "split": 50, "pick": 120, "unit": 150,
    }  # fmt: skip
    assert decision.candidates[0]["cost_minor"] == sum(parts.values())
    assert decision.cost_minor == sum(parts.values()) - 50  # one parcel: no further one
    assert parcel_cost(place, policy) == 600 + 100 + 200 + 80 + 100 + 50


def test_in_a_shops_rush_hours_every_line_costs_more():
    policy = SourcingPolicy(rush=70)
    place = Origin(store(1), 0, 0, {SKUS[0]: 2, SKUS[1]: 2}, rush=True)
    wanted = [WantedLine(UUID(int=50 + n), SKUS[n], 1) for n in range(2)]
    _, decision = decide(wanted, [place], policy, 1)
    assert decision.candidates[0]["parts"] == {"parcel": 600, "pick": 240, "rush": 140}
    assert decision.cost_minor == 980
    _, quiet = decide(wanted, [place._replace(rush=False)], policy, 1)
    assert quiet.cost_minor == 840


@pytest.mark.parametrize(
    ("kind", "hour", "work", "rush", "expected"),
    [
        ("store", 16, 9, 70, False),
        ("store", 16, 10, 70, True),  # what is open takes an hour
        ("store", 17, 0, 70, True),
        ("store", 19, 9, 70, True),
        ("store", 19, 10, 70, False),
        ("store", 20, 0, 70, False),
        ("store", 8, 330, 70, False),  # tomorrow
        ("dc", 17, 0, 70, False),
        ("store", 17, 0, 0, False),
    ],
)
def test_when_a_shop_is_in_its_rush_hours(kind, hour, work, rush, expected):
    at = datetime(2026, 11, 29, hour, 59, tzinfo=ZoneInfo("Asia/Shanghai")).astimezone(UTC)
    assert in_rush(store(1, kind), at, work, SourcingPolicy(rush=rush, rush_from=17, rush_until=20)) is expected


def test_a_box_costs_what_a_transfer_does_and_comes_whole():
    policy = SourcingPolicy(transfer=250, split=40)
    near, far = Origin(store(1), 10, 0, {SKUS[0]: 1}), Origin(store(2), 300, 0, {SKUS[0]: 2})
    plan_, decision = decide_box([WantedLine(UUID(int=50), SKUS[0], 2)], [near, far], policy, 7)
    assert [parcel.location_id for parcel in plan_.parcels] == [far.store.id]
    assert decision.cost_minor == 250 + 300 + 120
    assert decision.terms["parcel"] == 600
    chosen = next(one for one in decision.candidates if one["rejected_because"] is None)
    assert chosen["parts"] == {"transfer": 250, "per_km": 300, "split": 40, "pick": 120}
    assert decide_box([WantedLine(UUID(int=50), SKUS[0], 3)], [near, far], policy, 7) is None
