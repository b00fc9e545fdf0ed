"""The queue of callbacks: what is sent to the merchant, when, and what came back.

A callback is written in the transaction of the fact it reports, so neither exists without the other. It
leaves at least once: a provider killed between sending and recording sends it again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from duoline.adapters.sandbox import rules
from duoline.adapters.sandbox.errors import Refused
from duoline.adapters.sandbox.faults import Forgery
from duoline.kernel.ids import code

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection

    from duoline.adapters.sandbox.books import Books


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """The body of a callback. The amount is the payment's for `payment.*`, the refund's for `refund.*`. `payer` says
    who paid, in `payment.paid` alone."""

    event_id: str
    kind: str
    merchant_id: str
    out_trade_no: str
    out_refund_no: str | None
    provider_ref: str
    amount_minor: int
    currency: str
    payer: str | None
    occurred_at: str


class Answer(msgspec.Struct, frozen=True):
    """What became of one delivery: an HTTP status, or the reason why there is none."""

    status: int | None
    problem: str | None
    at_ms: int
    took_ms: int

    @property
    def taken(self) -> bool:
        """Whether the merchant has taken the callback."""
        return self.status is not None and 200 <= self.status < 300


def enqueue(books: Books, payment: sqlite3.Row, kind: str, *, refund: sqlite3.Row | None = None) -> None:
    """Queue the report of a fact that is being written, with whatever is chosen to go wrong with it."""
    faults = books.faults_of(payment)
    event = Event(
        event_id="evt_" + code(26),
        kind=kind,
        merchant_id=payment["merchant_id"],
        out_trade_no=payment["out_trade_no"],
        out_refund_no=refund["out_refund_no"] if refund else None,
        provider_ref=refund["provider_ref"] if refund else payment["provider_ref"],
        amount_minor=refund["amount_minor"] if refund else payment["amount_minor"],
        currency=payment["currency"],
        payer=payment["payer"] if kind == "payment.paid" else None,
        occurred_at=rules.iso(books.now_ms) or "",
    )
    waits_for_this = not faults.lose and _somebody_is_held(books, payment["id"])
    due_ms = books.later_ms(faults.delay_s)
    before: int | None = None
    for forgery in faults.forge:
        forged = _forged(books, payment, event, forgery)
        before = _insert(books, payment, forged, forgery=forgery, due_ms=due_ms, after_id=before)
    held = faults.out_of_order and not waits_for_this
    if held:
        due_ms += books.later_ms(rules.HOLD_BACK_S) - books.now_ms
    state = "lost" if faults.lose else "waiting"
    newest = 0
    for _ in range(1 + faults.repeat):
        newest = _insert(books, payment, event, state=state, held=held, due_ms=due_ms, after_id=before)
    if waits_for_this:
        books.run(
            "UPDATE callbacks SET after_id = ?, held = 0 WHERE payment_id = ? AND held = 1 AND state = 'waiting'",
            newest,
            payment["id"],
        )


def due(books: Books, *, limit: int, busy: Collection[int]) -> list[sqlite3.Row]:
    """Callbacks that should leave now and are not on their way, oldest first."""
    rows = books.all(
        """SELECT c.id, c.event_id, c.kind, c.body, c.forgery, c.attempts, p.merchant_id, p.notify_url
           FROM callbacks c JOIN payments p ON p.id = c.payment_id
           WHERE c.state = 'waiting' AND c.due_ms <= ? AND c.after_id IS NULL ORDER BY c.due_ms, c.id LIMIT ?""",
        books.now_ms,
        limit + len(busy),
    )
    return [row for row in rows if row["id"] not in busy][:limit]


def record(books: Books, callback_id: int, answer: Answer) -> None:
    """Note the outcome of one delivery and plan the next, if any; let go what waited for this one."""
    row = books.one("SELECT attempts, forgery FROM callbacks WHERE id = ?", callback_id)
    if row is None:
        return
    attempts = row["attempts"] + 1
    books.run(
        "INSERT INTO attempts (callback_id, n, at_ms, took_ms, answer, problem) VALUES (?, ?, ?, ?, ?, ?)",
        callback_id, attempts, answer.at_ms, answer.took_ms, answer.status, answer.problem,
    )  # fmt: skip
    wait_s = rules.retry_wait_s(attempts)
    if row["forgery"] is not None:
        state = "sent"
    elif answer.taken:
        state = "delivered"
    else:
        state = "given_up" if wait_s is None else "waiting"
    books.run(
        "UPDATE callbacks SET attempts = ?, state = ?, held = 0, due_ms = ? WHERE id = ?",
        attempts,
        state,
        books.later_ms(wait_s or 0),
        callback_id,
    )
    books.run(
        """UPDATE callbacks SET after_id = NULL, due_ms = CASE held WHEN 1 THEN due_ms ELSE ? END
           WHERE after_id = ? AND state = 'waiting'""",
        books.now_ms,
        callback_id,
    )


def release(books: Books, payment_id: int | None = None) -> int:
    """Send what is lost, late, held back or between retries now; all of it, or one payment's."""
    return books.run(
        """UPDATE callbacks SET state = 'waiting', held = 0, after_id = NULL, due_ms = ?
           WHERE state IN ('waiting', 'lost', 'given_up') AND (? IS NULL OR payment_id = ?)""",
        books.now_ms,
        payment_id,
        payment_id,
    )


