"""Make a product."""

from __future__ import annotations

from typing import TYPE_CHECKING

import asyncpg

from duoline.catalog.changes import changed
from duoline.catalog.errors import BadProduct, CodeTaken
from duoline.catalog.locks import share_places
from duoline.catalog.places import brand_id_of, category_id_of
from duoline.catalog.rules import code_problems, product_problems
from duoline.kernel import clock, ids

if TYPE_CHECKING:
    from uuid import UUID

    from duoline.catalog.types import NewProduct
    from duoline.kernel.auth import Actor
    from duoline.kernel.db import Tx


async def add_product(tx: Tx, *, actor: Actor, new: NewProduct) -> UUID:
    """Make a draft; gives its id. Refusals: `BadProduct`, `NoSuchCategory`, `NoSuchBrand`, `CodeTaken`."""
    code = new.code or f"P{ids.code(7)}"
    problems = code_problems("code", code)
    problems += product_problems(new.name, new.description, new.options, new.attributes)
    if problems:
        raise BadProduct(problems=problems)
    category_id = await category_id_of(tx, new.category)
    brand_id = await brand_id_of(tx, new.brand)
    await share_places(tx, brand_id=brand_id, category_id=category_id)
    product_id = ids.new_id()
    try:
        async with tx.transaction():
            await tx.execute(
                "INSERT INTO products (id, code, name_zh, name_en, brand_id, category_id, description_zh,"
                " description_en, attributes, options, state, version, updated_at)"
                " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 'draft', 0, $11)",
                product_id,
                code,
                new.name.zh.strip(),
                new.name.en.strip(),
                brand_id,
                category_id,
                new.description.zh,
                new.description.en,
                new.attributes,
                new.options,
                clock.now(),
            )
    except asyncpg.UniqueViolationError as error:
        raise CodeTaken(taken=code) from error
    await changed(tx, actor=actor, product_id=product_id, action="product.added", after=new)
    return product_id
