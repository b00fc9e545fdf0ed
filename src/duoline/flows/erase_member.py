"""Forget a member who asked for it: the accounts stay whole, and name nobody.

One transaction does what can be found by the member's ids: points are forfeited by a journal, kept units go back, the
guide's tie ends, consents are taken back, every table of `personal_data` is deleted or blanked, and the member is a
guest without a name from then on. Logs in which somebody may have written a name or number are swept a little later, by
regular work: requests that were under way when the member went are done by then. What to look for is kept until that is
done, and no longer (MEM-5).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from duoline import attribution, favourites, loyalty, settlement
from duoline.flows import keep, personal_data
from duoline.flows.unmerge_members import unmerge_members
from duoline.kernel import audit, clock, faults, jobs, outbox
from duoline.kernel.errors import NotFound, ensure
from duoline.kernel.money import Money
from duoline.kernel.sweep import Sweep
from duoline.members import access, consents, homes, identity_log
from duoline.members.errors import AlreadyMerged, ErasureBlocked, MergedMeanwhile
from duoline.members.group import group_of
from duoline.members.phones import masked
from duoline.wallet import top_ups

if TYPE_CHECKING:
    from uuid import UUID

    from duoline.flows.personal_data import Whose
    from duoline.kernel.auth import Actor
    from duoline.kernel.db import Database, Tx

faults.register("erase.before_commit", "erase.before_sweep", "erase.after_sweep")

PAUSE = timedelta(seconds=15)
"""Longer than a session is remembered in any process."""
BATCH = 20
SWEEPS = Sweep("sweep after erasures")
OPEN_ORDERS = ("awaiting_payment", "booked", "confirmed")


class Blocked(NamedTuple):
    """What must be settled first, how often, and what to do about it."""

    kind: str
    times: int
    zh: str
    en: str


_BLOCKED = """
SELECT (SELECT count(*) FROM orders o WHERE o.member_id = ANY ($1) AND o.state = ANY ($2))::integer AS orders,
       (SELECT count(*) FROM refunds r WHERE r.member_id = ANY ($1) AND r.resolved_at IS NULL)::integer AS refunds,
       (SELECT count(*) FROM payment_exceptions e
        WHERE e.member_id = ANY ($1) AND e.resolved_at IS NULL)::integer AS money,
       (SELECT count(*) FROM payees p WHERE p.payee_id = ANY ($1)
        -- Each by itself: what is carried against them must not hide what is still to come.
        AND (p.pending_minor > 0 OR p.due_minor > 0 OR p.paying_minor > 0))::integer
       -- And what was bought by a link of theirs and not put down to them yet: that is told in a moment.
       + (SELECT count(*) FROM touchpoints p
          JOIN order_touches x ON x.touchpoint_id = p.id AND x.owner_id = p.owner_id
          JOIN orders o ON o.member_id = x.member_id AND o.id = x.order_id
          WHERE p.owner_id = ANY ($1) AND p.owner_kind = 'member'
            AND NOT EXISTS (SELECT FROM order_credits c WHERE c.member_id = o.member_id AND c.order_id = o.id)
            AND EXISTS (SELECT FROM order_lines l WHERE l.member_id = o.member_id AND l.order_id = o.id
                        AND CASE WHEN o.state IN ('confirmed', 'completed') AND o.pay_mode = 'online'
                                 THEN l.quantity - l.cancelled ELSE l.handed END > l.returned))::integer AS earnings,
       (SELECT coalesce(-sum(p.due_minor), 0) FROM payees p
        WHERE p.payee_id = ANY ($1) AND p.due_minor < 0)::bigint AS debt_minor,
       (SELECT count(*) FROM wallets w WHERE w.member_id = ANY ($1) AND w.principal_minor > 0)::integer AS stored,
       -- Known to the provider, so that it may be paid at any moment.
       (SELECT count(*) FROM wallet_top_ups t WHERE t.member_id = ANY ($1) AND t.state = 'open'
        AND (t.provider_ref IS NOT NULL OR t.asked_at IS NOT NULL))::integer AS top_ups
