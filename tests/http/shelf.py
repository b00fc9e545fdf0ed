"""One article on the shelf, ready to be bought through HTTP."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from duoline import inventory
from duoline.catalog.docs import refresh_docs
from duoline.flows import pay
from duoline.kernel import clock
from duoline.kernel.auth import SYSTEM
from duoline.kernel.ids import new_id
from duoline.payments.provider import EventKind, PaymentEvent

if TYPE_CHECKING:
    from tests.http.world import Caller, World

NOON = datetime(2026, 11, 18, 4, 0, tzinfo=UTC)
CONTACT = {"name": "王芳", "phone": "13900000001"}
ADDRESS = {
    "name": "王芳",
    "phone": "13900000001",
    "province": "某省",
    "city": "某市",
    "district": "",
    "line": "某路 1 号",
}


async def stocked(world: World, code: str, price_minor: int, units: dict[str, int]) -> str:
    db, now, product, sku = world.db, clock.now(), new_id(), new_id()
    category = await db.fetchval(
        "INSERT INTO categories (id, code, name_zh, name_en) VALUES ($1, $2, '奶粉', 'Milk') RETURNING id",
        new_id(), f"C{code}",
    )  # fmt: skip
    await db.execute(
        """INSERT INTO products (id, code, name_zh, name_en, category_id, state, published_at, updated_at)
           VALUES ($1, $2, '奶粉', 'Milk powder', $3, 'published', $4, $4)""",
        product, code, category, now,
    )  # fmt: skip
    await db.execute("INSERT INTO skus (id, product_id, code) VALUES ($1, $2, $3)", sku, product, f"{code}-1")
    await db.execute(
        """INSERT INTO prices (id, sku_id, scope, scope_id, price_minor, valid, actor_id, created_at)
           VALUES ($1, $2, 'chain', '00000000-0000-0000-0000-000000000000', $3, tstzrange($4, NULL), $5, $6)""",
        new_id(), sku, price_minor, datetime(2020, 1, 1, tzinfo=UTC), SYSTEM.id, now,
    )  # fmt: skip
    async with db.begin() as tx:
        for store, store_id in world.stores.items():
            await inventory.open_location(tx, store_id=store_id, kind="dc" if store.startswith("D") else "store")
        await refresh_docs(tx, None)
        for store, quantity in units.items():
            await inventory.adjust(
                tx, location_id=world.stores[store], sku_id=sku, delta=quantity, reason="opening", actor=SYSTEM
            )
    return str(sku)


def line(sku: str, quantity: Any = 1, store: str | None = "S1", **more: Any) -> dict[str, Any]:
    if store is None:
        return {"sku_id": sku, "quantity": quantity, "method": "delivery", **more}
    return {"sku_id": sku, "quantity": quantity, "method": "pickup", "store_code": store, **more}


def order(*lines: dict[str, Any], pay_mode: str = "at_store", **more: Any) -> dict[str, Any]:
    return {"lines": list(lines), "pay_mode": pay_mode, "contact": CONTACT, **more}


async def bought(world: World, buyer: Caller, *lines: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Ordered and paid online."""
    placed = await buyer.post("/api/mall/orders", order(*lines, pay_mode="online", **more))
    assert placed.status_code == 201, placed.text
    ref = await world.db.fetchval("SELECT id FROM payment_intents WHERE order_id = $1", UUID(placed.json()["id"]))
    await pay.receive(
        world.db, "sandbox",
        PaymentEvent(
            event_id=str(ref), kind=EventKind.PAYMENT_PAID, ref=str(ref), refund_ref=None,
            amount_minor=placed.json()["total"]["minor"], currency="CNY", occurred_at=clock.now(),
        ),
    )  # fmt: skip
    return dict(placed.json())


async def held(world: World, sku: str, store: str = "S1") -> tuple[int, int]:
    row = await world.db.fetchrow(
        "SELECT on_hand, held FROM levels WHERE location_id = $1 AND sku_id = $2", world.stores[store], UUID(sku)
    )
    assert row is not None
    return row["on_hand"], row["held"]
