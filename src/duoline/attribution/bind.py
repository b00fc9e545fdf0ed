"""Bind a member to a guide and a shop, with the member's consent; end it; pass it on.

Every one of these locks the member's row first, so that two of them follow one another whoever they come from.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from duoline.attribution import bindings
from duoline.attribution.bindings import SCOPE, Binding
from duoline.attribution.errors import BoundElsewhere, OwnPhone
from duoline.attribution.guides import showed_in
from duoline.attribution.policy import BINDING, SAME_DEVICE_DAYS
from duoline.attribution.rules import Keeps, Same, decide
from duoline.kernel import audit, clock, outbox
from duoline.kernel.errors import NotFound, ensure
from duoline.kernel.ids import new_id
from duoline.members import access

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from duoline.attribution.guides import Guide
    from duoline.kernel.auth import Actor
    from duoline.kernel.db import Tx

Source = Literal["scan", "invitation", "till", "import", "transfer", "dispute"]
Ended = Literal["member", "replaced", "expired", "transferred", "dispute", "guide_left"]


class Bound(NamedTuple):
    """What came of it: the binding that holds, and whether it is new."""

    binding: Binding
    new: bool


class Way(NamedTuple):
    """How a member came: from which touchpoint, in which browser (a `device_key`), and which one shows the code."""

    source: Source
    touchpoint_id: UUID | None = None
    device_id: UUID | None = None
    shown_in: UUID | None = None


async def bind(tx: Tx, *, member_id: UUID, guide: Guide, way: Way, actor: Actor) -> Bound:
    """Bind a member, who has confirmed it, to a guide held by `guides.guide_at` in this transaction.

    Refuses `kernel.not-found`, `attribution.own-phone`, `attribution.bound-elsewhere` with `until`. The same guide
    again is the same binding, and nothing is told. Locks the member, then the open binding.
    """
    await access.lock(tx, member_id)
    if await is_own(tx, member_id, guide):
        raise OwnPhone
    now = clock.now()
    rule = BINDING.current(now)
    every = await bindings.lock_open_of_person(tx, member_id)
    # Of a person who was several members: what ran out under one id, and nobody has ended yet, hides none that lives.
    held = next((one for one in every if one.held.lives(now)), None)
    outcome = decide(
        held.held if held else None,
        guide_id=guide.id,
        store_id=guide.store_id,
        last_touch=rule.body.last_touch,
        protect_days=rule.body.protect_days,
        at=now,
    )
    if isinstance(outcome, Keeps):
        raise BoundElsewhere(until=outcome.until)
    if isinstance(outcome, Same) and held is not None:
        return Bound(held, new=False)
    flags = await _flags(tx, member_id, guide, way, now)
    for one in every:
        if not one.held.lives(now):
            await end(tx, one, because="expired", at=_expiry(one, now))
    if held is not None:
        await end(tx, held, because="replaced", at=now)
    made = await write(
        tx, member_id=member_id, guide_id=guide.id, store_id=guide.store_id, way=way, flags=flags, actor=actor
    )
    return Bound(made, new=True)


async def unbind(tx: Tx, *, member_id: UUID, actor: Actor) -> None:
    """The member wants no guide any more. Refuses `kernel.not-found` without one. Locks as `bind`."""
    await access.lock(tx, member_id)
    now = clock.now()
    living = [held for held in await bindings.lock_open_of_person(tx, member_id) if held.held.lives(now)]
    if not living:
        raise NotFound(kind="binding")
    for held in living:
        await end(tx, held, because="member", at=now)
        await _audit(tx, held, "binding.unbind", actor=actor, reason="", after=None)
        await _tell(tx, "attribution.unbound", held, because="member")


async def pass_on(
    tx: Tx,
    held: Binding,
    *,
    guide: Guide | None,
    reason: str,
    actor: Actor,
    because: Literal["transferred", "guide_left"] = "transferred",
) -> Binding:
    """Give an open binding, locked with its member, to a colleague or, without one, to the shop. It runs out when it
    would have: the member has not bought because of that. `because` is why the old one ended."""
    now = clock.now()
    await end(tx, held, because=because, at=now)
    return await write(
        tx,
        member_id=held.member_id,
        guide_id=guide.id if guide else None,
        store_id=guide.store_id if guide else held.store_id,
        way=Way("transfer"),
        flags=[],
        actor=actor,
        reason=reason,
        expires_at=held.expires_at,
    )


async def release(tx: Tx, held: Binding, *, reason: str, actor: Actor) -> None:
    """Let the member of an open binding, locked with its member, go, because their guide left: they have nobody."""
    now = clock.now()
    await end(tx, held, because="guide_left", at=now)
    rule = BINDING.current(now)
    await _audit(tx, held, "binding.unbind", actor=actor, reason=reason, after={"rule_version": rule.version})
    await _tell(tx, "attribution.unbound", held, because="guide_left")


async def end(tx: Tx, held: Binding, *, because: Ended, at: datetime) -> None:
    """End a locked binding at an instant."""
    at = max(at, held.from_at)
    done = await tx.fetchval(
        """UPDATE bindings SET until_at = $3, ended_because = $4
           WHERE member_id = $1 AND id = $2 AND until_at IS NULL RETURNING true""",
        held.member_id,
        held.id,
        at,
        because,
    )
    ensure(done, "ATT-1", f"binding {held.id} was ended under its lock")


async def write(
    tx: Tx,
    *,
    member_id: UUID,
    guide_id: UUID | None,
    store_id: UUID,
    way: Way,
    flags: list[str],
    actor: Actor,
    reason: str = "",
    expires_at: datetime | None = None,
) -> Binding:
    """Write a binding of a locked member who has no open one, and tell of it once.

    `attribution.bound` is for who gives points for it: a new tie that the member made. What is passed on or decided by
    headquarters is `attribution.moved`.
    """
    now = clock.now()
    rule = BINDING.current(now)
    before = await tx.fetchrow(
        """SELECT max(until_at) FILTER (WHERE member_id = $1) AS until_at,
                  count(*) FILTER (WHERE member_id = $1 AND until_at IS NULL) AS open, count(*) AS n
           FROM bindings WHERE member_id = ANY (duo_group($1)) AND scope = $2""",
        member_id,
        SCOPE,
    )
    ensure(before is not None and before["open"] == 0, "ATT-1", f"{member_id} is bound, and would be twice")
    last = before["until_at"] if before is not None else None
    # A clock that went back a little does not make two at once.
    starts = max(now, last) if last else now
    lasts = rule.body.lasts
    if expires_at is None and lasts is not None:
        expires_at = starts + lasts
    if expires_at is not None and expires_at <= starts:
        expires_at = starts + timedelta(seconds=1)
    made = Binding(
        member_id, new_id(), guide_id, store_id, way.touchpoint_id, way.source, rule.version, starts, expires_at, None,
        None, flags,
    )  # fmt: skip
    await tx.execute(
        """INSERT INTO bindings (member_id, id, scope, guide_id, store_id, touchpoint_id, source, rule_version, from_at,
                                 expires_at, device_id, flags)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)""",
        made.member_id,
        made.id,
        SCOPE,
        made.guide_id,
        made.store_id,
        made.touchpoint_id,
        made.source,
        made.rule_version,
        made.from_at,
        made.expires_at,
        way.device_id,
        flags,
    )
    shown = {"guide_id": guide_id, "store_id": store_id, "source": way.source, "rule_version": rule.version}
    await _audit(tx, made, "binding.bind", actor=actor, reason=reason, after=shown | {"flags": flags})
    moved = way.source in ("transfer", "dispute")
    first = before is not None and before["n"] == 0
    await _tell(tx, "attribution.moved" if moved else "attribution.bound", made, first=first)
    return made


async def is_own(tx: Tx, member_id: UUID, guide: Guide) -> bool:
    """Whether the member account, or another one of that person, has the guide's own number."""
    own: bool = await tx.fetchval(
        "SELECT EXISTS (SELECT FROM members WHERE member_id = ANY (duo_group($1)) AND phone = $2)",
        member_id,
        guide.phone,
    )
    return own


