"""What every answer carries, who may write from where, pages, health, and the description of the API."""

from __future__ import annotations

import gzip
import logging
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from litestar import get, post
from litestar.exceptions import ImproperlyConfiguredException

from duoline.channels.http import describe, doors
from duoline.channels.http.app import Parts, create_app
from duoline.channels.http.pages import Pages
from duoline.entry.api import make
from duoline.kernel.config import from_environment
from duoline.stores import directory
from tests.http.test_account import ADDRESS
from tests.http.world import key

if TYPE_CHECKING:
    from tests.http.world import World


# --- headers and logs ---------------------------------------------------------------------------------


async def test_every_answer_is_named_and_guarded(world: World) -> None:
    for path in ("/api/mall/stores", "/api/mall/nothing", "/healthz", "/api/openapi.json", "/api/docs"):
        answer = await world.anonymous().get(path)
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "strict-origin-when-cross-origin"
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        assert len(answer.headers["x-request-id"]) == 16
    page = await world.anonymous().get("/api/docs")
    assert "script-src 'self'" in page.headers["content-security-policy"]
    assert "camera=(self)" in page.headers["permissions-policy"]
    assert page.headers["x-frame-options"] == "DENY"


async def test_a_request_id_is_taken_over_if_it_is_a_plain_word(world: World) -> None:
    given = await world.anonymous().get("/healthz", headers={"X-Request-Id": "trace-1234567890"})
    assert given.headers["x-request-id"] == "trace-1234567890"
    for bad in ("short", "x" * 65, "with blank inside", "a\tb-1234567"):
        assert (await world.anonymous().get("/healthz", headers={"X-Request-Id": bad})).headers["x-request-id"] != bad


async def test_writes_are_logged_and_successful_reads_only_counted(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "duoline.access"):
        await world.anonymous().get("/api/mall/stores")
        await world.anonymous().post("/api/mall/addresses", ADDRESS)
    lines = [record.getMessage() for record in caplog.records if record.name == "duoline.access"]
    assert lines == ["POST /api/mall/addresses 201"]
    metrics = (await world.anonymous().get("/metrics")).text
    assert 'duoline_http_requests_total{method="GET",route="/api/mall/stores",status="200"}' in metrics
    assert not re.search(r'route="[^"]*[0-9a-f]{8}-[0-9a-f]{4}-', metrics)


async def test_head_is_get_without_the_body(world: World) -> None:
    nobody = world.anonymous()
    head, whole = await nobody.client.head("/api/mall/stores/S1"), await nobody.get("/api/mall/stores/S1")
    assert head.status_code == 200
    assert head.content == b""
    assert head.headers["content-length"] == str(len(whole.content))


# --- cross-site writes --------------------------------------------------------------------------------


async def cookie_member(world: World) -> tuple[Any, dict[str, str]]:
    browser = world.anonymous()
    assert (await browser.post("/api/mall/addresses", ADDRESS)).status_code == 201
    return browser, {"Idempotency-Key": key()}


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://test.evil.example"},
        {"Origin": "http://test@evil.example"},
        {"Sec-Fetch-Site": "same-origin", "Origin": "https://evil.example"},
    ],
)
async def test_writes_from_other_sites_are_refused(world: World, headers: dict[str, str]) -> None:
    browser, _ = await cookie_member(world)
    refused = await browser.post("/api/mall/addresses", ADDRESS, headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (403, "http.cross-site")
    assert await world.db.fetchval("SELECT count(*) FROM addresses") == 1


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "same-origin", "Origin": "http://test"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": "http://localhost:8000"},  # the public address, behind a proxy that rewrites Host
    ],
)
async def test_writes_from_our_pages_are_admitted(world: World, headers: dict[str, str]) -> None:
    browser, _ = await cookie_member(world)
    assert (await browser.post("/api/mall/addresses", ADDRESS, headers=headers)).status_code == 201


async def test_log_in_from_another_site_is_refused_too(world: World) -> None:
    for path, body in (
        ("/api/mall/sessions", {"phone": "13800138000", "code": "123456"}),
        ("/api/staff/sessions", {"login": "clerk1", "password": "x"}),
    ):
        refused = await world.anonymous().post(path, body, headers={"Sec-Fetch-Site": "cross-site"})
        assert refused.json()["code"] == "http.cross-site"


async def test_programs_with_a_bearer_token_come_from_anywhere(world: World) -> None:
    member = await world.member()
    made = await member.post("/api/mall/addresses", ADDRESS, headers={"Origin": "https://partner.example"})
    assert made.status_code == 201


