"""Policies within bounds: every number of every policy has them, what is outside is refused by name, and at both ends
of all of them the shop still trades."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, get_args, get_type_hints

import msgspec
import pytest

from duoline.entry.check import broken
from duoline.flows import expire
from duoline.kernel import clock, policies
from tests.http.shelf import ADDRESS, NOON, line, order, stocked

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.http.world import World


def fields(kind: str) -> dict[str, msgspec.Meta]:
    """The numbers of a policy with their bounds."""
    hints = get_type_hints(policies.kinds[kind].body, include_extras=True)
    numbers = {name: hint for name, hint in hints.items() if get_args(hint) and get_args(hint)[0] is int}
    return {name: next(m for m in get_args(hint)[1:] if isinstance(m, msgspec.Meta)) for name, hint in numbers.items()}


KINDS = sorted(policies.kinds)
NUMBERS = [(kind, name) for kind in KINDS for name in fields(kind)]

# Numbers that are bounded together: what stands beside one of them when it is tried, and all of them at their highest.
_RATES = {"guide_bp": 0, "seller_bp": 0, "referrer_bp": 0, "second_bp": 0}
_PARTS = dict.fromkeys(fields("allocation"), 0)
BESIDE = {
    **{("allocation", name): _PARTS for name in _PARTS},
    **{("commission", name): _RATES for name in _RATES},
    ("commission", "second_bp"): _RATES | {"levels": 2, "referrer_bp": 2_500},
}
HIGHEST = {
    "allocation": _PARTS | {"hand_over_store": 100},
    "commission": _RATES | {"levels": 2, "referrer_bp": 2_500, "second_bp": 2_500},
}


async def signed_off(world: World) -> None:
    """Somebody answers for two levels, which no plan has without."""
    signed = await world.staff("hq").post("/api/console/commission/sign-offs", {"document": "d", "reason": "r"})
    assert signed.status_code == 201, signed.text


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    """What a test decides ends with it."""
    yield
    policies._versions.clear()


async def decide(world: World, kind: str, language: str = "zh", **values: Any) -> Any:
    path = f"/api/console/policies/{kind}"
    headers = {"Accept-Language": language}
    return await world.staff("hq").put(path, {"body": values, "reason": "try"}, headers=headers)


def test_every_field_of_every_policy_is_bounded_and_named() -> None:
    assert len(NUMBERS) >= 17
    for kind in KINDS:
        policy = policies.kinds[kind]
        for name, hint in get_type_hints(policy.body, include_extras=True).items():
            if hint is bool:
                continue
            meta = next((each for each in get_args(hint)[1:] if isinstance(each, msgspec.Meta)), None)
            assert meta is not None, f"{kind}.{name} takes anything"
            bounded = (meta.ge is not None and meta.le is not None) or (meta.min_length is not None and meta.max_length)
            assert meta.pattern or bounded, f"{kind}.{name} has no bounds"
            assert set(meta.extra or {}) == {"zh", "en"}, f"{kind}.{name} has no name"
            assert msgspec.convert(getattr(policy.default, name), hint) == getattr(policy.default, name)


async def test_each_bound_is_the_last_that_is_taken(world: World) -> None:
    await signed_off(world)
    problems = []
    for kind, name in NUMBERS:
        meta = fields(kind)[name]
        assert meta.ge is not None and meta.le is not None  # noqa: PT018 - for the type checker
        for value, status in ((meta.ge, 200), (meta.le, 200), (meta.ge - 1, 422), (meta.le + 1, 422)):
            answer = await decide(world, kind, **(BESIDE.get((kind, name), {}) | {name: value}))
            if answer.status_code != status:
                problems.append(f"{kind}.{name} = {value}: {answer.status_code}")
    assert problems == []


async def test_a_refusal_names_every_field_in_both_languages(world: World) -> None:
    bad = {"by_hour": 24, "cutoff_hour": "noon", "near_km": 100, "keep_hour": 3}
    zh = (await decide(world, "delivery", **bad)).json()["problems"]
    assert zh == [
        {"field": "body.keep_hour", "reason": "没有这个字段。"},
        {"field": "body.cutoff_hour", "reason": "「当天发货截止(点)」要填 0 到 24 的整数。"},
        {"field": "body.by_hour", "reason": "「送达时刻(点)」要填 0 到 23 的整数。"},
    ]
    en = (await decide(world, "delivery", "en", **bad)).json()["problems"]
    assert [each["reason"] for each in en] == [
        "There is no such field.",
        "Same-day cut-off (hour): a whole number, 0 to 24.",
        "Arrives by (hour): a whole number, 0 to 23.",
    ]
    typo = (await decide(world, "pickup", keep_hour=3)).json()["problems"]
    assert [each["field"] for each in typo] == ["body.keep_hour"]
    assert (await decide(world, "delivery_fee", currency="USD")).json()["problems"][0]["field"] == "body.currency"
    assert await world.db.fetchval("SELECT count(*) FROM policies") == 0


@pytest.mark.parametrize("end", ["ge", "le"])
async def test_the_shop_trades_at_both_ends_of_every_bound(world: World, end: str) -> None:
    sku = await stocked(world, "MILK", 19900, {"S1": 5, "D1": 5})
    await signed_off(world)
    with clock.frozen(NOON):
        for kind in KINDS:
            values = {name: getattr(meta, end) for name, meta in fields(kind).items()}
            values |= HIGHEST.get(kind, {}) if end == "le" else {}
            assert (await decide(world, kind, **values)).status_code == 200
        buyer = await world.member("+8613912345678")
        basket = {"lines": [line(sku, store=None), line(sku, store="S1")], "address": ADDRESS}
        quoted = await buyer.post("/api/mall/quotes", basket)
        assert quoted.status_code == 200, quoted.text
        page = await buyer.get("/api/mall/products/MILK", params={"store": "S1"})
        assert page.status_code == 200, page.text
        collected = (await buyer.post("/api/mall/orders", order(line(sku)))).json()
        sent = await buyer.post("/api/mall/orders", order(line(sku, store=None), pay_mode="online", address=ADDRESS))
        assert sent.status_code == 201, sent.text
        job = collected["fulfilments"][0]["id"]
        assert (await world.staff("clerk1").post(f"/api/clerk/fulfilments/{job}/ready", {})).status_code == 200
        # Nothing that was just placed or made ready is let go of at once.
        await expire.expire_unpaid(world.db)
        await expire.release_uncollected(world.db)
        states = [row["state"] for row in await world.db.fetch("SELECT state FROM orders ORDER BY placed_at, id")]
        assert sorted(states) == ["awaiting_payment", "confirmed"]
    with clock.frozen(NOON + timedelta(days=31)):
        await expire.expire_unpaid(world.db)
        await expire.release_uncollected(world.db)
    states = [row["state"] for row in await world.db.fetch("SELECT state FROM orders")]
    assert sorted(states) == ["cancelled", "expired"]
    assert await broken(world.db) == []


async def test_what_spans_fields_is_refused_by_field_too(world: World) -> None:
    tiers = [
        {"code": code, "name": {"zh": code, "en": code}, "from_minor": start}
        for code, start in (("member", 5), ("gold", 5), ("gold", 9))
    ]
    answer = await decide(world, "tiers", tiers=tiers)
    assert answer.status_code == 422
    assert [each["field"] for each in answer.json()["problems"]] == [
        "body.tiers.0.from_minor",
        "body.tiers.1.from_minor",
        "body.tiers.2.code",
    ]
    assert await world.db.fetchval("SELECT count(*) FROM policies") == 0


async def test_a_campaign_begins_and_ends_at_instants_that_have_a_zone(world: World) -> None:
    """One without was compared with no order's instant: every order placed since earned nothing, and was told again
    and again."""
    times = {"from_at": "2026-11-01T00:00:00", "until_at": "2026-11-12T00:00:00"}
    campaign = {"name": {"zh": "双倍", "en": "Double"}, "percent": 200}
    for with_zone in ((), ("from_at",), ("until_at",)):
        body = campaign | {name: at + "+08:00" * (name in with_zone) for name, at in times.items()}
        answer = await decide(world, "points", campaigns=[body])
        assert (answer.status_code, answer.json().get("code")) == (422, "kernel.bad-input"), with_zone
        assert [each["field"] for each in answer.json()["problems"]] == ["body.campaigns"]
    assert await world.db.fetchval("SELECT count(*) FROM policies") == 0
    whole = campaign | {name: f"{at}+08:00" for name, at in times.items()}
    assert (await decide(world, "points", campaigns=[whole])).status_code == 200
