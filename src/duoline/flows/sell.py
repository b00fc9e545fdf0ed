"""Sell over the counter: one order like any other, placed, paid in cash and handed over in one transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from duoline import fulfilment, inventory, ledger, orders, payments, pricing
from duoline.flows import basket as baskets
from duoline.flows.keep import use_at_till
from duoline.kernel import audit, clock, faults, outbox
from duoline.kernel.ids import new_id
from duoline.kernel.money import Money

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from duoline.catalog.types import SkuFacts
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
    """Units with their facts and their price at this till."""

    facts: SkuFacts
    quantity: int
    price: pricing.Price


async def price_wishes(
    look: baskets.Look, store: Store, wishes: Sequence[tuple[UUID, int]], *, member_id: UUID | None
) -> list[PricedWish]:
    """Facts and prices at a store's till. Refuses `orders.empty`, `orders.bad-quantity`, `catalog.not-for-sale`.

    What a customer holds in hand may be sold although it is not published: only the SKU has to be active.
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
    )
    priced = []
    for line in from_basket.lines:
        if line.facts is None or isinstance(line.problem, pricing.NotForSale):
            raise pricing.NotForSale(sku_id=str(line.wanted.sku_id))
        price = pricing.Price(line.unit_price_minor, from_basket.currency, line.price_scope)
        priced.append(PricedWish(line.facts, line.wanted.quantity, price))
    return priced


async def sell(
    tx: Tx,
    store: Store,
    wishes: Sequence[PricedWish],
    *,
    member_id: UUID,
    contact: orders.Contact,
    tendered_minor: int,
    actor: Actor,
) -> Sale:
    """Take the cash and let the goods go. What is kept for this very member goes first. Locks the levels in order.

    Refuses `fulfilment.too-little-money`, then `inventory.insufficient-stock`.
    """
    now = clock.now()
    order_id = new_id()
    currency = wishes[0].price.currency
    total = sum(wish.quantity * wish.price.price_minor for wish in wishes)
    if tendered_minor < total:
        raise fulfilment.TooLittle(due=str(Money(total, currency)), due_minor=total)
    order_no = orders.new_order_no(now, store.timezone)
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
    await _write(
        tx,
        store,
        wishes,
        order_id=order_id,
        order_no=order_no,
        member_id=member_id,
        contact=contact,
        total=total,
        now=now,
    )
    if total:
        await _take_cash(tx, store, order_id, member_id, total, currency, actor)
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
                {"sku_code": wish.facts.sku_code, "quantity": wish.quantity, "unit_price_minor": wish.price.price_minor}
                for wish in wishes
            ],
        },
    )
    faults.point("sell.before_commit")
    return Sale(member_id, order_id, order_no, total, tendered_minor - total, currency)


async def _write(
    tx: Tx,
    store: Store,
    wishes: Sequence[PricedWish],
    *,
    order_id: UUID,
    order_no: str,
    member_id: UUID,
    contact: orders.Contact,
    total: int,
    now: datetime,
) -> None:
    await orders.write_sale(
        tx,
        member_id=member_id,
        order_id=order_id,
        order_no=order_no,
        store_id=store.id,
        contact=contact,
        total_minor=total,
        currency=wishes[0].price.currency,
        at=now,
        lines=[
            {
                "id": new_id(),
                "n": n,
                "sku_id": wish.facts.sku_id,
                "sku_code": wish.facts.sku_code,
                "product_code": wish.facts.product_code,
                "name": {"zh": wish.facts.name.zh, "en": wish.facts.name.en},
                "options": baskets.as_options(wish.facts),
                "image_sha": wish.facts.image_sha,
                "quantity": wish.quantity,
                "unit_price_minor": wish.price.price_minor,
                "amount_minor": wish.quantity * wish.price.price_minor,
                "price_scope": wish.price.scope,
            }
            for n, wish in enumerate(wishes, 1)
        ],
    )


async def _take_cash(
    tx: Tx, store: Store, order_id: UUID, member_id: UUID, total: int, currency: str, actor: Actor
) -> None:
    intent_id = new_id()
    await payments.open_store_intent(
        tx, member_id=member_id, order_id=order_id, intent_id=intent_id, amount_minor=total, currency=currency
    )
    intent = await payments.lock_intent(tx, member_id, intent_id)
    await payments.capture(
        tx,
        intent,
        tender="cash",
        account=ledger.accounts.cash(store.id),
        amount_minor=total,
        currency=currency,
        actor=actor,
    )
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
