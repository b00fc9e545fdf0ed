"""Units kept for who scanned and favourited them in a shop: used, given up, run out; fees, limits, cost; races on each."""

from __future__ import annotations

import asyncio
import random
from datetime import timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duoline import favourites, inventory, orders, pricing
from duoline.favourites import EndedHold, Keeper, KeptUnit, Wished
from duoline.favourites.tuning import gain_of
from duoline.flows import basket, expire, keep, sell, tune_keeping
from duoline.flows.draft import Receipt
from duoline.flows.refused import note_refusal
from duoline.kernel import clock
from duoline.kernel.auth import Actor
from duoline.kernel.errors import Refusal
from duoline.kernel.ids import new_id
from tests.flows.conftest import NOON, World

FEE, FREE_FROM = 800, 9900


@pytest.fixture(autouse=True)
def noon():
    with clock.frozen(NOON):
        yield


async def kept(world: World, sku="milk", at="A", *, member: UUID | None = None, device: UUID | None = None):
    """What the mall does when a member favourites what they scanned."""
    who = member or world.member_id
    keeper = Keeper(who, device or new_id(), UUID(int=99))
    async with world.db.begin() as tx:
        product = await tx.fetchval("SELECT product_id FROM skus WHERE id = $1", world.skus[sku])
        favourite = await favourites.mark_favourite(
            tx, member_id=who, product_id=product, sku_id=world.skus[sku], store_id=world.stores[at]
        )
        return await keep.keep(
            tx,
            keeper=keeper,
            favourite_id=favourite,
            sku_id=world.skus[sku],
            store=world.look.chain.store(world.stores[at]),
            actor=Actor("member", who),
        )


async def unit(world: World, sku="milk", at="A", **options) -> KeptUnit:
    keeping = await kept(world, sku, at, **options)
    assert isinstance(keeping, keep.Keeping)
    assert keeping.unit is not None, keeping.outcome
    return keeping.unit


async def looked(world: World, *wishes, member: UUID | None = None):
    return await basket.look_at(
        world.look, wishes, channel="mall", member_id=member or world.member_id, address=None, use_kept=True
    )


async def sold(world: World, sku="milk", at="A", quantity=1, *, member: UUID | None = None):
    shop = world.look.chain.store(world.stores[at])
    priced = await sell.price_wishes(world.look, shop, [(world.skus[sku], quantity)], member_id=None)
    buyer = member or await world.new_member()
    async with world.db.begin() as tx:
        await sell.sell(
            tx, shop, priced, member_id=buyer, contact=orders.Contact("", ""), tendered_minor=10**7, actor=world.clerk
        )
    return "sold"


async def states(world: World) -> list[tuple[str, bool]]:
    rows = await world.db.fetch(
        """SELECT h.state, f.order_id IS NOT NULL AS used FROM favourite_holds f
           JOIN holds h ON h.location_id = f.location_id AND h.id = f.id ORDER BY f.given_at, f.id"""
    )
    return [tuple(row) for row in rows]


# --- kept, used, given up, run out ----------------------------------------------------------------


async def test_the_very_unit_is_kept_until_its_time_and_others_cannot_have_it(world):
    await world.stock("A", "milk", 1)
    mine = await unit(world)
    assert mine.until == NOON + timedelta(minutes=120)
    assert await world.level("A", "milk") == (1, 1)
    other = await world.new_member()
    with pytest.raises(inventory.InsufficientStock):
        await world.place(world.wish("milk", at="A"), pay_mode="at_store", member_id=other)
    with pytest.raises(inventory.InsufficientStock):
        await sold(world)
    assert await kept(world, member=other) == keep.Keeping("none_left", None)
    assert await expire.expire_holds(world.db) == 0
    with clock.frozen(mine.until):
        assert await expire.expire_holds(world.db) == 1
        assert await states(world) == [("expired", False)]
        await world.place(world.wish("milk", at="A"), pay_mode="at_store", member_id=other)
    assert await world.level("A", "milk") == (1, 1)


async def test_keeping_again_neither_takes_more_nor_lasts_longer(world):
    await world.stock("A", "milk", 5)
    first = await unit(world)
    with clock.frozen(NOON + timedelta(minutes=30)):
        assert await unit(world) == first
    assert await world.level("A", "milk") == (5, 1)
    assert await world.value("SELECT count(*) FROM favourites") == 1


