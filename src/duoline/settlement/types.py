"""Values of settlement: what is known of an order, and who gets what of it."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, NamedTuple
from uuid import UUID

import msgspec

from duoline.stores.types import CHAIN_ID

Book = Literal["commission", "allocation"]
PayeeKind = Literal["staff", "member", "store", "company", "chain"]
Role = Literal[
    "guide", "seller", "referrer", "second", "bringing",
    "owner", "bringer_store", "guide_store", "touchpoint_store", "territory", "ship_store", "hand_over_store",
    "online", "headquarters", "bringing_store",
]  # fmt: skip
Flag = Literal["self", "phone", "device", "address", "payer", "circle"]

NOWHERE = UUID(int=0)
"""The location of what belongs to no location: commission."""

ONLINE_ID = UUID(int=1)
"""The online department as a payee."""


class Payee(NamedTuple):
    """Somebody who is paid: a person, or an organisation of the chain."""

    kind: PayeeKind
    id: UUID


HEADQUARTERS = Payee("chain", CHAIN_ID)
ONLINE = Payee("chain", ONLINE_ID)


class Place(NamedTuple):
    """The company that a location belongs to, and whether it is a franchisee's, as kept with an order."""

    company_id: UUID
    franchised: bool


class Touched(msgspec.Struct, frozen=True, kw_only=True):
    """The touchpoint that an order, or a sign-up, is put down to."""

    touchpoint_id: UUID
    owner_kind: str
    owner_id: UUID
    store_id: UUID | None


class Guided(msgspec.Struct, frozen=True, kw_only=True):
    """The guide and shop that the member belonged to when they ordered."""

    binding_id: UUID
    guide_id: UUID | None
    store_id: UUID


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What an order's shares follow from, frozen when it is first told of: later changes of bindings, touches or rules
    move nothing. `flags` says of a role of commission why it pays nothing, or would under another plan. `second_id` is
    paid when the plan has two levels; `upline_id` is the same person where nobody answered for a second level.
    `regions` are the codes of the regions an online order is delivered into, the nearest first, none for what is
    collected."""

    member_id: UUID
    order_id: UUID
    placed_at: datetime
    tier: str
    online: bool
    seller_id: UUID | None = None
    seller_store_id: UUID | None = None
    guide: Guided | None = None
    touch: Touched | None = None
    second_id: UUID | None = None
    upline_id: UUID | None = None
    brought_store_id: UUID | None = None
    flags: dict[str, Flag] = {}
    regions: list[str] = []


class LineFacts(msgspec.Struct, frozen=True, kw_only=True):
    """A line of an order, frozen with it. `categories` are its own code and those above it, the nearest first."""

    line_id: UUID
    product: str
    categories: list[str]


class Kept(NamedTuple):
    """What of a line stays with its buyer, was paid in money, and which location handed it over; NOWHERE for what
    nobody has yet. Both amounts in minor units: after offers, and before them."""

    line_id: UUID
    location_id: UUID
    method: str
    net_minor: int
    gross_minor: int


class Key(NamedTuple):
    """One share: never two of one line, role and place for one payee."""

    payee: Payee
    line_id: UUID
    book: Book
    role: Role
    location_id: UUID


class Earned(NamedTuple):
    """What a share comes to by now. `basis_minor` is what it is reckoned from, `gross_minor` the same before offers,
    `rate_bp` by which rate."""

    key: Key
    basis_minor: int
    gross_minor: int
    rate_bp: int
    earned_minor: int
    level: int = 1
    flag: Flag | None = None
