"""Wallets: the money on customers' phones, and the codes by which merchants take it.

What a wallet had, less what it paid, and what came back or was transferred to it, is what it has: each payment, refund
and transfer moves its balance in the transaction that books it.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from duoline.adapters.sandbox import rules
from duoline.adapters.sandbox.errors import Refused

if TYPE_CHECKING:
    import sqlite3

    from duoline.adapters.sandbox.books import Books

OPENING_MINOR = 500_000
PREFIX = "13"
DIGITS = 18


def wallet(books: Books, name: str) -> sqlite3.Row:
    """The wallet of that name; a new one has ¥5,000 in it."""
    books.run(
        "INSERT INTO wallets (name, balance_minor, created_ms) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
        name,
        OPENING_MINOR,
        books.now_ms,
    )
    row = books.one("SELECT * FROM wallets WHERE name = ?", name)
    if row is None:
        raise LookupError("a wallet written in this transaction is not there")
    return row


def known(books: Books, name: str) -> sqlite3.Row | None:
    """The wallet of that name, if somebody ever opened it."""
    return books.one("SELECT * FROM wallets WHERE name = ?", name)


def receive(books: Books, wallet_id: int, amount_minor: int) -> None:
    """A merchant's transfer comes in."""
    books.run("UPDATE wallets SET balance_minor = balance_minor + ? WHERE id = ?", amount_minor, wallet_id)


def code_to_show(books: Books, wallet_id: int) -> str:
    """The code that the wallet shows now: the last one, unless its minute is over or it was used."""
    row = books.one(
        """SELECT code FROM pay_codes WHERE wallet_id = ? AND created_ms > ? AND payment_id IS NULL
           ORDER BY created_ms DESC LIMIT 1""",
        wallet_id,
        books.now_ms - rules.CODE_SHOWN_S * 1000,
    )
    if row is not None:
        return str(row["code"])
    made = PREFIX + "".join(secrets.choice("0123456789") for _ in range(DIGITS - len(PREFIX)))
    books.insert(
        "INSERT INTO pay_codes (code, wallet_id, created_ms, expires_ms) VALUES (?, ?, ?, ?)",
        made,
        wallet_id,
        books.now_ms,
        books.now_ms + rules.CODE_LASTS_S * 1000,
    )
    return made


def shown_code(books: Books, code: str, *, amount_minor: int) -> sqlite3.Row:
    """The code that a merchant has scanned. Refuses one that is unknown, used or too old, and too little money."""
    row = books.one(
        "SELECT c.*, w.balance_minor FROM pay_codes c JOIN wallets w ON w.id = c.wallet_id WHERE c.code = ?", code
    )
    if row is None:
        raise Refused("code_unknown", 409, "There is no such code.")
    if row["payment_id"] is not None:
        raise Refused("code_used", 409, "This code has been used.")
    if row["expires_ms"] <= books.now_ms:
        raise Refused("code_expired", 409, "This code is too old.")
    if row["balance_minor"] < amount_minor:
        raise Refused("not_enough_money", 409, "There is too little in the wallet.")
    return row


def use_code(books: Books, code: str, payment_id: int) -> None:
    """A code is taken once, by one payment."""
    books.run("UPDATE pay_codes SET payment_id = ? WHERE code = ? AND payment_id IS NULL", payment_id, code)


def owner_of(books: Books, payment: sqlite3.Row) -> str | None:
    """The name of the wallet that a payment is asked of; None for one that has none."""
    row = books.one("SELECT name FROM wallets WHERE id = ?", payment["wallet_id"])
    return None if row is None else str(row["name"])


def take(books: Books, payment: sqlite3.Row) -> None:
    """The money of a payment leaves its wallet, if it has one. Refuses more than is in it."""
    if payment["wallet_id"] is None:
        return
    done = books.run(
        "UPDATE wallets SET balance_minor = balance_minor - ? WHERE id = ? AND balance_minor >= ?",
        payment["amount_minor"],
        payment["wallet_id"],
        payment["amount_minor"],
    )
    if not done:
        raise Refused("not_enough_money", 409, "There is too little in the wallet.")


def give(books: Books, payment_id: int, amount_minor: int) -> None:
    """What is refunded of a payment goes back to the wallet it came from."""
    books.run(
        """UPDATE wallets SET balance_minor = balance_minor + ?
           WHERE id = (SELECT wallet_id FROM payments WHERE id = ?)""",
        amount_minor,
        payment_id,
    )


def payments_of(books: Books, wallet_id: int, *, limit: int = 10) -> list[sqlite3.Row]:
    """What was asked of a wallet, the newest first."""
    return books.all("SELECT * FROM payments WHERE wallet_id = ? ORDER BY id DESC LIMIT ?", wallet_id, limit)
