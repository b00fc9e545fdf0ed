"""Put a till's basket aside, and take it up again at any till of the shop: exactly once.

Nothing is held and no price is kept: what is taken up is rung up anew. Baskets that nobody takes up end when the shop
closes on the next day.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple
from uuid import UUID

from duoline.kernel import audit, clock, faults, jobs, outbox
from duoline.kernel.errors import NotFound, Refusal
from duoline.kernel.ids import new_id

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from duoline.kernel.auth import Actor
    from duoline.kernel.db import Database, Tx

PARKED_MAX = 100
"""Baskets that wait at a shop. More than anybody finds again."""

faults.register("park.before_commit")


class TooManyParked(Refusal):
    """The shop has put aside as many as it can."""

    code = "orders.too-many-parked"
    status = 409
    zh = "本店已经挂了 {maximum} 单,请先取出或删除几单。"
    en = "{maximum} sales are parked here already; take up or discard some first."


class ParkedTaken(Refusal):
    """Somebody else was quicker: `by` whom, `at` what time, and what they did with it."""

    code = "orders.parked-taken"
    status = 409
    zh = "这单已经由{by}取走了。"
    en = "{by} has taken this one already."


class Parked(NamedTuple):
    """A basket that was put aside: SKUs with units, and how many paper coupons had been shown."""

    id: UUID
    lines: Sequence[tuple[UUID, int]]
    coupons: int
    phone: str
    note: str
    parked_at: datetime
    parked_name: str
    ends_at: datetime


async def park(
    tx: Tx,
    location_id: UUID,
    *,
    lines: Sequence[tuple[UUID, int]],
    coupons: int,
    phone: str,
    note: str,
    ends_at: datetime,
    actor: Actor,
) -> UUID:
    """Put a basket aside until it is taken up or ends. Refuses `orders.too-many-parked`."""
    now = clock.now()
    waiting = await tx.fetchval(
        "SELECT count(*) FROM parked_sales WHERE location_id = $1 AND taken_at IS NULL AND ends_at > $2",
        location_id,
        now,
    )
    if waiting >= PARKED_MAX:
        raise TooManyParked(maximum=PARKED_MAX)
    parked_id = new_id()
    await tx.execute(
        """INSERT INTO parked_sales (location_id, id, lines, units, coupons, phone, note, parked_at, parked_by,
                                     parked_name, ends_at)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)""",
        location_id,
        parked_id,
        [{"sku_id": sku_id, "quantity": quantity} for sku_id, quantity in lines],
        sum(quantity for _, quantity in lines),
        coupons,
        phone,
        note,
        now,
        actor.id,
        actor.name,
        ends_at,
    )
    await _tell(tx, location_id)
    return parked_id


async def take_parked(
    tx: Tx, location_id: UUID, parked_id: UUID, *, how: Literal["resumed", "discarded"], actor: Actor
) -> Parked:
    """Take a basket away, to ring it up or because nobody wants it any more. Of two at once, one gets it.

    Refuses `kernel.not-found` (also when its time is over), `orders.parked-taken`.
    """
    now = clock.now()
    row = await tx.fetchrow(
        f"""UPDATE parked_sales SET taken_at = $3, taken_by = $4, taken_name = $5, taken_as = $6
            WHERE location_id = $1 AND id = $2 AND taken_at IS NULL AND ends_at > $3
            RETURNING {_COLUMNS}""",  # noqa: S608 - our own columns
        location_id,
        parked_id,
        now,
        actor.id,
        actor.name,
        how,
    )
    if row is None:
        taken = await tx.fetchrow(
            """SELECT taken_name, taken_at, taken_as FROM parked_sales
               WHERE location_id = $1 AND id = $2 AND taken_at IS NOT NULL AND ends_at > $3""",
            location_id,
            parked_id,
            now,
        )
        if taken is None:
            raise NotFound
        raise ParkedTaken(by=taken["taken_name"], at=taken["taken_at"], how=taken["taken_as"])
    parked = _parked(row)
    if how == "discarded":
        lines = [{"sku_id": str(sku_id), "quantity": quantity} for sku_id, quantity in parked.lines]
        await audit.record(
            tx,
            actor=actor,
            action="sale.discard",
            subject_kind="sale",
            subject=str(parked_id),
            store_id=location_id,
            before={"parked_by": parked.parked_name, "lines": lines},
        )
    await _tell(tx, location_id)
    faults.point("park.before_commit")
    return parked


async def parked_at(db: Database | Tx, location_id: UUID) -> list[Parked]:
    """What is put aside at a shop, the oldest first."""
    rows = await db.fetch(
        f"""SELECT {_COLUMNS} FROM parked_sales WHERE location_id = $1 AND taken_at IS NULL AND ends_at > $2
            ORDER BY parked_at, id""",  # noqa: S608 - our own columns
        location_id,
        clock.now(),
    )
    return [_parked(row) for row in rows]


_COLUMNS = "id, lines, coupons, phone, note, parked_at, parked_name, ends_at"


def _parked(row: Any) -> Parked:
    lines = [(UUID(line["sku_id"]), line["quantity"]) for line in row["lines"]]
    return Parked(row["id"], lines, *tuple(row)[2:])


@jobs.cron("end parked sales", "11 * * * *")
async def end_parked(db: Database) -> None:
    """Forget baskets whose day is over, and with them the numbers of those who wanted them."""
    await db.execute("DELETE FROM parked_sales WHERE ends_at <= $1", clock.now())


async def _tell(tx: Tx, location_id: UUID) -> None:
    await outbox.emit(
        tx,
        topic="till.changed",
        key=str(location_id),
        payload={"what": "parked"},
        family="stock",
        owner_id=location_id,
        store_ids=[location_id],
    )
