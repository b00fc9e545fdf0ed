"""Open a fulfilment for an order that is under way: when units move from one location to another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec

from duoline.fulfilment.locks import Fulfilment, peek
from duoline.fulfilment.states import FulfilmentState
from duoline.kernel import clock, outbox
from duoline.kernel.errors import NotFound
from duoline.kernel.ids import new_id

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from duoline.fulfilment.candidates import Decision
    from duoline.fulfilment.codes import PickupCode
    from duoline.fulfilment.promise import Promised
    from duoline.kernel.db import Tx


async def open_fulfilment(
    tx: Tx,
    *,
    location_id: UUID,
    job_id: UUID,
    like: Fulfilment,
    state: FulfilmentState,
    promised: Promised,
    away_km: int | None,
    decision_id: UUID | None,
    code: PickupCode | None,
    unit_fee_minor: int = 0,
    to_pick_at: datetime | None = None,
    free: bool = False,
) -> None:
    """Open a fulfilment at a location for the same order, buyer and destination as `like`, and tell the location.

    `to_pick_at` is since when its units could have been picked anywhere: now unless they were elsewhere before.
    It is paid if `like` is, except at the counter: there each location was paid only for what it handed over itself.
    What is `free`, since nothing is to be paid for the order, is paid wherever it goes.
    """
    now = clock.now()
    await tx.execute(
        """INSERT INTO fulfilments (location_id, id, member_id, order_id, order_no, kind, state, pay_mode, paid,
                                    contact_name, contact_phone, address, note, short_code, promise_at, placed_at,
                                    decision_id, unit_fee_minor, plain_at, away_km, work_at, to_location_id, to_pick_at)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20,
                   CASE WHEN $7 = 'to_pick' THEN $16::timestamptz END, $21, $22)""",
        location_id,
        job_id,
        like.member_id,
        like.order_id,
        like.order_no,
        like.kind,
        state.value,
        like.pay_mode,
        free or (like.paid and like.pay_mode != "at_store"),
        like.contact_name,
        like.contact_phone,
        like.address,
        like.note,
        code.short if code else None,
        promised.at,
        now,
        decision_id,
        unit_fee_minor,
        promised.plain_at,
        away_km,
        like.to_location_id,
        (to_pick_at or now) if state is FulfilmentState.TO_PICK else None,
    )
    if code is not None:
        await tx.execute(
            "INSERT INTO pickup_codes (code_hash, location_id, fulfilment_id) VALUES ($1, $2, $3)",
            code.digest,
            location_id,
            job_id,
        )
    await outbox.emit(
        tx,
        topic=f"fulfilment.{state.value}",
        key=str(job_id),
        payload={
            "fulfilment_id": str(job_id),
            "order_id": str(like.order_id),
            "order_no": like.order_no,
            "kind": like.kind,
            "state": state.value,
        },
        family="stock",
        owner_id=location_id,
        store_ids=[location_id],
        member_id=like.member_id,
    )


async def lay_on_counter(
    tx: Tx,
    *,
    location_id: UUID,
    job_id: UUID,
    member_id: UUID,
    order_id: UUID,
    order_no: str,
    contact_name: str,
    contact_phone: str,
) -> None:
    """What a till's order has on the counter until it is paid: it holds its units as every fulfilment does, so that
    cancelling, expiry and hand-over are those of every order. It is nobody's work, and no queue is told of it."""
    now = clock.now()
    await tx.execute(
        """INSERT INTO fulfilments (location_id, id, member_id, order_id, order_no, kind, state, pay_mode, paid,
                                    contact_name, contact_phone, promise_at, placed_at)
           VALUES ($1, $2, $3, $4, $5, 'till', 'waiting', 'till', false, $6, $7, $8, $8)""",
        location_id,
        job_id,
        member_id,
        order_id,
        order_no,
        contact_name,
        contact_phone,
        now,
    )


async def add_line(
    tx: Tx, *, location_id: UUID, job_id: UUID, line_id: UUID, sku_id: UUID, quantity: int, hold_id: UUID
) -> None:
    """Let a fulfilment serve held units of an order line."""
    await tx.execute(
        """INSERT INTO fulfilment_lines (location_id, fulfilment_id, line_id, sku_id, quantity, hold_id)
           VALUES ($1, $2, $3, $4, $5, $6)""",
        location_id,
        job_id,
        line_id,
        sku_id,
        quantity,
        hold_id,
    )


async def any_of_kind(
    tx: Tx, location_ids: Sequence[UUID], order_id: UUID, *, kind: Literal["pickup", "ship"]
) -> Fulfilment:
    """The order's latest fulfilment that is collected (or was to be brought to where it would be), or sent, whatever
    became of it: for whom, and how it is paid.

    One kind is no pattern for the other: a shop cannot hand over what is to be sent.
    """
    row = await tx.fetchrow(
        """SELECT location_id, id FROM fulfilments
           WHERE location_id = ANY ($1) AND order_id = $2 AND (kind = 'ship') = ($3 = 'ship')
           ORDER BY id DESC LIMIT 1""",
        list(location_ids),
        order_id,
        kind,
    )
    if row is None:
        raise NotFound
    found = await peek(tx, row["location_id"], row["id"])
    return collected(found) if kind == "pickup" else found


def collected(like: Fulfilment) -> Fulfilment:
    """A fulfilment as a pattern for one that is collected."""
    return like._replace(kind="pickup", to_location_id=None, address=None)


async def keep_decision(
    tx: Tx,
    *,
    member_id: UUID,
    order_id: UUID,
    decision: Decision,
    named: Mapping[str, str],
    saved_minor: int | None = None,
) -> UUID:
    """Keep why a location was chosen. `named` gives the order lines for the positions it was decided with.

    `saved_minor` is what a plan that was made again costs less than the one before.
    """
    decision_id = new_id()
    row = msgspec.to_builtins(decision)
    for entry in row["chosen"]:
        entry["line_ids"] = [named[line] for line in entry["line_ids"]]
    for entry in row["candidates"]:
        entry["covers"] = [named[line] for line in entry["covers"]]
    await tx.execute(
        """INSERT INTO sourcing_decisions (member_id, order_id, id, at, policy_version, terms, chosen, candidates,
                                           summary, cost_minor, solver_us, region_id, saved_minor)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)""",
        member_id,
        order_id,
        decision_id,
        clock.now(),
        row["policy_version"],
        row["terms"],
        row["chosen"],
        row["candidates"],
        row["summary"],
        row["cost_minor"],
        row["solver_us"],
        decision.region_id,
        saved_minor,
    )
    return decision_id
