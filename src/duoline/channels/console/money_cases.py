"""Money that waits for a person: payments that do not fit, refunds that the provider did not take, and what came for
somebody who is forgotten. What goes back to whom by itself is seen here too."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from litestar import get, post
from litestar.params import QueryParameter

from duoline import payments, wallet
from duoline.channels.http import cursors, doors
from duoline.channels.http.answers import Answer, Cursor, Input, Limit, Page
from duoline.channels.http.sessions import Staff
from duoline.channels.http.writes import Write
from duoline.flows import refund, top_up_refund
from duoline.kernel.auth import Actor
from duoline.kernel.db import Database, Tx
from duoline.kernel.errors import NotFound
from duoline.kernel.money import CURRENCY, Money

Which = Annotated[Literal["open", "all"], QueryParameter(name="state", description="Open ones, or all.")]


class MoneyCase(msgspec.Struct, frozen=True, kw_only=True):
    """One case. `misfit`: `amount` was paid where `expected` was asked for. `refund`: `amount` was not given back.
    `top_up`: `amount` was paid late for the wallet of a member who is forgotten, and goes back the way it came:
    `under_way` by itself, `open` when the provider did not take it. `stored`: `amount` came into the wallet of such a
    member all the same, because an order came back; it is of no one order, and `problem` is the provider's number of
    the last top-up, if one had filled it."""

    kind: Literal["misfit", "refund", "top_up", "stored"]
    id: UUID
    member_id: UUID
    order_id: UUID | None
    order_no: str
    provider: str
    amount: Money
    expected: Money | None
    problem: str
    state: Literal["open", "under_way", "resolved"]
    at: datetime
    note: str


class Resolution(Input, frozen=True):
    """What was done about it. A payment is `settled` with the provider; a refund or a top-up is sent `again`, or was
    given `by_hand`; what was stored was given back `by_hand`, in the provider's back office or otherwise."""

    do: Literal["settled", "again", "by_hand"]
    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


_CASES = """
SELECT * FROM (
    SELECT 'misfit' AS kind, e.id, e.member_id, e.order_id, e.provider, e.got_minor AS amount,
           e.got_currency AS currency, e.expected_minor AS expected, e.currency AS expected_currency, '' AS problem,
           e.state, e.created_at AS at, e.note
    FROM payment_exceptions e WHERE $1 OR e.state = 'open'
    UNION ALL
    SELECT 'refund', r.id, r.member_id, r.order_id, c.tender, r.amount_minor, r.currency, NULL, NULL,
           coalesce(r.problem, ''), 'open', r.created_at, r.reason
    FROM refunds r JOIN captures c ON c.member_id = r.member_id AND c.id = r.capture_id WHERE r.state = 'failed'
    UNION ALL
    SELECT 'top_up', b.id, b.member_id, NULL, t.tender, b.amount_minor, $5, NULL, NULL, coalesce(b.problem, ''),
           CASE b.state WHEN 'failed' THEN 'open' WHEN 'requested' THEN 'under_way' ELSE 'resolved' END,
           b.created_at, ''
    FROM wallet_top_up_refunds b JOIN wallet_top_ups t ON t.member_id = b.member_id AND t.id = b.top_up_id
    WHERE $1 OR b.state = 'failed'
    UNION ALL
    SELECT 'stored', w.member_id, w.member_id, NULL, coalesce(t.tender, 'wallet'), w.principal_minor, $5, NULL, NULL,
           coalesce(t.provider_ref, ''), 'open', w.updated_at, ''
    FROM erasures x JOIN wallets w ON w.member_id = x.member_id AND w.principal_minor > 0
    LEFT JOIN LATERAL (
        SELECT t.tender, t.provider_ref FROM wallet_top_ups t
        WHERE t.member_id = w.member_id AND t.state = 'paid' ORDER BY t.resolved_at DESC, t.id DESC LIMIT 1) t ON true
) one LEFT JOIN LATERAL (
    SELECT o.order_no FROM orders o WHERE o.member_id = one.member_id AND o.id = one.order_id
) o ON true
WHERE (one.kind IN ('stored', 'top_up') OR o.order_no IS NOT NULL)
  AND ($2::timestamptz IS NULL OR (one.at, one.id) < ($2, $3::uuid))
ORDER BY one.at DESC, one.id DESC LIMIT $4
"""


@get("/api/console/money-cases", opt=doors.staff("money.settle"))
async def list_cases(db: Database, which: Which = "open", limit: Limit = 20, cursor: Cursor = None) -> Page[MoneyCase]:
    """Cases, newest first."""
    before = cursors.unpack(cursor, datetime, UUID) if cursor else (None, None)
    rows = await db.fetch_filtered(_CASES, which == "all", *before, limit + 1, CURRENCY)
    cases = [
        MoneyCase(
            kind=row["kind"],
            id=row["id"],
            member_id=row["member_id"],
            order_id=row["order_id"],
            order_no=row["order_no"] or "",
            provider=row["provider"],
            amount=Money(row["amount"], row["currency"]),
            expected=None if row["expected"] is None else Money(row["expected"], row["expected_currency"]),
            problem=row["problem"],
            state=row["state"],
            at=row["at"],
            note=row["note"],
        )
        for row in rows[:limit]
    ]
    following = cursors.pack(cases[-1].at, cases[-1].id) if len(rows) > limit else None
    return Page(cases, following)


@post(
    "/api/console/money-cases/{kind:str}/{case_id:uuid}/resolution",
    opt=doors.staff("money.settle", kind=doors.SHARED, case_id=doors.SHARED, member_id=doors.SHARED),
    status_code=204,
)
async def resolve(
    write: Write, staff: Staff, kind: str, case_id: UUID, member_id: UUID, data: Resolution
) -> Answer[None]:
    """Say what was done about a case, with the reason. `member_id` is the case's own."""

    async def work(tx: Tx) -> None:
        who, why = staff.actor, data.reason
        match kind, data.do:
            case "misfit", "settled":
                await payments.resolve_exception(tx, member_id=member_id, exception_id=case_id, reason=why, actor=who)
            case "refund", "again":
                await refund.send_again(tx, member_id=member_id, refund_id=case_id, reason=why, actor=who)
            case "refund", "by_hand":
                await refund.given_by_hand(tx, member_id=member_id, refund_id=case_id, reason=why, actor=who)
            case "top_up", "again":
                await top_up_refund.send_again(tx, member_id=member_id, refund_id=case_id, reason=why, actor=who)
            case "top_up", "by_hand":
                await wallet.top_up_refunds.give_by_hand(
                    tx, member_id=member_id, refund_id=case_id, reason=why, actor=who
                )
            case "stored", "by_hand":
                await give_stranded_back(tx, member_id, reason=why, actor=who)
            case _:
                raise payments.NoSuchResolution

    return await write.run(work, status=204)


async def give_stranded_back(tx: Tx, member_id: UUID, *, reason: str, actor: Actor) -> None:
    """What came into the wallet of somebody who is forgotten was given back: book it out of there, all of it. Refuses
    `kernel.not-found` for anybody else's wallet, or one that is empty by now."""
    minor = await tx.fetchval(
        """SELECT w.principal_minor FROM wallets w JOIN erasures x ON x.member_id = w.member_id
           WHERE w.member_id = $1 AND w.principal_minor > 0 FOR UPDATE OF w""",
        member_id,
    )
    if minor is None:
        raise NotFound
    await wallet.pay_out(tx, member_id=member_id, principal_minor=minor, reason=reason, actor=actor)


ROUTES = [list_cases, resolve]
