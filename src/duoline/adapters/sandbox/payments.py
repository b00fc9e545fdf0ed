"""Payments at the provider: open, find, pay, close, expire.

A payment is open, then paid or closed for good. The one exception is a capture that arrives after the
close, which real networks know too; only the control API can make one.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

import msgspec

from duoline.adapters.sandbox import accounts, callbacks, rules, wallets
from duoline.adapters.sandbox.errors import Refused
from duoline.kernel.ids import code

if TYPE_CHECKING:
    import sqlite3

    from duoline.adapters.sandbox.books import Books
    from duoline.adapters.sandbox.faults import Faults

Number = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
Minor = Annotated[int, msgspec.Meta(ge=1, le=10**12)]
Currency = Annotated[str, msgspec.Meta(pattern=r"^[A-Z]{3}$")]
AuthCode = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]


class OpenRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A payment that a merchant asks for."""

    out_trade_no: Number
    amount_minor: Minor
    currency: Currency
    subject: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    notify_url: Annotated[str, msgspec.Meta(max_length=1000)]
    return_url: Annotated[str, msgspec.Meta(max_length=1000)]
    expires_at: Annotated[datetime, msgspec.Meta(tz=True)]


class ChargeRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A payment by the code on the payer's phone, which the merchant has scanned."""

    out_trade_no: Number
    auth_code: AuthCode
    amount_minor: Minor
    currency: Currency
    subject: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    notify_url: Annotated[str, msgspec.Meta(max_length=1000)]
    expires_at: Annotated[datetime, msgspec.Meta(tz=True)]


def open_payment(books: Books, merchant_id: str, wanted: OpenRequest) -> sqlite3.Row:
    """Open a payment, or find the one that this number already has, in whatever state it is.

    Refuses, in this order: an address no browser or provider should follow, the number with another
    amount or currency, a payment that would be expired from the start.
    """
    if not _web_address(wanted.notify_url):
        raise Refused("bad_request", 400, "notify_url must be an http or https address.")
    if not (_web_address(wanted.return_url) or _own_path(wanted.return_url)):
        raise Refused("bad_request", 400, "return_url must be an http or https address, or a path.")
    known = find(books, merchant_id, wanted.out_trade_no)
    if known is not None:
        if (known["amount_minor"], known["currency"]) != (wanted.amount_minor, wanted.currency):
            raise Refused("amount_differs", 409, "This out_trade_no has another amount.")
        return known
    expires_ms = rules.to_ms(wanted.expires_at)
    if expires_ms <= books.now_ms:
        raise Refused("expired", 409, "expires_at lies in the past.")
    books.insert(
        """INSERT INTO payments (merchant_id, out_trade_no, provider_ref, amount_minor, currency, subject,
                                 notify_url, return_url, state, created_ms, expires_ms)
           VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'open', ?, ?)""",
        merchant_id, wanted.out_trade_no, "sbx_" + code(26), wanted.amount_minor, wanted.currency, wanted.subject,
        wanted.notify_url, wanted.return_url, books.now_ms, expires_ms,
    )  # fmt: skip
    return _known(find(books, merchant_id, wanted.out_trade_no))


def charge(books: Books, merchant_id: str, wanted: ChargeRequest) -> sqlite3.Row:
    """Take a payment from the wallet whose code this is, or find the one that this number already has.

    Above `rules.ASKED_ABOVE_MINOR` it stays open until the payer has said yes. Refuses, in this order: an address that
    no provider should follow, the number with another amount or currency, a payment that would be expired from the
    start, a code that is unknown, was used or is too old, a wallet with too little in it. A refused charge leaves no
    payment: the number may be charged again, by another code.
    """
    if not _web_address(wanted.notify_url):
        raise Refused("bad_request", 400, "notify_url must be an http or https address.")
    known = find(books, merchant_id, wanted.out_trade_no)
    if known is not None:
        if (known["amount_minor"], known["currency"]) != (wanted.amount_minor, wanted.currency):
            raise Refused("amount_differs", 409, "This out_trade_no has another amount.")
        return known
    expires_ms = rules.to_ms(wanted.expires_at)
    if expires_ms <= books.now_ms:
        raise Refused("expired", 409, "expires_at lies in the past.")
    shown = wallets.shown_code(books, wanted.auth_code, amount_minor=wanted.amount_minor)
    payment_id = books.insert(
        """INSERT INTO payments (merchant_id, out_trade_no, provider_ref, amount_minor, currency, subject,
                                 notify_url, return_url, state, created_ms, expires_ms, wallet_id)
           VALUES (?, ?, ?, ?, ?, ?, ?, '/sandbox/wallet', 'open', ?, ?, ?)""",
        merchant_id, wanted.out_trade_no, "sbx_" + code(26), wanted.amount_minor, wanted.currency, wanted.subject,
        wanted.notify_url, books.now_ms, expires_ms, shown["wallet_id"],
    )  # fmt: skip
    wallets.use_code(books, wanted.auth_code, payment_id)
    payment = _known(find(books, merchant_id, wanted.out_trade_no))
    asked = wanted.amount_minor > rules.ASKED_ABOVE_MINOR
    return payment if asked else pay(books, payment["provider_ref"])


