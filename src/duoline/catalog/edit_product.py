"""Change a product's texts, place, attributes and options."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from duoline.catalog.changes import changed
from duoline.catalog.errors import BadProduct, ChangedMeanwhile, NoSuchProduct, OptionInUse
from duoline.catalog.locks import lock_products, share_places
from duoline.catalog.places import brand_id_of, category_id_of
from duoline.catalog.rules import product_problems, variant_problems
from duoline.catalog.types import Attribute, Option, Text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from duoline.catalog.types import ProductEdit
    from duoline.kernel.auth import Actor
    from duoline.kernel.db import Tx

_READ = """
SELECT p.version, p.name_zh, p.name_en, p.description_zh, p.description_en, p.brand_id, p.category_id,
       p.attributes::text AS attributes, p.options::text AS options, b.code AS brand, c.code AS category
  FROM products p JOIN categories c ON c.id = p.category_id LEFT JOIN brands b ON b.id = p.brand_id
 WHERE p.id = $1
"""


async def edit_product(tx: Tx, *, actor: Actor, product_id: UUID, edit: ProductEdit) -> None:
    """Write the fields that are set.

    Refusals: `NoSuchProduct`, `ChangedMeanwhile` when the version is not the present one, `BadProduct`,
    `NoSuchCategory`, `NoSuchBrand`, `OptionInUse` when an active variant uses an option or value left out.
    """
    await _share_wanted(tx, product_id, edit)
    await lock_products(tx, [product_id])
    row = await tx.fetchrow(_READ, product_id)
    if row is None:
        raise NoSuchProduct
    if row["version"] != edit.version:
        raise ChangedMeanwhile(version=row["version"])
    before = _before(row)
    after = before | {name: value for name, value in msgspec.structs.asdict(edit).items() if value is not msgspec.UNSET}
    problems = product_problems(after["name"], after["description"], after["options"], after["attributes"])
    if problems:
        raise BadProduct(problems=problems)
    await _check_variants(tx, product_id, after["options"])
    await tx.execute(
        "UPDATE products SET name_zh = $2, name_en = $3, description_zh = $4, description_en = $5, brand_id = $6,"
        " category_id = $7, attributes = $8, options = $9 WHERE id = $1",
        product_id,
        after["name"].zh.strip(),
        after["name"].en.strip(),
        after["description"].zh,
        after["description"].en,
        await brand_id_of(tx, after["brand"]),
        await category_id_of(tx, after["category"]),
        after["attributes"],
        after["options"],
    )
    touched = [name for name in before if before[name] != after[name]]
    await changed(
        tx,
        actor=actor,
        product_id=product_id,
        action="product.edited",
        before={name: before[name] for name in touched},
        after={name: after[name] for name in touched},
    )


async def _share_wanted(tx: Tx, product_id: UUID, edit: ProductEdit) -> None:
    """Brand and category first, then the product: the order in which renaming them locks."""
    row = await tx.fetchrow("SELECT brand_id, category_id FROM products WHERE id = $1", product_id)
    if row is None:
        raise NoSuchProduct
    brand_id = row["brand_id"] if edit.brand is msgspec.UNSET else await brand_id_of(tx, edit.brand)
    category_id = row["category_id"] if edit.category is msgspec.UNSET else await category_id_of(tx, edit.category)
    await share_places(tx, brand_id=brand_id, category_id=category_id)


def _before(row: Any) -> dict[str, Any]:
    return {
        "version": row["version"],
        "name": Text(row["name_zh"], row["name_en"]),
        "description": Text(row["description_zh"], row["description_en"]),
        "brand": row["brand"],
        "category": row["category"],
        "attributes": msgspec.json.decode(row["attributes"], type=list[Attribute]),
        "options": msgspec.json.decode(row["options"], type=list[Option]),
    }


async def _check_variants(tx: Tx, product_id: UUID, options: Sequence[Option]) -> None:
    rows = await tx.fetch(
        "SELECT code, options FROM skus WHERE product_id = $1 AND state = 'active' ORDER BY code", product_id
    )
    for row in rows:
        if variant_problems(options, row["options"]):
            raise OptionInUse(sku_code=row["code"])
