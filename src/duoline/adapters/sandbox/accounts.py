"""Paying accounts: who pays, and the number by which a merchant hears of them.

An account has a name that its owner chooses, the same on the pay page and in the wallet. No merchant learns it: each is
told a number of its own that says nothing but "the same as before", as networks do (openid, buyer_open_id).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from duoline.adapters.sandbox.errors import Refused
from duoline.kernel.ids import code

if TYPE_CHECKING:
    from duoline.adapters.sandbox.books import Books

PATTERN = r"[a-z0-9\-]{1,20}"
NAME = re.compile(PATTERN)


def named(text: str) -> str:
    """The name as it is kept: small letters, no space around it. Refuses what is no name."""
    name = text.strip().lower()
    if not NAME.fullmatch(name):
        raise Refused("bad_account", 422, "An account is 1 to 20 small letters, digits and hyphens.")
    return name


def fresh() -> str:
    """A name for a phone that has none yet."""
    return code(8).lower()


def payer_of(books: Books, merchant_id: str, account: str | None) -> str:
    """By which number this merchant hears of an account, the same each time. None is somebody who never comes again."""
    made = "payer_" + code(26)
    if account is None:
        return made
    books.run(
        """INSERT INTO payers (merchant_id, account, payer) VALUES (?, ?, ?)
           ON CONFLICT (merchant_id, account) DO NOTHING""",
        merchant_id,
        account,
        made,
    )
    row = books.one("SELECT payer FROM payers WHERE merchant_id = ? AND account = ?", merchant_id, account)
    return str(row["payer"]) if row else made
