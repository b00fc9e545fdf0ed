"""A small catalogue made through the verbs, for tests."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from uuid import UUID

from duoline.catalog.add_product import add_product
from duoline.catalog.add_sku import add_sku
from duoline.catalog.brands import add_brand
from duoline.catalog.categories import add_category
from duoline.catalog.publish import advance
from duoline.catalog.types import Attribute, NewCategory, NewProduct, NewSku, Option, OptionValue, Publication
from duoline.kernel.auth import SYSTEM
from duoline.kernel.text import Text

if TYPE_CHECKING:
    from duoline.kernel.db import Tx

COLOUR = Option(
    "color",
    Text("颜色", "Colour"),
    [OptionValue("red", Text("红色", "Red")), OptionValue("blue", Text("蓝色", "Blue"))],
)
SIZE = Option("size", Text("尺码", "Size"), [OptionValue("s", Text("S码", "S")), OptionValue("m", Text("M码", "M"))])


@dataclass
class Goods:
    """What was made, by code."""

    products: dict[str, UUID] = field(default_factory=dict)
    skus: dict[str, UUID] = field(default_factory=dict)


async def make_tree(tx: Tx) -> None:
    """milk > formula, care > diapers; two brands."""
    for code, zh, en, parent in (
        ("milk", "奶粉辅食", "Milk and food", None),
        ("formula", "婴儿配方奶粉", "Infant formula", "milk"),
        ("care", "洗护", "Care", None),
        ("diapers", "纸尿裤", "Diapers", "care"),
        ("feeding", "喂养用品", "Feeding", None),
    ):
        await add_category(tx, actor=SYSTEM, new=NewCategory(code=code, name=Text(zh, en), parent_code=parent))
    await add_brand(tx, actor=SYSTEM, code="feihe", name=Text("飞鹤", "Firmus"))
    await add_brand(tx, actor=SYSTEM, code="aptamil", name=Text("爱他美", "Aptamil"))


async def make_goods(tx: Tx) -> Goods:
    """Four published products and a draft."""
    await make_tree(tx)
    goods = Goods()
    for code, zh, en, category, brand, options in (
        ("F700", "星飞帆 婴儿配方奶粉 1段 700g", "Star infant formula stage 1, 700 g", "formula", "feihe", []),
        ("A800", "卓傲 婴儿配方奶粉 2段 800g", "Profutura infant formula stage 2, 800 g", "formula", "aptamil", []),
        ("D60", "超薄透气纸尿裤 60片", "Thin diapers, 60 pieces", "diapers", None, [SIZE]),
        ("B240", "宽口径奶瓶 240ml", "Wide neck bottle 240 ml", "feeding", None, [COLOUR]),
        ("DRAFT", "还没上架的绿茶", "Green tea to come", "milk", None, []),
    ):
        product_id = await add_product(
            tx,
            actor=SYSTEM,
            new=NewProduct(
                code=code,
                name=Text(zh, en),
                category=category,
                brand=brand,
                description=Text(f"{zh}的介绍", f"About {en}"),
                attributes=[Attribute(Text("产地", "Origin"), Text("新西兰", "New Zealand"))],
                options=options,
            ),
        )
        goods.products[code] = product_id
        for option in options or [None]:
            for value in option.values if option else [None]:
                chosen = {option.key: value.key} if option and value else {}
                sku_code = f"{code}-{value.key.upper()}" if value else f"{code}-1"
                goods.skus[sku_code] = await add_sku(
                    tx, actor=SYSTEM, product_id=product_id, new=NewSku(code=sku_code, options=chosen, weight_g=900)
                )
        if code != "DRAFT":
            await advance(tx, actor=SYSTEM, product_id=product_id, to=Publication.PUBLISHED)
    return goods