async def test_its_member_collects_it_although_nobody_else_could(world):
    await world.stock("A", "milk", 1)
    await unit(world)
    assert (await looked(world, world.wish("milk", at="A"))).problems == []
    receipt = await world.place(world.wish("milk", at="A"), pay_mode="at_store")
    assert await world.level("A", "milk") == (1, 1)
    assert await states(world) == [("released", True)]
    assert await world.value("SELECT order_id FROM favourite_holds") == receipt.id
    await world.ready(receipt)
    await world.hand(receipt, cash=19900)
    assert await world.level("A", "milk") == (0, 0)


async def test_a_unit_kept_out_of_what_safety_stock_spares_is_its_members_even_when_the_till_sells_the_rest(world):
    await world.stock("A", "milk", 3)
    async with world.db.begin() as tx:
        await inventory.set_safety(
            tx, location_id=world.stores["A"], sku_id=world.skus["milk"], safety=2, reason="x", actor=world.clerk
        )
    await unit(world)
    await sold(world, quantity=2)
    await world.place(world.wish("milk", at="A"), pay_mode="at_store")
    assert await world.level("A", "milk") == (1, 1)


async def test_its_member_buys_it_at_the_till(world):
    await world.stock("A", "milk", 1)
    await unit(world)
    await sold(world, member=world.member_id)
    assert await world.level("A", "milk") == (0, 0)
    assert await states(world) == [("released", True)]


async def test_who_buys_two_uses_the_kept_one_and_takes_one_more(world):
    await world.stock("A", "milk", 2)
    await unit(world)
    await world.place(world.wish("milk", 2, at="A"), pay_mode="at_store")
    assert await world.level("A", "milk") == (2, 2)
    assert await states(world) == [("released", True)]
    with pytest.raises(inventory.InsufficientStock) as refused:
        await world.place(world.wish("milk", 1, at="A"), pay_mode="at_store")
    assert refused.value.fields["short"][0]["available"] == 0


async def test_a_kept_unit_does_not_serve_another_shop_or_article(world):
    await world.stock("A", "milk", 1)
    await world.stock("A", "bottle", 1)
    await world.stock("B", "milk", 1)
    await unit(world)
    await world.place(world.wish("milk", at="B"), world.wish("bottle", at="A"), pay_mode="at_store")
    assert await states(world) == [("open", False)]


async def test_given_up_it_is_everybodys_again_and_the_books_say_so(world):
    await world.stock("A", "milk", 1)
    mine = await unit(world)
    async with world.db.begin() as tx:
        assert await keep.give_up(tx, units=[mine], actor=world.member) == [mine]
    async with world.db.begin() as tx:
        assert await keep.give_up(tx, units=[mine], actor=world.member) == []
    assert await world.level("A", "milk") == (1, 0)
    assert await states(world) == [("released", False)]
    rows = await world.db.fetch("SELECT action FROM audit_log WHERE action LIKE 'favourite.%' ORDER BY at, id")
    assert [row["action"] for row in rows] == ["favourite.keep", "favourite.give-up"]


async def test_at_most_its_share_of_a_shelf_is_kept(world, set_policy):
    await world.stock("A", "milk", 5)
    members = [await world.new_member() for _ in range(4)]
    found = [(await kept(world, member=member)).outcome for member in members]
    assert found == ["kept", "kept", "left_for_others", "left_for_others"]
    await set_policy(last_unit=False)
    await world.stock("B", "milk", 1)
    assert (await kept(world, at="B")).outcome == "left_for_others"
    await set_policy(on=False)
    assert (await kept(world, at="B")).outcome == "not_here"
    assert (await kept(world, at="DC")).outcome == "not_here"


# --- delivery -------------------------------------------------------------------------------------


async def test_what_was_kept_travels_free_from_the_shop_where_it_is(world):
    await world.stock("A", "bottle", 1)
    await world.stock("DC", "bottle", 9)
    await unit(world, "bottle")
    found = await looked(world, world.wish("bottle"))
    assert (found.totals.delivery_fee_minor, found.totals.waived_minor, found.totals.total_minor) == (0, FEE, 4990)
    receipt = await world.place(world.wish("bottle"), expected_minor=4990)
    assert [job.store_code for job in receipt.fulfilments] == ["A"]
    assert receipt.delivery_fee.minor == 0
    assert await world.level("A", "bottle") == (1, 1)
    assert await world.level("DC", "bottle") == (9, 0)
    decision = await world.db.fetchrow("SELECT chosen, summary FROM sourcing_decisions")
    assert [one["location_code"] for one in decision["chosen"]] == ["A"]
    assert "kept for the buyer" in decision["summary"]["en"]


