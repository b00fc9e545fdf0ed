"""States of the chain that can be had again and again, and what two runs from one state came to, compared without ids.

What trade writes is every table that was empty when the shops opened: nothing has to be listed, and nothing is left out.
A state is all rows of these tables; it is put back row by row, so a run from it meets the very ids of the run before.
Ids, numbers and codes that a run made itself differ from run to run. They are named by where they stand: two of them have
one name when no row tells them apart, so the same rows with other ids read the same, and any other difference shows.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

import asyncpg

if TYPE_CHECKING:
    from collections.abc import Iterable

    from duoline.kernel import postgres
    from tests.flows.conftest import Books

Passed = dict[str, frozenset[str]]
"""Columns by table."""

# What may differ between two runs that came to the same, and why.
PASSED_OVER: Passed = {
    # The answer to a request: everything in it stands in the order's own rows, but for the promise.
    "idempotency": frozenset({"response", "request_hash"}),
    # A promise is made by the work there was when somebody looked, which nobody locks: two who look at once each see the
    # shop without the other. So does a decision, of which what was chosen is compared.
    "fulfilments": frozenset({"promise_at", "plain_at", "work_at", "short_code"}),  # the code is made of the id
    "sourcing_decisions": frozenset({"candidates", "summary", "solver_us", "cost_minor"}),
    # By the database's clock.
    "pgqueuer": frozenset({"id", "created", "updated", "heartbeat", "execute_after"}),
}
# What a shelf had at the moment of a change, which tells who came in between.
MEANWHILE: Passed = {"movements": frozenset({"on_hand_after"}), "audit_log": frozenset({"before", "after"})}
# A wish that was refused while favourites kept something is noted afterwards, by what is kept then. Wrong codes are counted
# in a row that a right code may open and leave empty.
NOT_COMPARED = {"refused_for_holds", "code_attempts"}

_MADE = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"  # ids
    r"|\\\\x[0-9a-f]{16,}"  # digests
    r"|\b\d{6}-[0-9A-Z]{4}-[0-9A-Z]{4}\b|\bT[0-9A-Z]{7}\b"  # numbers of orders and transfers
)


class State(NamedTuple):
    """Rows by table, the provider's books, and every id in them."""

    rows: str
    lines: frozenset[str]
    payments: dict[str, object]
    refunds: dict[str, object]
    known: frozenset[str]


