"""The only writers of a fulfilment's state and lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from duoline.fulfilment.states import FULFILMENTS, FulfilmentState
from duoline.kernel import clock, outbox
from duoline.kernel.errors import ensure

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from duoline.fulfilment.locks import Fulfilment
    from duoline.kernel.db import Tx

_DONE = {
    FulfilmentState.HANDED_OVER,
    FulfilmentState.SHIPPED,
    FulfilmentState.CANCELLED,
    FulfilmentState.UNCOLLECTED,
    FulfilmentState.REJECTED,
}


def check_step(state: str, new: FulfilmentState) -> None:
    """Refuse with `kernel.wrong-state` a step that does not exist."""
    FULFILMENTS.check(FulfilmentState(state), new)


async def advance(
    tx: Tx,
    fulfilment: Fulfilment,
    new: FulfilmentState,
    *,
    keep_until: datetime | None = None,
    paid: bool | None = None,
    promise_at: datetime | None = None,
    carrier: str | None = None,
    tracking_no: str | None = None,
) -> None:
    """Take a locked fulfilment one step further and tell its shop and its member. Refuses `kernel.wrong-state`.

    `promise_at` is a new promise, for a buyer whose time begins with this step.
    """
    FULFILMENTS.check(FulfilmentState(fulfilment.state), new)
    gone = fulfilment.state == FulfilmentState.SHIPPED.value and fulfilment.kind != "transfer"
    ensure(not gone or new is FulfilmentState.DELIVERED, "FUL-2", f"{fulfilment.id} has left and becomes {new.value}")
    at_once = fulfilment.state == FulfilmentState.WAITING.value and new is not FulfilmentState.CANCELLED
    here = new is FulfilmentState.HANDED_OVER
    ensure(
        not at_once or here == (fulfilment.kind == "till"), "FUL-9", f"{fulfilment.kind} becomes {new.value} unpicked"
    )
    now = clock.now()
    done = await tx.execute(
        """UPDATE fulfilments SET state = $3, paid = coalesce($4, paid), carrier = coalesce($5, carrier),
                  tracking_no = coalesce($6, tracking_no), promise_at = coalesce($11, promise_at),
                  ready_at = CASE WHEN $3 = 'ready' THEN $7 WHEN $3 = 'to_pick' THEN NULL ELSE ready_at END,
                  keep_until = CASE WHEN $3 = 'ready' THEN $8 WHEN $3 = 'to_pick' THEN NULL ELSE keep_until END,
                  to_pick_at = CASE WHEN $3 = 'to_pick' THEN coalesce(to_pick_at, $7) ELSE to_pick_at END,
                  begun_at = CASE WHEN $3 = 'ready' THEN coalesce(begun_at, $7) ELSE begun_at END,
                  done_at = CASE WHEN $9 THEN $7 ELSE done_at END,
                  work_at = CASE WHEN $3 = 'to_pick' THEN coalesce(work_at, $7) ELSE work_at END,
                  delivered_at = CASE WHEN $3 = 'delivered' THEN $7 ELSE delivered_at END
           WHERE location_id = $1 AND id = $2 AND state = $10""",
        fulfilment.location_id,
        fulfilment.id,
        new.value,
        paid,
        carrier,
        tracking_no,
        now,
        keep_until,
        new in _DONE,
        fulfilment.state,
        promise_at,
    )
    ensure(done == "UPDATE 1", "FUL-1", f"{fulfilment.id} is not {fulfilment.state} any more")
    await outbox.emit(
        tx,
        topic=f"fulfilment.{new.value}",
        key=str(fulfilment.id),
        payload={
            "fulfilment_id": str(fulfilment.id),
            "order_id": str(fulfilment.order_id),
            "order_no": fulfilment.order_no,
            "kind": fulfilment.kind,
            "state": new.value,
            **({"in_shop": True} if fulfilment.in_shop else {}),
        },
        family="stock",
        owner_id=fulfilment.location_id,
        store_ids=[fulfilment.location_id],
        member_id=fulfilment.member_id,
    )


async def mark_paid(tx: Tx, fulfilment: Fulfilment) -> None:
    """The member has paid for what this location hands over."""
    await tx.execute(
        "UPDATE fulfilments SET paid = true WHERE location_id = $1 AND id = $2", fulfilment.location_id, fulfilment.id
    )


async def mark_begun(tx: Tx, fulfilment: Fulfilment) -> None:
    """Somebody at this location has had the order's articles in hand: it is not planned again any more."""
    await tx.execute(
        "UPDATE fulfilments SET begun_at = coalesce(begun_at, $3) WHERE location_id = $1 AND id = $2",
        fulfilment.location_id,
        fulfilment.id,
        clock.now(),
    )


async def lower_line(tx: Tx, fulfilment: Fulfilment, line_id: UUID, quantity: int) -> None:
    """This location serves `quantity` units of the line less. The constraint refuses more than it serves."""
    done = await tx.execute(
        """UPDATE fulfilment_lines SET quantity = quantity - $4
           WHERE location_id = $1 AND fulfilment_id = $2 AND line_id = $3""",
        fulfilment.location_id,
        fulfilment.id,
        line_id,
        quantity,
    )
    ensure(done == "UPDATE 1", "FUL-1", "a fulfilment gives up units of a line it serves")
