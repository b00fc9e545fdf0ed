"""Disputes: a guide or shop says that a member is theirs, and headquarters decides with a reason."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from duoline.attribution import bindings
from duoline.attribution.bind import Way, end, is_own, write
from duoline.attribution.errors import DisputeOpen, DisputeOver, NothingToDispute, OwnDispute, OwnPhone
from duoline.kernel import audit, clock
from duoline.kernel.errors import NotFound
from duoline.kernel.ids import new_id
from duoline.members import access

if TYPE_CHECKING:
    from uuid import UUID

    from duoline.attribution.guides import Guide
    from duoline.kernel.auth import Actor
    from duoline.kernel.db import Tx

Decision = Literal["stands", "moves"]

IS_PARTY = """EXISTS (SELECT FROM staff me JOIN staff p ON p.id = me.id OR p.phone = me.phone
                      WHERE me.id = {judge} AND p.id IN (d.guide_id, b.guide_id, d.raised_by))"""
"""Whether who would judge has something to win: they ask for the member, have the member, or raised it for another.
Somebody with two log-ins is one person by their own number. Of a dispute `d` about a binding `b`."""


async def raise_dispute(tx: Tx, *, member_id: UUID, guide: Guide, reason: str, actor: Actor) -> UUID:
    """Say that a member whom another guide has is this one's. Locks the member, then their open bindings.

    Of a person who was several members it is about the binding that counts, under whichever of their ids it is.
    Refuses `attribution.nothing-to-dispute`, `attribution.dispute-open`.
    """
    await access.lock(tx, member_id)
    now = clock.now()
    held = next((one for one in await bindings.lock_open_of_person(tx, member_id) if one.held.lives(now)), None)
    if held is None or held.guide_id in (None, guide.id):
        raise NothingToDispute
    made: UUID | None = await tx.fetchval(
        """INSERT INTO binding_disputes (member_id, id, binding_id, guide_id, store_id, reason, raised_by, raised_at)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
           ON CONFLICT (member_id, binding_id) WHERE decided_at IS NULL DO NOTHING RETURNING id""",
        held.member_id,
        new_id(),
        held.id,
        guide.id,
        guide.store_id,
        reason,
        actor.id,
        now,
    )
    if made is None:
        raise DisputeOpen
    await _audit(tx, held.member_id, guide.store_id, "binding.dispute", reason, actor)
    return made


async def decide_dispute(
    tx: Tx, *, member_id: UUID, dispute_id: UUID, decision: Decision, guide: Guide | None, reason: str, actor: Actor
) -> None:
    """Headquarters' word: the binding stands, or the member moves to who disputed it (`guide`, held by `guide_at`).

    Locks the member, the dispute, the open binding. Refuses `kernel.not-found`, `attribution.dispute-over` when it was
    decided, `attribution.own-dispute` to who is a party to it, whatever their rights, `attribution.dispute-over` when
    the member is to move from a binding that has ended since, `attribution.own-phone`.
    """
    await access.lock(tx, member_id)
    row = await tx.fetchrow(
        f"""SELECT d.binding_id, d.store_id, d.decided_at, {IS_PARTY.format(judge="$3")} AS own
            FROM binding_disputes d JOIN bindings b ON b.member_id = d.member_id AND b.id = d.binding_id
            WHERE d.member_id = $1 AND d.id = $2 FOR UPDATE OF d""",  # noqa: S608 - our own words
        member_id,
        dispute_id,
        actor.id,
    )
    if row is None:
        raise NotFound(kind="binding_dispute")
    if row["decided_at"] is not None:
        raise DisputeOver
    if row["own"]:
        raise OwnDispute
    now = clock.now()
    if decision == "moves" and guide is not None:
        held = await bindings.lock_open(tx, member_id)
        if held is None or held.id != row["binding_id"]:
            raise DisputeOver
        if await is_own(tx, member_id, guide):
            raise OwnPhone
        await end(tx, held, because="dispute", at=now)
        await write(
            tx,
            member_id=member_id,
            guide_id=guide.id,
            store_id=guide.store_id,
            way=Way("dispute"),
            flags=[],
            actor=actor,
            reason=reason,
            expires_at=held.expires_at,
        )
    await tx.execute(
        """UPDATE binding_disputes SET decided_at = $3, decided_by = $4, decision = $5, decision_reason = $6
           WHERE member_id = $1 AND id = $2""",
        member_id,
        dispute_id,
        now,
        actor.id,
        decision,
        reason,
    )
    await _audit(tx, member_id, row["store_id"], f"binding.dispute-{decision}", reason, actor)


async def _audit(tx: Tx, member_id: UUID, store_id: UUID, action: str, reason: str, actor: Actor) -> None:
    await audit.record(
        tx,
        actor=actor,
        action=action,
        subject_kind="member",
        subject=str(member_id),
        reason=reason,
        store_id=store_id,
    )