def replay(books: Books, event_id: str, times: int) -> None:
    """Send an event of any age again, so many times at once, signed afresh. Refuses an unknown event."""
    row = books.one(
        "SELECT payment_id, kind, body FROM callbacks WHERE event_id = ? AND forgery IS NULL LIMIT 1", event_id
    )
    if row is None:
        raise Refused("not_found", 404, "There is no such event.")
    for _ in range(times):
        books.insert(
            """INSERT INTO callbacks (payment_id, event_id, kind, body, state, created_ms, due_ms)
               VALUES (?, ?, ?, ?, 'waiting', ?, ?)""",
            row["payment_id"], event_id, row["kind"], row["body"], books.now_ms, books.now_ms,
        )  # fmt: skip


def log(books: Books, payment_id: int | None = None, *, limit: int = 200) -> list[dict[str, object]]:
    """The newest callbacks, each with its deliveries: what the pay page and the control API show."""
    rows = books.all(
        """SELECT c.*, p.out_trade_no, p.provider_ref FROM callbacks c JOIN payments p ON p.id = c.payment_id
           WHERE ? IS NULL OR c.payment_id = ? ORDER BY c.id DESC LIMIT ?""",
        payment_id,
        payment_id,
        limit,
    )
    return [
        {
            "id": row["id"],
            "event_id": row["event_id"],
            "kind": row["kind"],
            "ref": row["provider_ref"],
            "out_trade_no": row["out_trade_no"],
            "forgery": row["forgery"],
            "state": row["state"],
            "due_at": rules.iso(row["due_ms"]) if row["state"] == "waiting" else None,
            "attempts": [
                {
                    "at": rules.iso(attempt["at_ms"]),
                    "took_ms": attempt["took_ms"],
                    "answer": attempt["answer"],
                    "problem": attempt["problem"],
                }
                for attempt in books.all("SELECT * FROM attempts WHERE callback_id = ? ORDER BY n", row["id"])
            ],
        }
        for row in rows
    ]


def _somebody_is_held(books: Books, payment_id: int) -> bool:
    sql = "SELECT 1 FROM callbacks WHERE payment_id = ? AND held = 1 AND state = 'waiting'"
    return books.one(sql, payment_id) is not None


def _forged(books: Books, payment: sqlite3.Row, event: Event, forgery: Forgery) -> Event:
    """The event as the forger writes it; what is forged in the signature is done when it is sent."""
    if forgery is Forgery.AMOUNT:
        return msgspec.structs.replace(event, amount_minor=2 if event.amount_minor == 1 else 1)
    if forgery is Forgery.CURRENCY:
        return msgspec.structs.replace(event, currency="USD" if event.currency != "USD" else "JPY")
    if forgery is Forgery.MERCHANT:
        return msgspec.structs.replace(event, merchant_id="another-merchant")
    if forgery is Forgery.ORDER:
        other = books.one(
            """SELECT out_trade_no FROM payments
               WHERE merchant_id = ? AND state = 'open' AND id <> ? ORDER BY id DESC LIMIT 1""",
            payment["merchant_id"],
            payment["id"],
        )
        return msgspec.structs.replace(event, out_trade_no=other["out_trade_no"] if other else code(20))
    return event


def _insert(
    books: Books,
    payment: sqlite3.Row,
    event: Event,
    *,
    due_ms: int,
    after_id: int | None,
    state: str = "waiting",
    held: bool = False,
    forgery: Forgery | None = None,
) -> int:
    return books.insert(
        """INSERT INTO callbacks (payment_id, event_id, kind, body, forgery, state, held, after_id, created_ms, due_ms)
           VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)""",
        payment["id"], event.event_id, event.kind, msgspec.json.encode(event).decode(), forgery, state, held,
        after_id, books.now_ms, due_ms,
    )  # fmt: skip
