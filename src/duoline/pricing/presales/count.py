"""How many units of a pre-sale are booked. The facts are its bookings; their counter is locked while one is judged.

The counter is the first thing that booking locks after its key: of fifty who want the last unit each waits for the one
before, and finds what that one has left.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from duoline.kernel import clock
from duoline.kernel.errors import Fault, NotFound, ensure
from duoline.pricing.presales.errors import (
    PresaleChanged,
    PresaleLimit,
    PresaleNotBegun,
    PresaleOver,
    PresaleSoldOut,
)
from duoline.pricing.presales.read import find

if TYPE_CHECKING:
    from uuid import UUID

    from duoline.kernel.db import Tx
    from duoline.pricing.presales.types import Presale


async def lock_counter(tx: Tx, presale_id: UUID) -> int:
    """How many units are booked, locked until the transaction ends. Refuses with `NotFound`."""
    booked: int | None = await tx.fetchval(
        "SELECT booked FROM presale_counters WHERE presale_id = $1 FOR UPDATE", presale_id
    )
    if booked is None:
        raise NotFound(kind="presale")
    return booked


async def take(tx: Tx, presale_id: UUID, *, version: int, units: int, order_id: UUID, member_id: UUID) -> Presale:
    """Book units of a pre-sale for an order, and the pre-sale as it is then. Locks its counter.

    Refuses `kernel.not-found`, `pricing.presale-over`, `pricing.presale-not-begun`, `pricing.presale-changed` when it
    is another version than the buyer has seen, `pricing.presale-limit`, `pricing.presale-sold-out`.
    """
    booked = await lock_counter(tx, presale_id)
    presale, now = await find(tx, presale_id), clock.now()
    if presale.withdrawn_at is not None or presale.deposit_until <= now:
        raise PresaleOver
    if now < presale.deposit_from:
        raise PresaleNotBegun(from_at=presale.deposit_from)
    if presale.version != version:
        raise PresaleChanged(version=presale.version)
    mine = await tx.fetchval(
        """SELECT coalesce(sum(units), 0) FROM presale_bookings
           WHERE presale_id = $1 AND member_id = $2 AND given_back_at IS NULL""",
        presale_id,
        member_id,
    )
    if mine + units > presale.member_max:
        raise PresaleLimit(maximum=presale.member_max, mine=mine)
    if booked + units > presale.units_max:
        raise PresaleSoldOut(left=presale.units_max - booked)
    await tx.execute(
        "INSERT INTO presale_bookings (presale_id, order_id, member_id, units, at) VALUES ($1, $2, $3, $4, $5)",
        presale_id,
        order_id,
        member_id,
        units,
        now,
    )
    done = await tx.execute(
        """UPDATE presale_counters SET booked = booked + $2
           WHERE presale_id = $1 AND booked = $3 AND booked + $2 <= units_max""",
        presale_id,
        units,
        booked,
    )
    ensure(done == "UPDATE 1", "PRE-1", f"{units} units on top of {booked} are not what the counter says")
    return presale


async def give_back(tx: Tx, order_id: UUID) -> None:
    """An order came to nothing: its units can be booked again. Once, however often it is asked for; nothing for an
    order that booked none. Locks the counter."""
    booking = await tx.fetchrow(
        "SELECT presale_id, units FROM presale_bookings WHERE order_id = $1 AND given_back_at IS NULL", order_id
    )
    if booking is None:
        return
    await lock_counter(tx, booking["presale_id"])
    given = await tx.fetchval(
        """UPDATE presale_bookings SET given_back_at = $3
           WHERE presale_id = $1 AND order_id = $2 AND given_back_at IS NULL RETURNING units""",
        booking["presale_id"],
        order_id,
        clock.now(),
    )
    if given is None:
        return
    done = await tx.execute(
        "UPDATE presale_counters SET booked = booked - $2 WHERE presale_id = $1 AND booked >= $2",
        booking["presale_id"],
        given,
    )
    if done != "UPDATE 1":
        raise Fault("PRE-1", f"{given} units are given back of fewer that are booked")
