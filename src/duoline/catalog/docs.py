"""Puts together what pages and searches read of a product, when it changes and not when it is looked at.

`product_docs` holds the finished JSON of the page and of the card, `product_search` the words it is found by.
Both can be thrown away and made again. One batch is one read and two writes, whatever its size; rows that
would not change are not written.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec

from duoline.catalog import tokens
from duoline.catalog.locks import lock_products
from duoline.catalog.queries import FIRST_GTIN
from duoline.catalog.rules import printed_gtin
from duoline.catalog.tree import Tree, read_tree
from duoline.catalog.types import Attribute, CardDoc, Image, Option, ProductDoc, SkuDoc, Text
from duoline.kernel import clock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Sequence

    from duoline.kernel.db import Tx

BATCH = 1000

_FACTS = f"""
SELECT p.id, p.code, p.name_zh, p.name_en, p.brand_id, p.category_id, p.description_zh, p.description_en,
       p.attributes::text AS attributes, p.options::text AS options, p.version, p.state, p.published_at,
       (SELECT json_agg(json_build_object('id', s.id, 'code', s.code, 'options', s.options, 'image_sha', s.image_sha,
                  'gtin', {FIRST_GTIN}) ORDER BY s.position, s.code)
          FROM skus s WHERE s.product_id = p.id AND s.state = 'active')::text AS skus,
       (SELECT array_agg(b.gtin) FROM skus s JOIN barcodes b ON b.sku_id = s.id
         WHERE s.product_id = p.id AND s.state = 'active') AS gtins,
       (SELECT json_agg(json_build_array(m.sha, m.width, m.height) ORDER BY pm.position)
          FROM product_media pm JOIN media m ON m.sha = pm.sha WHERE pm.product_id = p.id)::text AS images
  FROM products p
 WHERE p.id = ANY($1::uuid[])
"""  # noqa: S608 - only the constant above is put in

_SAVE_DOCS = """
INSERT INTO product_docs
       (product_id, code, doc, card, sku_ids, brand_id, category_id, category_path, published_at, version)
SELECT d.product_id, d.code, d.doc, d.card, d.sku_ids::uuid[], d.brand_id, d.category_id, d.category_path::uuid[],
       d.published_at, d.version
  FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::uuid[], $7::uuid[], $8::text[],
              $9::timestamptz[], $10::int[])
       AS d(product_id, code, doc, card, sku_ids, brand_id, category_id, category_path, published_at, version)
ON CONFLICT (product_id) DO UPDATE
   SET code = excluded.code, doc = excluded.doc, card = excluded.card, sku_ids = excluded.sku_ids,
       brand_id = excluded.brand_id, category_id = excluded.category_id, category_path = excluded.category_path,
       published_at = excluded.published_at, version = excluded.version
 WHERE (product_docs.version, product_docs.published_at, product_docs.category_path, product_docs.doc)
       IS DISTINCT FROM (excluded.version, excluded.published_at, excluded.category_path, excluded.doc)
"""

_SAVE_SEARCH = """
INSERT INTO product_search (product_id, category_id, brand_id, published_at, title, tokens)
SELECT s.product_id, s.category_id, s.brand_id, s.published_at, s.title,
       array_to_tsvector(string_to_array(s.tokens, ' '))
  FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::timestamptz[], $5::text[], $6::text[])
       AS s(product_id, category_id, brand_id, published_at, title, tokens)
ON CONFLICT (product_id) DO UPDATE
   SET category_id = excluded.category_id, brand_id = excluded.brand_id, published_at = excluded.published_at,
       title = excluded.title, tokens = excluded.tokens
 WHERE (product_search.category_id, product_search.brand_id, product_search.published_at, product_search.title,
        product_search.tokens)
       IS DISTINCT FROM
       (excluded.category_id, excluded.brand_id, excluded.published_at, excluded.title, excluded.tokens)
