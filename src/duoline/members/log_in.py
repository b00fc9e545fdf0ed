"""Log-in of members by one-time code: the first log-in of a number makes the member."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from typing import TYPE_CHECKING

from duoline.kernel import clock
from duoline.kernel.auth import Actor
from duoline.kernel.errors import ensure
from duoline.kernel.ids import new_id
from duoline.members import consents, identities, pairs, sessions
from duoline.members.consent_texts import NEEDED
from duoline.members.errors import WrongCode
from duoline.members.group import head_of
from duoline.members.match import DOUBTS_MAX, pair
from duoline.members.policy import MATCHING, TIERS
from duoline.members.send_code import code_hash

if TYPE_CHECKING:
    from uuid import UUID

    from duoline.kernel.db import Tx
    from duoline.members.send_code import Purpose

ATTEMPTS_MAX = 5


@dataclass(frozen=True)
class LoggedIn:
    """Who has logged in; `is_new` when this made the member. `phone_of` has the number: another member's id when that
    one was merged into this."""

    member_id: UUID
    is_new: bool
    phone_of: UUID


async def log_in(
    tx: Tx, *, phone: str, code: str, token: str, secret: str, guest_id: UUID | None, locale: str
) -> LoggedIn | WrongCode:
    """Check the code and open a session under `token`. A wrong code is *returned*, so that the attempt is committed.

    Only the newest code of the number counts, once, within five minutes and five attempts; its row is locked, so
    guesses sent at the same time are counted one after the other. A guest whose number nobody has becomes the member
    and keeps cart and orders; otherwise the caller moves the guest's cart (`orders.adopt_cart`).
    """
    wrong = await check_code(tx, phone=phone, code=code, secret=secret)
    if wrong is not None:
        return wrong
    member_id, is_new = await _member_of(tx, phone, guest_id=guest_id, locale=locale)
    # The session is the number's: undoing a merge leaves it with whose the number is.
    await sessions.start(tx, member_id=member_id, token=token, lasts=sessions.MEMBER_LASTS)
    return LoggedIn(await head_of(tx, member_id), is_new, member_id)


async def check_code(tx: Tx, *, phone: str, code: str, secret: str, purpose: Purpose = "login") -> WrongCode | None:
    """Use up the newest code of a number for this purpose. What is wrong with it is *returned*, so that the attempt is
    committed."""
    row = await tx.fetchrow(
        "SELECT id, code_hash, attempts FROM login_codes WHERE phone = $1 AND used_at IS NULL AND expires_at > $2"
        " AND purpose = $3 ORDER BY created_at DESC LIMIT 1 FOR UPDATE",
        phone,
        clock.now(),
        purpose,
    )
    if row is None or row["attempts"] >= ATTEMPTS_MAX:
        return WrongCode(attempts_left=0)
    good = hmac.compare_digest(bytes(row["code_hash"]), code_hash(phone, code, row["id"], secret))
    await tx.execute(
        "UPDATE login_codes SET attempts = attempts + 1, used_at = $3 WHERE phone = $1 AND id = $2",
        phone,
        row["id"],
        clock.now() if good else None,
    )
    if not good:
        return WrongCode(attempts_left=ATTEMPTS_MAX - row["attempts"] - 1)
    return None


async def _member_of(tx: Tx, phone: str, *, guest_id: UUID | None, locale: str) -> tuple[UUID, bool]:
    wanted = guest_id if guest_id is not None and await _still_guest(tx, guest_id) else new_id()
    # Of two first log-ins at the same time, the second waits here and finds the first one's member.
    mine = await tx.fetchval(
        "INSERT INTO phone_index (phone, member_id) VALUES ($1, $2) ON CONFLICT (phone) DO NOTHING RETURNING true",
        phone,
        wanted,
    )
    if not mine:
        known: UUID = await tx.fetchval("SELECT member_id FROM phone_index WHERE phone = $1", phone)
        return known, False
    now = clock.now()
    await tx.execute(
        "INSERT INTO members AS m (member_id, kind, phone, locale, tier, created_at)"
        " VALUES ($1, 'member', $2, $3, $5, $4)"
        " ON CONFLICT (member_id) DO UPDATE SET kind = 'member', phone = excluded.phone, tier = excluded.tier",
        wanted,
        phone,
        locale,
        now,
        TIERS.current().body.tiers[0].code,
    )
    newest = (await consents.texts(tx))[NEEDED]
    await consents.say(
        tx,
        member_id=wanted,
        purpose=NEEDED,
        granted=True,
        text_version=newest.version,
        channel="mall",
        actor=Actor("member", wanted, ""),
    )
    await _doubt(tx, wanted, phone)
    return wanted, True


async def _doubt(tx: Tx, member_id: UUID, phone: str) -> None:
    """Whom files say to have this number too, which is now proved to be somebody's: a pair each for a person to see."""
    others = [one.member_id for one in await identities.of_values(tx, [("phone", phone)]) if one.member_id != member_id]
    rules = MATCHING.current()
    doubts = [pair(member_id, other, rules.body.shared, ("shared_phone",)) for other in others[:DOUBTS_MAX]]
    await pairs.raise_doubts(tx, doubts, source="log-in", rule_version=rules.version)


async def _still_guest(tx: Tx, guest_id: UUID) -> bool:
    """Whether the session's owner is a guest; locked, so that two log-ins of one guest do not both make it theirs."""
    kind = await tx.fetchval("SELECT kind FROM members WHERE member_id = $1 FOR UPDATE", guest_id)
    ensure(kind is not None, "MEMBER", "a session without its member")
    return bool(kind == "guest")
