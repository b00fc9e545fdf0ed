"""What a promotion is, what it is tried on, and what comes out. All money in minor units, all rates in basis points."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal, NamedTuple
from uuid import UUID

import msgspec

from duoline.kernel.text import Text

MONEY_MAX = 100_000_000_000
UNITS_MAX = 100_000

Rate = Annotated[int, msgspec.Meta(ge=1, le=10_000)]
Amount = Annotated[int, msgspec.Meta(ge=0, le=MONEY_MAX)]
Positive = Annotated[int, msgspec.Meta(ge=1, le=MONEY_MAX)]
Units = Annotated[int, msgspec.Meta(ge=1, le=UNITS_MAX)]
Times = Annotated[int, msgspec.Meta(ge=0, le=UNITS_MAX)]
"""How often something may repeat in one basket; 0 is without limit."""
Minute = Annotated[int, msgspec.Meta(ge=0, le=1440)]
Weekday = Annotated[int, msgspec.Meta(ge=0, le=6)]
Channel = Literal["mall", "till", "open_api"]
Tier = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9_-]{1,20}$")]
"""The code of a tier of members."""
Method = Literal["pickup", "delivery", "till"]


class Choice(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Articles: named ones, all of some products, categories (with those below) or brands. An empty choice is all."""

    skus: frozenset[UUID] = frozenset()
    products: frozenset[UUID] = frozenset()
    categories: frozenset[UUID] = frozenset()
    brands: frozenset[UUID] = frozenset()

    @property
    def everything(self) -> bool:
        """Whether nothing is named, so that every article is chosen."""
        return not (self.skus or self.products or self.categories or self.brands)


