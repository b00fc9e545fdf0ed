"""Binding under locks: two who want one member at the same instant, guides who leave, the end of it, and what is told once."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

import msgspec
import pytest

from duoline import attribution
from duoline.attribution import Way, touches
from duoline.attribution import keep_bindings as keeping
from duoline.attribution.invariants import INVARIANTS
from duoline.kernel import clock, policies
from duoline.kernel.auth import SYSTEM, Actor
from duoline.kernel.errors import NotFound, Refusal
from duoline.kernel.ids import new_id
from duoline.kernel.outbox import Event
from duoline.kernel.text import Text
from duoline.stores import directory
from tests.attribution.conftest import add_member, add_store

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from duoline.attribution import Touchpoint
    from duoline.kernel.db import Database, Tx
    from duoline.stores.directory import Chain

NOON = datetime(2026, 11, 18, 4, 0, tzinfo=UTC)
SCAN = Way("scan")


class Shop(NamedTuple):
    """A shop with two guides, and a member."""

    db: Database
    chain: Chain
    store: UUID
    ann: UUID
    bob: UUID
    member: UUID


async def add_guide(tx: Tx, login: str, store: UUID, phone: str | None = None) -> UUID:
    staff, now = new_id(), clock.now()
    await tx.execute(
        """INSERT INTO staff (id, login, name, password_hash, phone, created_at, updated_at)
           VALUES ($1, $2, $2, '-', $3, $4, $4)""",
        staff, login, phone, now,
    )  # fmt: skip
    await tx.execute(
        "INSERT INTO staff_grants (staff_id, role, unit_kind, unit_id, created_at) VALUES ($1, 'clerk', 'store', $2, $3)",
        staff, store, now,
    )  # fmt: skip
    return staff


@pytest.fixture
async def shop(db: Database) -> AsyncIterator[Shop]:
    with clock.frozen(NOON):
        async with db.begin() as tx:
            store = await add_store(tx)
            ann, bob = await add_guide(tx, "ann", store, "+8613800000001"), await add_guide(tx, "bob", store)
            member = await add_member(tx, phone="+8613900000001")
        yield Shop(db, await directory.refresh(db), store, ann, bob, member)
        for name, _, sql in INVARIANTS:
            assert await db.fetch(sql) == [], name


@pytest.fixture
async def set_policy(db: Database) -> AsyncIterator[Any]:
    """A version of the policy `binding` that ends with the test."""

    async def change(**fields: Any) -> int:
        async with db.begin() as tx:
            body = msgspec.structs.replace(attribution.BINDING.current().body, **fields)
            await policies.set_version(tx, actor=SYSTEM, kind="binding", body=body, reason="test")
        await policies.refresh(db)
        return attribution.BINDING.current().version

    yield change
    policies._versions.clear()


async def bind(shop: Shop, guide_id: UUID, *, member: UUID | None = None, at: datetime = NOON, way: Way = SCAN):
    with clock.frozen(at):
        async with shop.db.begin() as tx:
            guide = await attribution.guide_at(tx, guide_id, shop.store, shop.chain)
            who = member or shop.member
            return await attribution.bind(tx, member_id=who, guide=guide, way=way, actor=Actor("member", who))


async def dispute(shop: Shop, guide_id: UUID, *, member: UUID | None = None) -> UUID:
    async with shop.db.begin() as tx:
        guide = await attribution.guide_at(tx, guide_id, shop.store, shop.chain)
        who = member or shop.member
        return await attribution.raise_dispute(tx, member_id=who, guide=guide, reason="先接待", actor=SYSTEM)


async def move(shop: Shop, dispute_id: UUID, guide_id: UUID, *, member: UUID | None = None) -> None:
    async with shop.db.begin() as tx:
        guide = await attribution.guide_at(tx, guide_id, shop.store, shop.chain)
        await attribution.decide_dispute(
            tx,
            member_id=member or shop.member,
            dispute_id=dispute_id,
            decision="moves",
            guide=guide,
            reason="属实",
            actor=SYSTEM,
        )


async def told(shop: Shop, topic: str = "attribution.bound") -> int:
    return int(await shop.db.fetchval("SELECT count(*) FROM member_outbox WHERE topic = $1", topic))


async def held_by(shop: Shop, at: datetime = NOON, member: UUID | None = None) -> UUID | None:
    found = await attribution.binding_as_of(shop.db, member or shop.member, attribution.SCOPE, at)
    return found.guide_id if found else None


async def test_two_guides_at_the_same_instant_are_one_binding(shop: Shop):
    done = await asyncio.gather(*(bind(shop, each) for each in [shop.ann, shop.bob] * 4), return_exceptions=True)
    refused = [one for one in done if isinstance(one, BaseException)]
    assert all(isinstance(one, attribution.BoundElsewhere) for one in refused), done
    assert len(refused) == 4
    assert await shop.db.fetchval("SELECT count(*) FROM bindings") == 1
    assert await told(shop) == 1


async def test_bound_twice_is_bound_once_and_told_once(shop: Shop):
    first, again = await bind(shop, shop.ann), await bind(shop, shop.ann)
    assert (first.new, again.new, first.binding.id) == (True, False, again.binding.id)
    assert await told(shop) == 1


async def test_after_the_protection_another_guide_may_and_the_past_stays_as_it_was(shop: Shop):
    await bind(shop, shop.ann)
    with pytest.raises(attribution.BoundElsewhere) as refused:
        await bind(shop, shop.bob, at=NOON + timedelta(days=89))
    assert refused.value.fields["until"] == NOON + timedelta(days=90)
    later = NOON + timedelta(days=90)
    await bind(shop, shop.bob, at=later)
    assert [await held_by(shop, at) for at in (NOON, later - timedelta(seconds=1), later)] == [
        shop.ann, shop.ann, shop.bob,
    ]  # fmt: skip
    assert await held_by(shop, NOON - timedelta(seconds=1)) is None
    assert await told(shop) == 2


async def test_nobody_is_their_own_guide(shop: Shop):
    async with shop.db.begin() as tx:
        own = await add_member(tx, phone="+8613800000001")
    with pytest.raises(attribution.OwnPhone):
        await bind(shop, shop.ann, member=own)
    await bind(shop, shop.bob, member=own)
    # Nor by way of a colleague, or of the office.
    async with shop.db.begin() as tx:
        guide = await attribution.guide_at(tx, shop.ann, shop.store, shop.chain)
        moved = await attribution.hand_to(
            tx, member_ids=[own], store_id=shop.store, guide=guide, reason="x", actor=SYSTEM
        )
        assert moved == 0
    dispute_id = await dispute(shop, shop.ann, member=own)
    with pytest.raises(attribution.OwnPhone):
        await move(shop, dispute_id, shop.ann, member=own)
    assert await held_by(shop, member=own) == shop.bob


async def test_one_browser_for_many_members_and_the_guide_s_own_are_marked(shop: Shop):
    phone, counter = new_id(), new_id()
    async with shop.db.begin() as tx:
        other = await add_member(tx)
    first = await bind(shop, shop.ann, way=Way("scan", device_id=counter, shown_in=counter))
    second = await bind(shop, shop.ann, member=other, way=Way("scan", device_id=counter, shown_in=phone))
    assert (first.binding.flags, second.binding.flags) == (["guides_device"], ["shared_device"])


async def test_every_browser_that_a_guide_showed_their_code_in_is_theirs_for_ninety_days(shop: Shop):
    phone, *others = [new_id() for _ in range(25)]

    async def shows(device: UUID, at: datetime) -> Touchpoint:
        with clock.frozen(at):
            async with shop.db.begin() as tx:
                guide = await attribution.guide_at(tx, shop.ann, shop.store, shop.chain)
                return await attribution.code_of(tx, guide, shop=Text("甲", "A"), device_id=device, actor=SYSTEM)

    async def flags_in(device: UUID, at: datetime) -> list[str]:
        with clock.frozen(at):
            async with shop.db.begin() as tx:
                other = await add_member(tx)
            way = Way("scan", device_id=device)
            return (await bind(shop, shop.ann, member=other, at=at, way=way)).binding.flags

    await shows(phone, NOON)
    code = await shows(others[0], NOON + timedelta(minutes=1))
    for device, flags in ((phone, ["guides_device"]), (others[0], ["guides_device"]), (new_id(), [])):
        assert await flags_in(device, NOON + timedelta(minutes=2)) == flags
    with clock.frozen(NOON + timedelta(minutes=3)):
        async with shop.db.begin() as tx:
            await attribution.scan(
                tx, code, via="link", device_id=phone, member_id=shop.member, timezone="Asia/Shanghai"
            )
        assert await shop.db.fetchval("SELECT own_device FROM touches WHERE member_id = $1", shop.member)
    assert "guides_device" not in await flags_in(phone, NOON + timedelta(days=91))
    for n, device in enumerate(others):
        await shows(device, NOON + timedelta(hours=1, minutes=n))
    kept = {row["device_id"] for row in await shop.db.fetch("SELECT device_id FROM guide_devices")}
    assert kept == set(others[-20:])
    with clock.frozen(NOON + timedelta(days=92)):
        await touches.forget_old(shop.db)
    assert await shop.db.fetchval("SELECT count(*) FROM guide_devices") == 0


async def test_ended_by_the_member_another_may_come_at_once_and_it_is_marked(shop: Shop):
    await bind(shop, shop.ann)
    with clock.frozen(NOON + timedelta(hours=1)):
        async with shop.db.begin() as tx:
            await attribution.unbind(tx, member_id=shop.member, actor=SYSTEM)
        with pytest.raises(NotFound):
            async with shop.db.begin() as tx:
                await attribution.unbind(tx, member_id=shop.member, actor=SYSTEM)
    again = await bind(shop, shop.bob, at=NOON + timedelta(hours=2))
    assert again.binding.flags == ["swapped"]
    assert await held_by(shop, NOON + timedelta(minutes=90)) is None


async def test_without_a_purchase_it_runs_out_and_with_one_it_does_not(shop: Shop):
    await bind(shop, shop.ann)
    async with shop.db.begin() as tx:
        other = await add_member(tx)
    await bind(shop, shop.ann, member=other)
    bought = NOON + timedelta(days=200)
    async with shop.db.begin() as tx:
        event = Event(1, "orders.placed", "x", {}, shop.member, (), bought)
        await keeping.bought(tx, event)
        # One that comes when it has run out already does not bring it back.
        await keeping.bought(tx, Event(2, "orders.placed", "x", {}, other, (), NOON + timedelta(days=400)))
    at = NOON + timedelta(days=366)
    assert (await held_by(shop, at), await held_by(shop, at, other)) == (shop.ann, None)
    with clock.frozen(at):
        assert await keeping.end_expired(shop.db) == 1
        assert await keeping.end_expired(shop.db) == 0
    row = await shop.db.fetchrow("SELECT until_at, ended_because FROM bindings WHERE member_id = $1", other)
    assert row is not None
    assert tuple(row) == (NOON + timedelta(days=365), "expired")
    # Somebody else binds whose binding ran out and was not written down yet: it ended when it ran out.
    await bind(shop, shop.bob, at=NOON + timedelta(days=700))
    assert await held_by(shop, NOON + timedelta(days=564)) == shop.ann
    assert await held_by(shop, NOON + timedelta(days=566)) is None


async def test_who_leaves_has_their_members_passed_to_the_shop(shop: Shop):
    await bind(shop, shop.ann)
    async with shop.db.begin() as tx:
        other = await add_member(tx)
    await bind(shop, shop.bob, member=other)
    await shop.db.execute("UPDATE staff SET state = 'left' WHERE id = $1", shop.ann)
    for _ in range(2):
        await keeping.pass_members_on(shop.db, keeping.Gone(shop.ann))
        await keeping.pass_members_on(shop.db, keeping.Gone(shop.bob))
    rows = await shop.db.fetch("SELECT guide_id, source FROM bindings WHERE until_at IS NULL ORDER BY source")
    assert [tuple(row) for row in rows] == [(shop.bob, "scan"), (None, "transfer")]
    with pytest.raises(attribution.GuideGone):
        await bind(shop, shop.ann, at=NOON + timedelta(minutes=1))
    assert (await told(shop), await told(shop, "attribution.moved")) == (2, 1)
    # The shop's own member goes to whom they confirm, at once.
    assert (await bind(shop, shop.bob, at=NOON + timedelta(minutes=2))).new


@pytest.mark.parametrize(
    ("leaver", "colleagues", "heir"),
    [
        ("shop", "", None),
        ("manager", "", "boss"),
        ("colleague", "S2:bob S1:bob", "bob"),
        ("colleague", "S2:bob", None),  # nobody is named there
        ("colleague", "S1:eve", None),  # works elsewhere
        ("colleague", "S1:ann", None),  # the one who leaves
        ("nobody", "", "ended"),
    ],
)
async def test_members_of_who_leaves_go_where_the_policy_says(
    shop: Shop, set_policy: Any, leaver: str, colleagues: str, heir: str | None
):
    await bind(shop, shop.ann)
    async with shop.db.begin() as tx:
        boss = await add_guide(tx, "boss", shop.store)
        await tx.execute("UPDATE staff_grants SET role = 'store' WHERE staff_id = $1", boss)
        await add_guide(tx, "eve", await add_store(tx, "S2"))
    version = await set_policy(leaver=leaver, colleagues=colleagues)
    await shop.db.execute("UPDATE staff SET state = 'left' WHERE id = $1", shop.ann)
    for _ in range(2):
        await keeping.pass_members_on(shop.db, keeping.Gone(shop.ann))
    rows = await shop.db.fetch(
        "SELECT s.login, b.rule_version FROM bindings b LEFT JOIN staff s ON s.id = b.guide_id WHERE b.until_at IS NULL"
    )
    old = await shop.db.fetchval("SELECT ended_because FROM bindings WHERE guide_id = $1", shop.ann)
    if heir == "ended":
        assert (rows, old) == ([], "guide_left")
        assert (await told(shop, "attribution.unbound"), await told(shop, "attribution.moved")) == (1, 0)
    else:
        assert ([tuple(row) for row in rows], old) == ([(heir, version)], "guide_left")
        assert await told(shop, "attribution.moved") == 1


@pytest.mark.parametrize(("named", "heir"), [("bob", "bob"), (None, None), ("eve", "bob"), ("ann", "bob")])
async def test_who_was_named_takes_over_else_whom_the_policy_says(
    shop: Shop, set_policy: Any, named: str | None, heir: str | None
):
    """Also where members would be left to nobody; who was named and has no place in the shop is passed over."""
    await bind(shop, shop.ann)
    async with shop.db.begin() as tx:
        eve = await add_guide(tx, "eve", await add_store(tx, "S2"))
    people = {"bob": shop.bob, "eve": eve, "ann": shop.ann, None: None}
    await set_policy(leaver="colleague" if named in ("eve", "ann") else "nobody", colleagues="S1:bob")
    await shop.db.execute("UPDATE staff SET state = 'left' WHERE id = $1", shop.ann)
    for _ in range(2):
        await keeping.pass_members_on(shop.db, keeping.Gone(shop.ann, {shop.store: people[named]}))
    rows = await shop.db.fetch(
        "SELECT guide_id, until_at IS NULL AS open, ended_because FROM bindings ORDER BY from_at, id"
    )
    assert [tuple(row) for row in rows] == [(shop.ann, False, "guide_left"), (people[heir], True, None)]


async def test_a_member_is_never_given_to_themselves(shop: Shop, set_policy: Any):
    await bind(shop, shop.ann)
    await shop.db.execute("UPDATE staff SET phone = '+8613900000001' WHERE id = $1", shop.bob)
    await set_policy(leaver="colleague", colleagues="S1:bob")
    await shop.db.execute("UPDATE staff SET state = 'left' WHERE id = $1", shop.ann)
    await keeping.pass_members_on(shop.db, keeping.Gone(shop.ann))
    assert await shop.db.fetchval("SELECT guide_id FROM bindings WHERE until_at IS NULL") is None


async def test_bound_while_the_guide_leaves_they_are_seen_or_refused(shop: Shop):
    """Leaving waits for who is being bound; whoever comes after is refused. Nobody stays with a guide who has left."""
    async with shop.db.begin() as tx:
        members = [await add_member(tx) for _ in range(12)]

    async def leave() -> None:
        await shop.db.execute("UPDATE staff SET state = 'left' WHERE id = $1", shop.ann)
        await keeping.pass_members_on(shop.db, keeping.Gone(shop.ann))

    done = await asyncio.gather(
        *(bind(shop, shop.ann, member=each) for each in members[:6]),
        leave(),
        *(bind(shop, shop.ann, member=each) for each in members[6:]),
        return_exceptions=True,
    )
    assert all(
        one is None or not isinstance(one, BaseException) or isinstance(one, attribution.GuideGone) for one in done
    )
    assert (
        await shop.db.fetchval("SELECT count(*) FROM bindings WHERE guide_id = $1 AND until_at IS NULL", shop.ann) == 0
    )


async def test_bound_and_passed_on_at_once_is_one_or_the_other(shop: Shop):
    await bind(shop, shop.ann)

    async def hand() -> int:
        async with shop.db.begin() as tx:
            guide = await attribution.guide_at(tx, shop.bob, shop.store, shop.chain)
            return await attribution.hand_to(
                tx, member_ids=[shop.member], store_id=shop.store, guide=guide, reason="x", actor=SYSTEM
            )

    async def end() -> None:
        async with shop.db.begin() as tx:
            await attribution.unbind(tx, member_id=shop.member, actor=SYSTEM)

    for _ in range(3):
        done = await asyncio.gather(
            hand(), bind(shop, shop.ann), end(), hand(), bind(shop, shop.bob), return_exceptions=True
        )
        assert all(not isinstance(one, BaseException) or isinstance(one, Refusal) for one in done), done
        assert await shop.db.fetchval("SELECT count(*) FROM bindings WHERE until_at IS NULL") <= 1


async def test_a_dispute_is_decided_once_and_both_sides_stay_in_the_history(shop: Shop):
    await bind(shop, shop.ann)

    raised = await asyncio.gather(dispute(shop, shop.bob), dispute(shop, shop.bob), return_exceptions=True)
    assert sorted(type(one).__name__ for one in raised) == ["DisputeOpen", "UUID"]
    dispute_id = next(one for one in raised if isinstance(one, UUID))

    decided = await asyncio.gather(*(move(shop, dispute_id, shop.bob) for _ in range(2)), return_exceptions=True)
    assert sorted(type(one).__name__ for one in decided) == ["DisputeOver", "NoneType"]
    kept = await attribution.history(shop.db, shop.member)
    assert [(one.guide_id, one.source, one.ended_because) for one in kept] == [
        (shop.bob, "dispute", None), (shop.ann, "scan", "dispute"),
    ]  # fmt: skip
    assert (await told(shop), await told(shop, "attribution.moved")) == (1, 1)


async def test_nobody_decides_a_dispute_they_are_a_party_to(shop: Shop):
    await bind(shop, shop.ann)
    dispute_id = await dispute(shop, shop.bob)
    async with shop.db.begin() as tx:
        # Ann's second log-in, by which she sits at headquarters, and who has nothing to do with it.
        second, other = (
            await add_guide(tx, "ann2", shop.store, "+8613800000001"),
            await add_guide(tx, "eve", shop.store),
        )

    async def stands(judge: UUID) -> None:
        async with shop.db.begin() as tx:
            await attribution.decide_dispute(
                tx, member_id=shop.member, dispute_id=dispute_id, decision="stands", guide=None, reason="x",
                actor=Actor("staff", judge),
            )  # fmt: skip

    for judge in (shop.bob, shop.ann, second):
        with pytest.raises(attribution.OwnDispute):
            await stands(judge)
    assert await shop.db.fetchval("SELECT decided_at FROM binding_disputes") is None
    await stands(other)
    assert await shop.db.fetchval("SELECT decided_by FROM binding_disputes") == other


async def test_a_dispute_about_what_has_ended_moves_nobody(shop: Shop):
    with pytest.raises(attribution.NothingToDispute):
        await dispute(shop, shop.bob)
    await bind(shop, shop.ann)
    dispute_id = await dispute(shop, shop.bob)
    async with shop.db.begin() as tx:
        await attribution.unbind(tx, member_id=shop.member, actor=SYSTEM)
    with pytest.raises(attribution.DisputeOver):
        await move(shop, dispute_id, shop.bob)
    async with shop.db.begin() as tx:
        await attribution.decide_dispute(
            tx, member_id=shop.member, dispute_id=dispute_id, decision="stands", guide=None, reason="x", actor=SYSTEM
        )
    assert await held_by(shop) is None


async def test_a_guide_s_code_is_one_whoever_shows_it_first(shop: Shop):
    async def show() -> str:
        async with shop.db.begin() as tx:
            guide = await attribution.guide_at(tx, shop.ann, shop.store, shop.chain)
            name = shop.chain.store(shop.store).name
            return (await attribution.code_of(tx, guide, shop=name, device_id=new_id(), actor=SYSTEM)).code

    assert len(set(await asyncio.gather(*(show() for _ in range(6))))) == 1
    assert await shop.db.fetchval("SELECT count(*) FROM touchpoint_codes") == 1


async def test_a_question_is_answered_once_and_in_time(shop: Shop):
    async def ask() -> None:
        async with shop.db.begin() as tx:
            guide = await attribution.guide_at(tx, shop.ann, shop.store, shop.chain)
            await attribution.ask(tx, member_id=shop.member, guide=guide)

    async def answer(accept: bool) -> None:
        async with shop.db.begin() as tx:
            (found,) = await attribution.open_asks(tx, shop.member) or [None]
            await attribution.answer(
                tx, member_id=shop.member, ask_id=found.id if found else asked.id, accept=accept, device_id=None,
                actor=SYSTEM, chain=shop.chain,
            )  # fmt: skip

    await asyncio.gather(ask(), ask())
    (asked,) = await attribution.open_asks(shop.db, shop.member)
    with clock.frozen(NOON + timedelta(minutes=15)):
        assert await attribution.open_asks(shop.db, shop.member) == []
        with pytest.raises(attribution.AskOver):
            await answer(accept=True)
    done = await asyncio.gather(answer(accept=True), answer(accept=True), return_exceptions=True)
    assert sorted(type(one).__name__ for one in done) == ["AskOver", "NoneType"]
    assert await held_by(shop) == shop.ann
    assert await shop.db.fetchval("SELECT source FROM bindings") == "till"
