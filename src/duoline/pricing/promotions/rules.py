"""What the types of a promotion cannot say: which ones make no sense, and why, field by field."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from duoline.pricing.promotions.types import Bundle, BuyGet, EveryNth, FreeDelivery, Threshold

if TYPE_CHECKING:
    from collections.abc import Iterator

    from duoline.pricing.promotions.types import Promotion, Step

Problem = tuple[str, str, str]

GIFTS_MAX = 10
"""SKUs among which a buyer picks a gift."""


def problems_of(promotion: Promotion) -> list[dict[str, str]]:
    """Everything that is wrong with a promotion, each with its field and a sentence in both languages."""
    found = [*_general(promotion), *_effect(promotion)]
    return [{"field": field, "zh": zh, "en": en} for field, zh, en in found]


def _general(promotion: Promotion) -> Iterator[Problem]:
    if not promotion.name.zh.strip():
        yield "name.zh", "请填写中文名称。", "Give it a Chinese name."
    if not promotion.name.en.strip():
        yield "name.en", "请填写英文名称。", "Give it an English name."
    for name, instant in (("from_at", promotion.from_at), ("until_at", promotion.until_at)):
        if instant is not None and instant.tzinfo is None:
            yield name, "时间须带时区。", "Say in which time zone this is."
            return
    if promotion.until_at is not None and promotion.until_at <= promotion.from_at:
        yield "until_at", "结束时间要晚于开始。", "It has to end after it begins."
    when = promotion.when
    if when.from_minute >= when.until_minute:
        yield "when.until_minute", "结束时刻要晚于开始时刻。", "The time of day has to end after it begins."
    if (when.stores or when.regions) and when.methods == {"delivery"}:
        yield "when.methods", "送货到家不属于门店或区域。", "A delivery has no shop: shops and regions leave nothing."
    if promotion.without is not None and promotion.without.everything:
        yield "without", "没有选择要排除的商品。", "Name the articles it never counts for."
    if promotion.group != promotion.group.strip():
        yield "group", "互斥组名前后不能有空格。", "A group's name has no spaces around it."


def _effect(promotion: Promotion) -> Iterator[Problem]:
    effect = promotion.effect
    if isinstance(effect, Threshold):
        yield from _threshold(effect)
    elif isinstance(effect, EveryNth):
        if effect.units >= effect.n:
            yield "effect.units", "优惠件数要少于每组件数。", "Fewer units of a group are cheaper than it has."
    elif isinstance(effect, BuyGet):
        if effect.get.everything:
            yield "effect.get", "请选择赠送或换购的商品。", "Name the articles that are got."
        elif effect.gift:
            yield from _gift(promotion, effect)
    elif isinstance(effect, Bundle):
        for n, part in enumerate(effect.parts):
            if part.of.everything:
                yield f"effect.parts.{n}.of", "请选择这一部分的商品。", "Name the articles of this part."
    elif isinstance(effect, FreeDelivery):
        if promotion.group:
            yield "group", "包邮不与商品优惠互斥。", "Free delivery stands beside every offer: no group."
        if promotion.exclusive:
            yield "exclusive", "包邮不与商品优惠互斥。", "Free delivery stands beside every offer: not exclusive."
        if promotion.when.methods and "delivery" not in promotion.when.methods:
            yield "when.methods", "包邮要用于送货到家。", "Free delivery has to count for deliveries."


def _gift(promotion: Promotion, effect: BuyGet) -> Iterator[Problem]:
    get = effect.get
    if get.products or get.categories or get.brands or len(get.skus) > GIFTS_MAX:
        yield (
            "effect.get",
            f"自动加赠要指定具体的 SKU,最多 {GIFTS_MAX} 个,由顾客选一个。",
            f"A gift names its SKUs, {GIFTS_MAX} at the most, of which the buyer picks one.",
        )
    if effect.off_bp != 10_000:
        yield "effect.off_bp", "赠品不收钱,优惠要是 100%。", "A gift costs nothing: all of it comes off."
    if promotion.group:
        yield "group", "赠品不与商品优惠互斥。", "A gift stands beside every offer: no group."
    if promotion.exclusive:
        yield "exclusive", "赠品不与商品优惠互斥。", "A gift stands beside every offer: not exclusive."


def _threshold(effect: Threshold) -> Iterator[Problem]:
    broken = False
    for n, step in enumerate(effect.steps):
        field = f"effect.steps.{n}"
        if (step.from_minor is None) == (step.from_units is None):
            broken = True
            yield (
                f"{field}.from_minor",
                "满额和满件请填写其中一项。",
                "Set an amount or a number of units, one of them.",
            )
        if (step.off_minor is None) == (step.off_bp is None):
            broken = True
            yield f"{field}.off_minor", "减额和折扣请填写其中一项。", "Set an amount off or a share off, one of them."
    if broken:
        return
    for n, (before, step) in enumerate(pairwise(effect.steps), start=1):
        yield from _ascending(f"effect.steps.{n}", before, step)
    if effect.times != 1 and (len(effect.steps) > 1 or effect.steps[0].off_minor is None):
        yield "effect.times", "只有一档减额时才能重复。", "Only a single amount off can repeat."
    if effect.before and effect.steps[0].from_minor is None:
        yield "effect.before", "满件不区分优惠前后。", "Units are the same before and after offers."


def _ascending(field: str, before: Step, step: Step) -> Iterator[Problem]:
    if (before.from_minor is None) != (step.from_minor is None):
        yield f"{field}.from_minor", "各档须同为满额或同为满件。", "All steps ask for the same: an amount, or units."
    elif (step.from_minor or step.from_units or 0) <= (before.from_minor or before.from_units or 0):
        name = "from_units" if step.from_minor is None else "from_minor"
        yield f"{field}.{name}", "门槛要高于上一档。", "This has to be more than the step before asks."
    if (before.off_minor is None) != (step.off_minor is None):
        yield f"{field}.off_minor", "各档须同为减额或同为折扣。", "All steps take the same off: an amount, or a share."
    elif (step.off_minor or step.off_bp or 0) <= (before.off_minor or before.off_bp or 0):
        name = "off_bp" if step.off_minor is None else "off_minor"
        yield f"{field}.{name}", "优惠要大于上一档。", "This has to be more than the step before takes off."
