"""What the console reads of products: rows of the list, one product whole."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import msgspec

from duoline.catalog import tokens
from duoline.catalog.errors import NoSuchProduct
from duoline.catalog.queries import product_facts
from duoline.catalog.rules import completeness, printed_gtin
from duoline.catalog.tokens import Query
from duoline.catalog.types import Attribute, Completeness, Image, Option
from duoline.kernel.db import Database, Tx
from duoline.kernel.text import Text

State = Literal["draft", "published", "withdrawn"]
Sort = Literal["-updated", "code", "name"]


class Ready(msgspec.Struct, frozen=True):
    """How well each touchpoint is served, 0 to 100, with what is missing."""

    mall: Completeness
    till: Completeness
    agent: Completeness


class ProductRow(msgspec.Struct, frozen=True, kw_only=True):
    """A product in the list."""

    id: UUID
    code: str
    name: Text
    brand: Text | None
    category: Text
    image: Image | None
    sku_count: int
    state: State
    completeness: Ready
    updated_at: datetime


class SkuRow(msgspec.Struct, frozen=True, kw_only=True):
    """A variant as the console edits it; barcodes as printed."""

    id: UUID
    code: str
    options: dict[str, str]
    gtins: list[str]
    unit: str
    weight_g: int
    position: int
    state: Literal["active", "withdrawn"]
    image_sha: str | None


class ProductDetail(msgspec.Struct, frozen=True, kw_only=True):
    """A product whole. Send `version` back with an edit."""

    id: UUID
    code: str
    name: Text
    brand_code: str | None
    category_code: str
    description: Text
    attributes: list[Attribute]
    options: list[Option]
    images: list[Image]
    skus: list[SkuRow]
    state: State
    published_at: datetime | None
    completeness: Ready
    version: int
    updated_at: datetime


_ROW = """
SELECT p.id, p.code, p.name_zh, p.name_en, b.name_zh AS brand_zh, b.name_en AS brand_en, c.name_zh AS category_zh,
       c.name_en AS category_en, p.state, p.updated_at, m.sha, m.width, m.height,
       (SELECT count(*) FROM skus s WHERE s.product_id = p.id AND s.state = 'active')::int AS sku_count
  FROM (SELECT p.* FROM products p {words} WHERE {conditions} ORDER BY {order} LIMIT {limit}) p
  JOIN categories c ON c.id = p.category_id
  LEFT JOIN brands b ON b.id = p.brand_id
  LEFT JOIN LATERAL (SELECT m.sha, m.width, m.height FROM product_media pm JOIN media m ON m.sha = pm.sha
                      WHERE pm.product_id = p.id ORDER BY pm.position LIMIT 1) m ON true
 ORDER BY {order}
