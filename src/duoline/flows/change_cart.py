"""Change a cart and answer with its quote, once a key, in two round trips: look, then write.

What is answered is made before it is written, from the cart's version that was read. If another device was faster,
nothing is written, and the change is made anew from what it left.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec

from duoline import orders
from duoline.flows import basket as baskets
from duoline.kernel import clock
from duoline.kernel.errors import IdempotencyMismatch, NotFound, Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from duoline.kernel.auth import Actor
    from duoline.members.guests import Guest
    from duoline.orders import Cart

TRIES = 8

_encoder = msgspec.json.Encoder()


class CartWrite(NamedTuple):
    """Who changes their cart under which key; `guest` when the change is what makes them a guest."""

    member_id: UUID
    actor: Actor
    key: str
    request_hash: bytes
    status: int
    guest: Guest | None


class Changed(NamedTuple):
    """The answer, and whether it was stored by an earlier request."""

    status: int
    body: bytes
    replayed: bool


async def change_cart(
    look: baskets.Look,
    write: CartWrite,
    verb: Callable[[Cart], Cart],
    answer: Callable[[Cart, baskets.Basket], bytes],
    *,
    address: orders.Address | None = None,
) -> Changed:
    """Do `verb` to the member's cart and store what `answer` makes of the result, for a delivery to `address`.

    Refuses what the verb refuses, then `kernel.not-found` for an unknown SKU; `idempotency.mismatch`.
    """
    for _ in range(TRIES):
        before = orders.Cart() if write.guest else await orders.read_cart(look.db, write.member_id)
        after = verb(before)
        found = await baskets.look_at(
            look,
            after.lines,
            channel="mall",
            member_id=write.member_id,
            address=address,
            use_kept=True,
            bring=True,
            gifts=(),
        )
        if any(line.facts is None for line in found.lines):
            raise NotFound
        body = answer(after, found)
        lines, gone = orders.as_rows(before, after)
        saved = await look.db.fetchval(
            "SELECT duo_save_cart($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
            write.actor.id,
            write.key,
            write.request_hash,
            write.status,
            body.decode(),
            None if write.guest is None else _encoder.encode([write.guest._asdict()]).decode(),
            write.member_id,
            before.version,
            lines,
            gone,
            clock.now(),
        )
        match saved["result"]:
            case "saved":
                return Changed(write.status, body, replayed=False)
            case "replay":
                return Changed(saved["status"], saved["response"].encode(), replayed=True)
            case "mismatch":
                raise IdempotencyMismatch
    raise Unavailable("the cart is being changed by somebody else all the time")
