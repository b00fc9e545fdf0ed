"""Products with their variants and barcodes, and the brands and categories they bring along."""

from __future__ import annotations

import json
from itertools import groupby
from typing import TYPE_CHECKING, Any

from duoline.catalog import refresh_docs
from duoline.channels.imports.identify import natural_id
from duoline.channels.imports.stage import Tally, report_repeated, take_out_reported
from duoline.channels.imports.upsert import upsert

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from duoline.channels.imports.stage import Session
    from duoline.kernel.db import Tx

CHUNK = 1000
GROUPED = True

# Columns of a product that a file may set, with what an empty cell means. `a` is the arranged row, `w` what the
# chunk worked out for the product, `p` the product if there is one.
_PRODUCT_FIELDS = {
    "name_zh": "a.name_zh",
    "name_en": "coalesce(a.name_en, a.name_zh)",
    "brand_id": "a.brand_id",
    "category_id": "a.category_id",
    "description_zh": "coalesce(a.description_zh, '')",
    "description_en": "coalesce(a.description_en, a.description_zh, '')",
    "attributes": "coalesce(a.attributes, '[]')::jsonb",
    "options": "w.options::jsonb",
    # A product that members have seen cannot become a draft again.
    "state": "CASE WHEN a.product_state = 'draft' THEN coalesce(p.state, 'draft') "
    "ELSE coalesce(a.product_state, 'published') END",
}
_SKU_FIELDS = {
    "options": "w.options::jsonb",
    "position": "coalesce(a.position, s.position, w.position)",
    "unit": "coalesce(a.unit, 'piece')",
    "weight_g": "coalesce(a.weight_g, 0)",
    "state": "coalesce(a.sku_state, 'active')",
}
_COLUMN_OF = {
    "brand_id": "brand_code",
    "category_id": "category_code",
    "options": "option1_name",
    "state": "product_state",
}


async def arrange(session: Session) -> None:
    """Make brands and categories that the file names, report what does not fit, put rows of a product together."""
    await report_repeated(session, ["sku_code"], shown="sku_code")
    await _report_disagreements(session)
    await _report_taken(session)
    await take_out_reported(session)
    if "categories" in session.create:
        await _create_categories(session)
    if "brands" in session.create:
        await _create_brands(session)
    for column, table in (("brand_code", "brands"), ("category_code", "categories")):
        await session.report_query(
            f"""SELECT r.line, r.{column} AS value, '' AS named FROM import_rows r
                WHERE r.{column} IS NOT NULL AND NOT EXISTS (SELECT 1 FROM {table} t WHERE t.code = r.{column})""",  # noqa: S608
            column=column,
            code="not-created",
        )
    await take_out_reported(session)
    await session.connection.execute(
        """CREATE TEMP TABLE import_arranged AS
            SELECT row_number() OVER w AS n, dense_rank() OVER (ORDER BY r.product_code) AS g,
                   row_number() OVER (PARTITION BY r.product_code ORDER BY r.line) AS place,
                   b.id AS brand_id, c.id AS category_id, r.*
            FROM import_rows r JOIN categories c ON c.code = r.category_code LEFT JOIN brands b ON b.code = r.brand_code
            WINDOW w AS (ORDER BY r.product_code, r.line) ORDER BY n"""
    )


async def _report_disagreements(session: Session) -> None:
    await session.report_query(
        """SELECT line, product_code AS value, named FROM (
                SELECT line, product_code, digest, first_value(digest) OVER w AS said, first_value(line) OVER w AS named
                FROM import_rows WINDOW w AS (PARTITION BY product_code ORDER BY line)) x
            WHERE digest <> said""",
        column="product_code",
        code="differs",
    )
    await session.report_query(
        """SELECT r.line, r.sku_code AS value, p.code AS named FROM import_rows r
            JOIN skus s ON s.code = r.sku_code JOIN products p ON p.id = s.product_id WHERE p.code <> r.product_code""",
        column="sku_code",
        code="other-product",
    )