"""
_COUNT = "SELECT count(*) FROM products p {words} WHERE {conditions}"
_WORDS = "JOIN product_search s ON s.product_id = p.id"

# By what a list is ordered: columns, and where the next page begins.
_ORDERS: dict[Sort, tuple[str, str, str]] = {
    "-updated": ("p.updated_at DESC, p.id DESC", "(p.updated_at, p.id) < ({0}::timestamptz, {1}::uuid)", "updated_at"),
    "code": ("p.code, p.id", "(p.code, p.id) > ({0}::text, {1}::uuid)", "code"),
    "name": ("p.name_zh, p.id", "(p.name_zh, p.id) > ({0}::text, {1}::uuid)", "name_zh"),
}
KINDS: dict[Sort, Any] = {"-updated": datetime, "code": str, "name": str}


async def product_rows(
    db: Database,
    *,
    query: Query,
    category: str | None,
    brand: str | None,
    state: State | None,
    sort: Sort,
    limit: int,
    after: list[Any] | None,
) -> tuple[list[ProductRow], list[Any] | None, int]:
    """A page of products in any state, what the next page begins behind (None at the end), and how many in all."""
    values: list[Any] = []

    def put(value: Any) -> str:
        values.append(value)
        return f"${len(values)}"

    filters = [tokens.category_token(category)] if category else []
    filters += [tokens.brand_token(brand)] if brand else []
    asked = query.tsquery(*filters)
    conditions = ["true"]
    if asked:
        conditions.append(f"s.tokens @@ {put(asked)}::text::tsquery")
    if state:
        conditions.append(f"p.state = {put(state)}")
    words = _WORDS if asked else ""
    total = await db.fetchval(_COUNT.format(words=words, conditions=" AND ".join(conditions)), *values)
    order, behind, column = _ORDERS[sort]
    if after is not None:
        conditions.append(behind.format(put(after[0]), put(after[1])))
    rows = await db.fetch(
        _ROW.format(words=words, conditions=" AND ".join(conditions), order=order, limit=put(limit + 1)), *values
    )
    more = [rows[limit - 1][column], rows[limit - 1]["id"]] if len(rows) > limit else None
    shown = rows[:limit]
    facts = await product_facts(db, [row["id"] for row in shown])
    return [_row(row, Ready(**completeness(facts[row["id"]]))) for row in shown], more, total


def _row(row: Any, ready: Ready) -> ProductRow:
    return ProductRow(
        id=row["id"],
        code=row["code"],
        name=Text(row["name_zh"], row["name_en"]),
        brand=Text(row["brand_zh"], row["brand_en"]).filled if row["brand_zh"] is not None else None,
        category=Text(row["category_zh"], row["category_en"]).filled,
        image=Image.of(row["sha"], row["width"], row["height"]) if row["sha"] else None,
        sku_count=row["sku_count"],
        state=row["state"],
        completeness=ready,
        updated_at=row["updated_at"],
    )


_DETAIL = """
SELECT p.id, p.code, p.name_zh, p.name_en, b.code AS brand_code, c.code AS category_code, p.description_zh,
       p.description_en, p.attributes::text AS attributes, p.options::text AS options, p.state, p.published_at,
       p.version, p.updated_at
  FROM products p JOIN categories c ON c.id = p.category_id LEFT JOIN brands b ON b.id = p.brand_id
 WHERE p.id = $1
"""
_SKUS = """
SELECT s.id, s.code, s.options, s.unit, s.weight_g, s.position, s.state, s.image_sha,
       ARRAY(SELECT b.gtin FROM barcodes b WHERE b.sku_id = s.id ORDER BY b.gtin DESC) AS gtins
  FROM skus s WHERE s.product_id = $1 ORDER BY s.position, s.code
"""
_IMAGES = """
SELECT m.sha, m.width, m.height FROM product_media pm JOIN media m ON m.sha = pm.sha
 WHERE pm.product_id = $1 ORDER BY pm.position
"""


async def product_detail(reader: Database | Tx, product_id: UUID) -> ProductDetail:
    """One product in any state. Refuses with `NoSuchProduct`."""
    row = await reader.fetchrow(_DETAIL, product_id)
    if row is None:
        raise NoSuchProduct
    facts = await product_facts(reader, [product_id])
    return ProductDetail(
        id=row["id"],
        code=row["code"],
        name=Text(row["name_zh"], row["name_en"]),
        brand_code=row["brand_code"],
        category_code=row["category_code"],
        description=Text(row["description_zh"], row["description_en"]),
        attributes=msgspec.json.decode(row["attributes"], type=list[Attribute]),
        options=msgspec.json.decode(row["options"], type=list[Option]),
        images=[Image.of(*image) for image in await reader.fetch(_IMAGES, product_id)],
        skus=[
            SkuRow(**dict(sku) | {"gtins": [printed_gtin(gtin) for gtin in sku["gtins"]]})
            for sku in await reader.fetch(_SKUS, product_id)
        ],
        state=row["state"],
        published_at=row["published_at"],
        completeness=Ready(**completeness(facts[product_id])),
        version=row["version"],
        updated_at=row["updated_at"],
    )