def _expiry(held: Binding, now: datetime) -> datetime:
    return min(held.expires_at or now, now)


async def _flags(tx: Tx, member_id: UUID, guide: Guide, way: Way, now: datetime) -> list[str]:
    """What is odd about it. Nothing is refused for that; what pays for bindings looks at it first."""
    found = []
    if way.device_id is not None and (way.device_id == way.shown_in or await showed_in(tx, guide.id, way.device_id)):
        found.append("guides_device")
    if way.device_id is not None and await tx.fetchval(
        """SELECT EXISTS (SELECT FROM bindings
                          WHERE device_id = $1 AND member_id <> $2 AND from_at > $3::timestamptz)""",
        way.device_id,
        member_id,
        now - timedelta(days=SAME_DEVICE_DAYS),
    ):
        found.append("shared_device")
    protected = now - timedelta(days=BINDING.current(now).body.protect_days)
    if await tx.fetchval(
        """SELECT EXISTS (SELECT FROM bindings WHERE member_id = $1 AND scope = $2 AND ended_because = 'member'
                          AND guide_id <> $3 AND from_at > $4)""",
        member_id,
        SCOPE,
        guide.id,
        protected,
    ):
        found.append("swapped")
    return found


async def _audit(tx: Tx, binding: Binding, action: str, *, actor: Actor, reason: str, after: Any) -> None:
    await audit.record(
        tx,
        actor=actor,
        action=action,
        subject_kind="member",
        subject=str(binding.member_id),
        reason=reason,
        after=after,
        store_id=binding.store_id,
    )


async def _tell(tx: Tx, topic: str, binding: Binding, **more: Any) -> None:
    await outbox.emit(
        tx,
        topic=topic,
        key=str(binding.id),
        payload={
            "binding_id": str(binding.id),
            "guide_id": str(binding.guide_id) if binding.guide_id else None,
            "store_id": str(binding.store_id),
            "touchpoint_id": str(binding.touchpoint_id) if binding.touchpoint_id else None,
            "source": binding.source,
            "rule_version": binding.rule_version,
            "from_at": binding.from_at,
            "flags": binding.flags,
            **more,
        },
        family="member",
        owner_id=binding.member_id,
        store_ids=[binding.store_id],
        member_id=binding.member_id,
    )