def find(books: Books, merchant_id: str, out_trade_no: str) -> sqlite3.Row | None:
    """A merchant's payment by its own number, closed first if its time is over."""
    row = books.one("SELECT * FROM payments WHERE merchant_id = ? AND out_trade_no = ?", merchant_id, out_trade_no)
    return _expired(books, row) if row else None


def by_ref(books: Books, ref: str) -> sqlite3.Row:
    """A payment by the provider's reference, or by a merchant's number where only one has it.

    Refuses an unknown or ambiguous one. For the pay page and the control API; merchants use `find`.
    """
    rows = books.all("SELECT * FROM payments WHERE provider_ref = ? OR out_trade_no = ? LIMIT 2", ref, ref)
    if len(rows) != 1:
        raise Refused("not_found", 404, "There is no such payment.")
    return _expired(books, rows[0])


def choose_faults(books: Books, payment: sqlite3.Row, faults: Faults | None) -> None:
    """Decide what goes wrong around one payment from here on; None follows the general choice again."""
    chosen = None if faults is None else msgspec.json.encode(faults).decode()
    books.run("UPDATE payments SET faults = ? WHERE id = ?", chosen, payment["id"])


def pay(books: Books, ref: str, *, account: str | None = None, late_capture: bool = False) -> sqlite3.Row:
    """The buyer pays: capture the whole amount and report it. Paying again changes nothing, also from elsewhere.

    By which account, the merchant is told; a wallet pays what its code was taken for, whoever is named. Without a name
    it is somebody who never comes again.

    Refuses a closed payment, unless `late_capture`; one by a wallet's code that has too little in it.
    """
    payment = by_ref(books, ref)
    if payment["state"] == "paid":
        return payment
    if payment["state"] == "closed" and not late_capture:
        raise Refused("closed", 409, "This payment is closed.")
    wallets.take(books, payment)
    payer = accounts.payer_of(books, payment["merchant_id"], wallets.owner_of(books, payment) or account)
    books.run(
        "UPDATE payments SET state = 'paid', paid_ms = ?, payer = ? WHERE id = ?", books.now_ms, payer, payment["id"]
    )
    books.insert(
        """INSERT INTO entries (at_ms, merchant_id, payment_id, kind, amount_minor, fee_minor)
           VALUES (?, ?, ?, 'capture', ?, ?)""",
        books.now_ms, payment["merchant_id"], payment["id"], payment["amount_minor"],
        rules.capture_fee_minor(payment["amount_minor"]),
    )  # fmt: skip
    payment = _again(books, payment)
    callbacks.enqueue(books, payment, "payment.paid")
    return payment


def close(books: Books, payment: sqlite3.Row) -> sqlite3.Row:
    """See to it that nobody can pay any more, and report it. Closing again changes nothing.

    Refuses a payment that has been made.
    """
    if payment["state"] == "paid":
        raise Refused("already_paid", 409, "This payment has been made.")
    if payment["state"] == "closed":
        return payment
    books.run("UPDATE payments SET state = 'closed', closed_ms = ? WHERE id = ?", books.now_ms, payment["id"])
    callbacks.enqueue(books, payment, "payment.closed")
    return _again(books, payment)


def expire_due(books: Books) -> None:
    """Close every open payment whose time is over."""
    for row in books.all("SELECT * FROM payments WHERE state = 'open' AND expires_ms <= ?", books.now_ms):
        close(books, row)


def as_json(payment: sqlite3.Row, public_url: str) -> dict[str, object]:
    """A payment as merchants read it."""
    return {
        "out_trade_no": payment["out_trade_no"],
        "provider_ref": payment["provider_ref"],
        "state": payment["state"],
        "amount_minor": payment["amount_minor"],
        "refunded_minor": payment["refunded_minor"],
        "currency": payment["currency"],
        "payer": payment["payer"],
        "pay_url": f"{public_url}/pay/{payment['provider_ref']}",
        "created_at": rules.iso(payment["created_ms"]),
        "expires_at": rules.iso(payment["expires_ms"]),
        "paid_at": rules.iso(payment["paid_ms"]),
        "closed_at": rules.iso(payment["closed_ms"]),
    }


def _expired(books: Books, payment: sqlite3.Row) -> sqlite3.Row:
    """Close a payment whose time is over before anybody sees it open."""
    over = payment["state"] == "open" and payment["expires_ms"] <= books.now_ms
    return close(books, payment) if over else payment


def _again(books: Books, payment: sqlite3.Row) -> sqlite3.Row:
    return _known(books.one("SELECT * FROM payments WHERE id = ?", payment["id"]))


def _known(row: sqlite3.Row | None) -> sqlite3.Row:
    if row is None:
        raise LookupError("a row written in this transaction is not there")
    return row


def _web_address(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme in ("http", "https") and bool(parts.hostname) and _printable(url)


def _own_path(url: str) -> bool:
    """A path on the host that mounts the provider; `//host` and `/\\host` would lead elsewhere."""
    return url.startswith("/") and url[1:2] not in ("/", "\\") and _printable(url)


def _printable(url: str) -> bool:
    return url.isprintable() and " " not in url
