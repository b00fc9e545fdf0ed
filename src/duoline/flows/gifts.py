"""Gifts that come with what is bought: which are due, where they are to be had, and what the buyer says to them.

A gift goes with the units it is due for: to where most of them go, of equals to the first by name. It is had there or
not at all, after everything that is bought there, and the quote says when it is short. Its line is priced in full and
one promotion takes all of it off, so that refunds and figures are exact; it counts for no promotion and earns nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

import msgspec

from duoline import catalog, orders
from duoline.flows.origins import sends
from duoline.pricing.promotions.types import BuyGet, Promotion

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from duoline.catalog.types import SkuFacts
    from duoline.flows.basket import Look
    from duoline.orders.types import Method
    from duoline.pricing.promotions.types import GiftDue
    from duoline.stores.types import Store


class GiftWord(NamedTuple):
    """What a buyer says to a gift: which SKU, or none; `quantity` is how many units they have been shown."""

    promotion_id: UUID
    sku_id: UUID | None
    quantity: int = 0


class GiftOption(NamedTuple):
    """An article that may be the gift, and how many units there are where it would come from."""

    facts: SkuFacts
    available: int


class Gift(NamedTuple):
    """A gift that is `due`, for the wishes at `bought`; of it `quantity` units of `sku_id` are in the basket.

    Fewer than are due when there are no more; none, and no SKU, when there is none or the buyer has `declined`.
    """

    promotion: Promotion
    due: int
    bought: tuple[int, ...]
    method: Method
    store: Store | None
    options: Sequence[GiftOption]
    sku_id: UUID | None
    quantity: int
    declined: bool

    @property
    def wish(self) -> orders.Wanted | None:
        """Its line, if there is one."""
        if self.sku_id is None:
            return None
        return orders.Wanted(
            sku_id=self.sku_id,
            quantity=self.quantity,
            method=self.method,
            store_id=self.store.id if self.store else None,
            gift=self.promotion.id,
        )

    def without(self) -> Gift:
        """The same, of which there turns out to be nothing."""
        return self._replace(sku_id=None, quantity=0)


class _Read(msgspec.Struct):
    facts: list[catalog.FactsRow]
    stock: list[tuple[UUID, UUID, int, int, int]]


_READ = """
SELECT json_build_object(
  'facts', FACTS,
  'stock', (SELECT coalesce(json_agg(json_build_array(
                     l.location_id, l.sku_id, l.on_hand - l.held, duo_available(l.on_hand, l.held, l.safety + b.units),
                     duo_shared(l.on_hand, l.held, l.safety + b.units, l.outward_reserve, l.outward_cap, l.outward))),
                   '[]')
            FROM levels l, LATERAL (SELECT duo_buffer(l.buffers, $2) AS units) b
            WHERE l.sku_id = ANY ($1) AND l.on_hand > l.held)
)::text
""".replace("FACTS", catalog.SKU_FACTS_JSON.replace("$ids", "$1"))
_decode = msgspec.json.Decoder(_Read)


async def offer_gifts(
    look: Look,
    due: Sequence[GiftDue],
    wishes: Sequence[orders.Wanted],
    stores: Sequence[Store | None],
    said: Sequence[GiftWord],
    *,
    channel: str,
    without: frozenset[UUID],
) -> list[Gift]:
    """The gifts that are due for these wishes, and what of each is to be had; `said` is what the buyer says to them.

    Depends on which units are wished for where, on nothing else: not on the order of the lines, nor on how the basket
    came about. Who says nothing gets the first of the options that there is enough of.
    """
    skus = {sku_id for one in due for sku_id in options_of(one.promotion)}
    read = _decode.decode(await look.db.fetchval(_READ, list(skus), channel))
    facts = sorted((row.facts() for row in read.facts), key=lambda one: one.sku_code)
    left = _stock(look, read, channel, without)
    for wish in wishes:  # what is bought comes first
        key = (wish.store_id if wish.method == "pickup" else None), wish.sku_id
        left[key] = left.get(key, 0) - wish.quantity
    words = {word.promotion_id: word for word in said}
    found = []
    for one in due:
        method, store = _place(one, wishes, stores)
        place = store.id if store else None
        options = [
            GiftOption(fact, max(0, left.get((place, fact.sku_id), 0)))
            for fact in facts
            if fact.sku_id in options_of(one.promotion)
        ]
        units = min(one.units, orders.QUANTITY_MAX)
        word = words.get(one.promotion.id)
        declined = word is not None and word.sku_id is None
        chosen = None if declined else _choose(options, units, word)
        quantity = min(units, chosen.available) if chosen else 0
        sku_id = chosen.facts.sku_id if chosen and quantity else None
        if sku_id is not None:
            left[place, sku_id] -= quantity
        found.append(Gift(one.promotion, units, one.items, method, store, options, sku_id, quantity, declined))
    return found


def options_of(promotion: Promotion) -> frozenset[UUID]:
    """The SKUs that a promotion gives one of."""
    return promotion.effect.get.skus if isinstance(promotion.effect, BuyGet) else frozenset()


def _stock(
    look: Look, read: _Read, channel: str, without: frozenset[UUID]
) -> dict[tuple[UUID | None, UUID], int]:  # fmt: skip
    """Units by place and SKU: what can be collected there, at a till what lies there; under None what can be sent."""
    left: dict[tuple[UUID | None, UUID], int] = {}
    for location_id, sku_id, there, available, shared in read.stock:
        left[location_id, sku_id] = there if channel == "till" else available
        if sends(look, location_id, without) is not None:
            left[None, sku_id] = left.get((None, sku_id), 0) + shared
    return left


def _place(
    due: GiftDue, wishes: Sequence[orders.Wanted], stores: Sequence[Store | None]
) -> tuple[Method, Store | None]:
    """Where most of the units go that it is due for; of equals the first by name, deliveries before shops."""
    units: dict[tuple[str, UUID | None], int] = {}
    for n in due.items:
        key = (wishes[n].method, stores[n].id if (stores[n] and wishes[n].method == "pickup") else None)  # type: ignore[union-attr]
        units[key] = units.get(key, 0) + wishes[n].quantity
    by_id = {store.id: store for store in stores if store is not None}

    def order(key: tuple[str, UUID | None]) -> tuple[int, str, str]:
        return -units[key], key[0], by_id[key[1]].code if key[1] else ""

    method, store_id = min(units, key=order)
    return ("pickup" if method == "pickup" else "delivery"), by_id[store_id] if store_id else None


def _choose(options: Sequence[GiftOption], units: int, word: GiftWord | None) -> GiftOption | None:
    named = next((one for one in options if word is not None and one.facts.sku_id == word.sku_id), None)
    if named is not None:
        return named
    enough = next((one for one in options if one.available >= units), None)
    return enough or max(options, key=lambda one: one.available, default=None)


def differ(gifts: Sequence[Gift], said: Sequence[GiftWord] | None) -> bool:
    """Whether a buyer who said this would get other gifts than they were shown. Who said nothing wants all of them."""
    if said is None:
        return any(one.quantity < one.due and not one.declined for one in gifts)
    shown: Mapping[UUID, tuple[UUID | None, int]] = {
        word.promotion_id: (word.sku_id, word.quantity if word.sku_id else 0) for word in said
    }
    got = {one.promotion.id: (one.sku_id, one.quantity) for one in gifts}
    gone = any(sku_id is not None and promotion not in got for promotion, (sku_id, _) in shown.items())
    return gone or any(shown.get(promotion) != mine for promotion, mine in got.items())
