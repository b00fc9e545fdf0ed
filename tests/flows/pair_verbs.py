"""The verbs that can touch a unit of one shelf (shop A, one article), and the states from which they do.

A new verb is one entry in `VERBS`: its name, what it works `on` if it needs something that is there, whether it `wants` a
unit that is free on the shelf, and the act. A new thing to work on is one entry in `GIVEN`. The pairs follow (`CASES`).

Not a verb of stock, and so not here: a refund, which is money alone and is sent by a job after whatever gave the units
back.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from duoline import fulfilment, inventory, orders, pricing
from duoline.flows import (
    answer,
    bring,
    cancel,
    complete,
    elsewhere,
    expire,
    give_back_offers,
    hand_over,
    keep,
    look_after,
    pay,
    reject,
    replan,
    return_goods,
    sell,
    settle_shortage,
    ship,
    till_orders,
)
from duoline.inventory import transfers
from duoline.kernel import clock
from duoline.kernel.auth import Actor
from duoline.kernel.errors import Refusal, Unavailable
from duoline.kernel.ids import new_id
from duoline.orders.advance import Undone
from duoline.payments.provider import EventKind, PaymentEvent
from duoline.pricing import coupons
from tests.flows.conftest import ADDRESS, SECRET, Books, World
from tests.flows.test_favourites import kept

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from uuid import UUID

SKU = "milk"
PRICE = 19900
BY_CODE = 10000
"""The part of a sale at the till that is paid by code; the rest in cash."""
FAR = msgspec.structs.replace(ADDRESS, lat=30.40, lon=120.30)  # where the warehouse is


@dataclass(frozen=True)
class Arena:
    """The chain on which two verbs meet; `offer` is a promotion that asks for a coupon."""

    world: World
    books: Books
    offer: UUID

    async def transact(self, work: Callable[..., Awaitable[object]], **options: object) -> object:
        async with self.world.db.begin() as tx:
            return await work(tx, **options)


class On(NamedTuple):
    """Something that is there, of a member: an order with the fulfilment in question, or something else."""

    member: UUID
    order: UUID | None = None
    place: str = ""
    job: UUID | None = None
    line: UUID | None = None
    thing: UUID | None = None
    """A transfer, a hold, a count, a shortage, a payment, a parked sale, a batch of coupons or one of them."""
    unit: keep.KeptUnit | None = None
    amount: int = PRICE
    """Of a payment, in minor units."""

    @property
    def sale(self) -> till_orders.TillOrder:
        """As an order of a till."""
        return till_orders.TillOrder(self.member, self.order, self.shop)

    shop: UUID | None = None


# --- what is there ---------------------------------------------------------------------------------------------------


async def _order(a: Arena, me: UUID, stocked: str, *, paid: bool = True, ready: bool = False, **options: object) -> On:
    """An order of one unit, which only `stocked` has."""
    w = a.world
    await w.stock(stocked, SKU, 1)
    collected = options.pop("at", None)
    receipt = await w.place(w.wish(SKU, at=collected), member_id=me, **options)  # type: ignore[arg-type]
    if paid:
        await w.pay(a.books, receipt)
    (job,) = receipt.fulfilments
    assert job.store_code == stocked
    if ready:
        await w.ready(receipt)
    return On(me, receipt.id, stocked, job.id, receipt.lines[0].id)


async def _bought(a: Arena, me: UUID) -> On:
    """Its buyer has paid, which we do not know, and its time to pay is over."""
    on = await _order(a, me, "A", paid=False, at="A")
    opened = await pay.open_payment(
        a.world.db, member_id=me, order_id=on.order, subject="s", notify_url="n", return_url="r"
    )
    a.books.pay(str(opened.intent_id))
    await a.world.db.execute("UPDATE orders SET pay_by_at = placed_at WHERE id = $1", on.order)
    return on._replace(thing=opened.intent_id)


async def _standing(a: Arena, me: UUID) -> On:
    """Ready to be collected, and for too long."""
    on = await _order(a, me, "A", ready=True, at="A")
    await a.world.db.execute("UPDATE fulfilments SET keep_until = ready_at WHERE id = $1", on.job)
    return on


async def _taken_home(a: Arena, me: UUID) -> On:
    """Collected, and on the shelf again as soon as it is brought back."""
    on = await _order(a, me, "A", ready=True, at="A")
    await _hand(a, on)
    return on


async def _far(a: Arena, me: UUID) -> On:
    """A parcel to somewhere near the warehouse, which has the article again."""
    on = await _order(a, me, "A", address=FAR)
    await a.world.stock("DC", SKU, 1)
    return on


async def _coming(a: Arena, me: UUID) -> On:
    """A box for an order, on its way to the shelf."""
    on = await _order(a, me, "DC", ready=True, at="A", bring=True)
    await a.transact(bring.send_to_shop, chain=a.world.look.chain, location_id=a.world.stores["DC"],
                     fulfilment_id=on.job, actor=a.world.clerk)  # fmt: skip
    return on._replace(thing=await a.world.value("SELECT id FROM transfers WHERE side = 'out' AND ref_id = $1", on.job))


async def _refused(
    a: Arena, me: UUID, stocked: str = "B", *, reason: reject.Reason = "missing", **options: object
) -> On:
    on = await _order(a, me, stocked, **options)
    await _reject(a, on, reason)
    return on


async def _asked(a: Arena, me: UUID) -> On:
    """Its shop has not the unit; the member is asked."""
    return await _refused(a, me, at="B")


async def _frozen(a: Arena, me: UUID) -> On:
    """A parcel that two places have rejected: a person looks after it."""
    on = await _order(a, me, "B")
    await a.world.stock("DC", SKU, 1)
    await _reject(a, on, "missing")
    second = await a.world.value("SELECT id FROM fulfilments WHERE order_id = $1 AND state = 'to_pick'", on.order)
    await _reject(a, on._replace(place="DC", job=second), "missing")
    return on


async def _missing(a: Arena, me: UUID) -> On:
    """An order whose unit was counted as not there; nobody has decided yet who loses it."""
    on = await _order(a, me, "A", at="A")
    await a.world.count("A", **{SKU: (await a.world.level("A", SKU))[0] - 1})
    return on._replace(thing=await a.world.value("SELECT id FROM shortages WHERE state = 'open'"))


async def _transfer(a: Arena, me: UUID, source: str, to: str, *, agreed: bool, sent: bool = False) -> On:
    w = a.world
    await w.stock(source, SKU, 1)
    async with w.db.begin() as tx:
        thing = await transfers.request(
            tx, source=w.look.chain.store(w.stores[source]), destination=w.look.chain.store(w.stores[to]),
            units=[transfers.Units(w.skus[SKU], 1)], note="", called=False, actor=w.clerk,
        )  # fmt: skip
        if agreed:
            await transfers.approve(tx, w.look.chain, transfer_id=thing, actor=w.manager)
        if sent:
            await transfers.send(tx, w.look.chain, transfer_id=thing, picked=None, actor=w.clerk)
    return On(me, thing=thing)


async def _requested(a: Arena, me: UUID) -> On:
    """Asked for, and for too long unanswered."""
    on = await _transfer(a, me, "A", "B", agreed=False)
    await a.world.db.execute("UPDATE transfers SET requested_at = requested_at - interval '3 days'")
    return on


async def _held(a: Arena, me: UUID) -> On:
    """Kept by hand, until now."""
    await a.world.stock("A", SKU, 1)
    return On(me, thing=await _hold(a, me, until_now=True))


async def _hold(a: Arena, me: UUID, *, until_now: bool = False) -> UUID:
    return await inventory.Holds(a.world.db).hold(
        location_id=a.world.stores["A"], sku_id=a.world.skus[SKU], quantity=1, ref_kind="clerk", ref_id=me,
        expires_at=clock.now() if until_now else None, actor=a.world.clerk,
    )  # fmt: skip


async def _kept(a: Arena, me: UUID) -> On:
    """Scanned and favourited."""
    await a.world.stock("A", SKU, 1)
    keeping = await kept(a.world, SKU, "A", member=me, device=me)
    assert isinstance(keeping, keep.Keeping)
    return On(me, unit=keeping.unit)


async def _kept_until_now(a: Arena, me: UUID) -> On:
    with clock.frozen(clock.now() - timedelta(hours=2)):
        return await _kept(a, me)


async def _counted(a: Arena, me: UUID) -> On:
    """Counted as empty; the difference waits for approval."""
    count_id = await a.world.open_count("A", SKU)
    await a.world.scan("A", count_id, SKU, counted=0)
    async with a.world.db.begin() as tx:
        await inventory.submit(tx, location_id=a.world.stores["A"], count_id=count_id, rest=None, actor=a.world.clerk)
    return On(me, thing=count_id)


async def _rung_up(a: Arena, me: UUID) -> On:
    """On the counter, to be paid by code and in cash; nobody has paid yet."""
    w = a.world
    await w.stock("A", SKU, 1)
    order_id = await _ring(a, me)
    intent = await w.value("SELECT id FROM payment_intents WHERE order_id = $1 AND provider <> 'store'", order_id)
    return On(me, order_id, "A", thing=intent, amount=BY_CODE, shop=w.stores["A"])


async def _ring(a: Arena, me: UUID) -> UUID:
    shop = a.world.look.chain.store(a.world.stores["A"])
    priced = await sell.price_wishes(a.world.look, shop, [(a.world.skus[SKU], 1)], member_id=None)
    parts = [till_orders.Part("code", BY_CODE), till_orders.Part("cash", PRICE - BY_CODE)]
    async with a.world.db.begin() as tx:
        return await till_orders.open_order(
            tx, shop, priced, member_id=me, contact=orders.Contact("", ""), parts=parts, actor=a.world.clerk
        )


async def _being_charged(a: Arena, me: UUID) -> On:
    """The provider has the money of the code, which we do not know, and the time to pay is over."""
    on = await _rung_up(a, me)
    with clock.frozen(clock.now() - timedelta(minutes=1)):
        asked = await till_orders._mark_asked(a.world.db, on.sale, on.thing)
    await a.books.charge_code(asked.ref, auth_code=f"13{me.int % 10**15:015d}0", amount_minor=BY_CODE, currency="CNY")
    await a.world.db.execute("UPDATE orders SET pay_by_at = placed_at WHERE id = $1", on.order)
    return on


async def _code_paid(a: Arena, me: UUID) -> On:
    """The code is paid; the cash is not, and the time is over."""
    on = await _being_charged(a, me)
    await _notice(a, on)
    return on


async def _parked(a: Arena, me: UUID) -> On:
    """A basket that was put aside."""
    async with a.world.db.begin() as tx:
        thing = await orders.park(tx, a.world.stores["A"], lines=[(a.world.skus[SKU], 1)], coupons=0, phone="", note="",
                                  ends_at=clock.now() + timedelta(days=1), actor=a.world.clerk)  # fmt: skip
    return On(me, thing=thing)


async def _batch(a: Arena, me: UUID, *, issued_max: int | None = 1) -> On:
    """Coupons to claim, of which there is one left."""
    batch = new_id()
    new = coupons.NewBatch(batch_id=batch, promotion_id=a.offer, way="claim", from_at=clock.now(), until_at=None,
                           issued_max=issued_max)  # fmt: skip
    async with a.world.db.begin() as tx:
        # The counter is made by whoever locks it first, also when nothing comes of it: here it is there.
        await tx.execute("INSERT INTO promotion_counters VALUES ($1, 0, 0) ON CONFLICT DO NOTHING", a.offer)
        await coupons.open_batch(tx, new, secret=SECRET, reason="test", actor=a.world.manager)
    return On(me, thing=batch)


async def _coupon(a: Arena, me: UUID) -> On:
    """A coupon of the member's, and units enough to use it twice."""
    on = await _batch(a, me)
    await a.world.stock("A", SKU, 2)
    async with a.world.db.begin() as tx:
        await coupons.claim(tx, on.thing, member_id=me)
    return on


