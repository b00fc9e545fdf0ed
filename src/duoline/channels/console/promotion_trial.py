"""Try promotions before they are kept: what one meets, and what a basket would cost under it."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal
from uuid import UUID

import msgspec
from litestar import post

from duoline import catalog, orders, pricing
from duoline.channels.console.promotion_codes import decoded, full_name
from duoline.channels.console.promotion_shapes import Code, Instant, Kind, Named, PromotionInput
from duoline.channels.http import doors
from duoline.channels.http.answers import Answer, Input, answer
from duoline.channels.http.sessions import Staff
from duoline.channels.http.writes import Write
from duoline.flows.gifts import options_of
from duoline.flows.places import region_path
from duoline.kernel import clock
from duoline.kernel.db import Database
from duoline.kernel.errors import BadInput
from duoline.kernel.money import Money
from duoline.kernel.text import Text
from duoline.pricing.promotions import book, compile_promotions, price_basket, save
from duoline.pricing.promotions.overlaps import Relation, overlaps
from duoline.pricing.promotions.types import Item, Priced, Promotion, Situation
from duoline.pricing.promotions.where import Article, place_at, reach, touches
from duoline.pricing.promotions.why_not import LeftOut, left_out
from duoline.stores.directory import Chain

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from duoline.stores.types import Store

DRAFT = UUID(int=2**128 - 1)
"""The id of a draft that is no version of anything: the last of all, as a new promotion's would be."""
EXAMPLES = 3


class Preview(Input, frozen=True):
    """A draft; of a promotion that is being changed its id."""

    promotion: PromotionInput
    promotion_id: UUID | None = None


class PreviewProblem(msgspec.Struct, frozen=True):
    """A field that is not right yet."""

    field: str
    reason: Text


class PreviewOverlap(msgspec.Struct, frozen=True, kw_only=True):
    """Another promotion for the same articles at the same time. `shared` counts them; some stand as examples."""

    id: UUID
    name: Text
    kind: Kind
    from_at: datetime
    until_at: datetime | None
    relation: Relation
    group: str
    shared: int
    examples: list[Named]


class PromotionPreview(msgspec.Struct, frozen=True):
    """What a draft would be: what is wrong with it, how many articles it is for, some of them, and what it meets."""

    problems: list[PreviewProblem]
    articles: int
    products: int
    examples: list[Named]
    overlaps: list[PreviewOverlap]


class TrialLine(Input, frozen=True):
    """Units of an article."""

    sku_code: Code
    quantity: Annotated[int, msgspec.Meta(ge=1, le=orders.QUANTITY_MAX)]


class Trial(Input, frozen=True):
    """A basket to price: collected or bought at a shop, or delivered; now or at an instant; with a draft or without.

    `promotion_id` is the promotion that the draft changes.
    """

    lines: Annotated[list[TrialLine], msgspec.Meta(min_length=1, max_length=orders.LINES_MAX)]
    method: Literal["pickup", "delivery", "till"] = "pickup"
    store: Code | None = None
    channel: Literal["mall", "till", "open_api"] = "mall"
    at: Instant | None = None
    tier: Annotated[str, msgspec.Meta(max_length=20)] = ""
    """The tier of who buys; empty for who is no member."""
    first_order: bool = False
    draft: PromotionInput | None = None
    promotion_id: UUID | None = None


class TrialOffer(msgspec.Struct, frozen=True):
    """A promotion; `draft` says that it is the one being tried."""

    id: UUID
    name: Text
    draft: bool


class TrialShare(msgspec.Struct, frozen=True):
    """What a promotion takes off a line, or off the basket."""

    offer: TrialOffer
    amount: Money


class PricedTrialLine(msgspec.Struct, frozen=True, kw_only=True):
    """A line and what is left of it."""

    sku_code: str
    product_code: str
    name: Text
    options: list[catalog.Choice]
    quantity: int
    unit_price: Money
    gross: Money
    shares: list[TrialShare]
    net: Money


