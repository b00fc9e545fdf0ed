"""Pre-sales: a deposit now, the balance when the goods are there."""

from duoline.pricing.presales.count import give_back, take
from duoline.pricing.presales.errors import (
    PresaleChanged,
    PresaleLimit,
    PresaleNotBegun,
    PresaleOver,
    PresaleOverlap,
    PresaleSoldOut,
)
from duoline.pricing.presales.read import COLUMNS, find, of_row
from duoline.pricing.presales.types import KEPT_MAX_BP, Presale

__all__ = [
    "COLUMNS",
    "KEPT_MAX_BP",
    "Presale",
    "PresaleChanged",
    "PresaleLimit",
    "PresaleNotBegun",
    "PresaleOver",
    "PresaleOverlap",
    "PresaleSoldOut",
    "find",
    "give_back",
    "of_row",
    "take",
]