async def _by_coupon(a: Arena, me: UUID, *, ready: bool = False) -> On:
    """An order that used one."""
    on = await _batch(a, me)
    async with a.world.db.begin() as tx:
        await coupons.claim(tx, on.thing, member_id=me)
    return (await _order(a, me, "A", ready=ready, at="A"))._replace(thing=on.thing)


async def _home_by_coupon(a: Arena, me: UUID) -> On:
    """Collected, by coupon."""
    on = await _by_coupon(a, me, ready=True)
    await _hand(a, on)
    return on


async def _brought_back(a: Arena, me: UUID) -> On:
    """Collected by coupon and brought back; the coupon is not back yet."""
    on = await _home_by_coupon(a, me)
    await _bring_back(a, on)
    return on


class Given(NamedTuple):
    """Something to work on. `here`: its unit is on the shelf, or on its way there, and is the only one."""

    build: Callable[[Arena, UUID], Awaitable[On]]
    here: bool = True


GIVEN: dict[str, Given] = {
    "bought": Given(_bought),
    "to pick": Given(lambda a, me: _order(a, me, "A", at="A")),
    "standing": Given(_standing),
    "parcel": Given(lambda a, me: _order(a, me, "A")),
    "packed": Given(lambda a, me: _order(a, me, "A", ready=True)),
    "far": Given(_far),
    "box": Given(lambda a, me: _order(a, me, "A", ready=True, at="B", bring=True)),
    "coming": Given(_coming),
    "missing": Given(_missing),
    "asked": Given(_asked, here=False),
    "frozen": Given(_frozen, here=False),
    "parcel elsewhere": Given(lambda a, me: _order(a, me, "B"), here=False),
    "parcel far away": Given(lambda a, me: _order(a, me, "DC"), here=False),
    "box elsewhere": Given(lambda a, me: _order(a, me, "DC", ready=True, at="B", bring=True), here=False),
    "requested": Given(_requested),
    "agreed": Given(lambda a, me: _transfer(a, me, "A", "B", agreed=True)),
    "under way": Given(lambda a, me: _transfer(a, me, "DC", "A", agreed=True, sent=True)),
    "held": Given(_held),
    "kept": Given(_kept),
    "kept until now": Given(_kept_until_now),
    "taken home": Given(_taken_home),
    "counted": Given(_counted, here=False),
    "rung up": Given(_rung_up),
    "being charged": Given(_being_charged),
    "code paid": Given(_code_paid),
    "parked": Given(_parked, here=False),
    "batch": Given(_batch, here=False),
    "coupon": Given(_coupon, here=False),
    "by coupon": Given(_by_coupon),
    "home by coupon": Given(_home_by_coupon),
    "brought back": Given(_brought_back, here=False),
}

