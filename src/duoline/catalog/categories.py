"""Categories: made, renamed, moved in the tree."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import asyncpg
import msgspec

from duoline.catalog.changes import tree_changed, words_later
from duoline.catalog.errors import BadProduct, CategoryCycle, CodeTaken, NoSuchCategory, NoSuchPicture
from duoline.catalog.locks import lock_tree
from duoline.catalog.places import category_id_of
from duoline.catalog.rules import code_problems, text_problems
from duoline.catalog.tree import read_tree
from duoline.kernel import ids

if TYPE_CHECKING:
    from uuid import UUID

    from duoline.catalog.tree import Category, Tree
    from duoline.catalog.types import CategoryEdit, NewCategory
    from duoline.kernel.auth import Actor
    from duoline.kernel.db import Tx


async def add_category(tx: Tx, *, actor: Actor, new: NewCategory) -> UUID:
    """Make a category; gives its id. Refusals: `BadProduct`, `NoSuchCategory` for the parent, `CodeTaken`."""
    problems = code_problems("code", new.code) + text_problems("name", new.name, required=True)
    if problems:
        raise BadProduct(problems=problems)
    parent_id = None if new.parent_code is None else await category_id_of(tx, new.parent_code)
    category_id = ids.new_id()
    try:
        async with tx.transaction():
            await tx.execute(
                "INSERT INTO categories (id, code, parent_id, name_zh, name_en, position)"
                " VALUES ($1, $2, $3, $4, $5, $6)",
                category_id,
                new.code,
                parent_id,
                new.name.zh.strip(),
                new.name.en.strip(),
                new.position,
            )
    except asyncpg.UniqueViolationError as error:
        raise CodeTaken(taken=new.code) from error
    await tree_changed(
        tx, actor=actor, kind="category", code=new.code, action="category.added", product_ids=[], after=new
    )
    await words_later(tx)
    return category_id


async def edit_category(tx: Tx, *, actor: Actor, code: str, edit: CategoryEdit) -> None:
    """Write the fields that are set; products below show the new names and place at once.

    Refusals: `NoSuchCategory` for it or its new parent, `BadProduct`, `CategoryCycle`, `NoSuchPicture`.
    """
    await lock_tree(tx)
    tree = await read_tree(tx)
    category = _coded(tree, code)
    before = _before(tree, category)
    after = before | {name: value for name, value in msgspec.structs.asdict(edit).items() if value is not msgspec.UNSET}
    problems = text_problems("name", after["name"], required=True)
    if problems:
        raise BadProduct(problems=problems)
    parent_id = None if after["parent_code"] is None else _coded(tree, after["parent_code"]).id
    if parent_id in tree.below(category.id):
        raise CategoryCycle
    await _check_picture(tx, after["image_sha"])
    await tx.execute(
        "UPDATE categories SET parent_id = $2, name_zh = $3, name_en = $4, position = $5, image_sha = $6 WHERE id = $1",
        category.id,
        parent_id,
        after["name"].zh.strip(),
        after["name"].en.strip(),
        after["position"],
        after["image_sha"],
    )
    products = await tx.fetch(
        "SELECT id FROM products WHERE category_id = ANY($1::uuid[])", list(tree.below(category.id))
    )
    await tree_changed(
        tx,
        actor=actor,
        kind="category",
        code=code,
        action="category.edited",
        product_ids=[product["id"] for product in products],
        before=before,
        after=after,
    )
    await words_later(tx)


def _coded(tree: Tree, code: str) -> Category:
    if code not in tree.by_code:
        raise NoSuchCategory(category=code)
    return tree.by_code[code]


def _before(tree: Tree, category: Category) -> dict[str, Any]:
    parent = tree.categories[category.parent_id] if category.parent_id else None
    return {
        "name": category.name,
        "parent_code": parent.code if parent else None,
        "position": category.position,
        "image_sha": category.image_sha,
    }


async def _check_picture(tx: Tx, sha: str | None) -> None:
    if sha is not None and not await tx.fetchval("SELECT true FROM media WHERE sha = $1", sha):
        raise NoSuchPicture
