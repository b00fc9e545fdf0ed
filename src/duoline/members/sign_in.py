"""Members and their WeChat accounts: who logs in by one, and whose it becomes.

The account was proved by WeChat a moment ago (`members.wechat`). Its union id leads before its open id, as in `match`.
An account that leads to nobody says nothing of who somebody is: they prove a number as well, and by that log-in the
account becomes theirs. What leads to somebody else never moves by itself: the two are a pair to be looked at.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from duoline.kernel import clock
from duoline.kernel.auth import Actor
from duoline.kernel.errors import NotFound
from duoline.members import identities, identity_log, pairs, sessions
from duoline.members.errors import LastWayIn
from duoline.members.group import group_of, head_of
from duoline.members.match import DOUBTS_MAX, SINGLE, pair
from duoline.members.policy import MATCHING

if TYPE_CHECKING:
    from uuid import UUID

    from duoline.kernel.db import Database, Tx
    from duoline.members.identities import Identity
    from duoline.members.wechat import WechatAccount

SOURCE = "wechat-login"

Linked = Literal["linked", "taken", "second"]
"""Whether the account leads to the member now: it is somebody else's (`taken`), or they have another one (`second`)."""


class SignedIn(NamedTuple):
    """Who has logged in. `owner_id` has the account: another member's id when that one was merged into this."""

    member_id: UUID
    owner_id: UUID


def values_of(account: WechatAccount) -> list[tuple[str, str]]:
    """The identities of an account, (kind, value), the stronger first. Pure."""
    both = zip(SINGLE, (account.unionid, account.openid), strict=True)
    return [(kind, value) for kind, value in both if value is not None]


async def sign_in(tx: Tx, *, account: WechatAccount, token: str) -> SignedIn | None:
    """Open a session under `token` for whom the account leads to; None when it leads to nobody. Locks that member.

    What the account says besides is learnt: the open id of a known union id, or the union id of a known open id. A
    member who has another union id is not who an open id says. Of two members the union id's logs in.
    """
    while True:
        owner_id = await _owner(tx, account)
        if owner_id is None:
            return None
        # Ended, or forgotten, while we waited for the lock: then it leads to somebody else, or to nobody.
        if await _lock(tx, owner_id) and await _owner(tx, account) == owner_id:
            break
    await _learn(tx, owner_id, account)
    # The session is the account's: undoing a merge leaves it with whose the account is.
    await sessions.start(tx, member_id=owner_id, token=token, lasts=sessions.MEMBER_LASTS)
    return SignedIn(await head_of(tx, owner_id), owner_id)


async def link(tx: Tx, *, member_id: UUID, account: WechatAccount) -> Linked:
    """Let the account lead to a member who has proved that they are that one. Locks the member.

    Refuses `kernel.not-found` for no member. What leads to somebody else, and a second account, changes nothing.
    """
    await _lock_member(tx, member_id)
    ids = await group_of(tx, member_id)
    leads = await _leaders(tx, account)
    others = [one for one in leads.values() if one not in ids]
    mine = [kind for kind, one in leads.items() if one in ids]
    if others and not mine:
        await _doubt(tx, member_id, account)
        return "taken"
    if not mine and await _has_another(tx, ids, account):
        return "second"
    await _learn(tx, member_id, account)
    owner_id = await _owner(tx, account)
    if owner_id in ids:
        return "linked"
    return "taken" if owner_id else "second"


async def unlink(tx: Tx, *, member_id: UUID, actor: Actor) -> None:
    """Let no WeChat account lead to a person any more. Sessions stay. Locks the member.

    Refuses `kernel.not-found` when there is none, and `members.last-way-in` for who has no number to log in by.
    """
    await _lock_member(tx, member_id)
    ids = await group_of(tx, member_id)
    if not any(one["kind"] in SINGLE for one in await identities.of_member(tx, ids)):
        raise NotFound(kind="identity")
    if not await tx.fetchval("SELECT count(*) FROM phone_index WHERE member_id = ANY ($1)", ids):
        raise LastWayIn
    gone = await tx.fetch(
        "DELETE FROM identities WHERE member_id = ANY ($1) AND kind = ANY ($2) RETURNING kind, value, member_id",
        ids,
        list(SINGLE),
    )
    for row in gone:
        await identity_log.record(tx, "member.identity-end", row["member_id"], row["kind"], row["value"], actor=actor)


