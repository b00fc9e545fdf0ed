"""Hold units for a reference until they are taken, released or expire.

Every call goes through a micro-batcher by (location, SKU), so a hot SKU needs no configuration: a lone
caller is a batch of one.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

import msgspec

from duoline.inventory.errors import BadQuantity, InsufficientStock
from duoline.inventory.rules import QUANTITY_MAX
from duoline.kernel import audit, clock
from duoline.kernel.batch import Batcher
from duoline.kernel.errors import ensure
from duoline.kernel.ids import HoldId, new_id

if TYPE_CHECKING:
    from collections.abc import Sequence

    from duoline.kernel.auth import Actor
    from duoline.kernel.db import Database, Tx


class Wish(msgspec.Struct, frozen=True):
    """One caller's request for units of the batch's SKU at the batch's location."""

    id: UUID
    quantity: int
    ref_kind: str
    ref_id: UUID
    expires_at: datetime | None
    actor: str
    note: str
    outward: bool = False
    """Whether the units are to leave for others: a delivery, a transfer."""


class Answer(NamedTuple):
    """Whether the wish was granted, and how many units it could have had."""

    granted: bool
    available: int


class Holds:
    """The batched way to hold units. One instance a process."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._batcher: Batcher[tuple[UUID, UUID], tuple[Wish, Actor], Answer] = Batcher(self._flush)

    async def hold(
        self,
        *,
        location_id: UUID,
        sku_id: UUID,
        quantity: int,
        ref_kind: str,
        ref_id: UUID,
        expires_at: datetime | None,
        actor: Actor,
        note: str = "",
        hold_id: UUID | None = None,
    ) -> HoldId:
        """Hold `quantity` units, in a transaction of its own shared with whoever asks at the same moment.

        Safe to repeat with a `hold_id` of the caller's: a hold that exists is found, whatever became of it.
        Refuses `inventory.bad-quantity`, then `inventory.insufficient-stock`. The hold carries its expiry, so
        one whose caller went away is given back by the sweeper.
        """
        if not 1 <= quantity <= QUANTITY_MAX:
            raise BadQuantity(maximum=QUANTITY_MAX)
        wish = Wish(hold_id or new_id(), quantity, ref_kind, ref_id, expires_at, actor.label, note)
        answer = await self._batcher.submit((location_id, sku_id), (wish, actor))
        if not answer.granted:
            raise InsufficientStock(
                short=[
                    {
                        "sku_id": str(sku_id),
                        "location_id": str(location_id),
                        "wanted": quantity,
                        "available": answer.available,
                    }
                ]
            )
        return HoldId(wish.id)

    async def _flush(self, key: tuple[UUID, UUID], asked: Sequence[tuple[Wish, Actor]]) -> list[Answer]:
        async with self._db.begin() as tx:
            answers = await grant(tx, *key, [wish for wish, _ in asked])
            lines = [
                _trace(*key, wish, actor, answer)
                for (wish, actor), answer in zip(asked, answers, strict=True)
                if answer.granted and answer.available  # a repeat is granted from nothing, and changed nothing
            ]
            await audit.record_all(tx, lines)
        return answers


def _trace(location_id: UUID, sku_id: UUID, wish: Wish, actor: Actor, answer: Answer) -> audit.Line:
    """A hold that somebody asks for by itself is audited as a change of what others can have."""
    return audit.Line(
        actor,
        "stock.hold",
        "sku",
        str(sku_id),
        reason=wish.note,
        before={"available": answer.available},
        after={
            "available": answer.available - wish.quantity,
            "hold_id": str(wish.id),
            "units": wish.quantity,
            "until": wish.expires_at,
        },
        store_id=location_id,
    )


async def grant(tx: Tx, location_id: UUID, sku_id: UUID, wishes: Sequence[Wish]) -> list[Answer]:
    """Grant wishes in order of arrival under one lock on the level."""
    answers = await tx.fetchval(
        "SELECT duo_hold($1, $2, $3, $4)", location_id, sku_id, msgspec.json.encode(wishes).decode(), clock.now()
    )
    return [Answer(a["granted"], a["available"]) for a in answers]


async def hold_arrived(
    tx: Tx, *, location_id: UUID, sku_id: UUID, quantity: int, ref_kind: str, ref_id: UUID, actor: Actor
) -> UUID:
    """Hold units that have this moment come for a reference, which had them all the way; the id of the hold.

    The level is locked already, by the receipt that made it rise. Safety stock and buffers do not stand against it:
    these units were never anybody else's. `INV-2` when as many are not free, which the receipt makes impossible.
    """
    hold_id = new_id()
    done = await tx.fetchval(
        """WITH kept AS (
               UPDATE levels SET held = held + $3
               WHERE location_id = $1 AND sku_id = $2 AND on_hand - held >= $3 RETURNING location_id, sku_id)
           INSERT INTO holds (location_id, id, sku_id, quantity, state, ref_kind, ref_id, created_at, actor)
           SELECT location_id, $4, sku_id, $3, 'open', $5, $6, $7, $8 FROM kept RETURNING id""",
        location_id,
        sku_id,
        quantity,
        hold_id,
        ref_kind,
        ref_id,
        clock.now(),
        actor.label,
    )
    ensure(done is not None, "INV-2", f"{quantity} of {sku_id} have come to {location_id} and are not free")
    return hold_id
