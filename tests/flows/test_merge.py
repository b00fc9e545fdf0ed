"""One person who was two members: merged, spent, undone. What both had before is what they have after, less what was
spent, of the account it was taken from."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import subprocess
import sys
from datetime import timedelta

import pytest

from duoline import attribution, loyalty, wallet
from duoline.entry.check import broken
from duoline.flows import judge_tiers, own_tender, pay_points, pay_wallet, top_up
from duoline.flows.merge_members import merge_members
from duoline.flows.unmerge_members import unmerge_members
from duoline.kernel import clock, faults
from duoline.kernel.errors import NotFound, Refusal
from duoline.kernel.ids import new_id
from duoline.members import cards, errors, guests, identities, pairs, sessions, stand
from duoline.members.group import group_of, lock_group
from duoline.members.log_in import log_in
from duoline.members.match import pair
from duoline.members.send_code import code_hash
from duoline.wallet import errors as wallet_errors

from .conftest import World
from .test_points import given, had, pay_rest, spend, told
from .test_returns import bring
from .test_tiers import is_now


class _Undone(Exception):
    """Rolls back what a test looked at."""


PHONE = "+8619900000801"
OTHER_PHONE = "+8619900000802"


async def merge(world: World, other, *, survivor=None, reason: str = "the same face"):
    async with world.db.begin() as tx:
        return await merge_members(
            tx, survivor_id=survivor or world.member_id, other_id=other, reason=reason, actor=world.manager
        )


async def unmerge(world: World, merge_id, *, survivor=None):
    async with world.db.begin() as tx:
        return await unmerge_members(
            tx, survivor_id=survivor or world.member_id, merge_id=merge_id, reason="father and son", actor=world.manager
        )


async def have(world: World, member_id) -> loyalty.Balance:
    return await loyalty.balance_of(world.db, member_id)


async def together(world: World) -> loyalty.Balance:
    return await loyalty.balance_of_group(world.db, await group_of(world.db, world.member_id))


async def numbered(world: World, phone: str, member_id) -> None:
    await world.db.execute("UPDATE members SET phone = $2 WHERE member_id = $1", member_id, phone)
    await world.db.execute("INSERT INTO phone_index (phone, member_id) VALUES ($1, $2)", phone, member_id)


async def enter(world: World, phone: str, token: str, *, guest_id=None):
    """Log in with a code that was sent."""
    code_id, now = new_id(), clock.now()
    await world.db.execute(
        "INSERT INTO login_codes (phone, id, code_hash, created_at, expires_at) VALUES ($1, $2, $3, $4, $5)",
        phone,
        code_id,
        code_hash(phone, "246810", code_id, "s"),
        now,
        now + timedelta(minutes=5),
    )
    async with world.db.begin() as tx:
        return await log_in(tx, phone=phone, code="246810", token=token, secret="s", guest_id=guest_id, locale="zh")


@pytest.fixture
async def other(world: World):
    return await world.new_member()


async def whole(world: World) -> None:
    assert await broken(world.db) == []


# --- stored value ---------------------------------------------------------------------------------------


async def filled(world: World, member_id, principal: int) -> None:
    async with world.db.begin() as tx:
        await top_up.take_cash(
            tx, location_id=world.stores["A"], member_id=member_id, amount_minor=principal, tendered_minor=principal,
            expected_bonus_minor=None, drawer=None, actor=world.clerk,
        )  # fmt: skip


async def stored(world: World, *members) -> list[tuple[int, int]]:
    """Principal and bonus of each wallet by itself."""
    rows = await world.db.fetch("SELECT * FROM wallets WHERE member_id = ANY ($1)", list(members))
    found = {row["member_id"]: (row["principal_minor"], row["bonus_minor"]) for row in rows}
    return [found.get(one, (0, 0)) for one in members]


async def pay_stored(world: World, order_id, minor: int) -> None:
    await own_tender.close_open(world.db, member_id=world.member_id, order_id=order_id)
    async with world.db.begin() as tx:
        await pay_wallet.pay_wallet(
            tx, member_id=world.member_id, order_id=order_id, amount_minor=minor, actor=world.member
        )


async def had_with(world: World, units: int, minor: int):
    """Bought with stored value, and collected."""
    await world.stock("A", "milk", units)
    receipt = await world.place(world.wish("milk", units, at="A"))
    await pay_stored(world, receipt.id, minor)
    await world.ready(receipt)
    await world.hand(receipt)
    return receipt


async def test_wallets_of_a_person_are_spent_as_one_and_come_back_where_they_came_from(world, books, other, set_policy):
    await set_policy("wallet", max_balance_minor=60_000, spend="pro_rata")
    await filled(world, other, 50_000)  # with 5,000 on top
    await filled(world, world.member_id, 20_000)  # with 1,000 on top
    one, two = world.member_id, other
    before = await stored(world, one, two)
    assert before == [(20_000, 1_000), (50_000, 5_000)]
    merge_id = await merge(world, other)
    assert await stored(world, one, two) == before
    assert await wallet.balance_of(world.db, one) == wallet.Shares(70_000, 6_000)
    with pytest.raises(wallet_errors.WalletFull):  # the limit is the person's
        await filled(world, one, 5_000)
    receipt = await had_with(world, 3, 59_700)
    # Principal and bonus in the proportion of what there is, and of each what is oldest first: the other's.
    use = await world.db.fetchrow("SELECT * FROM wallet_uses")
    assert (use["principal_minor"], use["bonus_minor"], use["shared_with"]) == (54_987, 4_713, [two])
    assert await stored(world, one, two) == [(15_013, 1_000), (0, 287)]
    await whole(world)
    await bring(world, receipt.id, milk=1)
    # What comes back is the buyer's own first, no more than it gave; the bonus was all the other's.
    assert await stored(world, one, two) == [(20_000, 1_000), (13_342, 1_858)]
    await unmerge(world, merge_id)
    await whole(world)
    assert await wallet.balance_of(world.db, one) == wallet.Shares(20_000, 1_000)
    assert await wallet.balance_of(world.db, two) == wallet.Shares(13_342, 1_858)
    await bring(world, receipt.id, milk=2)
    assert await stored(world, one, two) == before
    await whole(world)


async def test_the_other_s_order_is_paid_by_both_and_each_is_undone_as_it_was(world, books, other):
    await filled(world, world.member_id, 20_000)
    await filled(world, other, 50_000)
    before = await stored(world, world.member_id, other)
    merge_id = await merge(world, other)
    await unmerge(world, merge_id)
    assert await stored(world, world.member_id, other) == before
    await whole(world)
    await merge(world, other)
    async with world.db.begin() as tx:
        gone = await wallet.pay_out(
            tx, member_id=world.member_id, principal_minor=70_000, reason="moves away", actor=world.manager
        )
    assert gone == wallet.Shares(70_000, 6_000)
    assert await stored(world, world.member_id, other) == [(0, 0), (0, 0)]
    await whole(world)


async def test_a_day_s_limit_is_the_person_s(world, books, other, set_policy):
    await filled(world, world.member_id, 20_000)
    await filled(world, other, 50_000)
    await set_policy("wallet", day_spend_minor=30_000)
    merge_id = await merge(world, other)
    await had_with(world, 1, 19_900)
    assert await wallet.spendable(world.db, world.member_id) == 10_100
    await unmerge(world, merge_id)
    assert await wallet.spendable(world.db, other) == 30_000


async def test_merging_and_undoing_while_both_pay_from_wallets_loses_and_makes_no_cent(world, books, other):
    await filled(world, world.member_id, 20_000)
    await filled(world, other, 50_000)
    await world.stock("A", "milk", 12)
    receipts = [await world.place(world.wish("milk", 1, at="A")) for _ in range(6)]
    for receipt in receipts:
        await own_tender.close_open(world.db, member_id=world.member_id, order_id=receipt.id)

    async def pays(receipt) -> bool:
        try:
            async with world.db.begin() as tx:
                await pay_wallet.pay_wallet(
                    tx, member_id=world.member_id, order_id=receipt.id, amount_minor=10_000, actor=world.member
                )
        except Refusal:
            return False
        return True

    async def back_and_forth() -> None:
        for _ in range(3):
            made = await merge(world, other)
            await asyncio.sleep(0.01)
            await unmerge(world, made)

    done = await asyncio.gather(back_and_forth(), *(pays(one) for one in receipts))
    left = sum(map(sum, await stored(world, world.member_id, other)))
    assert left == 76_000 - 10_000 * sum(map(bool, done[1:]))
    await whole(world)


# --- points -------------------------------------------------------------------------------------------


async def test_points_are_spent_across_both_and_come_back_where_they_came_from(world, books, other):
    await given(world, 100)
    await given(world, 50_000, member_id=other)
    await world.db.execute(  # the other's end first
        "UPDATE point_lots SET expires_at = expires_at - interval '30 days' WHERE member_id = $1", other
    )
    merge_id = await merge(world, other)
    assert (await have(world, world.member_id), await have(world, other)) == (
        loyalty.Balance(0, 100, 0),
        loyalty.Balance(0, 50_000, 0),
    )
    assert await together(world) == loyalty.Balance(0, 50_100, 0)
    await world.stock("A", "milk", 3)
    receipt = await world.place(world.wish("milk", 3, at="A"))
    can = await pay_points.usable(world.db, member_id=world.member_id, order_id=receipt.id)
    assert can.spendable == 50_100
    await spend(world, receipt, 1_000)
    assert await together(world) == loyalty.Balance(0, 49_100, 0)
    assert (await have(world, other)).spendable == 49_000
    assert (await have(world, world.member_id)).spendable == 100
    await whole(world)
    await unmerge(world, merge_id)
    assert (await have(world, other)).spendable == 49_000  # what was spent stays spent
    assert await together(world) == loyalty.Balance(0, 100, 0)
    await pay_rest(world, books, receipt)
    await world.ready(receipt)
    await world.hand(receipt)
    await told(world)
    before = (await have(world, world.member_id)).spendable
    await bring(world, receipt.id, milk=3)
    await told(world)
    assert (await have(world, other)).spendable == 50_000  # it comes back where it came from
    assert (await have(world, world.member_id)).spendable <= before
    await whole(world)


async def test_a_part_that_comes_back_goes_to_the_buyers_own_account_first(world, books, other):
    await given(world, 300)
    await given(world, 300, member_id=other)
    later = "UPDATE point_lots SET expires_at = expires_at + interval '1 day' WHERE member_id = $1"
    await world.db.execute(later, other)
    await merge(world, other)
    await world.stock("A", "milk", 2)
    receipt = await world.place(world.wish("milk", 2, at="A"))
    await spend(world, receipt, 500)
    assert ((await have(world, world.member_id)).spendable, (await have(world, other)).spendable) == (0, 100)
    with pytest.raises(_Undone):
        async with world.db.begin() as tx:
            await back_in_parts(tx, world, receipt, other)
    await whole(world)


async def back_in_parts(tx, world, receipt, other):
    use_id, worth = await tx.fetchrow("SELECT id, worth_minor FROM point_uses WHERE order_id = $1", receipt.id)
    backs = [
        await loyalty.give_back(tx, member_id=world.member_id, use_id=use_id, amount_minor=minor, actor=world.clerk)
        for minor in (worth // 5, worth * 3 // 5, worth // 5)
    ]
    assert backs == [100, 300, 100]
    assert await tx.fetchval("SELECT back_points FROM point_shares WHERE use_id = $1", use_id) == 200
    lots = "SELECT granted FROM point_lots WHERE source = 'refund' AND member_id = $1 ORDER BY id"
    assert [row["granted"] for row in await tx.fetch(lots, world.member_id)] == [100, 200]
    assert [row["granted"] for row in await tx.fetch(lots, other)] == [100, 100]
    raise _Undone


async def test_what_one_account_owes_the_others_points_have_to_cover(world, other, books):
    receipt = await had(world, books, 2)
    earned = (await told(world)).spendable
    await given(world, 1000, member_id=other)
    async with world.db.begin() as tx:
        await loyalty.take_away(tx, member_id=world.member_id, points=earned, actor=world.manager, reason="test")
    await bring(world, receipt.id, milk=2)
    assert await told(world) == loyalty.Balance(0, 0, earned)
    merge_id = await merge(world, other)
    assert await together(world) == loyalty.Balance(0, 1000 - earned, 0)
    with pytest.raises(Refusal, match="nothing-to-take"):
        async with world.db.begin() as tx:
            await loyalty.take_away(
                tx, member_id=world.member_id, points=1001 - earned, actor=world.manager, reason="test"
            )
    async with world.db.begin() as tx:
        await loyalty.take_away(tx, member_id=world.member_id, points=100, actor=world.manager, reason="test")
    await unmerge(world, merge_id)
    assert await have(world, other) == loyalty.Balance(0, 900, 0)
    assert await have(world, world.member_id) == loyalty.Balance(0, 0, earned)
    await whole(world)


async def test_an_order_of_the_others_earns_where_it_was_placed_and_counts_for_the_tier_of_both(world, books, other):
    await world.stock("A", "milk", 6)
    receipt = await world.paid(books, world.wish("milk", 6, at="A"), member_id=other)
    await world.ready(receipt)
    await world.db.execute("UPDATE order_lines SET net_minor = net_minor WHERE order_id = $1", receipt.id)
    await merge(world, other)
    await world.hand(receipt)
    await told(world)
    assert (await have(world, other)).spendable == receipt.total.minor // 100
    assert await have(world, world.member_id) == loyalty.Balance()
    assert await judge_tiers.spent_of(world.db, world.member_id) == receipt.total.minor
    await whole(world)


# --- tiers, coupons, bindings, sessions, cards -----------------------------------------------------------


async def test_the_better_tier_is_the_survivors_and_goes_again(world, other):
    await is_now(world, "gold", member_id=other)
    first = await merge(world, other)
    assert (await stand.standing_of(world.db, world.member_id)).tier == "gold"
    third = await world.new_member()
    await is_now(world, "black", member_id=third)
    second = await merge(world, third)
    assert (await stand.standing_of(world.db, world.member_id)).tier == "black"
    await unmerge(world, first)
    assert (await stand.standing_of(world.db, world.member_id)).tier == "black"  # the third's
    await unmerge(world, second)
    assert (await stand.standing_of(world.db, world.member_id)).tier == "member"
    assert (await stand.standing_of(world.db, other)).tier == "gold"
    await whole(world)


async def test_a_tier_set_by_hand_meanwhile_stays(world, other):
    await is_now(world, "gold", member_id=other)
    merge_id = await merge(world, other)
    await is_now(world, "silver")
    await unmerge(world, merge_id)
    assert (await stand.standing_of(world.db, world.member_id)).tier == "silver"


async def test_log_in_card_and_phone_of_the_other_lead_to_the_survivor_and_back(world, other):
    await numbered(world, PHONE, world.member_id)
    await numbered(world, OTHER_PHONE, other)
    await world.db.execute("INSERT INTO member_codes (code, member_id) VALUES ('PLASTIC-801', $1)", other)
    await world.db.execute("INSERT INTO member_codes (code, member_id) VALUES ('PLASTIC-802', $1)", other)
    before = await enter(world, OTHER_PHONE, "before")
    assert before.member_id == other
    merge_id = await merge(world, other)
    during = await enter(world, OTHER_PHONE, "during")
    assert (during.member_id, during.phone_of, during.is_new) == (world.member_id, other, False)
    for token in ("before", "during"):
        found = await sessions.find(world.db, token)
        assert (found.id, other in found.adopted) == (world.member_id, True)
    assert await guests.member_of_phone(world.db, OTHER_PHONE) == world.member_id
    for number in ("PLASTIC-801", "PLASTIC-802"):
        assert await cards.read_card(world.db, number, secret=b"s") == world.member_id
    await unmerge(world, merge_id)
    for token in ("before", "during"):
        found = await sessions.find(world.db, token)
        assert (found.id, found.adopted) == (other, ())
    assert await guests.member_of_phone(world.db, OTHER_PHONE) == other
    for number in ("PLASTIC-801", "PLASTIC-802"):
        assert await cards.read_card(world.db, number, secret=b"s") == other
    await whole(world)


async def test_who_proves_a_number_that_a_file_gave_to_another_is_a_pair_in_doubt(world, other):
    async with world.db.begin() as tx:
        claim = identities.Identity("phone", PHONE, other, leads=True)
        await identities.add(tx, [claim], source="till", at=clock.now())
    entered = await enter(world, PHONE, "new")
    assert entered.is_new
    [row] = await world.db.fetch("SELECT member_id, other_id, reasons, source FROM member_pairs")
    assert ({row["member_id"], row["other_id"]}, row["reasons"]) == ({entered.member_id, other}, ["shared_phone"])
    again = await enter(world, PHONE, "again")
    assert (again.member_id, again.is_new) == (entered.member_id, False)
    await whole(world)


async def test_guests_of_the_other_come_and_go_with_the_merge(world, other):
    early, late = new_id(), new_id()
    async with world.db.begin() as tx:
        for guest_id in (early, late):
            await guests.record(tx, guest_id=guest_id)
        await guests.adopt(tx, guest_id=early, member_id=other)
    merge_id = await merge(world, other)
    async with world.db.begin() as tx:
        await guests.adopt(tx, guest_id=late, member_id=other)
    rows = "SELECT guest_id FROM adopted_guests WHERE member_id = $1"
    assert {row["guest_id"] for row in await world.db.fetch(rows, world.member_id)} == {other, early, late}
    await whole(world)
    await unmerge(world, merge_id)
    assert await world.db.fetch(rows, world.member_id) == []
    assert {row["guest_id"] for row in await world.db.fetch(rows, other)} == {early, late}


async def test_the_others_binding_holds_for_both_and_is_the_others_again(world, other):
    guide, at = new_id(), clock.now() - timedelta(hours=1)
    await world.db.execute(
        """INSERT INTO bindings (member_id, id, scope, guide_id, store_id, source, rule_version, from_at, flags)
           VALUES ($1, $2, 'guide', $3, $4, 'import', 0, $5, '[]')""",
        other,
        new_id(),
        guide,
        world.stores["A"],
        at,
    )

    async def guide_of(member_id, when=None):
        held = await attribution.binding_as_of(world.db, member_id, attribution.SCOPE, when or clock.now())
        return held.guide_id if held else None

    merge_id = await merge(world, other)
    assert (await guide_of(world.member_id), await guide_of(other)) == (guide, guide)
    assert await guide_of(world.member_id, at) is None  # they were two people then, as far as anybody knew
    during = clock.now()
    await asyncio.sleep(0.01)
    await unmerge(world, merge_id)
    assert (await guide_of(world.member_id), await guide_of(other)) == (None, guide)
    assert await guide_of(world.member_id, during) == guide
    again = await merge(world, other)
    async with world.db.begin() as tx:
        await attribution.unbind(tx, member_id=world.member_id, actor=world.member)
    await unmerge(world, again)
    assert await guide_of(other) is None  # what the person did meanwhile stays
    await whole(world)


# --- pairs in doubt ----------------------------------------------------------------------------------------


async def doubted(world: World, *twos) -> int:
    """Puts pairs into the queue; how many of them are new."""
    async with world.db.begin() as tx:
        doubts = [pair(one, two, 70, ("same_name",)) for one, two in twos]
        return await pairs.raise_doubts(tx, doubts, source="test", rule_version=0)


async def states(world: World) -> dict[frozenset, tuple[str, str]]:
    """Of each pair its state and by which kind of actor it was decided."""
    rows = await world.db.fetch("SELECT member_id, other_id, state, decided_by FROM member_pairs")
    return {frozenset(row[:2]): (row["state"], row["decided_by"].partition(":")[0]) for row in rows}


async def test_no_pair_waits_between_two_who_are_one_person(world, other):
    """However three accounts with a pair between any two of them are merged, a pair of two who are the same waits for
    nobody: neither the one that leads from one merged account to another nor one that is found later."""
    third, stranger = await world.new_member(), await world.new_member()
    ring = [(world.member_id, other), (other, third), (third, world.member_id)]
    assert await doubted(world, *ring, (third, stranger)) == 4
    await merge(world, other)
    assert (await states(world))[frozenset((other, third))] == ("open", "")
    second = await merge(world, third)
    said = await states(world)
    assert said[frozenset((world.member_id, other))] == said[frozenset((world.member_id, third))] == ("same", "staff")
    assert said[frozenset((other, third))] == ("same", "system")
    assert said[frozenset((third, stranger))] == ("open", "")
    # One that is found now is none; one with somebody else is.
    await world.db.execute("DELETE FROM member_pairs WHERE state = 'same'")
    assert await doubted(world, *ring, (other, stranger)) == 1
    # And the merge of who stands for both closes what waits between those who stand behind.
    await merge(world, stranger)
    assert {state for state, _ in (await states(world)).values()} == {"same"}
    await unmerge(world, second)
    assert (await states(world))[frozenset((third, stranger))] == ("open", "")
    await whole(world)


async def test_undoing_asks_again_what_only_closed_itself(world, other):
    third = await world.new_member()
    await doubted(world, (other, third), (world.member_id, third))
    first, _ = await merge(world, other), await merge(world, third)
    await unmerge(world, first)
    said = await states(world)
    assert said == {frozenset((other, third)): ("open", ""), frozenset((world.member_id, third)): ("same", "staff")}
    await merge(world, other)
    assert (await states(world))[frozenset((other, third))] == ("same", "system")
    # What somebody said of two who have become one stays what they said.
    fourth = await world.new_member()
    await doubted(world, (other, fourth))
    async with world.db.begin() as tx:
        await pairs.decide(tx, member_id=other, other_id=fourth, state="different", reason="twins", actor=world.manager)
    await unmerge(world, await merge(world, fourth))
    assert (await states(world))[frozenset((other, fourth))] == ("different", "staff")
    await whole(world)


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))), ids=str)
async def test_a_ring_of_pairs_ends_as_one_star_whichever_is_merged_first(world, order):
    """Three pairs in a ring, each decided in some order and some direction: what is allowed leaves a star."""
    ids = [world.member_id, await world.new_member(), await world.new_member()]
    ring = [(ids[0], ids[1]), (ids[1], ids[2]), (ids[2], ids[0])]
    await doubted(world, *ring)
    for n in order:
        survivor, gone = ring[n]
        with contextlib.suppress(errors.AlreadyMerged, errors.HasOthers):
            await merge(world, gone, survivor=survivor)
    heads = {await world.value("SELECT duo_now($1)", one) for one in ids}
    groups = [await group_of(world.db, head) for head in heads]
    assert sorted(one for group in groups for one in group) == sorted(ids)
    for one, two in ring:
        waits = (await states(world))[frozenset((one, two))][0] == "open"
        same = any({one, two} <= set(group) for group in groups)
        assert waits is not same, (one, two)
    await whole(world)


# --- refusals ---------------------------------------------------------------------------------------------


async def test_no_ring_no_chain_no_guest_and_each_once(world, other):
    third, guest = await world.new_member(), new_id()
    async with world.db.begin() as tx:
        await guests.record(tx, guest_id=guest)
    merge_id = await merge(world, other)
    for survivor, gone, why in (
        (world.member_id, world.member_id, errors.SameMember),
        (world.member_id, guest, NotFound),
        (world.member_id, new_id(), NotFound),
        (other, world.member_id, errors.AlreadyMerged),
        (third, other, errors.AlreadyMerged),
        (other, third, errors.AlreadyMerged),
        (third, world.member_id, errors.HasOthers),
    ):
        with pytest.raises(why):
            await merge(world, gone, survivor=survivor)
    with pytest.raises(NotFound):
        await unmerge(world, merge_id, survivor=other)
    await unmerge(world, merge_id)
    with pytest.raises(errors.MergeUndone):
        await unmerge(world, merge_id)
    audit = "SELECT action, subject FROM audit_log WHERE action LIKE 'member.%merge' ORDER BY at, id"
    seen = [(row["action"], row["subject"]) for row in await world.db.fetch(audit)]
    assert sorted(seen) == sorted(
        (action, str(who)) for action in ("member.merge", "member.unmerge") for who in (world.member_id, other)
    )
    await whole(world)


async def trade(world: World, books) -> None:
    """Somebody who was two members pays with the points and the stored value of both."""
    one, two = await world.new_member(), await world.new_member()
    await given(world, 200, member_id=one)
    await given(world, 300, member_id=two)
    await filled(world, two, 5_000)
    await filled(world, one, 20_000)
    await merge(world, two, survivor=one)
    await world.stock("A", "milk", 1)
    receipt = await world.place(world.wish("milk", 1, at="A"), member_id=one)
    await own_tender.close_open(world.db, member_id=one, order_id=receipt.id)
    async with world.db.begin() as tx:
        await pay_wallet.pay_wallet(tx, member_id=one, order_id=receipt.id, amount_minor=10_000, actor=world.member)
    async with world.db.begin() as tx:
        await pay_points.pay_points(tx, member_id=one, order_id=receipt.id, points=400, actor=world.member)


# --- races -------------------------------------------------------------------------------------------------


async def test_a_into_b_and_b_into_a_at_once_is_one_merge(world):
    for _ in range(8):
        one, two = await world.new_member(), await world.new_member()
        done = await asyncio.gather(
            merge(world, one, survivor=two), merge(world, two, survivor=one), return_exceptions=True
        )
        assert sorted(type(each).__name__ for each in done) == ["AlreadyMerged", "UUID"]
    await whole(world)


async def test_merging_and_undoing_while_both_spend_loses_and_makes_no_point(world, books, other):
    """T29: what both have and what was spent of it is the same before and after, whoever comes first."""
    await given(world, 3_000)
    await given(world, 3_000, member_id=other)
    await world.stock("A", "milk", 8)
    mine = [await world.place(world.wish("milk", at="A")) for _ in range(4)]
    theirs = [await world.place(world.wish("milk", at="A"), member_id=other) for _ in range(4)]

    async def buy(receipt, member_id) -> int:
        for _ in range(10):
            try:
                async with world.db.begin() as tx:
                    await pay_points.pay_points(
                        tx, member_id=member_id, order_id=receipt.id, points=1_500, actor=world.member
                    )
            except errors.MergedMeanwhile:
                continue
            except loyalty.NotEnoughPoints:
                return 0
            except loyalty.PointsNotTaken:
                return 0
            return 1_500
        return 0

    async def waver() -> None:
        for _ in range(6):
            merge_id = await merge(world, other)
            await asyncio.sleep(0.01)
            await unmerge(world, merge_id)

    *spent, _ = await asyncio.gather(
        *(buy(receipt, world.member_id) for receipt in mine), *(buy(receipt, other) for receipt in theirs), waver()
    )
    left = [(await have(world, who)).spendable for who in (world.member_id, other)]
    assert sum(left) + sum(spent) == 6_000
    assert min(left) >= 0
    assert sum(spent) >= 3_000
    # Nothing was taken from the other's account at a moment in which they were two people.
    stray = """SELECT count(*) FROM point_shares s WHERE NOT EXISTS (
                   SELECT FROM member_merges g WHERE g.at <= s.at AND (g.undone_at IS NULL OR g.undone_at >= s.at))"""
    assert await world.value(stray) == 0
    await whole(world)


@pytest.mark.parametrize("way", ["merge", "unmerge"])
async def test_merging_and_undoing_wait_for_whoever_spends(world, other, way):
    merge_id = await merge(world, other) if way == "unmerge" else None
    async with world.db.begin() as tx:
        before = await lock_group(tx, world.member_id)
        later = asyncio.create_task(merge(world, other) if merge_id is None else unmerge(world, merge_id))
        await asyncio.sleep(0.3)
        assert not later.done()
        assert await group_of(tx, world.member_id) == before
    await later
    assert await group_of(world.db, world.member_id) != before


async def test_merging_beside_a_log_in_loses_no_guest(world):
    for n in range(6):
        one, two = await world.new_member(), await world.new_member()
        guest = new_id()
        async with world.db.begin() as tx:
            await guests.record(tx, guest_id=guest)
        phone = f"+861990000081{n}"
        await numbered(world, phone, two)

        async def come(phone=phone, guest=guest, n=n):
            entered = await enter(world, phone, f"token-{n}")
            async with world.db.begin() as tx:
                await guests.adopt(tx, guest_id=guest, member_id=entered.phone_of)

        await asyncio.gather(merge(world, two, survivor=one), come())
        found = await sessions.find(world.db, f"token-{n}")
        assert found.id == one
        assert {two, guest} == set(found.adopted)
    await whole(world)


# --- crashes ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("point", ["merge.before_commit", "unmerge.before_commit"])
async def test_killed_before_the_commit_nothing_has_happened_and_again_it_happens_once(world, access, other, point):
    assert point in faults.points()
    await given(world, 500, member_id=other)
    merge_id = await merge(world, other) if point.startswith("unmerge") else None
    program = f"""
