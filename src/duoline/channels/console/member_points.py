"""Every movement of a member's points, from the ledger."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from litestar import get

from duoline.channels.console.member_scope import OWN_ORDER, reached
from duoline.channels.console.member_shapes import PointsRow
from duoline.channels.http import cursors, doors, partners
from duoline.channels.http.answers import Cursor, Limit, Page
from duoline.channels.http.sessions import Staff
from duoline.kernel.db import Database
from duoline.members import consents
from duoline.stores.directory import Chain

# $1, $2 the scope, $3 the member. What can be spent after each is summed before anything is left out.
_ROWS = f"""
WITH moved AS (
    SELECT j.id, j.at, j.kind, j.order_id, j.actor, j.reason,
           sum(CASE 'points:open' WHEN e.credit THEN e.amount_minor WHEN e.debit THEN -e.amount_minor ELSE 0
               END)::bigint AS points,
           sum(CASE 'points:pending' WHEN e.credit THEN e.amount_minor WHEN e.debit THEN -e.amount_minor ELSE 0
               END)::bigint AS pending,
           sum(CASE 'points:owed' WHEN e.debit THEN e.amount_minor WHEN e.credit THEN -e.amount_minor ELSE 0
               END)::bigint AS owed
    FROM journals j JOIN journal_entries e ON e.member_id = j.member_id AND e.journal_id = j.id
    WHERE j.member_id = ANY (duo_group($3)) AND e.currency = 'PTS'
    GROUP BY j.id, j.at, j.kind, j.order_id, j.actor, j.reason
), summed AS (SELECT *, sum(points) OVER (ORDER BY at, id)::bigint AS balance FROM moved)
SELECT s.*, o.order_no,
       CASE WHEN s.actor LIKE 'staff:%' THEN (SELECT a.name FROM staff a WHERE a.id = substr(s.actor, 7)::uuid) END
         AS by
FROM summed s LEFT JOIN orders o ON o.member_id = ANY (duo_group($3)) AND o.id = s.order_id
WHERE (s.order_id IS NULL OR {OWN_ORDER}) AND ($4::timestamptz IS NULL OR (s.at, s.id) < ($4, $5::uuid))
  AND (s.points, s.pending, s.owed) <> (0, 0, 0)
ORDER BY s.at DESC, s.id DESC LIMIT $6
"""  # noqa: S608 - our own text


@get("/api/console/members/{member_id:uuid}/points", opt=doors.staff("members.read", member_id="customer"))
async def list_points(
    db: Database, staff: Staff, chain: Chain, member_id: UUID, limit: Limit = 20, cursor: Cursor = None
) -> Page[PointsRow]:
    """What moved a member's points, the last first: those of orders one may see, and those of no order."""
    scope = staff.scope("members.read")
    await reached(db, scope, member_id)
    if partners.of_a_partner(chain, staff):
        await consents.ensure_allowed(db, member_id, "sharing", door="console.member-points")
    before = cursors.unpack(cursor, datetime, UUID) if cursor else (None, None)
    rows = await db.fetch(_ROWS, *scope.sql, member_id, *before, limit + 1)
    shown = rows[:limit]
    return Page(
        [
            PointsRow(
                id=row["id"],
                at=row["at"],
                kind=row["kind"].removeprefix("points-"),
                points=row["points"],
                pending=row["pending"],
                owed=row["owed"],
                balance=row["balance"] if scope.everything else None,
                order_id=row["order_id"],
                order_no=row["order_no"],
                by=row["by"],
                reason=row["reason"],
            )
            for row in shown
        ],
        cursors.pack(shown[-1]["at"], shown[-1]["id"]) if len(rows) > limit else None,
    )


ROUTES = [list_points]