async def test_without_a_kept_unit_the_same_delivery_pays(world):
    await world.stock("A", "bottle", 1)
    receipt = await world.place(world.wish("bottle"))
    assert receipt.delivery_fee.minor == FEE


async def test_other_goods_in_the_delivery_pay_by_the_usual_rule(world):
    await world.stock("A", "bottle", 1)
    await world.stock("DC", "bottle", 9)
    await unit(world, "bottle")
    one_more = await looked(world, world.wish("bottle", 1), world.wish("bottle", 1))
    # Two bottles are 99.80 and free by the threshold, which kept goods count towards.
    assert one_more.totals.delivery_fee_minor == 0
    await world.stock("DC", "sock", 1)
    mixed = await looked(world, world.wish("bottle"), world.wish("sock"))
    assert (mixed.totals.delivery_fee_minor, mixed.totals.waived_minor) == (FEE, 0)
    receipt = await world.place(world.wish("bottle"), world.wish("sock"))
    assert receipt.delivery_fee.minor == FEE
    assert sorted(job.store_code for job in receipt.fulfilments) == ["A", "DC"]


async def test_a_parcel_that_leaves_the_shop_anyhow_takes_the_kept_unit_along(world):
    await world.stock("A", "milk", 3)
    await unit(world)
    receipt = await world.place(world.wish("milk", 3))
    assert [(job.store_code, job.kind) for job in receipt.fulfilments] == [("A", "ship")]
    assert await world.value("SELECT sum(quantity) FROM fulfilment_lines") == 3
    assert await world.level("A", "milk") == (3, 3)


async def test_what_is_kept_serves_collecting_before_sending(world):
    await world.stock("A", "milk", 1)
    await world.stock("DC", "milk", 1)
    await unit(world)
    receipt = await world.place(world.wish("milk"), world.wish("milk", at="A"))
    assert sorted((job.store_code, job.kind) for job in receipt.fulfilments) == [("A", "pickup"), ("DC", "ship")]


async def test_a_shop_that_sends_nothing_keeps_for_collecting_only(world):
    from duoline.stores import directory

    await world.stock("A", "bottle", 1)
    await world.stock("DC", "bottle", 1)
    await world.db.execute("UPDATE stores SET ship = false, version = version + 1 WHERE code = 'A'")
    await directory.refresh(world.db)
    await unit(world, "bottle")
    receipt = await world.place(world.wish("bottle"))
    assert ([job.store_code for job in receipt.fulfilments], receipt.delivery_fee.minor) == (["DC"], FEE)
    assert await states(world) == [("open", False)]


async def test_a_hold_that_ends_between_look_and_writing_costs_the_free_delivery_and_says_so(world, monkeypatch):
    """The total the buyer saw is not charged to them as another one, and no unit is promised twice."""
    await world.stock("A", "bottle", 1)
    await unit(world, "bottle")
    found = await looked(world, world.wish("bottle"))
    real, stale = basket.look_at, [found]

    async def look_at(*args, **options):
        return stale.pop() if stale else await real(*args, **options)

    monkeypatch.setattr(basket, "look_at", look_at)
    with clock.frozen(NOON + timedelta(minutes=121)):
        await expire.expire_holds(world.db)
        with pytest.raises(pricing.TotalChanged):
            await world.place(world.wish("bottle"), expected_minor=found.totals.total_minor)
    assert await world.level("A", "bottle") == (1, 0)


@given(
    st.lists(
        st.tuples(st.integers(1, 5), st.integers(0, 20000), st.booleans(), st.integers(0, 5)).map(
            lambda x: pricing.PricedLine(x[0], x[1], x[2], min(x[3], x[0]) if x[2] else 0)
        ),
        min_size=1,
        max_size=6,
    )
)
def test_keeping_never_makes_an_order_dearer(lines):
    policy = pricing.DeliveryFeePolicy()
    with_kept = pricing.add_up(lines, policy)
    without = pricing.add_up([line._replace(kept=0) for line in lines], policy)
    assert with_kept.total_minor <= without.total_minor
    assert with_kept.total_minor + with_kept.waived_minor == without.total_minor
    if all(line.kept == line.quantity for line in lines if line.delivered):
        assert with_kept.delivery_fee_minor == 0
    else:
        assert with_kept.waived_minor == 0


