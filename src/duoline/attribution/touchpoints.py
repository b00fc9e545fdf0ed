"""Make touchpoints, find them, end them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from duoline.attribution.codes import new_code
from duoline.attribution.errors import NoteNotShown, TouchpointEnded
from duoline.attribution.types import Owner, Target, Touchpoint
from duoline.kernel import audit, clock
from duoline.kernel.errors import BadInput, Fault, NotFound, ensure
from duoline.kernel.ids import new_id
from duoline.kernel.text import Text

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any
    from uuid import UUID

    import asyncpg

    from duoline.attribution.types import Kind
    from duoline.kernel.auth import Actor
    from duoline.kernel.db import Database, Tx

CODES_TRIED_MAX = 5
NOTE_LENGTH_MAX = 60
_LINK = re.compile(r"https?:|www\.|://|\.(?:com|cn|net|org|top|vip)\b", re.IGNORECASE)
_NUMBER = re.compile(r"(?:\d[\s-]?){7,}")

COLUMNS = """t.owner_kind, t.owner_id, t.id, t.code, t.kind, t.name_zh, t.name_en, t.store_id, t.place, t.target_kind,
              t.target, t.note, t.device_id, t.created_at, t.ended_at"""


class NewTouchpoint(NamedTuple):
    """A touchpoint to make."""

    kind: Kind
    owner: Owner
    name: Text
    target: Target
    store_id: UUID | None = None
    place: str = ""
    note: str = ""
    device_id: UUID | None = None
    standing: bool = False


async def make(tx: Tx, new: NewTouchpoint, *, actor: Actor, reason: str = "") -> Touchpoint:
    """Make one, with a code that nobody has. What staff make is audited; what members share stands in its own row.

    Refuses `attribution.note-not-shown`, then `kernel.bad-input` for a target that is not there.
    """
    check_note(new.note)
    await _check_target(tx, new.target)
    made_id, now = new_id(), clock.now()
    code = await _free_code(tx, owner_id=new.owner.id, touchpoint_id=made_id)
    await tx.execute(
        """INSERT INTO touchpoints (owner_id, id, code, kind, owner_kind, name_zh, name_en, store_id, place,
                                    target_kind, target, note, device_id, standing, created_by, created_at)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)""",
        new.owner.id,
        made_id,
        code,
        new.kind,
        new.owner.kind,
        new.name.zh,
        new.name.en,
        new.store_id,
        new.place,
        new.target.kind,
        new.target.name,
        new.note,
        new.device_id,
        new.standing,
        actor.label,
        now,
    )
    if actor.kind != "member":
        await audit.record(
            tx,
            actor=actor,
            action="touchpoint.make",
            subject_kind="touchpoint",
            subject=code,
            reason=reason,
            after={"kind": new.kind, "name": new.name, "target": [new.target.kind, new.target.name]},
            store_id=new.store_id,
        )
    return Touchpoint(
        new.owner, made_id, code, new.kind, new.name, new.store_id, new.place, new.target, new.note, new.device_id, now,
        None,
    )  # fmt: skip


async def end(tx: Tx, owner_id: UUID, touchpoint_id: UUID, *, reason: str, actor: Actor) -> None:
    """From now on its code says that it has ended. Ending it again changes nothing. Refuses `kernel.not-found`."""
    row = await tx.fetchrow(
        "SELECT code, store_id, ended_at FROM touchpoints WHERE owner_id = $1 AND id = $2 FOR UPDATE",
        owner_id,
        touchpoint_id,
    )
    if row is None:
        raise NotFound(kind="touchpoint")
    if row["ended_at"] is not None:
        return
    now = clock.now()
    await tx.execute(
        "UPDATE touchpoints SET ended_at = greatest($3, created_at) WHERE owner_id = $1 AND id = $2",
        owner_id,
        touchpoint_id,
        now,
    )
    if actor.kind != "member":
        await audit.record(
            tx,
            actor=actor,
            action="touchpoint.end",
            subject_kind="touchpoint",
            subject=row["code"],
            reason=reason,
            after={"ended_at": now},
            store_id=row["store_id"],
        )


async def lead_elsewhere(
    tx: Tx, owner_id: UUID, touchpoint_id: UUID, target: Target, *, reason: str, actor: Actor
) -> None:
    """From now on the code, which stays as it was printed, leads to another page. What it brought stays its own.

    Locks the touchpoint. Refuses `kernel.not-found` for one whose page is what it is: a guide's, a label's, what
    members share; then `attribution.touchpoint-ended`, and a target that is none as `make` does.
    """
    row = await tx.fetchrow(
        """SELECT code, store_id, ended_at, target_kind, target FROM touchpoints
           WHERE owner_id = $1 AND id = $2 AND owner_kind IN ('store', 'chain') AND NOT label FOR UPDATE""",
        owner_id,
        touchpoint_id,
    )
    if row is None:
        raise NotFound(kind="touchpoint")
    if row["ended_at"] is not None:
        raise TouchpointEnded
    await _check_target(tx, target)
    if (row["target_kind"], row["target"]) == (target.kind, target.name):
        return
    await tx.execute(
        "UPDATE touchpoints SET target_kind = $3, target = $4 WHERE owner_id = $1 AND id = $2",
        owner_id,
        touchpoint_id,
        target.kind,
        target.name,
    )
    await audit.record(
        tx,
        actor=actor,
        action="touchpoint.target",
        subject_kind="touchpoint",
        subject=row["code"],
        reason=reason,
        before={"target": [row["target_kind"], row["target"]]},
        after={"target": [target.kind, target.name]},
        store_id=row["store_id"],
    )


async def coded(db: Database | Tx, code: str) -> Touchpoint | None:
    """The touchpoint of a code, ended or not. Two statements, each by its own key."""
    where = await db.fetchrow("SELECT owner_id, touchpoint_id FROM touchpoint_codes WHERE code = $1", code)
    if where is None:
        return None
    row = await db.fetchrow(
        f"SELECT {COLUMNS} FROM touchpoints t WHERE t.owner_id = $1 AND t.id = $2",  # noqa: S608 - our own columns
        where["owner_id"],
        where["touchpoint_id"],
    )
    ensure(row is not None, "ATT-5", f"the code {code} leads to no touchpoint")
    return None if row is None else of_row(row)


async def get(db: Database | Tx, touchpoint_id: UUID) -> Touchpoint:
    """One by its id alone, for staff. Refuses `kernel.not-found`."""
    row = await db.fetchrow(f"SELECT {COLUMNS} FROM touchpoints t WHERE t.id = $1", touchpoint_id)  # noqa: S608 - as above
    if row is None:
        raise NotFound(kind="touchpoint")
    return of_row(row)


def of_row(row: Mapping[str, Any] | asyncpg.Record) -> Touchpoint:
    """From a row with the columns of `touchpoints`."""
    return Touchpoint(
        Owner(row["owner_kind"], row["owner_id"]),
        row["id"],
        row["code"],
        row["kind"],
        Text(row["name_zh"], row["name_en"]),
        row["store_id"],
        row["place"],
        Target(row["target_kind"], row["target"]),
        row["note"],
        row["device_id"],
        row["created_at"],
        row["ended_at"],
    )


def check_note(note: str) -> None:
    """Refuse with `NoteNotShown` what would lead readers elsewhere."""
    if len(note) > NOTE_LENGTH_MAX or _LINK.search(note) or _NUMBER.search(note):
        raise NoteNotShown


_TARGETS = {
    "product": "SELECT true FROM products WHERE code = $1",
    "category": "SELECT true FROM categories WHERE code = $1",
    "store": "SELECT true FROM stores WHERE code = $1",
    # Only what anybody may take in the coupon centre: a code of another kind would be a way around it.
    "coupon": "SELECT true FROM coupon_batches WHERE batch_id::text = $1 AND way = 'claim'",
}


async def _check_target(tx: Tx, target: Target) -> None:
    known = _TARGETS.get(target.kind)
    if known is not None and not await tx.fetchval(known, target.name):
        raise BadInput(
            problems=[
                {"field": "target", "zh": "没有这个页面,请重新选择。", "en": "There is no such page; choose again."}
            ]
        )


async def _free_code(tx: Tx, *, owner_id: UUID, touchpoint_id: UUID) -> str:
    for _ in range(CODES_TRIED_MAX):
        code = new_code()
        free = await tx.fetchval(
            """INSERT INTO touchpoint_codes (code, owner_id, touchpoint_id) VALUES ($1, $2, $3)
               ON CONFLICT (code) DO NOTHING RETURNING true""",
            code,
            owner_id,
            touchpoint_id,
        )
        if free:
            return code
    raise Fault("ATT-5", f"no free code in {CODES_TRIED_MAX} tries")
