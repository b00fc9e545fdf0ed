"""The states of a count."""

from __future__ import annotations

from enum import Enum

from duoline.kernel.machine import Machine


class CountState(Enum):
    """Where a count stands."""

    OPEN = "open"  # units are being counted
    SUBMITTED = "submitted"  # differences wait for somebody who may approve them
    APPROVED = "approved"
    CANCELLED = "cancelled"


_S = CountState

COUNTS = Machine(
    "count",
    _S.OPEN,
    {
        _S.OPEN: frozenset({_S.SUBMITTED, _S.CANCELLED}),
        # Back to open is a rejection: count again.
        _S.SUBMITTED: frozenset({_S.APPROVED, _S.OPEN, _S.CANCELLED}),
        _S.APPROVED: frozenset(),
        _S.CANCELLED: frozenset(),
    },
)
