"""What the organisation hands to others: stores as records and as the cards that people see."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Literal
from uuid import UUID

import msgspec

from duoline.kernel.text import Text
from duoline.stores.hours import Hours, Span

# The unit of a grant for the whole chain.
CHAIN_ID = UUID(int=0)
CHAIN_ZONE = "Asia/Shanghai"
"""Where the chain's own days begin, and its weekdays and hours hold, when no shop has to do with something."""


class Role(StrEnum):
    """What a member of staff is, in one unit of the organisation."""

    HEADQUARTERS = "headquarters"
    REGION = "region"
    STORE = "store"  # runs one store
    CLERK = "clerk"
    FRANCHISEE = "franchisee"  # runs the stores of one company


class UnitKind(StrEnum):
    """The kinds of units a grant can be for."""

    CHAIN = "chain"
    REGION = "region"
    COMPANY = "company"
    STORE = "store"


class Grant(msgspec.Struct, frozen=True):
    """A role in a unit: `unit_id` is the store, region or company, or `CHAIN_ID`."""

    role: Role
    unit_kind: UnitKind
    unit_id: UUID


class Company(msgspec.Struct, frozen=True):
    """A legal entity that owns stores."""

    id: UUID
    code: str
    name: Text
    franchised: bool


class Region(msgspec.Struct, frozen=True):
    """A node of the region tree."""

    id: UUID
    code: str
    parent_id: UUID | None
    name: Text


class Services(msgspec.Struct, frozen=True):
    """What a location does for members."""

    pickup: bool
    ship: bool
    returns: bool


ShareKind = Literal["all", "none", "up_to", "all_but"]


class Share(msgspec.Struct, frozen=True):
    """What a location's owner lets leave for other channels (deliveries, transfers), by contract, a SKU.

    `all`; `none`; `up_to` so many `units` promised at one time; `all_but` so many `units` that stay. `fee_minor` is
    owed to the owner for each unit that leaves, in minor units of the chain's currency.
    """

    kind: ShareKind = "all"
    units: int = 0
    fee_minor: int = 0

    @property
    def cap(self) -> int | None:
        """Units that may be promised away at one time; None for any number."""
        return {"none": 0, "up_to": self.units}.get(self.kind)

    @property
    def reserve(self) -> int:
        """Units that have to stay."""
        return self.units if self.kind == "all_but" else 0


class Store(msgspec.Struct, frozen=True):
    """A store or distribution centre as the directory knows it. Its id is also its location id."""

    id: UUID
    code: str
    kind: str  # store | dc
    company_id: UUID
    region_id: UUID
    name: Text
    address: Text
    province: str
    city: str
    phone: str
    lat: float
    lon: float
    timezone: str
    hours: Hours
    services: Services
    share: Share
    pick_capacity_hour: int
    pickup_lead_min: int
    state: str  # draft | open | closed
    opened_on: date | None
    version: int

    @property
    def active(self) -> bool:
        """Whether it trades at all (regardless of the hour)."""
        return self.state == "open"


class CompanyCard(msgspec.Struct, frozen=True):
    """Who runs a store, as members may know it."""

    name: Text
    franchised: bool


class StoreCard(msgspec.Struct, frozen=True):
    """A store as every face shows it. `next_change_at` is when it next opens or closes."""

    id: UUID
    code: str
    name: Text
    kind: str
    address: Text
    phone: str
    lat: float
    lon: float
    distance_m: int | None
    timezone: str
    hours_today: list[Span]
    open_now: bool
    next_change_at: datetime | None
    services: Services
    pickup_lead_min: int
    company: CompanyCard
