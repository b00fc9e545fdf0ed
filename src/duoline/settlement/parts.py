"""A payee's month closed in bounded parts: so many shares a transaction, however many millions the payee has.

Between two parts the payee is free: orders are told of, goods come back, shares become due. Each part walks on from the
last line of the statement, in the order of the shares' key, and takes what a share comes to then. So no share is in a
statement twice: what changes behind the walk is open again and goes into the next month's, what changes before it is
taken as it then is. At every commit the statement is the sum of its lines (STL-6), and all of it stands as carried on
(STL-7) until the last part says what is paid.

| The payee's newest statement | What closing month M does to it |
|---|---|
| none, or of a month before M, and not `closing` | opens M's, with what the one before carried on, and takes a part |
| `closing`, of M or before | takes the next part; the part that finds no more ends it: `closed`, or `carried` |
| `closing`, of a month after M | nothing: M is over for this payee |
| of M or after, and not `closing` | nothing |

Two that close at once take turns under the payee's lock, part by part; one that dies leaves whole parts behind, and
whoever closes next goes on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple
from uuid import UUID

from duoline.kernel import clock, faults
from duoline.kernel.errors import ensure
from duoline.kernel.ids import new_id
from duoline.settlement import accounts, closing_runs
from duoline.settlement.policy import STATEMENTS

if TYPE_CHECKING:
    from duoline.kernel.auth import Actor
    from duoline.kernel.db import Database, Tx

faults.register("closing.before_part", "closing.between_parts", "settlement.before_close")

SHARES = 5_000
"""How many shares a transaction takes: a fraction of a second for which tellings of the payee's orders wait."""

Step = Literal["part", "ended", "earlier", "there"]
"""What a transaction did: took a part and there may be more; ended the month's statement, or one of a month before it;
nothing."""

BEFORE_ALL = (UUID(int=0), UUID(int=0), "", "", UUID(int=0))


class _Open(NamedTuple):
    """A statement that is being collected, its payee locked. Amounts in minor units."""

    id: UUID
    month: str
    way: str
    state: str
    carried_in_minor: int
    earned_minor: int
    reversed_minor: int
    carried_out_minor: int


async def close_one(
    db: Database, payee_id: UUID, month: str, *, pays: bool, actor: Actor, run_id: UUID | None = None
) -> bool:
    """The statement of one payee, part by part, after an earlier one that was left by half. False when somebody else
    has ended it, or there is one of that month or a later one."""
    while True:
        step = await close_part(db, payee_id, month, pays=pays, actor=actor, run_id=run_id)
        if step in ("ended", "there"):
            return step == "ended"
        faults.point("closing.between_parts")


async def close_part(
    db: Database, payee_id: UUID, month: str, *, pays: bool, actor: Actor, run_id: UUID | None = None
) -> Step:
    """One transaction of the table above. Locks the payee, with the same person's other accounts, then their statement,
    then the run, if any, which is told how far it is."""
    async with db.begin() as tx:
        await accounts.lock_person(tx, payee_id)
        row = await tx.fetchrow(_NEWEST, payee_id)
        last = _Open(*row) if row else None
        if last is None or (last.month < month and last.state != "closing"):
            found = await _open(tx, payee_id, month, last, pays=pays, actor=actor)
        elif last.state == "closing" and last.month <= month:
            found = last
        else:
            return "there"
        found, shares = await _take(tx, payee_id, found)
        if shares == SHARES:
            await _write(tx, payee_id, found)
            step: Step = "part"
        else:
            await _end(tx, payee_id, found)
            step = "ended" if found.month == month else "earlier"
        if run_id is not None:
            await closing_runs.note(tx, run_id, shares=shares, payees=1 if step == "ended" else 0)
        faults.point("closing.before_part" if step == "part" else "settlement.before_close")
    return step


_NEWEST = """
SELECT id, month, way, state, carried_in_minor, earned_minor, reversed_minor, carried_out_minor FROM statements
WHERE payee_id = $1 ORDER BY month DESC LIMIT 1 FOR UPDATE
"""

