"""Prices and promotions of a tier, and how members come to one by what they buy and bring back."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from duoline import pricing
from duoline.flows import basket, judge_tiers
from duoline.kernel import clock, outbox
from duoline.kernel.errors import BadInput, NotFound
from duoline.kernel.ids import new_id
from duoline.kernel.text import Text
from duoline.members import stand
from duoline.members.policy import Tier
from duoline.pricing import CHAIN, CHAINS
from duoline.pricing.promotions import book
from duoline.pricing.promotions.types import FixedPrice, When

from .conftest import NOON
from .test_offers import milk, offer  # noqa: F401 - a fixture
from .test_returns import bring


async def price(world, minor, *, tier="", scope="chain", store=None, channel="*"):
    async with world.db.begin() as tx:
        await pricing.set_price(
            tx,
            sku_id=world.skus["milk"],
            scope=scope,
            scope_id=world.stores[store] if store else CHAIN,
            price_minor=minor,
            currency="CNY",
            valid_from=NOON - timedelta(hours=1),
            valid_until=NOON + timedelta(days=1),
            channel=channel,
            reason="test",
            actor=world.manager,
            by="chain",
            right=CHAINS,
            tier=tier,
        )


async def is_now(world, tier, *, member_id=None):
    async with world.db.begin() as tx:
        await stand.set_tier(
            tx, member_id or world.member_id, tier, keeps_until=None, reason="test", actor=world.manager
        )


async def unit(world, *, at="A", channel="mall", member_id=None):
    with clock.frozen(NOON):
        found = await basket.look_at(
            world.look,
            [world.wish("milk", 1, at=at)],
            channel=channel,
            member_id=member_id or world.member_id,
            address=None,
        )
    (line,) = found.lines
    return line.net_minor, line.price_tier


async def test_a_tier_pays_its_price_everywhere_and_nobody_else_does(world):
    await world.stock("A", "milk", 5)
    usual, tier = await unit(world)
    assert tier == ""
    await price(world, usual - 500, tier="gold")
    assert await unit(world) == (usual, "")
    await is_now(world, "gold")
    assert await unit(world) == (usual - 500, "gold")
    assert await unit(world, channel="till") == (usual - 500, "gold")
    guest = new_id()
    await world.db.execute(
        "INSERT INTO members (member_id, kind, created_at) VALUES ($1, 'guest', $2)", guest, clock.now()
    )
    assert await unit(world, member_id=guest) == (usual, "")


async def test_a_tier_never_makes_anything_dearer(world):
    """A shop's own price goes before a tier's of the chain, and of two at one place the lower counts."""
    await is_now(world, "gold")
    usual, _ = await unit(world)
    await price(world, usual - 500, tier="gold")
    await price(world, usual - 900)
    assert await unit(world) == (usual - 900, "")
    await price(world, usual + 700, scope="store", store="A")
    assert await unit(world) == (usual + 700, "")
    assert await unit(world, at="B") == (usual - 900, "")
    await price(world, usual - 950, tier="gold", scope="store", store="A")
    assert await unit(world) == (usual - 950, "gold")
    await price(world, usual - 100, scope="store", store="A", channel="till")
    assert await unit(world, channel="till") == (usual - 100, "")


async def test_the_order_keeps_whose_price_it_was(world, books):
    await world.stock("A", "milk", 5)
    usual, _ = await unit(world)
    await price(world, usual - 500, tier="silver")
    await is_now(world, "silver")
    with clock.frozen(NOON):
        receipt = await world.place(world.wish("milk", 2, at="A"), expected_minor=2 * (usual - 500))
    row = await world.db.fetchrow("SELECT unit_price_minor, price_scope, price_tier FROM order_lines")
    assert tuple(row) == (usual - 500, "chain", "silver")
    await is_now(world, "member")
    assert (await world.order(receipt)).total.minor == 2 * (usual - 500)


async def test_a_tier_that_changes_in_mid_checkout_is_asked_about(world):
    await world.stock("A", "milk", 5)
    usual, _ = await unit(world)
    await price(world, usual - 500, tier="gold")
    await is_now(world, "gold")
    quoted, _ = await unit(world)
    await is_now(world, "member")
    with clock.frozen(NOON), pytest.raises(pricing.TotalChanged):
        await world.place(world.wish("milk", 1, at="A"), expected_minor=quoted)


async def test_prices_of_tiers_may_stand_beside_everybodys_and_not_over_each_other(world):
    usual, _ = await unit(world)
    await price(world, usual - 1, tier="gold")
    await price(world, usual - 2, tier="silver")
    with pytest.raises(pricing.PriceOverlap):
        await price(world, usual - 3, tier="gold")


async def test_a_promotion_for_a_tier(world, offer):  # noqa: F811
    await world.stock("A", "milk", 5)
    usual, _ = await unit(world)
    await offer(FixedPrice(price_minor=usual - 300), of=milk(world), when=When(tiers=frozenset({"gold", "black"})))
    assert (await unit(world))[0] == usual
    for tier, net in (("gold", usual - 300), ("silver", usual), ("black", usual - 300)):
        await is_now(world, tier)
        assert (await unit(world))[0] == net
        assert (await unit(world, channel="till"))[0] == net
    assert book.current().rules


async def judged(world):
    """What the relay and the consumer of the workers do with what happened."""
    while await world.value("SELECT duo_relay(500)"):
        pass
    while await outbox.consume_once(world.db, outbox.consumers["tiers"]):
        pass
    return await stand.standing_of(world.db, world.member_id)


async def history(world):
    rows = await world.db.fetch("SELECT before, tier, because, spent_minor FROM tier_changes ORDER BY at, id")
    return [tuple(row) for row in rows]


async def test_what_was_handed_over_counts_and_what_came_back_does_not(world, books, set_policy):
    await world.stock("A", "milk", 9)
    usual, _ = await unit(world)
    await set_policy(
        "tiers",
        tiers=(
            Tier(code="member", name=Text("会员", "Member")),
            Tier(code="gold", name=Text("金", "Gold"), from_minor=2 * usual),
        ),
        keep_days=0,
        grace_days=0,
    )
    receipt = await world.paid(books, world.wish("milk", 2, at="A"))
    await world.ready(receipt)
    assert (await judged(world)).tier == "member"  # paid is not had
    await world.hand(receipt)
    assert (await judged(world)).tier == "gold"
    assert await history(world) == [("member", "gold", "reached", 2 * usual)]
    await bring(world, receipt.id, milk=1)
    assert (await judged(world)).tier == "member"
    assert (await history(world))[1:] == [("gold", "member", "lapsed", usual)]


async def test_the_night_takes_what_time_took(world, books, set_policy):
    await world.stock("A", "milk", 9)
    usual, _ = await unit(world)
    await set_policy(
        "tiers",
        tiers=(
            Tier(code="member", name=Text("会员", "Member")),
            Tier(code="gold", name=Text("金", "Gold"), from_minor=usual),
        ),
        window_days=30,
        keep_days=60,
        grace_days=10,
    )
    start = clock.now()
    receipt = await world.paid(books, world.wish("milk", 1, at="A"))
    await world.ready(receipt)
    await world.hand(receipt)
    assert await judge_tiers.judge_all(world.db) == 1
    for day, tier in ((31, "gold"), (59, "gold"), (69, "gold"), (72, "member"), (73, "member")):
        with clock.frozen(start + timedelta(days=day)):
            await judge_tiers.judge_all(world.db)
        standing = await stand.standing_of(world.db, world.member_id)
        assert standing is not None
        assert standing.tier == tier, day
    assert [because for _, _, because, _ in await history(world)] == ["reached", "lapsed"]


async def test_judged_by_many_at_once_a_change_is_written_once(world, books, set_policy):
    await world.stock("A", "milk", 9)
    await set_policy(
        "tiers",
        tiers=(
            Tier(code="member", name=Text("会员", "Member")),
            Tier(code="gold", name=Text("金", "Gold"), from_minor=1),
        ),
    )
    receipt = await world.paid(books, world.wish("milk", 1, at="A"))
    await world.ready(receipt)
    await world.hand(receipt)

    async def once():
        async with world.db.begin() as tx:
            return await judge_tiers.judge_one(tx, world.member_id)

    found = await asyncio.gather(*(once() for _ in range(8)))
    assert sorted(map(str, found)) == ["None"] * 7 + ["gold"]
    assert len(await history(world)) == 1


async def test_by_hand_only_what_there_is_for_who_is_a_member(world):
    with pytest.raises(BadInput):
        await is_now(world, "platinum")
    with pytest.raises(NotFound):
        await is_now(world, "gold", member_id=new_id())
    await is_now(world, "gold")
    audited = await world.db.fetchrow("SELECT before, after, reason FROM audit_log WHERE action = 'member.tier'")
    assert (audited["before"]["tier"], audited["after"]["tier"], audited["reason"]) == ("member", "gold", "test")
    assert await history(world) == [("member", "gold", "set", None)]
