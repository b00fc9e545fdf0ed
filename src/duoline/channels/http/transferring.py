"""What the clerk's and the console's transfers share: bodies, and who reaches what."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import msgspec

from duoline.channels.http.answers import Input
from duoline.flows.transfer_view import Reach
from duoline.inventory import transfers
from duoline.kernel.errors import NotFound

if TYPE_CHECKING:
    from duoline.channels.http.sessions import Staff
    from duoline.kernel.db import Tx

Quantity = Annotated[int, msgspec.Meta(ge=0, le=transfers.QUANTITY_MAX)]
Reason = Annotated[str, msgspec.Meta(min_length=1, max_length=200, pattern=r"\S")]
Version = Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]


class AskedLine(Input, frozen=True):
    """Units of an article to transfer."""

    sku_id: UUID
    quantity: Annotated[int, msgspec.Meta(ge=1, le=transfers.QUANTITY_MAX)]


class Why(Input, frozen=True):
    """The reason for a step."""

    reason: Reason


class Nothing(Input, frozen=True):
    """A body without fields."""


AskedLines = Annotated[list[AskedLine], msgspec.Meta(min_length=1, max_length=transfers.LINES_MAX)]


def reach(staff: Staff) -> Reach:
    """Where somebody may work on transfers, decide and call off."""
    return Reach(staff.scope("transfers"), staff.scope("transfers.decide"), staff.scope("transfers.call"))


async def known(tx: Tx, sku_ids: Sequence[UUID]) -> None:
    """Refuse with `NotFound` unless all of them are articles."""
    wanted = set(sku_ids)
    if await tx.fetchval("SELECT count(*) FROM skus WHERE id = ANY ($1)", list(wanted)) != len(wanted):
        raise NotFound