LAST = ("counted",)
"""Built when everything else is there."""


# --- what is done ----------------------------------------------------------------------------------------------------


async def _place(a: Arena, who: On, *, at: str | None = None, **options: object) -> str:
    await a.world.place(a.world.wish(SKU, at=at), member_id=who.member, key=f"of {who.member}", **options)
    return "placed"


async def _sell(a: Arena, who: On) -> str:
    shop = a.world.look.chain.store(a.world.stores["A"])
    priced = await sell.price_wishes(a.world.look, shop, [(a.world.skus[SKU], 1)], member_id=None)
    await a.transact(sell.sell, store=shop, counter=priced, member_id=who.member, contact=orders.Contact("", ""),
                     tendered_minor=10**7, actor=a.world.clerk)  # fmt: skip
    return "sold"


async def _favourite(a: Arena, who: On) -> str:
    came = await kept(a.world, SKU, "A", member=who.member, device=who.member)
    return came.outcome if isinstance(came, keep.Keeping) else came.code


async def _by_hand(a: Arena, who: On) -> str:
    await _hold(a, who.member)
    return "held"


async def _ask(a: Arena, _who: On) -> str:
    chain, stores = a.world.look.chain, a.world.stores
    await a.transact(transfers.request, source=chain.store(stores["A"]), destination=chain.store(stores["B"]),
                     units=[transfers.Units(a.world.skus[SKU], 1)], note="", called=False, actor=a.world.clerk)  # fmt: skip
    return "asked"


