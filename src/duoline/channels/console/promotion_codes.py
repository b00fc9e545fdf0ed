"""Promotions between the ids they are kept by and the codes that people know."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec

from duoline import catalog
from duoline.catalog.tree import Tree, read_tree
from duoline.channels.console.promotion_shapes import (
    BundleCodes,
    BuyGetCodes,
    GoodsCodes,
    Named,
    NamedBundle,
    NamedBuyGet,
    NamedEffect,
    NamedGoods,
    NamedPart,
    NamedWhen,
    OfferStep,
    OfferSteps,
    PromotionInput,
    PromotionRow,
    State,
)
from duoline.kernel import clock
from duoline.kernel.errors import BadInput
from duoline.kernel.text import Text
from duoline.members.policy import TIERS
from duoline.pricing.promotions.save import choices
from duoline.pricing.promotions.types import Bundle, BuyGet, Choice, Effect, Part, Promotion, Step, Threshold, When

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from datetime import datetime

    from duoline.kernel.db import Database, Tx
    from duoline.stores.directory import Chain

# --- from codes ------------------------------------------------------------------------------------


async def decoded(
    db: Database | Tx, chain: Chain, data: PromotionInput, *, promotion_id: UUID, version: int
) -> Promotion:
    """The promotion that was sent. Refuses `kernel.bad-input` with the codes that are none, by field."""
    reader = await _Codes.read(db, chain, data)
    made = Promotion(
        id=promotion_id,
        version=version,
        name=Text(data.name.zh.strip(), data.name.en.strip()).filled,
        from_at=data.from_at or clock.now(),
        until_at=data.until_at,
        of=reader.choice("of", data.of),
        without=None if data.without is None else reader.choice("without", data.without),
        when=reader.when(data),
        effect=reader.effect(data),
        priority=data.priority,
        group=data.group.strip(),
        exclusive=data.exclusive,
        clawback=data.clawback,
        budget_minor=data.budget_minor,
        orders_max=data.orders_max,
        member_orders_max=data.member_orders_max,
    )
    if reader.problems:
        raise BadInput(problems=reader.problems)
    return made


class _Codes:
    """Looks up codes and notes those that are none."""

    def __init__(self, chain: Chain, tree: Tree, skus: Mapping[str, UUID], products: Mapping[str, UUID]) -> None:
        self.chain = chain
        self.known: dict[str, Mapping[str, Any]] = {
            "skus": skus,
            "products": products,
            "categories": {code: category.id for code, category in tree.by_code.items()},
            "brands": {code: brand.id for code, brand in tree.brand_by_code.items()},
            "stores": {code: store.id for code, store in chain.by_code.items()},
            "regions": {code: region.id for code, region in chain.region_by_code.items()},
        }
        self.problems: list[dict[str, str]] = []

    @classmethod
    async def read(cls, db: Database | Tx, chain: Chain, data: PromotionInput) -> _Codes:
        """Ready for what the promotion names."""
        named = [data.of, *([data.without] if data.without else []), *_inside(data)]
        skus = await db.fetch(
            "SELECT code, id FROM skus WHERE code = ANY ($1)", [code for each in named for code in each.skus]
        )
        products = await db.fetch(
            "SELECT code, id FROM products WHERE code = ANY ($1)", [code for each in named for code in each.products]
        )
        return cls(
            chain,
            await read_tree(db),
            {row["code"]: row["id"] for row in skus},
            {row["code"]: row["id"] for row in products},
        )

    def ids(self, field: str, kind: str, codes: Iterable[str]) -> frozenset[UUID]:
        """The ids of codes."""
        known, codes = self.known[kind], set(codes)
        if unknown := sorted(codes - known.keys()):
            names = ", ".join(unknown[:5])
            self.problems.append(
                {"field": f"{field}.{kind}", "zh": f"没有这样的编码:{names}。", "en": f"There is no {names}."}
            )
        return frozenset(known[code] for code in codes & known.keys())

    def choice(self, field: str, goods: GoodsCodes) -> Choice:
        """Articles."""
        return Choice(
            skus=self.ids(field, "skus", goods.skus),
            products=self.ids(field, "products", goods.products),
            categories=self.ids(field, "categories", goods.categories),
            brands=self.ids(field, "brands", goods.brands),
        )

    def when(self, data: PromotionInput) -> When:
        """Where, how and when."""
        when = data.when
        return When(
            channels=frozenset(when.channels),
            methods=frozenset(when.methods),
            stores=self.ids("when", "stores", when.stores),
            regions=self.ids("when", "regions", when.regions),
            weekdays=frozenset(when.weekdays),
            from_minute=when.from_minute,
            until_minute=when.until_minute,
            tiers=self._tiers(when.tiers),
            first_order=when.first_order,
            coupon=when.coupon,
        )

    def _tiers(self, codes: list[str]) -> frozenset[str]:
        known = {tier.code for tier in TIERS.current().body.tiers}
        if unknown := sorted(set(codes) - known):
            names = ", ".join(unknown)
            self.problems.append(
                {"field": "when.tiers", "zh": f"没有这样的会员等级:{names}。", "en": f"There is no tier {names}."}
            )
        return frozenset(codes)

    def effect(self, data: PromotionInput) -> Effect:
        """What comes off."""
        match data.effect:
            case OfferSteps() as sent:
                steps = [Step(**msgspec.structs.asdict(step)) for step in sent.steps]
                return Threshold(steps=tuple(steps), times=sent.times, before=sent.before)
            case BuyGetCodes() as sent:
                return BuyGet(
                    buy_units=sent.buy_units,
                    get=self.choice("effect.get", sent.get),
                    get_units=sent.get_units,
                    off_bp=sent.off_bp,
                    times=sent.times,
                    gift=sent.gift,
                )
            case BundleCodes() as sent:
                parts = [
                    Part(of=self.choice(f"effect.parts.{n}.of", part.of), units=part.units)
                    for n, part in enumerate(sent.parts)
                ]
                return Bundle(parts=tuple(parts), price_minor=sent.price_minor, times=sent.times)
            case plain:
                return plain


def _inside(data: PromotionInput) -> list[GoodsCodes]:
    match data.effect:
        case BuyGetCodes(get=get):
            return [get]
        case BundleCodes(parts=parts):
            return [part.of for part in parts]
    return []


# --- to codes --------------------------------------------------------------------------------------


class Written(msgspec.Struct, frozen=True):
    """A version of a promotion as it is kept, and who wrote it."""

    promotion: Promotion
    by: str | None
    reason: str
    written_at: datetime


async def encoded(db: Database | Tx, chain: Chain, written: Sequence[Written]) -> list[PromotionRow]:
    """Versions of promotions with the codes and names of all they name."""
    names = await _Names.read(db, chain, [each.promotion for each in written])
    return [names.row(each) for each in written]


class _Names:
    """Codes and names by id. What is not there any more is left out."""

    def __init__(self, known: Mapping[str, Mapping[UUID, Named]]) -> None:
        self.known = known

    @classmethod
    async def read(cls, db: Database | Tx, chain: Chain, promotions: Iterable[Promotion]) -> _Names:
        """Ready for what these promotions name."""
        named = [choice for promotion in promotions for _, choice in choices(promotion)]
        facts = await catalog.sku_facts(db, {sku_id for each in named for sku_id in each.skus})
        products = await db.fetch(
            "SELECT id, code, name_zh, name_en FROM products WHERE id = ANY ($1)",
            list({product_id for each in named for product_id in each.products}),
        )
        tree = await read_tree(db)
        return cls(
            {
                "skus": {sku_id: Named(each.sku_code, full_name(each)) for sku_id, each in facts.items()},
                "products": {
                    row["id"]: Named(row["code"], Text(row["name_zh"], row["name_en"]).filled) for row in products
                },
                "categories": {each.id: Named(each.code, each.name.filled) for each in tree.categories.values()},
                "brands": {each.id: Named(each.code, each.name.filled) for each in tree.brands.values()},
                "stores": {each.id: Named(each.code, each.name) for each in chain.stores.values()},
                "regions": {each.id: Named(each.code, each.name) for each in chain.regions.values()},
            }
        )

    def of(self, kind: str, ids: Collection[UUID]) -> list[Named]:
        """These, by code."""
        known = self.known[kind]
        return sorted((known[each] for each in ids if each in known), key=lambda named: named.code)

    def goods(self, choice: Choice) -> NamedGoods:
        """Articles."""
        return NamedGoods(
            self.of("skus", choice.skus),
            self.of("products", choice.products),
            self.of("categories", choice.categories),
            self.of("brands", choice.brands),
        )

    def effect(self, effect: Effect) -> NamedEffect:
        """What comes off."""
        match effect:
            case Threshold():
                steps = [OfferStep(**msgspec.structs.asdict(step)) for step in effect.steps]
                return OfferSteps(steps=steps, times=effect.times, before=effect.before)
            case BuyGet():
                return NamedBuyGet(
                    effect.buy_units, self.goods(effect.get), effect.get_units, effect.off_bp, effect.times, effect.gift
                )
            case Bundle():
                parts = [NamedPart(self.goods(part.of), part.units) for part in effect.parts]
                return NamedBundle(parts, effect.price_minor, effect.times)
            case plain:
                return plain

    def row(self, written: Written) -> PromotionRow:
        """A version in words."""
        promotion = written.promotion
        when = promotion.when
        return PromotionRow(
            id=promotion.id,
            version=promotion.version,
            state=state_of(promotion.from_at, promotion.until_at),
            kind=promotion.effect.__struct_config__.tag,  # type: ignore[arg-type]
            name=promotion.name,
            from_at=promotion.from_at,
            until_at=promotion.until_at,
            of=self.goods(promotion.of),
            without=None if promotion.without is None else self.goods(promotion.without),
            when=NamedWhen(
                channels=sorted(when.channels),
                methods=sorted(when.methods),
                stores=self.of("stores", when.stores),
                regions=self.of("regions", when.regions),
                weekdays=sorted(when.weekdays),
                from_minute=when.from_minute,
                until_minute=when.until_minute,
                tiers=sorted(when.tiers),
                first_order=when.first_order,
                coupon=when.coupon,
            ),
            effect=self.effect(promotion.effect),
            priority=promotion.priority,
            group=promotion.group,
            exclusive=promotion.exclusive,
            clawback=promotion.clawback,
            budget_minor=promotion.budget_minor,
            orders_max=promotion.orders_max,
            member_orders_max=promotion.member_orders_max,
            by=written.by,
            reason=written.reason,
            written_at=written.written_at,
        )


def state_of(from_at: datetime, until_at: datetime | None) -> State:
    """Whether it holds now, will, or did."""
    now = clock.now()
    if until_at is not None and until_at <= now:
        return "over"
    return "live" if from_at <= now else "coming"


def full_name(facts: catalog.SkuFacts) -> Text:
    """The name of an article with its choices: 面霜 50 ml."""
    return Text(
        " ".join([facts.name.zh, *(choice.value.zh for choice in facts.options)]),
        " ".join([facts.name.en, *(choice.value.en for choice in facts.options)]),
    )
