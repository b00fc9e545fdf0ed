"""The settlement file: every movement of money of one day, for the merchant's reconciliation."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from duoline.adapters.sandbox import rules

if TYPE_CHECKING:
    from datetime import date

    from duoline.adapters.sandbox.books import Books

COLUMNS = (
    "kind", "out_trade_no", "out_refund_no", "provider_ref", "amount_minor", "fee_minor", "currency", "at",
)  # fmt: skip


def settlement_file(books: Books, merchant_id: str, on: date) -> str:
    """The day's captures, refunds and transfers as CSV, in order of time; days run from midnight to midnight in
    Shanghai."""
    start_ms, end_ms = rules.day_bounds_ms(on)
    rows = books.all(
        """SELECT e.kind, p.out_trade_no, coalesce(r.out_refund_no, '') AS out_refund_no,
                  coalesce(r.provider_ref, p.provider_ref) AS provider_ref, e.amount_minor, e.fee_minor,
                  p.currency, e.at_ms
           FROM entries e JOIN payments p ON p.id = e.payment_id LEFT JOIN refunds r ON r.id = e.refund_id
           WHERE e.merchant_id = ? AND e.at_ms >= ? AND e.at_ms < ? ORDER BY e.at_ms, e.id""",
        merchant_id,
        start_ms,
        end_ms,
    )
    rows += books.all(
        """SELECT 'transfer', out_transfer_no, '', provider_ref, -amount_minor, 0, currency, settled_ms AS at_ms
           FROM transfers WHERE merchant_id = ? AND state = 'done' AND settled_ms >= ? AND settled_ms < ?
           ORDER BY settled_ms, id""",
        merchant_id,
        start_ms,
        end_ms,
    )
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    for row in sorted(rows, key=lambda row: int(row["at_ms"])):
        writer.writerow([*row[:-1], rules.iso(row["at_ms"])])
    return text.getvalue()
