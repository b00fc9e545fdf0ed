"""Events that a consumer failed on for good: put aside with the whole of what they said, seen, and told again.

The log forgets an event after two weeks; what is put aside is kept until somebody has it told again. The worker does
that (`outbox.run_consumers`), as it does everything of events, so that asking for it is one short write.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from duoline.kernel import audit, clock
from duoline.kernel.auth import SYSTEM
from duoline.kernel.errors import NotFound
from duoline.kernel.ids import new_id

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import datetime
    from uuid import UUID

    from duoline.kernel.auth import Actor
    from duoline.kernel.db import Database, Tx

PREFIX = "event:"
"""Records of such events are `event:<consumer>`, with the number in the log as the key."""

COUNT = "SELECT count(*) FROM flow_records WHERE name LIKE 'event:%' AND state = 'failed'"


class PutAside(NamedTuple):
    """An event that was put aside; `asked` when somebody wants it told again, and no worker has done so yet. It was
    tried so many times; what it said is `payload`, and of whom `member_id`."""

    id: UUID
    consumer: str
    event_id: int
    topic: str
    about: str
    problem: str
    asked: bool
    at: datetime
    tries: int
    payload: Mapping[str, Any]
    member_id: UUID | None


async def put_aside(tx: Tx, consumer: str, event: Any, *, attempts: int, problem: str) -> None:
    """Record an event (`outbox.Event`) that a consumer failed on. Once for each."""
    now, record_id = clock.now(), new_id()
    made = await tx.fetchval(
        """INSERT INTO flow_records (id, name, key, step, data, state, attempts, run_at, problem, created_at,
                                     updated_at)
           VALUES ($1, $2, $3, $4, $5, 'failed', $6, $7, $8, $7, $7) ON CONFLICT (name, key) DO NOTHING
           RETURNING true""",
        record_id,
        f"{PREFIX}{consumer}",
        str(event.id),
        event.topic,
        {
            "key": event.key,
            "payload": event.payload,
            "member_id": event.member_id,
            "store_ids": event.store_ids,
            "at": event.at,
        },
        attempts,
        now,
        problem[:2000],
    )
    if made:
        await _trace(tx, "put-aside", event.id, SYSTEM, reason="", consumer=consumer, topic=event.topic)


async def list_aside(
    db: Database | Tx,
    *,
    limit: int,
    before: tuple[datetime, UUID] | None = None,
    among: Collection[UUID] | None = None,
) -> list[PutAside]:
    """What is put aside, the newest first; `among` some records only."""
    rows = await db.fetch(
        """SELECT id, name, key, step, data->>'key' AS about, coalesce(problem, '') AS problem,
                  state = 'running' AS asked, created_at, attempts,
                  coalesce(data->'payload', '{}') AS payload, (data->>'member_id')::uuid AS member_id
           FROM flow_records
           WHERE name LIKE 'event:%' AND state <> 'done'
             AND ($2::timestamptz IS NULL OR (created_at, id) < ($2, $3::uuid))
             AND ($4::uuid[] IS NULL OR id = ANY ($4))
           ORDER BY created_at DESC, id DESC LIMIT $1""",
        limit,
        *(before or (None, None)),
        None if among is None else list(among),
    )
    return [
        PutAside(
            row["id"],
            row["name"].removeprefix(PREFIX),
            int(row["key"]),
            row["step"],
            row["about"],
            row["problem"],
            row["asked"],
            row["created_at"],
            row["attempts"],
            row["payload"],
            row["member_id"],
        )
        for row in rows
    ]


async def count(db: Database | Tx) -> int:
    """How many are put aside, those that are to be told again with them."""
    found: int = await db.fetchval("SELECT count(*) FROM flow_records WHERE name LIKE 'event:%' AND state <> 'done'")
    return found


async def ask_again(tx: Tx, record_id: UUID, *, reason: str, actor: Actor) -> None:
    """Have an event told again to the consumer that failed on it; a worker does it within seconds.

    Asked for twice it is told once. Locks the record. Refuses `kernel.not-found` when nothing is put aside by this id.
    """
    row = await tx.fetchrow(
        "SELECT name, key, step, state FROM flow_records WHERE id = $1 AND name LIKE 'event:%' FOR UPDATE", record_id
    )
    if row is None or row["state"] == "done":
        raise NotFound(kind="event")
    if row["state"] == "running":
        return
    await tx.execute(
        "UPDATE flow_records SET state = 'running', run_at = $2, updated_at = $2 WHERE id = $1", record_id, clock.now()
    )
    consumer = row["name"].removeprefix(PREFIX)
    await _trace(tx, "told-again", int(row["key"]), actor, reason=reason, consumer=consumer, topic=row["step"])


class Asked(NamedTuple):
    """An event to be told again, its record locked."""

    id: UUID
    event_id: int
    topic: str
    data: Mapping[str, Any]


async def any_asked(db: Database, consumer: str) -> bool:
    """Whether this consumer is to be told anything again: one short read of what runs, without a lock."""
    found: bool = await db.fetchval(
        "SELECT EXISTS (SELECT FROM flow_records WHERE name = $1 AND state = 'running')", f"{PREFIX}{consumer}"
    )
    return found


async def next_asked(tx: Tx, consumer: str) -> Asked | None:
    """The oldest event that this consumer is to be told again. Of a record that has only a part of it, as releases
    before kept them, the log tells the rest for as long as it has it. Locks the record."""
    row = await tx.fetchrow(
        """SELECT f.id, f.key::bigint AS event_id, f.step,
                  coalesce((SELECT jsonb_build_object('member_id', e.for_member_id, 'store_ids', e.store_ids,
                                                      'at', e.at)
                            FROM event_log e WHERE e.id = f.key::bigint), '{}') || f.data AS data
           FROM flow_records f WHERE f.name = $1 AND f.state = 'running'
           ORDER BY f.key::bigint LIMIT 1 FOR UPDATE OF f""",
        f"{PREFIX}{consumer}",
    )
    return None if row is None else Asked(row["id"], row["event_id"], row["step"], row["data"])


async def told(tx: Tx, record_id: UUID) -> None:
    """It has been told again, and all is well."""
    await tx.execute(
        "UPDATE flow_records SET state = 'done', problem = NULL, updated_at = $2 WHERE id = $1", record_id, clock.now()
    )


async def failed_again(tx: Tx, record_id: UUID, *, problem: str) -> None:
    """It still cannot be digested: put aside as before, with what is wrong now."""
    await tx.execute(
        """UPDATE flow_records SET state = 'failed', attempts = attempts + 1, problem = $3, updated_at = $2
           WHERE id = $1 AND state = 'running'""",
        record_id,
        clock.now(),
        problem[:2000],
    )


async def _trace(tx: Tx, what: str, event_id: int, actor: Actor, *, reason: str, consumer: str, topic: str) -> None:
    await audit.record(
        tx,
        actor=actor,
        action=f"event.{what}",
        subject_kind="event",
        subject=str(event_id),
        reason=reason,
        after={"consumer": consumer, "topic": topic},
    )
