"""Who gets what of an order: by cases, and by what holds of any."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from duoline import settlement
from duoline.kernel.errors import BadInput
from duoline.settlement import lawful
from duoline.settlement.policy import DIRECT, FRANCHISE, CategoryTimes, ProductTimes, TierTimes
from duoline.settlement.types import Facts, Guided, Kept, LineFacts, Payee, Touched

BUYER, GUIDE, SELLER, FRIEND, HERS = (UUID(int=n) for n in range(10, 15))
SHOP_A, SHOP_B, SHOP_C = (UUID(int=n) for n in range(20, 23))
COMPANY = Payee("company", UUID(int=30))
LINE = LineFacts(line_id=UUID(int=40), product="P1", categories=["milk", "food"])
FACTS = Facts(
    member_id=BUYER,
    order_id=UUID(int=50),
    placed_at=datetime(2026, 3, 1, tzinfo=UTC),
    tier="gold",
    online=True,
    guide=Guided(binding_id=UUID(int=60), guide_id=GUIDE, store_id=SHOP_A),
    touch=Touched(touchpoint_id=UUID(int=61), owner_kind="member", owner_id=FRIEND, store_id=SHOP_B),
    second_id=HERS,
    brought_store_id=SHOP_C,
)


def earned(plan: settlement.CommissionPolicy, kept: int = 9999, facts: Facts = FACTS) -> dict[str, int]:
    return {one.key.role: one.earned_minor for one in settlement.commission_of(facts, LINE, kept, plan)}


@pytest.mark.parametrize(("rate_bp", "minor"), [(500, 500), (300, 300), (1, 1), (0, 0), (5000, 5000)])
def test_a_rate_of_99_99_is_rounded_to_the_nearest_cent(rate_bp, minor):
    plan = settlement.CommissionPolicy(guide_bp=rate_bp, referrer_bp=0, seller_bp=0)
    assert earned(plan).get("guide", 0) == minor


def test_each_role_is_paid_by_its_rate_and_a_second_level_only_in_a_plan_of_two():
    plan = settlement.CommissionPolicy(guide_bp=200, referrer_bp=300)
    assert earned(plan, 10_000) == {"guide": 200, "referrer": 300}
    two = msgspec.structs.replace(plan, levels=2, second_bp=100)
    assert earned(two, 10_000) == {"guide": 200, "referrer": 300, "second": 100}


def test_rates_by_product_before_category_and_by_tier_multiply():
    plan = settlement.CommissionPolicy(
        guide_bp=200,
        referrer_bp=0,
        products=(ProductTimes(product="P1", percent=300),),
        categories=(CategoryTimes(category="food", percent=50), CategoryTimes(category="milk", percent=10)),
        tiers=(TierTimes(tier="gold", percent=50),),
    )
    assert earned(plan, 10_000) == {"guide": 300}
    by_category = msgspec.structs.replace(plan, products=())
    assert earned(by_category, 10_000) == {"guide": 10}


def test_somebody_with_two_roles_is_paid_for_the_better_one():
    facts = msgspec.structs.replace(FACTS, seller_id=GUIDE, touch=None, second_id=None)
    plan = settlement.CommissionPolicy(guide_bp=200, seller_bp=300)
    assert earned(plan, 10_000, facts) == {"seller": 300}
    assert earned(msgspec.structs.replace(plan, several_roles=True), 10_000, facts) == {"guide": 200, "seller": 300}


def test_what_is_flagged_is_named_and_earns_nothing():
    facts = msgspec.structs.replace(FACTS, flags={"referrer": "device"})
    shares = settlement.commission_of(facts, LINE, 10_000, settlement.CommissionPolicy())
    assert [(one.key.role, one.earned_minor, one.flag) for one in shares] == [
        ("guide", 200, None),
        ("referrer", 0, "device"),
    ]


def test_what_was_paid_in_points_earns_nothing():
    assert settlement.in_money(10_000, total_minor=20_000, by_gifts_minor=5_000) == 7_500
    assert settlement.in_money(0, total_minor=0, by_gifts_minor=0) == 0


def kept(net: int, gross: int | None = None, method: str = "delivery", at: UUID = SHOP_A) -> Kept:
    return Kept(LINE.line_id, at, method, net, net if gross is None else gross)


def split(
    what: Kept, *, contract: settlement.Contract = FRANCHISE, owner: Payee = COMPANY, facts: Facts = FACTS
) -> dict[tuple[str, Payee], int]:
    policy = settlement.AllocationPolicy()
    return {
        (one.key.role, one.key.payee): one.earned_minor
        for one in settlement.allocation_of(facts, what, policy, contract, owner)
    }


def test_online_sent_from_a_franchise_shop():
    assert split(kept(10_000)) == {
        ("owner", COMPANY): 6_000 + 4_000 * 35 // 100,
        ("bringer_store", Payee("store", SHOP_C)): 400,
        ("guide_store", Payee("store", SHOP_A)): 400,
        ("touchpoint_store", Payee("store", SHOP_B)): 200,
        ("ship_store", Payee("store", SHOP_A)): 600,
        ("online", settlement.ONLINE): 600,
        ("headquarters", settlement.HEADQUARTERS): 400,
    }


def test_online_collected_in_another_shop_of_the_chain():
    parts = split(kept(10_000, method="pickup", at=SHOP_B), contract=DIRECT, owner=settlement.HEADQUARTERS)
    assert parts["hand_over_store", Payee("store", SHOP_B)] == 800
    assert parts["guide_store", Payee("store", SHOP_A)] == 400  # who collects there stays the guide's
    assert parts["owner", settlement.HEADQUARTERS] == 6_000 + 4_000 * 30 // 100
    assert sum(parts.values()) == 10_000


def test_bought_in_the_shop_nobody_online_gets_anything():
    facts = Facts(
        member_id=BUYER, order_id=UUID(int=50), placed_at=FACTS.placed_at, tier="", online=False, seller_store_id=SHOP_A
    )
    parts = split(kept(10_000, method="till"), facts=facts)
    assert {role for role, _ in parts} == {"owner", "touchpoint_store", "hand_over_store", "headquarters"}
    assert sum(parts.values()) == 10_000


def test_the_chain_bears_its_offers_and_the_goods_are_worth_what_they_were():
    without, offered = split(kept(10_000)), split(kept(4_000, 10_000))
    hq = ("headquarters", settlement.HEADQUARTERS)
    assert offered[hq] == without[hq] - 6_000
    assert {key: minor for key, minor in offered.items() if key != hq} == {
        key: minor for key, minor in without.items() if key != hq
    }
    own = msgspec.structs.replace(FRANCHISE, promo_payer="company")
    assert split(kept(4_000, 10_000), contract=own) == split(kept(4_000))


def test_a_territory_earns_by_what_is_ordered_online_and_delivered_into_it():
    neighbour, policy = Payee("company", UUID(int=61)), settlement.AllocationPolicy(territory=10)

    def shares(method: str, facts: Facts = FACTS) -> dict[tuple[str, Payee], int]:
        return {
            (one.key.role, one.key.payee): one.earned_minor
            for one in settlement.allocation_of(
                facts, kept(10_000, method=method), policy, FRANCHISE, COMPANY, neighbour
            )
        }

    sent = shares("delivery")
    assert sent["territory", neighbour] == 400
    assert sent["owner", COMPANY] == 6_000 + 4_000 * 25 // 100  # it comes out of what nobody gets
    assert sum(sent.values()) == 10_000
    in_shop = msgspec.structs.replace(FACTS, online=False)
    for parts in (shares("pickup"), shares("till", in_shop), shares("delivery", in_shop), split(kept(10_000))):
        assert "territory" not in {role for role, _ in parts}


def test_of_territories_around_a_place_the_nearest_counts():
    contracts = settlement.ContractPolicy(
        contracts=tuple(
            msgspec.structs.replace(FRANCHISE, company=company, regions=regions)
            for company, regions in (("X", ("china",)), ("Y", ("north", "south")))
        )
    )
    assert contracts.territory_of(["north-east", "north", "china"]) == "Y"
    assert contracts.territory_of(["west", "china"]) == "X"
    assert contracts.territory_of(["abroad"]) is contracts.territory_of([]) is None


@given(
    net=st.integers(0, 10**9),
    offer=st.integers(0, 10**6),
    percents=st.lists(st.integers(0, 12), min_size=8, max_size=8),
    goods=st.integers(0, 100),
    method=st.sampled_from(["pickup", "delivery", "till"]),
    payer=st.sampled_from(["chain", "company"]),
    alone=st.booleans(),
    territory=st.sampled_from([None, COMPANY, Payee("company", UUID(int=61))]),
)
def test_the_parts_are_the_whole(net, offer, percents, goods, method, payer, alone, territory):
    names = [f.name for f in msgspec.structs.fields(settlement.AllocationPolicy) if f.name != "bringing_minor"]
    policy = settlement.AllocationPolicy(**dict(zip(names, percents, strict=True)))
    contract = msgspec.structs.replace(FRANCHISE, goods_percent=goods, promo_payer=payer)
    facts = msgspec.structs.replace(FACTS, guide=None, touch=None, brought_store_id=None) if alone else FACTS
    shares = settlement.allocation_of(facts, kept(net, net + offer, method), policy, contract, COMPANY, territory)
    assert sum(one.earned_minor for one in shares) == net
    assert len({one.key for one in shares}) == len(shares)
    assert all(one.earned_minor >= 0 for one in shares if one.key.role != "headquarters")


@given(
    kept_minor=st.lists(st.integers(0, 10**8), min_size=1, max_size=8),
    rate=st.integers(0, 5_000),
)
def test_whatever_comes_back_in_whatever_order_what_is_earned_is_the_rate_times_what_is_kept(kept_minor, rate):
    plan = settlement.CommissionPolicy(guide_bp=rate, referrer_bp=0, seller_bp=0)
    carried = 0
    for minor in kept_minor:
        now = earned(plan, minor).get("guide", 0)
        carried += now - carried
    assert carried == (kept_minor[-1] * rate + 5_000) // 10_000


@pytest.mark.parametrize(
    ("shape", "rule"),
    [
        ({"levels": 3}, "depth"),
        ({"levels": 9}, "depth"),
        ({"entry_fee_minor": 1}, "entry"),
        ({"purchase_to_join_minor": 100}, "entry"),
        ({"per_recruit_minor": 1}, "recruit"),
        ({"team_bp": 1}, "team"),
        ({"second_bp": 100}, "second"),
        ({"levels": 2, "referrer_bp": 100, "second_bp": 200}, "second"),
        ({"referrer_bp": 4_000, "others_bp": 2_000}, "total"),
        ({"referrer_bp": 600, "line_percent_max": 1_000}, "times"),
        ({"referrer_bp": 600, "line_percent_max": 300, "tier_percent_max": 300}, "times"),
    ],
)
def test_unlawful_shapes_are_refused_with_the_reason(shape, rule):
    found = [one for one in lawful.check(lawful.Shape(**shape)) if one.refused]
    assert [one.rule for one in found] == [rule]
    assert found[0].zh
    assert found[0].en
    assert found[0].source


def test_what_multipliers_make_of_a_plan_is_told_with_the_figures():
    times = (ProductTimes(product="P1", percent=1_000),)
    plan = settlement.CommissionPolicy(products=times, tiers=(TierTimes(tier="gold", percent=150),))
    [found] = [one for one in lawful.check(lawful.Shape.of(plan)) if one.refused]
    assert (found.rule, found.field) == ("times", "products")
    for said in (found.zh, found.en):
        assert "90" in said
        assert "1000" in said
        assert "150" in said


PERCENTS = st.sampled_from([0, 1, 50, 99, 100, 101, 150, 300, 1_000])


@given(
    rates=st.lists(st.integers(0, 2_500), min_size=4, max_size=4),
    times=st.lists(PERCENTS, min_size=4, max_size=4),
    several=st.booleans(),
    kept=st.integers(0, 10_000_000),
    product=st.sampled_from(["P1", "P2"]),
    categories=st.sampled_from([["milk", "food"], ["food"], []]),
    tier=st.sampled_from(["gold", "silver"]),
)
def test_no_plan_that_is_accepted_pays_more_of_a_line_than_it_says(
    rates, times, several, kept, product, categories, tier
):
    guide, seller, referrer, second = rates
    try:
        plan = settlement.CommissionPolicy(
            guide_bp=guide,
            seller_bp=seller,
            referrer_bp=referrer,
            second_bp=min(second, referrer),
            levels=2,
            several_roles=several,
            products=(ProductTimes(product="P1", percent=times[0]),),
            categories=tuple(
                CategoryTimes(category=c, percent=p) for c, p in zip(["milk", "food"], times[1:3], strict=True)
            ),
            tiers=(TierTimes(tier="gold", percent=times[3]),),
        )
    except BadInput:
        return  # more than the half even without multipliers
    shape = lawful.Shape.of(plan)
    facts = msgspec.structs.replace(FACTS, seller_id=SELLER, tier=tier)
    line = LineFacts(line_id=LINE.line_id, product=product, categories=categories)
    shares = settlement.commission_of(facts, line, kept, plan)
    paid = sum(one.earned_minor for one in shares)
    # To the half cent that each share may be rounded up by.
    assert 20_000 * paid <= 2 * kept * shape.most_bp + 10_000 * len(shares)
    if not any(one.refused for one in lawful.check(shape)):
        assert shape.most_bp <= lawful.TOTAL_BP_MAX


def test_a_lawful_plan_has_nothing_against_it_and_an_early_one_is_told():
    assert lawful.check(lawful.Shape.of(settlement.CommissionPolicy())) == []
    assert [one.rule for one in lawful.check(lawful.Shape(mature_days=3))] == ["early"]
    assert [one.rule for one in lawful.check(lawful.Shape(referrer_bp=100))] == ["uncapped"]


@pytest.mark.parametrize(
    "plan",
    [
        {"second_bp": 100},
        {"levels": 2, "referrer_bp": 100, "second_bp": 101},
        {"guide_bp": 3_000, "referrer_bp": 2_001, "seller_bp": 0},
        {"tiers": (TierTimes(tier="a", percent=1), TierTimes(tier="a", percent=2))},
    ],
)
def test_a_plan_that_cannot_be_is_refused(plan):
    with pytest.raises(BadInput):
        settlement.CommissionPolicy(**plan)


def test_more_than_the_whole_cannot_be_given_away():
    settlement.AllocationPolicy(headquarters=30)
    with pytest.raises(BadInput):
        settlement.AllocationPolicy(headquarters=41)


@pytest.mark.parametrize("mode", ["direct", "all_franchise"])
def test_a_contract_that_contradicts_its_mode_is_refused(mode):
    terms = {"direct": ("company", "chain"), "all_franchise": ("chain", "company")}[mode]
    one = settlement.Contract(
        company="X", mode=mode, stock_owner=terms[0], price_right=terms[1], promo_payer="chain", goods_percent=50
    )
    with pytest.raises(BadInput):
        settlement.ContractPolicy(contracts=(one,))


@pytest.mark.parametrize(
    ("right", "floor", "ceiling", "field"),
    [
        ("chain", 80, 0, "floor"),
        ("chain", 0, 120, "floor"),
        ("company", 80, 80, "ceiling"),
        ("company", 90, 50, "ceiling"),
    ],
)
def test_limits_that_leave_nothing_to_choose_are_refused(right, floor, ceiling, field):
    one = msgspec.structs.replace(
        FRANCHISE, price_right=right, price_floor_percent=floor, price_ceiling_percent=ceiling
    )
    with pytest.raises(BadInput) as refused:
        settlement.ContractPolicy(contracts=(one,))
    assert [problem["field"] for problem in refused.value.fields["problems"]] == [
        f"body.contracts.0.price_{field}_percent"
    ]


@pytest.mark.parametrize(("earned_minor", "cap", "paid"), [(500, 0, 500), (500, 300, 300), (200, 300, 200), (0, 5, 0)])
def test_a_cap_is_on_the_month_together(earned_minor, cap, paid):
    assert settlement.payable(earned_minor, cap) == paid
