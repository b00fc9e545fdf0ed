"""Brands and categories."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated
from uuid import UUID

import msgspec
from litestar import get, patch, post

from duoline.catalog.brands import add_brand, rename_brand
from duoline.catalog.categories import add_category, edit_category
from duoline.catalog.queries import Reader, published_counts
from duoline.catalog.tree import read_tree
from duoline.catalog.types import CategoryEdit, NewCategory
from duoline.catalog.vocabulary import forget
from duoline.channels.http import doors
from duoline.channels.http.answers import Answer, Input, Page
from duoline.channels.http.sessions import Staff
from duoline.channels.http.writes import Write
from duoline.kernel.db import Database, Tx
from duoline.kernel.text import Text

Name = Annotated[str, msgspec.Meta(max_length=80)]


class BrandName(Input, frozen=True):
    """A name; one language is enough."""

    zh: Name
    en: Name = ""


class NewBrand(Input, frozen=True):
    """A brand to be made. Its code never changes."""

    code: Annotated[str, msgspec.Meta(min_length=1, max_length=40)]
    name: BrandName


class BrandEdit(Input, frozen=True):
    """A new name."""

    name: BrandName


class BrandRow(msgspec.Struct, frozen=True):
    """A brand; the count is of published products."""

    id: UUID
    code: str
    name: Text
    product_count: int


class CategoryRow(msgspec.Struct, frozen=True):
    """A category; the count is of published products in it and below."""

    id: UUID
    code: str
    name: Text
    parent_code: str | None
    position: int
    image_sha: str | None
    product_count: int


@get("/api/console/brands", opt=doors.staff("catalogue.read"))
async def list_brands(db: Database) -> Page[BrandRow]:
    """All brands by code."""
    return Page(await _brands(db))


@post("/api/console/brands", opt=doors.staff("catalogue.edit"))
async def create_brand(write: Write, db: Database, staff: Staff, data: NewBrand) -> Answer[Page[BrandRow]]:
    """Make a brand; answers all of them."""

    async def work(tx: Tx) -> Page[BrandRow]:
        await add_brand(tx, actor=staff.actor, code=data.code, name=Text(data.name.zh, data.name.en))
        return Page(await _brands(tx))

    return await write.run(work, status=201, after=_forgetting(db))


@patch("/api/console/brands/{code:str}", opt=doors.staff("catalogue.edit", code=doors.SHARED))
async def change_brand(write: Write, db: Database, staff: Staff, code: str, data: BrandEdit) -> Answer[Page[BrandRow]]:
    """Rename a brand; its products show the new name at once."""

    async def work(tx: Tx) -> Page[BrandRow]:
        await rename_brand(tx, actor=staff.actor, code=code, name=Text(data.name.zh, data.name.en))
        return Page(await _brands(tx))

    return await write.run(work, after=_forgetting(db))


async def _brands(reader: Reader) -> list[BrandRow]:
    tree = await read_tree(reader)
    _, counts = await published_counts(reader, tree)
    return [BrandRow(brand.id, brand.code, brand.name, counts[brand.id]) for brand in tree.brands.values()]


@get("/api/console/categories", opt=doors.staff("catalogue.read"))
async def list_categories(db: Database) -> Page[CategoryRow]:
    """All categories, each level in its own order."""
    return Page(await _categories(db))


@post("/api/console/categories", opt=doors.staff("catalogue.edit", parent_code=doors.SHARED))
async def create_category(write: Write, db: Database, staff: Staff, data: NewCategory) -> Answer[Page[CategoryRow]]:
    """Make a category, at the top or below another; answers all of them."""

    async def work(tx: Tx) -> Page[CategoryRow]:
        await add_category(tx, actor=staff.actor, new=data)
        return Page(await _categories(tx))

    return await write.run(work, status=201, after=_forgetting(db))


@patch(
    "/api/console/categories/{code:str}", opt=doors.staff("catalogue.edit", code=doors.SHARED, parent_code=doors.SHARED)
)
async def change_category(
    write: Write, db: Database, staff: Staff, code: str, data: CategoryEdit
) -> Answer[Page[CategoryRow]]:
    """Rename a category, move it in the tree, or change its place or picture."""

    async def work(tx: Tx) -> Page[CategoryRow]:
        await edit_category(tx, actor=staff.actor, code=code, edit=data)
        return Page(await _categories(tx))

    return await write.run(work, after=_forgetting(db))


async def _categories(reader: Reader) -> list[CategoryRow]:
    tree = await read_tree(reader)
    counts, _ = await published_counts(reader, tree)
    return [
        CategoryRow(
            category.id,
            category.code,
            category.name,
            tree.categories[category.parent_id].code if category.parent_id else None,
            category.position,
            category.image_sha,
            counts[category.id],
        )
        for category in tree.categories.values()
    ]


def _forgetting(db: Database) -> Callable[[], Awaitable[object]]:
    """This process shows the new names at once; the others within a minute."""

    async def after() -> None:
        forget(db)

    return after


ROUTES = [list_brands, create_brand, change_brand, list_categories, create_category, change_category]
