"""An invariant that is about to be broken stops the write (`ensure`, `duo_fault`): the books are spoilt by hand, as the
owner of the tables, and the next verb must refuse to build on them. Nothing of it is written.
"""

from __future__ import annotations

import asyncpg
import pytest

from duoline import fulfilment, inventory, orders, payments
from duoline.channels.http import problems
from duoline.flows import answer, draft, drawer_view, expire, pay, refund
from duoline.kernel import clock
from duoline.kernel.db import DatabaseFault
from duoline.kernel.errors import Fault
from duoline.kernel.ids import new_id
from tests.flows import test_drawers, test_presales
from tests.flows.test_favourites import sold, unit

# The checks of the database itself would stop most of it; here they are taken away to see the second line hold.
CONSTRAINTS = """
ALTER TABLE levels DROP CONSTRAINT levels_held_ck;
ALTER TABLE levels DROP CONSTRAINT levels_outward_ck;
ALTER TABLE holds DROP CONSTRAINT holds_level_fk;
ALTER TABLE orders DROP CONSTRAINT orders_money_ck;
CREATE FUNCTION swallow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
"""


def swallow(what, when="true"):
    """Let writes to a table come to nothing, as a bug in a statement would: `what` reads "INSERT ON levels"."""
    return f"CREATE TRIGGER swallow BEFORE {what} FOR EACH ROW WHEN ({when}) EXECUTE FUNCTION swallow()"


@pytest.fixture
async def spoil(world, access):
    """Run SQL as the owner, without the constraints. The world is not checked at the end: it is broken on purpose."""
    owner = await asyncpg.connect(access.owner_dsn)
    await owner.execute(CONSTRAINTS)
    yield owner.execute
    await owner.execute("TRUNCATE orders, order_lines, holds, levels, movements, fulfilments, payment_intents, captures, refunds,"
                        " order_numbers, journals, journal_entries, drawer_sessions, drawer_entries, presale_counters, presales"
                        " CASCADE")  # fmt: skip
    await owner.close()


async def faults(invariant, attempt):
    with pytest.raises(Fault) as caught:
        await attempt
    assert caught.value.invariant == invariant
    return caught.value


async def snapshot(db):
    """What the tables of stock and orders say."""
    return [
        await db.fetch(f"SELECT * FROM {table} ORDER BY 1, 2")
        for table in ("levels", "holds", "movements", "orders", "order_lines", "captures", "refunds", "fulfilments")
    ]


async def unchanged(world, invariant, attempt):
    before = await snapshot(world.db)
    fault = await faults(invariant, attempt)
    assert await snapshot(world.db) == before
    return fault


async def held(world):
    """Three units at A, one of them held by hand."""
    await world.stock("A", "milk", 3)
    return await inventory.Holds(world.db).hold(
        location_id=world.stores["A"], sku_id=world.skus["milk"], quantity=1, ref_kind="clerk", ref_id=new_id(),
        expires_at=clock.now(), actor=world.clerk,
    )  # fmt: skip


async def test_a_fault_in_the_database_is_a_fault_here(db):
    fault = await faults("INV-9", db.execute("SELECT duo_fault('INV-9', 'for instance')"))
    assert isinstance(fault, DatabaseFault)
    assert fault.detail == "for instance"
    refusal, _ = problems.judge(fault, "GET", "/")
    assert refusal.status == 500


async def test_holds_without_their_level(world, spoil):
    hold_id = await held(world)
    await spoil("DELETE FROM levels")

    async def take():
        async with world.db.begin() as tx:
            await inventory.release(tx, location_id=world.stores["A"], hold_ids=[hold_id], actor=world.clerk)

    await unchanged(world, "INV-2", take())
    await unchanged(world, "INV-2", expire.expire_holds(world.db))


async def test_more_held_than_there_is_is_not_sold(world, spoil):
    """A level that went wrong is refused like an empty one, and no hold is granted from it."""
    await held(world)
    await spoil("UPDATE levels SET held = 5")
    with pytest.raises(inventory.InsufficientStock):
        await held_one_more(world)


