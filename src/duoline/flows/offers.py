"""What offers take off a basket: promotions tried on its lines, and the result by line."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from duoline.pricing.promotions import price_basket
from duoline.pricing.promotions.types import Applied, Item, Situation
from duoline.pricing.promotions.where import place_at

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from duoline import orders
    from duoline.catalog.types import SkuFacts
    from duoline.pricing import Price
    from duoline.pricing.promotions import Live
    from duoline.pricing.promotions.types import GiftDue, Hint, Place, Priced, Promotion
    from duoline.pricing.promotions.uses import Held, Used
    from duoline.stores.directory import Chain
    from duoline.stores.types import Store


class Taken(NamedTuple):
    """What one promotion takes off a line, in minor units."""

    promotion: Promotion
    amount_minor: int


class Buyer(NamedTuple):
    """What offers ask of a buyer: their tier (empty for who is no member), whether they have ordered yet, what is used
    of limited promotions, by them and by all, and which coupons they may use."""

    tier: str
    first_order: bool
    used: Sequence[Used] = ()
    held: Sequence[Held] = ()


class Offers(NamedTuple):
    """What is taken off a basket: by line, and by promotion; what more would bring; and who pays the delivery.

    `coupons` are those that an order of it uses, by id with their promotion.
    """

    by_line: Mapping[int, Sequence[Taken]]
    applied: Sequence[Applied]
    hints: Sequence[Hint]
    free_delivery: Promotion | None
    coupons: Sequence[Held] = ()
    gifts: Sequence[GiftDue] = ()
    """What is due as gifts, for the wishes at these positions."""
    over: frozenset[int] = frozenset()
    """Gift lines whose promotion has no budget left for them."""

    @property
    def limited(self) -> list[tuple[Promotion, int]]:
        """What an order of it uses of limited promotions."""
        used = [(one.promotion, one.amount_minor) for one in self.applied]
        if self.free_delivery is not None:
            used.append((self.free_delivery, 0))
        return [(promotion, amount) for promotion, amount in used if promotion.limited]


NONE = Offers({}, (), (), None)


def take_offers(
    chain: Chain,
    live: Live,
    wishes: Sequence[orders.Wanted],
    stores: Sequence[Store | None],
    facts: Mapping[UUID, SkuFacts],
    prices: Mapping[int, Price],
    *,
    at: datetime,
    channel: str,
    buyer: Buyer,
) -> Offers:
    """The best that promotions in force make of the wishes. What has no price takes no part.

    Of a promotion whose budget has less left than it would take, nothing is taken: it counts whole or not at all.
    A gift's promotion takes all that its line costs, and no other promotion looks at that line.
    """
    if live.empty:
        return NONE
    places: dict[UUID | None, Place] = {}
    items: list[Item] = []
    named: list[int] = []
    for n, (wish, chosen) in enumerate(zip(wishes, stores, strict=True)):
        fact, price = facts.get(wish.sku_id), prices.get(n)
        if fact is None or price is None or wish.gift is not None:
            continue
        store = chosen if wish.method == "pickup" else None
        store_id = store.id if store else None
        if store_id not in places:
            places[store_id] = place_at(chain, store, at)
        items.append(
            Item(
                key=f"{fact.sku_code}|{wish.method}|{store.code if store else ''}",
                sku_id=fact.sku_id,
                product_id=fact.product_id,
                category_id=fact.category_id,
                brand_id=fact.brand_id,
                quantity=wish.quantity,
                unit_price_minor=price.price_minor,
                method="till" if channel == "till" else wish.method,
                place=places[store_id],
            )
        )
        named.append(n)
    priced = _within_limits(live, items, at, channel, buyer)
    by_line: dict[int, list[Taken]] = {}
    for applied in priced.applied:
        for position, amount in applied.shares.items():
            if amount:
                by_line.setdefault(named[position], []).append(Taken(applied.promotion, amount))
    due = tuple([one._replace(items=tuple([named[n] for n in one.items])) for one in priced.gifts])
    given, over = _given(wishes, prices, due, buyer, by_line)
    together = [*priced.applied, *given]
    counting = [one.promotion for one in together]
    if priced.free_delivery is not None:
        counting.append(priced.free_delivery)
    return Offers(
        by_line, together, priced.hints, priced.free_delivery, _coupons(counting, buyer), due, frozenset(over)
    )


def _given(
    wishes: Sequence[orders.Wanted],
    prices: Mapping[int, Price],
    due: Sequence[GiftDue],
    buyer: Buyer,
    by_line: dict[int, list[Taken]],
) -> tuple[list[Applied], list[int]]:
    """What the promotions of gifts take off their lines, which is all; and the lines that no budget is left for."""
    used = {one.promotion_id: one.used_minor for one in buyer.used}
    promised = {one.promotion.id: one.promotion for one in due}
    given, over = [], []
    for n, wish in enumerate(wishes):
        if wish.gift is None or n not in prices:
            continue
        promotion, amount = promised.get(wish.gift), prices[n].price_minor * wish.quantity
        if promotion is None or (
            promotion.budget_minor is not None and used[promotion.id] + amount > promotion.budget_minor
        ):
            over.append(n)
            continue
        if amount:
            by_line[n] = [Taken(promotion, amount)]
        given.append(Applied(promotion, {n: amount}, amount))
    return given, over


def _within_limits(live: Live, items: Sequence[Item], at: datetime, channel: str, buyer: Buyer) -> Priced:
    used = {one.promotion_id: one for one in buyer.used}
    limited = {rule.promotion.id: rule.promotion for rule in live.rules if rule.promotion.id in used}
    spent = frozenset(of for of, one in used.items() if one.spent(limited[of], known=bool(buyer.tier)))
    situation = Situation(
        at, channel, first_order=buyer.first_order, coupons=frozenset(one.promotion_id for one in buyer.held),
        spent=spent, tier=buyer.tier,
    )  # fmt: skip
    while True:
        priced = price_basket(live, items, situation)
        over = frozenset(
            one.promotion.id
            for one in priced.applied
            if one.promotion.budget_minor is not None
            and used[one.promotion.id].used_minor + one.amount_minor > one.promotion.budget_minor
        )
        if not over:
            return priced
        situation = situation._replace(spent=situation.spent | over)


def _coupons(counting: Sequence[Promotion], buyer: Buyer) -> list[Held]:
    """One coupon for each promotion that asks for one and counts: of several the one that ends soonest."""
    first: dict[UUID, Held] = {}
    for one in buyer.held:
        first.setdefault(one.promotion_id, one)
    return [first[promotion.id] for promotion in counting if promotion.when.coupon]
