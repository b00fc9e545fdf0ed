"""Book goods that are not there yet: an order that asks for its deposit now, and for its balance later.

The units of the pre-sale are counted under the lock of its counter, the first that booking takes after its key;
nothing is held, because there is nothing to hold.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from duoline import catalog, fulfilment, orders, payments, pricing
from duoline.flows.basket import as_options
from duoline.kernel import clock, faults, outbox
from duoline.kernel.errors import Refusal
from duoline.kernel.ids import new_id
from duoline.payments import providers
from duoline.pricing import presales

if TYPE_CHECKING:
    from uuid import UUID

    from duoline.kernel.auth import Actor
    from duoline.kernel.db import Tx
    from duoline.stores.types import Store

faults.register("book.before_commit")


class WayNotOffered(Refusal):
    """The pre-sale is not had in this way, or not at this shop."""

    code = "pricing.presale-way"
    status = 409
    zh = "这场预售不支持这样取货,请换一家门店或换一种方式。"
    en = "This pre-sale cannot be had in this way; choose another shop or another way."


class Booking(NamedTuple):
    """What a member books: `version` is the pre-sale's that they have seen. `store` to collect at, else the address."""

    presale_id: UUID
    version: int
    quantity: int
    store: Store | None
    address: orders.Address | None
    contact: orders.Contact
    note: str = ""


async def book(tx: Tx, wanted: Booking, *, member_id: UUID, channel: str, secret: bytes, actor: Actor) -> UUID:
    """Book units of a pre-sale; the order waits for its deposit. Returns the order's id.

    Locks the pre-sale's counter. Refuses `orders.no-online-payment`, then as `presales.take` (`pricing.presale-over`,
    `-not-begun`, `-changed`, `-limit`, `-sold-out`), `pricing.presale-way`, `catalog.not-for-sale`.
    """
    provider = providers.online()
    if provider is None:
        raise orders.NoOnlinePayment
    now, order_id, units = clock.now(), new_id(), wanted.quantity
    presale = await presales.take(
        tx, wanted.presale_id, version=wanted.version, units=units, order_id=order_id, member_id=member_id
    )
    _ensure_offered(presale, wanted)
    facts = (await catalog.sku_facts(tx, [presale.sku_id])).get(presale.sku_id)
    if facts is None or not facts.sellable:
        raise pricing.NotForSale(sku_id=str(presale.sku_id))
    preorder = orders.Preorder(
        member_id=member_id,
        order_id=order_id,
        presale_id=presale.id,
        version=presale.version,
        deposit_intent_id=new_id(),
        deposit_minor=presale.deposit_minor * units,
        balance_minor=(presale.price_minor - presale.deposit_minor) * units,
        balance_from=presale.balance_from,
        balance_until=presale.balance_until,
        expected_on=presale.expected_on,
        cancel_terms=presale.cancel_terms,
        unpaid_terms=presale.unpaid_terms,
        way="pickup" if wanted.store else "delivery",
        store_id=wanted.store.id if wanted.store else None,
        redeemed_at=None,
        reminded_at=None,
    )
    order_no = orders.new_order_no(now)
    pay_by_at = now + timedelta(minutes=fulfilment.PICKUP.current().body.pay_minutes)
    await orders.write_booking(
        tx,
        preorder,
        order_no=order_no,
        channel=channel,
        contact=wanted.contact,
        address=wanted.address,
        note=wanted.note,
        currency=presale.currency,
        pay_by_at=pay_by_at,
        line={
            "id": new_id(),
            "sku_id": facts.sku_id,
            "sku_code": facts.sku_code,
            "product_code": facts.product_code,
            "name": {"zh": facts.name.zh, "en": facts.name.en},
            "options": as_options(facts),
            "image_sha": facts.image_sha,
            "quantity": units,
            "unit_price_minor": presale.price_minor,
            "amount_minor": presale.price_minor * units,
        },
        secret=secret,
        actor=actor,
    )
    # The deposit's comes first: it is the one that is paid next.
    for intent_id, amount_minor, expires_at in (
        (preorder.deposit_intent_id, preorder.deposit_minor, pay_by_at),
        (new_id(), preorder.balance_minor, preorder.balance_until),
    ):
        await payments.open_code_intent(
            tx,
            provider=provider,
            member_id=member_id,
            order_id=order_id,
            intent_id=intent_id,
            amount_minor=amount_minor,
            currency=presale.currency,
            expires_at=expires_at,
        )
    await outbox.emit(
        tx,
        topic="orders.placed",
        key=str(order_id),
        payload={
            "order_id": str(order_id),
            "order_no": order_no,
            "state": "waiting",
            "total_minor": presale.price_minor * units,
        },
        family="member",
        owner_id=member_id,
        member_id=member_id,
    )
    faults.point("book.before_commit")
    return order_id


def _ensure_offered(presale: presales.Presale, wanted: Booking) -> None:
    if wanted.store is None:
        if not presale.delivery:
            raise WayNotOffered
        if wanted.address is None:
            raise orders.AddressMissing
        return
    ensure_collects(wanted.store)
    if not presale.collects_at(wanted.store.id):
        raise WayNotOffered


def ensure_collects(store: Store) -> None:
    """Refuses `stores.no-pickup`, `stores.closed` for a shop at which nothing can be collected."""
    if store.kind != "store" or not store.services.pickup:
        raise fulfilment.NoPickup(store_code=store.code)
    if not store.active:
        raise fulfilment.StoreClosed(store_code=store.code)
