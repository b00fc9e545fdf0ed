"""What a run would pay: said before it is begun, and looked at again when it begins.

What is disputed waits. Nobody pays alone what they approved alone beyond the limit above which two people are needed:
many small statements are no way around it. Nor what goes to an account that they set for somebody else, as long as no
payout has arrived there: whoever approves has never seen it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from duoline.settlement import payee_accounts
from duoline.settlement.accounts import PAYABLE
from duoline.settlement.errors import PayAlone, QuoteMoved
from duoline.settlement.policy import STATEMENTS
from duoline.settlement.statements import logins_of

if TYPE_CHECKING:
    from uuid import UUID

    from duoline.kernel.db import Database, Tx

# A statement `s` that the next run of month $1 would take up.
READY = "s.month = $1 AND s.state = 'approved' AND s.way = 'payout'"
# The last that was said of it is a dispute: it waits for an answer.
DISPUTED = """coalesce((SELECT n.kind = 'dispute' FROM statement_notes n WHERE n.payee_id = s.payee_id
                 AND n.statement_id = s.id ORDER BY n.id DESC LIMIT 1), false)"""
# What is asked for now, as `payouts.payable_now` says: no more than can be paid, and then no less than the least ($2).
ASKED = f"""(SELECT CASE WHEN s.to_pay_minor - s.withheld_minor <= can.minor THEN s.to_pay_minor - s.withheld_minor
                WHEN can.minor >= $2 THEN can.minor ELSE 0 END FROM (SELECT {PAYABLE} AS minor) can)"""  # noqa: S608 - our own text


def _alone(staff: str) -> str:
    """Nobody but that person approved it, under whatever log-in of theirs."""
    return f"""NOT EXISTS (SELECT FROM statement_approvals a WHERE a.payee_id = s.payee_id AND a.statement_id = s.id
                        AND a.staff_id <> ALL ({logins_of(staff)}))"""


def _by(actor: str, staff: str) -> str:
    """That person did it, under whatever log-in of theirs."""
    return f"{actor} = ANY (SELECT 'staff:' || l.id FROM unnest({logins_of(staff)}) l(id))"  # noqa: S608 - our own text


_QUOTE = f"""
SELECT count(*) FILTER (WHERE NOT disputed AND minor > 0)::integer,
       coalesce(sum(minor) FILTER (WHERE NOT disputed), 0)::bigint,
       count(*) FILTER (WHERE disputed)::integer, coalesce(sum(minor) FILTER (WHERE disputed), 0)::bigint,
       coalesce(sum(minor) FILTER (WHERE alone AND NOT disputed), 0)::bigint
FROM (SELECT {ASKED} AS minor, {DISPUTED} AS disputed,
             {_alone("$3::uuid")} OR coalesce({_by("k.actor", "$3::uuid")} AND {payee_accounts.NEW}, false) AS alone
      FROM statements s JOIN payees p ON p.payee_id = s.payee_id
      LEFT JOIN LATERAL {payee_accounts.picked("s.payee_id")} k ON true WHERE {READY}) x
"""  # noqa: S608 - our own text

# What earlier runs of the same person have asked for, of the same month, that nobody else looked after either.
_BEFORE = f"""
SELECT coalesce(sum(o.amount_minor), 0)::bigint
FROM payout_runs r JOIN payouts o ON o.run_id = r.id
JOIN statements s ON s.payee_id = o.payee_id AND s.id = o.statement_id
WHERE r.month = $1 AND {_by("r.actor", "$2::uuid")} AND o.state <> 'failed'
  AND ({_alone("$2::uuid")} OR {_by("o.account_by", "$2::uuid")})
"""  # noqa: S608 - our own text


class Quote(NamedTuple):
    """What a run of a month would pay now, what waits because it is disputed, and what somebody would pay whom nobody
    else has looked after (`alone`, with what they paid so before). Amounts in minor units."""

    statements: int
    minor: int
    disputed: int
    disputed_minor: int
    alone_minor: int
    limit_minor: int

    @property
    def needs_another(self) -> bool:
        """Whether somebody else has to begin the run, or approve some of it."""
        return self.alone_minor > self.limit_minor


async def quote(db: Database | Tx, month: str, *, staff_id: UUID) -> Quote:
    """What a run that this person begins would pay."""
    rules = STATEMENTS.current().body
    row = await db.fetchrow(_QUOTE, month, rules.least_minor, staff_id)
    before: int = await db.fetchval(_BEFORE, month, staff_id)
    count, minor, disputed, disputed_minor, alone = tuple(row) if row else (0,) * 5
    return Quote(count, minor, disputed, disputed_minor, alone + before, rules.two_above_minor)


async def check(tx: Tx, month: str, *, staff_id: UUID, expected_minor: int | None = None) -> None:
    """Refuses `settlement.quote-moved` when it is not what was confirmed, and `settlement.pay-alone`."""
    found = await quote(tx, month, staff_id=staff_id)
    if expected_minor is not None and found.minor != expected_minor:
        raise QuoteMoved(amount=_yuan(found.minor))
    if found.needs_another:
        raise PayAlone(alone=_yuan(found.alone_minor), limit=_yuan(found.limit_minor))


def _yuan(minor: int) -> str:
    return f"¥{minor // 100:,}.{minor % 100:02d}"
