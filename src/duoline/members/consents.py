"""What members agree to, purpose by purpose, and the one gate before their data is used for it.

Performing what was ordered needs no consent of its own. Every other use of a member's data asks here first: a statement
that reads many asks `duo_consents` in its own text, a read of one asks `ensure_allowed`. Nothing is remembered between
two questions, so that what was taken back counts at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from duoline.kernel import audit, clock, outbox
from duoline.kernel.errors import NotFound, ensure
from duoline.kernel.ids import new_id
from duoline.kernel.metrics import CONSENT_REFUSALS
from duoline.kernel.text import Text
from duoline.members import access
from duoline.members.consent_texts import FIRST, NEEDED, PURPOSES, Purpose
from duoline.members.errors import ConsentNeeded, ConsentTextChanged, NoConsent
from duoline.members.group import head_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from duoline.kernel.auth import Actor
    from duoline.kernel.db import Database, Tx


class ConsentText(NamedTuple):
    """One version of what is asked. `at` and `reason` are of who published it; the first has none."""

    purpose: Purpose
    version: int
    title: Text
    body: Text
    widens: bool
    at: datetime | None = None
    reason: str = ""


class Standing(NamedTuple):
    """A purpose as it stands with a member.

    `granted` is what counts. `since` is when they last said something, None for never. `asks_again` when they agreed to
    a text that has been widened since.
    """

    text: ConsentText
    granted: bool
    since: datetime | None
    channel: str
    text_version: int | None
    asks_again: bool


class Said(NamedTuple):
    """What a member said once."""

    id: UUID
    purpose: Purpose
    granted: bool
    text_version: int
    channel: str
    at: datetime
    actor: str


class Agreed(NamedTuple):
    """How many members' newest word on a purpose is about this version, and what it was."""

    purpose: Purpose
    version: int
    granted: int
    withdrawn: int


# --- the gate ------------------------------------------------------------------------------------


async def allowed(db: Database | Tx, member_id: UUID, purpose: Purpose) -> bool:
    """Whether the member's data may be used for the purpose now."""
    found: bool = await db.fetchval("SELECT duo_consents($1, $2)", member_id, purpose)
    return found


async def ensure_allowed(db: Database | Tx, member_id: UUID, purpose: Purpose, *, door: str) -> None:
    """Refuse `members.no-consent` unless the member's data may be used for the purpose. `door` is who asked."""
    if not await allowed(db, member_id, purpose):
        count_refused(purpose, door=door)
        raise NoConsent(purpose=purpose)


def count_refused(purpose: Purpose, *, door: str, times: int = 1) -> None:
    """Count what was not shown or not done for want of consent."""
    CONSENT_REFUSALS.labels(purpose, door).inc(times)


# --- what a member says ----------------------------------------------------------------------------


async def say(
    tx: Tx, *, member_id: UUID, purpose: Purpose, granted: bool, text_version: int, channel: str, actor: Actor
) -> bool:
    """Write down that the member agrees to the newest text of a purpose, or agrees no more; False when they said so
    before. Locks the member.

    Refuses `members.consent-needed` for taking back what being a member is, then `members.consent-text-changed` for
    agreeing to a text that is not the newest. Taking back the location deletes the coordinates of their addresses, also
    of those they have as somebody who was merged into them.
    """
    if purpose == NEEDED and not granted:
        raise ConsentNeeded
    await access.lock(tx, member_id)
    newest = (await texts(tx))[purpose]
    if granted and text_version != newest.version:
        raise ConsentTextChanged(version=newest.version)
    before = await tx.fetchrow(
        """SELECT granted, text_version, at FROM consents WHERE member_id = $1 AND purpose = $2
           ORDER BY at DESC, id DESC LIMIT 1""",
        member_id,
        purpose,
    )
    version = newest.version if granted else before["text_version"] if before is not None else newest.version
    if before is not None and (before["granted"], before["text_version"]) == (granted, version):
        return False
    ensure(1 <= version <= newest.version, "MEM-6", f"{purpose}: there is no text {version}")
    now = clock.now()
    await tx.execute(
        """INSERT INTO consents (member_id, id, purpose, granted, text_version, channel, at, actor)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8)""",
        member_id,
        new_id(),
        purpose,
        granted,
        version,
        channel,
        # A clock that went back a little does not put the newer word before the older one.
        now if before is None else max(now, before["at"]),
        actor.label,
    )
    if purpose == "location" and not granted:
        await tx.execute("UPDATE addresses SET lat = NULL, lon = NULL WHERE member_id = ANY (duo_group($1))", member_id)
    await audit.record(
        tx,
        actor=actor,
        action="consent.give" if granted else "consent.withdraw",
        subject_kind="member",
        subject=str(member_id),
        before=None if before is None else {"granted": before["granted"], "text_version": before["text_version"]},
        after={"purpose": purpose, "granted": granted, "text_version": version, "channel": channel},
    )
    await outbox.emit(
        tx,
        topic="members.consent",
        key=str(member_id),
        payload={"purpose": purpose, "granted": granted},
        family="member",
        owner_id=member_id,
        member_id=member_id,
    )
    return True