async def is_linked(db: Database | Tx, member_id: UUID) -> bool:
    """Whether a WeChat account leads to that person."""
    linked: bool = await db.fetchval(
        """SELECT EXISTS (SELECT FROM identities
                          WHERE member_id = ANY (duo_group($1)) AND kind = ANY ($2) AND leads)""",
        member_id,
        list(SINGLE),
    )
    return linked


# --- the steps -------------------------------------------------------------------------------------------------


async def _lock(tx: Tx, member_id: UUID) -> bool:
    """The row of a member and of who they are now, in order of id; whether they are a member."""
    rows = await tx.fetch(
        """SELECT member_id, kind FROM members WHERE member_id IN ($1, duo_now($1))
           ORDER BY member_id FOR NO KEY UPDATE""",
        member_id,
    )
    return bool(rows) and all(row["kind"] == "member" for row in rows)


async def _lock_member(tx: Tx, member_id: UUID) -> None:
    """Lock somebody who must be a member. Refuses `kernel.not-found`."""
    if not await _lock(tx, member_id):
        raise NotFound(kind="member")


async def _leaders(tx: Tx, account: WechatAccount) -> dict[str, UUID]:
    """To whom each identity of the account leads, by its kind, under the id that has it."""
    wanted = values_of(account)
    rows = await tx.fetch(
        """SELECT i.kind, i.member_id FROM unnest($1::text[], $2::text[]) AS w(kind, value)
           JOIN identities i ON i.value = w.value AND i.kind = w.kind WHERE i.leads""",
        [kind for kind, _ in wanted],
        [value for _, value in wanted],
    )
    return {row["kind"]: row["member_id"] for row in rows}


async def _owner(tx: Tx, account: WechatAccount) -> UUID | None:
    """Whom the account leads to, under the id that has it."""
    leads = await _leaders(tx, account)
    for kind in SINGLE:
        if kind in leads:
            # Two union ids are two people, whatever the open id says.
            other = await _has_another(tx, await group_of(tx, leads[kind]), account, kinds=SINGLE[:1])
            return None if other and kind != SINGLE[0] else leads[kind]
    return None


async def _has_another(tx: Tx, ids: list[UUID], account: WechatAccount, *, kinds: tuple[str, ...] = SINGLE) -> bool:
    """Whether a person has an identity of the account's kinds, and not the account's own."""
    theirs = {(str(one["kind"]), str(one["value"])) for one in await identities.of_member(tx, ids)}
    known = {kind for kind, _ in theirs}
    return any(kind in kinds and kind in known and (kind, value) not in theirs for kind, value in values_of(account))


async def _learn(tx: Tx, member_id: UUID, account: WechatAccount) -> None:
    """Write down what of the account leads to nobody yet, and put into doubt who else has any of it.

    A person has one identity of a kind: the open id of another application of the same account is left alone.
    """
    ids = await group_of(tx, member_id)
    leads = await _leaders(tx, account)
    theirs = await identities.of_member(tx, ids)
    for kind, value in values_of(account):  # in one order, so that two who learn the same wait for each other
        if kind in leads or any(one["kind"] == kind and one["value"] != value for one in theirs):
            continue
        # What a file claimed of them is proved now.
        await tx.execute(
            "DELETE FROM identities WHERE value = $1 AND kind = $2 AND member_id = $3 AND NOT leads",
            value,
            kind,
            member_id,
        )
        made = await identities.put(
            tx, identities.Identity(kind, value, member_id, True), source=SOURCE, at=clock.now()
        )
        if made:
            await identity_log.record(
                tx, "member.identity-add", member_id, kind, value, actor=Actor("member", member_id)
            )
    await _doubt(tx, member_id, account)


async def _doubt(tx: Tx, member_id: UUID, account: WechatAccount) -> None:
    """Whoever else has an identity of the account may be the same person: a pair each for somebody to see."""
    head = await head_of(tx, member_id)
    rules = MATCHING.current()
    found: list[Identity] = await identities.of_values(tx, values_of(account))
    # They come by kind, the union id last: it is the reason where both are shared.
    reasons = {one.member_id: f"shared_{one.kind}" for one in found if one.member_id != head}
    doubts = [pair(head, other, rules.body.shared, (why,)) for other, why in sorted(reasons.items())[:DOUBTS_MAX]]
    await pairs.raise_doubts(tx, doubts, source=SOURCE, rule_version=rules.version)
