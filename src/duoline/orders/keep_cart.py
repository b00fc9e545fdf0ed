"""Reading and writing carts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec

from duoline.kernel import clock
from duoline.kernel.errors import Unavailable
from duoline.orders.cart import Cart, difference, merged
from duoline.orders.types import Wanted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from duoline.kernel.db import Database, Tx

NO_STORE = UUID(int=0)

_encoder = msgspec.json.Encoder()


async def read_cart(db: Database | Tx, member_id: UUID) -> Cart:
    """The member's cart; an empty one of version 0 for who has none."""
    rows = await db.fetch(
        """SELECT l.id, l.sku_id, l.quantity, l.method, l.store_id, c.version
           FROM carts c LEFT JOIN cart_lines l ON l.member_id = c.member_id
           WHERE c.member_id = $1 ORDER BY l.added_at, l.id""",
        member_id,
    )
    lines = [
        Wanted(
            sku_id=row["sku_id"],
            quantity=row["quantity"],
            method=row["method"],
            store_id=None if row["store_id"] == NO_STORE else row["store_id"],
            cart_line_id=row["id"],
        )
        for row in rows
        if row["id"] is not None
    ]
    return Cart(tuple(lines), rows[0]["version"] if rows else 0)


def as_rows(before: Cart, after: Cart) -> tuple[str, list[UUID]]:
    """What has changed, as `duo_write_cart` takes it: lines to set in JSON, and ids that are gone."""
    written, gone = difference(before, after)
    rows: list[dict[str, Any]] = [
        {
            "id": line.cart_line_id,
            "sku_id": line.sku_id,
            "quantity": line.quantity,
            "method": line.method,
            "store_id": line.store_id or NO_STORE,
        }
        for line in written
    ]
    return _encoder.encode(rows).decode(), gone


async def adopt_cart(tx: Tx, guest_id: UUID, member_id: UUID) -> None:
    """Put a guest's cart into the member's, when the guest logs in. What both have adds up; the guest's is emptied."""
    if guest_id == member_id:
        return
    guest = await read_cart(tx, guest_id)
    if not guest.lines:
        return
    for _ in range(4):
        mine = await read_cart(tx, member_id)
        if await _write(tx, member_id, mine, merged(mine, _anew(guest.lines))):
            await _write(tx, guest_id, guest, Cart((), guest.version + 1))
            return
    raise Unavailable("the cart is being changed by somebody else all the time")


async def _write(tx: Tx, member_id: UUID, before: Cart, after: Cart) -> bool:
    lines, gone = as_rows(before, after)
    written: bool = await tx.fetchval(
        "SELECT duo_write_cart($1, $2, $3, $4, $5)", member_id, before.version, lines, gone, clock.now()
    )
    return written


def _anew(lines: Sequence[Wanted]) -> list[Wanted]:
    """Lines without their ids: in another cart they are new ones."""
    return [msgspec.structs.replace(line, cart_line_id=None) for line in lines]
