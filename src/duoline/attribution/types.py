"""Touchpoints and touches as values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple, get_args

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from duoline.kernel.text import Text

Kind = Literal["guide", "store", "shelf", "product", "poster", "share", "campaign"]
OwnerKind = Literal["staff", "member", "store", "chain"]
TargetKind = Literal["home", "product", "category", "store", "coupon", "guide", "outfit"]
Via = Literal["qr", "link"]

KINDS: tuple[Kind, ...] = get_args(Kind)


class Owner(NamedTuple):
    """Whose touchpoint it is; the chain's has the nil UUID."""

    kind: OwnerKind
    id: UUID


class Target(NamedTuple):
    """Where it leads: `name` is a product's, category's or store's code or the id of a coupon batch or an
    outfit, and empty elsewhere."""

    kind: TargetKind
    name: str = ""


class Touchpoint(NamedTuple):
    """Anything with a code."""

    owner: Owner
    id: UUID
    code: str
    kind: Kind
    name: Text
    store_id: UUID | None
    place: str
    target: Target
    note: str
    device_id: UUID | None
    created_at: datetime
    ended_at: datetime | None


class Touch(NamedTuple):
    """That somebody met a touchpoint."""

    id: UUID
    owner_id: UUID
    touchpoint_id: UUID
    at: datetime
    own_device: bool
    """Met in the browser that the touchpoint was made or last shown in."""


class OrderTouch(NamedTuple):
    """The touch an order is put down to, with the window and the version of the rule that held when it was placed."""

    touch: Touch
    window_days: int
    rule_version: int
