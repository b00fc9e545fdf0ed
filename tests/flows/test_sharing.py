"""What a shop's owner lets others have, and what a channel has to leave: never more is promised, in any race."""

from __future__ import annotations

import pytest

from duoline import inventory
from duoline.flows import basket as baskets
from duoline.inventory import rules
from duoline.kernel.auth import SYSTEM
from duoline.kernel.ids import new_id
from duoline.stores import directory
from duoline.stores.edit_store import StoreChange, edit_store
from duoline.stores.types import Share
from tests.flows.test_favourites import looked, states, unit
from tests.flows.test_races import ordered, outcomes, sale


async def agree(world, store: str, share: Share) -> None:
    """Headquarters and the owner of a shop agree on its stock."""
    async with world.db.begin() as tx:
        await edit_store(
            tx,
            actor=world.clerk,
            store_id=world.stores[store],
            change=StoreChange(share=share),
            version=None,
            reason="c",
        )
        await inventory.set_terms(tx, location_id=world.stores[store], cap=share.cap, reserve=share.reserve)
    await directory.refresh(world.db)


async def outward(world, store: str) -> int:
    return await world.value(
        "SELECT outward FROM levels WHERE location_id = $1 AND sku_id = $2", world.stores[store], world.skus["milk"]
    )


async def test_a_shop_that_shares_nothing_sends_nothing_and_serves_its_own_customers(world):
    await world.stock("A", "milk", 5)
    await agree(world, "A", Share("none"))
    with pytest.raises(inventory.InsufficientStock):
        await world.place(world.wish("milk"))
    await world.place(world.wish("milk", at="A"), pay_mode="at_store")
    assert await world.level("A", "milk") == (5, 1)
    assert await outward(world, "A") == 0


async def test_up_to_so_many_are_promised_away_at_one_time(world, books):
    await world.stock("A", "milk", 5)
    await agree(world, "A", Share("up_to", 2, fee_minor=300))
    first = await world.paid(books, world.wish("milk", 2))
    assert await outward(world, "A") == 2
    with pytest.raises(inventory.InsufficientStock) as refused:
        await world.place(world.wish("milk"))
    assert refused.value.fields["short"][0]["available"] == 0
    await world.cancel(first)
    assert await outward(world, "A") == 0
    again = await world.place(world.wish("milk", 1))
    fees = await world.db.fetch(
        "SELECT unit_fee_minor FROM fulfilments WHERE order_id = ANY ($1)", [first.id, again.id]
    )
    assert [row["unit_fee_minor"] for row in fees] == [300, 300]


async def test_all_but_a_reserve_may_leave(world):
    await world.stock("A", "milk", 5)
    await agree(world, "A", Share("all_but", 3))
    await world.place(world.wish("milk", 1), world.wish("milk", 1, at="A"))
    with pytest.raises(inventory.InsufficientStock):
        await world.place(world.wish("milk", 1))
    await world.place(world.wish("milk", 3, at="A"), pay_mode="at_store")
    assert await world.level("A", "milk") == (5, 5)


async def test_a_delivery_goes_round_a_shop_that_shares_too_little(world):
    await world.stock("A", "milk", 9)
    await world.stock("B", "milk", 9)
    await agree(world, "A", Share("up_to", 1))
    await agree(world, "B", Share("all_but", 7))
    receipt = await world.place(world.wish("milk", 3))
    assert sorted(job.store_code for job in receipt.fulfilments) == ["A", "B"]
    assert (await outward(world, "A"), await outward(world, "B")) == (1, 2)
    with pytest.raises(inventory.InsufficientStock):
        await world.place(world.wish("milk"))


async def test_a_new_level_has_its_owners_terms(world):
    await agree(world, "A", Share("up_to", 1))
    await world.stock("A", "milk", 5)
    with pytest.raises(inventory.InsufficientStock):
        await world.place(world.wish("milk", 2))


async def test_terms_that_become_narrower_take_nothing_back(world):
    await world.stock("A", "milk", 5)
    receipt = await world.place(world.wish("milk", 3))
    await agree(world, "A", Share("none"))
    assert (await world.order(receipt)).state == "awaiting_payment"
    assert await outward(world, "A") == 3
    with pytest.raises(inventory.InsufficientStock):
        await world.place(world.wish("milk"))


async def test_a_channel_leaves_its_buffer_and_the_counter_does_not(world):
    await world.stock("A", "milk", 3)
    async with world.db.begin() as tx:
        await inventory.set_buffers(
            tx,
            location_id=world.stores["A"],
            sku_id=world.skus["milk"],
            buffers={"mall": 2},
            reason="r",
            actor=world.clerk,
        )
    with pytest.raises(inventory.InsufficientStock):
        await world.place(world.wish("milk", 2, at="A"))
    with pytest.raises(inventory.InsufficientStock):
        await world.place(world.wish("milk", 2))
    await world.place(world.wish("milk", 1, at="A"), pay_mode="at_store")
    look = await baskets.look_at(
        world.look, [world.wish("milk", 2, at="A")], channel="open_api", member_id=None, address=None
    )
    assert look.problems == []
    assert await sale(world, "A", 2) == "sold"


