"""Brands: made and renamed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import asyncpg

from duoline.catalog.changes import tree_changed, words_later
from duoline.catalog.errors import BadProduct, CodeTaken, NoSuchBrand
from duoline.catalog.locks import lock_brand
from duoline.catalog.rules import code_problems, text_problems
from duoline.kernel import ids
from duoline.kernel.text import Text

if TYPE_CHECKING:
    from uuid import UUID

    from duoline.kernel.auth import Actor
    from duoline.kernel.db import Tx


async def add_brand(tx: Tx, *, actor: Actor, code: str, name: Text) -> UUID:
    """Make a brand; gives its id. Refusals: `BadProduct`, `CodeTaken`."""
    _check(code, name)
    brand_id = ids.new_id()
    try:
        async with tx.transaction():
            await tx.execute(
                "INSERT INTO brands (id, code, name_zh, name_en) VALUES ($1, $2, $3, $4)",
                brand_id,
                code,
                name.zh.strip(),
                name.en.strip(),
            )
    except asyncpg.UniqueViolationError as error:
        raise CodeTaken(taken=code) from error
    await tree_changed(tx, actor=actor, kind="brand", code=code, action="brand.added", product_ids=[], after=name)
    await words_later(tx)
    return brand_id


async def rename_brand(tx: Tx, *, actor: Actor, code: str, name: Text) -> None:
    """Rename a brand; all its products show the new name at once. Refusals: `BadProduct`, `NoSuchBrand`."""
    _check(code, name)
    brand_id = await lock_brand(tx, code)
    if brand_id is None:
        raise NoSuchBrand(brand=code)
    row = await tx.fetchrow("SELECT name_zh, name_en FROM brands WHERE id = $1", brand_id)
    before = Text(*row) if row else None
    await tx.execute(
        "UPDATE brands SET name_zh = $2, name_en = $3 WHERE id = $1", brand_id, name.zh.strip(), name.en.strip()
    )
    products = await tx.fetch("SELECT id FROM products WHERE brand_id = $1", brand_id)
    await tree_changed(
        tx,
        actor=actor,
        kind="brand",
        code=code,
        action="brand.renamed",
        product_ids=[product["id"] for product in products],
        before=before,
        after=name,
    )
    await words_later(tx)


def _check(code: str, name: Text) -> None:
    problems = code_problems("code", code) + text_problems("name", name, required=True)
    if problems:
        raise BadProduct(problems=problems)
