"""Refunds at the provider: taken on at once, settled then or later, reported either way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import msgspec

from duoline.adapters.sandbox import callbacks, payments, rules, wallets
from duoline.adapters.sandbox.errors import Refused
from duoline.adapters.sandbox.payments import Currency, Minor, Number
from duoline.kernel.ids import code

if TYPE_CHECKING:
    import sqlite3

    from duoline.adapters.sandbox.books import Books


class RefundRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A refund that a merchant asks for."""

    out_trade_no: Number
    out_refund_no: Number
    amount_minor: Minor
    currency: Currency
    reason: Annotated[str, msgspec.Meta(max_length=200)] = ""


def refund(books: Books, merchant_id: str, wanted: RefundRequest) -> sqlite3.Row:
    """Take on a refund, or find the one that this number already has.

    Refuses, in this order: the number with another payment, amount or currency; a payment that is
    unknown or not paid; another currency; more than is left of the payment after all refunds that are
    done or in progress.
    """
    payment = payments.find(books, merchant_id, wanted.out_trade_no)
    known = find(books, merchant_id, wanted.out_refund_no)
    if known is not None:
        same = (known["out_trade_no"], known["amount_minor"], known["currency"])
        if same != (wanted.out_trade_no, wanted.amount_minor, wanted.currency):
            raise Refused("refund_differs", 409, "This out_refund_no belongs to another refund.")
        return known
    if payment is None or payment["state"] != "paid":
        raise Refused("not_paid", 409, "There is no such paid payment.")
    if payment["currency"] != wanted.currency:
        raise Refused("refund_differs", 409, "The payment is in another currency.")
    left = payment["amount_minor"] - payment["refunded_minor"]
    if wanted.amount_minor > left:
        raise Refused("refund_exceeds", 409, "The refunds would exceed what was paid.", refundable_minor=left)
    faults = books.faults_of(payment)
    books.run(
        "UPDATE payments SET refunded_minor = refunded_minor + ? WHERE id = ?", wanted.amount_minor, payment["id"]
    )
    books.insert(
        """INSERT INTO refunds (payment_id, merchant_id, out_refund_no, provider_ref, amount_minor, currency,
                                reason, state, outcome, created_ms, settles_ms)
           VALUES (?, ?, ?, ?, ?, ?, ?, 'processing', ?, ?, ?)""",
        payment["id"], merchant_id, wanted.out_refund_no, "sbr_" + code(26), wanted.amount_minor, wanted.currency,
        wanted.reason, faults.refund_outcome, books.now_ms, books.later_ms(faults.refund_delay_s),
    )  # fmt: skip
    settle_due(books)
    return _known(books, merchant_id, wanted.out_refund_no)


def find(books: Books, merchant_id: str, out_refund_no: str) -> sqlite3.Row | None:
    """A merchant's refund by its own number, settled first if its time has come."""
    settle_due(books)
    return books.one(
        """SELECT r.*, p.out_trade_no FROM refunds r JOIN payments p ON p.id = r.payment_id
           WHERE r.merchant_id = ? AND r.out_refund_no = ?""",
        merchant_id,
        out_refund_no,
    )


def settle_due(books: Books) -> None:
    """End every refund in progress whose time has come: money moves, or the amount is free again."""
    due = books.all("SELECT * FROM refunds WHERE state = 'processing' AND settles_ms <= ?", books.now_ms)
    for row in due:
        _settle(books, row)


def settle_now(books: Books, out_refund_no: str, outcome: str) -> None:
    """End a refund in progress with a chosen outcome, for the control API. Refuses any other."""
    count = books.run(
        "UPDATE refunds SET outcome = ?, settles_ms = ? WHERE out_refund_no = ? AND state = 'processing'",
        outcome,
        books.now_ms,
        out_refund_no,
    )
    if not count:
        raise Refused("not_found", 404, "There is no such refund in progress.")
    settle_due(books)


def as_json(refund_row: sqlite3.Row) -> dict[str, object]:
    """A refund as merchants read it."""
    return {
        "out_refund_no": refund_row["out_refund_no"],
        "out_trade_no": refund_row["out_trade_no"],
        "provider_ref": refund_row["provider_ref"],
        "state": refund_row["state"],
        "amount_minor": refund_row["amount_minor"],
        "currency": refund_row["currency"],
        "created_at": rules.iso(refund_row["created_ms"]),
        "settled_at": rules.iso(refund_row["settled_ms"]),
    }


def _settle(books: Books, row: sqlite3.Row) -> None:
    done = row["outcome"] == "done"
    books.run(
        "UPDATE refunds SET state = outcome, settled_ms = ? WHERE id = ? AND state = 'processing'",
        books.now_ms,
        row["id"],
    )
    if done:
        _enter(books, row)
        wallets.give(books, row["payment_id"], row["amount_minor"])
    else:
        books.run(
            "UPDATE payments SET refunded_minor = refunded_minor - ? WHERE id = ?",
            row["amount_minor"],
            row["payment_id"],
        )
    payment = books.one("SELECT * FROM payments WHERE id = ?", row["payment_id"])
    if payment is not None:
        callbacks.enqueue(books, payment, "refund.done" if done else "refund.failed", refund=row)


def _enter(books: Books, row: sqlite3.Row) -> None:
    sums = books.one(
        "SELECT coalesce(-sum(amount_minor), 0) AS before FROM entries WHERE payment_id = ? AND kind = 'refund'",
        row["payment_id"],
    )
    before = sums["before"] if sums else 0
    fee_minor = rules.returned_fee_minor(row["amount_minor"], refunded_before_minor=before)
    books.insert(
        """INSERT INTO entries (at_ms, merchant_id, payment_id, refund_id, kind, amount_minor, fee_minor)
           VALUES (?, ?, ?, ?, 'refund', ?, ?)""",
        books.now_ms, row["merchant_id"], row["payment_id"], row["id"], -row["amount_minor"], -fee_minor,
    )  # fmt: skip


def _known(books: Books, merchant_id: str, out_refund_no: str) -> sqlite3.Row:
    row = find(books, merchant_id, out_refund_no)
    if row is None:
        raise LookupError("a refund written in this transaction is not there")
    return row
