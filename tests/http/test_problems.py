"""What goes wrong is said in plain words, in the caller's language, with a code, and without our insides."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import asyncpg
import httpx
import pytest

from duoline.channels.http import describe, problems
from duoline.kernel.errors import Fault, Refusal, Unavailable
from tests.http.test_account import ADDRESS

if TYPE_CHECKING:
    from tests.http.world import World


def standard(answer: httpx.Response) -> dict[str, Any]:
    """The problem, after checking what every problem has."""
    assert answer.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = answer.json()
    assert {"type", "title", "status", "detail", "code", "instance"} <= body.keys()
    assert body["status"] == answer.status_code
    assert body["type"] == f"/api/docs#{body['code']}"
    assert body["instance"] == f"urn:request:{answer.headers['x-request-id']}"
    return body


async def test_paths_and_methods_that_are_none(world: World) -> None:
    nobody = world.anonymous()
    assert standard(await nobody.get("/api/mall/nothing"))["code"] == "http.no-such-path"
    wrong = await nobody.post("/api/mall/stores", {})
    assert standard(wrong)["code"] == "http.method-not-allowed"
    assert "GET" in wrong.headers["allow"]
    assert standard(await nobody.get("/api/mall/addresses/not-a-uuid"))["status"] in (404, 405)


async def test_the_language_follows_the_header(world: World) -> None:
    cases = {
        "": "zh",
        "en": "en",
        "en-GB,en;q=0.9,zh;q=0.5": "en",
        "zh-CN,zh;q=0.9,en;q=0.8": "zh",
        "fr,de;q=0.5": "zh",
        "fr,en;q=0.1": "en",
        "en;q=0,zh;q=0": "zh",
        "en;q=nonsense": "en",
    }
    for header, language in cases.items():
        answer = await world.anonymous().get("/api/mall/me", headers={"Accept-Language": header} if header else {})
        wanted = "Please log in first." if language == "en" else "请先登录。"
        assert standard(answer)["detail"] == wanted, header


@pytest.mark.parametrize(
    ("body", "field", "reason"),
    [
        ({k: v for k, v in ADDRESS.items() if k != "name"}, "name", "This is required."),
        (ADDRESS | {"name": ""}, "name", "This must not be empty."),
        (ADDRESS | {"name": "x" * 41}, "name", "Too long: at most 40."),
        (ADDRESS | {"name": 5}, "name", "A text is needed."),
        (ADDRESS | {"lat": 91}, "lat", "Not more than 90.0."),
        (ADDRESS | {"lat": "1"}, "lat", "A number is needed."),
        (ADDRESS | {"is_default": 1}, "is_default", "True or false is needed."),
        (ADDRESS | {"member_id": "x"}, "member_id", "There is no such field."),
        ([ADDRESS], "", "A group of fields is needed."),
    ],
)
async def test_bad_input_names_the_field_and_the_reason(world: World, body: Any, field: str, reason: str) -> None:
    refused = await world.anonymous().post("/api/mall/addresses", body, headers={"Accept-Language": "en"})
    problem = standard(refused)
    assert (problem["status"], problem["code"]) == (422, "kernel.bad-input")
    assert problem["problems"] == [{"field": field, "reason": reason}]


async def test_fields_deep_inside_are_named(world: World) -> None:
    items = [{"on": "2027-01-01", "spans": []}, {"on": "not a day", "spans": []}]
    refused = await world.staff("hq").put("/api/console/stores/S1/exceptions", {"items": items})
    assert standard(refused)["problems"][0]["field"] == "items[1].on"


async def test_query_parameters_are_checked_too(world: World) -> None:
    for query, field in {
        "limit=0": "limit",
        "limit=101": "limit",
        "limit=ten": "limit",
        "lat=91&lon=0": "lat",
        "lat=nan&lon=0": "lat",
        "lat=inf&lon=0": "lat",
        "service=flying": "service",
        "q=" + "x" * 101: "q",
    }.items():
        problem = standard(await world.anonymous().get(f"/api/mall/stores?{query}"))
        assert (problem["status"], problem["code"], problem["problems"][0]["field"]) == (422, "kernel.bad-input", field)
        assert problem["problems"][0]["reason"] != "填写的内容不对。", query


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "kernel.bad-input"),
        (b"{", "http.unreadable"),
        (b"\xff\xfe", "http.unreadable"),
        (b'{"name": NaN}', "http.unreadable"),
        (b'{"name": "a\\u0000b"}', "http.unreadable"),
        (b'{"name": "' + b"x" * 300_000 + b'"}', "http.too-large"),
    ],
)
async def test_bodies_that_cannot_be_read(world: World, content: bytes, code: str) -> None:
    nobody = world.anonymous()
    answer = await nobody.client.post(
        "/api/mall/addresses",
        content=content,
        headers={"Idempotency-Key": "x" * 20, "Content-Type": "application/json"},
    )
    problem = standard(answer)
    assert problem["code"] == code
    assert problem["status"] in (400, 413, 422)
    assert await world.db.fetchval("SELECT count(*) FROM members") == 0


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"])
async def test_a_form_of_another_site_is_no_json(world: World, kind: str) -> None:
    member = await world.member()
    answer = await member.client.post(
        "/api/mall/addresses",
        content=b'{"name":"x","phone":"1380","province":"","city":"","line":"x"}',
        headers=member.headers | {"Idempotency-Key": "x" * 20, "Content-Type": kind},
    )
    assert standard(answer)["code"] == "http.unsupported-media"
    assert await world.db.fetchval("SELECT count(*) FROM addresses") == 0


async def test_zero_bytes_in_an_address_are_refused(world: World) -> None:
    for path in ("/api/mall/stores?q=%00", "/api/mall/stores/%00", "/%00"):
        assert (await world.anonymous().get(path)).status_code in (400, 404), path


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (Unavailable("the till does not answer", retry_after_s=7), 503, "kernel.unavailable"),
        (TimeoutError(), 503, "kernel.unavailable"),
        (ConnectionRefusedError(), 503, "kernel.unavailable"),
        (asyncpg.exceptions.TooManyConnectionsError("too many"), 503, "kernel.unavailable"),
        (asyncpg.exceptions.QueryCanceledError("too long"), 503, "kernel.unavailable"),
        (asyncpg.exceptions.DataError("value out of int32 range"), 422, "kernel.bad-input"),
        (Fault("INV-1", "secret detail of the stock"), 500, "kernel.fault"),
        (KeyError("secret name"), 500, "kernel.fault"),
    ],
)
async def test_each_kind_of_failure_has_its_answer(
    world: World, monkeypatch: pytest.MonkeyPatch, error: Exception, status: int, code: str
) -> None:
    async def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr("duoline.members.addresses.of", fail)
    member = await world.member()
    answer = await member.get("/api/mall/addresses")
    problem = standard(answer)
    assert (problem["status"], problem["code"]) == (status, code)
    assert "secret" not in answer.text
    assert ("retry-after" in answer.headers) == (status == 503)
    if isinstance(error, Unavailable):
        assert answer.headers["retry-after"] == "7"


def test_codes_are_unique_well_formed_and_said_in_both_languages() -> None:
    kinds: dict[str, type[Refusal]] = {}
    waiting = [Refusal]
    while waiting:
        kind = waiting.pop()
        waiting += kind.__subclasses__()
        if not kind.__module__.startswith("duoline."):
            continue
        assert kinds.setdefault(kind.code, kind) is kind, f"two refusals have the code {kind.code}"
        package, _, what = kind.code.partition(".")
        assert package
        assert what == what.lower().replace("_", "-")
        assert 400 <= kind.status < 600
        assert any("\u4e00" <= c <= "\u9fff" for c in kind.zh), kind
        assert kind.en.isascii() or "…" in kind.en, kind
        assert kind.__doc__, kind
    assert len(kinds) > 30


def test_every_explanation_is_known_in_both_languages() -> None:
    for _, zh, en in problems._WORDS:
        assert zh.endswith("。")
        assert en.endswith(".")


async def test_every_code_is_listed_for_readers_of_the_docs(world: World) -> None:
    listed = (await world.anonymous().get("/api/problems")).json()
    assert [entry["code"] for entry in listed] == sorted(entry["code"] for entry in listed)
    assert "inventory.insufficient-stock" in {entry["code"] for entry in listed}
    assert len(listed) == len(describe.problem_codes())
