"""What a picture must be, and what becomes of it. Shared by the program that renders and those that ask it."""

from __future__ import annotations

from typing import Literal

import msgspec

BYTES_MAX = 20_000_000
PIXELS_MAX = 50_000_000
SIDE_MAX = 16_000
STORED_SIDE_MAX = 2400

Reason = Literal["too-big", "not-a-picture", "two-kinds", "too-many-pixels", "damaged"]

REASONS: dict[str, tuple[str, str]] = {
    "too-big": ("文件超过 20 MB", "the file is larger than 20 MB"),
    "not-a-picture": ("只接受 JPEG、PNG 或 WebP 图片", "only JPEG, PNG and WebP pictures are taken"),
    "two-kinds": ("文件里还藏着别的内容", "the file holds something else besides the picture"),
    "too-many-pixels": ("图片尺寸太大", "it has too many pixels"),
    "damaged": ("文件已损坏", "the file is damaged"),
}


class Rendered(msgspec.Struct, frozen=True):
    """A clean picture: its bytes, and thumbnails by width. `sha` is that of the clean bytes."""

    sha: str
    content_type: str
    width: int
    height: int
    full: bytes
    thumbnails: dict[int, bytes]
