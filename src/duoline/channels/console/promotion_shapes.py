"""What the console says of promotions: the same as the types of pricing, in the codes that people know."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec

from duoline.channels.http.answers import Input
from duoline.kernel.text import Text
from duoline.pricing.promotions.types import (
    AmountOff,
    Channel,
    EveryNth,
    FixedPrice,
    FreeDelivery,
    Method,
    Minute,
    PercentOff,
    Positive,
    Rate,
    Tier,
    Times,
    Units,
    Weekday,
)

Kind = Literal[
    "percent_off", "amount_off", "fixed_price", "threshold", "every_nth", "buy_get", "bundle", "free_delivery"
]
State = Literal["live", "coming", "over"]

NAMED_MAX = 500
Code = Annotated[str, msgspec.Meta(min_length=1, max_length=40)]
Codes = Annotated[list[Code], msgspec.Meta(max_length=NAMED_MAX)]
Instant = Annotated[datetime, msgspec.Meta(tz=True)]
Version = Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]
Reason = Annotated[str, msgspec.Meta(min_length=1, max_length=200, pattern=r"\S")]
Money = Annotated[int, msgspec.Meta(ge=0, le=100_000_000_000)]


# --- what is sent ----------------------------------------------------------------------------------


class PromotionName(Input, frozen=True):
    """A name; one language is enough."""

    zh: Annotated[str, msgspec.Meta(max_length=60)] = ""
    en: Annotated[str, msgspec.Meta(max_length=80)] = ""


class GoodsCodes(Input, frozen=True):
    """Articles by code: single ones, all of some products, of categories with those below, of brands. None is all."""

    skus: Codes = msgspec.field(default_factory=list)
    products: Codes = msgspec.field(default_factory=list)
    categories: Codes = msgspec.field(default_factory=list)
    brands: Codes = msgspec.field(default_factory=list)


class WhenCodes(Input, frozen=True):
    """Where, how and when it counts; what is empty asks for nothing. Monday is 0; minutes are of the shop's day."""

    channels: Annotated[list[Channel], msgspec.Meta(max_length=3)] = msgspec.field(default_factory=list)
    methods: Annotated[list[Method], msgspec.Meta(max_length=3)] = msgspec.field(default_factory=list)
    stores: Codes = msgspec.field(default_factory=list)
    regions: Codes = msgspec.field(default_factory=list)
    weekdays: Annotated[list[Weekday], msgspec.Meta(max_length=7)] = msgspec.field(default_factory=list)
    from_minute: Minute = 0
    until_minute: Minute = 1440
    tiers: Annotated[list[Tier], msgspec.Meta(max_length=9)] = msgspec.field(default_factory=list)
    first_order: bool = False
    coupon: bool = False


class OfferStep(Input, frozen=True):
    """From so much money or so many units on, an amount or a share comes off. One of each pair is set."""

    from_minor: Positive | None = None
    from_units: Units | None = None
    off_minor: Positive | None = None
    off_bp: Rate | None = None


class OfferSteps(Input, frozen=True, tag="threshold"):
    """The highest step that the articles reach counts; one alone may be repeated."""

    steps: Annotated[list[OfferStep], msgspec.Meta(min_length=1, max_length=10)]
    times: Times = 1
    before: bool = False


class BuyGetCodes(Input, frozen=True, tag="buy_get"):
    """For every `buy_units` of the promotion's articles, `get_units` of others are cheaper. A `gift` is put in by
    itself, one of the named SKUs, for nothing."""

    buy_units: Units
    get: GoodsCodes
    get_units: Units = 1
    off_bp: Rate = 10_000
    times: Times = 0
    gift: bool = False


class PartCodes(Input, frozen=True):
    """So many units of some articles, as part of a set."""

    of: GoodsCodes
    units: Units = 1


class BundleCodes(Input, frozen=True, tag="bundle"):
    """One of each part together for a price."""

    parts: Annotated[list[PartCodes], msgspec.Meta(min_length=2, max_length=10)]
    price_minor: Money
    times: Times = 0


