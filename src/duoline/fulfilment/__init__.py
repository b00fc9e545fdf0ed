"""Fulfilment: where units come from, who has to do what, and when it is promised."""

from duoline.fulfilment.advance import advance, check_step, lower_line, mark_begun, mark_paid
from duoline.fulfilment.candidates import (
    Decision,
    Origin,
    decide,
    decide_kept,
    explain,
    line_cost,
    parcel_cost,
)
from duoline.fulfilment.codes import PickupCode, code_of, looks_like_code
from duoline.fulfilment.errors import (
    AlreadyDone,
    CannotServe,
    NoPickup,
    NotPaid,
    NotReady,
    StoreClosed,
    TooLittle,
    TooManyWrongCodes,
    WrongCode,
)
from duoline.fulfilment.load import UNKNOWN_BP, OpenWork
from duoline.fulfilment.locks import Fulfilment, FulfilmentLine, lines_of, lock_fulfilment, lock_live, peek
from duoline.fulfilment.open_fulfilment import add_line, any_of_kind, keep_decision, open_fulfilment
from duoline.fulfilment.opportunity import (
    Basket,
    Lane,
    Prices,
    ShadowPrices,
    Unserved,
    WalkIn,
    protection,
    scarcity,
    with_markdown,
)
from duoline.fulfilment.policy import DELIVERY, PICKUP, SOURCING, DeliveryPolicy, PickupPolicy, SourcingPolicy
from duoline.fulfilment.promise import arrives_at, pickup_ready_at
from duoline.fulfilment.reoptimise import Replanned, Unpicked, reoptimise
from duoline.fulfilment.sourcing import EXACT_SKUS, NO_COSTS, Parcel, Piece, Plan, Site, WantedLine
from duoline.fulfilment.states import LIVE, FulfilmentState
from duoline.fulfilment.verify_code import find_by_code
from duoline.fulfilment.weigh import may_send, nobody_began, unit_worth, walk_in_worth

__all__ = [
    "DELIVERY",
    "EXACT_SKUS",
    "LIVE",
    "NO_COSTS",
    "PICKUP",
    "SOURCING",
    "UNKNOWN_BP",
    "AlreadyDone",
    "Basket",
    "CannotServe",
    "Decision",
    "DeliveryPolicy",
    "Fulfilment",
    "FulfilmentLine",
    "FulfilmentState",
    "Lane",
    "NoPickup",
    "NotPaid",
    "NotReady",
    "OpenWork",
    "Origin",
    "Parcel",
    "PickupCode",
    "PickupPolicy",
    "Piece",
    "Plan",
    "Prices",
    "Replanned",
    "ShadowPrices",
    "Site",
    "SourcingPolicy",
    "StoreClosed",
    "TooLittle",
    "TooManyWrongCodes",
    "Unpicked",
    "Unserved",
    "WalkIn",
    "WantedLine",
    "WrongCode",
    "add_line",
    "advance",
    "any_of_kind",
    "arrives_at",
    "check_step",
    "code_of",
    "decide",
    "decide_kept",
    "explain",
    "find_by_code",
    "keep_decision",
    "line_cost",
    "lines_of",
    "lock_fulfilment",
    "lock_live",
    "looks_like_code",
    "lower_line",
    "mark_begun",
    "mark_paid",
    "may_send",
    "nobody_began",
    "open_fulfilment",
    "parcel_cost",
    "peek",
    "pickup_ready_at",
    "protection",
    "reoptimise",
    "scarcity",
    "unit_worth",
    "walk_in_worth",
    "with_markdown",
]
