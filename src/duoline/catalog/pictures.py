"""Pictures of products: taken in, attached, put in order, detached.

First the bytes: `rendered` checks and cleans them, `keep` writes them to the media store, both outside any
transaction. Then the rows. A crash between the two leaves a file that nothing points at, which harms nobody
and is found again if the same picture comes once more.
"""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING

import msgspec

from duoline.catalog.changes import changed
from duoline.catalog.errors import BadPicture, NoSuchPicture, TooManyPictures
from duoline.catalog.locks import lock_products
from duoline.catalog.media_store import THUMBNAIL_WIDTHS
from duoline.catalog.picture_rules import BYTES_MAX, REASONS, Rendered
from duoline.catalog.rules import PICTURES_MAX
from duoline.kernel import clock
from duoline.kernel.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from duoline.catalog.media_store import MediaStore
    from duoline.kernel.auth import Actor
    from duoline.kernel.db import Tx

PROGRAM = ("-m", "duoline.catalog.imaging")
TIMEOUT_S = 60
# Each run may take a processor and a gigabyte for a moment; uploads wait for their turn.
_turn = asyncio.Semaphore(1)
_answer = msgspec.msgpack.Decoder(Rendered | str)


async def rendered(data: bytes) -> Rendered:
    """The picture checked, cleaned and with thumbnails. Refuses with `BadPicture`."""
    if len(data) > BYTES_MAX:
        raise _bad("too-big")
    async with _turn:
        out = await _run(data)
    if out is None:
        # Killed by its own limits: the picture asked for more than any honest one does.
        raise _bad("too-many-pixels")
    answer: Rendered | str = _answer.decode(out)
    if isinstance(answer, str):
        raise _bad(answer)
    return answer


async def _run(data: bytes) -> bytes | None:
    """What the program says of the picture, or None when it died."""
    program = await asyncio.create_subprocess_exec(
        sys.executable, *PROGRAM, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    try:
        out, _ = await asyncio.wait_for(program.communicate(data), TIMEOUT_S)
    except TimeoutError as error:
        raise Unavailable("the picture took too long") from error
    finally:
        if program.returncode is None:
            program.kill()
            await program.wait()
    return out if program.returncode == 0 else None


def _bad(reason: str) -> BadPicture:
    zh, en = REASONS[reason]
    return BadPicture(reason=reason, reason_zh=zh, reason_en=en)


async def keep(store: MediaStore, picture: Rendered) -> None:
    """Write the picture and its thumbnails. The full picture last: where it is, the others are."""
    for width in THUMBNAIL_WIDTHS:
        await store.put(picture.sha, width, picture.thumbnails[width])
    await store.put(picture.sha, None, picture.full)


async def record(tx: Tx, picture: Rendered) -> None:
    """Make a kept picture known, once."""
    await tx.execute(
        "INSERT INTO media (sha, content_type, width, height, bytes, created_at) VALUES ($1, $2, $3, $4, $5, $6)"
        " ON CONFLICT (sha) DO NOTHING",
        picture.sha,
        picture.content_type,
        picture.width,
        picture.height,
        len(picture.full),
        clock.now(),
    )


async def attach(tx: Tx, *, actor: Actor, product_id: UUID, sha: str) -> None:
    """Add a recorded picture behind the product's others; one it has already stays where it is."""
    await lock_products(tx, [product_id])
    have = await _shas(tx, product_id)
    if sha in have:
        return
    if len(have) >= PICTURES_MAX:
        raise TooManyPictures(most=PICTURES_MAX)
    await _write(tx, product_id, [*have, sha])
    await changed(tx, actor=actor, product_id=product_id, action="product.picture-added", after={"sha": sha})


async def detach(tx: Tx, *, actor: Actor, product_id: UUID, sha: str) -> None:
    """Take a picture from the product and its variants; the file stays, orders show it. Refuses `NoSuchPicture`."""
    await lock_products(tx, [product_id])
    have = await _shas(tx, product_id)
    if sha not in have:
        raise NoSuchPicture
    await tx.execute("UPDATE skus SET image_sha = NULL WHERE product_id = $1 AND image_sha = $2", product_id, sha)
    await _write(tx, product_id, [each for each in have if each != sha])
    await changed(tx, actor=actor, product_id=product_id, action="product.picture-removed", before={"sha": sha})


async def arrange(tx: Tx, *, actor: Actor, product_id: UUID, shas: Sequence[str]) -> None:
    """Put the product's pictures in this order, the first being the one lists show. Refuses `NoSuchPicture`."""
    await lock_products(tx, [product_id])
    have = await _shas(tx, product_id)
    if sorted(have) != sorted(shas):
        raise NoSuchPicture
    if have == list(shas):
        return
    await _write(tx, product_id, shas)
    await changed(tx, actor=actor, product_id=product_id, action="product.pictures-arranged")


async def _shas(tx: Tx, product_id: UUID) -> list[str]:
    rows = await tx.fetch("SELECT sha FROM product_media WHERE product_id = $1 ORDER BY position", product_id)
    return [row["sha"] for row in rows]


async def _write(tx: Tx, product_id: UUID, shas: Sequence[str]) -> None:
    await tx.execute("DELETE FROM product_media WHERE product_id = $1", product_id)
    await tx.execute(
        "INSERT INTO product_media (product_id, position, sha)"
        " SELECT $1, n - 1, sha FROM unnest($2::text[]) WITH ORDINALITY AS u(sha, n)",
        product_id,
        list(shas),
    )