class When(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where, how and when a promotion counts; what is empty asks for nothing.

    `regions` take in those below them. A delivery has no shop: a promotion of shops or regions does not count for it.
    Weekdays (Monday is 0) and minutes of the day are in the shop's zone, for deliveries in the chain's.
    """

    channels: frozenset[Channel] = frozenset()
    methods: frozenset[Method] = frozenset()
    stores: frozenset[UUID] = frozenset()
    regions: frozenset[UUID] = frozenset()
    weekdays: frozenset[Weekday] = frozenset()
    from_minute: Minute = 0
    until_minute: Minute = 1440
    tiers: frozenset[Tier] = frozenset()
    """Only for members of these tiers."""
    first_order: bool = False
    coupon: bool = False
    """Only for a buyer who has a coupon for it, one for each order."""


class PercentOff(msgspec.Struct, frozen=True, kw_only=True, tag="percent_off", forbid_unknown_fields=True):
    """打折: a share off every article. Worked out on their sum and rounded half up, once."""

    off_bp: Rate


class AmountOff(msgspec.Struct, frozen=True, kw_only=True, tag="amount_off", forbid_unknown_fields=True):
    """立减: an amount off the articles together, or off `each` unit."""

    off_minor: Positive
    each: bool = False


class FixedPrice(msgspec.Struct, frozen=True, kw_only=True, tag="fixed_price", forbid_unknown_fields=True):
    """特价: a unit costs this; units that cost less already stay as they are."""

    price_minor: Amount


class Step(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """From so much money or so many units on, an amount or a share comes off. One of each pair is set."""

    from_minor: Positive | None = None
    from_units: Units | None = None
    off_minor: Positive | None = None
    off_bp: Rate | None = None


class Threshold(msgspec.Struct, frozen=True, kw_only=True, tag="threshold", forbid_unknown_fields=True):
    """满减, 满件折: the highest step that the articles reach counts.

    All steps ask for the same kind of thing, money or units, each for more than the one before it. With one step that
    takes an amount, it is repeated for every full `from` up to `times` (0 is without limit); otherwise `times` is 1.
    `before` asks what the articles cost before any offer, otherwise what earlier offers have left of it.
    """

    steps: Annotated[tuple[Step, ...], msgspec.Meta(min_length=1, max_length=10)]
    times: Times = 1
    before: bool = False


class EveryNth(msgspec.Struct, frozen=True, kw_only=True, tag="every_nth", forbid_unknown_fields=True):
    """第 n 件折, n 件付 m 件: units are laid out from the dearest down in groups of `n`; of each full group the `units`
    cheapest are `off_bp` cheaper. At most `times` groups (0 is without limit)."""

    n: Annotated[int, msgspec.Meta(ge=2, le=100)]
    units: Annotated[int, msgspec.Meta(ge=1, le=99)] = 1
    off_bp: Rate = 10_000
    times: Times = 0


class BuyGet(msgspec.Struct, frozen=True, kw_only=True, tag="buy_get", forbid_unknown_fields=True):
    """买赠, 换购: for every `buy_units` of the promotion's articles, `get_units` of others are `off_bp` cheaper.

    A unit counts on one side only. The dearest are bought, the cheapest are got.

    As a `gift` (自动加赠) what is got is put into the order by itself, for nothing: one of the named SKUs. It stands
    beside every other promotion, and its units count for none. Of several SKUs the buyer picks one, and may decline.
    """

    buy_units: Units
    get: Choice
    get_units: Units = 1
    off_bp: Rate = 10_000
    times: Times = 0
    gift: bool = False


class Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """So many units of some articles, as part of a set."""

    of: Choice
    units: Units = 1


class Bundle(msgspec.Struct, frozen=True, kw_only=True, tag="bundle", forbid_unknown_fields=True):
    """套餐价: one of each part together for a price. The dearest units go first; cheaper sets stay."""

    parts: Annotated[tuple[Part, ...], msgspec.Meta(min_length=2, max_length=10)]
    price_minor: Amount
    times: Times = 0


class FreeDelivery(msgspec.Struct, frozen=True, kw_only=True, tag="free_delivery", forbid_unknown_fields=True):
    """包邮: delivery costs nothing from an amount of the articles on, asked before or after other offers."""

    from_minor: Amount = 0
    before: bool = False


Effect = PercentOff | AmountOff | FixedPrice | Threshold | EveryNth | BuyGet | Bundle | FreeDelivery


class Promotion(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An offer in one version: to which articles, under which conditions, what comes off, and beside which others.

    Offers of lower `priority` are worked out first, and the next on what they have left. Of offers with one `group` at
    most one counts for an article. An `exclusive` one counts only for articles for which no other counts. `of` and
    `when` say what it counts for, `without` what it never counts for. It holds from one instant until before another.
    """

    id: UUID
    version: int
    name: Text
    from_at: datetime
    until_at: datetime | None = None
    of: Choice = Choice()
    without: Choice | None = None
    when: When = When()
    effect: Effect
    priority: Annotated[int, msgspec.Meta(ge=0, le=1000)] = 100
    group: Annotated[str, msgspec.Meta(max_length=40)] = ""
    exclusive: bool = False
    clawback: bool = False
    """A threshold or the condition of a gift is asked again when the buyer gives units back; otherwise what stays keeps
    its share."""
    budget_minor: Positive | None = None
    """All that it may take off, of all orders together."""
    orders_max: Units | None = None
    """So many orders may have it."""
    member_orders_max: Units | None = None
    """So many orders of one member may have it; whoever is not known as a member has none."""

    @property
    def each_max(self) -> int | None:
        """How many orders of one member may have it: of what is for first orders, one."""
        return 1 if self.when.first_order else self.member_orders_max

    @property
    def limited(self) -> bool:
        """Whether it is counted how often it was used."""
        return bool(self.budget_minor or self.orders_max or self.each_max)


class Place(NamedTuple):
    """Where and when, in local time, items are bought: at a shop or, without one, for delivery. Weekday 0 is Monday."""

    store_id: UUID | None
    regions: frozenset[UUID]
    weekday: int
    minute: int


class Item(NamedTuple):
    """A line of a basket as promotions see it. `key` names it in the same way however the basket came about: it decides
    between equals."""

    key: str
    sku_id: UUID
    product_id: UUID
    category_id: UUID
    brand_id: UUID | None
    quantity: int
    unit_price_minor: int
    method: Method
    place: Place

    @property
    def gross_minor(self) -> int:
        """What it costs without offers."""
        return self.quantity * self.unit_price_minor


class Situation(NamedTuple):
    """Who buys where and when; `tier` is empty for who is no member.

    `coupons` are the promotions they have a coupon for, `spent` those whose limit is reached, for everybody or them.
    """

    at: datetime
    channel: str
    first_order: bool = False
    coupons: frozenset[UUID] = frozenset()
    spent: frozenset[UUID] = frozenset()
    tier: str = ""


class Applied(NamedTuple):
    """What one promotion takes off: of each item by its position, and together. Free delivery takes nothing off."""

    promotion: Promotion
    shares: dict[int, int]
    amount_minor: int


class Hint(NamedTuple):
    """How a promotion would count, or count for more: so much more money or so many more units of its articles.

    `saves_minor` is what it would take off then beyond what it does now, at least; None for what cannot be said
    (free delivery, whose fee the engine does not know).
    """

    promotion: Promotion
    missing_minor: int | None
    missing_units: int | None
    saves_minor: int | None


class GiftDue(NamedTuple):
    """So many units of a promotion's gift are due, for the items at these positions."""

    promotion: Promotion
    units: int
    items: tuple[int, ...]


class Priced(NamedTuple):
    """A basket with its offers. `nets` are what the items cost, by position; their sum and what was taken off make up
    what they cost without offers. `free_delivery` is the promotion that pays the delivery; `gifts` are no items yet."""

    nets: list[int]
    applied: list[Applied]
    hints: list[Hint]
    free_delivery: Promotion | None
    gifts: tuple[GiftDue, ...] = ()
