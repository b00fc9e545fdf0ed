"""Pay the balance of a pre-order online: its goods are held now, where they are wanted, and the order waits for payment
as every order does. When it is not paid in time, they are free again and the pre-order is as it was (`preorders`)."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from duoline import fulfilment, inventory, orders, payments
from duoline.catalog.errors import NotInAssortment
from duoline.flows.book import WayNotOffered, ensure_collects
from duoline.flows.elsewhere import open_job, plan_units, serve_elsewhere
from duoline.kernel import clock, faults
from duoline.kernel.errors import Unavailable
from duoline.kernel.ids import new_id
from duoline.pricing import presales
from duoline.stores.types import CHAIN_ZONE

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from duoline.flows import basket as baskets
    from duoline.flows.elsewhere import Elsewhere
    from duoline.kernel.auth import Actor
    from duoline.kernel.db import Tx
    from duoline.orders import Line, Order, Preorder
    from duoline.stores.types import Store

faults.register("balance.before_commit")


class Way(NamedTuple):
    """How the goods are to be had: collected at a shop, or sent to an address by a plan that was made beforehand."""

    store: Store | None
    address: orders.Address | None
    contact: orders.Contact
    plan: Elsewhere | None = None


def ensure_balance_open(order: Order, preorder: Preorder, at: datetime) -> None:
    """Whether the balance can be paid at an instant. Refuses `orders.preorder-ended`, `orders.preorder-done`,
    `orders.balance-being-paid`, `orders.not-booked`, `orders.balance-not-open`, `orders.balance-over`."""
    state = orders.OrderState(order.state)
    if state in (orders.OrderState.CANCELLED, orders.OrderState.EXPIRED):
        raise orders.PreorderEnded
    if state in (orders.OrderState.CONFIRMED, orders.OrderState.COMPLETED):
        raise orders.PreorderDone
    if state is not orders.OrderState.BOOKED:
        raise orders.BalanceBeingPaid if order.kept_minor >= preorder.deposit_minor else orders.NotBooked
    if at < preorder.balance_from:
        local = clock.trading_day(preorder.balance_from, CHAIN_ZONE)
        raise orders.BalanceNotOpen(day=f"{local:%Y-%m-%d}", from_at=preorder.balance_from)
    if at >= preorder.balance_until:
        raise orders.BalanceOver


async def plan_delivery(look: baskets.Look, order: Order, lines: list[Line], address: orders.Address) -> Elsewhere:
    """Where the goods would be sent from. No transaction is open. Refuses `inventory.insufficient-stock`."""
    units = {line.id: line.due for line in lines}
    plan = await plan_units(
        look,
        member_id=order.member_id,
        address=address,
        units=units,
        skus={line.id: line.sku_id for line in lines},
        without=frozenset(),
    )
    there = plan.units if plan else {}
    if plan is None or there != units:
        raise inventory.InsufficientStock(
            short=[
                {"sku_id": str(line.sku_id), "location_code": None, "wanted": line.due,
                 "available": there.get(line.id, 0)}
                for line in lines
            ]
        )  # fmt: skip
    return plan


async def start_balance(
    tx: Tx, look: baskets.Look, *, member_id: UUID, order_id: UUID, way: Way, secret: bytes, actor: Actor
) -> None:
    """Hold the goods of a booked pre-order and let it wait for its balance.

    Locks the order, the levels. Refuses `kernel.not-found`, as `ensure_balance_open`, `pricing.presale-way`,
    `stores.no-pickup`, `stores.closed`, `catalog.not-in-assortment`, `inventory.insufficient-stock`; `Unavailable` when
    planned units were taken meanwhile, so that the caller plans again. Whatever is refused, nothing has changed.
    """
    order, lines = await orders.lock_order(tx, member_id, order_id)
    if order.presale_id is None:
        raise orders.NotBooked
    preorder, now = await orders.preorder_of(tx, order), clock.now()
    ensure_balance_open(order, preorder, now)
    await _ensure_offered(tx, order, lines, way)
    pay_by_at = now + timedelta(minutes=fulfilment.PICKUP.current().body.pay_minutes)
    await _let_it_be_paid(tx, order, pay_by_at)
    method: orders.Method = "pickup" if way.store else "delivery"
    store_id = way.store.id if way.store else None
    await orders.change_way(tx, order, way=method, store_id=store_id)
    await orders.advance(tx, order, orders.OrderState.AWAITING_PAYMENT)
    waiting = await orders.await_balance(
        tx,
        order._replace(state=orders.OrderState.AWAITING_PAYMENT.value),
        pay_mode="online",
        method=method,
        store_id=store_id,
        contact=way.contact,
        address=way.address,
        pay_by_at=pay_by_at,
    )
    await inventory.lock_levels(tx, _levels(lines, way))
    if way.store is not None:
        await _hold_at_shop(tx, look, waiting, lines, way.store, _like(waiting, way, now), secret, actor)
    elif way.plan is not None:
        await serve_elsewhere(
            tx, look, waiting, _like(waiting, way, now), way.plan, actor=actor, kind="balance_started"
        )
    faults.point("balance.before_commit")


async def _ensure_offered(tx: Tx, order: Order, lines: list[Line], way: Way) -> None:
    """The way is one of the pre-sale's, as it holds now, and the shop may sell the article."""
    if order.presale_id is None:
        raise orders.NotBooked
    presale = await presales.find(tx, order.presale_id)
    if way.store is None:
        if not presale.delivery:
            raise WayNotOffered
        return
    ensure_collects(way.store)
    if not presale.collects_at(way.store.id):
        raise WayNotOffered
    await ensure_may_sell(tx, lines, way.store)


