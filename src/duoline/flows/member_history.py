"""One history of a member from every touchpoint: what each package tells, in one statement, the last first.

Each part reads its own rows down from where the page begins and no more of them than the page takes, so that a page
of a long history costs as much as one of a short one. Rows are told apart by (instant, id, number of the part): what
happened at one instant, even to one row, is shown once each.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, get_args
from uuid import UUID

from duoline.attribution.member_history import HISTORY as ATTRIBUTION
from duoline.engagement.member_history import HISTORY as ENGAGEMENT
from duoline.favourites.member_history import HISTORY as FAVOURITES
from duoline.kernel import clock
from duoline.kernel.history import COLUMNS, EVERYTHING, MEMBER, PERSON, Part
from duoline.loyalty.member_history import HISTORY as LOYALTY
from duoline.members.group import group_of
from duoline.members.member_history import HISTORY as MEMBERS
from duoline.orders.member_history import HISTORY as ORDERS
from duoline.orders.member_history import SEEN
from duoline.pricing.coupons.member_history import HISTORY as COUPONS
from duoline.settlement.member_history import HISTORY as SETTLEMENT
from duoline.wallet.member_history import HISTORY as WALLET

if TYPE_CHECKING:
    from collections.abc import Iterable

    from duoline.kernel.db import Database, Tx
    from duoline.stores.rights import Scope

Kind = Literal["order", "points", "wallet", "coupon", "tier", "guide", "scan", "share", "commission", "favourite",
               "consent", "identity"]  # fmt: skip
KINDS: tuple[Kind, ...] = get_args(Kind)

# New parts go to the end: their number is in the cursors of pages that are open.
PARTS: tuple[Part, ...] = (
    *ORDERS,
    *MEMBERS,
    *LOYALTY,
    *WALLET,
    *COUPONS,
    *ATTRIBUTION,
    *ENGAGEMENT,
    *FAVOURITES,
    *SETTLEMENT,
)


class Place(NamedTuple):
    """Where a page ends."""

    at: datetime
    id: UUID
    n: int


START = Place(datetime(9999, 1, 1, tzinfo=UTC), UUID(int=0), 0)
"""Before the first page. An instant and no NULL, so that the comparison is one that an index answers."""


# The statement stays below the length up to which the driver keeps it prepared (`max_cacheable_statement_size`, 15 KB),
# so columns are named once, at the end.
_NAMES = ", ".join(("at", "id", "n", "kind", *COLUMNS))


def _part(part: Part, n: int) -> str:
    says = ", ".join(part.says.get(name, f"NULL::{kind}") for name, kind in COLUMNS.items())
    order = f"SELECT FROM orders o WHERE o.member_id = ANY ({PERSON}) AND o.id = {part.order} AND {SEEN}"
    own = f"AND ({part.order} IS NULL OR {EVERYTHING} OR EXISTS ({order}))"
    return " ".join(
        f"""SELECT x.* FROM unnest({f"ARRAY[{MEMBER}]" if part.alone else PERSON}) w(id), LATERAL (
            SELECT {part.at}, {part.key}, {n}, '{part.kind}', {says} FROM {part.source}
            WHERE {part.member} = w.id AND ({part.at}, {part.key}, {n}) < ($6, $7, $8) AND {part.where}
            {own if part.order else ""} ORDER BY 1 DESC, 2 DESC LIMIT $9) x""".split()  # noqa: S608 - our own text
    )


def _statement(kinds: Iterable[str]) -> str:
    wanted = set(kinds)
    parts = "\nUNION ALL ".join(_part(part, n) for n, part in enumerate(PARTS) if not wanted or part.kind in wanted)
    # The parameters have types also where no part asks for them.
    return f"""
WITH asked AS (SELECT $1::boolean, $2::uuid[], $3::uuid, $4::uuid[], $5::timestamptz, $6::timestamptz, $7::uuid,
                      $8::integer, $9::bigint),
page AS MATERIALIZED (SELECT * FROM ({parts}) x({_NAMES}) ORDER BY at DESC, id DESC, n DESC LIMIT $9)
SELECT p.*, o.order_no, g.name AS guide, a.name AS by FROM page p
LEFT JOIN orders o ON o.member_id = ANY ($4) AND o.id = p.order_id
LEFT JOIN staff g ON g.id = p.guide_id
LEFT JOIN staff a ON a.id = CASE WHEN p.actor LIKE 'staff:%' THEN substr(p.actor, 7)::uuid END
ORDER BY p.at DESC, p.id DESC, p.n DESC
"""  # noqa: S608 - our own text


EVERY = _statement(())
_OF_KIND = {kind: _statement((kind,)) for kind in KINDS}


class Page(NamedTuple):
    """Rows of the history, and where the next page begins; None at the end."""

    rows: list[Any]
    following: Place | None


async def history_of(
    db: Database | Tx,
    member_id: UUID,
    ids: Iterable[UUID],
    scope: Scope,
    *,
    kind: Kind | Literal[""] = "",
    before: Place | None = None,
    limit: int = 20,
) -> Page:
    """What happened to a member, the last first, as far as it may be seen from the shops in the scope: to the person
    whose ids these are, and to whoever was merged with them. Rows have COLUMNS, `order_no`, `guide` and `by`."""
    person = list({*ids, *await group_of(db, member_id)})
    sql = _OF_KIND[kind] if kind else EVERY
    rows = await db.fetch(sql, *scope.sql, member_id, person, clock.now(), *(before or START), limit + 1)
    shown = rows[:limit]
    return Page(shown, Place(shown[-1]["at"], shown[-1]["id"], shown[-1]["n"]) if len(rows) > limit else None)