"""


async def blocked(db: Database | Tx, whose: Whose, *, write_off: bool = False) -> list[Blocked]:
    """What stands in the way of forgetting a member. What they owe of shares that were taken back does not where
    headquarters writes it off."""
    row = await db.fetchrow(_BLOCKED, whose.ids, list(OPEN_ORDERS))
    ensure(row is not None, "MEM-5", "counts are one row")
    said = {
        "orders": ("个订单还没有完成,请等它完成或先取消", "orders are not done: wait for them, or cancel them first"),
        "refunds": ("笔退款还没有到账,请等它到账", "refunds have not arrived: wait for them"),
        "money": ("笔付款还在核对,请联系客服处理", "payments are being looked into: ask the shop to settle them"),
        "stored": (
            "个钱包里还有储值,请先用完或请客服退还",
            "wallets hold money: spend it, or ask for it back",
        ),
        "top_ups": (
            "笔充值还没有付完,请付完,或等它自己关闭(一刻钟内)",
            "top-ups are not paid: pay them, or let them close by themselves within a quarter of an hour",
        ),
        "earnings": ("笔收益还没有打款,请等它到账", "earnings are not paid yet: wait for them"),
    }
    found = [
        Blocked(kind, row[kind], f"{row[kind]} {zh}", f"{row[kind]} {en}")
        for kind, (zh, en) in said.items()
        if row is not None and row[kind]
    ]
    if row is not None and row["debt_minor"] and not write_off:
        owed = Money(row["debt_minor"])
        found.append(
            Blocked(
                "debt",
                1,
                f"已打款的收益后来收回,还欠 {owed},请联系总部结清或核销",
                f"{owed} of paid earnings were taken back and are owed: ask headquarters to settle it or write it off",
            )
        )
    return found


def refuse(problems: list[Blocked]) -> None:
    """Refuse `members.erasure-blocked` when anything stands in the way."""
    if problems:
        raise ErasureBlocked(problems=[{"field": each.kind, "zh": each.zh, "en": each.en} for each in problems])


async def erase(
    tx: Tx,
    *,
    member_id: UUID,
    secret: str,
    channel: str,
    actor: Actor,
    reason: str = "",
    write_off: bool = False,
) -> None:
    """Forget the member, and whoever was merged into them, each by itself. With `write_off` the actor answers for what
    they owe of shares that were taken back after they were paid.

    Refuses `kernel.not-found` for nobody or a guest, `members.already-merged` for who was merged into somebody,
    `members.erasure-blocked` with `problems`, `members.merged-meanwhile`.

    Locks all their orders, the levels of what is kept for them, their rows alone, their points, then payees.
    """
    accounts = await _accounts(tx, member_id)
    all_ids = await _ids(tx, accounts, secret)
    await tx.execute("SELECT 1 FROM orders WHERE member_id = ANY ($1) ORDER BY member_id, id FOR UPDATE", all_ids)
    await keep.give_up(tx, units=await favourites.kept_anywhere(tx, all_ids), actor=actor, reason="member erased")
    for row in await tx.fetch(
        "SELECT id FROM member_merges WHERE member_id = $1 AND undone_at IS NULL ORDER BY at, id", member_id
    ):
        await unmerge_members(tx, survivor_id=member_id, merge_id=row["id"], reason="erased", actor=actor)
    for account in accounts:
        await access.lock(tx, account)
        await _still_there(tx, account)
    whose = {one: await personal_data.whose(tx, one, secret=secret, strangers=True) for one in accounts}
    all_ids = sorted({each for one in whose.values() for each in one.ids})
    refuse(await blocked(tx, personal_data.Whose(all_ids, None), write_off=write_off))
    await top_ups.close_unasked(tx, accounts)
    for owner_id in all_ids:
        await loyalty.forfeit(tx, member_id=owner_id, actor=actor)
    # Or else coming again under the same number would pay whoever brings them each time.
    brought = [row[0] for row in await tx.fetch(_BROUGHT, all_ids)]
    for account in accounts:
        await _forget(tx, account, whose[account], channel=channel, actor=actor, reason=reason)
    for account in accounts if write_off else ():
        await settlement.write_off_debt(tx, account, reason=reason, actor=actor)
    await settlement.take_back_bringing(tx, brought, flag="gone", reason="member erased", actor=actor)
    faults.point("erase.before_commit")


async def _accounts(tx: Tx, member_id: UUID) -> list[UUID]:
    """The accounts of the person, in the order in which their rows are locked."""
    row = await tx.fetchrow("SELECT kind, merged_into FROM members WHERE member_id = $1", member_id)
    if row is None or row["kind"] != "member":
        raise NotFound(kind="member")
    if row["merged_into"] is not None:
        raise AlreadyMerged(into=str(row["merged_into"]))
    return sorted(await group_of(tx, member_id))


async def _ids(tx: Tx, accounts: list[UUID], secret: str) -> list[UUID]:
    found = [await personal_data.whose(tx, one, secret=secret, strangers=True) for one in accounts]
    return sorted({each for one in found for each in one.ids})


async def _still_there(tx: Tx, account: UUID) -> None:
    """A locked account is one person's alone, and was not forgotten by somebody else while this one waited."""
    row = await tx.fetchrow("SELECT kind, merged_into, merged_others FROM members WHERE member_id = $1", account)
    if row is None or row["kind"] != "member":
        raise NotFound(kind="member")
    if row["merged_into"] is not None or row["merged_others"]:
        raise MergedMeanwhile


