"""The states of an intent and of a refund."""

from __future__ import annotations

from enum import Enum

from duoline.kernel.machine import Machine


class IntentState(Enum):
    """What became of the wish to be paid."""

    OPEN = "open"
    CAPTURED = "captured"
    CLOSED = "closed"


class RefundStep(Enum):
    """How far a refund is. `failed` waits for a person."""

    REQUESTED = "requested"
    DONE = "done"
    FAILED = "failed"


# Closed and then paid after all: the buyer was quicker than our close. The money is recorded and given back.
INTENTS = Machine(
    "intent",
    IntentState.OPEN,
    {
        IntentState.OPEN: frozenset({IntentState.CAPTURED, IntentState.CLOSED}),
        IntentState.CLOSED: frozenset({IntentState.CAPTURED}),
        IntentState.CAPTURED: frozenset(),
    },
)

REFUNDS = Machine(
    "refund",
    RefundStep.REQUESTED,
    {
        RefundStep.REQUESTED: frozenset({RefundStep.DONE, RefundStep.FAILED}),
        RefundStep.FAILED: frozenset({RefundStep.REQUESTED}),
        RefundStep.DONE: frozenset(),
    },
)
