"""Staging: a file goes into a temporary table first, is put in order there, and is then worked off in chunks.

Putting it in order is what makes the rest simple: repeated rows stand side by side, all rows of a product or an
order come together, locks are taken in the order everybody takes them, and memory stays the same however long
the file is. The temporary tables belong to the connection of the import and vanish with it; a killed import
leaves only whole chunks behind, and the next import finds those rows already as they should be.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from duoline.channels.imports.problems import REASONS, VALUE_CHARACTERS_MAX, Problem
from duoline.channels.imports.validate import staging

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
    from datetime import datetime

    import asyncpg

    from duoline.channels.imports.dictionary import Kind
    from duoline.kernel.auth import Actor
    from duoline.kernel.db import Tx

ROWS = "import_rows"
ARRANGED = "import_arranged"
PROBLEMS = "import_problems"

CREATABLE = frozenset({"companies", "regions", "brands", "categories"})


@dataclass
class Session:
    """One import at work. `at` is its instant: every row it writes carries the same one."""

    connection: asyncpg.Connection[Any]
    kind: Kind
    import_id: UUID
    actor: Actor
    at: datetime
    present: frozenset[str]
    create: frozenset[str] = CREATABLE
    move_stock: bool = False
    decorate: Callable[[Tx, Mapping[str, UUID]], Awaitable[None]] | None = None
    """Called with the products a chunk has changed, by code, before their pages are put together."""

    def has(self, column: str) -> bool:
        """Whether the file has this column."""
        return column in self.present

    async def report(self, problems: Sequence[Problem]) -> None:
        """Keep problems for the error file. They stay in the database, since there may be as many as rows."""
        if problems:
            await self.connection.copy_records_to_table(PROBLEMS, records=problems, columns=list(Problem._fields))

    async def report_query(self, query: str, *args: Any, column: str, code: str) -> int:
        """Report every row that a query finds, without bringing it here; the answer is how many there are.

        The query gives `line`, `value` and `named`; the last fills the brace of the reason, if it has one.
        """
        zh, en = REASONS[code]
        given = len(args)
        done = await self.connection.execute(
            f"""INSERT INTO import_problems
                SELECT line, ${given + 1}, left(value::text, {VALUE_CHARACTERS_MAX}), ${given + 2},
                       regexp_replace(${given + 3}, '\\{{\\w+\\}}', named::text),
                       regexp_replace(${given + 4}, '\\{{\\w+\\}}', named::text)
                FROM ({query}) found""",  # noqa: S608 - queries of this package
            *args,
            column,
            code,
            zh,
            en,
        )
        return int(done.split()[-1])


@dataclass(frozen=True)
class Tally:
    """What a chunk did: rows that changed something, rows that changed nothing. The rest was refused."""

    changed: int = 0
    same: int = 0

    def __add__(self, other: Tally) -> Tally:
        return Tally(self.changed + other.changed, self.same + other.same)


async def open_tables(connection: asyncpg.Connection[Any], kind: Kind) -> None:
    """Make the temporary tables. Time-outs are lifted: sorting a million rows takes longer than a request may."""
    await drop_tables(connection)
    await connection.execute("SET statement_timeout = 0; SET work_mem = '64MB'; SET client_min_messages = warning")
    columns = ", ".join(f"{name} {sql_type}" for name, sql_type in staging(kind))
    await connection.execute(f"CREATE TEMP TABLE import_rows ({columns})")
    await connection.execute(
        'CREATE TEMP TABLE import_problems (line integer, "column" text, value text, code text, zh text, en text)'
    )


async def drop_tables(connection: asyncpg.Connection[Any]) -> None:
    """Remove the temporary tables and the settings, so that the connection can serve something else."""
    await connection.execute(
        "SET client_min_messages = warning; DROP TABLE IF EXISTS import_rows, import_arranged, import_problems "
        "CASCADE; RESET ALL"
    )


async def fill(connection: asyncpg.Connection[Any], kind: Kind, staged: Sequence[tuple[Any, ...]]) -> None:
    """Put a batch of staged rows into the database."""
    await connection.copy_records_to_table(ROWS, records=staged, columns=[name for name, _ in staging(kind)])


async def index_arranged(connection: asyncpg.Connection[Any]) -> int:
    """Finish the arranged table; the answer is its number of rows."""
    await connection.execute("CREATE UNIQUE INDEX import_arranged_ix ON import_arranged (n); ANALYZE import_arranged")
    return int(await connection.fetchval("SELECT count(*) FROM import_arranged"))


async def group_end(connection: asyncpg.Connection[Any], n: int, total: int) -> int:
    """The last row of the group that row `n` is in: rows of one product, order or price stay in one chunk."""
    if n >= total:
        return total
    after = await connection.fetchval(
        """SELECT n FROM import_arranged WHERE n > $1 AND g <> (SELECT g FROM import_arranged WHERE n = $1)
           ORDER BY n LIMIT 1""",
        n,
    )
    return total if after is None else int(after) - 1


async def report_unknown(session: Session, column: str, table: str) -> None:
    """Report every row whose `column` is not a code of `table`."""
    await session.report_query(
        f"""SELECT r.line, r.{column} AS value, '' AS named FROM import_rows r
            WHERE r.{column} IS NOT NULL AND NOT EXISTS (SELECT 1 FROM {table} t WHERE t.code = r.{column})""",  # noqa: S608 - names of this package
        column=column,
        code="unknown",
    )


async def report_repeated(session: Session, columns: Collection[str], *, shown: str) -> None:
    """Report every row whose key stood in an earlier row."""
    given = " AND ".join(f"{column} IS NOT NULL" for column in columns)
    await session.report_query(
        f"""SELECT line, {shown} AS value, named FROM (
                SELECT line, {shown}, first_value(line) OVER (PARTITION BY {", ".join(columns)} ORDER BY line) AS named
                FROM import_rows WHERE {given}) x
            WHERE named <> line""",  # noqa: S608 - names of this package
        column=shown,
        code="twice",
    )


async def take_out_reported(session: Session) -> None:
    """Remove the rows that already have a problem, so that what follows sees good rows only."""
    await session.connection.execute("DELETE FROM import_rows r USING import_problems p WHERE p.line = r.line")
