"""Products of the demo chain, as rows of the import dictionary, made one after the other."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from duoline.catalog.rules import check_digit
from duoline.entry.demo.catalogue import LEAVES, PARENTS, SCALES, Leaf
from duoline.entry.demo.words import BRANDS, COLOURS, PLACES, SERIES, Word

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random

    from duoline.entry.demo.size import Size

PRESENT = (
    "product_code",
    "name_zh",
    "name_en",
    "brand_code",
    "brand_zh",
    "brand_en",
    "category_code",
    "category_zh",
    "category_en",
    "category_parent_code",
    "category_parent_zh",
    "category_parent_en",
    "description_zh",
    "description_en",
    "attributes",
    "product_state",
    "sku_code",
    "option1_name",
    "option1_value",
    "option2_name",
    "option2_value",
    "gtins",
    "unit",
    "weight_g",
)

PARENT = dict(PARENTS)
PLACE = {leaf.code: n for n, leaf in enumerate(LEAVES)}
STEP = 7  # shares no divisor with the number of series


@dataclass(frozen=True)
class Variant:
    """A SKU: its code, its choices and its price in fen."""

    code: str
    gtin: str
    choices: tuple[tuple[Word, Word], ...]
    price_minor: int
    weight_g: int


@dataclass(frozen=True)
class Product:
    """A product with its variants. `popularity` is 0 to 1: what sells, and so what is stocked deep."""

    code: str
    leaf: Leaf
    brand: tuple[str, str, str, str]
    name: Word
    description: Word
    attributes: tuple[tuple[Word, Word], ...]
    variants: tuple[Variant, ...]
    colours: tuple[Word, ...]
    popularity: float


def products(size: Size) -> Iterator[Product]:
    """Products until the chain has its number of SKUs. The same for the same size and seed, every time it is run."""
    chance = size.chance("goods")
    bounds = list(accumulate(leaf.weight for leaf in LEAVES))
    made = dict.fromkeys((leaf.code for leaf in LEAVES), 0)
    left, n = size.skus, 0
    while left > 0:
        # The first round gives every leaf a product, whatever the dice say.
        leaf = LEAVES[n] if n < len(LEAVES) else chance.choices(LEAVES, cum_weights=bounds)[0]
        product = _product(size, chance, leaf, n, made[leaf.code], left)
        made[leaf.code] += 1
        left -= len(product.variants)
        n += 1
        yield product


def _product(size: Size, chance: Random, leaf: Leaf, n: int, nth: int, left: int) -> Product:
    brands = [brand for brand in BRANDS if brand[3] == "*" or leaf.parent in brand[3].split()]
    # Each brand goes through the series at a step of its own, so that no two products of a leaf are named the same
    # before all pairs are used up; then a generation mark is added.
    lap, seat = divmod(nth, len(brands))
    brand = brands[seat]
    series = SERIES[(lap * STEP + seat * 5 + PLACE[leaf.code] * 11) % len(SERIES)]
    generation = lap // len(SERIES)
    noun, trait = chance.choice(leaf.nouns), chance.choice(leaf.traits)
    mark = f" {generation + 2} 代" if generation else ""
    name = Word(
        f"{brand[1]} {series.zh}系列 {trait.zh}{noun.zh}{mark}",
        f"{brand[2]} {series.en} {trait.en} {noun.en}{f' mk {generation + 2}' if generation else ''}",
    )
    base = chance.uniform(leaf.low, leaf.high) * (0.92 if brand[0] == "HEYU" else 1.0)
    colours = tuple(chance.sample(COLOURS, chance.randint(1, leaf.colours))) if leaf.colours else ()
    choices = _choices(chance, leaf, colours)[:left]
    code = f"{leaf.parent[:2].upper()}{n + 1:05d}"
    variants = tuple(
        Variant(
            f"{code}-{place:02d}" if len(choices) > 1 else code,
            _gtin(size.seed, n * 32 + place),
            said,
            pretty(base * factor),
            int(leaf.weight_g * (factor if leaf.option in ("tin", "pack", "care", "volume") else 1)),
        )
        for place, (said, factor) in enumerate(choices, start=1)
    )
    return Product(
        code,
        leaf,
        brand,
        name,
        _description(chance, leaf, series, trait, noun),
        _attributes(chance, leaf),
        variants,
        colours,
        round(chance.random() ** 2, 4),
    )


def _choices(
    chance: Random, leaf: Leaf, colours: tuple[Word, ...]
) -> list[tuple[tuple[tuple[Word, Word], ...], float]]:
    """The combinations of scale and colours a product comes in, with their factors on the price.

    Half of the products come in a part of the scale only.
    """
    scale: list[tuple[tuple[tuple[Word, Word], ...], float]] = [((), 1.0)]
    if leaf.option:
        title, steps = SCALES[leaf.option]
        first, last = 0, len(steps)
        if chance.random() < 0.55:
            first = chance.randrange(len(steps))
            last = chance.randint(first + 1, len(steps))
        scale = [(((title, step),), factor) for step, factor in steps[first:last]]
    if not colours:
        return scale
    colour = Word("颜色", "Colour")
    return [(((colour, shade), *said), factor) for shade in colours for said, factor in scale]


def pretty(yuan: float) -> int:
    """A price as a shop writes it, in fen: 9.9, 68, 129, 1,299."""
    if yuan < 30:
        return int(yuan) * 100 + 90
    if yuan < 100:
        return int(yuan) // 10 * 1000 + (900 if yuan % 10 > 4 else 500)
    if yuan < 1000:
        return int(yuan) // 10 * 1000 + (900 if yuan % 10 > 4 else 800)
    return int(yuan) // 100 * 10_000 + 9900


def _gtin(seed: int, number: int) -> str:
    """A barcode from the range 20-29, which is kept for use inside a company and so clashes with no real one."""
    digits = f"2{seed % 10}{number:010d}"
    return digits + check_digit(digits)


def _attributes(chance: Random, leaf: Leaf) -> tuple[tuple[Word, Word], ...]:
    said = [(name, chance.choice(values)) for name, values in leaf.attributes]
    return (*said, (Word("产地", "Origin"), chance.choice(PLACES)))


_PROMISES = (
    Word("给宝宝的日常,刚刚好。", "Just right for every day."),
    Word("店里试过、妈妈们用过,才摆上货架。", "Tried in our shops and used by mothers before it reached the shelf."),
    Word("支持就近门店自提,当天可取。", "Collect it today from a shop near you."),
    Word("七天内不合适,任一门店可退换。", "Not right? Bring it to any shop within seven days."),
    Word("第三方检测合格,批次报告可在门店查询。", "Tested by third parties; batch reports can be seen in the shop."),
)


def _description(chance: Random, leaf: Leaf, series: Word, trait: Word, noun: Word) -> Word:
    first, second = chance.sample(_PROMISES, 2)
    return Word(
        f"{series.zh}系列{noun.zh},{trait.zh}设计,{leaf.name.zh}里的人气之选。{first.zh}{second.zh}",
        f"{noun.en[0].upper()}{noun.en[1:]} of the {series.en} line: {trait.en}, a favourite among our "
        f"{leaf.name.en.lower()}. {first.en} {second.en}",
    )


def rows(size: Size) -> Iterator[dict[str, Any]]:
    """Rows of the kind `products`."""
    for product in products(size):
        yield from _rows(product)


def _rows(product: Product) -> Iterator[dict[str, Any]]:
    leaf, brand = product.leaf, product.brand
    parent = PARENT[leaf.parent]
    shared = {
        "product_code": product.code,
        "name_zh": product.name.zh,
        "name_en": product.name.en,
        "brand_code": brand[0],
        "brand_zh": brand[1],
        "brand_en": brand[2],
        "category_code": leaf.code,
        "category_zh": leaf.name.zh,
        "category_en": leaf.name.en,
        "category_parent_code": leaf.parent,
        "category_parent_zh": parent.zh,
        "category_parent_en": parent.en,
        "description_zh": product.description.zh,
        "description_en": product.description.en,
        "attributes": "; ".join(f"{n.zh}|{n.en}={v.zh}|{v.en}" for n, v in product.attributes),
        "product_state": "published",
        "unit": "piece",
    }
    for variant in product.variants:
        row = {**shared, "sku_code": variant.code, "gtins": variant.gtin, "weight_g": variant.weight_g}
        for n, (name, value) in enumerate(variant.choices, start=1):
            row[f"option{n}_name"] = f"{name.zh}|{name.en}"
            row[f"option{n}_value"] = f"{value.zh}|{value.en}"
        yield row
