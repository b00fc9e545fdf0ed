"""What every package that has something to tell of a member tells it in: one shape of row for all of them.

A package declares its parts beside the tables they are read from; `flows/member_history.py` joins them in one statement
and keeps the order, the scope and the pages for all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

EVERYTHING, SHOPS, MEMBER, PERSON, NOW = "$1", "$2", "$3", "$4", "$5"
"""Parameters that a part may name: whether all shops are in reach, which are else; who is asked about; every id of that
person, the guests they were too; and the instant of asking."""

COLUMNS: dict[str, str] = {
    "event": "text",
    # Of an order; who may not see it does not see the row (`orders` below).
    "order_id": "uuid",
    "amount_minor": "int8",
    "points": "int8",
    # The shop or location it happened at, shown to who reaches it.
    "place": "uuid",
    "before": "text",
    # A tier, a purpose, a kind of identity or touchpoint: a code that faces have a word for.
    "what": "text",
    # By what it came about, or why it ended: a code as well.
    "source": "text",
    # What it is called, in Chinese and English.
    "names": "text[]",
    "guide_id": "uuid",
    "other_id": "uuid",
    "actor": "text",
    "reason": "text",
    # What stands behind it: the touchpoint of a scan or share, the payee of an earning, the statement of a payment.
    "behind": "uuid",
}
"""What a row may say besides its kind, instant and id, with the type of each, by its short name: the whole statement is
kept below a length."""


class Part(NamedTuple):
    """One thing that happens to members: `source` says from which rows, `says` what of COLUMNS, as SQL.

    `member` is the column that has the member's id, `at` the instant, `key` a column that tells rows of the part apart.
    An index on (member, at) makes a page of a long history cheap. `order` names the order's id in a row that belongs to
    one. `alone` is what happens to one member, not to those who were merged into them.
    """

    kind: str
    source: str
    member: str
    at: str
    key: str
    says: Mapping[str, str]
    where: str = "true"
    order: str = ""
    alone: bool = False
