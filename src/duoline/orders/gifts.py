"""What is still due of an order's gifts once units of it are cancelled or brought back. Pure, but for reading them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from duoline.kernel.db import Database, Tx
    from duoline.orders.locks import Line, Order


class Given(NamedTuple):
    """A gift of an order: for every `buy_units` of the `bought` lines, `get_units` of its own line."""

    line_id: UUID
    bought: Sequence[UUID]
    buy_units: int
    get_units: int
    clawback: bool

    def beyond(self, stays: Mapping[UUID, int]) -> int:
        """Units of the gift that stay although too little of what it was given for does, by how much of each line
        stays."""
        earned = sum(stays[line] for line in self.bought) // self.buy_units * self.get_units
        return max(0, stays[self.line_id] - earned)


async def gifts_of(db: Database | Tx, order: Order) -> list[Given]:
    """The gifts of an order, in the order of their lines."""
    rows = await db.fetch(
        """SELECT line_id, bought, buy_units, get_units, clawback FROM order_gifts
           WHERE member_id = $1 AND order_id = $2 ORDER BY line_id""",
        order.member_id,
        order.id,
    )
    return [Given(*row) for row in rows]


def kept_minor(gifts: Sequence[Given], lines: Sequence[Line], stays: Mapping[UUID, int]) -> int:
    """What the gifts cost that the buyer keeps and has not earned any more, of those whose promotion asks for them."""
    price = {line.id: line.unit_price_minor for line in lines}
    return sum(gift.beyond(stays) * price[gift.line_id] for gift in gifts if gift.clawback)


def that_go(gifts: Sequence[Given], lines: Sequence[Line], cancelled: Mapping[UUID, int]) -> dict[UUID, int]:
    """Units of gifts that go with these units, because nobody has earned them any more and nobody has them yet."""
    stays = {line.id: line.stays - cancelled.get(line.id, 0) for line in lines}
    due = {line.id: line.due - cancelled.get(line.id, 0) for line in lines}
    found = {gift.line_id: min(gift.beyond(stays), due[gift.line_id]) for gift in gifts}
    return {line: units for line, units in found.items() if units}
