"""Products from draft to sale: what the verbs write, and what they refuse."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from duoline import catalog
from duoline.catalog import errors
from duoline.catalog.add_product import add_product
from duoline.catalog.add_sku import add_sku, edit_sku
from duoline.catalog.brands import add_brand, rename_brand
from duoline.catalog.categories import add_category, edit_category
from duoline.catalog.edit_product import edit_product
from duoline.catalog.events import PRODUCT_CHANGED
from duoline.catalog.invariants import INVARIANTS
from duoline.catalog.publish import advance
from duoline.catalog.set_barcode import set_barcodes
from duoline.catalog.types import (
    CategoryEdit,
    NewCategory,
    NewProduct,
    NewSku,
    ProductDoc,
    ProductEdit,
    Publication,
    SkuEdit,
)
from duoline.kernel.auth import SYSTEM
from duoline.kernel.ids import new_id
from duoline.kernel.machine import WrongState
from duoline.kernel.text import Text
from tests.catalog.goods import COLOUR, SIZE, make_tree

if TYPE_CHECKING:
    from uuid import UUID

    from duoline.kernel.db import Tx
    from tests.catalog.goods import Goods

GTIN, OTHER = "6901234567892", "4006381333931"


async def doc(tx: Tx, code: str) -> ProductDoc | None:
    text = await tx.fetchval("SELECT doc FROM product_docs WHERE code = $1", code)
    return None if text is None else msgspec.json.decode(text, type=ProductDoc)


async def version(tx: Tx, product_id: UUID) -> int:
    found: int = await tx.fetchval("SELECT version FROM products WHERE id = $1", product_id)
    return found


async def edit(tx: Tx, product_id: UUID, **fields: Any) -> None:
    change = ProductEdit(**({"version": await version(tx, product_id)} | fields))
    await edit_product(tx, actor=SYSTEM, product_id=product_id, edit=change)


@pytest.fixture(autouse=True)
async def invariants_hold(tx: Tx):
    """After every test here, whatever it did."""
    yield
    for name, sentence, sql in INVARIANTS:
        assert [dict(row) for row in await tx.fetch(sql)] == [], f"{name}: {sentence}"


async def test_a_published_product_has_its_page(tx: Tx, goods: Goods):
    page = await doc(tx, "D60")
    assert page is not None
    assert page.name == Text("超薄透气纸尿裤 60片", "Thin diapers, 60 pieces")
    assert page.brand is None
    assert [step.code for step in page.category.path] == ["care", "diapers"]
    assert [(sku.code, sku.options) for sku in page.skus] == [("D60-S", {"size": "s"}), ("D60-M", {"size": "m"})]
    assert page.attributes[0].value.en == "New Zealand"
    assert await doc(tx, "DRAFT") is None


async def test_a_product_without_a_code_gets_one_and_starts_as_a_draft(tx: Tx):
    await make_tree(tx)
    product_id = await add_product(tx, actor=SYSTEM, new=NewProduct(name=Text("", "Cup"), category="feeding"))
    row = await tx.fetchrow("SELECT code, state, version FROM products WHERE id = $1", product_id)
    assert row["code"].startswith("P")
    assert (row["state"], row["version"]) == ("draft", 1)
    audit = await tx.fetchrow("SELECT action, subject FROM audit_log WHERE subject = $1", row["code"])
    assert audit["action"] == "product.added"


@pytest.mark.parametrize(
    ("new", "refusal"),
    [
        (NewProduct(name=Text("", ""), category="feeding"), errors.BadProduct),
        (NewProduct(name=Text("杯", ""), category="nowhere"), errors.NoSuchCategory),
        (NewProduct(name=Text("杯", ""), category="feeding", brand="nobody"), errors.NoSuchBrand),
        (NewProduct(name=Text("杯", ""), category="feeding", code="F700"), errors.CodeTaken),
        (NewProduct(name=Text("杯", ""), category="feeding", code="a b"), errors.BadProduct),
        (NewProduct(name=Text("杯", ""), category="feeding", options=[SIZE, SIZE]), errors.BadProduct),
    ],
)
async def test_a_bad_product_is_refused(tx: Tx, goods: Goods, new: NewProduct, refusal: type[Exception]):
    before = await tx.fetchval("SELECT count(*) FROM products")
    with pytest.raises(refusal):
        await add_product(tx, actor=SYSTEM, new=new)
    assert await tx.fetchval("SELECT count(*) FROM products") == before


async def test_an_edit_changes_what_it_names_and_nothing_else(tx: Tx, goods: Goods):
    product_id = goods.products["F700"]
    await edit(tx, product_id, name=Text("臻稚有机奶粉", "Organic"), brand=None)
    page = await doc(tx, "F700")
    assert page is not None
    assert (page.name.zh, page.brand, page.category.code) == ("臻稚有机奶粉", None, "formula")
    assert page.description.zh == "星飞帆 婴儿配方奶粉 1段 700g的介绍"
    event = await tx.fetchrow(
        "SELECT payload FROM local_outbox WHERE topic = $1 AND key = 'F700' ORDER BY id DESC LIMIT 1", PRODUCT_CHANGED
    )
    assert event["payload"]["state"] == "published"
    line = await tx.fetchrow("SELECT before, after FROM audit_log WHERE action = 'product.edited'")
    assert line["before"]["brand"] == "feihe"
    assert set(line["after"]) == {"name", "brand"}


async def test_an_edit_of_an_old_version_is_refused(tx: Tx, goods: Goods):
    product_id = goods.products["F700"]
    old = await version(tx, product_id)
    await edit(tx, product_id, name=Text("新名", "New"))
    with pytest.raises(errors.ChangedMeanwhile):
        await edit(tx, product_id, version=old, name=Text("旧名", "Old"))
    page = await doc(tx, "F700")
    assert page is not None
    assert page.name.zh == "新名"


async def test_an_option_that_a_variant_uses_cannot_go(tx: Tx, goods: Goods):
    product_id = goods.products["D60"]
    only_s = msgspec.structs.replace(SIZE, values=SIZE.values[:1])
    with pytest.raises(errors.OptionInUse) as refused:
        await edit(tx, product_id, options=[only_s])
    assert refused.value.fields["sku_code"] == "D60-M"
    await edit_sku(tx, actor=SYSTEM, sku_id=goods.skus["D60-M"], edit=SkuEdit(state="withdrawn"))
    await edit(tx, product_id, options=[only_s])
    with pytest.raises(errors.BadProduct):  # its value is gone, so it cannot come back
        await edit_sku(tx, actor=SYSTEM, sku_id=goods.skus["D60-M"], edit=SkuEdit(state="active"))


async def test_publishing_takes_a_name_and_a_variant(tx: Tx):
    await make_tree(tx)
    product_id = await add_product(
        tx, actor=SYSTEM, new=NewProduct(code="CUP", name=Text("", "Cup"), category="feeding")
    )
    with pytest.raises(errors.NotComplete) as refused:
        await advance(tx, actor=SYSTEM, product_id=product_id, to=Publication.PUBLISHED)
    assert refused.value.fields["missing"] == ["name_zh", "sku"]
    await edit(tx, product_id, name=Text("杯", "Cup"))
    await add_sku(tx, actor=SYSTEM, product_id=product_id, new=NewSku())
    await advance(tx, actor=SYSTEM, product_id=product_id, to=Publication.PUBLISHED)
    assert await doc(tx, "CUP") is not None


async def test_withdrawing_hides_it_and_its_first_day_of_sale_stays(tx: Tx, goods: Goods):
    product_id, sku_id = goods.products["F700"], goods.skus["F700-1"]
    day = await tx.fetchval("SELECT published_at FROM products WHERE id = $1", product_id)
    assert (await catalog.sku_facts(tx, [sku_id]))[sku_id].sellable
    await advance(tx, actor=SYSTEM, product_id=product_id, to=Publication.WITHDRAWN, reason="recall")
    assert await doc(tx, "F700") is None
    assert not (await catalog.sku_facts(tx, [sku_id]))[sku_id].sellable
    await advance(tx, actor=SYSTEM, product_id=product_id, to=Publication.WITHDRAWN)
    with pytest.raises(WrongState):
        await advance(tx, actor=SYSTEM, product_id=product_id, to=Publication.DRAFT)
    await advance(tx, actor=SYSTEM, product_id=product_id, to=Publication.PUBLISHED)
    assert await tx.fetchval("SELECT published_at FROM products WHERE id = $1", product_id) == day
    assert await tx.fetchval("SELECT count(*) FROM audit_log WHERE action = 'product.withdrawn'") == 1


async def test_two_variants_cannot_stand_for_the_same(tx: Tx, goods: Goods):
    product_id = goods.products["B240"]
    with pytest.raises(errors.BadProduct) as refused:
        await add_sku(tx, actor=SYSTEM, product_id=product_id, new=NewSku(options={"color": "red"}))
    assert refused.value.fields["problems"][0]["problem"] == "twice"
    with pytest.raises(errors.BadProduct):
        await add_sku(tx, actor=SYSTEM, product_id=product_id, new=NewSku(options={"color": "green"}))
    await edit_sku(tx, actor=SYSTEM, sku_id=goods.skus["B240-RED"], edit=SkuEdit(state="withdrawn"))
    with pytest.raises(errors.CodeTaken):
        await add_sku(tx, actor=SYSTEM, product_id=product_id, new=NewSku(code="B240-BLUE", options={"color": "red"}))


async def test_barcodes_are_set_once_and_belong_to_one_variant(tx: Tx, goods: Goods):
    red, blue = goods.skus["B240-RED"], goods.skus["B240-BLUE"]
    await set_barcodes(tx, actor=SYSTEM, sku_id=red, gtins=[GTIN, OTHER])
    await set_barcodes(tx, actor=SYSTEM, sku_id=red, gtins=[f"0{GTIN}"])
    assert [row["gtin"] for row in await tx.fetch("SELECT gtin FROM barcodes")] == [f"0{GTIN}"]
    assert (await catalog.sku_facts(tx, [red]))[red].gtin == GTIN
    with pytest.raises(errors.GtinTaken) as refused:
        await set_barcodes(tx, actor=SYSTEM, sku_id=blue, gtins=[GTIN])
    assert refused.value.fields["sku_code"] == "B240-RED"
    with pytest.raises(errors.BadGtin):
        await set_barcodes(tx, actor=SYSTEM, sku_id=blue, gtins=["6901234567891"])
    found = await tx.fetchval("SELECT tokens @@ $1::text::tsquery FROM product_search s JOIN product_docs d"
                              " USING (product_id) WHERE d.code = 'B240'", f"'{GTIN}'")  # fmt: skip
    assert found


async def test_facts_of_a_variant(tx: Tx, goods: Goods):
    sku_id = goods.skus["B240-BLUE"]
    facts = (await catalog.sku_facts(tx, [sku_id, new_id()]))[sku_id]
    assert (facts.sku_code, facts.product_code, facts.weight_g, facts.unit) == ("B240-BLUE", "B240", 900, "piece")
    assert facts.options == [catalog.Choice(COLOUR.name, COLOUR.values[1].name)]
    assert facts.name == Text("宽口径奶瓶 240ml", "Wide neck bottle 240 ml")
    assert (facts.gtin, facts.image_sha, facts.sellable) == (None, None, True)


async def test_a_new_brand_name_shows_on_all_its_products(tx: Tx, goods: Goods):
    await rename_brand(tx, actor=SYSTEM, code="feihe", name=Text("飞鹤乳业", ""))
    page = await doc(tx, "F700")
    assert page is not None
    assert page.brand == Text("飞鹤乳业", "飞鹤乳业")
    title = await tx.fetchval("SELECT title FROM product_search WHERE product_id = $1", goods.products["F700"])
    assert "飞鹤乳业" in title
    with pytest.raises(errors.NoSuchBrand):
        await rename_brand(tx, actor=SYSTEM, code="nobody", name=Text("谁", ""))
    with pytest.raises(errors.CodeTaken):
        await add_brand(tx, actor=SYSTEM, code="feihe", name=Text("飞鹤", ""))


async def test_a_category_moves_with_its_products_and_never_below_itself(tx: Tx, goods: Goods):
    await edit_category(
        tx, actor=SYSTEM, code="milk", edit=CategoryEdit(parent_code="feeding", name=Text("奶粉", "Milk"))
    )
    page = await doc(tx, "F700")
    assert page is not None
    assert [step.name.en for step in page.category.path] == ["Feeding", "Milk", "Infant formula"]
    for below in ("milk", "formula"):
        with pytest.raises(errors.CategoryCycle):
            await edit_category(tx, actor=SYSTEM, code="milk", edit=CategoryEdit(parent_code=below))
    with pytest.raises(errors.NoSuchCategory):
        await edit_category(tx, actor=SYSTEM, code="milk", edit=CategoryEdit(parent_code="nowhere"))
    with pytest.raises(errors.CodeTaken):
        await add_category(tx, actor=SYSTEM, new=NewCategory(code="milk", name=Text("奶", "")))
    await edit_category(tx, actor=SYSTEM, code="milk", edit=CategoryEdit(parent_code=None))
    page = await doc(tx, "F700")
    assert page is not None
    assert [step.code for step in page.category.path] == ["milk", "formula"]
