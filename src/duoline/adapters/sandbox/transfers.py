"""Transfers at the provider: a merchant pays out of its balance into a wallet, now or later; it asks how one ended."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import msgspec

from duoline.adapters.sandbox import rules, wallets
from duoline.adapters.sandbox.errors import Refused
from duoline.adapters.sandbox.payments import Currency, Minor, Number
from duoline.kernel.ids import code

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from duoline.adapters.sandbox.books import Books

PROBLEM = "receiver_limit"
"""What a transfer that is made to fail has run into: real ones fail by the receiver's limits or a closed account."""


class TransferRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A transfer that a merchant asks for. `receiver` is the name of a wallet."""

    out_transfer_no: Number
    receiver: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    amount_minor: Minor
    currency: Currency
    note: Annotated[str, msgspec.Meta(max_length=200)] = ""


def transfer(books: Books, merchant_id: str, wanted: TransferRequest) -> sqlite3.Row:
    """Take on a transfer, or find the one that this number already has.

    Refuses, in this order: the number with another receiver, amount or currency; one that was closed; a receiver that
    has no wallet; more than is in the merchant's balance.
    """
    known = find(books, merchant_id, wanted.out_transfer_no)
    if known is not None:
        same = (known["receiver"], known["amount_minor"], known["currency"])
        if same != (wanted.receiver, wanted.amount_minor, wanted.currency):
            raise Refused("transfer_differs", 409, "This out_transfer_no belongs to another transfer.")
        return known
    if _closed(books, merchant_id, wanted.out_transfer_no) is not None:
        raise Refused("transfer_closed", 409, "This out_transfer_no was closed.")
    wallet = wallets.known(books, wanted.receiver)
    if wallet is None:
        raise Refused("receiver_unknown", 409, "There is no such wallet.")
    if balance_minor(books, merchant_id) < wanted.amount_minor:
        raise Refused("balance_too_small", 409, "There is too little in the merchant's balance.")
    books.insert(
        """INSERT INTO transfers (merchant_id, out_transfer_no, provider_ref, wallet_id, amount_minor, currency, note,
                                  state, outcome, created_ms, settles_ms)
           VALUES (?, ?, ?, ?, ?, ?, ?, 'processing', ?, ?, ?)""",
        merchant_id, wanted.out_transfer_no, "sbt_" + code(26), wallet["id"], wanted.amount_minor, wanted.currency,
        wanted.note, books.faults.transfer_outcome, books.now_ms, books.later_ms(books.faults.transfer_delay_s),
    )  # fmt: skip
    made = find(books, merchant_id, wanted.out_transfer_no)
    if made is None:
        raise LookupError("a transfer written in this transaction is not there")
    return made


def close(books: Books, merchant_id: str, out_transfer_no: str) -> dict[str, object]:
    """Close a number that has no transfer; what became of one that has, as merchants read it."""
    if (known := look_up(books, merchant_id, out_transfer_no)) is not None:
        return known
    books.insert(
        "INSERT INTO closed_transfers (merchant_id, out_transfer_no, provider_ref, at_ms) VALUES (?, ?, ?, ?)",
        merchant_id,
        out_transfer_no,
        "sbt_" + code(26),
        books.now_ms,
    )
    return _closed(books, merchant_id, out_transfer_no) or {}


def look_up(books: Books, merchant_id: str, out_transfer_no: str) -> dict[str, object] | None:
    """What became of a number, as merchants read it; None when nobody has heard of it."""
    row = find(books, merchant_id, out_transfer_no)
    return as_json(row) if row is not None else _closed(books, merchant_id, out_transfer_no)


def _closed(books: Books, merchant_id: str, out_transfer_no: str) -> dict[str, object] | None:
    row = books.one(
        "SELECT * FROM closed_transfers WHERE merchant_id = ? AND out_transfer_no = ?", merchant_id, out_transfer_no
    )
    if row is None:
        return None
    return {
        "out_transfer_no": out_transfer_no,
        "provider_ref": row["provider_ref"],
        "receiver": "",
        "state": "failed",
        "amount_minor": 0,
        "currency": "",
        "problem": "closed",
        "created_at": rules.iso(row["at_ms"]),
        "settled_at": rules.iso(row["at_ms"]),
    }


def balance_minor(books: Books, merchant_id: str) -> int:
    """What a merchant has: what it took and paid in, less what it gave back, the fees, and what it transfers or has
    transferred."""
    row = books.one(
        """SELECT (SELECT coalesce(sum(amount_minor - fee_minor), 0) FROM entries WHERE merchant_id = ?)
                  + (SELECT coalesce(sum(amount_minor), 0) FROM merchant_top_ups WHERE merchant_id = ?)
                  - (SELECT coalesce(sum(amount_minor), 0) FROM transfers
                     WHERE merchant_id = ? AND state <> 'failed') AS left_minor""",
        merchant_id,
        merchant_id,
        merchant_id,
    )
    return int(row["left_minor"]) if row else 0


def top_up(books: Books, merchant_id: str, amount_minor: int) -> None:
    """A merchant pays into its balance."""
    books.insert(
        "INSERT INTO merchant_top_ups (merchant_id, amount_minor, at_ms) VALUES (?, ?, ?)",
        merchant_id,
        amount_minor,
        books.now_ms,
    )


def prepare(books: Books, merchant_id: str, *, float_minor: int, names: Sequence[str]) -> None:
    """What there is before anybody trades, in development: a balance to pay out of, paid in once, and wallets."""
    if not books.one("SELECT 1 FROM merchant_top_ups WHERE merchant_id = ?", merchant_id):
        top_up(books, merchant_id, float_minor)
    for name in names:
        wallets.wallet(books, name)


def find(books: Books, merchant_id: str, out_transfer_no: str) -> sqlite3.Row | None:
    """A merchant's transfer by its own number, settled first if its time has come."""
    settle_due(books)
    return books.one(
        """SELECT t.*, w.name AS receiver FROM transfers t JOIN wallets w ON w.id = t.wallet_id
           WHERE t.merchant_id = ? AND t.out_transfer_no = ?""",
        merchant_id,
        out_transfer_no,
    )


