"""Stores and distribution centres, with the companies and regions they belong to."""

from __future__ import annotations

import json
from datetime import date
from typing import TYPE_CHECKING, Any

from duoline.channels.imports.identify import natural_id
from duoline.channels.imports.stage import Tally, report_repeated, report_unknown, take_out_reported
from duoline.channels.imports.upsert import upsert
from duoline.inventory import open_transit

if TYPE_CHECKING:
    from duoline.channels.imports.stage import Session
    from duoline.kernel.db import Tx

CHUNK = 500
GROUPED = False

EVERY_DAY = json.dumps([[["10:00", "21:00"]]] * 7)

# Columns of a store that a file may set, each with what an empty cell means. `a` is the arranged row.
_FIELDS = {
    "name_zh": "a.name_zh",
    "name_en": "coalesce(a.name_en, a.name_zh)",
    "company_id": "c.id",
    "region_id": "g.id",
    "province": "a.province",
    "city": "a.city",
    "address_zh": "a.address_zh",
    "address_en": "coalesce(a.address_en, a.address_zh)",
    "phone": "coalesce(a.phone, '')",
    "lat": "a.lat",
    "lon": "a.lon",
    "timezone": "coalesce(a.timezone, 'Asia/Shanghai')",
    "hours": f"coalesce(a.hours, '{EVERY_DAY}')::jsonb",
    "pickup": "coalesce(a.pickup, coalesce(a.kind, s.kind, 'store') = 'store')",
    "ship": "coalesce(a.ship, true)",
    "returns": "coalesce(a.returns, coalesce(a.kind, s.kind, 'store') = 'store')",
    "pick_capacity_hour": "coalesce(a.pick_capacity_hour, 12)",
    "pickup_lead_min": "coalesce(a.pickup_lead_min, 30)",
    "state": "coalesce(a.state, 'open')",
    "opened_on": "a.opened_on",
}
_COLUMN_OF = {"company_id": "company_code", "region_id": "region_code"}


async def arrange(session: Session) -> None:
    """Make companies and regions that the file names, report what is unknown, put the rows in order of code."""
    await report_repeated(session, ["code"], shown="code")
    await session.report_query(
        """SELECT r.line, r.kind AS value, '' AS named FROM import_rows r JOIN stores s ON s.code = r.code
            WHERE r.kind IS NOT NULL AND r.kind <> s.kind""",
        column="kind",
        code="kind-fixed",
    )
    await report_unknown(session, "region_parent_code", "regions")
    await take_out_reported(session)
    if "companies" in session.create:
        await _create_companies(session)
    if "regions" in session.create:
        await _create_regions(session)
    await _report_not_created(session, "company_code", "companies")
    await _report_not_created(session, "region_code", "regions")
    await take_out_reported(session)
    await session.connection.execute(
        """CREATE TEMP TABLE import_arranged AS
           SELECT row_number() OVER (ORDER BY code) AS n, r.* FROM import_rows r ORDER BY n"""
    )


async def _report_not_created(session: Session, column: str, table: str) -> None:
    await session.report_query(
        f"""SELECT r.line, r.{column} AS value, '' AS named FROM import_rows r
            WHERE NOT EXISTS (SELECT 1 FROM {table} t WHERE t.code = r.{column})""",  # noqa: S608
        column=column,
        code="not-created",
    )


async def _create_companies(session: Session) -> None:
    rows = await session.connection.fetch(
        """SELECT DISTINCT ON (company_code) company_code, company_zh, coalesce(company_en, company_zh) AS company_en,
                   coalesce(company_kind, 'headquarters') AS company_kind
            FROM import_rows WHERE company_zh IS NOT NULL ORDER BY company_code, line"""
    )
    await session.connection.executemany(
        "INSERT INTO companies (id, code, name_zh, name_en, kind) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
        [(natural_id("company", row[0]), *row) for row in rows],
    )


async def _create_regions(session: Session) -> None:
    rows = await session.connection.fetch(
        """SELECT DISTINCT ON (r.region_code) r.region_code, r.region_zh, coalesce(r.region_en, r.region_zh), p.id
            FROM import_rows r LEFT JOIN regions p ON p.code = r.region_parent_code
            WHERE r.region_zh IS NOT NULL ORDER BY r.region_code, r.line"""
    )
    await session.connection.executemany(
        """INSERT INTO regions (id, code, name_zh, name_en, parent_id) VALUES ($1, $2, $3, $4, $5)
           ON CONFLICT DO NOTHING""",
        [(natural_id("region", row[0]), *row) for row in rows],
    )


async def load(session: Session, tx: Tx, first: int, last: int) -> Tally:
    """Add or bring up to date the stores of rows `first` to `last`, each with its location of stock."""
    rows = await tx.fetch(
        "SELECT code, hour_exceptions FROM import_arranged WHERE n BETWEEN $1 AND $2 ORDER BY n", first, last
    )
    changed = {record["code"] for record in await tx.fetch(_statement(session), first, last, *_ids(rows), session.at)}
    placed = await tx.fetch(
        """INSERT INTO locations (id, kind, store_id) SELECT s.id, s.kind, s.id FROM stores s WHERE s.code = ANY ($1)
           ON CONFLICT DO NOTHING RETURNING id""",
        [row["code"] for row in rows],
    )
    await open_transit(tx, [record["id"] for record in placed])
    changed |= await _load_exceptions(tx, rows)
    return Tally(len(changed), len(rows) - len(changed))


def _ids(rows: list[Any]) -> tuple[list[str], list[Any]]:
    codes = [row["code"] for row in rows]
    return codes, [natural_id("store", code) for code in codes]


def _statement(session: Session) -> str:
    fields = dict(_FIELDS)
    update = [field for field in fields if session.has(_COLUMN_OF.get(field, field))]
    return upsert(
        "stores",
        key="code",
        values={
            "id": "i.id",
            "code": "a.code",
            "kind": "coalesce(a.kind, s.kind, 'store')",
            **fields,
            "version": "1",
            "updated_at": "$5::timestamptz",
        },
        update=update,
        touch={"version": "t.version + 1", "updated_at": "excluded.updated_at"},
        source="""(SELECT * FROM import_arranged WHERE n BETWEEN $1 AND $2) a
                   JOIN unnest($3::text[], $4::uuid[]) i(code, id) ON i.code = a.code
                   JOIN companies c ON c.code = a.company_code JOIN regions g ON g.code = a.region_code
                   LEFT JOIN stores s ON s.code = a.code""",
        returning="t.code",
    )


async def _load_exceptions(tx: Tx, rows: list[Any]) -> set[str]:
    """Set the days with other hours that the rows list. Other days stay as they are."""
    wanted = [
        (row["code"], date.fromisoformat(day), json.dumps(spans), zh, en)
        for row in rows
        for day, spans, zh, en in json.loads(row["hour_exceptions"] or "[]")
    ]
    if not wanted:
        return set()
    statement = upsert(
        "store_hour_exceptions",
        key="store_id, on_date",
        values={
            "store_id": "s.id",
            "on_date": "w.on_date",
            "spans": "w.spans::jsonb",
            "reason_zh": "w.zh",
            "reason_en": "w.en",
        },
        update=["spans", "reason_zh", "reason_en"],
        source="""unnest($1::text[], $2::date[], $3::text[], $4::text[], $5::text[]) w(code, on_date, spans, zh, en)
                  JOIN stores s ON s.code = w.code""",
        returning="(SELECT code FROM stores s WHERE s.id = t.store_id)",
    )
    return {record["code"] for record in await tx.fetch(statement, *map(list, zip(*wanted, strict=True)))}
