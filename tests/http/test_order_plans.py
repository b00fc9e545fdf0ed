"""With 200,000 orders, whatever staff look for is found by an index: nobody reads the whole table for one order."""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import asyncpg
import pytest

from duoline.channels.clerk import queue
from duoline.channels.console import members, order_case, today
from duoline.channels.console import orders as console
from duoline.flows import remind, returnable
from duoline.fulfilment.became import PAST

if TYPE_CHECKING:
    from collections.abc import Iterator

    from duoline.kernel.db import Database

ORDERS, STORES = 200_000, 500

FILL = f"""
INSERT INTO companies VALUES ('00000000-0000-0000-0000-00000000000c', 'HQ', 'x', 'x', 'headquarters');
INSERT INTO regions (id, code, name_zh, name_en) VALUES ('00000000-0000-0000-0000-00000000000c', 'R', 'x', 'x');
INSERT INTO stores (id, code, kind, company_id, region_id, name_zh, name_en, address_zh, address_en, province, city, phone,
                    lat, lon, hours, pickup, ship, returns, pick_capacity_hour, pickup_lead_min, updated_at)
SELECT md5('store' || n)::uuid, 'S' || n, 'store', '00000000-0000-0000-0000-00000000000c',
       '00000000-0000-0000-0000-00000000000c', 'x', 'x', '', '', '', '', '', 30, 120, '[[],[],[],[],[],[],[]]', true, true,
       true, 20, 30, now() FROM generate_series(0, {STORES - 1}) n;
INSERT INTO orders (member_id, id, order_no, channel, state, pay_mode, currency, subtotal_minor, delivery_fee_minor,
                    discount_minor, total_minor, contact_name, contact_phone, location_ids, store_id, priced_at, placed_at)
SELECT md5('member' || n / 3)::uuid, md5('order' || n)::uuid, '2611' || lpad((n % 30)::text, 2, '0') || '-'
           || CASE WHEN n % 7 = 0 THEN left(md5(n::text), 8) ELSE upper(left(md5(n::text), 8)) END,
       CASE WHEN n % 2 = 0 THEN 'till' ELSE 'mall' END,
       CASE WHEN n % 200 = 0 THEN 'confirmed' ELSE 'completed' END, 'online', 'CNY', 1, 0, 0, 1,
       substr('王李张刘陈杨赵黄周吴', 1 + n % 10, 1) || substr('伟芳娜敏静丽强磊军洋勇', 1 + n / 10 % 11, 1)
           || substr('一二三四五六七八九十', 1 + n / 110 % 10, 1),
       '+861' || lpad((n::bigint * 7919 % 10000000000)::text, 10, '0'), ARRAY[md5('store' || n % {STORES})::uuid],
       CASE WHEN n % 2 = 0 THEN md5('store' || n % {STORES})::uuid END, now(), now() - n * interval '10 s'
FROM generate_series(0, {ORDERS - 1}) n;
INSERT INTO locations (id, kind, store_id) SELECT id, 'store', id FROM stores;
INSERT INTO fulfilments (location_id, id, member_id, order_id, order_no, kind, state, pay_mode, paid, contact_name,
                         contact_phone, promise_at, plain_at, placed_at, work_at, ready_at, done_at)
SELECT o.location_ids[1], md5('job' || o.id)::uuid, o.member_id, o.id, o.order_no, 'pickup',
       CASE WHEN o.state = 'confirmed' THEN 'to_pick' ELSE 'handed_over' END, 'online', true, o.contact_name,
       o.contact_phone, o.placed_at, o.placed_at, o.placed_at, o.placed_at, o.placed_at, CASE WHEN o.state <> 'confirmed' THEN o.placed_at END FROM orders o WHERE o.placed_at > now() - interval '6 days';
INSERT INTO audit_log (id, at, actor_kind, actor_id, actor_name, action, subject_kind, subject, reason)
SELECT md5('line' || n)::uuid, now(), 'system', md5('x')::uuid, '', 'stock.import', 'sku', md5(n::text), ''
FROM generate_series(0, 49999) n;
"""


def store(n: int) -> UUID:
    return UUID(hashlib.md5(f"store{n}".encode()).hexdigest())  # noqa: S324 - as the database makes it


@pytest.fixture(scope="module")
async def analysed(shared_db: Database, shared_access: Any) -> Database:
    """Filled without its indexes, which are made afterwards: that takes a third of the time."""
    owner = await asyncpg.connect(shared_access.owner_dsn)
    indexes = await owner.fetch(
        """SELECT i.indexname, i.indexdef FROM pg_indexes i LEFT JOIN pg_constraint c ON c.conname = i.indexname
           WHERE i.tablename IN ('orders', 'fulfilments', 'audit_log') AND c.oid IS NULL"""
    )
    for row in indexes:
        await owner.execute(f"DROP INDEX {row['indexname']}")
    await owner.execute(FILL)
    for row in indexes:
        await owner.execute(row["indexdef"])
    await owner.execute("VACUUM ANALYZE orders, fulfilments, audit_log, stores, refunds")
    await owner.close()
    return shared_db


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", []):
        yield from nodes(child)


