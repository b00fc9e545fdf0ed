"""What a member earned by sharing, and was paid: headquarters' to see, without the orders, which are other members'."""

from __future__ import annotations

from duoline.kernel.history import EVERYTHING, Part

HISTORY = (
    Part(
        "commission",
        "accruals t",
        "t.payee_id",
        "t.at",
        "md5(t.order_id || ' ' || t.line_id || ' ' || t.role || ' ' || t.location_id)::uuid",
        {
            "event": "'earned'",
            "amount_minor": "t.earned_minor",
            "what": "t.role",
            "source": "t.flag",
            "behind": "t.payee_id",
        },
        where=f"{EVERYTHING} AND t.payee_kind = 'member' AND t.book = 'commission'",
    ),
    Part(
        "commission",
        "payouts t",
        "t.payee_id",
        "t.resolved_at",
        "t.id",
        {"event": "'paid'", "amount_minor": "t.amount_minor", "behind": "t.statement_id"},
        where=f"{EVERYTHING} AND t.state = 'done'",
    ),
)
