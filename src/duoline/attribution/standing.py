"""A link for every page without a write for any: a sharer's one code, and what they shared by it.

WeChat's menu sends the link that the page named before anybody opened the menu, so that a link must be there for every
page that is looked at. Its address is the sharer's own code, one a person for ever, and the thing:
`/t/<own code>/product/MILK`. What a clerk shares is their shop's, so that they have one code a shop. When
somebody opens it for the first time, the sharer's standing share of that thing is made, one a sharer, shop and thing
(`touchpoints_standing_ux`), and counted like any link; what nobody opened was not shared and is nowhere. A label that
was printed before there were touchpoints becomes known the same way (`labels.py`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import asyncpg

from duoline.attribution.shares import titled
from duoline.attribution.touchpoints import COLUMNS, NewTouchpoint, make, of_row
from duoline.attribution.types import Owner, Target
from duoline.kernel.errors import Fault
from duoline.kernel.text import Text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from duoline.attribution.types import Touchpoint
    from duoline.kernel.auth import Actor
    from duoline.kernel.db import Database, Tx

OWN = Target("home")
"""Where the bare code of a sharer leads."""


async def own_code(db: Database | Tx, owner_ids: Sequence[UUID], *, store_id: UUID | None = None) -> str | None:
    """The code of a sharer, under any id they have, of a clerk that of a shop; None for who never needed one."""
    code: str | None = await db.fetchval(
        """SELECT code FROM touchpoints
           WHERE owner_id = ANY ($1) AND store_id IS NOT DISTINCT FROM $2 AND standing AND target_kind = 'home'
             AND ended_at IS NULL
           ORDER BY id LIMIT 1""",
        list(owner_ids),
        store_id,
    )
    return code


async def make_own_code(
    tx: Tx, *, owner: Owner, actor: Actor, device_id: UUID | None, store_id: UUID | None = None
) -> str:
    """The code of a sharer, of a clerk for a shop, made when they need it first. Two at once get the same: the unique
    key decides."""
    new = NewTouchpoint(
        kind="share",
        owner=owner,
        name=Text("我的分享", "My shares"),
        target=OWN,
        store_id=store_id,
        device_id=device_id,
        standing=True,
    )
    return (await _one(tx, new, actor=actor)).code


async def standing_share(db: Database | Tx, own: Touchpoint, target: Target) -> Touchpoint | None:
    """What a sharer shares of a thing by their own code: the live one, else the one that ended last, else None."""
    return await _standing(db, own.owner.id, own.store_id, target)


async def _standing(db: Database | Tx, owner_id: UUID, store_id: UUID | None, target: Target) -> Touchpoint | None:
    row = await db.fetchrow(
        f"""SELECT {COLUMNS} FROM touchpoints t
            WHERE t.owner_id = $1 AND t.store_id IS NOT DISTINCT FROM $2 AND t.standing AND t.target_kind = $3
              AND t.target = $4
            ORDER BY t.ended_at DESC NULLS FIRST LIMIT 1""",  # noqa: S608 - our own columns
        owner_id,
        store_id,
        target.kind,
        target.name,
    )
    return None if row is None else of_row(row)


async def make_standing_share(tx: Tx, own: Touchpoint, target: Target, *, actor: Actor) -> Touchpoint:
    """The standing share of a thing, made when the first of its readers comes. Repeating it changes nothing.

    Refuses `kernel.not-found` for what is not for sale or not to be had. The browser that the sharer's code was made in
    stays theirs: who opens the link there is marked as with any link (`own_device`).
    """
    name = await titled(tx, target)
    new = NewTouchpoint(
        kind="share",
        owner=own.owner,
        name=name,
        target=target,
        store_id=own.store_id,
        device_id=own.device_id,
        standing=True,
    )
    return await _one(tx, new, actor=actor)


async def _one(tx: Tx, new: NewTouchpoint, *, actor: Actor) -> Touchpoint:
    try:
        async with tx.transaction():
            return await make(tx, new, actor=actor)
    except asyncpg.UniqueViolationError:
        found = await _standing(tx, new.owner.id, new.store_id, new.target)
    if found is None:
        raise Fault("ATT-7", f"{new.owner.id} has a standing share of {new.target} that is not there")
    return found