async def _adjust(a: Arena, _who: On, *, delta: int, reason: str) -> str:
    await a.transact(inventory.adjust, location_id=a.world.stores["A"], sku_id=a.world.skus[SKU], delta=delta,
                     reason=reason, actor=a.world.clerk)  # fmt: skip
    return "adjusted"


async def _correct(a: Arena, _who: On) -> str:
    done = await a.transact(inventory.correct_to, location_id=a.world.stores["A"], sku_id=a.world.skus[SKU], counted=0,
                            actor=a.world.clerk)  # fmt: skip
    return f"corrected {done}"


async def _approve_count(a: Arena, on: On) -> str:
    booked = await a.world.approve("A", on.thing)
    return f"booked {[(one.applied, one.short) for one in booked]}"


async def _reject(a: Arena, on: On, reason: reject.Reason) -> str:
    """As the counter does: planned again when the units elsewhere were taken meanwhile."""
    location, w = a.world.stores[on.place], a.world
    for _ in range(4):
        glance = await fulfilment.peek(w.db, location, on.job)
        skus = {line.line_id: line.sku_id for line in await fulfilment.lines_of(w.db, location, on.job)}
        if on.line not in skus:
            raise reject.NotServing
        plan = await elsewhere.plan_elsewhere(w.look, job=glance, rejected={on.line: 1}, skus=skus)
        try:
            async with w.db.begin() as tx:
                done = await reject.reject(
                    tx, w.look, location_id=location, fulfilment_id=on.job,
                    rejected=[reject.Rejected(on.line, 1, reason)], elsewhere=plan, note="", actor=w.clerk,
                )  # fmt: skip
        except Unavailable:
            continue
        return f"rejected: {[one.result for one in done]}"
    raise AssertionError("what was planned is always taken")


