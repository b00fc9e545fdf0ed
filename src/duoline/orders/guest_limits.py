"""What limits an order of somebody unknown: under which keys it counts, and how much each of them may have.

The counting itself happens where the order is written (`flows/place.sql`), under a lock on the keys.
"""

from __future__ import annotations

import hmac
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from duoline.kernel import clock, jobs
from duoline.kernel.ids import derived_id
from duoline.orders.policy import GUEST_ORDERS

if TYPE_CHECKING:
    from uuid import UUID

    from duoline.kernel.db import Database

KEPT = timedelta(days=1)


class GuestLimit(NamedTuple):
    """At most so many orders an hour and so many unpaid units under a key."""

    key_id: UUID
    orders_max: int
    units_max: int


def limits_of_guest(guest_id: UUID, address: str | None, *, secret: str) -> tuple[GuestLimit, ...]:
    """The limits in force for a guest at a network address; without one for a guest whom a shop serves, because all
    customers of a shop would share its address."""
    policy = GUEST_ORDERS.current().body
    own = GuestLimit(guest_id, policy.orders_hour, policy.units_unpaid)
    if address is None:
        return (own,)
    return own, GuestLimit(_key_of(address, secret), policy.orders_hour_address, policy.units_unpaid_address)


def _key_of(address: str, secret: str) -> UUID:
    """The address itself is kept nowhere: only who has the secret can tell that two orders came from one."""
    return derived_id(hmac.digest(secret.encode(), b"guest address\0" + address.encode(), "sha256"))


@jobs.cron("forget guests' orders", "37 * * * *")
async def forget(db: Database) -> None:
    """Delete what no limit looks at any more: orders of yesterday that are no longer open, and keys without orders."""
    before = clock.now() - KEPT
    await db.execute(
        """DELETE FROM guest_orders g WHERE g.placed_at < $1 AND NOT EXISTS (
               SELECT FROM orders o WHERE o.member_id = g.member_id AND o.id = g.order_id
                 AND o.state IN ('awaiting_payment', 'confirmed'))""",
        before,
    )
    await db.execute(
        """DELETE FROM guest_keys k WHERE k.used_at < $1
             AND NOT EXISTS (SELECT FROM guest_orders g WHERE g.key_id = k.key_id)""",
        before,
    )
