"""Imports through the console: uploaded, run by the worker in a process of their own, looked at, errors fetched."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

import pytest

from duoline.channels.imports.background import Wanted, run_import
from duoline.channels.imports.dictionary import KINDS
from duoline.kernel.ids import new_id
from tests.http.world import World, key, open_world

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    import httpx

    from duoline.kernel.db import Database
    from duoline.kernel.postgres import Access

PRODUCTS = (
    "product_code,sku_code,name_zh,category_code,category_zh\nP1,P1,奶瓶,feeding,喂养\nP2,P 2,坏行,feeding,喂养\n"
)


@pytest.fixture
async def world(db: Database, access: Access, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    """A small chain; processes that the worker starts find the same database."""
    async with open_world(db, tmp_path) as opened:
        monkeypatch.setenv("DUOLINE_HOME", str(opened.settings.home))
        monkeypatch.setenv("DUOLINE_DATABASE_URL", access.dsn)
        monkeypatch.setenv("DUOLINE_OWNER_URL", access.owner_dsn)
        yield opened


async def upload(
    world: World, content: bytes | str = PRODUCTS, *, kind: str = "products", login: str = "hq", **more: Any
) -> httpx.Response:
    files = {"file": ("../goods.csv", content.encode() if isinstance(content, str) else content)}
    if "mapping" in more:
        files["mapping"] = ("m.toml", more.pop("mapping").encode())
    caller = world.staff(login)
    headers = {"Idempotency-Key": more.pop("key", None) or key()} | caller.headers
    return await caller.client.post("/api/console/imports", params={"kind": kind} | more, files=files, headers=headers)


async def run(world: World, answer: httpx.Response) -> dict[str, Any]:
    """Let the worker do it, and look at the import again."""
    assert answer.status_code == 202, answer.text
    job = answer.json()
    queued = await world.db.fetchval("SELECT count(*) FROM pgqueuer.pgqueuer WHERE entrypoint = 'imports.run'")
    assert queued >= 1
    await run_import(world.db, Wanted(job["id"]))
    return dict((await world.staff("hq").get(f"/api/console/imports/{job['id']}")).json())


async def test_a_file_goes_in_and_its_bad_rows_come_back(world: World) -> None:
    answer = await upload(world)
    job = answer.json()
    assert (job["state"], job["filename"], job["rows_total"], job["by"]) == ("queued", "goods.csv", None, "hq")
    done = await run(world, answer)
    assert (done["state"], done["rows_total"], done["rows_done"]) == ("done", 2, 2)
    assert (done["rows_changed"], done["rows_same"], done["rows_bad"]) == (1, 0, 1)
    assert done["started_at"] <= done["finished_at"]
    errors = await world.staff("hq").get(f"/api/console/imports/{job['id']}/errors.csv")
    assert errors.headers["content-type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(errors.content.decode("utf-8-sig"))))
    assert [(row["line"], row["column"], row["value"], row["name_zh"]) for row in rows] == [
        ("3", "sku_code", "P 2", "坏行")
    ]
    assert list((world.settings.imports_dir).glob("*.upload")) == []
    listed = (await world.staff("hq").get("/api/console/imports", params={"limit": 1})).json()
    assert [item["id"] for item in listed["items"]] == [job["id"]]


async def test_the_same_key_is_one_import(world: World) -> None:
    first, again = await upload(world, key="same-key-1"), await upload(world, key="same-key-1")
    assert first.json()["id"] == again.json()["id"]
    other = await upload(world, PRODUCTS + "P3,P3,奶嘴,feeding,喂养\n", key="same-key-1")
    assert (other.status_code, other.json()["code"]) == (409, "idempotency.mismatch")
    assert await world.db.fetchval("SELECT count(*) FROM import_jobs") == 1
    assert len(list(world.settings.imports_dir.glob("*.upload"))) == 1


async def test_a_mapping_is_checked_at_the_door(world: World) -> None:
    bad = await upload(world, mapping='[columns]\nsku = "x"\n')
    assert (bad.status_code, bad.json()["code"]) == (422, "imports.bad-mapping")
    assert bad.json()["problems"][0]["field"] == "columns.sku"
    good = await upload(
        world,
        "货号,品名\nA1,奶瓶\n",
        mapping='[columns]\nsku_code="货号"\nproduct_code="货号"\nname_zh="品名"\n'
        'category_code={constant="x"}\ncategory_zh={constant="其他"}\n',
    )
    assert (await run(world, good))["rows_changed"] == 1


async def test_a_file_that_cannot_be_used_fails_with_a_reason(world: World) -> None:
    done = await run(world, await upload(world, "a,b\n1,2\n"))
    assert done["state"] == "failed"
    assert done["problem"].startswith("缺少必需的列")
    english = await world.staff("hq").get(f"/api/console/imports/{done['id']}", headers={"Accept-Language": "en"})
    assert english.json()["problem"].startswith("Columns are missing")
    missing = await world.staff("hq").get(f"/api/console/imports/{done['id']}/errors.csv")
    assert (missing.status_code, missing.json()["code"]) == (404, "imports.no-errors")


async def test_a_dry_run_changes_nothing(world: World) -> None:
    done = await run(world, await upload(world, dry_run="1"))
    assert (done["dry_run"], done["rows_changed"], done["rows_bad"]) == (True, 0, 1)
    assert await world.db.fetchval("SELECT count(*) FROM skus") == 0


async def test_only_headquarters_imports(world: World) -> None:
    for login in ("north", "franchisee_a", "manager1"):
        assert (await upload(world, login=login)).status_code == 403
        assert (await world.staff(login).get("/api/console/imports")).status_code == 403
    assert (await world.anonymous().get("/api/console/imports")).status_code == 401
    unknown = await world.staff("hq").get(f"/api/console/imports/{new_id()}")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "imports.no-such-import")
    assert (await upload(world, kind="planets")).status_code in (400, 422)


async def test_the_dictionary_is_told(world: World) -> None:
    items = (await world.staff("hq").get("/api/console/imports/dictionary")).json()["items"]
    assert [item["name"] for item in items] == list(KINDS)
    stock = next(item for item in items if item["name"] == "stock")
    assert [column["name"] for column in stock["columns"] if column["required"]] == [
        "store_code",
        "sku_code",
        "on_hand",
    ]


async def test_imported_stores_are_known_to_the_processes(world: World) -> None:
    line = "S77,七店,HQX,新公司,EASTX,华东,上海市,上海市,路 1 号,31.2,121.4"
    head = "code,name_zh,company_code,company_zh,region_code,region_zh,province,city,address_zh,lat,lon"
    assert (await run(world, await upload(world, f"{head}\n{line}\n", kind="stores")))["rows_changed"] == 1
    assert await world.db.fetchval("SELECT count(*) FROM local_outbox WHERE topic = 'stores.imported'") == 1


async def test_an_import_that_dies_is_started_again_and_given_up_in_the_end(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DUOLINE_FAULT", "imports.after_chunk:kill")
    done = await run(world, await upload(world))
    assert (done["state"], done["problem"][:6]) == ("failed", "导入多次中断")
    assert await world.db.fetchval("SELECT count(*) FROM skus") == 1
    monkeypatch.delenv("DUOLINE_FAULT")
    assert (await run(world, await upload(world)))["rows_same"] == 1


@pytest.mark.parametrize(
    "kind",
    [
        "Multipart/Form-Data; boundary=x",
        "MULTIPART/FORM-DATA",
        "multipart/form-data",
        "multipart/mixed; boundary=x",
        "multipart/",
        "text/csv",
        "",
    ],
)
@pytest.mark.parametrize(
    "content", [b"", b"--x\r\n", b'--x\r\nContent-Disposition: form-data; name="other"\r\n\r\n1\r\n--x--\r\n']
)
async def test_what_is_no_form_is_refused(world, kind, content):
    caller = world.staff("hq")
    headers = caller.headers | {"Idempotency-Key": key(), "Content-Type": kind}
    answer = await caller.client.post(
        "/api/console/imports", params={"kind": "products"}, content=content, headers=headers
    )
    assert answer.status_code in (400, 415, 422), answer.text
    assert answer.headers["content-type"].startswith("application/problem+json")
    assert (await caller.get("/api/console/imports")).json()["items"] == []
