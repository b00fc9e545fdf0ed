"""The states of an order. What a buyer sees ("ready", "on the way") is derived from these and the fulfilments."""

from __future__ import annotations

from enum import Enum

from duoline.kernel.machine import Machine


class OrderState(Enum):
    """Where an order stands."""

    AWAITING_PAYMENT = "awaiting_payment"
    BOOKED = "booked"  # its deposit is paid; the balance, the goods and their place come later
    CONFIRMED = "confirmed"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


# Cancelled and completed say whether anything was handed over once nothing is due any more.
ORDERS = Machine(
    "order",
    OrderState.AWAITING_PAYMENT,
    {
        OrderState.AWAITING_PAYMENT: frozenset(
            # Completed at once is what waits at a till: it is handed over by the step that pays the rest (`advance`).
            # Booked is what has paid a deposit, and what did not go on to pay its balance.
            {
                OrderState.BOOKED,
                OrderState.CONFIRMED,
                OrderState.COMPLETED,
                OrderState.CANCELLED,
                OrderState.EXPIRED,
            }
        ),
        OrderState.BOOKED: frozenset({OrderState.AWAITING_PAYMENT, OrderState.CANCELLED, OrderState.EXPIRED}),
        OrderState.CONFIRMED: frozenset({OrderState.COMPLETED, OrderState.CANCELLED}),
        OrderState.COMPLETED: frozenset(),
        OrderState.CANCELLED: frozenset(),
        OrderState.EXPIRED: frozenset(),
    },
)