async def plan(db: Database, sql: str, *values: Any, generic: bool = False) -> tuple[set[str], set[str]]:
    """The tables that would be read from end to end, and the indexes that are used."""
    async with db.begin() as tx:
        if not generic:
            await tx.execute("SET LOCAL plan_cache_mode = force_custom_plan")
        found = json.loads(await tx.fetchval(f"EXPLAIN (FORMAT JSON) {sql}", *values))
    every = list(nodes(found[0]["Plan"]))
    scanned = {node["Relation Name"] for node in every if node["Node Type"] == "Seq Scan"}
    # Empty here; what waits for a person is few rows anywhere.
    return scanned - {"refunds", "order_lines", "fulfilment_lines", "levels", "captures", "frozen_orders"}, {
        node["Index Name"] for node in every if "Index Name" in node
    }


async def listed(db: Database, monkeypatch: pytest.MonkeyPatch, *, scope: list[UUID] | None = None, **wanted: Any):
    """The plan of a page of the console's list, made by the console's own code."""

    class Scope:
        sql = (scope is None, scope or [])

    class Shop:
        id = store(7)

    class Person:
        grants = ()

        def scope(self, _permission):
            return Scope

        def store(self, _code, _permission):
            return Shop

    said = []

    async def remember(sql, *values):
        said.append((sql, values))
        return []

    monkeypatch.setattr(db, "fetch_filtered", remember)
    options = {"q": "", "state": "", "channel": "", "store": None, "since": None, "until": None, "sort": "-placed_at"}
    await console._rows(db, Person(), None, limit=51, cursor=None, **(options | wanted))  # type: ignore[arg-type]
    ((sql, values),) = said
    return await plan(db, sql, *values)


@pytest.mark.parametrize("q", ["261107-0B5A", "87654321", "+86 100 0123 456", "王芳", "王", "王芳一", "张娜三"])
@pytest.mark.parametrize("shops", [None, 1])
async def test_an_order_is_found_by_what_is_known_of_it(
    analysed: Database, monkeypatch: pytest.MonkeyPatch, q: str, shops: int | None
):
    scanned, used = await listed(analysed, monkeypatch, q=q, scope=[store(1)] if shops else None)
    assert scanned == set()
    if len(q) > console.SHORT_NAME:
        # What fits many orders is found soonest by going through the newest; of a name the sample that the statistics were
        # taken from decides whether it does.
        either = set() if q.isascii() else {"orders_placed_ix"}
        assert used & ({"orders_number_any_ix", "orders_phone_ix", "orders_name_ix", "orders_places_ix"} | either)


async def test_the_list_of_one_shop(analysed: Database, monkeypatch: pytest.MonkeyPatch):
    """By time it may go through the newest orders of all; in any other order it reads that shop's and no others."""
    assert (await listed(analysed, monkeypatch, scope=[store(1)]))[0] == set()
    assert (await listed(analysed, monkeypatch, store="S7"))[0] == set()
    for scanned, used in (
        await listed(analysed, monkeypatch, scope=[store(1)], sort="-total"),
        await listed(analysed, monkeypatch, store="S7", state="completed", sort="total"),
    ):
        assert scanned == set()
        assert {"orders_places_ix", "orders_store_ix"} <= used


async def test_the_list_of_the_chain(analysed: Database, monkeypatch: pytest.MonkeyPatch):
    scanned, used = await listed(analysed, monkeypatch)
    assert (scanned, "orders_placed_ix" in used) == (set(), True)


async def test_a_scan_would_be_seen(analysed: Database):
    assert (await plan(analysed, "SELECT count(*) FROM orders WHERE note = 'x'"))[0] == {"orders"}


async def test_an_order_and_a_fulfilment_by_id_alone(analysed: Database):
    """By those who may see everything, and by a shop: one plan for both, as the application makes it."""
    order = "SELECT member_id FROM orders WHERE id = $1 AND ($2 OR location_ids && $3 OR store_id = ANY ($3))"
    assert order in _source(order_case), "the statement of the console"
    assert await plan(analysed, order, UUID(int=1), True, [], generic=True) == (set(), {"orders_id_ix"})
    job = "SELECT location_id FROM fulfilments WHERE id = $1 AND ($2 OR location_id = ANY ($3))"
    assert job in _source(queue)
    scanned, used = await plan(analysed, job, UUID(int=1), True, [], generic=True)
    assert (scanned, used) == (set(), {"fulfilments_id_ix"})


def _source(module: Any) -> str:
    with open(module.__file__, encoding="utf-8") as file:
        return file.read()


