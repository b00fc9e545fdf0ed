"""The states of a transfer: where units that one location sends to another stand."""

from __future__ import annotations

from enum import Enum

from duoline.kernel.machine import Machine


class TransferState(Enum):
    """Where a transfer stands. Units are held at the source from the request on, so that they are promised once."""

    REQUESTED = "requested"  # waits for the source's or headquarters' word
    APPROVED = "approved"  # the source picks
    SENT = "sent"  # on the way
    SHORT = "short"  # arrived with fewer than were sent: the rest is still on the way, or lost
    RECEIVED = "received"  # everything sent is accounted for
    DECLINED = "declined"
    CANCELLED = "cancelled"


_S = TransferState

TRANSFERS = Machine(
    "transfer",
    _S.REQUESTED,
    {
        _S.REQUESTED: frozenset({_S.APPROVED, _S.DECLINED, _S.CANCELLED}),
        _S.APPROVED: frozenset({_S.SENT, _S.CANCELLED}),
        _S.SENT: frozenset({_S.SHORT, _S.RECEIVED}),
        # Late parcels: short may be received again and be short still.
        _S.SHORT: frozenset({_S.SHORT, _S.RECEIVED}),
        _S.RECEIVED: frozenset(),
        _S.DECLINED: frozenset(),
        _S.CANCELLED: frozenset(),
    },
)

HOLDING = (_S.REQUESTED.value, _S.APPROVED.value)
"""States in which the source holds the units."""

UNDER_WAY = (_S.SENT.value, _S.SHORT.value)
"""States in which units are in transit."""

OPEN = HOLDING + UNDER_WAY
"""States in which somebody still has to do something."""
