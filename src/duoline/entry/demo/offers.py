# ruff: noqa: E501 - the table below reads better with a line an entry, however long
"""What the demo chain has on offer: some of each kind, as a mother-and-baby chain would, all from the day it is made.

Never on formula for infants: advertising and discounting it is against the rules for breast-milk substitutes, so what is
for everything leaves it out.
"""

from __future__ import annotations

import hashlib
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING, NamedTuple
from zoneinfo import ZoneInfo

from duoline.kernel.auth import SYSTEM
from duoline.kernel.ids import derived_id
from duoline.kernel.text import Text
from duoline.pricing.promotions import save
from duoline.pricing.promotions.types import (
    Bundle,
    BuyGet,
    Choice,
    Effect,
    EveryNth,
    FixedPrice,
    FreeDelivery,
    Part,
    PercentOff,
    Promotion,
    Step,
    Threshold,
    When,
)
from duoline.stores.types import CHAIN_ZONE

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from duoline.entry.demo.size import Size
    from duoline.kernel.db import Database

FORMULA = ("milk-infant", "milk-goat", "milk-organic")
COLLECT, FROM_50 = When(methods=frozenset({"pickup"})), (Step(from_minor=5000, off_minor=500),)


class Offer(NamedTuple):
    """A promotion by the codes of categories; `days` from the day of the demo until it begins and ends."""

    name: Text
    effect: Effect
    of: tuple[str, ...] = ()
    days: tuple[int, int | None] = (0, None)
    when: When = When()
    priority: int = 100
    group: str = ""
    exclusive: bool = False


def _offers(ids: Mapping[str, UUID]) -> list[Offer]:
    def some(*codes: str) -> Choice:
        return Choice(categories=frozenset(ids[code] for code in codes if code in ids))

    return [
        Offer(Text("童装每满 300 减 50", "Clothing: 50 off every 300"), Threshold(steps=(Step(from_minor=30000, off_minor=5000),), times=3), ("clothing",), (0, 24), group="clothing"),
        Offer(Text("袜帽 9 折", "Socks and hats 10% off"), PercentOff(off_bp=1000), ("clothing-sock", "clothing-hat"), (0, 24), group="clothing"),
        Offer(Text("零食第二件半价", "Snacks: the second at half price"), EveryNth(n=2, off_bp=5000), ("food-snack",), (0, 17)),
        Offer(Text("湿巾 3 件付 2 件", "Wipes: 3 for 2"), EveryNth(n=3), ("diaper-wipes",), (0, 10)),
        Offer(Text("会员日玩具 88 折", "Members' days: toys 12% off"), PercentOff(off_bp=1200), ("toys",), (0, 4)),
        Offer(Text("洗澡两件套 79 元", "Bath set for 79"), Bundle(parts=(Part(of=some("care-wash")), Part(of=some("care-towel"))), price_minor=7900), ("care",), (0, 31)),
        Offer(Text("买安全座椅送隔尿垫", "A changing mat with every car seat"), BuyGet(buy_units=1, get=some("diaper-mat")), ("travel-seat",), (0, 31)),
        Offer(Text("果泥特价 9.90", "Purée at 9.90"), FixedPrice(price_minor=990), ("food-puree",), (0, 7)),
        Offer(Text("满 79 包邮", "Free delivery from 79"), FreeDelivery(from_minor=7900)),
        Offer(Text("到店自提满 50 减 5", "Collect in a shop: 5 off 50"), Threshold(steps=FROM_50), when=COLLECT, priority=300),
        Offer(Text("年末全场满 500 减 80", "Year's end: 80 off 500"), Threshold(steps=(Step(from_minor=50000, off_minor=8000),)), (), (12, 15), priority=200, exclusive=True),
    ]  # fmt: skip


def promotions(size: Size, ids: Mapping[str, UUID]) -> list[Promotion]:
    """All that the chain can have; `ids` are those of its categories by code. A small one has not every category."""
    midnight = datetime.combine(size.today, time(), ZoneInfo(CHAIN_ZONE))
    formula = Choice(categories=frozenset(ids[code] for code in FORMULA if code in ids))
    found = []
    for n, offer in enumerate(_offers(ids)):
        begins, ends = offer.days
        promotion = Promotion(
            id=derived_id(hashlib.sha256(f"demo promotion {size.seed} {n}".encode()).digest()),
            version=1,
            name=offer.name,
            from_at=midnight + timedelta(days=begins),
            until_at=None if ends is None else midnight + timedelta(days=ends),
            of=Choice(categories=frozenset(ids[code] for code in offer.of if code in ids)),
            without=None if offer.of or formula.everything else formula,
            when=offer.when,
            effect=offer.effect,
            priority=offer.priority,
            group=offer.group,
            exclusive=offer.exclusive,
        )
        named = [choice for field, choice in save.choices(promotion) if field != "of" or offer.of]
        if not any(choice.everything for choice in named):
            found.append(promotion)
    return found


async def add_promotions(db: Database, size: Size) -> None:
    """Keep them, those that are not there yet, as set by the system itself."""
    ids = {row["code"]: row["id"] for row in await db.fetch("SELECT code, id FROM categories")}
    there = {row["id"] for row in await db.fetch("SELECT DISTINCT id FROM promotions")}
    for promotion in promotions(size, ids):
        if promotion.id not in there:
            async with db.begin() as tx:
                await save.add(tx, promotion, reason="", actor=SYSTEM)
