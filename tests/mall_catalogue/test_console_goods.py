"""Goods in the console, through HTTP: from draft to sale, who may, and what is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.http.world import key

if TYPE_CHECKING:
    from tests.mall_catalogue.conftest import Shop

NEW = {
    "code": "CUP1",
    "name": {"zh": "儿童保温杯", "en": "Kids flask"},
    "category": "feeding",
    "options": [
        {
            "key": "size",
            "name": {"zh": "容量", "en": "Size"},
            "values": [
                {"key": "s", "name": {"zh": "小", "en": "Small"}},
                {"key": "l", "name": {"zh": "大", "en": "Large"}},
            ],
        }
    ],
}


async def ask(answer: Any, status: int = 200) -> Any:
    got = await answer
    assert got.status_code == status, got.text
    return got.json()


async def test_a_product_from_draft_to_sale(shop: Shop):
    hq = shop.world.staff("hq")
    made = await ask(hq.post("/api/console/products", NEW), 201)
    assert (made["state"], made["version"], made["skus"]) == ("draft", 1, [])
    path = "/api/console/products/CUP1"
    refused = await ask(hq.post(f"{path}/publication", {"state": "published"}), 409)
    assert (refused["code"], refused["missing"]) == ("catalog.not-complete", ["sku"])
    made = await ask(hq.post(f"{path}/skus", {"options": {"size": "s"}, "gtins": ["6901234567892"]}), 201)
    (sku,) = made["skus"]
    assert (sku["code"], sku["gtins"]) == ("CUP1-1", ["6901234567892"])
    made = await ask(hq.post(f"{path}/publication", {"state": "published", "reason": "launch"}))
    assert made["state"] == "published"
    made = await ask(hq.patch(path, {"version": made["version"], "name": {"zh": "保温杯", "en": "Flask"}}))
    assert made["name"]["zh"] == "保温杯"
    assert (await shop.get("/api/mall/products/CUP1"))["product"]["name"]["zh"] == "保温杯"
    stale = await ask(hq.patch(path, {"version": 1, "brand": "feihe"}), 409)
    assert stale["code"] == "catalog.changed-meanwhile"
    made = await ask(hq.patch(f"/api/console/skus/{sku['id']}", {"weight_g": 350}))
    assert made["skus"][0]["weight_g"] == 350
    made = await ask(hq.put(f"/api/console/skus/{sku['id']}/barcodes", {"gtins": []}))
    assert made["skus"][0]["gtins"] == []
    await ask(hq.post(f"{path}/publication", {"state": "withdrawn"}))
    await shop.get("/api/mall/products/CUP1", status=404)


async def test_the_same_request_again_makes_no_second_product(shop: Shop):
    hq, once = shop.world.staff("hq"), key()
    first = await ask(hq.post("/api/console/products", NEW, key=once), 201)
    assert await ask(hq.post("/api/console/products", NEW, key=once), 201) == first
    assert (await ask(hq.post("/api/console/products", NEW), 409))["code"] == "catalog.code-taken"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"name": {"zh": "", "en": ""}}, "catalog.bad-product"),
        ({"category": "nowhere"}, "catalog.no-such-category"),
        ({"brand": "nobody"}, "catalog.no-such-brand"),
        ({"options": [{"key": "X Y", "name": {"zh": "", "en": ""}, "values": []}]}, "catalog.bad-product"),
        ({"price": 1}, "kernel.bad-input"),
        ({"code": ""}, "kernel.bad-input"),
        ({"name": "cup"}, "kernel.bad-input"),
    ],
)
async def test_bad_products_are_refused_with_reasons(shop: Shop, change: dict[str, Any], code: str):
    hq = shop.world.staff("hq")
    problem = await ask(hq.post("/api/console/products", NEW | change), 404 if "no-such" in code else 422)
    assert problem["code"] == code
    if code == "catalog.bad-product":
        assert {"field", "problem", "reason"} <= problem["problems"][0].keys()


async def test_the_list_finds_drafts_and_says_what_they_lack(shop: Shop):
    hq = shop.world.staff("hq")

    async def listed(**params: Any) -> Any:
        return await ask(hq.get("/api/console/products", params=params))

    everything = await listed(sort="code", limit=2)
    assert (len(everything["items"]), everything["total"]) == (2, 5)
    rest = await listed(sort="code", limit=5, cursor=everything["next"])
    assert [item["code"] for item in everything["items"] + rest["items"]] == ["A800", "B240", "D60", "DRAFT", "F700"]
    assert rest["next"] is None
    (draft,) = (await listed(state="draft"))["items"]
    assert (draft["code"], draft["state"]) == ("DRAFT", "draft")
    assert draft["completeness"]["till"] == {"score": 60, "missing": ["gtin"]}
    assert [item["code"] for item in (await listed(q="绿茶"))["items"]] == ["DRAFT"]
    assert {item["code"] for item in (await listed(category="milk"))["items"]} == {"F700", "A800", "DRAFT"}
    assert [item["code"] for item in (await listed(q="奶粉", brand="feihe"))["items"]] == ["F700"]
    for sort in ("-updated", "name"):
        first = await listed(sort=sort, limit=3)
        more = await listed(sort=sort, limit=3, cursor=first["next"])
        assert len({item["code"] for item in first["items"] + more["items"]}) == 5


async def test_brands_and_categories(shop: Shop):
    hq = shop.world.staff("hq")
    brands = await ask(hq.post("/api/console/brands", {"code": "hxz", "name": {"zh": "花西子"}}), 201)
    assert [brand["code"] for brand in brands["items"]] == ["aptamil", "feihe", "hxz"]
    await ask(hq.patch("/api/console/brands/feihe", {"name": {"zh": "飞鹤乳业", "en": "Firmus"}}))
    assert (await shop.get("/api/mall/products/F700"))["product"]["brand"]["zh"] == "飞鹤乳业"
    made = await ask(
        hq.post("/api/console/categories", {"code": "tea", "name": {"zh": "茶", "en": "Tea"}, "parent_code": "milk"}),
        201,
    )
    assert {row["code"]: row["parent_code"] for row in made["items"]}["tea"] == "milk"
    await ask(hq.patch("/api/console/categories/formula", {"name": {"zh": "奶粉", "en": "Formula"}}))
    assert (await shop.get("/api/mall/products/F700"))["product"]["category"]["name"]["en"] == "Formula"
    ring = await ask(hq.patch("/api/console/categories/milk", {"parent_code": "tea"}), 409)
    assert ring["code"] == "catalog.category-cycle"


@pytest.mark.parametrize("login", ["north", "manager1", "clerk1", "franchisee_a"])
async def test_others_than_headquarters_only_look(shop: Shop, login: str):
    caller = shop.world.staff(login)
    assert (await caller.get("/api/console/products")).status_code == 200
    assert (await caller.get("/api/console/products/F700")).status_code == 200
    for answer in (
        await caller.post("/api/console/products", NEW),
        await caller.patch("/api/console/products/F700", {"version": 1}),
        await caller.post("/api/console/products/F700/publication", {"state": "withdrawn"}),
        await caller.post("/api/console/brands", {"code": "x", "name": {"zh": "x"}}),
    ):
        assert answer.status_code == 403
    assert (await shop.world.anonymous().get("/api/console/products")).status_code == 401
