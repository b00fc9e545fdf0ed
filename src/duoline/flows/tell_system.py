"""What another system is told of a member: who they are, what they have, whom they belong with, what they agreed to.

Each asks for one purpose that its key is for: a system that serves members for the chain for "service", another
handler of their data for "sharing". For anything but performing what the member ordered, they must have agreed to it
(`members.consents`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from duoline.kernel import audit
from duoline.kernel.errors import NotFound
from duoline.members import consents, identities, match, phones
from duoline.members.consent_texts import NEEDED
from duoline.members.group import group_of

if TYPE_CHECKING:
    from uuid import UUID

    from duoline.kernel.auth import Actor
    from duoline.kernel.db import Database, Tx
    from duoline.members.consent_texts import Purpose

DOOR = "open-api.history"


class Told(NamedTuple):
    """A person: who they are now, every id they and the guests they were ordered under, their row, their identities."""

    id: UUID
    ids: list[UUID]
    row: Any
    identities: list[dict[str, Any]]


async def member_by(db: Database | Tx, kind: str, value: str) -> UUID:
    """Who has an identity, as they are now: `id`, or a kind that leads to one member (docs/reference/members.md).

    A mail leads nobody to a log-in, but whoever asks by key is told of the one member that has it, by a file or by
    hand. A value that two members claim leads to neither. Refuses `members.bad-phone` for what is no number, then
    `kernel.not-found`.
    """
    if kind == "phone":
        value = phones.normalise(value)
    elif kind == "mail":
        value = match.mail_of(value) or ""
    claims = await identities.of_values(db, [(kind, value)])
    found = {one.member_id for one in claims if one.leads or kind == "mail"}
    if kind == "card_no" and not found:
        row = await db.fetchrow("SELECT member_id FROM member_cards WHERE card_no = $1", value)
        found = set() if row is None else {row["member_id"]}
    if len(found) != 1:
        raise NotFound(kind="member")
    return found.pop()


async def ensure_told(db: Database | Tx, member_id: UUID, purpose: Purpose) -> list[UUID]:
    """The ids of the person, if they may be told of for the purpose. Refuses `kernel.not-found` for nobody and for a
    member who was erased, then `members.no-consent`."""
    ids = await group_of(db, member_id)
    if not await db.fetchval("SELECT true FROM members WHERE member_id = $1 AND kind = 'member'", ids[0]):
        raise NotFound(kind="member")
    if purpose != NEEDED:
        await consents.ensure_allowed(db, ids[0], purpose, door=DOOR)
    return ids


async def told(tx: Tx, member_id: UUID, *, purpose: Purpose, actor: Actor) -> Told:
    """A person, to tell another system for a purpose; in the audit log each time. Refuses as `ensure_told`.

    The consent is asked for in the transaction that reads, so that what was taken back counts at once.
    """
    group = await ensure_told(tx, member_id, purpose)
    row = await tx.fetchrow(
        """SELECT m.member_id, m.display_name, m.phone, m.locale, m.created_at, m.tier, m.tier_lapses_at,
                  m.home_store_id,
                  ARRAY(SELECT g.guest_id FROM adopted_guests g WHERE g.member_id = m.member_id) AS guests
           FROM members m WHERE m.member_id = $1""",
        group[0],
    )
    if row is None:
        raise NotFound(kind="member")
    await audit.record(
        tx,
        actor=actor,
        action="member.told",
        subject_kind="member",
        subject=str(group[0]),
        reason=purpose,
        after={"purpose": purpose},
    )
    ids = list(dict.fromkeys([*group, *row["guests"]]))
    return Told(group[0], ids, row, await identities.of_member(tx, group))
