"""What is held against the import's and the replay's own words: the error file, the tables, the books."""

from __future__ import annotations

import asyncio
import csv
from collections import Counter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from bench.completejourney.talk import Book
    from duoline.kernel.db import Database

REFUNDS_WITHIN_S = 60


def reasons_in(errors: Path, bad: int) -> dict[str, int]:
    """How often each reason stands in an error file, which has to name every bad row with line, column and reason."""
    lines, reasons = set(), Counter[str]()
    with open(errors, encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file):
            if not (row["line"].isdigit() and row["column"] and row["reason_zh"] and row["reason_en"]):
                raise SystemExit(f"A bad row without line, column or reason: {row}")
            lines.add(row["line"])
            reasons[f"{row['column']} {row['reason_en']}"] += 1
    if len(lines) != bad:
        raise SystemExit(f"{bad} rows were bad, and the error file names {len(lines)}.")
    return dict(reasons.most_common())


async def rows_written(db: Database) -> int:
    """Rows that were added, changed or removed in any table so far, but for the book of imports."""
    await db.fetchval("SELECT pg_stat_force_next_flush()")
    return int(
        await db.fetchval(
            """SELECT coalesce(sum(n_tup_ins + n_tup_upd + n_tup_del), 0) FROM pg_stat_user_tables
               WHERE schemaname = 'public' AND relname <> 'import_jobs'"""
        )
    )


async def refunds_done(db: Database) -> int:
    """How many refunds were made, once none is under way any more; they are sent in the background."""
    for _ in range(REFUNDS_WITHIN_S * 2):
        states = Counter(row["state"] for row in await db.fetch("SELECT state FROM refunds"))
        if not states["requested"]:
            break
        await asyncio.sleep(0.5)
    if set(states) - {"done"}:
        raise SystemExit(f"Refunds were not made: {dict(states)}")
    return states["done"]


async def compare_books(db: Database, book: Book) -> dict[str, Any]:
    """Every sale and order that was answered stands in the database, and nothing else does."""
    counts = book.counts()
    answered = {
        "till": counts["sale.sold"],
        "mall": counts["pickup.placed"] + counts["delivery.placed"] + counts["brought.placed"],
    }
    rows = await db.fetch("SELECT channel, count(*) AS n FROM orders WHERE external_code IS NULL GROUP BY 1")
    stored = {row["channel"]: row["n"] for row in rows}
    if {name: n for name, n in answered.items() if n} != stored:
        raise SystemExit(f"Answered were {answered}, stored are {stored}.")
    units = await db.fetchval(
        """SELECT coalesce(sum(l.handed), 0) FROM order_lines l
           JOIN orders o ON o.member_id = l.member_id AND o.id = l.order_id WHERE o.external_code IS NULL"""
    )
    return {"units_handed": int(units)}