"""

_skus = msgspec.json.Decoder(list[SkuDoc])
_images = msgspec.json.Decoder(list[tuple[str, int, int]])
_options = msgspec.json.Decoder(list[Option])
_attributes = msgspec.json.Decoder(list[Attribute])
_encoder = msgspec.json.Encoder()


async def refresh_docs(tx: Tx, product_ids: Iterable[UUID] | None) -> int:
    """Make the documents and search words of these products anew, of all products for None; returns how many.

    Which shops may not sell them is worked out anew as well (`assortments.sql`), which locks that table.
    Locks the products in id order, a batch at a time. Call it in the transaction of the change, so that no
    reader sees the one without the other. The words for suggestions are not touched: see `refresh_words`.
    """
    tree = await read_tree(tx)
    done, touched = 0, list[UUID]()
    async for batch in _batches(tx, product_ids):
        locked = await lock_products(tx, batch)
        built = [_build(row, tree) for row in await tx.fetch(_FACTS, locked)]
        await _save(tx, built)
        done += len(built)
        touched += locked
    # Last, so that whoever waits for it holds its products already.
    await tx.execute("SELECT duo_refresh_unlisted($1, $2)", clock.now(), None if product_ids is None else touched)
    return done


async def _batches(tx: Tx, product_ids: Iterable[UUID] | None) -> AsyncIterator[Sequence[UUID]]:
    if product_ids is not None:
        wanted = sorted(set(product_ids))
        for start in range(0, len(wanted), BATCH):
            yield wanted[start : start + BATCH]
        return
    last = UUID(int=0)
    while rows := await tx.fetch("SELECT id FROM products WHERE id > $1 ORDER BY id LIMIT $2", last, BATCH):
        yield [row["id"] for row in rows]
        last = rows[-1]["id"]


@dataclass(frozen=True)
class _Built:
    """One product, ready to be saved. `published_at` is None while members may not see it."""

    product: ProductDoc
    brand_id: UUID | None
    category_id: UUID
    category_path: list[UUID]
    published_at: Any
    version: int
    title: str
    tokens: set[str]


def _build(row: Any, tree: Tree) -> _Built:
    brand = tree.brands.get(row["brand_id"])
    place = tree.place(row["category_id"])
    product = ProductDoc(
        id=row["id"],
        code=row["code"],
        name=Text(row["name_zh"], row["name_en"]).filled,
        brand=brand.name.filled if brand else None,
        category=place,
        description=Text(row["description_zh"], row["description_en"]).filled,
        attributes=_attributes.decode(row["attributes"]),
        options=_options.decode(row["options"]),
        images=[Image.of(*image) for image in _images.decode(row["images"] or "[]")],
        skus=_skus.decode(row["skus"] or "[]"),
    )
    filters = {tokens.category_token(step.code) for step in place.path}
    if brand:
        filters.add(tokens.brand_token(brand.code))
    return _Built(
        product=product,
        brand_id=row["brand_id"],
        category_id=row["category_id"],
        category_path=tree.path_ids(row["category_id"]),
        published_at=row["published_at"] if row["state"] == "published" else None,
        version=row["version"],
        title=_title(product),
        tokens=tokens.tokens(_texts(product)) | {printed_gtin(gtin) for gtin in row["gtins"] or ()} | filters,
    )


def _title(product: ProductDoc) -> str:
    """What a hit in the title is looked for in: brand and names, folded."""
    brand = (product.brand.zh, product.brand.en) if product.brand else ()
    return tokens.folded(" ".join(dict.fromkeys((*brand, product.name.zh, product.name.en))))


def _texts(product: ProductDoc) -> Iterable[str]:
    """All that a product is found by. Not its description: long texts name much that the product is not."""
    yield _title(product)
    yield product.code
    for step in product.category.path:
        yield from (step.name.zh, step.name.en)
    for attribute in product.attributes:
        yield from (attribute.value.zh, attribute.value.en)
    used = {(key, value) for sku in product.skus for key, value in sku.options.items()}
    for option in product.options:
        for value in option.values:
            if (option.key, value.key) in used:
                yield from (value.name.zh, value.name.en)
    yield from (sku.code for sku in product.skus)


def _card(product: ProductDoc) -> CardDoc:
    image = product.images[0] if product.images else None
    return CardDoc(product.id, product.code, product.name, product.brand, image, len(product.skus))


def _json(value: Any) -> str:
    return _encoder.encode(value).decode()


def _array(ids: Iterable[UUID]) -> str:
    """An array literal: rows of arrays of different lengths cannot be sent as an array of arrays."""
    return "{" + ",".join(map(str, ids)) + "}"


async def _save(tx: Tx, built: Sequence[_Built]) -> None:
    shown = [b for b in built if b.published_at is not None]
    hidden = [b.product.id for b in built if b.published_at is None]
    await tx.execute("DELETE FROM product_docs WHERE product_id = ANY($1::uuid[])", hidden)
    await tx.execute(
        _SAVE_DOCS,
        [b.product.id for b in shown],
        [b.product.code for b in shown],
        [_json(b.product) for b in shown],
        [_json(_card(b.product)) for b in shown],
        [_array(sku.id for sku in b.product.skus) for b in shown],
        [b.brand_id for b in shown],
        [b.category_id for b in shown],
        [_array(b.category_path) for b in shown],
        [b.published_at for b in shown],
        [b.version for b in shown],
    )
    await tx.execute(
        _SAVE_SEARCH,
        [b.product.id for b in built],
        [b.category_id for b in built],
        [b.brand_id for b in built],
        [b.published_at for b in built],
        [b.title for b in built],
        [" ".join(sorted(b.tokens)) for b in built],
    )