async def test_the_buffer_is_kept_when_orders_come_at_the_same_moment(world):
    """Both see three units; the buffer of two is looked at again under the lock."""
    await world.stock("A", "milk", 3)
    async with world.db.begin() as tx:
        await inventory.set_buffers(
            tx,
            location_id=world.stores["A"],
            sku_id=world.skus["milk"],
            buffers={"mall": 2},
            reason="r",
            actor=world.clerk,
        )
    answers = await outcomes(*(ordered(world, world.wish("milk", at="A")) for _ in range(4)))
    assert answers.count("ordered") == 1


async def test_many_deliveries_at_once_never_pass_the_cap(world):
    await world.stock("A", "milk", 50)
    await agree(world, "A", Share("up_to", 7))
    answers = await outcomes(*(ordered(world, world.wish("milk")) for _ in range(20)))
    assert answers.count("ordered") == 7
    assert await outward(world, "A") == 7


async def test_holds_of_one_batch_share_the_cap(world):
    await world.stock("A", "milk", 5)
    await agree(world, "A", Share("up_to", 2))
    wishes = [
        inventory.Wish(new_id(), 1, "clerk", new_id(), None, SYSTEM.label, "", outward=away)
        for away in (True, True, True, False)
    ]
    async with world.db.begin() as tx:
        answers = await inventory.grant(tx, world.stores["A"], world.skus["milk"], wishes)
    assert [answer.granted for answer in answers] == [True, True, False, True]
    assert answers[2].available == 0


async def test_what_is_rejected_is_not_sent_from_a_shop_that_shares_nothing(world, books):
    await world.stock("A", "milk", 1)
    receipt = await world.paid(books, world.wish("milk"))
    await world.stock("B", "milk", 5)
    await agree(world, "B", Share("none"))
    outcome = await world.reject(receipt, 1)
    assert [each.result for each in outcome] == ["refunded"]
    assert await outward(world, "B") == 0


async def test_shared_is_the_same_formula_in_sql_and_in_python(shared_db):
    cases = [
        (on_hand, held, safety, reserve, cap, away)
        for on_hand in (0, 4)
        for held in (0, 3)
        for safety in (0, 1)
        for reserve in (0, 2)
        for cap in (None, 0, 2)
        for away in (0, 1, 3)
    ]
    rows = await shared_db.fetch(
        """SELECT duo_shared(a, b, c, d, e, f) AS n
           FROM unnest($1::int[], $2::int[], $3::int[], $4::int[], $5::int[], $6::int[]) AS t(a, b, c, d, e, f)""",
        *([case[k] for case in cases] for k in range(6)),
    )
    assert [row["n"] for row in rows] == [
        rules.shared(on_hand=a, held=b, safety=c, reserve=d, cap=e, outward=f) for a, b, c, d, e, f in cases
    ]


def test_terms_in_words_and_in_numbers():
    assert [(share.cap, share.reserve) for share in (Share(), Share("none"), Share("up_to", 4), Share("all_but", 4))] == [
        (None, 0), (0, 0), (4, 0), (None, 4),
    ]  # fmt: skip


@pytest.mark.parametrize("share", [Share("none"), Share("all_but", 1)], ids=["none", "all_but"])
async def test_a_unit_kept_for_a_member_is_sent_only_if_its_owner_lets_it_leave(world, share):
    """Collected it may be, whatever the contract: that is the shop's own sale."""
    await world.stock("A", "bottle", 1)
    await world.stock("DC", "bottle", 1)
    await agree(world, "A", share)
    await unit(world, "bottle")
    assert (await looked(world, world.wish("bottle"))).totals.delivery_fee_minor == 800
    sent = await world.place(world.wish("bottle"))
    assert [job.store_code for job in sent.fulfilments] == ["DC"]
    assert await states(world) == [("open", False)]
    await world.place(world.wish("bottle", at="A"), pay_mode="at_store")
    assert await states(world) == [("released", True)]


async def test_a_unit_kept_for_a_member_counts_towards_what_leaves_once_it_is_sent(world):
    await world.stock("A", "milk", 3)
    await agree(world, "A", Share("up_to", 1, fee_minor=300))
    await unit(world)
    assert await outward(world, "A") == 0
    receipt = await world.place(world.wish("milk"))
    assert (receipt.delivery_fee.minor, await outward(world, "A")) == (0, 1)
    with pytest.raises(inventory.InsufficientStock):
        await world.place(world.wish("milk"))


async def test_what_a_channel_has_to_leave_does_not_touch_what_is_kept(world):
    await world.stock("A", "milk", 2)
    await unit(world)
    await world.db.execute("UPDATE levels SET buffers = jsonb_build_object('mall', 2)")
    await world.place(world.wish("milk", at="A"), pay_mode="at_store")
    with pytest.raises(inventory.InsufficientStock):
        await world.place(world.wish("milk", at="A"), pay_mode="at_store")
