"""Take back what was credited for bringing somebody who is gone, or was another's: until it is due, it can be."""

from __future__ import annotations

from typing import TYPE_CHECKING

from duoline.kernel import clock
from duoline.kernel.errors import ensure
from duoline.settlement import accounts
from duoline.settlement.types import Payee

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from duoline.kernel.auth import Actor
    from duoline.kernel.db import Tx
    from duoline.ledger import Journal
    from duoline.settlement.types import Flag

# Bringing is credited under the binding or the sign-up, with the member in place of an order's line.
_ABOUT = """
FROM accruals a WHERE a.order_id = ANY ($1) AND a.line_id = a.member_id AND a.state = 'pending' AND a.earned_minor <> 0
"""
_TAKE = f"""
WITH was AS (
    SELECT a.payee_id, a.order_id, a.line_id, a.book, a.role, a.location_id, a.earned_minor {_ABOUT}
)
UPDATE accruals a SET earned_minor = 0, reversed_minor = a.reversed_minor + greatest(was.earned_minor, 0), flag = $2,
                      updated_at = $3
FROM was
WHERE (a.payee_id, a.order_id, a.line_id, a.book, a.role, a.location_id)
      = (was.payee_id, was.order_id, was.line_id, was.book, was.role, was.location_id)
RETURNING a.payee_id, a.order_id, a.member_id, a.book, was.earned_minor AS minor
"""  # noqa: S608 - our own text


async def take_back_bringing(
    tx: Tx, source_ids: Sequence[UUID], *, flag: Flag | None, reason: str = "", actor: Actor
) -> int:
    """Take back every reward for bringing somebody that is not due yet, both sides of a shop's, by the ids of the
    bindings and sign-ups that earned them. Returns how many. What is due already stays.

    The share stays to be seen by its payee, with the flag, if any, that says why it pays nothing. Repeating it changes
    nothing. Locks the payees.
    """
    rows = await tx.fetch(f"SELECT DISTINCT a.payee_kind, a.payee_id {_ABOUT}", list(source_ids))
    if not rows:
        return 0
    await accounts.lock(tx, [Payee(*row) for row in rows])
    # Once more under the lock: some of it may have become due meanwhile.
    taken = await tx.fetch(_TAKE, list(source_ids), flag, clock.now())
    changes: dict[UUID, int] = {}
    journals: list[Journal] = []
    for source_id in sorted({row["order_id"] for row in taken}):
        those = sorted((row for row in taken if row["order_id"] == source_id), key=lambda row: row["payee_id"])
        for row in those:
            changes[row["payee_id"]] = changes.get(row["payee_id"], 0) - row["minor"]
        whole = sum(row["minor"] for row in those if row["book"] == "allocation")
        ensure(whole == 0, "STL-4", f"{whole} of what {source_id} brought would have one side only")
        entries = [
            accounts.entry(accounts.BOOKS[row["book"]], accounts.pending(row["payee_id"]), -row["minor"])
            for row in those
        ]
        journals.append(accounts.journal(those[0]["member_id"], "settlement-bringing", entries, reason=reason))
    await accounts.change_all(tx, {payee_id: (minor, 0) for payee_id, minor in changes.items()})
    await accounts.book_all(tx, journals, actor=actor)
    return len(taken)
