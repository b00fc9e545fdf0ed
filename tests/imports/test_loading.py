"""What an import does to the database: once, and again, and when part of it is wrong."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from duoline.inventory import LOSS, SUPPLIER, Holds
from duoline.kernel import clock
from duoline.kernel.auth import SYSTEM
from duoline.kernel.ids import new_id
from duoline.pricing import announce
from tests.imports.conftest import GOODS, PRODUCTS, STORE, STORES, assert_sound, take_in

if TYPE_CHECKING:
    from duoline.kernel.db import Database

MASTER = [
    "companies",
    "regions",
    "stores",
    "store_hour_exceptions",
    "locations",
    "brands",
    "categories",
    "products",
    "skus",
    "barcodes",
    "media",
    "product_media",
    "product_docs",
    "product_search",
    "prices",
    "members",
    "phone_index",
    "member_codes",
    "levels",
    "movements",
    "orders",
    "order_lines",
    "order_numbers",
    "order_events",
    "payment_intents",
    "captures",
    "journals",
    "journal_entries",
]


async def everything(db: Database) -> dict[str, Any]:
    """A digest of every table an import can reach, down to the last column."""
    return {
        table: await db.fetchval(f"SELECT md5(string_agg(t::text, '|' ORDER BY t::text)) FROM {table} t")
        for table in MASTER
    }


# --- stores -----------------------------------------------------------------------------------------


async def test_stores_arrive_with_company_region_and_location(chain: Database) -> None:
    row = await chain.fetchrow(
        """SELECT s.kind, s.pickup, s.ship, s.returns, s.name_en, c.kind AS company, l.kind AS location
           FROM stores s JOIN companies c ON c.id = s.company_id JOIN locations l ON l.id = s.id WHERE s.code = 'DC'"""
    )
    assert tuple(row) == ("dc", False, True, False, "总仓", "headquarters", "dc")
    assert (await take_in(chain, "stores", STORES)).counts == (0, 3, 0)


async def test_an_absent_column_leaves_and_an_empty_one_resets(chain: Database) -> None:
    one = {**STORES[0], "phone": "021-1", "pickup_lead_min": "45", "hours": "09:00-18:00"}
    assert (await take_in(chain, "stores", [one])).counts == (1, 0, 0)
    assert (await take_in(chain, "stores", [{**STORES[0], "phone": "021-2"}])).counts == (1, 0, 0)
    assert await chain.fetchval("SELECT pickup_lead_min FROM stores WHERE code = 'S1'") == 45
    assert (await take_in(chain, "stores", [{**STORES[0], "pickup_lead_min": ""}])).counts == (1, 0, 0)
    row = await chain.fetchrow("SELECT pickup_lead_min, phone, hours, version FROM stores WHERE code = 'S1'")
    assert tuple(row) == (30, "021-2", [[["09:00", "18:00"]]] * 7, 4)


async def test_days_with_other_hours(chain: Database) -> None:
    row = {**STORES[0], "hour_exceptions": "2026-12-24 10:00-18:00 平安夜|Christmas Eve; 2027-01-01 休"}
    assert (await take_in(chain, "stores", [row])).counts == (1, 0, 0)
    assert (await take_in(chain, "stores", [row])).counts == (0, 1, 0)
    rows = await chain.fetch("SELECT spans, reason_en FROM store_hour_exceptions ORDER BY on_date")
    assert [tuple(each) for each in rows] == [([["10:00", "18:00"]], "Christmas Eve"), ([], "")]


async def test_bad_stores_are_told_and_good_ones_kept(chain: Database) -> None:
    done = await take_in(
        chain,
        "stores",
        [
            {**STORES[0], "kind": "dc"},
            {**STORE, "code": "S3", "name_zh": "三店", "lat": "95"},
            {**STORE, "code": "S4", "name_zh": "四店", "company_code": "NOBODY", "company_zh": ""},
            {**STORE, "code": "S5", "name_zh": "五店", "region_parent_code": "NOWHERE"},
            {**STORE, "code": "S6", "name_zh": "六店"},
            {**STORE, "code": "S6", "name_zh": "六店又"},
        ],
    )
    assert done.told == [
        (1, "kind", "kind-fixed"),
        (2, "lat", "range"),
        (3, "company_code", "not-created"),
        (4, "region_parent_code", "unknown"),
        (6, "code", "twice"),
    ]
    assert done.counts == (1, 0, 5)
    assert await chain.fetchval("SELECT name_zh FROM stores WHERE code = 'S6'") == "六店"


async def test_nothing_is_created_when_the_mapping_forbids_it(db: Database) -> None:
    done = await take_in(db, "stores", STORES, create=frozenset())
    assert {code for _, _, code in done.told} == {"not-created"}
    assert done.counts == (0, 0, 3)


# --- products ---------------------------------------------------------------------------------------


async def test_products_arrive_with_variants_categories_and_pages(chain: Database) -> None:
    options = await chain.fetchval("SELECT options FROM products WHERE code = 'P1'")
    assert options == [
        {
            "key": "size",
            "name": {"zh": "尺码", "en": "Size"},
            "values": [
                {"key": "59", "name": {"zh": "59", "en": "59"}},
                {"key": "66", "name": {"zh": "66", "en": "66"}},
            ],
        }
    ]
    assert await chain.fetchval("SELECT options FROM skus WHERE code = 'P1-66'") == {"size": "66"}
    assert await chain.fetchval("SELECT count(*) FROM product_docs") == 2
    assert await chain.fetchval("SELECT state FROM products WHERE code = 'P2'") == "published"
    assert (await take_in(chain, "products", PRODUCTS)).counts == (0, 3, 0)


async def test_a_variant_that_comes_later_joins_its_product(chain: Database) -> None:
    more = {**PRODUCTS[0], "sku_code": "P1-73", "option1_value": "73"}
    assert (await take_in(chain, "products", [more])).counts == (1, 0, 0)
    options = await chain.fetchval("SELECT options FROM products WHERE code = 'P1'")
    assert [value["key"] for value in options[0]["values"]] == ["59", "66", "73"]
    rows = await chain.fetch("SELECT code, position FROM skus WHERE code LIKE 'P1%' ORDER BY position")
    assert [row["code"] for row in rows] == ["P1-59", "P1-66", "P1-73"]
    assert (await take_in(chain, "products", PRODUCTS)).counts == (0, 3, 0)


async def test_a_change_touches_its_product_only(chain: Database) -> None:
    before = {row["code"]: row["version"] for row in await chain.fetch("SELECT code, version FROM products")}
    changed = [dict(row) for row in PRODUCTS]
    changed[2]["name_zh"] = "大积木"
    assert (await take_in(chain, "products", changed)).counts == (1, 2, 0)
    after = {row["code"]: row["version"] for row in await chain.fetch("SELECT code, version FROM products")}
    assert (after["P1"], after["P2"]) == (before["P1"], before["P2"] + 1)
    assert "大积木" in await chain.fetchval("SELECT doc FROM product_docs WHERE code = 'P2'")


async def test_bad_products(chain: Database) -> None:
    done = await take_in(
        chain,
        "products",
        [
            {**PRODUCTS[0], "name_zh": "连体衣", "gtins": "2000000000015"},
            {**PRODUCTS[1], "name_zh": "另一件", "gtins": ""},
            {**PRODUCTS[2], "product_code": "P9"},
            {**PRODUCTS[2], "sku_code": "P2-B", "gtins": "2000000000015"},
            {**PRODUCTS[2], "product_code": "P3", "sku_code": "P3", "category_code": "new", "category_zh": ""},
            {"product_code": "P4", "name_zh": "四", "sku_code": "P4", **GOODS},
            {**PRODUCTS[2], "product_code": "P5", "sku_code": "P5", "gtins": "2000000000014"},
        ],
    )
    assert done.told == [
        (2, "product_code", "differs"),
        (3, "sku_code", "other-product"),
        (4, "gtins", "twice"),
        (5, "category_code", "not-created"),
        (6, "option1_value", "together"),
        (7, "gtins", "gtin"),
    ]
    assert done.counts == (1, 0, 6)


async def test_brands_and_a_tree_of_categories(db: Database) -> None:
    row = {
        **PRODUCTS[2],
        "brand_code": "B",
        "brand_zh": "禾屿",
        "brand_en": "Heyu",
        "category_parent_code": "all",
        "category_parent_zh": "全部",
    }
    assert (await take_in(db, "products", [row])).counts == (1, 0, 0)
    found = await db.fetchrow(
        """SELECT b.name_en, p.code FROM products x JOIN brands b ON b.id = x.brand_id
           JOIN categories c ON c.id = x.category_id JOIN categories p ON p.id = c.parent_id"""
    )
    assert tuple(found) == ("Heyu", "all")


async def test_a_published_product_does_not_become_a_draft(chain: Database) -> None:
    rows = [{**row, "product_state": "draft"} for row in PRODUCTS]
    assert (await take_in(chain, "products", rows)).counts == (0, 3, 0)
    assert (await take_in(chain, "products", [{**rows[2], "product_state": "withdrawn"}])).counts == (1, 0, 0)
    assert await chain.fetchval("SELECT count(*) FROM product_docs") == 1


# --- prices -----------------------------------------------------------------------------------------


async def windows(db: Database) -> list[tuple[Any, ...]]:
    rows = await db.fetch(
        """SELECT s.code, p.scope, p.price_minor, lower(p.valid)::date::text, upper(p.valid)::date::text
           FROM prices p JOIN skus s ON s.id = p.sku_id ORDER BY s.code, p.scope, lower(p.valid)"""
    )
    return [tuple(row) for row in rows]


async def test_a_dated_exception_lies_over_the_price(chain: Database) -> None:
    rows = [
        {"sku_code": "P2", "price": "100", "valid_from": "2026-01-01 08:00"},
        {"sku_code": "P2", "price": "80", "valid_from": "2026-05-01 08:00", "valid_to": "2026-05-10 08:00"},
        {"sku_code": "P2", "price": "90", "scope": "store", "scope_code": "S1", "valid_from": "2026-01-01 08:00"},
        {"sku_code": "P2", "price": "95", "scope": "region", "scope_code": "EAST", "valid_from": "2026-01-01 08:00"},
    ]
    assert (await take_in(chain, "prices", rows)).counts == (4, 0, 0)
    assert await windows(chain) == [
        ("P2", "chain", 10000, "2026-01-01", "2026-05-01"),
        ("P2", "chain", 8000, "2026-05-01", "2026-05-10"),
        ("P2", "chain", 10000, "2026-05-10", None),
        ("P2", "region", 9500, "2026-01-01", None),
        ("P2", "store", 9000, "2026-01-01", None),
    ]
    before = await everything(chain)
    assert (await take_in(chain, "prices", rows)).counts == (0, 4, 0)
    assert await everything(chain) == before
    await assert_sound(chain)


async def test_a_price_from_now_on_is_imported_once(chain: Database) -> None:
    assert (await take_in(chain, "prices", [{"sku_code": "P2", "price": "10"}])).counts == (1, 0, 0)
    assert (await take_in(chain, "prices", [{"sku_code": "P2", "price": "10.00"}])).counts == (0, 1, 0)
    assert (await take_in(chain, "prices", [{"sku_code": "P2", "price": "11"}])).counts == (1, 0, 0)
    assert [row[2] for row in await windows(chain)] == [1000, 1100]


async def audited(db: Database, action: str) -> list[dict[str, Any]]:
    rows = await db.fetch(
        """SELECT a.*, s.code AS sku, p.code AS store FROM audit_log a JOIN skus s ON s.id::text = a.subject
           LEFT JOIN stores p ON p.id = a.store_id WHERE action = $1 ORDER BY a.at, s.code, a.before NULLS FIRST""",
        action,
    )
    return [dict(row) for row in rows]


async def test_prices_say_what_they_were(chain: Database) -> None:
    """A row that is taken away, one that is cut short, those that are added: each with before and after."""
    first = {"sku_code": "P2", "price": "100", "valid_from": "2026-01-01 08:00"}
    later = {"sku_code": "P2", "price": "80", "valid_from": "2026-05-01 08:00", "valid_to": "2026-05-10 08:00"}
    await take_in(chain, "prices", [first, later])
    old = await audited(chain, "price.import")
    assert [line["before"] for line in old] == [None, None, None]
    assert sorted(line["after"]["price_minor"] for line in old) == [8000, 10000, 10000]
    done = await take_in(chain, "prices", [{"sku_code": "P2", "price": "90", "valid_from": "2026-04-01 08:00"}])
    assert done.counts == (1, 0, 0)
    lines = (await audited(chain, "price.import"))[len(old) :]
    changes = {
        (line["before"] and line["before"]["price_minor"], line["after"] and line["after"]["price_minor"]): line
        for line in lines
    }
    assert set(changes) == {(None, 9000), (10000, 10000), (8000, None), (10000, None)}
    assert changes[10000, 10000]["before"]["until"] == "2026-05-01T00:00:00+00:00"
    assert changes[10000, 10000]["after"]["until"] == "2026-04-01T00:00:00+00:00"
    assert changes[8000, None]["before"]["from"] == "2026-05-01T00:00:00+00:00"
    assert changes[None, 9000]["after"]["scope"] == "chain"
    assert {(line["actor_name"], line["reason"][:7]) for line in lines} == {("Duoline", "import ")}


async def test_prices_that_a_file_changes_are_told_to_open_pages(chain: Database) -> None:
    """Once an article, now and for each instant to come; a file that changes nothing says nothing."""
    begins = (clock.now() + timedelta(days=2)).replace(microsecond=0)
    rows = [
        {"sku_code": "P2", "price": "100"},
        {"sku_code": "P2", "price": "80", "valid_from": begins.isoformat()},
        {"sku_code": "P1-59", "price": "70", "valid_from": begins.isoformat()},
    ]
    for _ in range(2):
        await take_in(chain, "prices", rows)
        told = await chain.fetch("SELECT payload FROM local_outbox WHERE topic = $1", announce.TOPIC)
        assert len(told) == len({row["payload"]["sku_id"] for row in told}) == 2
        later = await chain.fetch("SELECT execute_after FROM pgqueuer.pgqueuer WHERE entrypoint = $1", announce.JOB)
        assert [row["execute_after"] for row in later] == [begins]


async def test_a_price_of_a_shop_is_that_shops_to_read(chain: Database) -> None:
    row = {"sku_code": "P2", "price": "90", "scope": "store", "scope_code": "S1", "valid_from": "2026-01-01 08:00"}
    await take_in(chain, "prices", [row])
    (line,) = await audited(chain, "price.import")
    assert line["store"] == "S1"
    await take_in(chain, "prices", [row])
    assert len(await audited(chain, "price.import")) == 1, "what changes nothing is no change"


async def test_bad_prices(chain: Database) -> None:
    done = await take_in(
        chain,
        "prices",
        [
            {"sku_code": "NONE", "price": "1"},
            {"sku_code": "P2", "price": "-1"},
            {"sku_code": "P2", "price": "1e9"},
            {"sku_code": "P2", "price": "9.999"},
            {"sku_code": "P2", "price": "1", "scope": "store"},
            {"sku_code": "P2", "price": "1", "scope": "store", "scope_code": "S9"},
            {"sku_code": "P2", "price": "1", "valid_from": "2026-02-01", "valid_to": "2026-01-01"},
            {"sku_code": "P2", "price": float("nan")},
        ],
    )
    assert done.told == [
        (1, "sku_code", "unknown"),
        (2, "price", "range"),
        (3, "price", "not-a-number"),
        (4, "price", "decimals"),
        (5, "scope_code", "required"),
        (6, "scope_code", "unknown"),
        (7, "valid_to", "order"),
        (8, "price", "required"),
    ]
    assert done.counts == (0, 0, 8)


# --- stock ------------------------------------------------------------------------------------------


def stock(store: str, sku: str, on_hand: Any, **more: Any) -> dict[str, Any]:
    return {"store_code": store, "sku_code": sku, "on_hand": on_hand, **more}


async def test_stock_arrives_as_movements_with_two_ends(chain: Database) -> None:
    rows = [stock("S1", "P2", "5", safety="1", shelf="A-1"), stock("S2", "P2", "0"), stock("DC", "P1-59", "900")]
    assert (await take_in(chain, "stock", rows)).counts == (3, 0, 0)
    assert (await take_in(chain, "stock", rows)).counts == (0, 3, 0)
    moves = await chain.fetch(
        "SELECT location_id, quantity, reason, other_location_id FROM movements ORDER BY abs(quantity), quantity"
    )
    assert [(row["quantity"], row["reason"]) for row in moves] == [
        (-5, "opening"),
        (5, "opening"),
        (-900, "opening"),
        (900, "opening"),
    ]
    assert moves[0]["location_id"] == moves[1]["other_location_id"] == SUPPLIER
    assert await chain.fetchval("SELECT count(*) FROM levels") == 3
    await assert_sound(chain)


async def test_a_later_import_is_a_count(chain: Database) -> None:
    await take_in(chain, "stock", [stock("S1", "P2", "5"), stock("S1", "P1-59", "5")])
    assert (await take_in(chain, "stock", [stock("S1", "P2", "3"), stock("S1", "P1-59", "5")])).counts == (1, 1, 0)
    last = await chain.fetchrow(
        """SELECT quantity, reason, other_location_id, on_hand_after FROM movements
           WHERE reason = 'count' AND quantity < 0"""
    )
    assert tuple(last) == (-2, "count", LOSS, 3)
    await assert_sound(chain)


async def test_stock_says_what_it_was(chain: Database) -> None:
    await take_in(chain, "stock", [stock("S1", "P2", "5", safety="1", shelf="A"), stock("S2", "P1-59", "0")])
    await take_in(chain, "stock", [stock("S1", "P2", "3"), stock("S2", "P1-59", "0")])
    await take_in(chain, "stock", [stock("S1", "P2", "3", safety="2")])
    lines = [
        (line["sku"], line["store"], line["before"], line["after"]) for line in await audited(chain, "stock.import")
    ]
    was, counted = {"on_hand": 5, "safety": 1, "shelf": "A"}, {"on_hand": 3, "safety": 1, "shelf": "A"}
    assert lines == [
        ("P1-59", "S2", None, {"on_hand": 0, "safety": 0, "shelf": None}),
        ("P2", "S1", None, was),
        ("P2", "S1", was, counted),
        ("P2", "S1", counted, {"on_hand": 3, "safety": 2, "shelf": "A"}),
    ]


async def test_a_count_below_what_is_held_is_refused(chain: Database) -> None:
    await take_in(chain, "stock", [stock("S1", "P2", "5"), stock("S1", "P1-59", "5")])
    level = await chain.fetchrow("SELECT l.* FROM levels l JOIN skus s ON s.id = l.sku_id WHERE s.code = 'P2'")
    await Holds(chain).hold(
        location_id=level["location_id"],
        sku_id=level["sku_id"],
        quantity=4,
        ref_kind="walk-in",
        ref_id=new_id(),
        expires_at=None,
        actor=SYSTEM,
    )
    done = await take_in(chain, "stock", [stock("S1", "P2", "3"), stock("S1", "P1-59", "6")])
    assert done.told == [(1, "on_hand", "below-held")]
    assert done.problems[0].en == "is less than the 4 units held for customers"
    assert done.counts == (1, 0, 1)
    await assert_sound(chain)


async def test_safety_and_shelf_alone_are_a_change_without_movement(chain: Database) -> None:
    await take_in(chain, "stock", [stock("S1", "P2", "5", safety="1", shelf="A")])
    assert (await take_in(chain, "stock", [stock("S1", "P2", "5", safety="2")])).counts == (1, 0, 0)
    assert (await take_in(chain, "stock", [stock("S1", "P2", "5")])).counts == (0, 1, 0)
    assert tuple(await chain.fetchrow("SELECT safety, shelf FROM levels WHERE on_hand = 5")) == (2, "A")
    assert await chain.fetchval("SELECT count(*) FROM movements") == 2


async def test_bad_stock(chain: Database) -> None:
    done = await take_in(
        chain,
        "stock",
        [
            stock("S1", "P2", "5"),
            stock("S1", "P2", "6"),
            stock("S9", "P2", "1"),
            stock("S1", "NONE", "1"),
            stock("S1", "P1-59", "-1"),
            stock("S1", "P1-59", "1e9"),
            stock("S1", "P1-59", "1.5"),
            stock("S1", "P1-59", float("nan")),
            stock("", "P1-59", "1"),
        ],
    )
    assert done.told == [
        (2, "sku_code", "twice"),
        (3, "store_code", "unknown"),
        (4, "sku_code", "unknown"),
        (5, "on_hand", "range"),
        (6, "on_hand", "whole"),
        (7, "on_hand", "whole"),
        (8, "on_hand", "required"),
        (9, "store_code", "required"),
    ]
    assert done.counts == (1, 0, 8)
    assert await chain.fetchval("SELECT on_hand FROM levels") == 5


# --- members ----------------------------------------------------------------------------------------


async def test_members_are_recognised_by_code_or_phone(chain: Database) -> None:
    rows = [
        {"code": "M1", "phone": "19900000001", "name": "林小满", "home_store_code": "S1", "joined_at": "2025-01-01"},
        {"code": "M2", "phone": "", "name": "周清和"},
        {"code": "", "phone": "19900000003", "name": "吴知夏"},
    ]
    assert (await take_in(chain, "members", rows)).counts == (3, 0, 0)
    assert (await take_in(chain, "members", rows)).counts == (0, 3, 0)
    assert (await take_in(chain, "members", [{"code": "M2", "phone": "19900000002"}])).counts == (1, 0, 0)
    assert (await take_in(chain, "members", [{"code": "M3", "phone": "19900000003"}])).counts == (1, 0, 0)
    rows = await chain.fetch("SELECT display_name, phone, external_code FROM members ORDER BY external_code")
    assert [tuple(row) for row in rows] == [
        ("林小满", "+8619900000001", "M1"),
        ("周清和", "+8619900000002", "M2"),
        ("吴知夏", "+8619900000003", "M3"),
    ]
    assert await chain.fetchval("SELECT count(*) FROM phone_index") == 3
    assert await chain.fetchval("SELECT count(*) FROM member_codes") == 3


async def test_who_somebody_is_an_import_does_not_decide(chain: Database) -> None:
    await take_in(chain, "members", [{"code": "M1", "phone": "19900000001"}, {"code": "M2", "phone": "19900000002"}])
    done = await take_in(
        chain,
        "members",
        [
            {"code": "M1", "phone": "19900000002", "name": "?"},
            {"code": "M2", "phone": "19900000009", "name": "?"},
            {"code": "M9", "phone": "19900000001", "name": "?"},
            {"code": "", "phone": "", "name": "?"},
            {"code": "M4", "phone": "123", "name": "?"},
            {"code": "M5", "phone": "19900000005", "name": "?", "home_store_code": "S9"},
            {"code": "M6", "phone": "19900000006", "name": "?"},
            {"code": "M6", "phone": "19900000007", "name": "?"},
        ],
    )
    assert sorted((line, code) for line, _, code in done.told) == [
        (1, "member-identity"),
        (2, "phone-taken"),
        (3, "member-identity"),
        (4, "member-who"),
        (5, "phone"),
        (6, "unknown"),
        (8, "twice"),
    ]
    assert done.counts == (1, 0, 7)


# --- past orders ------------------------------------------------------------------------------------


def order(code: str, sku: str, quantity: Any, amount: str, **more: Any) -> dict[str, Any]:
    return {
        "order_code": code,
        "placed_at": "2026-11-01 10:00",
        "store_code": "S1",
        "sku_code": sku,
        "quantity": quantity,
        "amount": amount,
        **more,
    }


async def test_past_orders_are_whole_paid_and_balanced(chain: Database) -> None:
    await take_in(chain, "members", [{"code": "M1", "phone": "19900000001", "name": "林小满"}])
    rows = [
        order("T1", "P2", "3", "10.00", member_code="M1", channel="till", tender="cash"),
        order("T1", "P1-59", "1", "5", member_code="M1", channel="till", tender="cash"),
        order("T2", "P2", "1", "7.77", tender="online"),
        order("T3", "P2", "1", "0"),
    ]
    assert (await take_in(chain, "orders", rows)).counts == (4, 0, 0)
    before = await everything(chain)
    assert (await take_in(chain, "orders", rows)).counts == (0, 4, 0)
    assert await everything(chain) == before
    one = await chain.fetchrow("SELECT * FROM orders WHERE external_code = 'T1'")
    assert (one["order_no"], one["state"], one["subtotal_minor"], one["discount_minor"], one["total_minor"]) == (
        "I-T1",
        "completed",
        1502,
        2,
        1500,
    )
    assert one["contact_name"] == "林小满"
    lines = await chain.fetch(
        "SELECT sku_code, handed, unit_price_minor FROM order_lines WHERE order_id = $1 ORDER BY n", one["id"]
    )
    assert [tuple(line) for line in lines] == [("P2", 3, 334), ("P1-59", 1, 500)]
    accounts = await chain.fetch(
        """SELECT split_part(debit, ':', 1) || '>' || split_part(credit, ':', 1) AS way, amount_minor
           FROM journal_entries ORDER BY 2, 1"""
    )
    assert [tuple(row) for row in accounts] == [
        ("clearing>deposits", 777),
        ("deposits>sales", 777),
        ("cash>deposits", 1500),
        ("deposits>sales", 1500),
    ]
    assert await chain.fetchval("SELECT count(*) FROM members WHERE kind = 'guest'") == 2
    assert await chain.fetchval("SELECT count(*) FROM movements") == 0
    await assert_sound(chain)


async def test_a_bad_row_keeps_its_whole_order_out(chain: Database) -> None:
    done = await take_in(
        chain,
        "orders",
        [
            order("T1", "P2", "1", "1"),
            order("T1", "P2", "-1", "1"),
            order("T2", "P2", "1", "1"),
            order("T2", "NONE", "1", "1"),
            order("T3", "P2", "1", "1"),
            order("T3", "P2", "1", "1", placed_at="2026-11-02"),
            order("T4", "P2", "1", "1"),
            order("T5", "P2", "1", "1", member_code="NOBODY"),
        ],
    )
    assert done.told == [
        (1, "order_code", "order-bad-rows"),
        (2, "quantity", "range"),
        (3, "order_code", "order-bad-rows"),
        (4, "sku_code", "unknown"),
        (5, "order_code", "order-bad-rows"),
        (6, "order_code", "order-rows"),
        (8, "member_code", "unknown-member"),
    ]
    assert done.counts == (1, 0, 7)


async def test_rows_of_an_order_may_stand_anywhere_in_the_file(chain: Database) -> None:
    # More orders lie between two rows of one than the check remembers.
    rows = [order(f"T{n}", sku, "1", "1.50") for sku in ("P2", "P1-59") for n in range(100)]
    assert (await take_in(chain, "orders", rows)).counts == (200, 0, 0)
    assert await chain.fetchval("SELECT count(*) FROM orders WHERE total_minor = 300") == 100
    assert await chain.fetchval("SELECT count(*) FROM captures WHERE amount_minor = 300") == 100
    before = await everything(chain)
    assert (await take_in(chain, "orders", rows)).counts == (0, 200, 0)
    assert await everything(chain) == before
    await assert_sound(chain)


async def test_a_past_order_never_changes(chain: Database) -> None:
    await take_in(chain, "orders", [order("T1", "P2", "1", "5")])
    done = await take_in(chain, "orders", [order("T1", "P2", "1", "6"), order("T2", "P2", "1", "6")])
    assert done.told == [(1, "order_code", "order-differs")]
    assert done.counts == (1, 0, 1)
    assert await chain.fetchval("SELECT total_minor FROM orders WHERE order_no = 'I-T1'") == 500


async def test_past_orders_take_their_units_when_asked_to(chain: Database) -> None:
    await take_in(chain, "stock", [stock("S1", "P2", "4"), stock("S1", "P1-59", "1")])
    rows = [
        order("T1", "P2", "3", "3"),
        order("T2", "P2", "2", "2"),
        order("T2", "P1-59", "1", "1"),
        order("T3", "P1-59", "1", "1"),
    ]
    done = await take_in(chain, "orders", rows, move_stock=True)
    assert (
        done.told == [(2, "order_code", "short"), (3, "order_code", "short")] or (4, "order_code", "short") in done.told
    )
    assert await chain.fetchval("SELECT on_hand FROM levels l JOIN skus s ON s.id = l.sku_id WHERE s.code = 'P2'") == 1
    await assert_sound(chain)
    again = await take_in(chain, "orders", rows, move_stock=True)
    assert again.result.changed + again.result.same + again.result.bad == 4
    await assert_sound(chain)


# --- any kind ---------------------------------------------------------------------------------------


async def test_a_dry_run_finds_problems_and_changes_nothing(chain: Database) -> None:
    before = await everything(chain)
    done = await take_in(chain, "stock", [stock("S1", "P2", "5"), stock("S9", "P2", "5")], dry_run=True)
    assert done.told == [(2, "store_code", "unknown")]
    assert done.counts == (0, 0, 1)
    assert await everything(chain) == before


async def test_the_audit_log_knows_of_an_import(chain: Database) -> None:
    row = await chain.fetchrow(
        "SELECT reason, after FROM audit_log WHERE action = 'import.run' ORDER BY at DESC LIMIT 1"
    )
    assert tuple(row) == ("products", {"rows": 3, "changed": 3, "same": 0, "bad": 0})


async def test_more_rows_than_a_chunk_holds(chain: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    from duoline.channels.imports import load_orders, load_prices, load_products, load_stock, run

    for module in (load_orders, load_prices, load_products, load_stock):
        monkeypatch.setattr(module, "CHUNK", 3)
    monkeypatch.setattr(run, "BATCH", 4)
    products = [
        {**PRODUCTS[0], "product_code": f"X{n % 5}", "sku_code": f"X{n}", "option1_value": str(n)} for n in range(23)
    ]
    assert (await take_in(chain, "products", products)).counts == (23, 0, 0)
    assert (await take_in(chain, "products", products)).counts == (0, 23, 0)
    prices = [{"sku_code": f"X{n % 3}", "price": str(n + 1), "valid_from": f"2026-01-{n + 1:02d}"} for n in range(20)]
    assert (await take_in(chain, "prices", prices)).counts == (20, 0, 0)
    assert (await take_in(chain, "prices", prices)).counts == (0, 20, 0)
    levels = [stock(store, f"X{n}", str(n)) for n in range(23) for store in ("S2", "S1")]
    assert (await take_in(chain, "stock", levels)).counts == (46, 0, 0)
    assert (await take_in(chain, "stock", levels)).counts == (0, 46, 0)
    orders = [order(f"T{n % 7}", f"X{n}", "1", "1") for n in range(23)]
    assert (await take_in(chain, "orders", orders)).counts == (23, 0, 0)
    assert (await take_in(chain, "orders", orders)).counts == (0, 23, 0)
    assert await chain.fetchval("SELECT count(*) FROM orders") == 7
    await assert_sound(chain)


async def test_the_connection_serves_others_afterwards(chain: Database) -> None:
    await take_in(chain, "stock", [stock("S1", "P2", "5")])
    names = await chain.fetch("SELECT relname FROM pg_class WHERE relname LIKE 'import\\_%' AND relpersistence = 't'")
    assert names == []
    assert await chain.fetchval("SHOW statement_timeout") == "30s"