class PromotionInput(Input, frozen=True):
    """An offer. It begins now when `from_at` is left out, and is open when `until_at` is."""

    name: PromotionName
    effect: PercentOff | AmountOff | FixedPrice | OfferSteps | EveryNth | BuyGetCodes | BundleCodes | FreeDelivery
    from_at: Instant | None = None
    until_at: Instant | None = None
    of: GoodsCodes = msgspec.field(default_factory=GoodsCodes)
    without: GoodsCodes | None = None
    when: WhenCodes = msgspec.field(default_factory=WhenCodes)
    priority: Annotated[int, msgspec.Meta(ge=0, le=1000)] = 100
    group: Annotated[str, msgspec.Meta(max_length=40)] = ""
    exclusive: bool = False
    clawback: bool = False
    budget_minor: Positive | None = None
    orders_max: Units | None = None
    member_orders_max: Units | None = None


class NewPromotion(Input, frozen=True):
    """An offer to be added, and why."""

    promotion: PromotionInput
    reason: Annotated[str, msgspec.Meta(max_length=200)] = ""


class PromotionChange(Input, frozen=True):
    """What it is to be from now on, the version that was read, and why."""

    promotion: PromotionInput
    version: Version
    reason: Reason


class PromotionEnd(Input, frozen=True):
    """The version that was read, and why it ends."""

    version: Version
    reason: Reason


# --- what is answered --------------------------------------------------------------------------------


class Named(msgspec.Struct, frozen=True):
    """Something by code and name."""

    code: str
    name: Text


class NamedGoods(msgspec.Struct, frozen=True):
    """Articles by code and name; nothing is everything."""

    skus: list[Named]
    products: list[Named]
    categories: list[Named]
    brands: list[Named]


class NamedWhen(msgspec.Struct, frozen=True, kw_only=True):
    """Where, how and when it counts."""

    channels: list[Channel]
    methods: list[Method]
    stores: list[Named]
    regions: list[Named]
    weekdays: list[int]
    from_minute: int
    until_minute: int
    tiers: list[str]
    first_order: bool
    coupon: bool


class NamedBuyGet(msgspec.Struct, frozen=True, tag="buy_get"):
    """As it was sent."""

    buy_units: int
    get: NamedGoods
    get_units: int
    off_bp: int
    times: int
    gift: bool


class NamedPart(msgspec.Struct, frozen=True):
    """As it was sent."""

    of: NamedGoods
    units: int


class NamedBundle(msgspec.Struct, frozen=True, tag="bundle"):
    """As it was sent."""

    parts: list[NamedPart]
    price_minor: int
    times: int


NamedEffect = PercentOff | AmountOff | FixedPrice | OfferSteps | EveryNth | NamedBuyGet | NamedBundle | FreeDelivery


class PromotionRow(msgspec.Struct, frozen=True, kw_only=True):
    """A version of a promotion: what, when, who wrote it and why. `by` is None for what no person has written."""

    id: UUID
    version: int
    state: State
    kind: Kind
    name: Text
    from_at: datetime
    until_at: datetime | None
    of: NamedGoods
    without: NamedGoods | None
    when: NamedWhen
    effect: NamedEffect
    priority: int
    group: str
    exclusive: bool
    clawback: bool
    budget_minor: int | None
    orders_max: int | None
    member_orders_max: int | None
    by: str | None
    reason: str
    written_at: datetime


class PromotionCase(msgspec.Struct, frozen=True):
    """A promotion as it holds, and all its versions, the newest first."""

    promotion: PromotionRow
    versions: list[PromotionRow]


class PromotionBar(msgspec.Struct, frozen=True, kw_only=True):
    """A promotion on a calendar."""

    id: UUID
    name: Text
    kind: Kind
    state: State
    from_at: datetime
    until_at: datetime | None