import asyncio, sys
from uuid import UUID
from duoline.flows.merge_members import merge_members
from duoline.flows.unmerge_members import unmerge_members
from duoline.kernel import faults
from duoline.kernel.auth import SYSTEM
from duoline.kernel.db import Database

async def main():
    faults.arm(sys.argv[1])
    db = await Database.connect(sys.argv[2])
    async with db.begin() as tx:
        if {merge_id is None}:
            await merge_members(tx, survivor_id=UUID("{world.member_id}"), other_id=UUID("{other}"), reason="r", actor=SYSTEM)
        else:
            await unmerge_members(tx, survivor_id=UUID("{world.member_id}"), merge_id=UUID("{merge_id}"), reason="r", actor=SYSTEM)
    await db.close()

asyncio.run(main())
"""
    before = await together(world)

    async def run(arm: str) -> int:
        done = await asyncio.to_thread(
            subprocess.run, [sys.executable, "-c", program, arm, access.dsn], env=dict(os.environ), check=False
        )
        return done.returncode

    assert await run(f"{point}:kill") == -9
    assert await together(world) == before
    await whole(world)
    assert await run("") == 0
    assert (await together(world)).spendable == (500 if merge_id is None else 0)
    assert (await have(world, other)).spendable == 500
    await whole(world)