class TrialGift(msgspec.Struct, frozen=True):
    """So many units of a gift would be put in, one of these articles."""

    offer: TrialOffer
    units: int
    choices: list[Named]


class TrialHint(msgspec.Struct, frozen=True):
    """How a promotion would begin to count, or count for more; `saves` is None for free delivery."""

    offer: TrialOffer
    missing: Money | None
    missing_units: int | None
    saves: Money | None


class TrialLeftOut(msgspec.Struct, frozen=True):
    """A promotion for these articles that took nothing off, and why."""

    offer: TrialOffer
    why: Text


class TrialResult(msgspec.Struct, frozen=True, kw_only=True):
    """The priced basket. `delivery_fee` is None where nothing is delivered; `free_delivery` pays it."""

    at: datetime
    lines: list[PricedTrialLine]
    gross: Money
    discount: Money
    delivery_fee: Money | None
    total: Money
    applied: list[TrialShare]
    free_delivery: TrialOffer | None
    gifts: list[TrialGift]
    hints: list[TrialHint]
    left_out: list[TrialLeftOut]


# --- what a draft meets ----------------------------------------------------------------------------


@post(
    "/api/console/promotions/preview",
    opt=doors.staff("prices.read", stores=doors.SHARED, promotion_id=doors.SHARED),
    status_code=200,
)
async def preview_promotion(write: Write, db: Database, chain: Chain, data: Preview) -> Answer[PromotionPreview]:
    """What is wrong with a draft, and what it meets. Nothing is stored."""
    del write  # takes part in the rule that every POST names its key
    try:
        promotion = await decoded(db, chain, data.promotion, promotion_id=data.promotion_id or DRAFT, version=1)
    except BadInput as error:
        return answer(PromotionPreview(_problems(error.fields["problems"]), 0, 0, [], []))
    problems = save.faults(promotion)
    below = await book.branches(db)
    articles = await _articles(db, promotion, below)
    others = await book.read(db, at=max(promotion.from_at, clock.now()))
    found = await asyncio.to_thread(overlaps, promotion, others, articles, below, chain)
    product = {article.sku_id: article.product_id for article in articles}
    some, *shared = (_some(each, product) for each in (product, *(each.shared for each in found)))
    shown = {*some, *(sku_id for each in shared for sku_id in each)}
    names = {
        sku_id: Named(each.sku_code, full_name(each)) for sku_id, each in (await catalog.sku_facts(db, shown)).items()
    }
    return answer(
        PromotionPreview(
            _problems(problems),
            len(articles),
            len(set(product.values())),
            [names[sku_id] for sku_id in some],
            [
                PreviewOverlap(
                    id=each.promotion.id,
                    name=each.promotion.name,
                    kind=each.promotion.effect.__struct_config__.tag,  # type: ignore[arg-type]
                    from_at=each.promotion.from_at,
                    until_at=each.promotion.until_at,
                    relation=each.relation,
                    group=each.promotion.group,
                    shared=len(each.shared),
                    examples=[names[sku_id] for sku_id in examples],
                )
                for each, examples in zip(found, shared, strict=True)
            ],
        )
    )


def _some(sku_ids: Iterable[UUID], product: Mapping[UUID, UUID]) -> list[UUID]:
    """The first few of these articles, one of a product."""
    first: dict[UUID, UUID] = {}
    for sku_id in sku_ids:
        first.setdefault(product[sku_id], sku_id)
    return list(first.values())[:EXAMPLES]


def _problems(problems: Sequence[Mapping[str, str]]) -> list[PreviewProblem]:
    return [PreviewProblem(each["field"], Text(each["zh"], each["en"])) for each in problems]


_ARTICLES = """
SELECT s.id, s.product_id, d.category_id, d.brand_id
FROM skus s JOIN products d ON d.id = s.product_id
WHERE s.state = 'active' AND d.state <> 'withdrawn'
  AND ($1 OR s.id = ANY ($2) OR d.id = ANY ($3) OR d.category_id = ANY ($4) OR d.brand_id = ANY ($5))
ORDER BY s.code
"""