@given(st.data())
def test_kept_units_serve_each_once_and_only_what_they_fit(data):
    skus, shops = [UUID(int=n) for n in (1, 2)], [UUID(int=n) for n in (11, 12)]
    place = st.sampled_from(shops)
    wishes = data.draw(
        st.lists(st.builds(Wished, st.sampled_from(skus), st.integers(1, 3), st.none() | place), max_size=5)
    )
    units = data.draw(st.lists(st.tuples(place, st.sampled_from(skus)), max_size=6))
    have = [KeptUnit(shop, UUID(int=100 + n), sku, NOON) for n, (shop, sku) in enumerate(units)]
    sending = data.draw(st.sets(place))
    uses = favourites.use_kept(wishes, have, sending)
    assert len({use.unit.hold_id for use in uses}) == len(uses)
    for n, wish in enumerate(wishes):
        mine = [use.unit for use in uses if use.n == n]
        assert len(mine) <= wish.quantity
        for one in mine:
            assert one.sku_id == wish.sku_id
            assert one.location_id == wish.store_id if wish.store_id else one.location_id in sending


# --- limits ---------------------------------------------------------------------------------------


async def shelf(world: World, count: int) -> list[str]:
    """So many articles more, a hundred units of each at A."""
    names = [f"toy{n}" for n in range(count)]
    for name in names:
        product, world.skus[name] = new_id(), new_id()
        await world.db.execute(
            """INSERT INTO products (id, code, name_zh, name_en, category_id, state, published_at, updated_at)
               SELECT $1, $2, $2, $2, id, 'published', $3, $3 FROM categories LIMIT 1""",
            product, name, NOON,
        )  # fmt: skip
        await world.db.execute(
            "INSERT INTO skus (id, product_id, code) VALUES ($1, $2, $3)", world.skus[name], product, name
        )
        await world.stock("A", name, 100)
    from duoline.catalog.docs import refresh_docs

    async with world.db.begin() as tx:
        await refresh_docs(tx, None)
    return names


async def test_twenty_requests_at_once_do_not_pass_a_members_limit_together(world):
    names = await shelf(world, 20)
    found = await asyncio.gather(*(kept(world, name) for name in names))
    refused = [one for one in found if isinstance(one, favourites.TooManyKept)]
    assert (len(found) - len(refused), len(refused)) == (3, 17)
    assert {one.fields["limit"] for one in refused} == {"member_open"}
    assert all(one.fields["retry_at"] == NOON + timedelta(minutes=120) for one in refused)
    assert await world.value("SELECT count(*) FROM holds WHERE state = 'open'") == 3
    assert await world.value("SELECT count(*) FROM favourites") == 20, "a favourite needs no unit kept"


async def test_twenty_members_on_one_device_do_not_pass_its_limit_together(world):
    names = await shelf(world, 20)
    device, members = new_id(), [await world.new_member() for _ in range(20)]
    found = await asyncio.gather(
        *(kept(world, name, member=member, device=device) for name, member in zip(names, members, strict=True))
    )
    refused = [one for one in found if isinstance(one, favourites.TooManyKept)]
    assert (len(found) - len(refused), {one.fields["limit"] for one in refused}) == (8, {"device_day"})


async def test_a_day_of_hoarding(world, set_policy):
    """Whoever gives up and scans again, all day long, is given six; a shelf of a hundred is never denied to others."""
    await set_policy(address_day=10)
    await world.stock("A", "milk", 100)
    given_to_one = 0
    for n in range(30):
        with clock.frozen(NOON + timedelta(minutes=n)):
            keeping = await kept(world)
            if isinstance(keeping, keep.Keeping):
                given_to_one += 1
                async with world.db.begin() as tx:
                    await keep.give_up(tx, units=[keeping.unit], actor=world.member)
            else:
                assert (keeping.fields["limit"], keeping.fields["maximum"]) == ("member_day", 6)
                assert keeping.fields["retry_at"] == NOON + timedelta(days=1)
    assert given_to_one == 6
    # Ever new members on ever new devices at one address are ten in all.
    more = [await kept(world, member=await world.new_member()) for _ in range(8)]
    assert sum(isinstance(one, keep.Keeping) for one in more) == 4
    assert more[-1].fields["limit"] == "address_day"
    assert await world.level("A", "milk") == (100, 4)
    with clock.frozen(NOON + timedelta(days=1, minutes=1)):
        await expire.expire_holds(world.db)
        assert (await kept(world)).outcome == "kept"


