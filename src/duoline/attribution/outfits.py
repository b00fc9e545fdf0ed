"""Outfits: products that somebody thinks go well together, with a few words, behind a link of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from duoline.attribution.errors import OutfitEnded
from duoline.attribution.touchpoints import NewTouchpoint, check_note, make
from duoline.attribution.types import Owner, Target, Touchpoint
from duoline.kernel import audit, clock
from duoline.kernel.errors import BadInput, NotFound, ensure
from duoline.kernel.ids import new_id
from duoline.kernel.text import Text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from duoline.attribution.types import OwnerKind
    from duoline.kernel.auth import Actor
    from duoline.kernel.db import Database, Tx

PIECES_MIN, PIECES_MAX = 2, 8


class Piece(NamedTuple):
    """A product of an outfit, and the variant that its maker had in mind; None for any."""

    product_code: str
    sku_id: UUID | None = None


class Look(NamedTuple):
    """What an outfit is called, a few words about it, and its products in their order."""

    name: str
    note: str
    pieces: Sequence[Piece]


class Outfit(NamedTuple):
    """An outfit as it is now."""

    owner_kind: OwnerKind
    owner_id: UUID
    id: UUID
    look: Look
    store_id: UUID | None
    made_at: datetime
    ended_at: datetime | None


async def make_outfit(
    tx: Tx,
    *,
    owner: Owner,
    look: Look,
    actor: Actor,
    store_id: UUID | None = None,
    device_id: UUID | None = None,
) -> tuple[Outfit, Touchpoint]:
    """Make one, with a share of its maker's that leads to it.

    Refuses `attribution.note-not-shown` for the name or the note, then `kernel.bad-input` for products that are not
    sold, come twice, or are fewer than two or more than eight.
    """
    outfit_id, now, look = new_id(), clock.now(), _tidy(look)
    await tx.execute(
        """INSERT INTO outfits (owner_id, id, owner_kind, name, note, store_id, made_at)
           VALUES ($1, $2, $3, $4, $5, $6, $7)""",
        owner.id,
        outfit_id,
        owner.kind,
        look.name,
        look.note,
        store_id,
        now,
    )
    await _set_pieces(tx, owner.id, outfit_id, look.pieces)
    await _record(tx, actor, "outfit.make", outfit_id, look, store_id)
    target = Target("outfit", str(outfit_id))
    new = NewTouchpoint("share", owner, Text(look.name, look.name), target, store_id, device_id=device_id)
    shared = await make(tx, new, actor=actor)
    return Outfit(owner.kind, owner.id, outfit_id, look, store_id, now, None), shared


async def edit_outfit(tx: Tx, owner_id: UUID, outfit_id: UUID, look: Look, *, actor: Actor) -> Outfit:
    """Say anew what it is; links that lead to it stay. Locks the outfit.

    Refuses `kernel.not-found` for what is not this maker's, `attribution.outfit-ended`, then as `make_outfit`.
    """
    await _lock(tx, owner_id, outfit_id)
    look = _tidy(look)
    await tx.execute(
        "UPDATE outfits SET name = $3, note = $4 WHERE owner_id = $1 AND id = $2",
        owner_id,
        outfit_id,
        look.name,
        look.note,
    )
    await tx.execute("DELETE FROM outfit_pieces WHERE owner_id = $1 AND outfit_id = $2", owner_id, outfit_id)
    await _set_pieces(tx, owner_id, outfit_id, look.pieces)
    await tx.execute(
        """UPDATE touchpoints SET name_zh = $3, name_en = $3
           WHERE owner_id = $1 AND target_kind = 'outfit' AND target = $2""",
        owner_id,
        str(outfit_id),
        look.name,
    )
    outfit = await get_outfit(tx, outfit_id)
    await _record(tx, actor, "outfit.edit", outfit_id, look, outfit.store_id)
    return outfit


async def end_outfit(tx: Tx, owner_id: UUID, outfit_id: UUID, *, actor: Actor) -> None:
    """Nobody sees it any more, and its maker's links to it have ended. Ending it again changes nothing.

    Locks the outfit. Refuses `kernel.not-found`.
    """
    try:
        await _lock(tx, owner_id, outfit_id)
    except OutfitEnded:
        return
    await tx.execute(
        "UPDATE outfits SET ended_at = greatest($3, made_at) WHERE owner_id = $1 AND id = $2",
        owner_id,
        outfit_id,
        clock.now(),
    )
    await tx.execute(
        """UPDATE touchpoints SET ended_at = greatest($3, created_at)
           WHERE owner_id = $1 AND target_kind = 'outfit' AND target = $2 AND ended_at IS NULL""",
        owner_id,
        str(outfit_id),
        clock.now(),
    )
    outfit = await get_outfit(tx, outfit_id)
    await _record(tx, actor, "outfit.end", outfit_id, outfit.look, outfit.store_id)


_OUTFITS = """
SELECT o.owner_kind, o.owner_id, o.id, o.name, o.note, o.store_id, o.made_at, o.ended_at,
       ARRAY(SELECT p.code FROM outfit_pieces i JOIN products p ON p.id = i.product_id
             WHERE i.owner_id = o.owner_id AND i.outfit_id = o.id ORDER BY i.n) AS codes,
       ARRAY(SELECT i.sku_id FROM outfit_pieces i JOIN products p ON p.id = i.product_id
             WHERE i.owner_id = o.owner_id AND i.outfit_id = o.id ORDER BY i.n) AS sku_ids
