"""Write down by hand what says who a member is, and end it again.

Files bring most identities; this is for the one that somebody shows at headquarters. What somebody else has is refused;
said again as a doubt it is kept as a claim that leads nowhere, and the two become a pair to be looked at.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

from duoline.kernel import clock
from duoline.kernel.errors import NotFound, ensure
from duoline.members import access, identities, identity_log, pairs
from duoline.members.errors import AlreadyMerged, BadIdentity, IdentityKnown, IdentityTaken, SecondIdentity
from duoline.members.group import group_of, head_of
from duoline.members.match import SINGLE, id_of, keys_of, mail_of, pair
from duoline.members.policy import MATCHING

if TYPE_CHECKING:
    from duoline.kernel.auth import Actor
    from duoline.kernel.db import Database, Tx

SOURCE = "console"
LENGTH_MAX = 100
FIXED = ("log-in", "member-file", "electronic")
"""Sources of what is ended elsewhere or never: the member's own number, the electronic card."""
_MARKETPLACE = re.compile(r"marketplace:[a-z0-9_-]{1,30}")


class Kept(NamedTuple):
    """An identity of a member, as it can be ended: whose it is and where it came from."""

    kind: str
    value: str
    member_id: UUID
    source: str


def tidy(kind: str, value: str) -> str:
    """A value as identities of its kind are written. Refuses `members.bad-identity`. Pure."""
    if kind not in ("wechat_openid", "wechat_unionid", "mail", "card_no") and not _MARKETPLACE.fullmatch(kind):
        raise BadIdentity
    plain = mail_of(value) if kind == "mail" else id_of(value)
    if plain is None or len(plain) > LENGTH_MAX:
        raise BadIdentity
    return plain


def ref_of(kind: str, value: str, member_id: UUID, *, secret: bytes) -> str:
    """By what a page names an identity of which it is shown a part. Pure."""
    named = "\0".join((kind, value, str(member_id)))
    return hmac.digest(secret, b"identity\0" + named.encode(), hashlib.sha256)[:16].hex()


async def add(tx: Tx, *, member_id: UUID, kind: str, value: str, doubt: bool, reason: str, actor: Actor) -> None:
    """Write an identity of a member down. Locks the member.

    Refuses, in order: `members.bad-identity`, `kernel.not-found` for no member, `members.already-merged`,
    `members.identity-known` when they have it, `members.second-identity` for a second WeChat account, and
    `members.identity-taken` when it is somebody else's. With `doubt` the last makes a pair to be looked at instead.
    """
    plain = tidy(kind, value)
    await _lock(tx, member_id)
    ids = await group_of(tx, member_id)
    if any(one["kind"] == kind and one["value"] == plain for one in await identities.of_member(tx, ids)):
        raise IdentityKnown
    claims = (await identities.claims_of(tx, [member_id]))[member_id]
    if kind in SINGLE and claims.of(kind):
        raise SecondIdentity
    others = [one.member_id for one in await identities.of_values(tx, [(kind, plain)]) if one.member_id not in ids]
    if others and not doubt:
        raise IdentityTaken(other=str(others[0]))
    leads = not others and kind not in ("mail", "card_no")
    if kind == "card_no" and not others:
        made = await tx.execute(
            "INSERT INTO member_codes (code, member_id) VALUES ($1, $2) ON CONFLICT (code) DO NOTHING", plain, member_id
        )
        if made != "INSERT 0 1":
            raise IdentityTaken(other="")
    kept = await identities.put(tx, identities.Identity(kind, plain, member_id, leads), source=SOURCE, at=clock.now())
    if not kept:
        raise IdentityTaken(other="")
    if others:
        rules, why = MATCHING.current(), "same_mail" if kind == "mail" else f"shared_{kind.partition(':')[0]}"
        score = rules.body.same_mail if kind == "mail" else rules.body.shared
        await pairs.raise_doubts(
            tx, [pair(member_id, others[0], score, (why,))], source=SOURCE, rule_version=rules.version
        )
    after = (await identities.claims_of(tx, [member_id]))[member_id]
    await tx.execute(
        """INSERT INTO match_keys (key, member_id) SELECT k, $2 FROM unnest($1::bytea[]) k
           ON CONFLICT (key, member_id) DO NOTHING""",
        sorted(keys_of(after)),
        member_id,
    )
    await identity_log.record(
        tx, "member.identity-add", member_id, kind, plain, doubt=bool(others), reason=reason, actor=actor
    )


async def end(tx: Tx, *, member_id: UUID, ref: str, secret: bytes, reason: str, actor: Actor) -> None:
    """An identity of a person says nothing any more: it leads nowhere, and a card is not read. Locks the member.

    Refuses `kernel.not-found` for none of theirs, and for the number of a log-in or the electronic card.
    """
    await _lock(tx, member_id)
    found = await _of_ref(tx, member_id, ref, secret)
    if found is None or found.source in FIXED:
        raise NotFound(kind="identity")
    if found.source == "card":
        await tx.execute("UPDATE members SET external_code = NULL WHERE member_id = $1", found.member_id)
    else:
        done = await tx.execute(
            "DELETE FROM identities WHERE value = $1 AND kind = $2 AND member_id = $3",
            found.value,
            found.kind,
            found.member_id,
        )
        ensure(done == "DELETE 1", "IDN-1", f"{done} for one identity that ends")
    if found.kind == "card_no":
        await tx.execute("DELETE FROM member_codes WHERE code = $1 AND member_id = $2", found.value, found.member_id)
    await identity_log.record(tx, "member.identity-end", member_id, found.kind, found.value, reason=reason, actor=actor)


async def _lock(tx: Tx, member_id: UUID) -> None:
    await access.lock(tx, member_id)
    if await tx.fetchval("SELECT kind FROM members WHERE member_id = $1", member_id) != "member":
        raise NotFound(kind="member")
    head = await head_of(tx, member_id)
    if head != member_id:
        raise AlreadyMerged(into=str(head))


async def _of_ref(db: Database | Tx, member_id: UUID, ref: str, secret: bytes) -> Kept | None:
    for row in await identities.of_member(db, await group_of(db, member_id)):
        one = Kept(str(row["kind"]), str(row["value"]), UUID(str(row["member_id"])), str(row["source"]))
        if hmac.compare_digest(ref_of(*one[:3], secret=secret), ref):
            return one
    return None