# --- races ----------------------------------------------------------------------------------------


async def outcomes(*attempts):
    answers = await asyncio.gather(*attempts, return_exceptions=True)
    for one in answers:
        if isinstance(one, BaseException) and not isinstance(one, Refusal):
            raise one
    return [one.code if isinstance(one, Refusal) else one for one in answers]


async def ordered(world, *wishes, member=None):
    receipt = await world.place(
        *wishes,
        pay_mode="at_store" if wishes[0].method == "pickup" else "online",
        member_id=member or await world.new_member(),
    )
    assert isinstance(receipt, Receipt)
    return "ordered"


async def test_two_members_scan_the_last_unit(world):
    winners = set()
    for n in range(20):
        at = "AB"[n % 2]
        await world.stock(at, "milk", 1)
        on_hand, held = await world.level(at, "milk")
        assert on_hand == held + 1
        members = [await world.new_member() for _ in range(2)]
        found = await asyncio.gather(*(kept(world, at=at, member=member) for member in members))
        assert sorted(one.outcome for one in found) == ["kept", "none_left"]
        assert await world.level(at, "milk") == (on_hand, held + 1)
        (mine,) = [one.unit for one in found if one.unit]
        winners.add(found[0].unit is None)
        async with world.db.begin() as tx:
            await keep.give_up(tx, units=[mine], actor=world.clerk)
        await sold(world, at=at)
    assert winners == {True, False}, "with one winner it would be no race"


async def test_the_last_unit_wanted_by_a_favourite_a_till_and_an_order(world):
    winners = set()
    for n in range(24):
        on_hand, held = await world.level("A", "milk")
        await world.stock("A", "milk", 1)
        attempts = [
            kept(world, member=await world.new_member()),
            sold(world),
            ordered(world, world.wish("milk", at="A")),
        ]
        random.Random(n).shuffle(attempts)
        answers = await outcomes(*attempts)
        got = ["kept" for one in answers if isinstance(one, keep.Keeping) and one.unit]
        got += [one for one in answers if one in ("sold", "ordered")]
        assert len(got) == 1, answers
        after = await world.level("A", "milk")
        assert after == ((on_hand, held) if got == ["sold"] else (on_hand + 1, held + 1))
        winners.add(got[0])
        # The next round starts with an empty shelf again.
        await world.db.execute("UPDATE favourite_holds SET expires_at = given_at + interval '1 second'")
        await world.db.execute("UPDATE holds h SET expires_at = f.expires_at FROM favourite_holds f WHERE f.id = h.id")
        with clock.frozen(NOON + timedelta(minutes=1)):
            if await expire.expire_holds(world.db):
                await sold(world)
    assert len(winners) >= 2, "with one winner it would be no race"


async def test_its_end_against_its_checkout(world):
    """At the very moment its time is over: either its member has it, or it is free for somebody else. Never both."""
    seen = set()
    for n in range(20):
        await world.stock("A", "milk", 1)
        on_hand, held = await world.level("A", "milk")
        member, other = await world.new_member(), await world.new_member()
        mine = await unit(world, member=member, at="A")
        found = await looked(world, world.wish("milk", at="A"), member=member)
        assert [use.unit for use in found.uses] == [mine]
        with clock.frozen(mine.until - timedelta(seconds=1)):
            buying = asyncio.ensure_future(ordered(world, world.wish("milk", at="A"), member=member))
            await asyncio.sleep(0.001 * (n % 5))
            with clock.frozen(mine.until):
                answers = await outcomes(
                    buying, expire.expire_holds(world.db), ordered(world, world.wish("milk", at="A"), member=other)
                )
        won = answers.count("ordered")
        assert won == 1, answers
        assert await world.level("A", "milk") == (on_hand, held + 1)
        seen.add(answers[0])
    assert "ordered" in seen


