"""What moved a member's stored value. A wallet tells what was spent everywhere, so it is headquarters' to see."""

from __future__ import annotations

from duoline.kernel.history import EVERYTHING, Part

HISTORY = (
    Part(
        "wallet",
        "journals t",
        "t.member_id",
        "t.at",
        "t.id",
        {
            "event": "regexp_replace(t.kind, '^wallet-', '')",
            "order_id": "t.order_id",
            "amount_minor": """(SELECT sum(CASE WHEN e.credit LIKE 'stored:%' THEN e.amount_minor ELSE 0 END
                                       - CASE WHEN e.debit LIKE 'stored:%' THEN e.amount_minor ELSE 0 END)::bigint
                                FROM journal_entries e WHERE e.member_id = t.member_id AND e.journal_id = t.id)""",
            "actor": "t.actor",
            "reason": "t.reason",
        },
        where=f"{EVERYTHING} AND t.ref_kind = 'wallet'",
    ),
)
