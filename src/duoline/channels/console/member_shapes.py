"""What the console says of members."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec

from duoline.channels.http.answers import Input
from duoline.flows.member_history import Kind
from duoline.flows.order_view import Image
from duoline.kernel.money import Money
from duoline.kernel.text import Text

Reason = Annotated[
    str, msgspec.Meta(min_length=1, max_length=200, pattern=r"\S", description="Why, for the audit log.")
]
TierCode = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9_-]{1,20}$")]
POINTS_MAX = 10_000_000
Instant = Annotated[datetime, msgspec.Meta(tz=True)]


# --- what is sent ----------------------------------------------------------------------------------


class TierChoice(Input, frozen=True):
    """The tier that a member gets, and until when it is kept at least; without, the nightly look may take it."""

    tier: TierCode
    reason: Reason
    keeps_until: Instant | None = None


class PointsChange(Input, frozen=True):
    """Points to give, or below zero to take away, and why."""

    points: Annotated[int, msgspec.Meta(ge=-POINTS_MAX, le=POINTS_MAX)]
    reason: Reason


# --- what is answered --------------------------------------------------------------------------------


class ShopOf(msgspec.Struct, frozen=True):
    """A shop by code and name."""

    code: str
    name: Text


class TierOf(msgspec.Struct, frozen=True):
    """A tier by code and name; one that the rules do not have any more is called by its code."""

    code: str
    name: Text


class MemberRow(msgspec.Struct, frozen=True, kw_only=True):
    """A member in a list. Orders are those one may see. `shared` is false for a franchisee who may not see the name;
    `merged_into` is who they are now."""

    id: UUID
    name: str
    phone_masked: str | None
    code: str | None
    shared: bool
    tier: TierOf
    lapses_at: datetime | None
    home_store: ShopOf | None
    since: datetime
    points: int
    orders: int
    last_order_at: datetime | None
    merged_into: UUID | None


class TierNext(msgspec.Struct, frozen=True):
    """The next tier, from how much, and what is missing to it."""

    tier: TierOf
    from_amount: Money
    missing: Money


class TierChange(msgspec.Struct, frozen=True, kw_only=True):
    """How a member came to a tier: reached or left by what they had spent, by new rules, or set by `by`."""

    id: UUID
    at: datetime
    before: TierOf | None
    tier: TierOf
    because: Literal["joined", "reached", "lapsed", "set", "rules"]
    spent: Money | None
    by: str | None
    reason: str


class TierStanding(msgspec.Struct, frozen=True, kw_only=True):
    """A member's tier, what was spent within `window_days`, and how far the next one is.

    `spent` and `next` are None for who does not see all orders. `earned` is what spending alone would give.
    """

    tier: TierOf
    from_amount: Money
    spent: Money | None
    earned: TierOf | None
    next: TierNext | None
    window_days: int
    keeps_until: datetime | None
    lapses_at: datetime | None
    changes: list[TierChange]


class PointsSoon(msgspec.Struct, frozen=True):
    """Points that can be spent, or are gone, at an instant."""

    points: int
    at: datetime


class PointsMonth(msgspec.Struct, frozen=True, kw_only=True):
    """A month by the chain's clock: what came in, and what went, each as a number from zero upwards."""

    month: date
    earned: int
    used: int
    expired: int
    taken: int


class PointsStanding(msgspec.Struct, frozen=True, kw_only=True):
    """A member's points, what the spendable ones pay, and what happens next to some of them."""

    pending: int
    spendable: int
    owed: int
    worth: Money
    ripens_next: PointsSoon | None
    ends_next: PointsSoon | None
    months: list[PointsMonth]


class MemberOrder(msgspec.Struct, frozen=True, kw_only=True):
    """An order of a member's. No sums of one that shops serve too which one does not see."""

    id: UUID
    order_no: str
    placed_at: datetime
    channel: str
    state: str
    total: Money | None
    units: int | None
    stores: list[ShopOf]


class MemberOrders(msgspec.Struct, frozen=True, kw_only=True):
    """The last orders, how many there are of those that came to something, and what was kept of them cost."""

    count: int
    spent: Money
    last: list[MemberOrder]


class MemberCoupon(msgspec.Struct, frozen=True, kw_only=True):
    """A coupon that can still be used."""

    id: UUID
    batch_id: UUID
    name: Text
    expires_at: datetime | None


class MemberFavourite(msgspec.Struct, frozen=True, kw_only=True):
    """An article that a member likes; `kept` when a unit of it is kept for them in a shop, until when."""

    product_code: str
    name: Text
    image: Image | None
    added_at: datetime
    kept: ShopOf | None
    kept_until: datetime | None


class MemberConsent(msgspec.Struct, frozen=True):
    """A purpose and whether it counts now; `since` is when the member said so last, to which text version."""

    purpose: str
    title: Text
    granted: bool
    since: datetime | None
    text_version: int | None
    asks_again: bool


class MemberCase(msgspec.Struct, frozen=True, kw_only=True):
    """Everything about a member; with `whole` false the orders are those of one's own shops, with `profiling` false
    there are no favourites because the member did not agree to their being looked at. `merged_into` is who they are
    now, for who may see that one."""

    id: UUID
    whole: bool
    name: str
    phone_masked: str | None
    code: str | None
    locale: str
    since: datetime
    home_store: ShopOf | None
    tier: TierStanding
    points: PointsStanding
    orders: MemberOrders
    coupons: list[MemberCoupon]
    favourites: list[MemberFavourite]
    profiling: bool
    consents: list[MemberConsent]
    merged_into: UUID | None


class PointsRow(msgspec.Struct, frozen=True, kw_only=True):
    """A movement of points: `points` changes what can be spent, `pending` what waits, `owed` what is owed; `balance`
    is what could be spent after it, None for who does not see all orders."""

    id: UUID
    at: datetime
    kind: str
    points: int
    pending: int
    owed: int
    balance: int | None
    order_id: UUID | None
    order_no: str | None
    by: str | None
    reason: str


class TimelineItem(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happened at a touchpoint, a till, a desk or by itself. Of one `id` several `event`s can be told.

    `what` is a code that tells more of the event: the purpose agreed to, the kind of touchpoint or identity, a guide's
    task; `source` by what it came about or why it ended; `name` what a coupon, article or touchpoint is called. `other`
    is another member: who shared it, or whom this one was merged with. `guide_login`, `touchpoint`, `payee` of what was
    earned and `statement` of what was paid lead to pages, where the reader may open them.
    """

    id: UUID
    at: datetime
    kind: Kind
    event: str
    order_id: UUID | None = None
    order_no: str | None = None
    amount: Money | None = None
    store: ShopOf | None = None
    before: TierOf | None = None
    tier: TierOf | None = None
    points: int | None = None
    what: str = ""
    source: str = ""
    name: Text | None = None
    guide: str | None = None
    guide_login: str | None = None
    other: UUID | None = None
    touchpoint: UUID | None = None
    payee: UUID | None = None
    statement: UUID | None = None
    by: str | None = None
    reason: str = ""