FROM outfits o
"""


async def get_outfit(db: Database | Tx, outfit_id: UUID) -> Outfit:
    """One by its id alone, ended or not. Refuses `kernel.not-found`."""
    row = await db.fetchrow(f"{_OUTFITS} WHERE o.id = $1", outfit_id)
    if row is None:
        raise NotFound(kind="outfit")
    return _of(row)


async def outfits_of(
    db: Database | Tx, owner_id: UUID, *, store_id: UUID | None = None, before: UUID | None, limit: int
) -> list[Outfit]:
    """Those of one maker that have not ended, at one shop if that is named; the newest first."""
    rows = await db.fetch(
        f"""{_OUTFITS} WHERE o.owner_id = $1 AND o.ended_at IS NULL AND ($2::uuid IS NULL OR o.store_id = $2)
              AND ($3::uuid IS NULL OR o.id < $3) ORDER BY o.id DESC LIMIT $4""",
        owner_id,
        store_id,
        before,
        limit,
    )
    return [_of(row) for row in rows]


def _of(row: Any) -> Outfit:
    pieces = [Piece(code, sku_id) for code, sku_id in zip(row["codes"], row["sku_ids"], strict=True)]
    look = Look(row["name"], row["note"], pieces)
    return Outfit(row["owner_kind"], row["owner_id"], row["id"], look, row["store_id"], row["made_at"], row["ended_at"])


def _tidy(look: Look) -> Look:
    """Without blanks around; refuses what would lead readers elsewhere."""
    look = Look(look.name.strip(), look.note.strip(), look.pieces)
    check_note(look.name)
    check_note(look.note)
    if not look.name:
        raise BadInput(problems=[{"field": "name", "zh": "请给搭配起个名字。", "en": "Give the outfit a name."}])
    return look


async def _set_pieces(tx: Tx, owner_id: UUID, outfit_id: UUID, pieces: Sequence[Piece]) -> None:
    codes = [piece.product_code for piece in pieces]
    if len(set(codes)) < len(codes) or not PIECES_MIN <= len(codes) <= PIECES_MAX:
        raise _wrong("请选 2 到 8 件不同的商品。", "Choose two to eight different articles.")
    made = await tx.fetch(
        """INSERT INTO outfit_pieces (owner_id, outfit_id, n, product_id, sku_id)
           SELECT $1, $2, w.n, p.id, w.sku_id
           FROM unnest($3::text[], $4::uuid[]) WITH ORDINALITY AS w(code, sku_id, n)
           JOIN products p ON p.code = w.code AND p.state = 'published'
           WHERE w.sku_id IS NULL OR EXISTS (SELECT FROM skus s WHERE s.id = w.sku_id AND s.product_id = p.id)
           RETURNING n""",
        owner_id,
        outfit_id,
        codes,
        [piece.sku_id for piece in pieces],
    )
    if len(made) < len(codes):
        raise _wrong("有商品已下架,请换一件。", "An article is not sold any more; choose another.")
    ensure(sorted(row["n"] for row in made) == list(range(1, len(codes) + 1)), "ATT-6", f"outfit {outfit_id} has gaps")


def _wrong(zh: str, en: str) -> BadInput:
    return BadInput(problems=[{"field": "pieces", "zh": zh, "en": en}])


async def _lock(tx: Tx, owner_id: UUID, outfit_id: UUID) -> None:
    row = await tx.fetchrow(
        "SELECT ended_at FROM outfits WHERE owner_id = $1 AND id = $2 FOR UPDATE", owner_id, outfit_id
    )
    if row is None:
        raise NotFound(kind="outfit")
    if row["ended_at"] is not None:
        raise OutfitEnded


async def _record(tx: Tx, actor: Actor, action: str, outfit_id: UUID, look: Look, store_id: UUID | None) -> None:
    """What staff do is audited; what members share stands in its own row."""
    if actor.kind != "member":
        await audit.record(
            tx,
            actor=actor,
            action=action,
            subject_kind="outfit",
            subject=str(outfit_id),
            after={"name": look.name, "pieces": [piece.product_code for piece in look.pieces]},
            store_id=store_id,
        )