async def withdraw_all(tx: Tx, *, member_id: UUID, channel: str, actor: Actor) -> None:
    """The member goes: everything they agreed to is taken back, being served last. The member is locked."""
    for standing in reversed(await standings(tx, member_id)):
        if standing.since is None or standing.text_version is None or not (standing.granted or standing.asks_again):
            continue
        await tx.execute(
            """INSERT INTO consents (member_id, id, purpose, granted, text_version, channel, at, actor)
               VALUES ($1, $2, $3, false, $4, $5, $6, $7)""",
            member_id,
            new_id(),
            standing.text.purpose,
            standing.text_version,
            channel,
            max(clock.now(), standing.since),
            actor.label,
        )


async def standings(db: Database | Tx, member_id: UUID) -> list[Standing]:
    """Every purpose as it stands with the member, in the order they are shown. Of whoever was merged, with them as who
    they are now."""
    rows = await db.fetch(
        """SELECT DISTINCT ON (purpose) purpose, granted, text_version, channel, at,
                  duo_consents(member_id, purpose) AS counts
           FROM consents WHERE member_id = $1 ORDER BY purpose, at DESC, id DESC""",
        await head_of(db, member_id),
    )
    said, newest = {row["purpose"]: row for row in rows}, await texts(db)
    found = []
    for purpose in PURPOSES:
        row = said.get(purpose)
        if row is None:
            found.append(Standing(newest[purpose], purpose == NEEDED, None, "", None, asks_again=False))
            continue
        found.append(
            Standing(
                newest[purpose],
                row["counts"],
                row["at"],
                row["channel"],
                row["text_version"],
                asks_again=row["granted"] and not row["counts"],
            )
        )
    return found


async def history(
    db: Database | Tx, member_id: UUID, *, before: Sequence[Any] | None = None, limit: int = 50
) -> list[Said]:
    """What the member said, the newest first; `before` is the time and id of the last one shown."""
    rows = await db.fetch(
        """SELECT id, purpose, granted, text_version, channel, at, actor FROM consents
           WHERE member_id = $1 AND ($2::timestamptz IS NULL OR (at, id) < ($2, $3::uuid))
           ORDER BY at DESC, id DESC LIMIT $4""",
        member_id,
        *(before or (None, None)),
        limit,
    )
    return [Said(*row) for row in rows]


# --- the texts ---------------------------------------------------------------------------------------


async def texts(db: Database | Tx) -> dict[Purpose, ConsentText]:
    """The newest text of each purpose."""
    rows = await db.fetch("SELECT DISTINCT ON (purpose) * FROM consent_texts ORDER BY purpose, version DESC")
    found = {row["purpose"]: _text(row) for row in rows}
    return {purpose: found.get(purpose) or _first(purpose) for purpose in PURPOSES}


async def versions(db: Database | Tx, purpose: Purpose) -> list[ConsentText]:
    """Every version of a purpose's text, the newest first."""
    rows = await db.fetch("SELECT * FROM consent_texts WHERE purpose = $1 ORDER BY version DESC", purpose)
    return [*map(_text, rows), _first(purpose)]


async def publish(
    tx: Tx, *, purpose: Purpose, title: Text, body: Text, widens: bool, reason: str, actor: Actor
) -> ConsentText:
    """Publish the next version of a text. One that `widens` the purpose makes earlier consents to it count no more.

    Takes the next number under the lock of a unique key. Refuses `kernel.not-found` for no purpose, then
    `members.consent-text-changed` to the second of two at the same time.
    """
    if purpose not in PURPOSES:
        raise NotFound(kind="purpose")
    before = (await texts(tx))[purpose]
    made = ConsentText(purpose, before.version + 1, title, body, widens, clock.now(), reason)
    published = await tx.fetchval(
        """INSERT INTO consent_texts (purpose, version, title_zh, title_en, body_zh, body_en, widens, actor_id, reason,
                                      created_at)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
           ON CONFLICT (purpose, version) DO NOTHING RETURNING true""",
        purpose,
        made.version,
        title.zh,
        title.en,
        body.zh,
        body.en,
        widens,
        actor.id,
        reason,
        made.at,
    )
    if not published:
        raise ConsentTextChanged(version=made.version)
    await audit.record(
        tx,
        actor=actor,
        action="consent.publish",
        subject_kind="consent",
        subject=purpose,
        reason=reason,
        before={"version": before.version, "title": before.title, "body": before.body},
        after={"version": made.version, "title": title, "body": body, "widens": widens},
    )
    return made


async def agreed(db: Database | Tx) -> list[Agreed]:
    """How many members' newest word is about which version of which purpose."""
    rows = await db.fetch(
        """SELECT purpose, text_version, count(*) FILTER (WHERE granted)::integer AS granted,
                  count(*) FILTER (WHERE NOT granted)::integer AS withdrawn
           FROM (SELECT DISTINCT ON (c.member_id, c.purpose) c.purpose, c.granted, c.text_version
                 FROM consents c JOIN members m ON m.member_id = c.member_id AND m.erased_at IS NULL
                   AND m.merged_into IS NULL
                 ORDER BY c.member_id, c.purpose, c.at DESC, c.id DESC) said
           GROUP BY purpose, text_version ORDER BY purpose, text_version DESC"""
    )
    return [Agreed(*row) for row in rows]


def _first(purpose: Purpose) -> ConsentText:
    title, body = FIRST[purpose]
    return ConsentText(purpose, 1, title, body, widens=False)


def _text(row: Any) -> ConsentText:
    return ConsentText(
        row["purpose"],
        row["version"],
        Text(row["title_zh"], row["title_en"]),
        Text(row["body_zh"], row["body_en"]),
        row["widens"],
        row["created_at"],
        row["reason"],
    )