async def _cancel(a: Arena, on: On) -> str:
    back = await a.transact(cancel.cancel, member_id=on.member, order_id=on.order, quantities=None, reason="",
                            actor=Actor("member", on.member))  # fmt: skip
    return f"cancelled for {back}"


async def _expire(a: Arena, on: On) -> str:
    return f"expired: {await expire.expire_order(a.world.db, member_id=on.member, order_id=on.order)}"


async def _notice(a: Arena, on: On) -> str:
    await pay.receive(a.world.db, "sandbox", PaymentEvent(
        event_id=f"of {on.thing}", kind=EventKind.PAYMENT_PAID, ref=str(on.thing), refund_ref=None, amount_minor=on.amount,
        currency="CNY", occurred_at=clock.now()))  # fmt: skip
    return "told"


async def _check(a: Arena, on: On) -> str:
    await pay.check_order(a.world.db, member_id=on.member, order_id=on.order)
    return "looked"


async def _swept(sweep: Callable[..., Awaitable[object]], a: Arena) -> str:
    """Regular work: how much of it there was when it looked says nothing."""
    await sweep(a.world.db)
    return "swept"


async def _hand(a: Arena, on: On) -> str:
    done = await a.transact(hand_over.hand_over, location_id=a.world.stores["A"], fulfilment_id=on.job,
                            code=fulfilment.code_of(on.job, SECRET).qr, tender=None, tendered_minor=None,
                            actor=a.world.clerk)  # fmt: skip
    return done.code if isinstance(done, Refusal) else "handed over"


async def _bring_back(a: Arena, on: On, *, condition: str = "sellable") -> str:
    chain, brought = a.world.look.chain, [return_goods.Brought(on.line, 1, condition)]
    ways = await a.transact(return_goods.return_goods, chain=chain, shop=chain.store(a.world.stores["A"]),
                            member_id=on.member, order_id=on.order, brought=brought, reason="faulty",
                            expected_minor=None, actor=a.world.clerk)  # fmt: skip
    return f"came back for {[way.amount_minor for way in ways]}"


async def _job(verb: Callable[..., Awaitable[object]], a: Arena, on: On, **options: object) -> str:
    await a.transact(verb, location_id=a.world.stores[on.place], fulfilment_id=on.job, actor=a.world.clerk, **options)
    return "done"


async def _replan(a: Arena, _who: On) -> str:
    """Whatever had changed meanwhile is looked at again by the next round."""
    for _ in range(4):
        if not (await replan.replan_all(a.world.look, solve_ms=2_000)).passed_over:
            return "planned"
    raise AssertionError("every round passes something over")


async def _answer_move(a: Arena, on: On) -> str:
    await a.transact(answer.answer_move, look=a.world.look, member_id=on.member, order_id=on.order,
                     store_id=a.world.stores["A"], secret=SECRET, actor=Actor("member", on.member))  # fmt: skip
    return "moved"


async def _answer_money(a: Arena, on: On) -> str:
    await a.transact(answer.answer_refund, member_id=on.member, order_id=on.order, actor=Actor("member", on.member))
    return "money"


async def _answer_late(a: Arena, on: On) -> str:
    await answer.answer_for_the_member(a.world.db, answer.AnswerDue(on.member, on.order))
    return "late"


async def _source_again(a: Arena, on: On) -> str:
    who = {"member_id": on.member, "order_id": on.order}
    for _ in range(4):
        plan = await look_after.plan_again(a.world.look, **who, at=None, by="x")
        try:
            await a.transact(look_after.source_again, look=a.world.look, **who, plan=plan, reason="r",
                             actor=a.world.clerk)  # fmt: skip
        except Unavailable:
            continue
        return "sourced"
    raise AssertionError("what was planned is always taken")


async def _refund_frozen(a: Arena, on: On) -> str:
    back = await a.transact(look_after.refund_frozen, member_id=on.member, order_id=on.order, units=1, reason="r",
                            actor=a.world.clerk)  # fmt: skip
    return f"given back {back}"


async def _step(verb: Callable[..., Awaitable[object]], a: Arena, on: On, **options: object) -> str:
    await a.transact(verb, transfer_id=on.thing, actor=a.world.clerk, **options)
    return "done"


async def _receive(a: Arena, on: On, *, good: int = 1, damaged: int = 0) -> str:
    return await _step(bring.receive, a, on, came=[transfers.Came(a.world.skus[SKU], good, damaged)], secret=SECRET)


