"""The cart: one a member, on the server, so that it is the same on every device.

A cart is a value. What is done to it gives another cart, and `save` writes the difference, if nobody else was faster.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec

from duoline.kernel.errors import NotFound
from duoline.kernel.ids import new_id
from duoline.orders.errors import BadOrderQuantity, TooManyLines
from duoline.orders.types import LINES_MAX, QUANTITY_MAX, Method, Wanted

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID


class Cart(NamedTuple):
    """Lines in the order they were put in; `version` goes up with every change, and is 0 where there is no cart."""

    lines: tuple[Wanted, ...] = ()
    version: int = 0

    def put(self, wanted: Wanted) -> Cart:
        """With more units; the same article for the same hand-over adds up.

        Refuses `orders.bad-quantity`, `orders.too-many-lines`.
        """
        _check(wanted.quantity)
        if not any(_same(line, wanted) for line in self.lines):
            if len(self.lines) >= LINES_MAX:
                raise TooManyLines(maximum=LINES_MAX)
            return self._with((*self.lines, msgspec.structs.replace(wanted, cart_line_id=new_id())))
        return self._with(
            tuple(
                _counting(line, line.quantity + wanted.quantity) if _same(line, wanted) else line for line in self.lines
            )
        )

    def change(self, line_id: UUID, *, quantity: int | None, method: Method | None, store_id: UUID | None) -> Cart:
        """With a changed line; where another line says the same afterwards, the two become one.

        Refuses `orders.bad-quantity`, `kernel.not-found`.
        """
        if quantity is not None:
            _check(quantity)
        line = next((line for line in self.lines if line.cart_line_id == line_id), None)
        if line is None:
            raise NotFound
        way = method or line.method
        changed = msgspec.structs.replace(
            line,
            quantity=quantity if quantity is not None else line.quantity,
            method=way,
            store_id=None if way == "delivery" else store_id or line.store_id,
        )
        twins = [other for other in self.lines if other is not line and _same(other, changed)]
        changed = _counting(changed, changed.quantity + sum(twin.quantity for twin in twins))
        return self._with(tuple(changed if other is line else other for other in self.lines if other not in twins))

    def remove(self, line_id: UUID) -> Cart:
        """Without a line. One that is gone already is no error: the wish is fulfilled."""
        return self._with(tuple(line for line in self.lines if line.cart_line_id != line_id))

    def _with(self, lines: tuple[Wanted, ...]) -> Cart:
        return Cart(lines, self.version + 1)


def difference(before: Cart, after: Cart) -> tuple[list[Wanted], list[UUID]]:
    """Lines of `after` that `before` has not, or has otherwise; and the ids of those that are gone."""
    known = {line.cart_line_id: line for line in before.lines}
    kept = {line.cart_line_id for line in after.lines}
    written = [line for line in after.lines if known.get(line.cart_line_id) != line]
    return written, [line_id for line_id in known if line_id is not None and line_id not in kept]


def merged(mine: Cart, theirs: Sequence[Wanted]) -> Cart:
    """A cart with another's lines put in. What no longer fits stays out: a log-in is no place to refuse."""
    both = mine
    for wanted in theirs:
        if len(both.lines) < LINES_MAX or any(_same(line, wanted) for line in both.lines):
            both = both.put(wanted)
    return Cart(both.lines, mine.version + 1)


def _same(line: Wanted, other: Wanted) -> bool:
    """Whether two lines are the same article for the same hand-over."""
    return (line.sku_id, line.method, line.store_id) == (other.sku_id, other.method, other.store_id)


def _counting(line: Wanted, quantity: int) -> Wanted:
    return msgspec.structs.replace(line, quantity=min(quantity, QUANTITY_MAX))


def _check(quantity: int) -> None:
    if not 1 <= quantity <= QUANTITY_MAX:
        raise BadOrderQuantity(maximum=QUANTITY_MAX)
