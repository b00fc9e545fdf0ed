"""Payments: intents, captures, refunds, and the port through which a provider is asked."""

from duoline.payments.capture import AmountMismatch, capture
from duoline.payments.exceptions import NoSuchResolution, open_exception, resolve_exception
from duoline.payments.intents import (
    Intent,
    close_intent,
    find_by_ref,
    intents_of,
    load_intent,
    lock_intent,
    open_store_intent,
    remember_opened,
    reprice_intent,
)
from duoline.payments.refund import (
    NothingToRefund,
    Refund,
    finish_refund,
    load_refund,
    note_refund_problem,
    reopen_refund,
    request_refund,
)

__all__ = [
    "AmountMismatch",
    "Intent",
    "NoSuchResolution",
    "NothingToRefund",
    "Refund",
    "capture",
    "close_intent",
    "find_by_ref",
    "finish_refund",
    "intents_of",
    "load_intent",
    "load_refund",
    "lock_intent",
    "note_refund_problem",
    "open_exception",
    "open_store_intent",
    "remember_opened",
    "reopen_refund",
    "reprice_intent",
    "request_refund",
    "resolve_exception",
]