def received(books: Books, wallet_id: int, *, limit: int = 10) -> list[sqlite3.Row]:
    """What came into a wallet or is on its way, the newest first."""
    settle_due(books)
    return books.all(
        "SELECT * FROM transfers WHERE wallet_id = ? AND state <> 'failed' ORDER BY id DESC LIMIT ?", wallet_id, limit
    )


def settle_due(books: Books) -> None:
    """End every transfer in progress whose time has come: it is in the wallet, or the merchant has it again."""
    for row in books.all("SELECT * FROM transfers WHERE state = 'processing' AND settles_ms <= ?", books.now_ms):
        done = row["outcome"] == "done"
        books.run(
            "UPDATE transfers SET state = outcome, problem = ?, settled_ms = ? WHERE id = ?",
            "" if done else PROBLEM,
            books.now_ms,
            row["id"],
        )
        if done:
            wallets.receive(books, row["wallet_id"], row["amount_minor"])


def settle_now(books: Books, out_transfer_no: str, outcome: str) -> None:
    """End a transfer in progress with a chosen outcome, for the control API. Refuses any other."""
    count = books.run(
        "UPDATE transfers SET outcome = ?, settles_ms = ? WHERE out_transfer_no = ? AND state = 'processing'",
        outcome,
        books.now_ms,
        out_transfer_no,
    )
    if not count:
        raise Refused("not_found", 404, "There is no such transfer in progress.")
    settle_due(books)


def as_json(row: sqlite3.Row) -> dict[str, object]:
    """A transfer as merchants read it."""
    return {
        "out_transfer_no": row["out_transfer_no"],
        "provider_ref": row["provider_ref"],
        "receiver": row["receiver"],
        "state": row["state"],
        "amount_minor": row["amount_minor"],
        "currency": row["currency"],
        "problem": row["problem"],
        "created_at": rules.iso(row["created_ms"]),
        "settled_at": rules.iso(row["settled_ms"]),
    }