async def held_one_more(world):
    await inventory.Holds(world.db).hold(
        location_id=world.stores["A"], sku_id=world.skus["milk"], quantity=1, ref_kind="clerk", ref_id=new_id(),
        expires_at=None, actor=world.clerk,
    )  # fmt: skip


async def test_holds_that_are_not_what_was_granted(world, monkeypatch):
    """The rows of an order keep other units than it asked the levels for."""
    await world.stock("A", "milk", 5)
    whole = draft.draft

    def careless(*args):
        made = whole(*args)
        made.rows["holds"][0]["quantity"] += 1
        return made

    monkeypatch.setattr("duoline.flows.place.draft", careless)
    await unchanged(world, "INV-2", world.place(world.wish("milk", at="A"), pay_mode="at_store"))


@pytest.mark.parametrize(("table", "invariant"), [("order_numbers", "ORD-3"), ("fulfilment_lines", "FUL-1")])
async def test_rows_of_an_order_that_were_not_written(world, spoil, table, invariant):
    """A row that is swallowed leaves half an order; the other half is not kept."""
    await world.stock("A", "milk", 5)
    await spoil(swallow(f"INSERT ON {table}"))
    await unchanged(world, invariant, world.place(world.wish("milk", at="A"), pay_mode="at_store"))


async def test_cash_that_is_in_no_drawer(world, spoil):
    """A sale whose cash was not noted is not made; a count that was not written closes nothing."""
    await world.stock("A", "milk", 5)
    await test_drawers.sold(world)
    await spoil(swallow("UPDATE ON drawer_sessions"))
    [session] = await drawer_view.open_at(world.db, world.look.chain, world.stores["A"])
    await unchanged(world, "TIL-3", test_drawers.closed(world, session.id, 19900))
    await spoil(swallow("INSERT ON drawer_entries"))
    await unchanged(world, "TIL-2", test_drawers.sold(world))
    assert await world.value("SELECT count(*) FROM drawer_sessions") == 1


async def test_a_count_against_another_sum_than_the_entries_give(world, spoil):
    """Cash is slipped into the drawer between the look and the count."""
    session = await test_drawers.opened(world)
    await spoil(
        """CREATE FUNCTION slip() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
               NEW.expected_minor = NEW.expected_minor + 1; RETURN NEW; END $$;
           CREATE TRIGGER slip BEFORE UPDATE ON drawer_sessions FOR EACH ROW EXECUTE FUNCTION slip()"""
    )
    await unchanged(world, "TIL-1", test_drawers.closed(world, session, 20000))


async def test_kept_units_that_are_not_marked_as_used(world, spoil):
    await world.stock("A", "milk", 1)
    await unit(world)
    await spoil(swallow("UPDATE ON favourite_holds"))
    await unchanged(world, "FAV-1", world.place(world.wish("milk", at="A"), pay_mode="at_store"))
    await unchanged(world, "FAV-1", sold(world, member=world.member_id))


@pytest.mark.parametrize(("part", "invariant"), [("holds", "FUL-3"), ("total_minor", "ORD-1")])
async def test_a_draft_that_does_not_add_up(world, monkeypatch, part, invariant):
    await world.stock("A", "milk", 5)
    split = draft._Order._split

    def careless(self, secret):
        split(self, secret)
        if part == "holds":
            self.holds.pop()
        else:
            self.total_minor -= 1

    monkeypatch.setattr(draft._Order, "_split", careless)
    await unchanged(world, invariant, world.place(world.wish("milk", at="A"), pay_mode="at_store"))


@pytest.mark.parametrize("way", ["goods-in", "till"])
async def test_a_movement_without_its_level(world, spoil, way):
    await world.stock("A", "milk", 3)
    await spoil(swallow("UPDATE ON levels"))
    if way == "goods-in":
        await unchanged(world, "INV-1", world.stock("A", "milk", 1))
        return
    async with world.db.begin() as tx:
        need = inventory.Need(world.stores["A"], world.skus["milk"], 1)
        await faults("INV-1", inventory.sell(tx, [need], ref_kind="order", ref_id=new_id(), actor=world.clerk))