async def ensure_may_sell(tx: Tx, lines: list[Line], store: Store) -> None:
    """Refuses `catalog.not-in-assortment` for an article that the shop may not sell."""
    unlisted = await tx.fetchval(
        """SELECT k.id FROM skus k JOIN unlisted u ON u.product_id = k.product_id
           WHERE k.id = ANY ($1) AND $2 = ANY (u.store_ids) LIMIT 1""",
        [line.sku_id for line in lines],
        store.id,
    )
    if unlisted is not None:
        raise NotInAssortment(sku_id=str(unlisted), store_code=store.code)


async def _let_it_be_paid(tx: Tx, order: Order, pay_by_at: datetime) -> None:
    """The balance's intent may be opened at its provider, until then."""
    for intent in await payments.intents_of(tx, order.member_id, order.id):
        if intent.state == "open":
            await payments.postpone_intent(tx, intent, pay_by_at)


def _levels(lines: list[Line], way: Way) -> list[tuple[UUID, UUID]]:
    if way.store is not None:
        return [(way.store.id, line.sku_id) for line in lines]
    parcels = way.plan.plan.parcels if way.plan else ()
    return [(parcel.location_id, piece.sku_id) for parcel in parcels for piece in parcel.pieces]


def _like(order: Order, way: Way, now: datetime) -> fulfilment.Fulfilment:
    """The pattern of its fulfilments: nothing was fulfilled for it before."""
    return fulfilment.Fulfilment(
        location_id=order.id,
        id=order.id,
        member_id=order.member_id,
        order_id=order.id,
        order_no=order.order_no,
        kind="pickup" if way.store else "ship",
        state=fulfilment.FulfilmentState.WAITING.value,
        pay_mode="online",
        paid=False,
        contact_name=way.contact.name,
        contact_phone=way.contact.phone,
        address=None if way.address is None else _plain(way.address),
        note=order.note,
        promise_at=now,
        ready_at=None,
        keep_until=None,
        to_location_id=None,
        to_pick_at=None,
        begun_at=None,
        in_shop=False,
    )


def _plain(address: orders.Address) -> dict[str, object]:
    return {name: getattr(address, name) for name in address.__struct_fields__}


async def _available(tx: Tx, store: Store, sku_id: UUID) -> int:
    """How many units of a SKU a locked level of the shop has for others."""
    free: int | None = await tx.fetchval(
        "SELECT duo_available(on_hand, held, safety) FROM levels WHERE location_id = $1 AND sku_id = $2",
        store.id,
        sku_id,
    )
    return free or 0


async def _hold_at_shop(
    tx: Tx,
    look: baskets.Look,
    order: Order,
    lines: list[Line],
    store: Store,
    like: fulfilment.Fulfilment,
    secret: bytes,
    actor: Actor,
) -> None:
    job_id, now = new_id(), clock.now()
    counts, lags = await look.work.counts(), await look.work.lags()
    ready = fulfilment.pickup_ready_at(store, now, open_work=counts.get(store.id, 0), lags=lags)
    try:
        await open_job(
            tx,
            order,
            like,
            location_id=store.id,
            wants=[(line.id, line.sku_id, line.due) for line in lines],
            promised=ready or fulfilment.Promised(now, now),
            decision_id=None,
            code=fulfilment.code_of(job_id, secret),
            job_id=job_id,
        )
    except Unavailable as gone:
        raise inventory.InsufficientStock(
            short=[
                {
                    "sku_id": str(line.sku_id),
                    "location_code": store.code,
                    "wanted": line.due,
                    "available": await _available(tx, store, line.sku_id),
                }
                for line in lines
            ]
        ) from gone
    await orders.timeline.write(
        tx,
        member_id=order.member_id,
        order_id=order.id,
        kind="balance_started",
        actor=actor,
        location_code=store.code,
    )