async def test_its_checkout_against_giving_it_up_and_against_another_checkout(world):
    for _ in range(15):
        await world.stock("A", "milk", 1)
        on_hand, held = await world.level("A", "milk")
        member = await world.new_member()
        mine = await unit(world, member=member)

        async def drop(mine=mine, member=member):
            async with world.db.begin() as tx:
                return "dropped" if await keep.give_up(tx, units=[mine], actor=Actor("member", member)) else "late"

        answers = await outcomes(
            ordered(world, world.wish("milk", at="A"), member=member),
            drop(),
            ordered(world, world.wish("milk", at="A"), member=member),
            ordered(world, world.wish("milk", at="A")),
        )
        assert answers.count("ordered") == 1, answers
        assert await world.level("A", "milk") == (on_hand, held + 1)


async def test_two_orders_of_one_member_use_one_kept_unit_once(world):
    await world.stock("A", "milk", 1)
    await unit(world)
    answers = await outcomes(*(ordered(world, world.wish("milk", at="A"), member=world.member_id) for _ in range(8)))
    assert sorted(answers) == sorted(["ordered"] + ["inventory.insufficient-stock"] * 7)
    assert await world.level("A", "milk") == (1, 1)


async def test_favourites_and_baskets_in_any_order_do_not_dead_lock(world):
    names = ["milk", "bottle", "sock"]
    for at in "AB":
        for name in names:
            await world.stock(at, name, 30)
    chance = random.Random(5)

    async def trade():
        member = await world.new_member()
        at = chance.choice("AB")
        mine = [await kept(world, name, at, member=member) for name in chance.sample(names, 2)]
        wishes = [world.wish(name, 1, at=chance.choice("AB")) for name in chance.sample(names, 3)]
        if chance.random() < 0.3:
            await sold(world, names[0], at, member=member)
        await ordered(world, *wishes, member=member)
        return len(mine)

    answers = await outcomes(*(trade() for _ in range(25)))
    assert set(answers) <= {2, "inventory.insufficient-stock"}
    assert answers.count(2) > 5


# --- what it costs --------------------------------------------------------------------------------


async def test_what_is_refused_for_favourites_is_written_down_once(world):
    await world.stock("A", "milk", 2)
    await unit(world)
    other = await world.new_member()
    for _ in range(3):  # whoever asks again is not refused more
        with pytest.raises(inventory.InsufficientStock):
            await world.place(world.wish("milk", 4, at="A"), pay_mode="at_store", member_id=other)
    with pytest.raises(inventory.InsufficientStock):
        await world.place(world.wish("milk", 9), member_id=await world.new_member())
    rows = await world.db.fetch("SELECT units, price_minor, channel FROM refused_for_holds ORDER BY id")
    assert [tuple(row) for row in rows] == [(1, 19900, "mall")] * 2
    with pytest.raises(inventory.InsufficientStock) as refused:
        await sold(world, quantity=2)
    assert await note_refusal(world.look, refused.value, channel="till") == 1
    assert await world.value("SELECT count(*) FROM refused_for_holds WHERE channel = 'till'") == 1


async def test_what_nobody_keeps_is_refused_without_a_note(world):
    await world.stock("A", "milk", 1)
    await world.stock("B", "milk", 1)
    await unit(world, at="B")
    with pytest.raises(inventory.InsufficientStock):
        await world.place(world.wish("milk", 2, at="A"), pay_mode="at_store")
    assert await world.value("SELECT count(*) FROM refused_for_holds") == 0


# --- for how long ---------------------------------------------------------------------------------

ended = st.builds(EndedHold, st.integers(0, 500).map(float), st.sampled_from(["used", "given_up", "expired"]))


@given(st.lists(ended, min_size=1, max_size=25), st.integers(0, 30), st.integers(5, 400), st.integers(5, 400))
def test_the_choice_is_within_bounds_and_nothing_gains_more(holds, refused, low, high):
    low, high = sorted((low, high))
    chosen = favourites.best_minutes(holds, refused, low=low, high=high)
    assert low <= chosen <= high
    best = gain_of(holds, refused, chosen)
    assert all(gain_of(holds, refused, t) <= best + 1e-6 for t in {low, high, *range(low - low % 5 + 5, high, 5)})


