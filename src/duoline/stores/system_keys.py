"""Keys of other systems: made and revoked by headquarters, known by a digest, and good for what they were made for."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, get_args

from duoline.kernel import audit, clock
from duoline.kernel.auth import token_hash
from duoline.kernel.errors import NotFound, ensure
from duoline.kernel.ids import new_id
from duoline.stores.errors import KeyRevoked

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime
    from uuid import UUID

    from duoline.kernel.auth import Actor
    from duoline.kernel.db import Database, Tx

Right = Literal["members.history"]
Purpose = Literal["service", "marketing", "profiling", "sharing"]
RIGHTS: tuple[Right, ...] = get_args(Right)
PURPOSES: tuple[Purpose, ...] = get_args(Purpose)
"""What a system may be given members' data for; each but the first needs the member's consent as well."""

PREFIX = "dlk_"
"""How every key begins, so that one that was left lying about is recognised."""

USED_EVERY = timedelta(minutes=1)


class SystemKey(NamedTuple):
    """A key as it stands. `made_by` and `revoked_by` are names."""

    id: UUID
    name: str
    rights: list[Right]
    purposes: list[Purpose]
    made_by: str
    made_at: datetime
    expires_at: datetime | None
    used_at: datetime | None
    revoked_at: datetime | None
    revoked_by: str | None


async def make(
    tx: Tx,
    *,
    name: str,
    token: str,
    rights: Collection[Right],
    purposes: Collection[Purpose],
    expires_at: datetime | None,
    actor: Actor,
) -> UUID:
    """Keep a new key under a token that the caller has made and shows once."""
    ensure(token.startswith(PREFIX) and bool(rights) and bool(purposes), "STAFF", "a key is for something")
    key_id = new_id()
    await tx.execute(
        """INSERT INTO system_keys (id, name, token_hash, rights, purposes, made_by, made_at, expires_at)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8)""",
        key_id,
        name,
        token_hash(token),
        sorted(set(rights)),
        sorted(set(purposes)),
        actor.label,
        clock.now(),
        expires_at,
    )
    await audit.record(
        tx,
        actor=actor,
        action="system.make",
        subject_kind="system",
        subject=str(key_id),
        after={"name": name, "rights": sorted(rights), "purposes": sorted(purposes), "expires_at": expires_at},
    )
    return key_id


async def revoke(tx: Tx, key_id: UUID, *, reason: str, actor: Actor) -> None:
    """End a key. Locks it. Refuses `kernel.not-found`, `stores.key-revoked`."""
    row = await tx.fetchrow("SELECT name, revoked_at FROM system_keys WHERE id = $1 FOR UPDATE", key_id)
    if row is None:
        raise NotFound(kind="system-key")
    if row["revoked_at"] is not None:
        raise KeyRevoked
    await tx.execute(
        "UPDATE system_keys SET revoked_at = greatest($2, made_at), revoked_by = $3 WHERE id = $1",
        key_id,
        clock.now(),
        actor.label,
    )
    await audit.record(
        tx,
        actor=actor,
        action="system.revoke",
        subject_kind="system",
        subject=str(key_id),
        reason=reason,
        before={"name": row["name"]},
    )


async def find(db: Database | Tx, token: str) -> SystemKey | None:
    """Whose token it is, asked of the database at each call: a revoked key opens nothing any more. Notes the use."""
    now = clock.now()
    row = await db.fetchrow(
        f"{_KEYS} WHERE k.token_hash = $1 AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > $2)",
        token_hash(token),
        now,
    )
    if row is None:
        return None
    if row["used_at"] is None or row["used_at"] <= now - USED_EVERY:
        await db.execute(
            "UPDATE system_keys SET used_at = $2 WHERE id = $1 AND (used_at IS NULL OR used_at < $2)", row["id"], now
        )
    return SystemKey(*row)


async def keys(db: Database | Tx, key_id: UUID | None = None) -> list[SystemKey]:
    """All keys, the newest first, those that have ended too; or one of them."""
    rows: list[Any] = await db.fetch(
        f"{_KEYS} WHERE $1::uuid IS NULL OR k.id = $1 ORDER BY k.revoked_at IS NOT NULL, k.id DESC", key_id
    )
    return [SystemKey(*row) for row in rows]


_KEYS = """
SELECT k.id, k.name, k.rights, k.purposes, coalesce(m.name, '') AS made_by, k.made_at, k.expires_at, k.used_at,
       k.revoked_at, r.name AS revoked_by
FROM system_keys k
LEFT JOIN staff m ON k.made_by = 'staff:' || m.id LEFT JOIN staff r ON k.revoked_by = 'staff:' || r.id
"""