async def _articles(db: Database, promotion: Promotion, below: Mapping[UUID, Collection[UUID]]) -> list[Article]:
    """The articles that a promotion is for, by code."""
    wanted = reach(promotion)
    rows = await db.fetch_filtered(
        _ARTICLES,
        any(choice.everything for choice in wanted),
        [each for choice in wanted for each in choice.skus],
        [each for choice in wanted for each in choice.products],
        [inside for choice in wanted for each in choice.categories for inside in below.get(each, {each})],
        [each for choice in wanted for each in choice.brands],
    )
    found = [Article(row["id"], row["product_id"], row["category_id"], row["brand_id"]) for row in rows]
    return [each for each in found if touches(promotion, each, below)]


# --- what a basket would cost ------------------------------------------------------------------------


@post(
    "/api/console/promotions/trial",
    opt=doors.staff(
        "prices.read", store="store", sku_code=doors.SHARED, stores=doors.SHARED, promotion_id=doors.SHARED
    ),
    status_code=200,
)
async def try_basket(write: Write, db: Database, staff: Staff, chain: Chain, data: Trial) -> Answer[TrialResult]:
    """Price a basket under what is in force at an instant, with a draft or without. Nothing is stored.

    What a shop asks is for its own people: without a shop in one's reach a basket is delivered.
    """
    del write  # as above
    store = _store(data, staff)
    at = data.at or clock.now()
    promotions = await _in_force(db, chain, data, at)
    below = await book.branches(db)
    items = await _items(db, chain, data, store, at)
    # Who tries a draft has a coupon for it.
    coupons = frozenset() if data.draft is None else frozenset({data.promotion_id or DRAFT})
    situation = Situation(at, data.channel, data.first_order, coupons, tier=data.tier)
    # Beside the loop: a solver may be asked, and each promotion that did not count is tried alone.
    priced, left = await asyncio.to_thread(_priced, promotions, below, items, situation)
    facts = await catalog.sku_facts(db, {item.sku_id for item in items})
    gifts = await catalog.sku_facts(db, {sku_id for due in priced.gifts for sku_id in options_of(due.promotion)})
    said = _Saying(None if data.draft is None else data.promotion_id or DRAFT)
    fee = _fee(data, priced)
    gross, net = sum(item.gross_minor for item in items), sum(priced.nets)
    return answer(
        TrialResult(
            at=at,
            lines=[
                PricedTrialLine(
                    sku_code=facts[item.sku_id].sku_code,
                    product_code=facts[item.sku_id].product_code,
                    name=facts[item.sku_id].name,
                    options=facts[item.sku_id].options,
                    quantity=item.quantity,
                    unit_price=Money(item.unit_price_minor),
                    gross=Money(item.gross_minor),
                    shares=[
                        TrialShare(said.offer(each.promotion), Money(each.shares[n]))
                        for each in priced.applied
                        if each.shares.get(n)
                    ],
                    net=Money(priced.nets[n]),
                )
                for n, item in enumerate(items)
            ],
            gross=Money(gross),
            discount=Money(gross - net),
            delivery_fee=None if fee is None else Money(fee),
            total=Money(net + (fee or 0)),
            applied=[TrialShare(said.offer(each.promotion), Money(each.amount_minor)) for each in priced.applied],
            free_delivery=None if priced.free_delivery is None else said.offer(priced.free_delivery),
            gifts=[
                TrialGift(
                    said.offer(due.promotion),
                    due.units,
                    [
                        Named(gifts[sku_id].sku_code, full_name(gifts[sku_id]))
                        for sku_id in sorted(options_of(due.promotion), key=lambda one: gifts[one].sku_code)
                    ],
                )
                for due in priced.gifts
            ],
            hints=[
                TrialHint(
                    said.offer(hint.promotion),
                    None if hint.missing_minor is None else Money(hint.missing_minor),
                    hint.missing_units,
                    None if hint.saves_minor is None else Money(hint.saves_minor),
                )
                for hint in priced.hints
            ],
            left_out=[TrialLeftOut(said.offer(each.promotion), each.why) for each in left],
        )
    )