async def test_nobody_is_told_that_other_sites_may_ask(world: World) -> None:
    answer = await world.anonymous().client.options(
        "/api/mall/addresses", headers={"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    )
    assert not [name for name in answer.headers if name.startswith("access-control")]


async def test_cookies_are_secure_where_the_shop_is(world: World, tmp_path: Path) -> None:
    settings = from_environment(
        {"DUOLINE_HOME": str(tmp_path), "DUOLINE_PUBLIC_URL": "https://shop.example", "DUOLINE_SECRET": "x" * 40}
    )
    from duoline.channels.http.sessions import set_cookie

    assert set_cookie("a", "b", seconds=9, settings=settings)[1].endswith(b"; Secure")
    assert not set_cookie("a", "b", seconds=9, settings=world.settings)[1].endswith(b"; Secure")


# --- pages --------------------------------------------------------------------------------------------


@pytest.fixture
def dist(tmp_path: Path) -> Path:
    for face in ("mall", "clerk", "console"):
        (tmp_path / face / "assets").mkdir(parents=True)
        (tmp_path / face / "index.html").write_text(f"<title>{face}</title>", encoding="utf-8")
    (tmp_path / "mall" / "assets" / "app-abc123.js").write_text("let a = 1\n" * 500)
    (tmp_path / "mall" / "favicon.svg").write_text("<svg/>")
    (tmp_path / "clerk" / "sw.js").write_text("// worker")
    (tmp_path / "secret.txt").write_text("nobody's business")
    return tmp_path


def show(world: World, pages: Pages, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the application serve those pages, until the end of the test."""
    monkeypatch.setitem(world.app.state, "pages", pages)
    monkeypatch.setattr(world.app.asgi_handler, "_pages", pages)


async def test_built_files_are_served_with_the_right_patience(
    world: World, dist: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    show(world, Pages(dist), monkeypatch)
    nobody = world.anonymous()
    script = await nobody.get("/assets/app-abc123.js")
    assert script.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert script.headers["content-type"] == "application/javascript"
    assert script.headers["content-encoding"] == "gzip"
    assert script.text == "let a = 1\n" * 500
    plain = await nobody.get("/assets/app-abc123.js", headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert plain.content == gzip.decompress(gzip.compress(script.content))
    (dist / "mall" / "assets" / "app-abc123.js.br").write_bytes(b"as the build compressed it")
    show(world, Pages(dist), monkeypatch)
    for accepts, encoding in {"gzip, deflate, br": "br", "br;q=0, gzip": "gzip", "brave": None}.items():
        packed = await nobody.get("/assets/app-abc123.js", headers={"Accept-Encoding": accepts})
        assert packed.headers.get("content-encoding") == encoding
        assert packed.headers["vary"] == "accept-encoding"
        assert (packed.content == b"as the build compressed it") is (encoding == "br")
    assert (await nobody.get("/assets/app-abc123.js.br")).headers["content-type"].startswith("text/html")
    worker = await nobody.get("/clerk/sw.js")
    assert worker.headers["cache-control"] == "no-cache"

    for path, face in {
        "/orders/5": "mall",
        "/clerk": "clerk",
        "/clerk/": "clerk",
        "/clerk/queue": "clerk",
        "/console/stock?x=1": "console",
        "/clerks": "mall",
    }.items():
        page = await nobody.get(path)
        assert (page.status_code, page.text) == (200, f"<title>{face}</title>"), path
        assert page.headers["content-type"] == "text/html; charset=utf-8"
        assert page.headers["cache-control"] == "no-cache"

    for path in ("/api/nothing", "/media/nothing/at/all", "/sandbox/nothing/x/y"):
        assert "title>" not in (await nobody.get(path)).text, path
    for path in (
        "/../secret.txt",
        "/%2e%2e/secret.txt",
        "/assets/../../secret.txt",
        "/assets/%2e%2e%2f%2e%2e%2fsecret.txt",
    ):
        assert "nobody's business" not in (await nobody.get(path)).text, path


async def test_without_built_pages_the_api_serves_all_the_same(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    show(world, Pages(tmp_path), monkeypatch)
    assert (await world.anonymous().get("/nowhere")).status_code == 404
    assert (await world.anonymous().get("/api/mall/stores")).status_code == 200


# --- health -------------------------------------------------------------------------------------------


async def test_ready_says_what_is_missing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    nobody = world.anonymous()
    assert (await nobody.get("/healthz")).text == "ok\n"
    ready = await nobody.get("/readyz")
    assert (ready.status_code, ready.json()) == (200, {"ready": True, "problems": []})
    monkeypatch.setattr(directory, "_current", directory.Chain())

    async def shut(*_: object) -> None:
        raise OSError("gone")

    monkeypatch.setattr(world.db, "fetchval", shut)
    ready = await nobody.get("/readyz")
    assert ready.status_code == 503
    assert ready.json()["problems"] == [
        "the database does not answer: OSError",
        "the directory of stores is not loaded",
    ]
    assert (await nobody.get("/healthz")).status_code == 200


# --- the description -----------------------------------------------------------------------------------


async def test_the_description_tells_of_doors_keys_and_problems(world: World) -> None:
    served = (await world.anonymous().get("/api/openapi.json")).json()
    assert served["openapi"].startswith("3.1")
    write = served["paths"]["/api/mall/addresses"]["post"]
    assert write["summary"] == "Add an address"
    assert [p["name"] for p in write["parameters"]] == ["Idempotency-Key"]
    assert write["responses"]["default"] == {"$ref": "#/components/responses/Problem"}
    assert "400" not in write["responses"]
    assert write["responses"]["201"]["content"]["application/json"]["schema"]["$ref"].endswith("/Address")
    read = served["paths"]["/api/mall/stores"]["get"]
    assert {p["name"] for p in read["parameters"]} == {"q", "service", "lat", "lon", "limit", "cursor"}
    card = served["components"]["schemas"]["StoreCard"]["properties"]
    assert card["name"] == {"$ref": "#/components/schemas/Text"}
    assert served["components"]["schemas"]["Money"]["properties"]["minor"]["type"] == "integer"
    ids = [op["operationId"] for item in served["paths"].values() for op in item.values()]
    assert len(ids) == len(set(ids))


async def test_the_docs_load_nothing_from_elsewhere(world: World) -> None:
    nobody = world.anonymous()
    page = await nobody.get("/api/docs")
    assert page.status_code == 200
    texts = [page.text]
    for name in ("docs.js", "docs.css"):
        asset = await nobody.get(f"/api/docs/{name}")
        assert asset.status_code == 200
        texts.append(asset.text)
    assert not any("http://" in text or "https://" in text for text in texts)
    assert "innerHTML" not in texts[1]
    assert (await nobody.get("/api/docs/index.html")).status_code == 404
    assert (await nobody.get("/api/docs/..%2fapp.py")).status_code == 404


@pytest.fixture
def settings(tmp_path: Path) -> Any:
    return from_environment({"DUOLINE_HOME": str(tmp_path), "DUOLINE_SECRET": "x" * 40})


def refused(settings: Any, handler: Any) -> str:
    with pytest.raises(ImproperlyConfiguredException) as raised:
        create_app(settings, [Parts(routes=[handler])])
    return str(raised.value)


def test_a_handler_without_a_door_stops_the_start(settings: Any) -> None:
    @get("/api/mall/forgotten")
    async def forgotten() -> None: ...

    assert "say who may call it" in refused(settings, forgotten)


def test_a_path_parameter_that_the_door_does_not_name_stops_the_start(settings: Any) -> None:
    @get("/api/mall/things/{thing:str}", opt=doors.member())
    async def thing(thing: str) -> None: ...

    assert "does not say what thing names" in refused(settings, thing)


def test_a_write_without_a_key_stops_the_start(settings: Any) -> None:
    @post("/api/mall/things", opt=doors.member())
    async def things() -> None: ...

    assert "Idempotency-Key" in refused(settings, things)


def test_a_permission_that_is_none_is_refused_at_import() -> None:
    with pytest.raises(ValueError, match="no permission"):
        doors.staff("orders.raed")


def test_development_pages_are_absent_in_production(tmp_path: Path) -> None:
    production = from_environment(
        {
            "DUOLINE_HOME": str(tmp_path),
            "DUOLINE_ENV": "production",
            "DUOLINE_SECRET": "x" * 40,
            "DUOLINE_DATABASE_URL": "postgresql://nobody@localhost/nothing",
        }
    )
    app = make(production)
    paths = [path for path, _, handler in describe.handlers(app) if handler.opt[doors.KEY].who == "development"]
    assert not [path for path in paths if path.startswith("/sandbox")]
