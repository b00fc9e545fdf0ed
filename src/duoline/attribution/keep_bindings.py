"""What happens to bindings by itself: they move on when a guide leaves, last with a purchase, run out without."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

import msgspec

from duoline.attribution import bindings
from duoline.attribution.bind import is_own, pass_on, release
from duoline.attribution.errors import GuideGone
from duoline.attribution.guides import guide_at
from duoline.attribution.policy import BINDING
from duoline.kernel import clock, jobs, outbox
from duoline.kernel.auth import SYSTEM
from duoline.members import access
from duoline.stores import directory

if TYPE_CHECKING:
    from collections.abc import Sequence

    from duoline.attribution.guides import Guide
    from duoline.attribution.policy import BindingPolicy
    from duoline.kernel.auth import Actor
    from duoline.kernel.db import Database, Tx
    from duoline.kernel.outbox import Event
    from duoline.stores.directory import Chain

BATCH = 200
JOB = "attribution.pass-on"


class Gone(msgspec.Struct, frozen=True):
    """Somebody whose rights have changed. `heirs`: who was named to take over, by shop; None for the shop itself."""

    staff_id: UUID
    heirs: dict[UUID, UUID | None] = {}


@outbox.consumer("attribution.staff", topics=["stores.staff-changed"])
async def staff_changed(tx: Tx, event: Event) -> None:
    """Somebody left, came, or has other rights: look later whether their members must move on."""
    heirs = msgspec.convert(event.payload.get("heirs", {}), dict[UUID, UUID | None])
    # Who was named for one leaving does not stand for the next.
    key = f"{JOB}:{event.key}" + (f":{event.id}" if heirs else "")
    await jobs.enqueue(tx, JOB, Gone(UUID(event.key), heirs), key=key)


@jobs.handler(JOB, payload=Gone)
async def pass_members_on(db: Database, gone: Gone) -> None:
    """Give the members of somebody who is no guide of their shop any more to whom was named when they left, else to
    whom the policy says, one transaction each. Killed half-way it goes on where it was; running twice changes
    nothing."""
    chain = await directory.refresh(db)
    after = UUID(int=0)
    while True:
        rows = await db.fetch(
            """SELECT member_id, id, store_id FROM bindings
               WHERE guide_id = $1 AND until_at IS NULL AND id > $2 ORDER BY id LIMIT $3""",
            gone.staff_id,
            after,
            BATCH,
        )
        for row in rows:
            async with db.begin() as tx:
                if await _stays(tx, gone.staff_id, row["store_id"], chain):
                    continue
                rule = BINDING.current().body
                named = row["store_id"] in gone.heirs
                heir = await (_named if named else _heir)(tx, rule, gone, row["store_id"], chain)
                await access.lock(tx, row["member_id"])
                held = await bindings.lock_open(tx, row["member_id"])
                if held is None or held.id != row["id"]:  # the member was faster
                    continue
                if rule.leaver == "nobody" and not named:
                    await release(tx, held, reason="guide left", actor=SYSTEM)
                    continue
                if heir is not None and await is_own(tx, held.member_id, heir):
                    heir = None
                await pass_on(tx, held, guide=heir, reason="guide left", actor=SYSTEM, because="guide_left")
        if len(rows) < BATCH:
            return
        after = rows[-1]["id"]


_MANAGERS = """
SELECT s.id FROM staff s JOIN staff_grants g ON g.staff_id = s.id
WHERE g.role = 'store' AND g.unit_kind = 'store' AND g.unit_id = $1 AND s.state = 'active' ORDER BY g.created_at, s.id
"""


async def _named(tx: Tx, rule: BindingPolicy, gone: Gone, store_id: UUID, chain: Chain) -> Guide | None:
    """Who was named for a shop, held by `guide_at`; None for the shop itself. Who has left meanwhile, or lost the shop,
    is followed by whom the policy says."""
    heir = gone.heirs[store_id]
    try:
        return None if heir is None else await guide_at(tx, heir, store_id, chain)
    except GuideGone:
        return await _heir(tx, rule, gone, store_id, chain)


async def _heir(tx: Tx, rule: BindingPolicy, gone: Gone, store_id: UUID, chain: Chain) -> Guide | None:
    """Who takes over in a shop, held by `guide_at`; None for the shop itself, also where nobody fits."""
    found: list[UUID] = []
    if rule.leaver == "manager":
        found = [row["id"] for row in await tx.fetch(_MANAGERS, store_id)]
    elif rule.leaver == "colleague" and (store := chain.stores.get(store_id)) is not None:
        login = rule.colleague_at(store.code)
        found = [row["id"] for row in await tx.fetch("SELECT id FROM staff WHERE login = $1", login)] if login else []
    for staff_id in found:
        if staff_id == gone.staff_id:
            continue
        try:
            return await guide_at(tx, staff_id, store_id, chain)
        except GuideGone:
            continue
    return None


async def _stays(tx: Tx, staff_id: UUID, store_id: UUID, chain: Chain) -> bool:
    try:
        await guide_at(tx, staff_id, store_id, chain)
    except GuideGone:
        return False
    return True


async def hand_to(
    tx: Tx, *, member_ids: Sequence[UUID], store_id: UUID, guide: Guide | None, reason: str, actor: Actor
) -> int:
    """Give members of a shop to a guide held by `guide_at`, or back to the shop; how many were given.

    Left alone: who is not the shop's any more, who is where they are to go, and the guide's own account. Locks the
    members in order of id, then each one's open binding.
    """
    given = 0
    for member_id in sorted(set(member_ids)):
        await access.lock(tx, member_id)
        held = await bindings.lock_open(tx, member_id)
        if held is None or held.store_id != store_id or held.guide_id == (guide.id if guide else None):
            continue
        if guide is not None and await is_own(tx, member_id, guide):
            continue
        await pass_on(tx, held, guide=guide, reason=reason, actor=actor)
        given += 1
    return given


@outbox.consumer("attribution.purchases", topics=["orders.placed", "orders.sold"])
async def bought(tx: Tx, event: Event) -> None:
    """A purchase keeps a binding alive, unless it had run out before."""
    lasts = BINDING.current(event.at).body.lasts
    if event.member_id is None or lasts is None:
        return
    await tx.execute(
        """UPDATE bindings SET expires_at = greatest(expires_at, $3)
           WHERE member_id = ANY (duo_group($1)) AND scope = $4 AND until_at IS NULL
             AND from_at <= $2 AND expires_at > $2""",
        event.member_id,
        event.at,
        event.at + lasts,
        bindings.SCOPE,
    )


@jobs.cron("end bindings that have run out", "41 3 * * *")
async def end_expired(db: Database) -> int:
    """Write down the end of bindings that ran out; nobody counted them since. Returns how many."""
    done = await db.execute(
        """UPDATE bindings SET until_at = expires_at, ended_because = 'expired'
           WHERE until_at IS NULL AND expires_at <= $1""",
        clock.now(),
    )
    return int(done.split()[-1])
