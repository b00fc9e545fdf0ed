"""Sums of stock rolled up: by any grouping of locations, or by category."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from duoline.insight.figures import NAMES, Figures

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import datetime
    from uuid import UUID

    import asyncpg

    from duoline.kernel.db import Database

_SUMS = ", ".join(f"coalesce(sum(s.{name}), 0)::bigint AS {name}" for name in NAMES)

_BY_GROUP = f"""
SELECT g.n, {_SUMS} FROM unnest($1::uuid[], $2::integer[]) g(location_id, n)
JOIN stock_summaries s ON s.location_id = g.location_id
WHERE $3::uuid IS NULL OR s.category_id = $3 GROUP BY g.n
"""  # noqa: S608 - constants

_BY_CATEGORY = f"""
SELECT s.category_id, {_SUMS} FROM stock_summaries s
WHERE s.location_id = ANY ($1) AND ($2::uuid IS NULL OR s.category_id = $2) GROUP BY s.category_id
"""  # noqa: S608 - constants


class Taken(NamedTuple):
    """Of when sums are: the oldest instant, None without any, and how many locations were never summed up."""

    oldest_at: datetime | None
    never: int


async def by_group(db: Database, groups: Mapping[UUID, int], category_id: UUID | None) -> dict[int, Figures]:
    """The figures of each group of locations, of one top-level category if given; empty groups are absent."""
    rows = await db.fetch_filtered(_BY_GROUP, list(groups), list(groups.values()), category_id)
    return {row["n"]: _figures(row) for row in rows}


async def by_category(db: Database, location_ids: Collection[UUID], category_id: UUID | None) -> dict[UUID, Figures]:
    """The figures of each top-level category over locations."""
    rows = await db.fetch_filtered(_BY_CATEGORY, list(location_ids), category_id)
    return {row["category_id"]: _figures(row) for row in rows}


async def taken(db: Database, location_ids: Collection[UUID]) -> Taken:
    """Of when the sums of these locations are."""
    row = await db.fetchrow(
        """SELECT min(t.taken_at) AS oldest_at, count(*) - count(t.taken_at) AS never
           FROM unnest($1::uuid[]) l(id) LEFT JOIN stock_snapshots t ON t.location_id = l.id""",
        list(location_ids),
    )
    return Taken(None, 0) if row is None else Taken(row["oldest_at"], row["never"])


def _figures(row: asyncpg.Record) -> Figures:
    values: dict[str, Any] = {name: row[name] for name in NAMES}
    return Figures(**values)