async def _release(a: Arena, on: On) -> str:
    done = await a.transact(inventory.give_up, location_id=a.world.stores["A"], hold_id=on.thing, actor=a.world.clerk)
    return f"released: {done}"


async def _give_up(a: Arena, on: On) -> str:
    given = await a.transact(keep.give_up, units=[on.unit], actor=Actor("member", on.member))
    return f"given up: {len(given)}"


async def _settle(a: Arena, on: On) -> str:
    await settle_shortage.settle(a.world.look, location_id=a.world.stores["A"], shortage_id=on.thing)
    return "settled"


async def _found(a: Arena, on: On) -> str:
    await a.transact(inventory.found_after_all, location_id=a.world.stores["A"], shortage_id=on.thing,
                     actor=a.world.clerk)  # fmt: skip
    return "found"


async def _ring_up(a: Arena, who: On) -> str:
    await _ring(a, who.member)
    return "rung up"


async def _start_charge(a: Arena, on: On) -> str:
    """What `charge` commits before it asks the provider; the answer is heard of as any other."""
    asked = await till_orders._mark_asked(a.world.db, on.sale, on.thing)
    return "asked" if asked else "paid"


async def _change_parts(a: Arena, on: On) -> str:
    paid = await a.world.value("SELECT paid_minor FROM orders WHERE id = $1", on.order)
    parts = [till_orders.Part("cash", PRICE - paid)]
    await a.transact(till_orders.change_parts, sale=on.sale, parts=parts, closed=clock.now(), actor=a.world.clerk)
    return "in other parts"


async def _complete(a: Arena, on: On) -> str:
    change = await a.transact(till_orders.complete, sale=on.sale, cash=complete.Cash(PRICE, None), actor=a.world.clerk)
    return f"completed, {change} back"


async def _let_go(a: Arena, on: On) -> str:
    return f"let go for {await a.transact(till_orders.let_go, sale=on.sale, reason='r', actor=a.world.clerk)}"


async def _take_parked(a: Arena, on: On, *, how: str) -> str:
    await a.transact(orders.take_parked, location_id=a.world.stores["A"], parked_id=on.thing, how=how,
                     actor=a.world.clerk)  # fmt: skip
    return how


async def _claim(a: Arena, on: On) -> str:
    await a.transact(coupons.claim, batch_id=on.thing, member_id=on.member)
    return "claimed"


async def _void(a: Arena, on: On) -> str:
    return f"{await a.transact(coupons.void, batch_id=on.thing, reason='r', actor=a.world.manager)} void"


async def _use(a: Arena, on: On) -> str:
    """Once more by itself: under a key of its own."""
    wish = a.world.wish(SKU, at="A")
    placed = await a.world.place(wish, member_id=on.member, key=f"use {new_id()}", pay_mode="at_store")
    return f"{placed.discount.minor} off"


async def _use_at_till(a: Arena, on: On) -> str:
    """The clerk has scanned the customer's card."""
    shop = a.world.look.chain.store(a.world.stores["A"])
    for _ in range(3):
        priced = await sell.price_wishes(a.world.look, shop, [(a.world.skus[SKU], 1)], member_id=on.member)
        try:
            sale = await a.transact(sell.sell, store=shop, counter=priced, member_id=on.member,
                                    contact=orders.Contact("", ""), tendered_minor=10**7, actor=a.world.clerk)  # fmt: skip
        except pricing.OfferGone:
            continue
        return f"sold for {sale.total_minor}"
    raise AssertionError("what is used up is seen at the next look")


async def _give_back(a: Arena, on: On) -> str:
    await give_back_offers.give_back_offers(a.world.db, Undone(on.order))
    return "given back"


class Verb(NamedTuple):
    """Something that is done to a unit of the shelf. It works `on` one of these, or by itself."""

    name: str
    act: Callable[[Arena, On], Awaitable[str]]
    on: tuple[str, ...] = ()
    wants: bool = False
    alike: tuple[str, ...] = ()
    """Refusals that say the same: which of them it is depends on how much was known before anything was locked."""
    rarely: bool = False
    """Only in the long proof: it does to a unit what another verb does."""
    apart: bool = False
    """It touches no unit of the shelf: it meets only who works on the same thing."""
    in_steps: bool = False
    """It commits more than once, so that others may come in between: what a shelf had just then is not compared."""


CANNOT_REJECT = ("fulfilment.not-serving", "kernel.wrong-state")
CANNOT_HAND = ("fulfilment.already-done", "fulfilment.not-ready")
PICKUPS = ("to pick", "standing", "missing")
PARCELS = ("parcel", "packed", "far")

