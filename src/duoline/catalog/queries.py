"""Reads of the catalogue that other packages and channels use."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Protocol
from uuid import UUID

import msgspec

from duoline.catalog.types import Choice, ProductFacts, SkuFacts, Text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from duoline.catalog.tree import Tree


class Reader(Protocol):
    """A transaction, a connection or the database itself: whatever can fetch."""

    async def fetch(self, query: str, /, *args: Any) -> Sequence[Any]:
        """Rows of a read."""


# The barcode a label shows, of SKU `s`. GTINs are stored as 14 digits; a person compares them with what is
# printed under the bars. An aggregate, not ORDER BY … LIMIT 1: without statistics the planner would walk the
# whole primary key backwards for the first match.
FIRST_GTIN = """(
    SELECT (array_agg(CASE WHEN b.gtin LIKE '000000%' THEN right(b.gtin, 8)
                           WHEN b.gtin LIKE '0%' THEN right(b.gtin, 13)
                           ELSE b.gtin END ORDER BY b.gtin DESC))[1]
      FROM barcodes b WHERE b.sku_id = s.id)"""

_SKU_FACTS = "SELECT f.*, f.options::text AS choices FROM duo_sku_facts($1) f"

CATEGORIES_UP = """ARRAY(
    WITH RECURSIVE up(code, parent_id, n) AS (
        SELECT c.code, c.parent_id, 1 FROM categories c WHERE c.id = p.category_id
        UNION ALL
        SELECT c.code, c.parent_id, up.n + 1 FROM up JOIN categories c ON c.id = up.parent_id WHERE up.n < 50)
    SELECT code FROM up ORDER BY n)"""
"""The categories of a product `p`, its own first, then what each belongs to. CAT-2 keeps rings away, and no tree is
fifty deep."""

# The same as a JSON list of `FactsRow`, for readers that put it into a statement of their own. $ids is their parameter.
SKU_FACTS_JSON = "(SELECT coalesce(json_agg(f), '[]') FROM duo_sku_facts($ids) f)"

_choices = msgspec.json.Decoder(list[Choice])


class FactsRow(msgspec.Struct):
    """A row of `SKU_FACTS_JSON`."""

    id: UUID
    code: str
    product_id: UUID
    product_code: str
    name_zh: str
    name_en: str
    weight_g: int
    unit: str
    sellable: bool
    image_sha: str | None
    gtin: str | None
    options: list[Choice] | None
    category_id: UUID
    brand_id: UUID | None

    def facts(self) -> SkuFacts:
        """The facts of the SKU."""
        return SkuFacts(
            sku_id=self.id,
            sku_code=self.code,
            product_id=self.product_id,
            product_code=self.product_code,
            name=Text(self.name_zh, self.name_en).filled,
            options=self.options or [],
            gtin=self.gtin,
            image_sha=self.image_sha,
            sellable=self.sellable,
            weight_g=self.weight_g,
            unit=self.unit,
            category_id=self.category_id,
            brand_id=self.brand_id,
        )


async def sku_facts(reader: Reader, sku_ids: Iterable[UUID]) -> dict[UUID, SkuFacts]:
    """Facts of SKUs in one query. An unknown id is simply absent; withdrawn SKUs come with `sellable` false."""
    rows = await reader.fetch(_SKU_FACTS, list(sku_ids))
    return {row["id"]: _facts(row) for row in rows}


def _facts(row: Any) -> SkuFacts:
    return SkuFacts(
        sku_id=row["id"],
        sku_code=row["code"],
        product_id=row["product_id"],
        product_code=row["product_code"],
        name=Text(row["name_zh"], row["name_en"]).filled,
        options=_choices.decode(row["choices"]) if row["choices"] else [],
        gtin=row["gtin"],
        image_sha=row["image_sha"],
        sellable=row["sellable"],
        weight_g=row["weight_g"],
        unit=row["unit"],
        category_id=row["category_id"],
        brand_id=row["brand_id"],
    )


async def published_counts(reader: Reader, tree: Tree) -> tuple[Counter[UUID], Counter[UUID]]:
    """How many published products each category (with all below it) and each brand has."""
    by_category: Counter[UUID] = Counter()
    by_brand: Counter[UUID] = Counter()
    for row in await reader.fetch(
        "SELECT category_id, brand_id, count(*)::int AS n FROM product_search"
        " WHERE published_at IS NOT NULL GROUP BY category_id, brand_id"
    ):
        by_category.update(dict.fromkeys(tree.path_ids(row["category_id"]), row["n"]))
        if row["brand_id"] is not None:
            by_brand[row["brand_id"]] += row["n"]
    return by_category, by_brand


_PRODUCT_FACTS = """
SELECT p.id, p.name_zh, p.name_en, p.description_zh, p.description_en, p.brand_id IS NOT NULL AS branded,
       jsonb_array_length(p.attributes) AS attributes,
       (SELECT count(*) FROM product_media m WHERE m.product_id = p.id)::int AS pictures,
       s.skus, s.with_gtin, s.with_weight
  FROM products p,
       LATERAL (SELECT count(*)::int AS skus, count(*) FILTER (WHERE s.weight_g > 0)::int AS with_weight,
                       count(*) FILTER (WHERE EXISTS (SELECT FROM barcodes b WHERE b.sku_id = s.id))::int AS with_gtin
                  FROM skus s WHERE s.product_id = p.id AND s.state = 'active') s
 WHERE p.id = ANY($1::uuid[])
"""


async def product_facts(reader: Reader, product_ids: Iterable[UUID]) -> dict[UUID, ProductFacts]:
    """What the completeness score needs to know of each product, in one query."""
    rows = await reader.fetch(_PRODUCT_FACTS, list(product_ids))
    return {
        row["id"]: ProductFacts(
            name=Text(row["name_zh"], row["name_en"]),
            description=Text(row["description_zh"], row["description_en"]),
            branded=row["branded"],
            attributes=row["attributes"],
            pictures=row["pictures"],
            skus=row["skus"],
            skus_with_gtin=row["with_gtin"],
            skus_with_weight=row["with_weight"],
        )
        for row in rows
    }
