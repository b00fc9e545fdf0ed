"""Where pictures are kept: a port for object stores, and the one on this machine's disk.

A picture is named by the SHA-256 of its bytes, so it never changes, can be cached for ever, and is stored once
however often it is uploaded. Its thumbnails are named after it.
"""

from __future__ import annotations

import asyncio
import os
import re
import tempfile
from typing import TYPE_CHECKING, Protocol

from duoline.kernel.errors import ensure

if TYPE_CHECKING:
    from pathlib import Path

THUMBNAIL_WIDTHS = (320, 800)
_SHA = re.compile(r"[0-9a-f]{64}")


class MediaStore(Protocol):
    """What the catalogue asks of a store of objects. `width` None is the full picture."""

    async def put(self, sha: str, width: int | None, data: bytes) -> None:
        """Keep an object. Safe to repeat; a reader sees all of it or nothing."""

    async def get(self, sha: str, width: int | None) -> bytes | None:
        """The object, or None."""


class DiskStore:
    """Objects as files, in 65,536 folders by the first four digits of their name."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def path(self, sha: str, width: int | None) -> Path:
        """Where an object lies or would lie."""
        ensure(_SHA.fullmatch(sha), "MEDIA", "an object is named by its SHA-256")
        name = sha if width is None else f"{sha}.{width}"
        return self.root / sha[:2] / sha[2:4] / name

    async def put(self, sha: str, width: int | None, data: bytes) -> None:
        """Keep an object."""
        await asyncio.to_thread(self.write, sha, width, data)

    async def get(self, sha: str, width: int | None) -> bytes | None:
        """The object, or None."""
        return await asyncio.to_thread(self.read, sha, width)

    def write(self, sha: str, width: int | None, data: bytes) -> None:
        """Write beside the place, flush to disk, then rename: a crash leaves no half file under a good name."""
        path = self.path(sha, width)
        if path.exists():
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, scratch = tempfile.mkstemp(dir=path.parent, prefix=".part-")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.replace(scratch, path)
        except BaseException:
            os.unlink(scratch)
            raise

    def read(self, sha: str, width: int | None) -> bytes | None:
        """The object, or None."""
        try:
            return self.path(sha, width).read_bytes()
        except FileNotFoundError:
            return None
