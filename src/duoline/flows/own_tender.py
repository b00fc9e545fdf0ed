"""Tenders of our own, such as points: nobody outside is asked, so what is asked for is paid in the same step."""

from __future__ import annotations

from typing import TYPE_CHECKING

from duoline import orders, payments
from duoline.kernel import clock
from duoline.kernel.errors import ensure
from duoline.kernel.ids import new_id

if TYPE_CHECKING:
    from uuid import UUID

    from duoline.kernel.auth import Actor
    from duoline.kernel.db import Tx
    from duoline.orders import Order


async def capture(tx: Tx, order: Order, *, tender: str, account: str, amount_minor: int, actor: Actor) -> UUID:
    """Ask for a part of a locked order in a tender of our own, which is also its provider, and record it as paid from
    `account`. Returns the intent; what it takes from the member the caller takes, after all other locks."""
    intent_id = new_id()
    await payments.open_code_intent(
        tx,
        provider=tender,
        member_id=order.member_id,
        order_id=order.id,
        intent_id=intent_id,
        amount_minor=amount_minor,
        currency=order.currency,
        expires_at=order.pay_by_at or clock.now(),
    )
    captured = await payments.capture(
        tx,
        await payments.lock_intent(tx, order.member_id, intent_id),
        tender=tender,
        account=account,
        amount_minor=amount_minor,
        currency=order.currency,
        actor=actor,
    )
    ensure(captured is not None, "PAY-3", f"{order.order_no}: {tender} paid before it was asked for")
    await orders.add_paid(tx, order, amount_minor)
    return intent_id
