"""A small demo chain in a real database: sound, complete, and the same when loaded again."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from duoline import attribution
from duoline.entry.check import findings
from duoline.entry.demo import offers, presale
from duoline.entry.demo.catalogue import LEAVES, PARENTS
from duoline.entry.demo.load import UNFINISHED, load
from duoline.entry.demo.people import PASSWORD
from duoline.entry.demo.size import Size
from duoline.flows import judge_tiers
from duoline.kernel import clock
from duoline.kernel.config import from_environment
from duoline.kernel.ids import new_id
from duoline.pricing.promotions import book, problems_of
from duoline.pricing.promotions.types import Bundle, BuyGet, EveryNth, FixedPrice, FreeDelivery, PercentOff, Threshold
from duoline.pricing.promotions.where import Article, touches
from duoline.stores import passwords

if TYPE_CHECKING:
    from pathlib import Path

    from duoline.kernel.config import Settings
    from duoline.kernel.db import Database

NOW = datetime(2026, 11, 21, 6, tzinfo=UTC)
SIZE = Size(stores=4, regions=2, skus=80, members=30, days=1, now=NOW)


def settings_in(home: Path) -> Settings:
    return replace(from_environment({"DUOLINE_HOME": str(home)}), home=home)


async def counts(db: Database) -> dict[str, int]:
    names = [
        "stores",
        "companies",
        "regions",
        "products",
        "skus",
        "barcodes",
        "prices",
        "levels",
        "movements",
        "members",
    ]
    names += [
        "orders",
        "order_lines",
        "staff",
        "staff_grants",
        "media",
        "product_media",
        "product_docs",
        "search_words",
        "promise_days",
        "touchpoints",
        "scans",
        "order_touches",
        "bindings",
        "accruals",
        "statements",
    ]
    return {name: await db.fetchval(f"SELECT count(*) FROM {name}") for name in names}


async def test_a_chain_in_a_database(db: Database, tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    kinds: list[str] = []
    await load(db, settings, SIZE, report=lambda kind, _: kinds.append(kind))
    assert list(dict.fromkeys(kinds)) == ["stores", "products", "prices", "stock", "members", "orders"]
    assert not (tmp_path / UNFINISHED).exists()
    found = await counts(db)
    assert (found["stores"], found["skus"], found["barcodes"], found["members"] >= 30) == (5, 80, 80, True)
    assert found["movements"] > found["levels"] > 100
    assert min(found["orders"], found["search_words"], found["product_media"], found["promise_days"]) > 10
    assert found["product_docs"] == found["products"]
    assert min(found["scans"], found["order_touches"], found["bindings"]) > 5
    assert min(found["accruals"], found["statements"]) > 5
    states = {row["state"] for row in await db.fetch("SELECT DISTINCT state FROM statements WHERE month = '2026-10'")}
    assert {"closed", "approved"} <= states
    tiers = {row["tier"] for row in await db.fetch("SELECT DISTINCT tier FROM members WHERE kind = 'member'")}
    assert len(tiers) > 1  # as what they bought has it
    hung = {row["kind"] for row in await db.fetch("SELECT DISTINCT kind FROM touchpoints")}
    assert hung == set(attribution.KINDS)
    assert [(each.id, each.rows[:2]) for each in await findings(db) if each.rows] == []

    assert await db.fetchval("SELECT count(*) FROM product_docs WHERE card NOT LIKE '%/media/%'") == 0
    assert await db.fetchval("SELECT count(*) FROM categories WHERE image_sha IS NULL") == 0
    sha = await db.fetchval("SELECT sha FROM media LIMIT 1")
    assert (settings.media_dir / sha[:2] / sha[2:4] / sha).read_bytes()[:4] == b"RIFF"

    stored = await db.fetchval("SELECT password_hash FROM staff WHERE login = 'hq'")
    assert await passwords.fits(PASSWORD, stored)

    # The first look is what the night would say: nobody would go up or down.
    assert await judge_tiers.judge_all(db) == 0

    before = await db.fetch("SELECT md5(p::text) FROM products p ORDER BY 1")
    await load(db, settings, SIZE)
    assert await counts(db) == found
    assert await db.fetch("SELECT md5(p::text) FROM products p ORDER BY 1") == before

    # Promotions are for those who ask for them: most tests count on prices.
    assert await db.fetchval("SELECT count(*) FROM promotions") == 0
    with clock.frozen(NOW):
        for _ in range(2):
            await offers.add_promotions(db, SIZE)
            await presale.add_presale(db, SIZE)
    [planned] = await db.fetch("SELECT price_minor, deposit_minor, sku_id FROM presales")
    assert 0 < planned["deposit_minor"] * 5 <= planned["price_minor"]
    held = await book.read(db, at=NOW)
    assert len(held) == await db.fetchval("SELECT count(*) FROM promotions") == 11
    below = await book.branches(db)
    articles = await db.fetch(
        """SELECT s.id, d.id, d.category_id, d.brand_id, c.code FROM skus s JOIN products d ON d.id = s.product_id
           JOIN categories c ON c.id = d.category_id"""
    )
    reached: dict[str, int] = {}
    for *article, category in articles:
        reached[category] = reached.get(category, 0) + sum(touches(each, Article(*article), below) for each in held)
    assert (
        {category for category, number in reached.items() if not number}
        == reached.keys() & set(offers.FORMULA)
        != set()
    )
    assert [(each.id, each.rows[:2]) for each in await findings(db) if each.rows] == []


def test_a_chain_with_every_category_has_promotions_of_every_kind() -> None:
    codes = [*(code for code, _ in PARENTS), *(leaf.code for leaf in LEAVES)]
    made = offers.promotions(SIZE, {code: new_id() for code in codes})
    assert len(made) == 11
    kinds = {type(each.effect) for each in made}
    assert kinds == {PercentOff, FixedPrice, Threshold, EveryNth, BuyGet, Bundle, FreeDelivery}
    assert [fault for each in made for fault in problems_of(each)] == []
    assert sum(each.from_at <= NOW for each in made) == 10


async def test_a_chain_that_was_cut_short_is_completed(db: Database, tmp_path: Path) -> None:
    def stop(kind: str, _: object) -> None:
        if kind == "stock":
            raise KeyboardInterrupt

    settings = settings_in(tmp_path)
    try:
        await load(db, settings, SIZE, report=stop)
    except KeyboardInterrupt:
        assert (tmp_path / UNFINISHED).exists()
    assert await db.fetchval("SELECT count(*) FROM levels") == 0
    await load(db, settings, SIZE)
    assert not (tmp_path / UNFINISHED).exists()
    assert [(each.id, each.rows[:2]) for each in await findings(db) if each.rows] == []