def _priced(
    promotions: Sequence[Promotion],
    below: Mapping[UUID, Collection[UUID]],
    items: Sequence[Item],
    situation: Situation,
) -> tuple[Priced, list[LeftOut]]:
    priced = price_basket(compile_promotions(promotions, below), items, situation)
    return priced, left_out(promotions, below, items, situation, priced)


async def _in_force(db: Database, chain: Chain, data: Trial, at: datetime) -> list[Promotion]:
    """The promotions to try, by id: those that are kept and, in the place of what it changes, the draft."""
    kept = await book.read(db, at=at)
    if data.draft is None:
        return kept
    # One that would begin at once has begun when the basket is bought.
    sent = msgspec.structs.replace(data.draft, from_at=data.draft.from_at or at)
    draft = await decoded(db, chain, sent, promotion_id=data.promotion_id or DRAFT, version=1)
    if problems := save.faults(draft):
        raise BadInput(problems=[each | {"field": f"draft.{each['field']}"} for each in problems])
    return sorted([*(each for each in kept if each.id != draft.id), draft], key=lambda each: each.id)


class _Saying:
    """How promotions are named in an answer."""

    def __init__(self, draft_id: UUID | None) -> None:
        self.draft_id = draft_id

    def offer(self, promotion: Promotion) -> TrialOffer:
        """A promotion by name."""
        return TrialOffer(promotion.id, promotion.name, promotion.id == self.draft_id)


def _store(data: Trial, staff: Staff) -> Store | None:
    """The shop of the basket; a delivery has none. Refuses `kernel.not-found` for one out of reach."""
    if data.store is not None:
        store = staff.store(data.store, "prices.read")
        return None if data.method == "delivery" else store
    if data.method != "delivery":
        problem = {"field": "store", "zh": "请选一家门店。", "en": "Choose a shop."}
        raise BadInput(problems=[problem])
    return None


def _fee(data: Trial, priced: Priced) -> int | None:
    """What delivery costs, by what the articles cost after all offers."""
    if data.method != "delivery":
        return None
    if priced.free_delivery is not None:
        return 0
    return pricing.delivery_fee(sum(priced.nets), pricing.DELIVERY_FEE.current().body)


_PRICES = """
SELECT w.n, s.id, s.product_id, d.category_id, d.brand_id, p.price_minor
FROM unnest($1::text[]) WITH ORDINALITY AS w(code, n)
LEFT JOIN skus s ON s.code = w.code LEFT JOIN products d ON d.id = s.product_id
LEFT JOIN LATERAL duo_price(s.id, $2, $3, $4, $5, $6) p ON true
ORDER BY w.n
"""


async def _items(db: Database, chain: Chain, data: Trial, store: Store | None, at: datetime) -> list[Item]:
    """The lines with their prices at the place and instant. Refuses those that have none, by field."""
    rows = await db.fetch(
        _PRICES,
        [line.sku_code for line in data.lines],
        None if store is None else store.id,
        [] if store is None else region_path(chain, store),
        data.channel,
        at,
        data.tier,
    )
    if problems := [_unpriced(n, row) for n, row in enumerate(rows) if row["price_minor"] is None]:
        raise BadInput(problems=problems)
    place = place_at(chain, store, at)
    return [
        Item(
            key=f"{n:04d}",
            sku_id=row["id"],
            product_id=row["product_id"],
            category_id=row["category_id"],
            brand_id=row["brand_id"],
            quantity=line.quantity,
            unit_price_minor=row["price_minor"],
            method=data.method,
            place=place,
        )
        for n, (line, row) in enumerate(zip(data.lines, rows, strict=True))
    ]


def _unpriced(n: int, row: Any) -> dict[str, str]:
    field = f"lines.{n}.sku_code"
    if row["id"] is None:
        return {"field": field, "zh": "没有这个商品编码。", "en": "There is no article of this code."}
    return {"field": field, "zh": "这里现在没有它的价格。", "en": "It has no price here at that time."}


ROUTES = [preview_promotion, try_basket]
