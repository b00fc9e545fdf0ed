"""Build the statement that adds rows or brings them up to date, and leaves equal ones alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping


def upsert(
    table: str,
    *,
    key: str,
    values: Mapping[str, str],
    update: Collection[str],
    source: str,
    touch: Mapping[str, str] | None = None,
    returning: str,
) -> str:
    """INSERT … SELECT … ON CONFLICT DO UPDATE, only of rows in which one of `update` differs.

    `values` gives each column its expression over `source`; `touch` is set along with a change and is not
    compared (version, instant). All names are constants of this package, never anything from a file.
    """
    columns, expressions = ", ".join(values), ", ".join(values.values())
    statement = f"INSERT INTO {table} AS t ({columns}) SELECT {expressions} FROM {source} ON CONFLICT ({key}) "  # noqa: S608
    if not update:
        return f"{statement} DO NOTHING RETURNING {returning}"
    sets = {column: f"excluded.{column}" for column in update} | dict(touch or {})
    assignments = ", ".join(f"{column} = {expression}" for column, expression in sets.items())
    mine = ", ".join(f"t.{column}" for column in update)
    theirs = ", ".join(f"excluded.{column}" for column in update)
    return (
        f"{statement} DO UPDATE SET {assignments} WHERE ROW({mine}) IS DISTINCT FROM ROW({theirs}) "
        f"RETURNING {returning}"
    )
