"""Labels: what a scanner reads off the printed sheet, and where that leads."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pypdfium2
import pytest
import zxingcpp

from duoline.channels.http.draw_labels import draw
from duoline.channels.http.label import Job, Label, digital_link
from duoline.channels.mall import count_scan
from duoline.entry.check import broken
from tests.http.shelf import bought, line
from tests.http.test_counts import shelf
from tests.http.test_touchpoints import BROWSER, log_in
from tests.http.world import Caller, World

__all__ = ["shelf"]

GTIN = "6901234567892"


@pytest.fixture
async def labelled(world: World, shelf: dict[str, UUID]) -> AsyncIterator[dict[str, UUID]]:
    """Milk has a barcode; the check is clean at the end."""
    for limit in (count_scan.NEW_DEVICES_BY_ADDRESS, count_scan.LABELS_BY_ADDRESS):
        limit.forget()
    await world.db.execute("INSERT INTO barcodes VALUES ($1, $2)", GTIN.zfill(14), shelf["MILK"])
    yield shelf
    assert await broken(world.db) == []


async def labels(world: World, **more: str) -> list[dict[str, Any]]:
    """The labels that headquarters sees, by product."""
    asked = {"labels": "only", "which": "all"} | more
    answer = await world.staff("hq").get("/api/console/touchpoints", params=asked)
    assert answer.status_code == 200, answer.text
    return sorted(answer.json()["items"], key=lambda one: (one["target"]["name"], one["created_at"]))


async def scanned(who: Caller, path: str) -> str:
    """Where a phone that scans this is led."""
    answer = await who.client.get(path, headers=BROWSER | who.headers)
    assert answer.status_code == 302, answer.text
    return str(answer.headers["location"])


def read_off(pdf: bytes) -> dict[str, set[str]]:
    """Every code on every page, by its kind."""
    found: dict[str, set[str]] = {}
    document = pypdfium2.PdfDocument(pdf)
    for n in range(len(document)):
        page = document[n].render(scale=4).to_pil()
        for code in zxingcpp.read_barcodes(page):
            found.setdefault(str(code.format).replace(" ", ""), set()).add(code.text)
    document.close()
    return found


def label(n: int, gtin: str | None) -> Label:
    link = digital_link("https://shop.example/", gtin=gtin, product_code=f"P{n}", store_code="S1")
    return Label("有机婴儿奶粉 3 段 800 克", "Organic milk powder", "红", f"P{n}-1", gtin, "¥199.00", "B2", link)


def test_a_digital_link_has_fourteen_digits_and_the_shop() -> None:
    base = "https://shop.example/"
    assert (
        digital_link(base, gtin="96385074", product_code="P", store_code=None)
        == "https://shop.example/01/00000096385074"
    )
    assert (
        digital_link(base, gtin=GTIN, product_code="P", store_code="S1") == f"https://shop.example/01/0{GTIN}?store=S1"
    )
    assert (
        digital_link(base, gtin=None, product_code="P", store_code="S1") == "https://shop.example/p/P?store=S1&scan=1"
    )


@pytest.mark.parametrize("sheet", ["shelf", "qr"])
def test_every_code_can_be_read_off_the_sheets(sheet: str) -> None:
    digits = [GTIN, "96385074", "16901234567899", None]
    labels = [label(n, digits[n % 4]) for n in range(30)]  # more than one sheet
    found = read_off(draw(Job(sheet, "x", labels)))  # type: ignore[arg-type]
    assert found["QRCode"] == {one.link for one in labels}
    bars = {code for kind, codes in found.items() if kind.startswith("EAN") for code in codes}
    assert bars == ({GTIN, "96385074"} if sheet == "shelf" else set())


async def test_a_shop_prints_its_shelves_and_a_scan_leads_to_the_product(
    world: World, labelled: dict[str, UUID]
) -> None:
    clerk = world.staff("clerk1")
    answer = await clerk.get("/api/staff/labels.pdf", params={"store": "S1"})
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/pdf")
    (link,) = (one for one in read_off(answer.content)["QRCode"] if "/01/" in one)
    assert link == f"{world.settings.public_url}/01/0{GTIN}?store=S1"
    scanned = await world.anonymous().get(link.removeprefix(world.settings.public_url))
    (milk,) = [one for one in await labels(world) if one["target"]["name"] == "MILK"]
    assert (scanned.status_code, scanned.headers["location"]) == (
        302, f"/p/MILK?gtin=0{GTIN}&store=S1&scan=1&t={milk['code']}",
    )  # fmt: skip
    invented = await world.anonymous().get(f"/01/{GTIN}", params={"store": "NOWHERE"})
    assert invented.headers["location"] == f"/p/MILK?gtin={GTIN}"
    for nothing in ("00000096385074", "milk", "69012345678920000"):
        assert (await world.anonymous().get(f"/01/{nothing}")).status_code == 404

    one = await clerk.get(
        "/api/staff/labels.pdf", params={"store": "S1", "sheet": "qr", "sku": [str(labelled["SOCK"])]}
    )
    assert read_off(one.content)["QRCode"] == {f"{world.settings.public_url}/p/SOCK?store=S1&scan=1"}
    shelf_b2 = await clerk.get("/api/staff/labels.pdf", params={"store": "S1", "shelf": "B2"})
    assert read_off(shelf_b2.content) == read_off(one.content)
    empty = await clerk.get("/api/staff/labels.pdf", params={"store": "S1", "shelf": "Z9"})
    assert empty.status_code == 404


async def test_each_printed_label_is_a_touchpoint_of_its_shop_once(world: World, labelled: dict[str, UUID]) -> None:
    clerk = world.staff("clerk1")
    both = await asyncio.gather(*(clerk.get("/api/staff/labels.pdf", params={"store": "S1"}) for _ in range(3)))
    assert [one.status_code for one in both] == [200] * 3
    shown = [
        (one["target"]["name"], one["kind"], one["owner_kind"], one["store_code"], one["place"], one["scans"])
        for one in await labels(world)
    ]
    assert shown == [("MILK", "product", "store", "S1", "", 0), ("SOCK", "product", "store", "S1", "B2", 0)]
    # Not among what somebody made by hand, unless asked for; and only for who sees the shop.
    hq, stranger = world.staff("hq"), world.staff("manager2")
    assert (await hq.get("/api/console/touchpoints")).json()["items"] == []
    assert len((await hq.get("/api/console/touchpoints?labels=with")).json()["items"]) == 2
    assert (await stranger.get("/api/console/touchpoints?labels=only")).json()["items"] == []
    said = await world.db.fetch("SELECT actor_name, after FROM audit_log WHERE action = 'touchpoint.label'")
    assert [(row["actor_name"], row["after"]) for row in said] == [("clerk1", {"labels": 2})]


async def test_a_scanned_label_is_counted_and_gets_the_order(world: World, labelled: dict[str, UUID]) -> None:
    guest, passer = world.anonymous(), world.anonymous()
    where = await scanned(guest, f"/01/0{GTIN}?store=S1")
    (milk,) = await labels(world)  # printed before labels were touchpoints: the first scan makes it known
    assert where == f"/p/MILK?gtin=0{GTIN}&store=S1&scan=1&t={milk['code']}"
    await scanned(guest, f"/01/0{GTIN}?store=S1")
    await scanned(passer, f"/01/0{GTIN}?store=S1")
    assert [(one["scans"], one["devices"]) for one in await labels(world)] == [(2, 2)]
    await log_in(world, guest, "+8613900000001")
    await bought(world, guest, line(str(labelled["MILK"])))
    (milk,) = await labels(world)
    assert (milk["sign_ups"], milk["orders"], milk["sales"]["minor"]) == (1, 1, 19900)


async def test_a_label_without_digits_counts_once_and_then_shows_the_page(
    world: World, labelled: dict[str, UUID]
) -> None:
    guest = world.anonymous()
    where = await scanned(guest, "/p/SOCK?store=S1&scan=1")
    (sock,) = await labels(world)
    assert where == f"/p/SOCK?store=S1&scan=1&t={sock['code']}"
    assert (await guest.client.get(where, headers=BROWSER)).status_code == 200
    assert [(one["place"], one["scans"]) for one in await labels(world)] == [("B2", 1)]


async def test_the_scanner_of_the_mall_counts_labels_and_no_bars(world: World, labelled: dict[str, UUID]) -> None:
    buyer = await world.member("+8613900000001")
    for text in (GTIN, f"https://anywhere.example/01/0{GTIN}?store=S1"):
        asked = {"text": text, "store": "S1"}
        read = await buyer.client.get("/api/mall/scanned", params=asked, headers=BROWSER | buyer.headers)
        assert (read.json()["kind"], read.json()["product_code"]) == ("article", "MILK")
    assert [(one["scans"], one["target"]["name"]) for one in await labels(world)] == [(1, "MILK")]
    assert await world.db.fetchval("SELECT count(*) FROM touches") == 1


async def test_what_no_shop_hangs_is_no_label(world: World, labelled: dict[str, UUID]) -> None:
    await scanned(world.anonymous(), f"/01/{GTIN}?store=S2")  # has never had it
    await scanned(world.anonymous(), f"/01/{GTIN}?store=NOWHERE")
    await scanned(world.anonymous(), f"/01/{GTIN}")
    bot = await world.client().get(f"/01/{GTIN}?store=S1", headers={"User-Agent": "Baiduspider/2.0"})
    assert bot.headers["location"] == f"/p/MILK?gtin={GTIN}&store=S1&scan=1"
    assert await labels(world) == []
    assert await world.db.fetchval("SELECT count(*) FROM scans") == 0


async def test_an_ended_label_still_leads_to_its_product_and_the_next_print_begins_anew(
    world: World, labelled: dict[str, UUID]
) -> None:
    await scanned(world.anonymous(), f"/01/{GTIN}?store=S1")
    (milk,) = await labels(world)
    path = f"/api/console/touchpoints/{milk['id']}/end"
    assert (await world.staff("manager1").post(path, {"reason": "x"})).status_code == 200
    assert await scanned(world.anonymous(), f"/01/{GTIN}?store=S1") == f"/p/MILK?gtin={GTIN}&store=S1&scan=1"
    assert [one["scans"] for one in await labels(world)] == [1]
    asked = {"store": "S1", "sku": [str(labelled["MILK"])]}
    assert (await world.staff("clerk1").get("/api/staff/labels.pdf", params=asked)).status_code == 200
    await scanned(world.anonymous(), f"/01/{GTIN}?store=S1")
    assert [(one["scans"], one["ended_at"] is None) for one in await labels(world)] == [(1, False), (1, True)]
