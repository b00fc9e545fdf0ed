"""What moved a member's points. Points that become spendable are no news beside those that were earned, and points that
an order gives back come as a gift of their own."""

from __future__ import annotations

from duoline.kernel.history import Part

HISTORY = (
    Part(
        "points",
        "journals t",
        "t.member_id",
        "t.at",
        "t.id",
        {
            "event": "substr(t.kind, 8)",
            "order_id": "t.order_id",
            "points": """(SELECT sum(CASE e.debit WHEN 'points:given' THEN e.amount_minor ELSE -e.amount_minor END)
                          ::bigint FROM journal_entries e WHERE e.member_id = t.member_id AND e.journal_id = t.id)""",
            "actor": "t.actor",
            "reason": "t.reason",
        },
        where="t.ref_kind = 'points' AND t.kind NOT IN ('points-ripe', 'points-used-back')",
        order="t.order_id",
    ),
)
