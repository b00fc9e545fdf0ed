"""Labels: what a scanner reads off the printed sheet, and where that leads."""

from __future__ import annotations

from uuid import UUID

import pypdfium2
import pytest
import zxingcpp

from duoline.channels.http.draw_labels import draw
from duoline.channels.http.label import Job, Label, digital_link
from tests.http.test_counts import shelf
from tests.http.world import World

__all__ = ["shelf"]

GTIN = "6901234567892"


@pytest.fixture
async def labelled(world: World, shelf: dict[str, UUID]) -> dict[str, UUID]:
    """Milk has a barcode."""
    await world.db.execute("INSERT INTO barcodes VALUES ($1, $2)", GTIN.zfill(14), shelf["MILK"])
    return shelf


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
    assert (scanned.status_code, scanned.headers["location"]) == (302, f"/p/MILK?gtin=0{GTIN}&store=S1&scan=1")
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
