"""Draw pictures and put them into the media store. A program of its own, since drawing is all computing:

`python -m duoline.entry.demo.pictures.draw MEDIA_DIR` reads a list of keys and writes a list of what it drew, as JSON.
"""

from __future__ import annotations

import hashlib
import io
import sys
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from duoline.catalog.media_store import THUMBNAIL_WIDTHS, DiskStore
from duoline.entry.demo.pictures import large, packs, soft, things
from duoline.entry.demo.pictures.canvas import PALETTES, SIDE, Canvas, Palette
from duoline.entry.demo.pictures.signs import backdrop

if TYPE_CHECKING:
    from collections.abc import Callable

    from PIL.Image import Image

_NAMES = {
    packs: "tin box pouch bag diaper wipes pads pump tube book",
    soft: "bodysuit set coat sock hat trousers sleepbag towel blanket teddy",
    things: "bottle soother cup bowl appliance tub blocks rattle puzzle breastpump",
    large: "stroller carseat carrier backpack crib mobile mat",
}
DRAWINGS: dict[str, Callable[[Canvas, Palette, Random], None]] = {
    name: getattr(module, name) for module, names in _NAMES.items() for name in names.split()
}


class Key(NamedTuple):
    """Which picture: the drawing and the number of its palette."""

    drawing: str
    palette: int


class Drawn(NamedTuple):
    """A picture that lies in the media store."""

    sha: str
    content_type: str
    side: int
    bytes: int


def draw(key: Key) -> Image:
    """The picture, always the same for the same key."""
    canvas, palette = Canvas(), PALETTES[key.palette]
    chance = Random(f"{key.drawing}:{key.palette}")  # noqa: S311 - the same picture every time is what is wanted
    backdrop(canvas, palette, chance)
    DRAWINGS[key.drawing](canvas, palette, chance)
    return canvas.finished()


def draw_and_keep(key: Key, media_dir: str) -> Drawn:
    """Draw a picture and put it with its thumbnails into the store on this machine's disk."""
    image = draw(key)
    full = _encoded(image)
    sha = hashlib.sha256(full).hexdigest()
    store = DiskStore(Path(media_dir))
    for width in THUMBNAIL_WIDTHS:
        store.write(sha, width, full if width >= SIDE else _encoded(image.reduce(SIDE // width)))
    store.write(sha, None, full)
    return Drawn(sha, "image/webp", SIDE, len(full))


def _encoded(image: Image) -> bytes:
    out = io.BytesIO()
    image.save(out, "WEBP", quality=84, method=2)
    return out.getvalue()


def main() -> None:
    """Draw what standard input asks for."""
    wanted = msgspec.json.decode(sys.stdin.buffer.read(), type=list[Key])
    sys.stdout.buffer.write(msgspec.json.encode([draw_and_keep(key, sys.argv[1]) for key in wanted]))


if __name__ == "__main__":
    main()