async def _report_taken(session: Session) -> None:
    """Report barcodes that another SKU has, in the database or further up in the file."""
    if not session.has("gtins"):
        return
    await session.report_query(
        """SELECT r.line, g.gtin AS value, s.code AS named FROM import_rows r CROSS JOIN unnest(r.gtins) g(gtin)
            JOIN barcodes b ON b.gtin = g.gtin JOIN skus s ON s.id = b.sku_id WHERE s.code <> r.sku_code""",
        column="gtins",
        code="other-sku",
    )
    await session.report_query(
        """SELECT line, gtin AS value, named FROM (
                SELECT r.line, g.gtin, first_value(r.line) OVER (PARTITION BY g.gtin ORDER BY r.line) AS named
                FROM import_rows r CROSS JOIN unnest(r.gtins) g(gtin)) x
            WHERE named <> line""",
        column="gtins",
        code="twice",
    )


async def _create_categories(session: Session) -> None:
    """Parents first. A category that exists keeps its place in the tree."""
    for code, zh, en, parent in (
        ("category_parent_code", "category_parent_zh", "category_parent_en", "NULL::text"),
        ("category_code", "category_zh", "category_en", "category_parent_code"),
    ):
        rows = await session.connection.fetch(
            f"""SELECT x.code, x.zh, x.en, p.id FROM (
                    SELECT DISTINCT ON ({code}) {code} AS code, {zh} AS zh, coalesce({en}, {zh}) AS en,
                           {parent} AS parent, line
                    FROM import_rows WHERE {code} IS NOT NULL AND {zh} IS NOT NULL ORDER BY {code}, line) x
                LEFT JOIN categories p ON p.code = x.parent
                WHERE NOT EXISTS (SELECT 1 FROM categories c WHERE c.code = x.code) ORDER BY x.line"""  # noqa: S608
        )
        after = await session.connection.fetchval("SELECT coalesce(max(position), 0) FROM categories")
        await session.connection.executemany(
            """INSERT INTO categories (id, code, name_zh, name_en, parent_id, position) VALUES ($1, $2, $3, $4, $5, $6)
               ON CONFLICT DO NOTHING""",
            [(natural_id("category", row[0]), *row, after + n) for n, row in enumerate(rows, start=1)],
        )


async def _create_brands(session: Session) -> None:
    rows = await session.connection.fetch(
        """SELECT DISTINCT ON (brand_code) brand_code, brand_zh, coalesce(brand_en, brand_zh)
            FROM import_rows r WHERE brand_code IS NOT NULL AND brand_zh IS NOT NULL
              AND NOT EXISTS (SELECT 1 FROM brands b WHERE b.code = r.brand_code) ORDER BY brand_code, line"""
    )
    await session.connection.executemany(
        "INSERT INTO brands (id, code, name_zh, name_en) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
        [(natural_id("brand", row[0]), *row) for row in rows],
    )


async def load(session: Session, tx: Tx, first: int, last: int) -> Tally:
    """Add or bring up to date the products of rows `first` to `last`, then what pages show of them."""
    rows = await tx.fetch(
        """SELECT n, place, product_code, sku_code, options, gtins FROM import_arranged
            WHERE n BETWEEN $1 AND $2 ORDER BY n""",
        first,
        last,
    )
    products = await _upsert_products(session, tx, rows)
    changed = await _upsert_skus(session, tx, rows)
    changed |= await _add_barcodes(tx, rows)
    product_of = {row["sku_code"]: row["product_code"] for row in rows}
    by_sku = {product_of[code] for code in changed} - products
    await tx.execute(
        "UPDATE products SET version = version + 1, updated_at = $2 WHERE code = ANY ($1)", sorted(by_sku), session.at
    )
    touched = await _ids(tx, sorted(products | by_sku))
    if session.decorate is not None:
        await session.decorate(tx, touched)
    await refresh_docs(tx, list(touched.values()))
    rows_changed = sum(row["sku_code"] in changed or row["product_code"] in products for row in rows)
    return Tally(rows_changed, len(rows) - rows_changed)


async def _ids(tx: Tx, codes: Sequence[str]) -> dict[str, UUID]:
    rows = await tx.fetch("SELECT code, id FROM products WHERE code = ANY ($1)", codes)
    return {row["code"]: row["id"] for row in rows}