_LAST_LINE = """
SELECT order_id, line_id, book, role, location_id FROM statement_lines WHERE payee_id = $1 AND statement_id = $2
ORDER BY order_id DESC, line_id DESC, book DESC, role DESC, location_id DESC LIMIT 1
"""


# What was withheld of a payee's statements and is in none of them yet.
_WITHHELD = """
SELECT coalesce(sum(withheld_minor - withheld_in_minor), 0)::bigint FROM statements WHERE payee_id = $1
"""


async def _open(tx: Tx, payee_id: UUID, month: str, last: _Open | None, *, pays: bool, actor: Actor) -> _Open:
    """A statement of the month, with what the one before carried on, what was withheld of approved ones since the last
    was opened, and nothing else yet."""
    withheld: int = await tx.fetchval(_WITHHELD, payee_id)
    carried = (last.carried_out_minor if last else 0) + withheld
    made = _Open(new_id(), month, "payout" if pays else "internal", "closing", carried, 0, 0, carried)
    await tx.execute(
        """INSERT INTO statements (payee_id, id, kind, month, way, carried_in_minor, earned_minor, reversed_minor,
                                   cut_minor, to_pay_minor, carried_out_minor, withheld_in_minor, state,
                                   approvals_needed, closed_by, closed_at)
           SELECT payee_id, $2, kind, $3, $4, $5, 0, 0, 0, 0, $5, $6, 'closing', 1, $7, $8
           FROM payees WHERE payee_id = $1""",
        payee_id,
        made.id,
        month,
        made.way,
        carried,
        withheld,
        actor.label,
        clock.now(),
    )
    return made


# What became due by the end of the month and no statement has, as it is now, from a place in the order of the key on.
_PART = """
WITH open AS (
    SELECT order_id, line_id, book, role, location_id, earned_minor - settled_minor AS minor FROM accruals
    WHERE payee_id = $1 AND state = 'matured' AND earned_minor <> settled_minor AND month <= $3
      AND (order_id, line_id, book, role, location_id) > ($4, $5, $6, $7, $8)
    ORDER BY order_id, line_id, book, role, location_id LIMIT $9
), settled AS (
    UPDATE accruals a SET settled_minor = a.earned_minor FROM open o
    WHERE a.payee_id = $1 AND a.order_id = o.order_id AND a.line_id = o.line_id AND a.book = o.book
      AND a.role = o.role AND a.location_id = o.location_id
    RETURNING o.minor
), lines AS (
    INSERT INTO statement_lines (payee_id, statement_id, order_id, line_id, book, role, location_id, amount_minor)
    SELECT $1, $2, order_id, line_id, book, role, location_id, minor FROM open RETURNING amount_minor)
SELECT count(*)::integer AS shares, coalesce(sum(amount_minor) FILTER (WHERE amount_minor > 0), 0)::bigint AS earned,
       coalesce(-sum(amount_minor) FILTER (WHERE amount_minor < 0), 0)::bigint AS back,
       (SELECT count(*) FROM settled)::integer AS settled,
       (SELECT coalesce(sum(minor), 0) FROM settled)::bigint AS settled_minor
FROM lines
"""


async def _take(tx: Tx, payee_id: UUID, found: _Open) -> tuple[_Open, int]:
    """The statement with the next part of its lines, and how many shares that were."""
    after = await tx.fetchrow(_LAST_LINE, payee_id, found.id) or BEFORE_ALL
    part = await tx.fetchrow(_PART, payee_id, found.id, found.month, *after, SHARES)
    ensure(part is not None, "STL-6", f"{found.id} has no sums")
    shares, earned, back, settled, settled_minor = tuple(part)  # type: ignore[arg-type]
    listed = (shares, earned - back)
    ensure(listed == (settled, settled_minor), "STL-6", f"{found.id} lists {listed}, settles {settled, settled_minor}")
    return found._replace(
        earned_minor=found.earned_minor + earned,
        reversed_minor=found.reversed_minor + back,
        carried_out_minor=found.carried_out_minor + earned - back,
    ), shares


