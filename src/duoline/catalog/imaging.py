"""Checks an uploaded picture, cleans it and makes its thumbnails. The only module that loads Pillow (25 MB).

The processes that answer requests never import it: `pictures.rendered` runs it as a program of its own,
with limits on memory and time, one picture a run: `python -m duoline.catalog.imaging < picture`. Bulk work
such as the demo chain imports `render` and runs in its own process anyway.

Every picture is decoded and encoded anew from its pixels. So whatever else the file carried is gone: place
and camera in EXIF, a page or an archive appended for somebody else's parser, a second picture. Files that are
two things at once are refused all the same, because nobody uploads them by accident.
"""

from __future__ import annotations

import hashlib
import io
import resource
import struct
import sys
import warnings
from contextlib import suppress
from typing import Any

import msgspec
from PIL import Image, ImageCms, ImageOps

from duoline.catalog.media_store import THUMBNAIL_WIDTHS
from duoline.catalog.picture_rules import BYTES_MAX, PIXELS_MAX, SIDE_MAX, STORED_SIDE_MAX, Reason, Rendered

MEMORY_MAX = 1_500_000_000
CPU_MAX_S = 30

_CONTENT_TYPES = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp"}
# What a file of another kind shows at its start or its end, where its own readers look for it. In lower case.
_STRANGE_HEADS = (b"%pdf-", b"<!doctype", b"<html", b"<script", b"<svg", b"<?php", b"<?xml")
_STRANGE_TAILS = (*_STRANGE_HEADS, b"pk\x05\x06", b"pk\x03\x04", b"rar!", b"7z\xbc\xaf")
_HEAD_LENGTH = 1024

_OPTIONS: dict[str, dict[str, Any]] = {
    "JPEG": {"quality": 90, "progressive": True, "optimize": True},
    "PNG": {"optimize": True},
    "WEBP": {"quality": 82, "method": 4},
}


class Unusable(Exception):
    """The bytes are no picture we take."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason = reason


def render(data: bytes) -> Rendered:
    """The picture cleaned, no side longer than `STORED_SIDE_MAX`, and its thumbnails as WebP. Raises `Unusable`."""
    kind = _kind(data)
    stored = _fitted(_decoded(data, kind), STORED_SIDE_MAX)
    full = _encoded(stored, kind)
    return Rendered(
        sha=hashlib.sha256(full).hexdigest(),
        content_type=_CONTENT_TYPES[kind],
        width=stored.width,
        height=stored.height,
        full=full,
        thumbnails={width: _encoded(_narrowed(stored, width), "WEBP") for width in THUMBNAIL_WIDTHS},
    )


def _kind(data: bytes) -> str:
    """JPEG, PNG or WEBP by the first bytes, once size and strangeness are ruled out."""
    if len(data) > BYTES_MAX:
        raise Unusable("too-big")
    for kind, end in (("JPEG", _jpeg_end), ("PNG", _png_end), ("WEBP", _webp_end)):
        if _starts(kind, data):
            if _strange(data, end(data)):
                raise Unusable("two-kinds")
            return kind
    raise Unusable("not-a-picture")


def _starts(kind: str, data: bytes) -> bool:
    if kind == "JPEG":
        return data.startswith(b"\xff\xd8\xff")
    if kind == "PNG":
        return data.startswith(b"\x89PNG\r\n\x1a\n")
    return data[:4] == b"RIFF" and data[8:12] == b"WEBP"


def _strange(data: bytes, end: int) -> bool:
    head, tail = data[:_HEAD_LENGTH].lower(), data[end:].lower()
    return any(mark in head for mark in _STRANGE_HEADS) or any(mark in tail for mark in _STRANGE_TAILS)


def _jpeg_end(data: bytes) -> int:
    """Just behind the end-of-image marker that a decoder stops at (ITU-T T.81, annex B)."""
    place = 2
    while place + 4 <= len(data):
        if data[place] != 0xFF:
            place += 1  # entropy-coded data up to the next marker
            continue
        marker = data[place + 1]
        if marker == 0xD9:
            return place + 2
        if marker in (0x00, 0x01, 0xFF) or 0xD0 <= marker <= 0xD8:
            place += 1 if marker == 0xFF else 2  # stuffing, fill bytes and markers without a length
            continue
        place += 2 + int(struct.unpack(">H", data[place + 2 : place + 4])[0])
    return len(data)


def _png_end(data: bytes) -> int:
    place = 8
    while place + 8 <= len(data):
        length, name = struct.unpack(">I4s", data[place : place + 8])
        place += 12 + length
        if name == b"IEND":
            break
    return min(place, len(data))


def _webp_end(data: bytes) -> int:
    return min(8 + int(struct.unpack("<I", data[4:8])[0]), len(data))


def _decoded(data: bytes, kind: str) -> Image.Image:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            image: Image.Image = Image.open(io.BytesIO(data), formats=(kind,))
            if max(image.size) > SIDE_MAX or image.width * image.height > PIXELS_MAX:
                raise Unusable("too-many-pixels")
            image.load()
            return _plain(ImageOps.exif_transpose(image))
    except Unusable:
        raise
    except (MemoryError, Image.DecompressionBombError) as error:
        raise Unusable("too-many-pixels") from error
    except Exception as error:
        raise Unusable("damaged") from error


def _plain(image: Image.Image) -> Image.Image:
    """In sRGB, with transparency only if there is any, and nothing attached."""
    clear = image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info
    profile = image.info.get("icc_profile")
    mode = "RGBA" if clear else "RGB"
    if profile and image.mode in ("RGB", "RGBA"):
        # A profile that cannot be read is left out: colours a little off are better than no picture.
        with suppress(ImageCms.PyCMSError, OSError):
            own = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            image = (
                ImageCms.profileToProfile(image, own, ImageCms.createProfile("sRGB"), outputMode=image.mode) or image
            )
    plain = image.convert(mode)
    plain.info.clear()
    return plain


def _fitted(image: Image.Image, longest: int) -> Image.Image:
    if max(image.size) <= longest:
        return image
    return ImageOps.contain(image, (longest, longest), Image.Resampling.LANCZOS)


def _narrowed(image: Image.Image, width: int) -> Image.Image:
    if image.width <= width:
        return image
    return image.resize((width, max(1, round(image.height * width / image.width))), Image.Resampling.LANCZOS)


def _encoded(image: Image.Image, kind: str) -> bytes:
    options = _OPTIONS[kind]
    if kind == "JPEG" and image.mode != "RGB":
        image = image.convert("RGB")
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def main() -> None:
    """Read one picture from standard input; answer a `Rendered` or a reason, as MessagePack."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_MAX, MEMORY_MAX))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_MAX_S, CPU_MAX_S))
    answer: Rendered | str
    try:
        answer = render(sys.stdin.buffer.read())
    except Unusable as refused:
        answer = refused.reason
    sys.stdout.buffer.write(msgspec.msgpack.encode(answer))


if __name__ == "__main__":
    main()
