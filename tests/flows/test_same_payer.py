"""Nobody is paid for what they paid themselves: an order whose payer's account is the payee's too (T61).

A payer is one account at a provider. Who pays a friend's order with the account that pays their own is flagged: that is
the rule, also for families who share one.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

import msgspec
import pytest

from duoline import settlement
from duoline.attribution import Owner
from duoline.flows import own_tender, pay, pay_wallet, top_up
from duoline.flows.draft import Receipt
from duoline.flows.merge_members import merge_members
from duoline.flows.till_orders import Part
from duoline.kernel import clock
from duoline.kernel.auth import SYSTEM, Actor
from duoline.kernel.errors import Fault
from duoline.kernel.ids import new_id
from duoline.payments import payers
from duoline.payments.provider import EventKind, PaymentEvent
from tests.flows import test_till_orders as till
from tests.flows.conftest import NOON
from tests.flows.test_credit import GUIDE, MILK, bought_by_link, brought_by, people, shared_by, told

if TYPE_CHECKING:
    from collections.abc import Iterator
    from uuid import UUID

    from tests.flows.conftest import Books, World


@pytest.fixture(autouse=True)
def noon() -> Iterator[None]:
    with clock.frozen(NOON):
        yield


@pytest.fixture(autouse=True)
async def guide(noon: None, world: World) -> None:
    await people(world)


FRIENDS_PHONE = "+8613900000079"


async def bought_by(world: World, books: Books, member_id: UUID, payer: str | None) -> Receipt:
    """Something that a member bought for themselves, paid by an account."""
    await world.stock("A", "milk", 1)
    receipt = await world.place(world.wish("milk", 1, at="A"), member_id=member_id)
    await world.pay(books, receipt, payer=payer)
    return receipt


async def flag_of(world: World, role: str, order_id: UUID) -> tuple[str | None, int]:
    """Why a role of an order pays nothing, and what it pays."""
    row = await world.db.fetchrow(
        "SELECT flag, earned_minor FROM accruals WHERE role = $1 AND order_id = $2", role, order_id
    )
    assert row is not None
    return tuple(row)


def notice(ref: str, minor: int, payer: str | None) -> PaymentEvent:
    return PaymentEvent(
        event_id=f"evt_{ref}", kind=EventKind.PAYMENT_PAID, ref=ref, refund_ref=None, amount_minor=minor,
        currency="CNY", occurred_at=clock.now(), payer=payer,
    )  # fmt: skip


async def filled(world: World, member_id: UUID, payer: str | None) -> None:
    """A wallet with the price of one article in it, paid by an account."""
    actor = Actor("member", member_id)
    async with world.db.begin() as tx:
        asked = await top_up.begin(
            tx, member_id=member_id, amount_minor=MILK, expected_bonus_minor=None, store_id=None, actor=actor
        )
    await top_up.receive(world.db, "sandbox", notice(str(asked.id), MILK, payer))


async def by_wallet(world: World, receipt: Receipt, member_id: UUID) -> None:
    await own_tender.close_open(world.db, member_id=member_id, order_id=receipt.id)
    async with world.db.begin() as tx:
        left = await pay_wallet.pay_wallet(
            tx, member_id=member_id, order_id=receipt.id, amount_minor=MILK, actor=Actor("member", member_id)
        )
    assert left == 0


async def known_as(world: World, staff_id: UUID, phone: str) -> UUID:
    """The member who somebody of the staff is, by their number."""
    member_id = await world.new_member()
    await world.db.execute("UPDATE members SET phone = $2 WHERE member_id = $1", member_id, phone)
    await world.db.execute("INSERT INTO phone_index (phone, member_id) VALUES ($1, $2)", phone, member_id)
    await world.db.execute(
        """INSERT INTO staff (id, login, name, password_hash, phone, created_at, updated_at)
           VALUES ($1, 'known', '', '', $2, $3, $3) ON CONFLICT (id) DO UPDATE SET phone = excluded.phone""",
        staff_id,
        phone,
        clock.now(),
    )
    return member_id


@pytest.mark.parametrize(("hers", "his", "flag"), [
    ("wx-1", "wx-1", "payer"), ("wx-1", "wx-2", None), (None, "wx-1", None), ("wx-1", None, None), (None, None, None),
])  # fmt: skip
async def test_who_paid_for_the_order_is_not_paid_for_it(world, books, hers, his, flag):
    friend = await world.new_member()
    await bought_by(world, books, friend, hers)
    receipt = await bought_by_link(world, books, Owner("member", friend), world.member_id, payer=his)
    await told(world)
    assert await flag_of(world, "referrer", receipt.id) == (flag, 0 if flag else 597)
    # Who is not paid for somebody is not written down as having brought them.
    assert await world.value("SELECT count(*) FROM referrals WHERE payee_id = $1", friend) == (0 if flag else 1)


@pytest.mark.parametrize("paid_as", ["other", "survivor", "guest"])
async def test_an_account_is_known_by_whatever_its_owner_was(world, books, paid_as):
    friend, other = await world.new_member(), await world.new_member()
    if paid_as == "guest":
        guest = await world.new_member()
        await world.db.execute("UPDATE members SET kind = 'guest', tier = '' WHERE member_id = $1", guest)
        await bought_by(world, books, guest, "wx-1")
        await world.db.execute("INSERT INTO adopted_guests VALUES ($1, $2, $3)", friend, guest, clock.now())
    else:
        await bought_by(world, books, friend if paid_as == "survivor" else other, "wx-1")
        async with world.db.begin() as tx:
            await merge_members(tx, survivor_id=friend, other_id=other, reason="one", actor=SYSTEM)
    link = Owner("member", other if paid_as == "survivor" else friend)
    receipt = await bought_by_link(world, books, link, world.member_id, payer="wx-1")
    await told(world)
    assert await flag_of(world, "referrer", receipt.id) == ("payer", 0)


async def test_the_second_level_is_not_paid_by_its_own_account_either(world, books, set_policy):
    async with world.db.begin() as tx:
        await settlement.sign_off(tx, document="board 12/2026", reason="r", actor=world.manager)
    await set_policy("commission", levels=2, second_bp=100)
    friend, hers = await world.new_member(), await world.new_member()
    await brought_by(world, hers, friend)
    await bought_by(world, books, hers, "wx-1")
    receipt = await bought_by_link(world, books, Owner("member", friend), world.member_id, payer="wx-1")
    await told(world)
    assert await flag_of(world, "referrer", receipt.id) == (None, 597)
    assert await flag_of(world, "second", receipt.id) == ("payer", 0)


@pytest.mark.parametrize(("guides", "flag"), [("wx-1", "payer"), ("wx-2", None)])
async def test_staff_are_known_by_what_they_pay_for_as_members(world, books, guides, flag):
    """As the guide of the buyer, and by their link."""
    await bought_by(world, books, await known_as(world, GUIDE, "+8613900000070"), guides)
    plain = await bought_by(world, books, world.member_id, "wx-1")
    by_link = await bought_by_link(world, books, Owner("staff", GUIDE), world.member_id, payer="wx-1")
    await told(world)
    assert await flag_of(world, "guide", plain.id) == (flag, 0 if flag else 398)
    assert await flag_of(world, "referrer", by_link.id) == (flag, 0 if flag else 597)


async def test_one_part_of_several_is_enough_and_a_seller_is_not_paid_either(world, books):
    """At a till: cash and two codes, one of them shown by the account of whoever rings it up."""
    await bought_by(world, books, await known_as(world, world.clerk.id, FRIENDS_PHONE), "wx-1")
    books.phones = {"130000000000000001": "wx-2", "130000000000000002": "wx-1"}
    flags = []
    for codes in (["130000000000000001"], ["130000000000000001", "130000000000000002"]):
        books.codes_used.clear()
        each = (MILK - 9_900) // len(codes)
        sale = await till.rung_up(world, *(Part("code", each) for _ in codes), Part("cash", 9_900), units=1)
        for code in codes:
            await till.charge(world, sale, await till.code_part(world, sale), code)
        await till.complete(world, sale, 9_900)
        await told(world)
        flags.append([(await flag_of(world, role, sale.order_id))[0] for role in ("seller", "guide")])
    assert flags == [[None, None], ["payer", None]]


async def test_who_fills_a_wallet_pays_for_what_it_pays(world, books):
    """A friend's account fills the buyer's wallet, which pays: the friend is not paid. Nor whoever's own wallet was
    filled by the account that pays the order."""
    friend = await world.new_member()
    await bought_by(world, books, friend, "wx-1")
    await filled(world, world.member_id, "wx-1")
    touch = await shared_by(world, Owner("member", friend), world.member_id)
    await world.stock("A", "milk", 1)
    request = world.request(world.wish("milk", 1, at="A"))
    by_friend = msgspec.json.decode((await world.placing.place(request._replace(touch=touch))).body, type=Receipt)
    await by_wallet(world, by_friend, world.member_id)
    # What this buyer pays otherwise is their own.
    own = await bought_by_link(world, books, Owner("member", friend), world.member_id, payer="wx-6")
    sharer, buyer = await world.new_member(), await world.new_member()
    await filled(world, sharer, "wx-5")
    by_sharer = await bought_by_link(world, books, Owner("member", sharer), buyer, payer="wx-5")
    await told(world)
    assert await flag_of(world, "referrer", by_friend.id) == ("payer", 0)
    assert await flag_of(world, "referrer", own.id) == (None, 597)
    assert await flag_of(world, "referrer", by_sharer.id) == ("payer", 0)


async def test_the_flag_is_frozen_when_it_is_paid(world, books):
    friend = await world.new_member()
    before = await bought_by_link(world, books, Owner("member", friend), world.member_id, payer="wx-1")
    await told(world)
    await bought_by(world, books, friend, "wx-1")
    after = await bought_by_link(world, books, Owner("member", friend), world.member_id, payer="wx-1")
    await told(world)
    await world.db.execute("UPDATE captures SET payer_key = NULL")
    await world.ready(after)
    await world.hand(after)
    await told(world)
    assert await flag_of(world, "referrer", before.id) == (None, 597)
    assert await flag_of(world, "referrer", after.id) == ("payer", 0)


async def test_an_account_is_kept_as_a_keyed_digest_only(world, books):
    """By a state, by a notice, by a top-up: no table has the account, nor what anybody could make of it."""
    account = "openid-of-wang-fang"
    await bought_by(world, books, world.member_id, account)
    await world.stock("A", "milk", 1)
    second = await world.place(world.wish("milk", 1, at="A"))
    row = await world.db.fetchrow("SELECT ref, amount_minor FROM payment_intents WHERE order_id = $1", second.id)
    await pay.receive(world.db, "sandbox", notice(row["ref"], row["amount_minor"], account))
    await filled(world, world.member_id, account)
    assert await world.value("SELECT count(*) FROM provider_events") == 2
    keys = await world.db.fetch("SELECT payer_key FROM captures UNION ALL SELECT payer_key FROM wallet_top_ups")
    assert [row["payer_key"] for row in keys] == [payers.key_of("sandbox", account)] * 3
    assert payers.key_of("alipay", account) != payers.key_of("sandbox", account)
    tables = await world.db.fetch(
        """SELECT c.oid::regclass::text AS name FROM pg_class c
           WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace"""
    )
    assert len(tables) > 100
    plain = {f"%{text}%" for text in (account, hashlib.sha256(account.encode()).hexdigest())}
    for table in tables:
        found = await world.value(f"SELECT count(*) FROM {table['name']} t WHERE t::text LIKE ANY ($1)", plain)
        assert found == 0, table["name"]


def test_a_payer_without_a_secret_is_a_fault():
    kept = list(payers._secrets)
    payers._secrets.clear()
    try:
        assert payers.key_of("sandbox", None) is None
        with pytest.raises(Fault):
            payers.key_of("sandbox", "wx-1")
    finally:
        payers._secrets[:] = kept


async def test_the_look_up_of_a_payer_is_by_index(world, books):
    """Of a member with many payments, and of an account that paid for many members."""
    friend = await world.new_member()
    await world.db.execute(
        """WITH made AS (
               INSERT INTO payment_intents (member_id, id, order_id, provider, ref, amount_minor, currency, state, created_at)
               SELECT CASE WHEN n % 2 = 0 THEN $1 ELSE gen_random_uuid() END, gen_random_uuid(), gen_random_uuid(),
                      'sandbox', n::text, 1, 'CNY', 'captured', $2
               FROM generate_series(1, 20000) n RETURNING member_id, id, order_id, ref)
           INSERT INTO captures (member_id, id, intent_id, order_id, tender, amount_minor, currency, payer_key, at, actor)
           SELECT member_id, gen_random_uuid(), id, order_id, 'sandbox', 1, 'CNY',
                  sha256(CASE WHEN ref::int % 2 = 0 THEN ref ELSE '' END::bytea), $2, 'system' FROM made""",
        friend,
        clock.now(),
    )
    await world.db.execute("ANALYZE captures")
    for key in (hashlib.sha256(b"").digest(), hashlib.sha256(b"2").digest()):
        plan = await world.value(
            "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON)" + payers.PAID_FOR, [friend, new_id()], [key, b"x" * 32]
        )
        top = json.loads(str(plan))[0]["Plan"]
        (scan,) = top["Plans"]
        assert (scan["Node Type"], scan["Index Name"]) == ("Index Only Scan", "captures_payer_ix"), scan
        assert top["Shared Hit Blocks"] + top["Shared Read Blocks"] < 30, top
    await world.db.execute("DELETE FROM captures WHERE order_id NOT IN (SELECT id FROM orders)")
    await world.db.execute("DELETE FROM payment_intents WHERE order_id NOT IN (SELECT id FROM orders)")
