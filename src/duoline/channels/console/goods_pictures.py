"""Pictures of products: uploaded, put in order, taken away."""

from __future__ import annotations

import hashlib
from typing import Annotated

import msgspec
from litestar import delete, post, put
from litestar.datastructures import UploadFile
from litestar.enums import RequestEncodingType
from litestar.params import Body

from duoline.catalog import pictures
from duoline.catalog.access import product_id_of
from duoline.catalog.media_store import DiskStore
from duoline.catalog.picture_rules import BYTES_MAX
from duoline.catalog.types import Sha
from duoline.channels.console.goods_views import ProductDetail, product_detail
from duoline.channels.http import doors
from duoline.channels.http.answers import Answer, Input
from duoline.channels.http.sessions import Staff
from duoline.channels.http.writes import Write
from duoline.kernel.config import Settings
from duoline.kernel.db import Tx

# The picture, and what a form puts around it.
UPLOAD_MAX = BYTES_MAX + 100_000

Upload = Annotated[UploadFile, Body(media_type=RequestEncodingType.MULTI_PART)]


class OrderInput(Input, frozen=True):
    """All pictures of the product in the order wanted; the first is the one lists show."""

    shas: Annotated[list[Sha], msgspec.Meta(max_length=100)]


@post(
    "/api/console/products/{code:str}/images",
    opt=doors.staff("catalogue.edit", code=doors.SHARED),
    request_max_body_size=UPLOAD_MAX,
)
async def add_picture(write: Write, staff: Staff, settings: Settings, code: str, data: Upload) -> Answer[ProductDetail]:
    """Add a JPEG, PNG or WebP picture of up to 20 MB. It is stored without what cameras write into it."""
    content = await data.read()
    write.use_hash(hashlib.sha256(content).digest())
    picture = await pictures.rendered(content)
    await pictures.keep(DiskStore(settings.media_dir), picture)

    async def work(tx: Tx) -> ProductDetail:
        product_id = await product_id_of(tx, code)
        await pictures.record(tx, picture)
        await pictures.attach(tx, actor=staff.actor, product_id=product_id, sha=picture.sha)
        return await product_detail(tx, product_id)

    return await write.run(work, status=201)


@put("/api/console/products/{code:str}/images", opt=doors.staff("catalogue.edit", code=doors.SHARED))
async def arrange_pictures(write: Write, staff: Staff, code: str, data: OrderInput) -> Answer[ProductDetail]:
    """Put the pictures in order."""

    async def work(tx: Tx) -> ProductDetail:
        product_id = await product_id_of(tx, code)
        await pictures.arrange(tx, actor=staff.actor, product_id=product_id, shas=data.shas)
        return await product_detail(tx, product_id)

    return await write.run(work)


@delete(
    "/api/console/products/{code:str}/images/{sha:str}",
    opt=doors.staff("catalogue.edit", code=doors.SHARED, sha=doors.SHARED),
    status_code=200,
)
async def remove_picture(write: Write, staff: Staff, code: str, sha: str) -> Answer[ProductDetail]:
    """Take a picture from the product; orders keep showing it."""

    async def work(tx: Tx) -> ProductDetail:
        product_id = await product_id_of(tx, code)
        await pictures.detach(tx, actor=staff.actor, product_id=product_id, sha=sha)
        return await product_detail(tx, product_id)

    return await write.run(work)


ROUTES = [add_picture, arrange_pictures, remove_picture]
