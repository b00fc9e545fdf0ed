"""What a buyer asks for: lines, and where they should go."""

from __future__ import annotations

from typing import Literal
from uuid import UUID

import msgspec

from duoline.members import phones

Method = Literal["pickup", "delivery"]
ReturnReason = Literal["changed_mind", "faulty", "wrong_article", "other"]
Condition = Literal["sellable", "damaged"]

OUR_FAULT: frozenset[ReturnReason] = frozenset({"faulty", "wrong_article"})
"""Reasons for which units come back that are not the buyer's choice."""

QUANTITY_MAX = 999
LINES_MAX = 100


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Units of a SKU, to be collected at a store or delivered. `cart_line_id` when it stands in a cart; `gift` is the
    promotion that gives them, which no buyer wishes for."""

    sku_id: UUID
    quantity: int
    method: Method
    store_id: UUID | None = None
    cart_line_id: UUID | None = None
    gift: UUID | None = None


class Address(msgspec.Struct, frozen=True, kw_only=True):
    """Where to deliver. Coordinates when the buyer gave them."""

    name: str
    phone: str
    province: str
    city: str
    district: str
    line: str
    lat: float | None = None
    lon: float | None = None


class Contact(msgspec.Struct, frozen=True):
    """Whom the shop or the carrier asks for."""

    name: str
    phone: str

    @classmethod
    def typed(cls, name: str, phone: str) -> Contact:
        """As a buyer typed it: the number is kept as a log-in keeps it, so that the two can be compared."""
        return cls(name, phones.as_kept(phone))


class Sold(msgspec.Struct, frozen=True):
    """Who made an order for a customer in a shop, to be sent home."""

    store_id: UUID
    store_code: str
    staff_id: UUID
