"""Transfers: one location's units go to another, owned and countable all the way.

request → approve | decline → send → receive, each a step of both sides at once; see `states.py`.
"""

from duoline.inventory.transfers.decide import approve, cancel, decline, lapse
from duoline.inventory.transfers.errors import (
    AskingClosed,
    NothingToSend,
    NotInTransfer,
    PlaceClosed,
    SamePlace,
    TooManyDamaged,
    TransferChanged,
)
from duoline.inventory.transfers.policy import TRANSFERS, TransferPolicy
from duoline.inventory.transfers.receive import receive, write_off
from duoline.inventory.transfers.request import request
from duoline.inventory.transfers.rows import Line, Transfer, lines_of, peek
from duoline.inventory.transfers.rules import LINES_MAX, QUANTITY_MAX, Came, Units, hours_under_way
from duoline.inventory.transfers.send import send
from duoline.inventory.transfers.send_held import send_held
from duoline.inventory.transfers.states import HOLDING, OPEN, UNDER_WAY, TransferState

__all__ = [
    "HOLDING",
    "LINES_MAX",
    "OPEN",
    "QUANTITY_MAX",
    "TRANSFERS",
    "UNDER_WAY",
    "AskingClosed",
    "Came",
    "Line",
    "NotInTransfer",
    "NothingToSend",
    "PlaceClosed",
    "SamePlace",
    "TooManyDamaged",
    "Transfer",
    "TransferChanged",
    "TransferPolicy",
    "TransferState",
    "Units",
    "approve",
    "cancel",
    "decline",
    "hours_under_way",
    "lapse",
    "lines_of",
    "peek",
    "receive",
    "request",
    "send",
    "send_held",
    "write_off",
]