async def _upsert_products(session: Session, tx: Tx, rows: Sequence[Any]) -> set[str]:
    """The codes of products that are new or differ."""
    have = {
        row["code"]: row["options"]
        for row in await tx.fetch(
            "SELECT code, options FROM products WHERE code = ANY ($1)", [row["product_code"] for row in rows]
        )
    }
    numbers, ids, options = [], [], []
    for code, group in groupby(rows, key=lambda row: row["product_code"]):
        members = list(group)
        numbers.append(members[0]["n"])
        ids.append(natural_id("product", code))
        options.append(json.dumps(merged(have.get(code, []), [json.loads(row["options"]) for row in members])))
    statement = upsert(
        "products",
        key="code",
        values={
            "id": "w.id",
            "code": "a.product_code",
            **_PRODUCT_FIELDS,
            "published_at": "CASE WHEN coalesce(a.product_state, 'published') = 'published' THEN $4::timestamptz END",
            "version": "1",
            "updated_at": "$4::timestamptz",
        },
        update=[field for field in _PRODUCT_FIELDS if session.has(_COLUMN_OF.get(field, field))],
        touch={
            "version": "t.version + 1",
            "updated_at": "excluded.updated_at",
            "published_at": "coalesce(t.published_at, excluded.published_at)",
        },
        source="""unnest($1::bigint[], $2::uuid[], $3::text[]) w(n, id, options) JOIN import_arranged a ON a.n = w.n
                   LEFT JOIN products p ON p.code = a.product_code""",
        returning="t.code",
    )
    return {row["code"] for row in await tx.fetch(statement, numbers, ids, options, session.at)}


def merged(have: Sequence[Any], variants: Sequence[Sequence[Any]]) -> list[dict[str, Any]]:
    """A product's options after its variants were read: in the order first met, with the names last given.

    Values are added and renamed, never removed, because a variant outside the file may use them.
    """
    options: dict[str, dict[str, Any]] = {
        option["key"]: {**option, "values": {value["key"]: value for value in option["values"]}} for option in have
    }
    for variant in variants:
        for choice in variant:
            option = options.setdefault(choice["key"], {"key": choice["key"], "values": {}})
            option["name"] = choice["name"]
            option["values"][choice["value"]] = {"key": choice["value"], "name": choice["value_name"]}
    return [
        {"key": key, "name": option["name"], "values": list(option["values"].values())}
        for key, option in options.items()
    ]


async def _upsert_skus(session: Session, tx: Tx, rows: Sequence[Any]) -> set[str]:
    """The codes of SKUs that are new or differ. A new one stands behind those its product has."""
    numbers, ids, options = [], [], []
    for row in rows:
        numbers.append(row["n"])
        ids.append(natural_id("sku", row["sku_code"]))
        options.append(json.dumps({choice["key"]: choice["value"] for choice in json.loads(row["options"])}))
    sku_column = {"state": "sku_state", "options": "option1_name"}
    statement = upsert(
        "skus",
        key="code",
        values={"id": "w.id", "product_id": "p.id", "code": "a.sku_code", **_SKU_FIELDS},
        update=[field for field in _SKU_FIELDS if session.has(sku_column.get(field, field))],
        source="""(SELECT u.id, u.options, a.n, p.id AS product_id, a.place + coalesce(
                              (SELECT max(o.position) FROM skus o WHERE o.product_id = p.id), 0) AS position
                    FROM unnest($1::bigint[], $2::uuid[], $3::text[]) u(n, id, options)
                    JOIN import_arranged a ON a.n = u.n JOIN products p ON p.code = a.product_code) w
                   JOIN import_arranged a ON a.n = w.n JOIN products p ON p.id = w.product_id
                   LEFT JOIN skus s ON s.code = a.sku_code""",
        returning="t.code",
    )
    return {row["code"] for row in await tx.fetch(statement, numbers, ids, options)}


async def _add_barcodes(tx: Tx, rows: Sequence[Any]) -> set[str]:
    """The codes of SKUs that got a barcode they had not."""
    pairs = [(gtin, row["sku_code"]) for row in rows for gtin in row["gtins"] or ()]
    if not pairs:
        return set()
    added = await tx.fetch(
        """INSERT INTO barcodes AS b (gtin, sku_id)
           SELECT w.gtin, s.id FROM unnest($1::text[], $2::text[]) w(gtin, code) JOIN skus s ON s.code = w.code
           ON CONFLICT (gtin) DO NOTHING RETURNING (SELECT code FROM skus s WHERE s.id = b.sku_id)""",
        [gtin for gtin, _ in pairs],
        [code for _, code in pairs],
    )
    return {row["code"] for row in added}
