"""Which members somebody may see: everybody with the whole chain in reach, else those at home in their shops or who
bought there. What is seen of their orders is what was bought there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

from duoline.channels.console.member_shapes import ShopOf, TierOf
from duoline.kernel.errors import NotFound
from duoline.kernel.text import Text, plain
from duoline.members.policy import TIERS
from duoline.orders.member_history import SEEN

if TYPE_CHECKING:
    from duoline.kernel.db import Database, Tx
    from duoline.stores.directory import Chain
    from duoline.stores.rights import Scope

IDS = "(m.member_id || ARRAY(SELECT g.guest_id FROM adopted_guests g WHERE g.member_id = m.member_id))"
"""A member `m` and the guests they were before: orders stay where they were placed."""

OWN_ORDER = SEEN
"""An order `o` that whoever has the scope of $1 and $2 may see."""

VISIBLE = f"""m.kind = 'member' AND ($1 OR m.home_store_id = ANY ($2)
    OR EXISTS (SELECT FROM orders o WHERE o.member_id = ANY ({IDS}) AND {OWN_ORDER}))"""
"""A member `m` that whoever has the scope of $1 and $2 may see: to ask of one, or for who sees everybody."""

OF_SHOPS = f"""m.kind = 'member' AND m.member_id IN (
    SELECT h.member_id FROM members h WHERE h.home_store_id = ANY ($2)
    UNION SELECT o.member_id FROM orders o WHERE {OWN_ORDER}
    UNION SELECT g.member_id FROM orders o JOIN adopted_guests g ON g.guest_id = o.member_id WHERE {OWN_ORDER})"""  # noqa: S608 - our own text
"""The same, to list those of some shops: found by what was bought there, and not by asking it of every member."""


DIGITS_MIN = 3
"""With fewer digits one looks for names and codes, not for the end of a phone."""


class Seen(NamedTuple):
    """A member within reach: the row, and the ids their orders stand under."""

    row: Any
    ids: list[UUID]


_ONE = f"SELECT m.*, {IDS} AS ids FROM members m WHERE m.member_id = $3 AND {VISIBLE}"  # noqa: S608 - our own text


async def reached(db: Database | Tx, scope: Scope, member_id: UUID) -> Seen:
    """A member within the scope. Refuses `kernel.not-found` for anybody else."""
    row = await db.fetchrow(_ONE, *scope.sql, member_id)
    if row is None:
        raise NotFound(kind="member")
    return Seen(row, row["ids"])


def tier_of(code: str) -> TierOf:
    """A tier by its name in the rules that hold now."""
    named = next((tier.name for tier in TIERS.current().body.tiers if tier.code == code), Text(code, code))
    return TierOf(code, named.filled)


def shop_of(chain: Chain, store_id: UUID | None) -> ShopOf | None:
    """A shop by code and name."""
    store = chain.stores.get(store_id) if store_id is not None else None
    return None if store is None else ShopOf(store.code, Text(store.name.zh, store.name.en))


def words_of(q: str) -> tuple[str | None, str | None, str | None]:
    """A name, a code, and the end of a phone as patterns; nothing for no words."""
    q = q.strip()
    if not q:
        return None, None, None
    words = plain(q)
    digits = q.replace(" ", "").replace("-", "").removeprefix("+")
    phone = f"{digits[::-1]}%" if digits.isdecimal() and len(digits) >= DIGITS_MIN else None
    return f"%{words}%", f"{words}%", phone