async def _forget(tx: Tx, member_id: UUID, whose: Whose, *, channel: str, actor: Actor, reason: str) -> None:
    """Forget one account, locked and with nothing open."""
    traces = await _traces(tx, whose)
    now = clock.now()
    await tx.execute(
        "UPDATE coupons SET void_at = $2 WHERE member_id = ANY ($1) AND order_id IS NULL AND void_at IS NULL",
        whose.ids,
        now,
    )
    with suppress(NotFound):  # there may be no guide to part from
        await attribution.unbind(tx, member_id=member_id, actor=actor)
    await consents.withdraw_all(tx, member_id=member_id, channel=channel, actor=actor)
    await personal_data.forget(tx, whose)
    await _rename(tx, whose.ids)
    await tx.execute(
        "INSERT INTO erasures (member_id, channel, actor, erased_at, traces) VALUES ($1, $2, $3, $4, $5)",
        member_id,
        channel,
        actor.label,
        now,
        traces,
    )
    left = await tx.fetchval("SELECT count(*) FROM phone_index WHERE member_id = ANY ($1)", whose.ids)
    ensure(left == 0, "MEM-5", f"{member_id} is forgotten and has a number")
    await audit.record(
        tx,
        actor=actor,
        action="member.erase",
        subject_kind="member",
        subject=str(member_id),
        reason=reason,
        after={"channel": channel},
    )
    await outbox.emit(tx, topic="members.sessions-ended", key=str(member_id), payload={})
    await outbox.emit(tx, topic="members.erased", key=str(member_id), payload={"member_id": str(member_id)})


# What somebody was credited under for bringing them.
_BROUGHT = """
SELECT id FROM bindings WHERE member_id = ANY ($1)
UNION SELECT touch_id FROM sign_ups WHERE member_id = ANY ($1)
"""


async def _rename(tx: Tx, ids: list[UUID]) -> None:
    await tx.execute(
        """UPDATE members SET kind = 'guest', display_name = '', phone = NULL, home_store_id = NULL,
                  external_code = NULL, card_no = NULL, tier = '', tier_keeps_until = NULL, tier_lapses_at = NULL,
                  erased_at = coalesce(erased_at, $2)
           WHERE member_id = ANY ($1)""",
        ids,
        clock.now(),
    )
    await homes.follow(tx, ids, source="member")


_NAMED = """
SELECT unnest(ARRAY[m.display_name, m.phone, m.external_code, m.card_no]) FROM members m WHERE m.member_id = ANY ($1)
UNION SELECT unnest(ARRAY[a.name, a.phone, a.district || a.line, a.line]) FROM addresses a WHERE a.member_id = ANY ($1)
UNION SELECT unnest(ARRAY[o.contact_name, o.contact_phone, o.note, o.address ->> 'name', o.address ->> 'phone',
                          o.address ->> 'line'])
FROM orders o WHERE o.member_id = ANY ($1)
UNION SELECT t.note FROM touchpoints t WHERE t.owner_kind = 'member' AND t.owner_id = ANY ($1)
UNION SELECT unnest(ARRAY[p.holder, p.receiver, p.branch]) FROM payee_accounts p WHERE p.payee_id = ANY ($1)
UNION SELECT unnest(ARRAY[p.holder, p.receiver, p.branch]) FROM payouts p WHERE p.payee_id = ANY ($1)
UNION SELECT i.value FROM identities i WHERE i.member_id = ANY ($1)
-- What the audit log showed of every account that was ever theirs.
UNION SELECT unnest(ARRAY[a.before ->> 'receiver', a.after ->> 'receiver']) FROM audit_log a
WHERE a.subject_kind = 'payee' AND a.subject = ANY ($1::uuid[]::text[])
"""
_SUBJECTS = """
SELECT unnest($1::uuid[])::text
UNION SELECT unnest(ARRAY[o.id::text, o.order_no]) FROM orders o WHERE o.member_id = ANY ($1)
UNION SELECT t.code FROM touchpoints t WHERE t.owner_kind = 'member' AND t.owner_id = ANY ($1)
"""