class States:
    """The tables of a chain that has just opened."""

    def __init__(self, owner: asyncpg.Connection, tables: list[str], books: Books, known: frozenset[str]) -> None:
        self._owner, self._tables, self._books, self._known = owner, tables, books, known

    @classmethod
    async def open(cls, access: postgres.Access, books: Books) -> States:
        """Of a database in which nothing has been traded yet."""
        owner = await asyncpg.connect(access.admin_dsn)
        await owner.execute("TRUNCATE audit_log, member_outbox, stock_outbox, local_outbox")
        every = await owner.fetch(
            """SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname) AS name, n.nspname, c.relname
               FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
               WHERE c.relkind = 'r' AND (n.nspname = 'public' OR c.oid = 'pgqueuer.pgqueuer'::regclass) ORDER BY 1"""
        )
        tables = [
            row["name"] for row in every if not await owner.fetchval(f"SELECT EXISTS (SELECT FROM {row['name']})")
        ]
        known: set[str] = set()
        for name in (row["name"] for row in every if row["name"] not in tables and row["relname"] != "alembic_version"):
            known.update(
                _MADE.findall(await owner.fetchval(f"SELECT coalesce(jsonb_agg(t), '[]')::text FROM {name} t"))
            )
        await owner.execute("SET session_replication_role = replica")  # rows come back as they were, in any order
        await owner.execute(
            "CREATE FUNCTION pairs_put(state jsonb) RETURNS void LANGUAGE plpgsql AS $$ DECLARE name text; BEGIN "
            + "".join(f"DELETE FROM {name}; " for name in tables)
            + "FOR name IN SELECT jsonb_object_keys(state) LOOP EXECUTE 'INSERT INTO ' || name || ' OVERRIDING SYSTEM "
            "VALUE SELECT * FROM jsonb_populate_recordset(NULL::' || name || ', $1)' USING state -> name; END LOOP; END $$"
        )
        await owner.execute(
            "CREATE FUNCTION pairs_lines() RETURNS SETOF text LANGUAGE plpgsql AS $$ BEGIN "
            + "".join(f"RETURN QUERY SELECT '{name} ' || to_jsonb(t)::text FROM {name} t; " for name in tables)
            + "END $$"
        )
        return cls(owner, tables, books, frozenset(known))

    async def close(self) -> None:
        await self._owner.close()

    async def empty(self) -> None:
        """Nothing has been traded."""
        await self.put(State("{}", frozenset(), {}, {}, self._known))

    async def take(self) -> State:
        """The state as it is."""
        lines = await self._lines()
        tables: dict[str, list[str]] = {}
        for line in lines:
            table, _, row = line.partition(" ")
            tables.setdefault(table, []).append(row)
        rows = "{" + ", ".join(f'"{table}": [{", ".join(found)}]' for table, found in tables.items()) + "}"
        known = self._known | frozenset(_MADE.findall(rows))
        return State(rows, lines, dict(self._books.payments), dict(self._books.refunds), known)

    async def _lines(self) -> frozenset[str]:
        return frozenset(row[0] for row in await self._owner.fetch("SELECT pairs_lines()"))

    async def put(self, state: State) -> None:
        """Put a state back, and nothing besides."""
        await self._owner.execute("SELECT pairs_put($1)", state.rows)
        self._books.payments, self._books.refunds = dict(state.payments), dict(state.refunds)
        self._books.codes_used.clear()

    async def broken(self, check: str) -> list[asyncpg.Record]:
        """What a query of all checks finds."""
        return await self._owner.fetch(check)

    async def seen(self, since: State, besides: Passed) -> list[str]:
        """What has changed since that state: rows that were not there or were otherwise, and (`-`) those that were; without
        the columns passed over, `besides` too, and with what was made since named by where it stands."""
        now, rows = await self._lines(), []
        for sign, lines in (("+", now - since.lines), ("-", since.lines - now)):
            for line in lines:
                table, _, row = line.partition(" ")
                name = table.rpartition(".")[2]
                if name not in NOT_COMPARED:
                    over = PASSED_OVER.get(name, frozenset()) | besides.get(name, frozenset())
                    said = {column: value for column, value in json.loads(row).items() if column not in over}
                    rows.append(f"{sign} {name} {json.dumps(said, sort_keys=True)}")
        paid = [f"provider {ref} {one.status.value}" for ref, one in self._books.payments.items()]
        return without_ids(rows + paid, since.known)


def without_ids(rows: Iterable[str], known: frozenset[str]) -> list[str]:
    """The rows in order, each id that is not `known` replaced by a name made of the rows it stands in, and of the names
    of the ids beside it there: refined until three steps away is told apart."""
    cut = []
    for row in rows:
        parts = _MADE.split(row)
        cut.append((parts, _MADE.findall(row)))
    stands: dict[str, list[int]] = defaultdict(list)
    for n, (_, ids) in enumerate(cut):
        for one in set(ids):
            if one not in known:
                stands[one].append(n)
    names = dict.fromkeys(stands, "#")
    for _ in range(3):
        names = {
            one: f"#{hash(tuple(sorted(_spell(*cut[n], names, self_is=one) for n in where))) & 0xFFFFFFFFFF:010x}"
            for one, where in stands.items()
        }
    return sorted(_spell(parts, ids, names) for parts, ids in cut)


def _spell(parts: list[str], ids: list[str], names: dict[str, str], self_is: str = "") -> str:
    """A row with the names of its ids, and one of them marked."""
    said = [parts[0]]
    for one, rest in zip(ids, parts[1:], strict=True):
        said += ["@" if one == self_is else names.get(one, one), rest]
    return "".join(said)
