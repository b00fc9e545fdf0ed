"""Which shop is a member's home, since when, and how it came about: kept beside the member, who has one at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from duoline.kernel import clock
from duoline.kernel.errors import ensure
from duoline.kernel.ids import new_id

if TYPE_CHECKING:
    from collections.abc import Collection
    from uuid import UUID

    from duoline.kernel.db import Tx

Source = Literal["member", "import"]

_END = """
UPDATE home_stores h SET until_at = greatest($2, h.from_at) FROM members m
WHERE m.member_id = ANY ($1) AND h.member_id = m.member_id AND h.until_at IS NULL
  AND h.store_id IS DISTINCT FROM m.home_store_id
"""
_BEGIN = """
INSERT INTO home_stores (member_id, id, store_id, from_at, source)
SELECT m.member_id, n.id, m.home_store_id, $3, $4
FROM unnest($1::uuid[], $2::uuid[]) AS n(member_id, id) JOIN members m ON m.member_id = n.member_id
WHERE m.home_store_id IS NOT NULL
  AND NOT EXISTS (SELECT FROM home_stores h WHERE h.member_id = m.member_id AND h.until_at IS NULL)
"""
_DIFFER = """
SELECT count(*) FROM members m LEFT JOIN home_stores h ON h.member_id = m.member_id AND h.until_at IS NULL
WHERE m.member_id = ANY ($1) AND m.home_store_id IS DISTINCT FROM h.store_id
"""


async def follow(tx: Tx, members: Collection[UUID], *, source: Source) -> None:
    """Write down that the home shop of members changed in this transaction; of whose did not, nothing. `source` is how.

    Their rows are locked by the change.
    """
    ids, now = list(members), clock.now()
    await tx.execute(_END, ids, now)
    await tx.execute(_BEGIN, ids, [new_id() for _ in ids], now, source)
    differ = await tx.fetchval(_DIFFER, ids)
    ensure(not differ, "MEM-7", f"the home shop of {differ} members is not what is written down")
