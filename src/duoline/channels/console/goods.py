"""Goods: products and their variants, from draft to withdrawal. Pictures are in `goods_pictures.py`."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

import msgspec
from litestar import get, patch, post, put
from litestar.params import Parameter, QueryParameter

from duoline.catalog import tokens
from duoline.catalog.access import product_id_of, product_id_of_sku
from duoline.catalog.add_product import add_product
from duoline.catalog.add_sku import add_sku, edit_sku
from duoline.catalog.edit_product import edit_product
from duoline.catalog.publish import advance
from duoline.catalog.set_barcode import set_barcodes
from duoline.catalog.types import NewProduct, NewSku, ProductEdit, Publication, SkuEdit
from duoline.catalog.vocabulary import vocabulary
from duoline.channels.console.goods_views import (
    KINDS,
    ProductDetail,
    ProductRow,
    Sort,
    State,
    product_detail,
    product_rows,
)
from duoline.channels.http import cursors, doors
from duoline.channels.http.answers import Answer, Cursor, Input, Limit, Page, Search
from duoline.channels.http.sessions import Staff
from duoline.channels.http.writes import Write
from duoline.kernel.db import Database, Tx

Code = Annotated[str | None, Parameter(max_length=40)]
# The framework keeps the parameter name `state` for itself.
StateFilter = Annotated[State | None, QueryParameter(name="state", description="Only these.")]

READ = doors.staff("catalogue.read", category=doors.SHARED, brand=doors.SHARED)
READ_ONE = doors.staff("catalogue.read", code=doors.SHARED)
EDIT_ONE = doors.staff("catalogue.edit", code=doors.SHARED)
EDIT_SKU = doors.staff("catalogue.edit", sku_id=doors.SHARED)


class PublicationInput(Input, frozen=True):
    """What the product is to be: published, or withdrawn from sale."""

    state: Literal["published", "withdrawn"]
    reason: Annotated[str, msgspec.Meta(max_length=200, description="Why, for the audit log.")] = ""


class BarcodesInput(Input, frozen=True):
    """All barcodes of the variant, as printed."""

    gtins: Annotated[list[Annotated[str, msgspec.Meta(max_length=20)]], msgspec.Meta(max_length=20)]


@get("/api/console/products", opt=READ)
async def list_products(
    db: Database,
    q: Search = "",
    category: Code = None,
    brand: Code = None,
    state_: StateFilter = None,
    sort: Sort = "-updated",
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[ProductRow]:
    """Products in any state, found by words, code or barcode, with what each still lacks."""
    rows, more, total = await product_rows(
        db,
        query=tokens.parse(q, (await vocabulary(db)).cutter),
        category=category,
        brand=brand,
        state=state_,
        sort=sort,
        limit=limit,
        after=cursors.unpack(cursor, KINDS[sort], UUID) if cursor else None,
    )
    return Page(rows, cursors.pack(*more) if more else None, total)


@get("/api/console/products/{code:str}", opt=READ_ONE)
async def get_product(db: Database, code: str) -> ProductDetail:
    """One product whole."""
    return await product_detail(db, await product_id_of(db, code))


@post("/api/console/products", opt=doors.staff("catalogue.edit", category=doors.SHARED, brand=doors.SHARED))
async def create_product(write: Write, staff: Staff, data: NewProduct) -> Answer[ProductDetail]:
    """Make a draft."""

    async def work(tx: Tx) -> ProductDetail:
        return await product_detail(tx, await add_product(tx, actor=staff.actor, new=data))

    return await write.run(work, status=201)


@patch("/api/console/products/{code:str}", opt=EDIT_ONE)
async def change_product(write: Write, staff: Staff, code: str, data: ProductEdit) -> Answer[ProductDetail]:
    """Change the fields that are sent; refused when somebody else has saved since `version` was read."""

    async def work(tx: Tx) -> ProductDetail:
        product_id = await product_id_of(tx, code)
        await edit_product(tx, actor=staff.actor, product_id=product_id, edit=data)
        return await product_detail(tx, product_id)

    return await write.run(work)


@post("/api/console/products/{code:str}/publication", opt=EDIT_ONE)
async def change_publication(write: Write, staff: Staff, code: str, data: PublicationInput) -> Answer[ProductDetail]:
    """Publish the product, or withdraw it from sale."""

    async def work(tx: Tx) -> ProductDetail:
        product_id = await product_id_of(tx, code)
        await advance(tx, actor=staff.actor, product_id=product_id, to=Publication(data.state), reason=data.reason)
        return await product_detail(tx, product_id)

    return await write.run(work)


@post("/api/console/products/{code:str}/skus", opt=EDIT_ONE)
async def create_sku(write: Write, staff: Staff, code: str, data: NewSku) -> Answer[ProductDetail]:
    """Make a variant."""

    async def work(tx: Tx) -> ProductDetail:
        product_id = await product_id_of(tx, code)
        await add_sku(tx, actor=staff.actor, product_id=product_id, new=data)
        return await product_detail(tx, product_id)

    return await write.run(work, status=201)


@patch("/api/console/skus/{sku_id:uuid}", opt=EDIT_SKU)
async def change_sku(write: Write, staff: Staff, sku_id: UUID, data: SkuEdit) -> Answer[ProductDetail]:
    """Change a variant, or withdraw it."""

    async def work(tx: Tx) -> ProductDetail:
        product_id = await product_id_of_sku(tx, sku_id)
        await edit_sku(tx, actor=staff.actor, sku_id=sku_id, edit=data)
        return await product_detail(tx, product_id)

    return await write.run(work)


@put("/api/console/skus/{sku_id:uuid}/barcodes", opt=EDIT_SKU)
async def change_barcodes(write: Write, staff: Staff, sku_id: UUID, data: BarcodesInput) -> Answer[ProductDetail]:
    """Say which barcodes a variant has."""

    async def work(tx: Tx) -> ProductDetail:
        product_id = await product_id_of_sku(tx, sku_id)
        await set_barcodes(tx, actor=staff.actor, sku_id=sku_id, gtins=data.gtins)
        return await product_detail(tx, product_id)

    return await write.run(work)


ROUTES = [
    list_products,
    get_product,
    create_product,
    change_product,
    change_publication,
    create_sku,
    change_sku,
    change_barcodes,
]
