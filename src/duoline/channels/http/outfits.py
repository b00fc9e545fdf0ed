"""Outfits that members and guides make: what is sent, and what their maker is shown of one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec

from duoline import attribution, catalog
from duoline.attribution import Look, Outfit, Piece
from duoline.channels.http import cursors
from duoline.channels.http.answers import Input, Page
from duoline.channels.http.shares import ShareView
from duoline.flows.order_view import Image, image_of
from duoline.kernel.db import Database, Tx
from duoline.kernel.text import Text


class PieceInput(Input, frozen=True):
    """A product by its code, and the variant that one has in mind, if one has."""

    product_code: Annotated[str, msgspec.Meta(min_length=1, max_length=40)]
    sku_id: UUID | None = None


class OutfitInput(Input, frozen=True, kw_only=True):
    """What it is called, a few words about it, and its products in their order."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=attribution.NOTE_LENGTH_MAX, pattern=r"\S")]
    note: Annotated[str, msgspec.Meta(max_length=attribution.NOTE_LENGTH_MAX)] = ""
    pieces: Annotated[
        list[PieceInput], msgspec.Meta(min_length=attribution.PIECES_MIN, max_length=attribution.PIECES_MAX)
    ]

    @property
    def look(self) -> Look:
        """As the verbs take it."""
        return Look(self.name, self.note, [Piece(one.product_code, one.sku_id) for one in self.pieces])


class PieceView(msgspec.Struct, frozen=True):
    """A product of an outfit. Without a name it is not sold any more."""

    product_code: str
    sku_id: UUID | None
    name: Text | None
    image: Image | None


class OutfitView(msgspec.Struct, frozen=True, kw_only=True):
    """An outfit as its maker sees it; everybody else sees it at `url`."""

    id: UUID
    name: str
    note: str
    made_at: datetime
    ended_at: datetime | None
    pieces: list[PieceView]


class MadeOutfit(msgspec.Struct, frozen=True):
    """An outfit that was just made, and the link to send on."""

    outfit: OutfitView
    share: ShareView


async def outfit_views(db: Database | Tx, found: Sequence[Outfit]) -> list[OutfitView]:
    """Outfits with the names and pictures of their products, in one query for all."""
    codes = sorted({piece.product_code for one in found for piece in one.look.pieces})
    rows = await db.fetch(
        """SELECT d.code, coalesce(k.sku_id, d.sku_ids[1]) AS sku_id FROM product_docs d
           LEFT JOIN unnest($2::text[], $3::uuid[]) AS k(code, sku_id) ON k.code = d.code
           WHERE d.code = ANY ($1) AND cardinality(d.sku_ids) > 0""",
        codes,
        *_chosen(found),
    )
    of = {(row["code"], row["sku_id"]) for row in rows}
    facts = await catalog.sku_facts(db, sorted({sku_id for _, sku_id in of}))
    first = {code: sku_id for code, sku_id in sorted(of) if sku_id in facts}

    def view(piece: Piece) -> PieceView:
        chosen = piece.sku_id if piece.sku_id in facts else first.get(piece.product_code)
        sku = facts[chosen] if chosen else None
        return PieceView(
            piece.product_code,
            piece.sku_id,
            sku.name.filled if sku and sku.sellable else None,
            image_of(sku.image_sha) if sku else None,
        )

    return [
        OutfitView(
            id=one.id,
            name=one.look.name,
            note=one.look.note,
            made_at=one.made_at,
            ended_at=one.ended_at,
            pieces=[view(piece) for piece in one.look.pieces],
        )
        for one in found
    ]


def _chosen(found: Sequence[Outfit]) -> tuple[list[str], list[UUID]]:
    pairs = {(piece.product_code, piece.sku_id) for one in found for piece in one.look.pieces if piece.sku_id}
    return [code for code, _ in pairs], [sku_id for _, sku_id in pairs]


async def outfit_page(db: Database, found: Sequence[Outfit], limit: int) -> Page[OutfitView]:
    """A page of outfits, of which there is one more than `limit` when it goes on."""
    shown = found[:limit]
    return Page(await outfit_views(db, shown), cursors.pack(shown[-1].id) if len(found) > limit else None)