async def _traces(tx: Tx, whose: Whose) -> dict[str, Any]:
    """What logs are looked through for: the words that name the member, their number as people write it, and the ids
    by which a line is known to be about them. Longer words come first, so that none is cut out of the middle."""
    words = {(row[0] or "").strip() for row in await tx.fetch(_NAMED, whose.ids)}
    phones = set(personal_data.written(whose.phone)) if whose.phone else set()
    for row in await tx.fetch("SELECT kind, value FROM identities WHERE member_id = ANY ($1)", whose.ids):
        words.add(identity_log.masked(row["kind"], row["value"]))
    words |= phones | ({masked(whose.phone) or ""} if whose.phone else set())
    return {
        "values": sorted({word for word in words if word}, key=lambda word: (-len(word), word)),
        "phones": sorted(phones),
        "ids": [str(each) for each in whose.ids],
        "subjects": sorted(row[0] for row in await tx.fetch(_SUBJECTS, whose.ids)),
    }


# --- the logs --------------------------------------------------------------------------------------


@jobs.cron("sweep after erasures", "* * * * *")
async def sweep_due(db: Database) -> int:
    """Sweep the logs after each erasure that is a little while ago; returns how many were done."""
    rows = await db.fetch(
        """SELECT member_id FROM erasures WHERE swept_at IS NULL AND erased_at <= $1 AND NOT member_id = ANY ($3)
           ORDER BY erased_at LIMIT $2""",
        clock.now() - PAUSE,
        BATCH,
        SWEEPS.resting(),
    )

    async def one(row: Any) -> None:
        await sweep(db, row["member_id"])

    return await SWEEPS.run([(row["member_id"], row) for row in rows], one)


InFiles = Callable[[dict[str, Any]], Awaitable[None]]
_FILES: list[InFiles] = []


def in_files(forget: InFiles) -> InFiles:
    """Have this asked too, at each sweep, to forget in files what the traces name. Registering it again changes
    nothing."""
    if forget not in _FILES:
        _FILES.append(forget)
    return forget


async def _with_strangers(tx: Tx, member_id: UUID, traces: dict[str, Any]) -> dict[str, Any]:
    """The traces with guests whose number is the member's in another spelling, and with the words that name those;
    written down, since what is append-only is swept by what stands in the erasure."""
    more = await personal_data.strangers_spelt(tx, traces["ids"], traces["phones"])
    if not more:
        return traces
    theirs = await _traces(tx, personal_data.Whose(more, None))
    words = {*traces["values"], *theirs["values"]}
    whole = traces | {
        "values": sorted(words, key=lambda word: (-len(word), word)),
        "ids": [*traces["ids"], *theirs["ids"]],
        "subjects": sorted({*traces["subjects"], *theirs["subjects"]}),
    }
    await tx.execute("UPDATE erasures SET traces = $2 WHERE member_id = $1", member_id, whole)
    return whole


async def sweep(db: Database, member_id: UUID) -> bool:
    """Take what named a forgotten member out of every log, then forget what was looked for. Safe to repeat."""
    faults.point("erase.before_sweep")
    known = await db.fetchval("SELECT traces FROM erasures WHERE member_id = $1 AND swept_at IS NULL", member_id)
    for forget in _FILES if known is not None else ():
        await forget(known)
    async with db.begin() as tx:
        traces = await tx.fetchval(
            "SELECT traces FROM erasures WHERE member_id = $1 AND swept_at IS NULL FOR UPDATE", member_id
        )
        if traces is None:
            return False
        await tx.execute("SET LOCAL statement_timeout = '10min'")
        traces = await _with_strangers(tx, member_id, traces)
        ids = traces["ids"]
        # Members before what is theirs, as whoever records a late payment locks them.
        await tx.execute("SELECT 1 FROM members WHERE member_id = ANY ($1) ORDER BY member_id FOR NO KEY UPDATE", ids)
        # Once more: a request that was under way may have written after the member had gone.
        await personal_data.forget(tx, personal_data.Whose(ids, None))
        await _rename(tx, ids)
        await tx.execute("SELECT duo_forget_history($1)", member_id)
        await personal_data.redact_copies(tx, traces)
        done = await tx.execute(
            "UPDATE erasures SET traces = NULL, swept_at = $2 WHERE member_id = $1", member_id, clock.now()
        )
        ensure(done == "UPDATE 1", "MEM-5", f"{done} for one erasure swept")
    faults.point("erase.after_sweep")
    return True
