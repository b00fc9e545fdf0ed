"""Two people at once: every verb of the catalogue that locks, on two connections."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from duoline.catalog.add_sku import add_sku, edit_sku
from duoline.catalog.brands import rename_brand
from duoline.catalog.categories import edit_category
from duoline.catalog.docs import refresh_docs
from duoline.catalog.edit_product import edit_product
from duoline.catalog.invariants import INVARIANTS
from duoline.catalog.publish import advance
from duoline.catalog.set_barcode import set_barcodes
from duoline.catalog.types import CategoryEdit, NewSku, ProductDoc, ProductEdit, Publication, SkuEdit
from duoline.kernel.auth import SYSTEM
from duoline.kernel.errors import Refusal
from duoline.kernel.text import Text
from tests.catalog.goods import Goods, make_goods

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from duoline.kernel.db import Database, Tx

GTIN = "6901234567892"


@pytest.fixture
async def goods(db: Database) -> Goods:
    """A small catalogue, committed."""
    async with db.begin() as tx:
        return await make_goods(tx)


async def together(db: Database, *verbs: Callable[[Tx], Awaitable[object]]) -> list[Any]:
    """Each verb in a transaction of its own, begun before any of them works; gives None or the refusal of each."""
    begun = asyncio.Barrier(len(verbs))

    async def run(verb: Callable[[Tx], Awaitable[object]]) -> Refusal | None:
        try:
            async with db.begin() as tx:
                await tx.fetchval("SELECT 1")
                await begun.wait()
                await verb(tx)
        except Refusal as refused:
            return refused
        return None

    found = await asyncio.gather(*(run(verb) for verb in verbs))
    for name, sentence, sql in INVARIANTS:
        assert await db.fetch(sql) == [], f"{name}: {sentence}"
    return sorted((type(each).__name__ for each in found), key=str)


async def doc(db: Database, code: str) -> ProductDoc:
    return msgspec.json.decode(await db.fetchval("SELECT doc FROM product_docs WHERE code = $1", code), type=ProductDoc)


async def test_one_barcode_for_two_variants(db: Database, goods: Goods):
    def give(sku: str) -> Callable[[Tx], Awaitable[object]]:
        return lambda tx: set_barcodes(tx, actor=SYSTEM, sku_id=goods.skus[sku], gtins=[GTIN])

    assert await together(db, give("F700-1"), give("A800-1")) == ["GtinTaken", "NoneType"]
    assert await db.fetchval("SELECT count(*) FROM barcodes") == 1


async def test_two_edits_of_one_version(db: Database, goods: Goods):
    product_id = goods.products["F700"]
    version = await db.fetchval("SELECT version FROM products WHERE id = $1", product_id)

    def name(zh: str) -> Callable[[Tx], Awaitable[object]]:
        edit = ProductEdit(version=version, name=Text(zh, zh))
        return lambda tx: edit_product(tx, actor=SYSTEM, product_id=product_id, edit=edit)

    assert await together(db, name("甲"), name("乙")) == ["ChangedMeanwhile", "NoneType"]
    assert await db.fetchval("SELECT version FROM products WHERE id = $1", product_id) == version + 1


async def test_the_same_variant_twice(db: Database, goods: Goods):
    async with db.begin() as tx:
        await edit_sku(tx, actor=SYSTEM, sku_id=goods.skus["D60-M"], edit=SkuEdit(state="withdrawn"))

    def add(code: str) -> Callable[[Tx], Awaitable[object]]:
        new = NewSku(code=code, options={"size": "m"})
        return lambda tx: add_sku(tx, actor=SYSTEM, product_id=goods.products["D60"], new=new)

    assert await together(db, add("D60-M2"), add("D60-M3")) == ["BadProduct", "NoneType"]


async def test_withdrawing_a_product_while_a_variant_goes(db: Database, goods: Goods):
    product_id = goods.products["D60"]
    found = await together(
        db,
        lambda tx: advance(tx, actor=SYSTEM, product_id=product_id, to=Publication.WITHDRAWN),
        lambda tx: edit_sku(tx, actor=SYSTEM, sku_id=goods.skus["D60-S"], edit=SkuEdit(state="withdrawn")),
    )
    assert found == ["NoneType", "NoneType"]
    assert await db.fetchval("SELECT count(*) FROM product_docs WHERE code = 'D60'") == 0


async def test_two_moves_cannot_close_a_ring(db: Database, goods: Goods):
    def below(code: str, parent: str) -> Callable[[Tx], Awaitable[object]]:
        return lambda tx: edit_category(tx, actor=SYSTEM, code=code, edit=CategoryEdit(parent_code=parent))

    assert await together(db, below("milk", "care"), below("care", "milk")) == ["CategoryCycle", "NoneType"]


async def test_a_product_joins_a_brand_while_it_is_renamed(db: Database, goods: Goods):
    product_id = goods.products["D60"]
    version = await db.fetchval("SELECT version FROM products WHERE id = $1", product_id)
    found = await together(
        db,
        lambda tx: rename_brand(tx, actor=SYSTEM, code="feihe", name=Text("新飞鹤", "New")),
        lambda tx: edit_product(
            tx, actor=SYSTEM, product_id=product_id, edit=ProductEdit(version=version, brand="feihe")
        ),
    )
    assert found == ["NoneType", "NoneType"]
    for code in ("D60", "F700"):
        assert (await doc(db, code)).brand == Text("新飞鹤", "New"), code


async def test_an_edit_during_a_refresh_of_everything_is_not_lost(db: Database, goods: Goods):
    product_id = goods.products["F700"]
    version = await db.fetchval("SELECT version FROM products WHERE id = $1", product_id)
    edit = ProductEdit(version=version, name=Text("新名", "New name"))
    found = await together(
        db,
        lambda tx: refresh_docs(tx, None),
        lambda tx: edit_product(tx, actor=SYSTEM, product_id=product_id, edit=edit),
    )
    assert found == ["NoneType", "NoneType"]
    assert (await doc(db, "F700")).name.zh == "新名"


async def test_a_refused_change_leaves_nothing(db: Database, goods: Goods):
    product_id, sku_id = goods.products["F700"], goods.skus["F700-1"]
    before = await db.fetchrow("SELECT version, updated_at FROM products WHERE code = 'F700'")
    found = await together(
        db,
        lambda tx: edit_product(tx, actor=SYSTEM, product_id=product_id, edit=ProductEdit(version=0, brand=None)),
        lambda tx: set_barcodes(tx, actor=SYSTEM, sku_id=sku_id, gtins=[GTIN, "1"]),
    )
    assert found == ["BadGtin", "ChangedMeanwhile"]
    assert await db.fetchrow("SELECT version, updated_at FROM products WHERE code = 'F700'") == before
    assert await db.fetchval("SELECT count(*) FROM barcodes") == 0