VERBS = [
    # Whoever wants the last unit.
    Verb("order to collect", lambda a, me: _place(a, me, at="A", pay_mode="at_store"), wants=True),
    Verb("order to be sent", _place, wants=True),
    Verb("order to be brought", lambda a, me: _place(a, me, at="B", bring=True), wants=True),
    Verb("sell", _sell, wants=True),
    Verb("favourite", _favourite, wants=True),
    Verb("keep by hand", _by_hand, wants=True, rarely=True),
    Verb("ask for a transfer", _ask, wants=True),
    Verb("break", lambda a, me: _adjust(a, me, delta=-1, reason="damage"), wants=True),
    Verb("correct to none", _correct, wants=True, rarely=True),
    Verb("approve a count", _approve_count, on=("counted",), wants=True),
    Verb("answer: here", _answer_move, on=("asked",), wants=True),
    Verb(
        "reject elsewhere",
        lambda a, on: _reject(a, on, "missing"),
        on=("parcel elsewhere", "box elsewhere"),
        wants=True,
        alike=CANNOT_REJECT,
    ),
    Verb("plan again to here", _replan, on=("parcel far away",), wants=True),
    Verb("source again", _source_again, on=("frozen",), wants=True, rarely=True),
    # Whoever has it, and what becomes of it.
    Verb(
        "cancel",
        _cancel,
        on=("to pick", "standing", "bought", "missing", *PARCELS, "box", "coming", "asked", "frozen", "by coupon"),
    ),
    Verb("expire unpaid", _expire, on=("bought", "being charged", "code paid")),
    Verb("hear of the payment", _notice, on=("bought", "being charged")),
    Verb("ask about the payment", _check, on=("bought",), rarely=True),
    Verb("let uncollected go", lambda a, _: _swept(expire.release_uncollected, a), on=("standing",)),
    Verb("hand over", _hand, on=("standing",), alike=CANNOT_HAND),
    Verb("ship", lambda a, on: _job(ship.ship, a, on, carrier="SF", tracking_no="1"), on=("packed",)),
    Verb("send a box", lambda a, on: _job(bring.send_to_shop, a, on, chain=a.world.look.chain), on=("box",)),
    Verb("make ready", lambda a, on: _job(hand_over.mark_ready, a, on), on=("to pick", "parcel", "far"), rarely=True),
    Verb("put back", lambda a, on: _job(hand_over.mark_unready, a, on), on=("standing", "packed", "box"), rarely=True),
    Verb("reject", lambda a, on: _reject(a, on, "other"), on=(*PICKUPS, *PARCELS, "box"), alike=CANNOT_REJECT),
    Verb(
        "report as missing",
        lambda a, on: _reject(a, on, "missing"),
        on=(*PICKUPS, *PARCELS, "box"),
        alike=CANNOT_REJECT,
        rarely=True,
    ),
    Verb("plan again to elsewhere", _replan, on=("far",)),
    Verb("settle a shortage", _settle, on=("missing",), in_steps=True, rarely=True),
    Verb("find after all", _found, on=("missing",), rarely=True),
    Verb("take the money", _answer_money, on=("asked",), rarely=True),
    Verb("answer too late", _answer_late, on=("asked",), rarely=True),
    Verb("give back what waits", _refund_frozen, on=("frozen",), rarely=True),
    Verb(
        "approve a transfer", lambda a, on: _step(transfers.approve, a, on, chain=a.world.look.chain), on=("requested",)
    ),
    Verb(
        "decline a transfer", lambda a, on: _step(transfers.decline, a, on, reason="r"), on=("requested",), rarely=True
    ),
    Verb("call a transfer off", lambda a, on: _step(transfers.cancel, a, on, reason="r"), on=("requested", "agreed")),
    Verb("let a transfer lapse", lambda a, _: _swept(expire.lapse_transfers, a), on=("requested",), rarely=True),
    Verb("send", lambda a, on: _step(transfers.send, a, on, chain=a.world.look.chain, picked=None), on=("agreed",)),
    Verb("release", _release, on=("held",)),
    Verb("let holds expire", lambda a, _: _swept(expire.expire_holds, a), on=("held", "kept until now"), rarely=True),
    Verb("buy what is kept", lambda a, on: _place(a, on, at="A", pay_mode="at_store"), on=("kept", "kept until now")),
    Verb("sell what is kept", _sell, on=("kept", "kept until now"), rarely=True),
    Verb("give up a favourite", _give_up, on=("kept", "kept until now"), rarely=True),
    # What comes in.
    Verb("take goods in", lambda a, me: _adjust(a, me, delta=1, reason="receipt")),
    Verb("receive", _receive, on=("under way", "coming")),
    Verb(
        "receive it broken", lambda a, on: _receive(a, on, good=0, damaged=1), on=("under way", "coming"), rarely=True
    ),
    Verb("bring back", _bring_back, on=("taken home", "home by coupon")),
    Verb("bring back broken", lambda a, on: _bring_back(a, on, condition="damaged"), on=("taken home",), rarely=True),
    Verb("write off", lambda a, on: _step(bring.write_off, a, on, reason="r"), on=("under way", "coming"), rarely=True),
    # At the till.
    Verb("ring up", _ring_up, wants=True, rarely=True),
    Verb("start a charge", _start_charge, on=("rung up",), rarely=True),
    Verb("change the parts", _change_parts, on=("rung up", "code paid"), rarely=True),
    Verb("complete", _complete, on=("rung up", "code paid"), rarely=True),
    Verb("let go", _let_go, on=("rung up", "being charged", "code paid"), rarely=True),
    Verb("take up", lambda a, on: _take_parked(a, on, how="resumed"), on=("parked",), apart=True),
    Verb("discard", lambda a, on: _take_parked(a, on, how="discarded"), on=("parked",), apart=True, rarely=True),
    # Coupons.
    Verb("claim", _claim, on=("batch",), apart=True),
    Verb("make void", _void, on=("batch", "coupon", "brought back"), apart=True, rarely=True),
    Verb("use a coupon", _use, on=("coupon", "brought back"), rarely=True),
    Verb("use a coupon at the till", _use_at_till, on=("coupon", "brought back"), rarely=True),
    Verb("give back offers", _give_back, on=("by coupon", "home by coupon", "brought back"), apart=True),
]