async def test_today_reads_what_is_open_not_what_is_past(analysed: Database):
    scanned, used = await plan(analysed, today._ASKED, True, [])
    assert scanned == set()
    assert "orders_open_ix" in used


async def test_done_work_of_a_shop_stays_in_that_shop(analysed: Database):
    sql = """SELECT f.id FROM fulfilments f WHERE f.location_id = $1 AND f.state = ANY ($2) AND f.done_at IS NOT NULL
             AND (f.order_no ILIKE '%' || $3 || '%' OR f.contact_name ILIKE '%' || $3 || '%')
             ORDER BY f.done_at DESC, f.id DESC LIMIT 31"""
    scanned, used = await plan(analysed, sql, store(1), list(queue.TABS["done"]), "王芳一")
    assert scanned == set()
    assert used == {"fulfilments_done_ix"}


async def test_the_audit_of_one_order(analysed: Database):
    sql = """SELECT a.at FROM (SELECT 'order' AS kind, $1::text AS subject
                               UNION ALL SELECT 'refund', r.id::text FROM refunds r WHERE r.member_id = $2 AND r.order_id = $3) s
             JOIN audit_log a ON a.subject_kind = s.kind AND a.subject = s.subject"""
    scanned, used = await plan(analysed, sql, "261107-0", UUID(int=1), UUID(int=2), generic=True)
    assert scanned == set()
    assert "audit_log_subject_ix" in used


async def test_members_of_a_shop_are_found_by_its_orders_and_not_asked_one_by_one(analysed: Database):
    """With half a million members, asking of each whether they bought there took the count of one shop 36 seconds."""
    shop, filters = (False, [store(1)]), (None, None, None, "", False)
    for sql, page in ((members._ROWS[False], (None, 51)), (members._TOTAL[False], ())):
        async with analysed.begin() as tx:
            await tx.execute("SET LOCAL plan_cache_mode = force_custom_plan")
            found = json.loads(await tx.fetchval(f"EXPLAIN (FORMAT JSON) {sql}", *shop, *filters, *page))
        every = list(nodes(found[0]["Plan"]))
        assert "orders_places_ix" in {node.get("Index Name") for node in every}
        asked = [node for node in every if node.get("Parent Relationship") == "SubPlan"]
        assert [node for each in asked for node in nodes(each) if node.get("Relation Name") == "orders"] == []


async def test_what_is_found_is_right(analysed: Database, monkeypatch: pytest.MonkeyPatch):
    """The three ways to look give the orders that a reading of the whole table gives."""
    for q, sql in (
        ("王芳一", "contact_name LIKE '%王芳一%'"),
        ("芳", "contact_name LIKE '芳%'"),
        ("261107-0a", "upper(order_no) LIKE '261107-0A%'"),
        ("261107-0A", "upper(order_no) LIKE '261107-0A%'"),
        ("3456", "contact_phone LIKE '%3456'"),
        ("%", "false"),
        ("_", "false"),
    ):
        number, phone, name = console.patterns(q)
        found = await analysed.fetch_filtered(
            "SELECT id FROM orders o WHERE upper(o.order_no) LIKE $1 OR reverse(o.contact_phone) LIKE $2::text"
            " OR o.contact_name ILIKE $3::text ORDER BY id", number, phone, name
        )  # fmt: skip
        assert found == await analysed.fetch(f"SELECT id FROM orders WHERE {sql} ORDER BY id"), q


async def test_a_receipt_is_found_by_its_number_whatever_letters_are_typed(analysed: Database):
    """Other systems' numbers have small letters."""
    stored = await analysed.fetchval("SELECT order_no FROM orders WHERE order_no ~ '[a-f]' LIMIT 1")
    scanned, used = await plan(analysed, returnable.BY_NUMBER, stored.upper(), generic=True)
    assert (scanned, used) == (set(), {"orders_number_any_ix"})
    for typed in (stored, stored.upper()):
        found = await analysed.fetchrow(returnable.BY_NUMBER, typed)
        assert found["id"] == await analysed.fetchval("SELECT id FROM orders WHERE order_no = $1", stored)


async def test_what_became_of_the_promises_of_a_location(analysed: Database):
    """Every night, for each location by itself."""
    until = await analysed.fetchval("SELECT now()")
    scanned, used = await plan(analysed, PAST, store(7), until - timedelta(weeks=8), until, generic=True)
    assert (scanned, used) == (set(), {"fulfilments_promised_ix"})


async def test_pickups_whose_time_runs_out(analysed: Database):
    """Once a minute, of the whole chain."""
    until = await analysed.fetchval("SELECT now()")
    scanned, used = await plan(analysed, remind._DUE, until, until + timedelta(hours=24), 200, [])
    assert scanned - {"pickup_reminders"} == set()
    assert "fulfilments_keep_ix" in used
