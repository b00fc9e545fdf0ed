"""Brands and the category tree in memory: small, and needed for every product."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from duoline.catalog.cutter import Cutter, own_cutter
from duoline.catalog.tokens import folded, is_chinese
from duoline.catalog.types import CategoryPlace, CategoryStep, Text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from uuid import UUID

    from duoline.catalog.queries import Reader


@dataclass(frozen=True)
class Brand:
    """A maker's name."""

    id: UUID
    code: str
    name: Text


@dataclass(frozen=True)
class Category:
    """A node of the tree."""

    id: UUID
    code: str
    parent_id: UUID | None
    name: Text
    position: int
    image_sha: str | None


@dataclass(frozen=True)
class Tree:
    """All brands and categories as of one read; categories in order of position, then code."""

    brands: dict[UUID, Brand]
    categories: dict[UUID, Category]

    @cached_property
    def by_code(self) -> dict[str, Category]:
        """Categories by their code."""
        return {category.code: category for category in self.categories.values()}

    @cached_property
    def brand_by_code(self) -> dict[str, Brand]:
        """Brands by their code."""
        return {brand.code: brand for brand in self.brands.values()}

    def path_ids(self, category_id: UUID) -> list[UUID]:
        """From the top down to this category. A ring, which CAT-2 forbids, is cut where it closes."""
        path: list[UUID] = []
        step: UUID | None = category_id
        while step is not None and step not in path:
            path.append(step)
            step = self.categories[step].parent_id
        return path[::-1]

    def place(self, category_id: UUID) -> CategoryPlace:
        """The category with the way to it, in words."""
        path = [self.categories[step] for step in self.path_ids(category_id)]
        steps = [CategoryStep(category.code, category.name.filled) for category in path]
        return CategoryPlace(steps[-1].code, steps[-1].name, steps)

    def below(self, category_id: UUID) -> set[UUID]:
        """A category and all below it."""
        return {each for each in self.categories if category_id in self.path_ids(each)}


async def read_tree(reader: Reader) -> Tree:
    """Every brand and category."""
    brands = await reader.fetch("SELECT id, code, name_zh, name_en FROM brands ORDER BY code")
    categories = await reader.fetch(
        "SELECT id, code, parent_id, name_zh, name_en, position, image_sha FROM categories ORDER BY position, code"
    )
    return Tree(
        _by_id(Brand(row["id"], row["code"], Text(row["name_zh"], row["name_en"])) for row in brands),
        {
            row["id"]: Category(
                row["id"],
                row["code"],
                row["parent_id"],
                Text(row["name_zh"], row["name_en"]),
                row["position"],
                row["image_sha"],
            )
            for row in categories
        },
    )


def _by_id(brands: Iterable[Brand]) -> dict[UUID, Brand]:
    return {brand.id: brand for brand in brands}


def tree_cutter(words: Mapping[str, int], tree: Tree) -> Cutter:
    """A cutter of these words and the tree's own names."""
    return own_cutter(
        words,
        brands=_chinese(brand.name for brand in tree.brands.values()),
        categories=_chinese(category.name for category in tree.categories.values()),
    )


def _chinese(names: Iterable[Text]) -> list[str]:
    """The names as they stand in a query, those in Chinese."""
    return [name for text in names for name in [folded(text.zh)] if name and is_chinese(name)]
