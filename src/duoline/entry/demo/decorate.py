"""Give products their pictures: drawn when first needed, in two processes, and shared among like products."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING

import msgspec

from duoline.channels.imports.validate import key_of
from duoline.entry.demo.catalogue import LEAVES
from duoline.entry.demo.goods import products
from duoline.entry.demo.pictures.draw import Drawn, Key
from duoline.entry.demo.words import BRANDS, COLOURS
from duoline.kernel import clock
from duoline.kernel.errors import ensure

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from uuid import UUID

    from duoline.entry.demo.goods import Product
    from duoline.entry.demo.size import Size
    from duoline.kernel.db import Database, Tx

BRAND_PALETTES = 4
PROCESSES = 2

_BRAND = {brand[0]: n for n, brand in enumerate(BRANDS)}
_COLOUR = {colour: n for n, colour in enumerate(COLOURS)}


def keys(product: Product) -> list[Key]:
    """The pictures of a product: one a colour it comes in, or one in the colours of its brand."""
    drawing = product.leaf.picture
    if product.colours:
        return [Key(drawing, _COLOUR[colour]) for colour in product.colours]
    return [Key(drawing, _BRAND[product.brand[0]] % BRAND_PALETTES)]


def category_pictures() -> dict[str, Key]:
    """A picture for every category; a parent takes that of its first leaf."""
    found: dict[str, Key] = {}
    for n, leaf in enumerate(LEAVES):
        found[leaf.code] = Key(leaf.picture, n % BRAND_PALETTES)
        found.setdefault(leaf.parent, found[leaf.code])
    return found


class Decorator:
    """Draws what is needed, then attaches it."""

    def __init__(self, size: Size, media_dir: Path) -> None:
        self._size = size
        self._media_dir = media_dir
        self._drawn: dict[Key, Drawn] = {}
        self._shown: dict[str, tuple[list[Key], list[str]]] = {}

    async def draw(self, db: Database) -> None:
        """Draw every picture of the chain, before any product is written: no transaction waits for a drawing.

        Nothing is drawn when the products have their pictures already.
        """
        for product in products(self._size):
            colours = [key_of(colour.zh, colour.en) for colour in product.colours]
            self._shown[product.code] = (keys(product), colours)
        if await db.fetchval("SELECT count(DISTINCT product_id) FROM product_media") >= len(self._shown):
            return
        wanted = sorted({key for found, _ in self._shown.values() for key in found} | set(category_pictures().values()))
        shares = [wanted[n::PROCESSES] for n in range(PROCESSES)]
        for share, drawn in zip(shares, await asyncio.gather(*map(self._drawn_elsewhere, shares)), strict=True):
            self._drawn |= zip(share, drawn, strict=True)
        async with db.begin() as tx:
            await self._record(tx)

    async def _drawn_elsewhere(self, wanted: list[Key]) -> list[Drawn]:
        program = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "duoline.entry.demo.pictures.draw",
            str(self._media_dir),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        out, _ = await program.communicate(msgspec.json.encode(wanted))
        ensure(program.returncode == 0, "DEMO", "the pictures could not be drawn")
        return msgspec.json.decode(out, type=list[Drawn])

    async def decorate(self, tx: Tx, touched: Mapping[str, UUID]) -> None:
        """Attach pictures to the products that a chunk of the import has changed."""
        if not touched or not self._drawn:
            return
        rows = [
            (touched[code], place, self._drawn[key].sha)
            for code in touched
            for place, key in enumerate(self._shown[code][0])
        ]
        await tx.execute(
            """INSERT INTO product_media (product_id, position, sha)
               SELECT * FROM unnest($1::uuid[], $2::int[], $3::text[]) ON CONFLICT DO NOTHING""",
            *map(list, zip(*rows, strict=True)),
        )
        coloured = [
            (touched[code], colour, self._drawn[key].sha)
            for code in touched
            for key, colour in zip(*self._shown[code], strict=False)
        ]
        if coloured:
            await tx.execute(
                """UPDATE skus s SET image_sha = w.sha
                   FROM unnest($1::uuid[], $2::text[], $3::text[]) w(product_id, colour, sha)
                   WHERE s.product_id = w.product_id AND s.options ->> 'colour' = w.colour AND s.image_sha IS NULL""",
                *map(list, zip(*coloured, strict=True)),
            )

    async def decorate_categories(self, tx: Tx) -> None:
        """Give categories a picture where they have none."""
        shown = {code: self._drawn[key].sha for code, key in category_pictures().items() if key in self._drawn}
        await tx.execute(
            """UPDATE categories c SET image_sha = w.sha FROM unnest($1::text[], $2::text[]) w(code, sha)
               WHERE c.code = w.code AND c.image_sha IS NULL""",
            list(shown),
            list(shown.values()),
        )

    async def _record(self, tx: Tx) -> None:
        """Make the pictures known to the catalogue."""
        found = list(self._drawn.values())
        await tx.execute(
            """INSERT INTO media (sha, content_type, width, height, bytes, created_at)
               SELECT w.sha, w.kind, w.side, w.side, w.bytes, $5
               FROM unnest($1::text[], $2::text[], $3::int[], $4::bigint[]) w(sha, kind, side, bytes)
               ON CONFLICT DO NOTHING""",
            [drawn.sha for drawn in found],
            [drawn.content_type for drawn in found],
            [drawn.side for drawn in found],
            [drawn.bytes for drawn in found],
            clock.now(),
        )
