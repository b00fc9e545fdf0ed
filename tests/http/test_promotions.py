"""Promotions in the console: kept version by version, changed by one person at a time, told to every page, and tried."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from duoline.kernel import clock
from duoline.pricing import announce
from duoline.pricing.promotions import book, price_basket
from duoline.pricing.promotions.hours import tell_of_hours
from duoline.pricing.promotions.types import Item, Situation
from duoline.pricing.promotions.where import place_at
from duoline.stores import directory
from tests.http.shelf import NOON, stocked
from tests.http.test_live import connect, leave

if TYPE_CHECKING:
    from tests.http.world import Caller, World

PATH = "/api/console/promotions"
OFF = {"type": "percent_off", "off_bp": 2000}


def wanted(**more: Any) -> dict[str, Any]:
    return {"name": {"zh": "会员日八折", "en": "Members' day, 20% off"}, "effect": OFF} | more


def spend(from_minor: int, off_minor: int, **more: Any) -> dict[str, Any]:
    return {"type": "threshold", "steps": [{"from_minor": from_minor, "off_minor": off_minor}]} | more


async def add(head: Caller, **more: Any) -> dict[str, Any]:
    made = await head.post(PATH, {"promotion": wanted(**more), "reason": "会员日"})
    assert made.status_code == 201, made.text
    return dict(made.json()["promotion"])


async def refused(answer: Any, status: int, code: str) -> dict[str, Any]:
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    return dict(answer.json())


async def left_of(world: World, sku: str, minor: int = 19900) -> int:
    """What an article costs in S1, by the promotions that this process has in memory."""
    row = await world.db.fetchrow(
        "SELECT d.id, d.category_id, d.brand_id FROM skus s JOIN products d ON d.id = s.product_id WHERE s.id = $1",
        UUID(sku),
    )
    assert row is not None
    now = clock.now()
    chain = directory.current()
    place = place_at(chain, chain.coded("S1"), now)
    item = Item("0", UUID(sku), row["id"], row["category_id"], row["brand_id"], 1, minor, "pickup", place)
    return price_basket(book.current(), [item], Situation(now, "mall")).nets[0]


# --- a life ----------------------------------------------------------------------------------------


async def test_a_promotion_is_added_changed_and_ended_and_every_version_stays(world: World, shelf: str) -> None:
    head = world.staff("hq")
    made = await add(head, of={"categories": ["CMILK"]}, when={"stores": ["S1", "S3"], "methods": ["pickup"]})
    assert (made["version"], made["state"], made["kind"], made["by"]) == (1, "live", "percent_off", "hq")
    assert made["of"]["categories"] == [{"code": "CMILK", "name": {"zh": "奶粉", "en": "Milk"}}]
    assert [store["code"] for store in made["when"]["stores"]] == ["S1", "S3"]
    assert await left_of(world, shelf) == 15920

    better = {"promotion": wanted(effect=OFF | {"off_bp": 5000}), "version": 1, "reason": "更大力度"}
    changed = await head.put(f"{PATH}/{made['id']}", better)
    assert changed.status_code == 200, changed.text
    assert (changed.json()["promotion"]["version"], await left_of(world, shelf)) == (2, 9950)

    ended = await head.post(f"{PATH}/{made['id']}/end", {"version": 2, "reason": "卖完了"})
    assert (ended.status_code, ended.json()["promotion"]["state"]) == (200, "over")
    assert await left_of(world, shelf) == 19900
    case = (await head.get(f"{PATH}/{made['id']}")).json()
    assert [(one["version"], one["effect"]["off_bp"], one["reason"]) for one in case["versions"]] == [
        (3, 5000, "卖完了"), (2, 5000, "更大力度"), (1, 2000, "会员日"),
    ]  # fmt: skip
    assert case["promotion"] == case["versions"][0]
    await refused(await head.put(f"{PATH}/{made['id']}", better | {"version": 3}), 409, "pricing.promotion-over")
    await refused(
        await head.post(f"{PATH}/{made['id']}/end", {"version": 3, "reason": "x"}), 409, "pricing.promotion-over"
    )

    trail = await world.db.fetch(
        "SELECT action, before, after, reason FROM audit_log WHERE subject = $1 ORDER BY at, id", made["id"]
    )
    assert [row["action"] for row in trail] == ["promotion.added", "promotion.changed", "promotion.end"]
    assert [row["before"] and row["before"]["version"] for row in trail] == [None, 1, 2]
    assert trail[1]["after"]["effect"]["off_bp"] == 5000


async def test_one_that_has_not_begun_never_will_when_it_is_ended(world: World, shelf: str) -> None:
    head, soon = world.staff("hq"), clock.now() + timedelta(days=1)
    made = await add(head, from_at=soon.isoformat())
    assert made["state"] == "coming"
    ended = (await head.post(f"{PATH}/{made['id']}/end", {"version": 1, "reason": "不做了"})).json()["promotion"]
    assert (ended["state"], ended["from_at"]) == ("over", ended["until_at"])
    with clock.shifted(timedelta(days=2)):
        await book.refresh(world.db)
        assert await left_of(world, shelf) == 19900


async def test_of_two_who_change_it_at_once_the_second_is_told(world: World) -> None:
    head = world.staff("hq")
    made = await add(head)
    ways = [{"promotion": wanted(effect=OFF | {"off_bp": bp}), "version": 1, "reason": "快"} for bp in (1000, 3000)]
    answers = await asyncio.gather(*(head.put(f"{PATH}/{made['id']}", way) for way in ways))
    assert sorted(answer.status_code for answer in answers) == [200, 409]
    await refused(next(each for each in answers if each.status_code == 409), 409, "pricing.promotion-changed")
    assert len((await head.get(f"{PATH}/{made['id']}")).json()["versions"]) == 2
    again = await head.post(f"{PATH}/{made['id']}/end", {"version": 1, "reason": "x"})
    assert (await refused(again, 409, "pricing.promotion-changed"))["version"] == 2


async def test_the_same_request_twice_is_one_promotion(world: World) -> None:
    head, body = world.staff("hq"), {"promotion": wanted(), "reason": "x"}
    first, second = [await head.post(PATH, body, key="one-promotion") for _ in range(2)]
    assert first.content == second.content
    assert (await head.get(PATH)).json()["total"] == 1


# --- what may be kept ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"of": {"skus": ["NONE"]}}, "of.skus"),
        ({"without": {"brands": ["NONE"]}}, "without.brands"),
        ({"when": {"stores": ["S1", "NONE"]}}, "when.stores"),
        ({"when": {"regions": ["NONE"]}}, "when.regions"),
        ({"effect": {"type": "buy_get", "buy_units": 1, "get": {"products": ["NONE"]}}}, "effect.get.products"),
        ({"until_at": "2020-01-01T00:00:00Z", "from_at": "2019-01-01T00:00:00Z"}, "until_at"),
        ({"effect": OFF | {"off_bp": 0}}, "promotion.effect.off_bp"),
        ({"effect": {"type": "free_lunch"}}, "promotion.effect.type"),
        ({"effect": spend(100, 200) | {"steps": []}}, "promotion.effect.steps"),
    ],
)
async def test_what_cannot_be_kept_is_refused_by_field(world: World, wrong: dict[str, Any], field: str) -> None:
    head = world.staff("hq")
    answer = await head.post(PATH, {"promotion": wanted(**wrong), "reason": ""})
    body = await refused(answer, 422, "kernel.bad-input")
    assert field in [problem["field"] for problem in body["problems"]], body
    assert all(problem["reason"] for problem in body["problems"])
    assert (await head.get(PATH)).json()["total"] == 0


async def test_rules_between_fields_are_told_too(world: World) -> None:
    head = world.staff("hq")
    steps = [{"from_minor": 30000, "off_minor": 5000}, {"from_minor": 20000, "off_minor": 9000}]
    answer = await head.post(PATH, {"promotion": wanted(effect={"type": "threshold", "steps": steps}), "reason": ""})
    body = await refused(answer, 422, "kernel.bad-input")
    assert body["problems"][0]["field"].startswith("effect.steps")


async def test_who_may_read_and_who_may_write(world: World) -> None:
    made = await add(world.staff("hq"))
    change = {"promotion": wanted(), "version": 1, "reason": "x"}
    for login in ("north", "franchisee_a", "manager1", "clerk1"):
        caller = world.staff(login)
        assert (await caller.get(PATH)).json()["total"] == 1
        assert (await caller.get(f"{PATH}/{made['id']}")).status_code == 200
        assert (await caller.post(f"{PATH}/preview", {"promotion": wanted()})).status_code == 200
        for answer in (
            await caller.post(PATH, {"promotion": wanted(), "reason": "x"}),
            await caller.put(f"{PATH}/{made['id']}", change),
            await caller.post(f"{PATH}/{made['id']}/end", {"version": 1, "reason": "x"}),
        ):
            await refused(answer, 403, "kernel.forbidden")
    assert (await world.staff("hq").get(f"{PATH}/00000000-0000-7000-8000-000000000000")).status_code == 404


# --- lists -----------------------------------------------------------------------------------------


async def test_the_list_knows_states_kinds_and_words_a_page_at_a_time(world: World) -> None:
    head, now = world.staff("hq"), clock.now()
    day = timedelta(days=1)
    live = await add(head, from_at=(now - day).isoformat())
    coming = await add(head, name={"zh": "满减", "en": ""}, from_at=(now + day).isoformat(), effect=spend(30000, 5000))
    over = await add(head, from_at=(now - 3 * day).isoformat())
    assert (await head.post(f"{PATH}/{over['id']}/end", {"version": 1, "reason": "x"})).status_code == 200
    assert coming["name"] == {"zh": "满减", "en": "满减"}

    async def ids(**query: str) -> list[str]:
        found = (await head.get(PATH, params=query)).json()
        assert found["total"] == len(found["items"])
        return [one["id"] for one in found["items"]]

    assert await ids() == [coming["id"], live["id"], over["id"]]
    assert await ids(which="live") == [live["id"]]
    assert await ids(which="coming") == [coming["id"]]
    assert await ids(which="over") == [over["id"]]
    assert await ids(kind="threshold") == [coming["id"]]
    assert await ids(q="MEMBERS") == [live["id"], over["id"]]
    assert await ids(q="没有") == []
    first = (await head.get(PATH, params={"limit": "2"})).json()
    rest = (await head.get(PATH, params={"limit": "2", "cursor": first["next"]})).json()
    assert ([one["id"] for one in rest["items"]], rest["next"]) == ([over["id"]], None)

    bars = await head.get(
        f"{PATH}/calendar", params={"from": (now + 2 * day).isoformat(), "until": (now + 9 * day).isoformat()}
    )
    assert [bar["id"] for bar in bars.json()["items"]] == [live["id"], coming["id"]]
    wrong = await head.get(f"{PATH}/calendar", params={"from": now.isoformat(), "until": now.isoformat()})
    await refused(wrong, 422, "kernel.bad-input")


# --- open pages ------------------------------------------------------------------------------------


async def test_every_page_asks_anew_when_a_promotion_is_set_begins_and_ends(world: World) -> None:
    head, now = world.staff("hq"), clock.now().replace(microsecond=0)
    page = await connect(world, world.anonymous(), "/api/mall/prices/events")
    begins, ends = now + timedelta(hours=1), now + timedelta(hours=2)
    await add(head, from_at=begins.isoformat(), until_at=ends.isoformat())
    await world.relay()
    assert [json.loads(frame["data"]) for frame in await page.frames(1)] == [{"sku_id": None}]
    waiting = await world.db.fetch(
        "SELECT execute_after FROM pgqueuer.pgqueuer WHERE entrypoint = $1 ORDER BY 1", announce.JOB
    )
    assert [row["execute_after"] for row in waiting] == [begins, ends]
    assert await world.work(announce.JOB) == 2
    await world.relay()
    assert [json.loads(frame["data"]) for frame in await page.frames(2)] == 2 * [{"sku_id": None}]
    await leave(page)


async def test_every_page_asks_anew_at_the_hour(world: World) -> None:
    head, told = world.staff("hq"), "SELECT count(*) FROM local_outbox WHERE topic = $1"
    await add(head, when={"weekdays": [2], "from_minute": 840, "until_minute": 960}, from_at="2026-01-01T00:00:00Z")
    before = await world.db.fetchval(told, announce.TOPIC)
    tuesday = NOON - timedelta(days=1)
    for at, said in (
        (NOON, 0), (NOON + timedelta(hours=2), 1), (NOON + timedelta(hours=2, minutes=1), 1), (NOON + timedelta(hours=4), 2),
        (tuesday + timedelta(hours=2), 2),
    ):  # fmt: skip
        with clock.frozen(at):
            await tell_of_hours(world.db)
        assert await world.db.fetchval(told, announce.TOPIC) == before + said


# --- trying ----------------------------------------------------------------------------------------


async def trial(who: Caller, *lines: tuple[str, int], **more: Any) -> dict[str, Any]:
    body = {"lines": [{"sku_code": code, "quantity": n} for code, n in lines], "store": "S1"} | more
    answer = await who.post(f"{PATH}/trial", body)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def test_a_basket_is_priced_under_what_is_in_force_and_under_a_draft(world: World, shelf: str) -> None:
    head = world.staff("hq")
    await stocked(world, "TOY", 5000, {"S1": 5})
    await add(head, of={"products": ["MILK"]})
    draft = wanted(name={"zh": "满 300 减 50", "en": "50 off 300"}, effect=spend(30000, 5000), priority=200)
    plain = await trial(head, ("MILK-1", 2), ("TOY-1", 1))
    assert (plain["gross"]["minor"], plain["discount"]["minor"], plain["total"]["minor"]) == (44800, 7960, 36840)
    assert [line["net"]["minor"] for line in plain["lines"]] == [31840, 5000]

    tried = await trial(head, ("MILK-1", 2), ("TOY-1", 1), draft=draft)
    assert tried["total"]["minor"] == 31840
    assert [(each["offer"]["name"]["en"], each["offer"]["draft"], each["amount"]["minor"]) for each in tried["applied"]] == [
        ("Members' day, 20% off", False, 7960), ("50 off 300", True, 5000),
    ]  # fmt: skip
    for line in tried["lines"]:
        assert (
            line["gross"]["minor"] - sum(share["amount"]["minor"] for share in line["shares"]) == line["net"]["minor"]
        )

    little = await trial(head, ("MILK-1", 1), draft=draft)
    assert [(hint["offer"]["draft"], hint["missing"]["minor"]) for hint in little["hints"]] == [(True, 14080)]
    assert little["left_out"][0]["why"]["zh"].startswith("还差")
    assert (await head.get(PATH)).json()["total"] == 1


async def test_a_draft_that_begins_at_once_counts_at_once(world: World) -> None:
    await stocked(world, "MILK", 19900, {"S1": 5})  # by a clock that runs
    found = await trial(world.staff("hq"), ("MILK-1", 1), draft=wanted())
    assert found["total"]["minor"] == 15920


async def test_why_a_promotion_did_not_count(world: World, shelf: str) -> None:
    head = world.staff("hq")
    await add(head, name={"zh": "甲", "en": "A"}, group="g", effect=OFF | {"off_bp": 3000})
    await add(head, name={"zh": "乙", "en": "B"}, group="g")
    await add(head, name={"zh": "丙", "en": "C"}, when={"stores": ["S2"]})
    await add(head, name={"zh": "丁", "en": "D"}, when={"channels": ["till"]})
    await add(head, name={"zh": "戊", "en": "E"}, effect={"type": "fixed_price", "price_minor": 90000})
    await add(head, name={"zh": "己", "en": "F"}, exclusive=True, effect=OFF | {"off_bp": 100})
    await add(head, name={"zh": "庚", "en": "G"}, of={"skus": ["MILK-1"]}, when={"first_order": True})
    found = await trial(head, ("MILK-1", 1))
    assert [each["offer"]["name"]["en"] for each in found["applied"]] == ["A"]
    why = {each["offer"]["name"]["en"]: each["why"]["en"] for each in found["left_out"]}
    assert why == {
        "B": "Not beside A: of the group g only one counts.",
        "C": "It does not count at this shop.",
        "D": "It does not count in this channel.",
        "E": "These articles cost no more than that already.",
        "F": "It is exclusive, and A together take off more.",
        "G": "It counts for a first order only.",
    }
    sent = await trial(head, ("MILK-1", 1), method="delivery", store=None, first_order=True, channel="till")
    assert {"D", "G"} <= {each["offer"]["name"]["en"] for each in sent["applied"]}


async def test_a_delivery_and_what_frees_it(world: World, shelf: str) -> None:
    head = world.staff("hq")
    await stocked(world, "WIPE", 3000, {"D1": 50})
    fee = await trial(head, ("WIPE-1", 2), method="delivery", store=None)
    assert (fee["delivery_fee"]["minor"], fee["total"]["minor"]) == (800, 6800)
    await add(
        head, name={"zh": "满 50 包邮", "en": "Free from 50"}, effect={"type": "free_delivery", "from_minor": 5000}
    )
    free = await trial(head, ("WIPE-1", 2), method="delivery", store=None)
    assert (free["delivery_fee"]["minor"], free["free_delivery"]["name"]["en"]) == (0, "Free from 50")
    assert (await trial(head, ("WIPE-1", 2)))["delivery_fee"] is None


async def test_what_cannot_be_tried_is_refused(world: World, shelf: str) -> None:
    head = world.staff("hq")
    for body, field in (
        ({"lines": [{"sku_code": "NONE", "quantity": 1}], "store": "S1"}, "lines.0.sku_code"),
        ({"lines": [{"sku_code": "MILK-1", "quantity": 1}]}, "store"),
        (
            {"lines": [{"sku_code": "MILK-1", "quantity": 1}], "store": "S1", "draft": wanted(of={"skus": ["NO"]})},
            "of.skus",
        ),
        ({"lines": [], "store": "S1"}, "lines"),
    ):
        problems = (await refused(await head.post(f"{PATH}/trial", body), 422, "kernel.bad-input"))["problems"]
        assert [problem["field"] for problem in problems] == [field]
    other = {"lines": [{"sku_code": "MILK-1", "quantity": 1}], "store": "S1"}
    assert (await world.staff("franchisee_b").post(f"{PATH}/trial", other)).status_code == 404


async def test_a_draft_is_shown_what_it_meets(world: World, shelf: str) -> None:
    head, now = world.staff("hq"), clock.now()
    await stocked(world, "TOY", 5000, {"S1": 5})
    a = await add(head, name={"zh": "甲", "en": "A"})
    b = await add(head, name={"zh": "乙", "en": "B"}, group="g", of={"categories": ["CTOY"]})
    c = await add(head, name={"zh": "丙", "en": "C"}, exclusive=True, when={"regions": ["south"]})
    await add(head, name={"zh": "丁", "en": "D"}, from_at=(now + timedelta(days=9)).isoformat())
    await add(head, name={"zh": "戊", "en": "E"}, when={"methods": ["delivery"]})
    draft = wanted(group="g", until_at=(now + timedelta(days=5)).isoformat(), when={"stores": ["S1"]})

    async def met(**more: Any) -> tuple[int, list[tuple[str, str, int]]]:
        answer = await head.post(f"{PATH}/preview", {"promotion": draft | more})
        assert answer.status_code == 200, answer.text
        found = answer.json()
        return found["articles"], [(one["id"], one["relation"], one["shared"]) for one in found["overlaps"]]

    assert await met() == (2, [(b["id"], "competes", 1), (a["id"], "adds_up", 2)])
    assert await met(when={"stores": ["S2"]}) == (
        2,
        [(c["id"], "excludes", 2), (b["id"], "competes", 1), (a["id"], "adds_up", 2)],
    )
    assert await met(of={"skus": ["MILK-1"]}) == (1, [(a["id"], "adds_up", 1)])
    assert await met(without={"products": ["MILK"]}, group="") == (
        1,
        [(a["id"], "adds_up", 1), (b["id"], "adds_up", 1)],
    )
    wrong = (await head.post(f"{PATH}/preview", {"promotion": draft | {"of": {"skus": ["NO"]}}})).json()
    assert wrong["problems"] == [{"field": "of.skus", "reason": {"zh": "没有这样的编码:NO。", "en": "There is no NO."}}]
