"""Why a promotion did not count for a basket, in a sentence: told by trying it alone and beside those that did."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from duoline.kernel.text import Text
from duoline.pricing.promotions import compile_promotions, price_basket
from duoline.pricing.promotions.types import FreeDelivery
from duoline.pricing.promotions.where import touches

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
    from uuid import UUID

    from duoline.pricing.promotions.types import Applied, Hint, Item, Priced, Promotion, Situation


class LeftOut(NamedTuple):
    """A promotion for articles of the basket that took nothing off, and why."""

    promotion: Promotion
    why: Text


def left_out(
    promotions: Iterable[Promotion],
    below: Mapping[UUID, Collection[UUID]],
    items: Sequence[Item],
    situation: Situation,
    priced: Priced,
) -> list[LeftOut]:
    """Those that hold at the instant and are for articles of this basket, without those that counted."""
    counted = {applied.promotion.id for applied in priced.applied}
    if priced.free_delivery is not None:
        counted.add(priced.free_delivery.id)
    counted |= {due.promotion.id for due in priced.gifts}
    return [
        LeftOut(promotion, _why(promotion, below, touched, items, situation, priced))
        for promotion in promotions
        if promotion.id not in counted and _open(promotion, situation)
        if not isinstance(promotion.effect, FreeDelivery) or any(item.method == "delivery" for item in items)
        if (touched := [item for item in items if touches(promotion, item, below)])
    ]


def _open(promotion: Promotion, situation: Situation) -> bool:
    """Whether it has begun and is not over."""
    return promotion.from_at <= situation.at and (promotion.until_at is None or situation.at < promotion.until_at)


def _why(
    promotion: Promotion,
    below: Mapping[UUID, Collection[UUID]],
    touched: Sequence[Item],
    items: Sequence[Item],
    situation: Situation,
    priced: Priced,
) -> Text:
    elsewhere = [_elsewhere(promotion, item, situation) for item in touched]
    if all(elsewhere):
        return next(reason for reason in elsewhere if reason)
    alone = price_basket(compile_promotions([promotion], below), items, situation)
    if isinstance(promotion.effect, FreeDelivery) and alone.free_delivery is not None:
        if priced.free_delivery is not None:
            other = priced.free_delivery.name
            return Text(f"「{other.zh}」已经免了运费。", f"{other.en} pays the delivery already.")
        return _missing(promotion, priced.hints, after_others=True) or NOT_YET
    if not alone.applied:
        return _missing(promotion, alone.hints, after_others=False) or (
            NOT_YET if _asks(promotion) else NOTHING_TO_TAKE
        )
    return _beaten(promotion, alone.applied[0], priced)


NOT_YET = Text("还没有达到条件。", "The basket does not fulfil its condition yet.")
NOTHING_TO_TAKE = Text("这些商品现在的价格已经不高于它。", "These articles cost no more than that already.")
BETTER = Text("其他促销合起来更优惠。", "Other promotions together take off more.")


def _asks(promotion: Promotion) -> bool:
    """Whether it asks for an amount or a number of units."""
    tag = promotion.effect.__struct_config__.tag
    return tag not in ("percent_off", "amount_off", "fixed_price")


def _elsewhere(promotion: Promotion, item: Item, situation: Situation) -> Text | None:
    """What of `when` an item does not fulfil."""
    when, place = promotion.when, item.place
    if when.coupon and promotion.id not in situation.coupons:
        return Text("需要一张券。", "It asks for a coupon.")
    if promotion.id in situation.spent:
        return Text("预算或名额已经用完。", "Its budget, or the number of orders it is for, is used up.")
    if when.channels and situation.channel not in when.channels:
        return Text("不适用于这个渠道。", "It does not count in this channel.")
    if when.tiers and situation.tier not in when.tiers:
        return Text("不是它的会员等级。", "It counts for other tiers of members.")
    if when.first_order and not situation.first_order:
        return Text("只限首单。", "It counts for a first order only.")
    if when.methods and item.method not in when.methods:
        return Text("不适用于这种取货方式。", "It does not count for this way of getting the articles.")
    if (when.stores and place.store_id not in when.stores) or (when.regions and when.regions.isdisjoint(place.regions)):
        return Text("不适用于这家门店。", "It does not count at this shop.") if place.store_id else SHOPS_ONLY
    if when.weekdays and place.weekday not in when.weekdays:
        return Text("今天不是活动日。", "It does not count on this weekday.")
    if not when.from_minute <= place.minute < when.until_minute:
        hours = f"{_clock(when.from_minute)}–{_clock(when.until_minute)}"
        return Text(f"只在 {hours} 有效。", f"It counts from {hours} only.")
    return None


SHOPS_ONLY = Text("只限到店,不适用于送货。", "It counts in shops, not for deliveries.")


def _clock(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"


def _missing(promotion: Promotion, hints: Iterable[Hint], *, after_others: bool) -> Text | None:
    """How much more it asks for, if the engine has a hint of it."""
    hint = next((each for each in hints if each.promotion.id == promotion.id), None)
    if hint is None:
        return None
    zh = "其他促销之后," if after_others else ""
    en = " after the other promotions" if after_others else ""
    if hint.missing_minor is not None:
        return Text(f"{zh}还差 ¥{_yuan(hint.missing_minor)}。", f"It needs ¥{_yuan(hint.missing_minor)} more{en}.")
    return Text(f"{zh}还差 {hint.missing_units} 件。", f"It needs {hint.missing_units} more units{en}.")


def _yuan(minor: int) -> str:
    return f"{minor // 100}.{minor % 100:02d}"


def _beaten(promotion: Promotion, alone: Applied, priced: Priced) -> Text:
    """It would have counted by itself: what stands in its way, as far as one rule says it."""
    shared = [each for each in priced.applied if not alone.shares.keys().isdisjoint(each.shares)]
    for rule in (_exclusive, _same_group, _is_exclusive):
        if said := next(rule(promotion, shared), None):
            return said
    return _missing(promotion, priced.hints, after_others=True) or BETTER


def _exclusive(_promotion: Promotion, shared: Sequence[Applied]) -> Iterator[Text]:
    for each in shared:
        if (other := each.promotion).exclusive:
            yield Text(
                f"「{other.name.zh}」是独享的,同一件商品不再享受其他促销。",
                f"{other.name.en} is exclusive: nothing else counts for its articles.",
            )


def _same_group(promotion: Promotion, shared: Sequence[Applied]) -> Iterator[Text]:
    for each in shared:
        if promotion.group and (other := each.promotion).group == promotion.group:
            yield Text(
                f"不与「{other.name.zh}」同享:互斥组「{promotion.group}」里只取一个。",
                f"Not beside {other.name.en}: of the group {promotion.group} only one counts.",
            )


def _is_exclusive(promotion: Promotion, shared: Sequence[Applied]) -> Iterator[Text]:
    if promotion.exclusive and shared:
        zh = "、".join(f"「{each.promotion.name.zh}」" for each in shared)
        en = ", ".join(each.promotion.name.en for each in shared)
        yield Text(f"它是独享的,而{zh}更优惠。", f"It is exclusive, and {en} together take off more.")
