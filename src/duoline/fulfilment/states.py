"""The states of a fulfilment: what one location still has to do for an order."""

from __future__ import annotations

from enum import Enum

from duoline.kernel.machine import Machine


class FulfilmentState(Enum):
    """Where a fulfilment stands."""

    WAITING = "waiting"  # for the member's payment
    TO_PICK = "to_pick"
    READY = "ready"
    HANDED_OVER = "handed_over"
    SHIPPED = "shipped"
    DELIVERED = "delivered"
    CANCELLED = "cancelled"
    UNCOLLECTED = "uncollected"
    REJECTED = "rejected"


_S = FulfilmentState

FULFILMENTS = Machine(
    "fulfilment",
    _S.WAITING,
    {
        # Handed over at once is only what lies on a till's counter until it is paid (`advance`).
        _S.WAITING: frozenset({_S.TO_PICK, _S.HANDED_OVER, _S.CANCELLED}),
        _S.TO_PICK: frozenset({_S.READY, _S.CANCELLED, _S.REJECTED}),
        # Back to picking is the clerk's undo.
        _S.READY: frozenset({_S.TO_PICK, _S.HANDED_OVER, _S.SHIPPED, _S.CANCELLED, _S.UNCOLLECTED, _S.REJECTED}),
        # Cancelled on the way is only what goes to the shop where it would be collected: it stays the chain's.
        _S.SHIPPED: frozenset({_S.DELIVERED, _S.CANCELLED}),
        _S.HANDED_OVER: frozenset(),
        _S.DELIVERED: frozenset(),
        _S.CANCELLED: frozenset(),
        _S.UNCOLLECTED: frozenset(),
        _S.REJECTED: frozenset(),
    },
)

LIVE = (_S.WAITING.value, _S.TO_PICK.value, _S.READY.value)
"""States in which units are held for a fulfilment."""


SERVING = "(f.state IN ('waiting', 'to_pick', 'ready') OR (f.kind = 'transfer' AND f.state = 'shipped'))"
"""As `serves`, in SQL for a fulfilment `f`."""


def serves(kind: str, state: str) -> bool:
    """Whether units of order lines are served: held at a location, or on the way to the shop that will hold them."""
    return state in LIVE or (kind == "transfer" and state == _S.SHIPPED.value)