@given(st.lists(ended, min_size=1, max_size=25), st.integers(0, 20), st.integers(1, 20))
def test_more_refusals_never_make_it_longer(holds, refused, more):
    few = favourites.best_minutes(holds, refused, low=30, high=480)
    many = favourites.best_minutes(holds, refused + more, low=30, high=480)
    assert many <= few


@given(st.lists(ended, min_size=1, max_size=25))
def test_where_nobody_was_refused_keeping_costs_nothing(holds):
    assert favourites.best_minutes(holds, 0, low=30, high=480) == 480


def test_a_shelf_where_everybody_buys_within_the_hour():
    """20 used at 20, 40 and 60 minutes, 10 that ran out at 120; somebody refused every 100 minutes kept."""
    holds = [EndedHold(20.0 * (1 + n % 3), "used") for n in range(20)] + [EndedHold(120.0, "expired")] * 10
    kept_minutes = sum(hold.minutes for hold in holds)
    assert favourites.best_minutes(holds, 0, low=30, high=480) == 480
    assert favourites.best_minutes(holds, round(kept_minutes / 200), low=10, high=480) == 60
    assert favourites.best_minutes(holds, round(kept_minutes / 10), low=10, high=480) == 10


def test_short_limits_do_not_prove_themselves_right():
    """Half was kept for 30 minutes only and ran out; those kept for longer were used at 50. The estimate sees past 30."""
    holds = [EndedHold(30.0, "expired")] * 10 + [EndedHold(50.0, "used")] * 10
    assert gain_of(holds, 0, 49) == 0
    assert gain_of(holds, 0, 50) == 1
    assert favourites.best_minutes(holds, 2, low=10, high=480) == 480 or gain_of(holds, 2, 50) > gain_of(holds, 2, 30)


async def history(world, sku, at, count, minutes, outcome="used"):
    """Units that were kept and ended so many minutes later, at a rate of one a minute."""
    for n in range(count):
        start = NOON - timedelta(days=2, minutes=n)
        with clock.frozen(start):
            mine = await unit(world, sku, at, member=await world.new_member())
        with clock.frozen(start + timedelta(minutes=minutes)):
            if outcome == "used":
                member = await world.value("SELECT member_id FROM favourite_holds WHERE id = $1", mine.hold_id)
                await sold(world, sku, at, member=member)
            else:
                async with world.db.begin() as tx:
                    await keep.give_up(tx, units=[mine], actor=world.member)


async def test_every_night_the_minutes_are_chosen_and_used(world, set_policy):
    await set_policy(address_day=1000, history_min=6)
    for at in "AB":
        await world.stock(at, "milk", 50)
        await world.stock(at, "bottle", 50)
    await history(world, "milk", "A", 5, 45)
    await history(world, "milk", "A", 2, 110, "given up")
    await history(world, "bottle", "A", 2, 20)
    await history(world, "milk", "B", 5, 45)
    await world.db.execute(
        """INSERT INTO refused_for_holds (location_id, id, sku_id, units, price_minor, currency, channel, at)
           VALUES ($1, $2, $3, 1, 19900, 'CNY', 'mall', $4)""",
        world.stores["A"], new_id(), world.skus["milk"], NOON - timedelta(days=1),
    )  # fmt: skip
    assert await tune_keeping.tune(world.db) == 2  # milk at A, and A as a whole; B has too little
    rows = await world.db.fetch("SELECT sku_id, minutes, holds, used, refused FROM favourite_minutes ORDER BY sku_id")
    assert [tuple(row) for row in rows] == [(UUID(int=0), 45, 9, 7, 1), (world.skus["milk"], 45, 7, 5, 1)]
    policy = favourites.FAVOURITE_HOLD.current().body

    async def minutes(sku, at):
        return await favourites.minutes_for(world.db, policy, location_id=world.stores[at], sku_id=world.skus[sku])

    assert [await minutes("milk", "A"), await minutes("bottle", "A"), await minutes("milk", "B")] == [45, 45, 120]
    assert (await unit(world)).until == NOON + timedelta(minutes=45)
    await set_policy(minutes_min=60)
    assert favourites.FAVOURITE_HOLD.current().body.clipped(45) == 60
    with clock.frozen(NOON + timedelta(days=100)):
        assert await tune_keeping.tune(world.db) == 0
    assert await world.value("SELECT count(*) FROM favourite_minutes") == 0