async def _write(
    tx: Tx,
    payee_id: UUID,
    found: _Open,
    *,
    cut_minor: int = 0,
    to_pay_minor: int = 0,
    approvals_needed: int = 1,
) -> None:
    done = await tx.execute(
        """UPDATE statements SET earned_minor = $3, reversed_minor = $4, cut_minor = $5, to_pay_minor = $6,
                  carried_out_minor = $7, state = $8, approvals_needed = $9, closed_at = $10
           WHERE payee_id = $1 AND id = $2 AND state = 'closing'""",
        payee_id,
        found.id,
        found.earned_minor,
        found.reversed_minor,
        cut_minor,
        to_pay_minor,
        found.carried_out_minor - cut_minor - to_pay_minor,
        found.state,
        approvals_needed,
        clock.now(),
    )
    ensure(done == "UPDATE 1", "STL-6", f"{found.id} is not being made any more")


# What of the months' commission that statements have is above their caps, less what they left out for it before. What
# was taken back behind the walk is not in this statement yet: its month counts as this statement has it, so that nobody
# is paid more than the cap, and the next statement sees both. A refund may make it less: then it comes back.
_CUT = """
WITH behind AS (
    SELECT month, sum(earned_minor - settled_minor)::bigint AS minor FROM accruals
    WHERE payee_id = $1 AND state = 'matured' AND earned_minor <> settled_minor AND book = 'commission' AND month <= $2
    GROUP BY month
), before AS (
    SELECT m.month, m.settled_cut_minor,
           CASE WHEN m.cap_minor > 0
                THEN greatest(m.earned_minor - coalesce(b.minor, 0) - (m.cap_minor - m.others_minor), 0)
                ELSE 0 END AS cut
    FROM payee_months m LEFT JOIN behind b USING (month) WHERE m.payee_id = $1 AND m.month <= $2
), now AS (
    UPDATE payee_months m SET settled_cut_minor = b.cut FROM before b
    WHERE m.payee_id = $1 AND m.month = b.month AND m.settled_cut_minor <> b.cut)
SELECT coalesce(sum(cut - settled_cut_minor), 0)::bigint FROM before
"""


async def _end(tx: Tx, payee_id: UUID, found: _Open) -> None:
    """Every part is there: what is above the caps, what is paid, what is carried on, and who has to approve it."""
    rules = STATEMENTS.current().body
    cut: int = await tx.fetchval(_CUT, payee_id, found.month)
    closing = found.carried_out_minor - cut
    to_pay = closing if found.way == "internal" or closing >= rules.least_minor else 0
    elsewhere = await _elsewhere(tx, payee_id, found) if to_pay and found.way == "payout" else 0
    two = abs(to_pay) > rules.two_above_minor or to_pay + elsewhere > rules.two_above_minor
    await _write(
        tx,
        payee_id,
        found._replace(state="closed" if to_pay else "carried"),
        cut_minor=cut,
        to_pay_minor=to_pay,
        approvals_needed=2 if two else 1,
    )
    if two and elsewhere:
        await tx.execute(_TWO, payee_id, found.month)


# The same month's statements of the person's other accounts: the limit above which two approve is on them together.
_THEIRS = """
SELECT coalesce(sum(s.to_pay_minor), 0)::bigint FROM unnest(duo_group($1)) AS p(id)
JOIN statements s ON s.payee_id = p.id AND s.month = $2 AND s.way = 'payout' WHERE p.id <> $1
"""
_TWO = """
UPDATE statements s SET approvals_needed = 2 FROM unnest(duo_group($1)) AS p(id)
WHERE s.payee_id = p.id AND p.id <> $1 AND s.month = $2 AND s.way = 'payout' AND s.state = 'closed'
"""


async def _elsewhere(tx: Tx, payee_id: UUID, found: _Open) -> int:
    """What the same month's statements of the person's other accounts, which are locked, are to pay."""
    minor: int = await tx.fetchval(_THEIRS, payee_id, found.month)
    return minor