@pytest.mark.parametrize(("rows", "invariant"), [("true", "INV-3"), ("new.quantity > 0", "INV-1b")])
async def test_a_hold_that_is_taken_without_its_movement(world, books, spoil, rows, invariant):
    await world.stock("A", "milk", 3)
    receipt = await world.paid(books, world.wish("milk", at="A"))
    await world.ready(receipt)
    await spoil(swallow("INSERT ON movements", rows))
    await unchanged(world, invariant, world.hand(receipt))


async def test_units_leave_that_the_fulfilment_does_not_name(world, books, spoil):
    await world.stock("A", "milk", 3)
    receipt = await world.paid(books, world.wish("milk", 2, at="A"))
    await world.ready(receipt)
    await spoil("UPDATE holds SET quantity = 1")
    await unchanged(world, "FUL-2", world.hand(receipt))


async def test_goods_do_not_leave_against_money_that_is_not_there(world, books, spoil):
    await world.stock("A", "milk", 3)
    receipt = await world.paid(books, world.wish("milk", at="A"))
    await world.ready(receipt)
    await spoil("UPDATE orders SET paid_minor = 5")
    await unchanged(world, "LED-2", world.hand(receipt))


async def test_nothing_moves_on_a_closed_order(world, books, spoil):
    await world.stock("A", "milk", 3)
    receipt = await world.paid(books, world.wish("milk", 2, at="A"))
    await world.ready(receipt)
    await spoil("UPDATE orders SET state = 'cancelled'")
    await spoil("UPDATE order_lines SET quantity = 3, amount_minor = 3 * unit_price_minor")
    await unchanged(world, "ORD-2", world.hand(receipt))


async def test_what_is_paid_is_what_was_captured(world, books, spoil):
    await world.stock("A", "milk", 3)
    receipt = await world.place(world.wish("milk", at="A"))
    await spoil("UPDATE orders SET paid_minor = 1")
    await unchanged(world, "PAY-2", captured(world, books, receipt))


async def captured(world, books, receipt):
    await world.pay(books, receipt)


async def test_a_capture_of_an_intent_that_was_changed_meanwhile(world, books, spoil):
    await world.stock("A", "milk", 3)
    receipt = await world.place(world.wish("milk", at="A"))
    (intent,) = await payments.intents_of(world.db, world.member_id, receipt.id)
    async with world.db.begin() as tx:
        locked = await payments.lock_intent(tx, world.member_id, intent.id)
        await tx.execute("UPDATE payment_intents SET amount_minor = 1")
        await faults(
            "PAY-3",
            payments.capture(
                tx, locked, tender="sandbox", account="clearing:sandbox", amount_minor=locked.amount_minor,
                currency="CNY", actor=world.clerk,
            ),
        )  # fmt: skip


async def giving_back(world, receipt, amount):
    async with world.db.begin() as tx:
        order, _ = await orders.lock_order(tx, world.member_id, receipt.id)
        await refund.give_back_money(tx, order, amount, reason="r", actor=world.clerk)


async def test_no_more_goes_back_than_what_was_not_handed_over(world, books, spoil):
    """Two parcels' worth were paid, one is with the customer: the price of one may go back and not a cent more."""
    await world.stock("A", "milk", 3)
    await world.stock("B", "milk", 3)
    receipt = await world.paid(books, world.wish("milk", at="A"), world.wish("milk", at="B"))
    await world.ready(receipt)
    await world.hand(receipt)
    await unchanged(world, "PAY-5", giving_back(world, receipt, 19901))
    await giving_back(world, receipt, 19900)


async def test_refunds_of_an_order_are_those_of_its_captures(world, books, spoil):
    await world.stock("A", "milk", 3)
    receipt = await world.paid(books, world.wish("milk", 2, at="A"))
    await spoil("UPDATE orders SET refunded_minor = 7")
    await unchanged(world, "PAY-2", giving_back(world, receipt, 5))


@pytest.mark.parametrize("kept", [1, 19900])
async def test_a_cancelled_order_keeps_nothing(world, books, spoil, monkeypatch, kept):
    await world.stock("A", "milk", 3)
    receipt = await world.paid(books, world.wish("milk", at="A"))
    monkeypatch.setattr(orders, "refundable", lambda *_: 19900 - kept)
    await unchanged(world, "PAY-4", world.cancel(receipt))