class Case(NamedTuple):
    """Two verbs, and what each works on; `one`: the same thing."""

    left: Verb
    right: Verb
    left_on: str | None
    right_on: str | None
    one: bool

    @property
    def name(self) -> str:
        """As it is told when it fails."""
        on = f" on {self.left_on}" if self.one else ""
        return f"{self.left.name} × {self.right.name}{on}"

    @property
    def meets(self) -> str:
        """What the two want of each other, or why they cannot want the same unit."""
        here = [name for name in (self.left_on, self.right_on) if name and GIVEN[name].here]
        if self.one:
            return "the same thing"
        if self.left.wants and self.right.wants:
            return "the last unit, which is free"
        if (self.left.wants or self.right.wants) and (here or "take goods in" in (self.left.name, self.right.name)):
            return "the last unit, which is kept or comes"
        return APART

    async def build(self, arena: Arena, members: tuple[UUID, UUID]) -> tuple[On, On]:
        """What each works on, as it is now."""
        found = [On(members[0]), On(members[1])]
        names = [self.left_on, None if self.one else self.right_on]
        for late in (False, True):
            for n, name in enumerate(names):
                if name is not None and (name in LAST) is late:
                    found[n] = await GIVEN[name].build(arena, members[n])
            if not late and self._needs_one:
                await arena.world.stock("A", SKU, 1)
        return found[0], found[0] if self.one else found[1]

    @property
    def begins(self) -> tuple[object, ...]:
        """What its state depends on."""
        return self.left_on, self.right_on, self.one, self._needs_one

    @property
    def _needs_one(self) -> bool:
        """Whether there has to be a free unit on the shelf: somebody wants it, and it neither lies there nor will come."""
        comes = any(name is not None and GIVEN[name].here for name in (self.left_on, self.right_on))
        comes = comes or "take goods in" in (self.left.name, self.right.name)
        return (self.left.wants or self.right.wants) and not comes


APART = "units are kept for one thing each: they meet on the shelf, not over a unit"
"""Why the other pairs cannot share a unit: what is held for an order is no transfer's, hold's or favourite's. They still
lock the same level, and run all the same."""


def cases() -> list[Case]:
    """Every unordered pair, a verb with itself too: on each thing that both can work on, or each on its own."""
    found = []
    for left, right in itertools.combinations_with_replacement(VERBS, 2):
        common = [name for name in left.on if name in right.on]
        if common:
            found += [Case(left, right, name, name, one=True) for name in common]
        elif not (left.apart or right.apart):
            found.append(
                Case(left, right, left.on[0] if left.on else None, right.on[0] if right.on else None, one=False)
            )
    return found


CASES = cases()
