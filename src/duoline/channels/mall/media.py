"""Pictures. A picture is named by its content, so it never changes and browsers keep it for a year."""

from __future__ import annotations

import re
from typing import Annotated, Any

from litestar import Request, get
from litestar.params import Parameter

from duoline.catalog.errors import NoSuchPicture
from duoline.catalog.media_store import THUMBNAIL_WIDTHS, DiskStore
from duoline.channels.http import doors
from duoline.channels.http.answers import Answer, Header
from duoline.channels.http.pages import FOREVER
from duoline.kernel.config import Settings

_SHA = re.compile(r"[0-9a-f]{64}")
_KINDS = ((b"\xff\xd8\xff", b"image/jpeg"), (b"\x89PNG", b"image/png"), (b"RIFF", b"image/webp"))

Width = Annotated[int | None, Parameter(ge=1, le=10_000, description="Width needed, in pixels.")]


@get("/media/{sha:str}", opt=doors.public(sha=doors.SHARED), include_in_schema=False)
async def picture(request: Request[Any, Any, Any], settings: Settings, sha: str, w: Width = None) -> Answer[Any]:
    """A picture, or the smallest thumbnail that is as wide as wanted."""
    if not _SHA.fullmatch(sha):
        raise NoSuchPicture
    width = next((each for each in THUMBNAIL_WIDTHS if w is not None and w <= each), None)
    etag: Header = (b"etag", f'"{sha}.{width or 0}"'.encode())
    if etag[1].decode() in request.headers.get("if-none-match", ""):
        return Answer(b"", status=304, headers=[FOREVER, etag])
    store = DiskStore(settings.media_dir)
    data = await store.get(sha, width)
    if data is None and width is not None:
        data = await store.get(sha, None)
    if data is None:
        raise NoSuchPicture
    return Answer(data, media=_kind(data), headers=[FOREVER, etag])


def _kind(data: bytes) -> bytes:
    """By the first bytes: only these three kinds are ever kept."""
    return next((kind for start, kind in _KINDS if data.startswith(start)), b"application/octet-stream")


ROUTES = [picture]