async def test_late_money_goes_back_whole(world, books, spoil, monkeypatch):
    await world.stock("A", "milk", 3)
    receipt = await world.place(world.wish("milk", at="A"))
    opened = await pay.open_payment(
        world.db, member_id=world.member_id, order_id=receipt.id, subject="s", notify_url="n", return_url="r"
    )
    books.pay(str(opened.intent_id))
    await spoil("UPDATE orders SET pay_by_at = placed_at")
    await expire.expire_order(world.db, member_id=world.member_id, order_id=receipt.id)
    whole = pay.give_back_money

    async def half(tx, order, amount_minor, **more):
        await whole(tx, order, amount_minor // 2, **more)

    monkeypatch.setattr(pay, "give_back_money", half)
    await unchanged(world, "PAY-4", pay.check_order(world.db, member_id=world.member_id, order_id=receipt.id))


async def test_a_line_is_not_served_twice(world, books, spoil):
    await world.stock("A", "milk", 3)
    receipt = await world.paid(books, world.wish("milk", 2, at="A"))
    await spoil("UPDATE order_lines SET cancelled = 1")

    async def reply():
        async with world.db.begin() as tx:
            await answer.answer_refund(tx, member_id=world.member_id, order_id=receipt.id, actor=world.member)

    await unchanged(world, "FUL-3", reply())


async def test_a_fulfilment_that_moved_on_meanwhile(world, books):
    await world.stock("A", "milk", 3)
    receipt = await world.paid(books, world.wish("milk", at="A"))
    job = await fulfilment.peek(world.db, world.stores["A"], receipt.fulfilments[0].id)
    await world.ready(receipt)
    async with world.db.begin() as tx:
        await faults("FUL-1", fulfilment.advance(tx, job, fulfilment.FulfilmentState.READY))


async def test_a_part_that_is_cut_off_is_given_back(world, books, spoil):
    await world.stock("A", "milk", 3)
    receipt = await world.paid(books, world.wish("milk", 2, at="A"))
    await spoil(swallow("UPDATE ON holds", "new.state = 'released'"))
    await unchanged(world, "INV-3", world.cancel(receipt, {receipt.lines[0].id: 1}))


@pytest.mark.parametrize(
    ("rows", "invariant"), [("UPDATE ON presale_counters", "PRE-1"), ("INSERT ON preorders", "PRE-3")]
)
async def test_a_booking_that_is_half_written(world, books, spoil, rows, invariant):
    with clock.frozen(test_presales.NOON):
        presale = await test_presales.offered(world)
        if invariant == "PRE-1":
            await spoil(swallow(rows))
            await unchanged(world, invariant, test_presales.booking(world, presale))
            return
        order_id = await test_presales.booking(world, presale)
        await spoil("DELETE FROM preorders")
        await unchanged(world, invariant, test_presales.paid(world, books, order_id))


async def test_a_deposit_that_is_kept_and_not_earned(world, books, spoil):
    with clock.frozen(test_presales.NOON):
        order_id = await test_presales.booked(world, books, cancel_terms="never")
        await spoil(swallow("INSERT ON journals", "NEW.kind = 'forfeit'"))
        await unchanged(world, "PRE-4", test_presales.cancelled(world, order_id))


async def test_no_more_is_kept_than_the_terms_say(world, books, spoil):
    with clock.frozen(test_presales.NOON):
        order_id = await test_presales.booked(world, books, unpaid_terms="given_back")
        await spoil("ALTER TABLE preorders DROP CONSTRAINT preorders_terms_ck")
        await spoil("UPDATE preorders SET cancel_terms = 'never'")
        await unchanged(world, "PRE-4", test_presales.cancelled(world, order_id))


async def test_nothing_but_a_preorder_is_booked(world, books, spoil):
    await world.stock("A", "milk", 3)
    receipt = await world.place(world.wish("milk", at="A"))
    await spoil("UPDATE payment_intents SET amount_minor = amount_minor - 1")
    await unchanged(world, "PRE-3", world.pay(books, receipt))
