"""Pictures over HTTP: uploaded in the console, served for a year."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image

from tests.http.world import key

if TYPE_CHECKING:
    from tests.mall_catalogue.conftest import Shop


def jpeg(colour: str = "red", size: tuple[int, int] = (1000, 500)) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, colour).save(out, "JPEG")
    return out.getvalue()


async def upload(shop: Shop, content: bytes, *, status: int = 201, idempotency_key: str | None = None) -> Any:
    hq = shop.world.staff("hq")
    answer = await hq.client.post(
        "/api/console/products/F700/images",
        files={"data": ("x.jpg", content, "image/jpeg")},
        headers=hq.headers | {"Idempotency-Key": idempotency_key or key()},
    )
    assert answer.status_code == status, answer.text
    return answer.json()


async def test_an_uploaded_picture_is_on_the_page_and_served_in_three_sizes(shop: Shop):
    detail = await upload(shop, jpeg())
    (image,) = detail["images"]
    assert (image["width"], image["height"]) == (1000, 500)
    page = await shop.get("/api/mall/products/F700")
    assert page["product"]["images"] == [image]
    sizes = {}
    for query in ("", "?w=320", "?w=100", "?w=321", "?w=5000"):
        answer = await shop.visitor.get(f"/media/{image['sha']}{query}")
        assert answer.status_code == 200
        assert "immutable" in answer.headers["cache-control"]
        sizes[query] = (Image.open(io.BytesIO(answer.content)).size, answer.headers["content-type"])
    assert sizes == {
        "": ((1000, 500), "image/jpeg"),
        "?w=320": ((320, 160), "image/webp"),
        "?w=100": ((320, 160), "image/webp"),
        "?w=321": ((800, 400), "image/webp"),
        "?w=5000": ((1000, 500), "image/jpeg"),
    }
    tag = (await shop.visitor.get(image["url"])).headers["etag"]
    assert (await shop.visitor.get(image["url"], headers={"If-None-Match": tag})).status_code == 304


async def test_the_same_upload_again_changes_nothing(shop: Shop):
    once = key()
    first = await upload(shop, jpeg(), idempotency_key=once)
    assert await upload(shop, jpeg(), idempotency_key=once) == first
    again = await upload(shop, jpeg())
    assert again["images"] == first["images"]
    assert (await upload(shop, jpeg("blue"), status=409, idempotency_key=once))["code"] == "idempotency.mismatch"


async def test_pictures_are_put_in_order_and_taken_away(shop: Shop):
    await upload(shop, jpeg("red"))
    shas = [image["sha"] for image in (await upload(shop, jpeg("blue")))["images"]]
    hq = shop.world.staff("hq")
    path = "/api/console/products/F700/images"
    answer = await hq.put(path, {"shas": shas[::-1]})
    assert [image["sha"] for image in answer.json()["images"]] == shas[::-1]
    assert (await hq.put(path, {"shas": shas[:1]})).status_code == 404
    answer = await hq.delete(f"{path}/{shas[0]}")
    assert [image["sha"] for image in answer.json()["images"]] == shas[1:]
    assert (await hq.delete(f"{path}/{shas[0]}")).json()["code"] == "catalog.no-such-picture"
    assert (await shop.visitor.get(f"/media/{shas[0]}")).status_code == 200  # orders keep showing it


@pytest.mark.parametrize("content", [b"", b"no picture", b"<html>" + jpeg(), jpeg() + b"PK\x03\x04"])
async def test_what_is_no_picture_is_refused(shop: Shop, content: bytes):
    problem = await upload(shop, content, status=422)
    assert problem["code"] == "catalog.bad-picture"
    assert (await shop.get("/api/mall/products/F700"))["product"]["images"] == []


@pytest.mark.parametrize("name", ["0" * 64, "abc", "..%2f..%2fsecret", "0" * 63 + "G"])
async def test_other_names_are_not_found(shop: Shop, name: str):
    assert (await shop.visitor.get(f"/media/{name}")).status_code == 404
