"""Sell over the counter: one order like any other, placed, paid in cash and handed over in one transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from duoline import attribution, fulfilment, inventory, ledger, orders, payments, pricing
from duoline.catalog.errors import NotInAssortment
from duoline.flows import basket as baskets
from duoline.flows.draft import discounts_of, gift_of, use_of
from duoline.flows.keep import use_at_till
from duoline.kernel import audit, clock, faults, outbox
from duoline.kernel.errors import Fault, ensure
from duoline.kernel.ids import new_id
from duoline.kernel.money import Money

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from duoline.catalog.types import SkuFacts
    from duoline.flows.gifts import Gift, GiftWord
    from duoline.flows.offers import Offers, Taken
    from duoline.kernel.auth import Actor
    from duoline.kernel.db import Tx
    from duoline.stores.types import Store

faults.register("sell.before_commit")


class Sale(NamedTuple):
    """What was sold. Amounts in minor units."""

    member_id: UUID
    order_id: UUID
    order_no: str
    total_minor: int
    change_minor: int
    currency: str


class PricedWish(NamedTuple):
    """Units with their facts, their price at this till, and what offers take off them. Amounts in minor units."""

    facts: SkuFacts
    quantity: int
    price: pricing.Price
    offers: Sequence[Taken] = ()
    gift: UUID | None = None
    """The promotion that gives them."""

    @property
    def amount_minor(self) -> int:
        """What they cost before offers."""
        return self.quantity * self.price.price_minor

    @property
    def net_minor(self) -> int:
        """What they cost."""
        return self.amount_minor - sum(taken.amount_minor for taken in self.offers)


class Counter(NamedTuple):
    """What lies on a counter, priced. Amounts in minor units."""

    wishes: Sequence[PricedWish]
    currency: str
    offers: Offers
    gifts: Sequence[Gift] = ()
    """What comes with it; their lines are among the wishes, behind what was rung up."""

    @property
    def subtotal_minor(self) -> int:
        """What it costs before offers."""
        return sum(wish.amount_minor for wish in self.wishes)

    @property
    def total_minor(self) -> int:
        """What it costs."""
        return sum(wish.net_minor for wish in self.wishes)


async def price_wishes(
    look: baskets.Look,
    store: Store,
    wishes: Sequence[tuple[UUID, int]],
    *,
    member_id: UUID | None,
    coupon_ids: Sequence[UUID] = (),
    gifts: Sequence[GiftWord] | None = None,
) -> Counter:
    """Facts, prices and offers at a store's till. Refuses `orders.empty`, `orders.too-many-lines`,
    `orders.bad-quantity`, `pricing.not-for-sale`, `catalog.not-in-assortment`.

    What a customer holds in hand may be sold although it is not published: only the SKU has to be active. `gifts` as
    `basket.look_at`.
    """
    if not wishes:
        raise orders.EmptyOrder
    if len(wishes) > orders.LINES_MAX:
        raise orders.TooManyLines(maximum=orders.LINES_MAX)
    if any(not 1 <= quantity <= orders.QUANTITY_MAX for _, quantity in wishes):
        raise orders.BadOrderQuantity(maximum=orders.QUANTITY_MAX)
    from_basket = await baskets.look_at(
        look,
        [
            orders.Wanted(sku_id=sku_id, quantity=quantity, method="pickup", store_id=store.id)
            for sku_id, quantity in wishes
        ],
        channel="till",
        member_id=member_id,
        address=None,
        coupon_ids=coupon_ids,
        gifts=gifts,
    )
    priced = []
    for line in from_basket.lines:
        if line.facts is None or isinstance(line.problem, pricing.NotForSale):
            raise pricing.NotForSale(sku_id=str(line.wanted.sku_id))
        if isinstance(line.problem, NotInAssortment):
            raise line.problem
        price = pricing.Price(line.unit_price_minor, from_basket.currency, line.price_scope, line.price_tier)
        priced.append(PricedWish(line.facts, line.wanted.quantity, price, line.offers, line.wanted.gift))
    return Counter(priced, from_basket.currency, from_basket.offers, from_basket.gifts)


async def sell(
    tx: Tx,
    store: Store,
    counter: Counter,
    *,
    member_id: UUID,
    contact: orders.Contact,
    tendered_minor: int,
    actor: Actor,
    drawer: str | None = None,
) -> Sale:
    """Take the cash and let the goods go. What is kept for this very member goes first.

    Locks what is limited of its offers and its coupons, then the levels in order, then the drawer. Refuses
    `fulfilment.too-little-money`, `pricing.offer-gone` when others have used up an offer since the basket was priced,
    then `inventory.insufficient-stock`.
    """
    now = clock.now()
    order_id = new_id()
    wishes, currency, total = counter.wishes, counter.currency, counter.total_minor
    if tendered_minor < total:
        raise fulfilment.TooLittle(due=str(Money(total, currency)), due_minor=total)
    order_no = orders.new_order_no(now, store.timezone)
    await use_offers(tx, counter.offers, order_id=order_id, member_id=member_id)
    needs = [inventory.Need(store.id, wish.facts.sku_id, wish.quantity) for wish in wishes]
    await use_at_till(
        tx,
        location_id=store.id,
        demand=inventory.add_up(needs),
        member_id=member_id,
        order_id=order_id,
        actor=actor,
    )
    await inventory.sell(tx, needs, ref_kind="order", ref_id=order_id, actor=actor)
    await write(
        tx,
        store,
        counter,
        order_id=order_id,
        order_no=order_no,
        member_id=member_id,
        contact=contact,
        now=now,
    )
    if total:
        await _take_cash(tx, store, order_id, member_id, total, currency, actor, drawer)
    await orders.timeline.write(
        tx, member_id=member_id, order_id=order_id, kind="sold", actor=actor, location_code=store.code
    )
    await outbox.emit(
        tx,
        topic="orders.sold",
        key=str(order_id),
        payload={"order_id": str(order_id), "order_no": order_no, "total_minor": total},
        family="member",
        owner_id=member_id,
        store_ids=[store.id],
        member_id=member_id,
    )
    await audit.record(
        tx,
        actor=actor,
        action="order.sell",
        subject_kind="order",
        subject=order_no,
        store_id=store.id,
        after={
            "paid_minor": total,
            "currency": currency,
            "tender": "cash",
            "tendered_minor": tendered_minor,
            "change_minor": tendered_minor - total,
            "lines": [
                {
                    "sku_code": wish.facts.sku_code,
                    "quantity": wish.quantity,
                    "unit_price_minor": wish.price.price_minor,
                    "net_minor": wish.net_minor,
                }
                for wish in wishes
            ],
        },
    )
    faults.point("sell.before_commit")
    return Sale(member_id, order_id, order_no, total, tendered_minor - total, currency)


async def use_offers(tx: Tx, offers: Offers, *, order_id: UUID, member_id: UUID) -> None:
    """Use up what is limited of offers, and coupons. Locks their counters. Refuses `pricing.offer-gone`."""
    rows: dict[str, Any] = {}
    if offers.limited:
        rows["promotion_uses"] = [
            {"o": 1} | use_of(promotion, amount, order_id=order_id, member_id=member_id)
            for promotion, amount in offers.limited
        ]
    if offers.coupons:
        rows["coupons"] = [
            {"o": 1, "id": coupon.id, "order_id": order_id, "member_id": member_id} for coupon in offers.coupons
        ]
    if rows and not await tx.fetchval("SELECT duo_sell_offers($1, $2)", rows, clock.now()):
        raise pricing.OfferGone


async def write(
    tx: Tx,
    store: Store,
    counter: Counter,
    *,
    order_id: UUID,
    order_no: str,
    member_id: UUID,
    contact: orders.Contact,
    now: datetime,
    pay_by_at: datetime | None = None,
) -> list[UUID]:
    """Write the order and its lines: sold, or with `pay_by_at` waiting for its money. Returns the lines' ids."""
    lines = [(new_id(), wish) for wish in counter.wishes]
    for _, wish in lines:
        ensure(wish.gift is None or wish.net_minor == 0, "ORD-6", f"{order_no} asks {wish.net_minor} for a gift")
    await orders.write_sale(
        tx,
        member_id=member_id,
        order_id=order_id,
        order_no=order_no,
        store_id=store.id,
        contact=contact,
        subtotal_minor=counter.subtotal_minor,
        total_minor=counter.total_minor,
        currency=counter.currency,
        at=now,
        pay_by_at=pay_by_at,
        lines=[
            {
                "id": line_id,
                "n": n,
                "sku_id": wish.facts.sku_id,
                "sku_code": wish.facts.sku_code,
                "product_code": wish.facts.product_code,
                "name": {"zh": wish.facts.name.zh, "en": wish.facts.name.en},
                "options": baskets.as_options(wish.facts),
                "image_sha": wish.facts.image_sha,
                "quantity": wish.quantity,
                "unit_price_minor": wish.price.price_minor,
                "amount_minor": wish.amount_minor,
                "net_minor": wish.net_minor,
                "price_scope": wish.price.scope,
                "price_tier": wish.price.tier,
                "gift": wish.gift is not None,
            }
            for n, (line_id, wish) in enumerate(lines, 1)
        ],
        discounts=[
            row
            for line_id, wish in lines
            for row in discounts_of(line_id, wish.amount_minor - wish.net_minor, wish.offers)
        ],
        gifts=[
            gift_of(gift, line_id, [lines[n][0] for n in gift.bought])
            for gift in counter.gifts
            for line_id, wish in lines
            if wish.gift == gift.promotion.id
        ],
    )
    if contact.phone:  # who is unknown has met nothing
        await attribution.note(tx, member_id=member_id, order_id=order_id, at=now)
    return [line_id for line_id, _ in lines]


async def _take_cash(
    tx: Tx, store: Store, order_id: UUID, member_id: UUID, total: int, currency: str, actor: Actor, drawer: str | None
) -> None:
    intent_id = new_id()
    await payments.open_store_intent(
        tx, member_id=member_id, order_id=order_id, intent_id=intent_id, amount_minor=total, currency=currency
    )
    intent = await payments.lock_intent(tx, member_id, intent_id)
    captured = await payments.capture(
        tx,
        intent,
        tender="cash",
        account=ledger.accounts.cash(store.id),
        amount_minor=total,
        currency=currency,
        actor=actor,
    )
    if captured is None:
        raise Fault("PAY-3", f"{order_id}: a new intent was captured before")
    await ledger.post(
        tx,
        member_id=member_id,
        kind="sale",
        ref_kind="order",
        ref_id=order_id,
        order_id=order_id,
        entries=[ledger.Entry(ledger.accounts.DEPOSITS, ledger.accounts.sales(store.id), total)],
        currency=currency,
        actor=actor,
    )
    await payments.note_cash(tx, store.id, kind="sale", amount_minor=total, ref_id=captured, actor=actor, drawer=drawer)
