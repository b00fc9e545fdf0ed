"""`python -m bench.settlement`: cards and timelines with a million members, a million order lines settled, and random
events with every invariant checked after them (`settlement_events.py`).

    python -m bench.settlement [--members 1000000] [--lines 1000000] [--events 1000000] [--seed 1] [--only cards,...]

Each on a database of its own with the settings of production, in one process. Figures go to
bench/results/settlement.json; the parts that were not asked for stay as they were. An interrupt (Ctrl-C) ends the random
events where they are: they are settled, looked at and told, and not written.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import platform
import signal
import statistics
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any, TypeAlias

import asyncpg
import uvloop

from bench.settlement_events import START, approve_all, payout_run, random_events
from bench.settlement_timeline import measure_timeline
from duoline import loyalty, settlement
from duoline.entry.migrate import migrate
from duoline.kernel import clock, postgres
from duoline.kernel.auth import SYSTEM
from duoline.kernel.db import Database
from duoline.members import cards, profile, stand
from duoline.settlement.months import month_of

if TYPE_CHECKING:
    from collections.abc import Callable

Fill: TypeAlias = "asyncpg.Connection[Any]"
"""The owner's connection, whose statements may take as long as filling takes."""

RESULTS = Path(__file__).parent / "results" / "settlement.json"
SECRET = b"only for the benchmark"
STAFF, SHOPS = 1_000, 300
CARDS = 5_000

_MEMBERS = """
INSERT INTO members (member_id, kind, display_name, phone, card_no, tier, created_at)
SELECT md5('member' || n)::uuid, 'member', 'M' || n, '+86139' || lpad(n::text, 8, '0'), 'C' || lpad(n::text, 9, '0'),
       'member', $2 FROM generate_series($1::integer, $3::integer) n
"""
_CARDS = (
    "INSERT INTO member_cards (card_no, member_id) SELECT card_no, member_id FROM members WHERE card_no IS NOT NULL"
)
_POINTS = """INSERT INTO point_accounts (member_id, spendable, updated_at) SELECT member_id, 0, $1 FROM members"""


async def measure_cards(db: Database, fill: Fill, members: int, seed: int) -> dict[str, Any]:
    """What the till asks when a card is scanned, for cards drawn at random among all."""
    step = 100_000
    for first in range(1, members + 1, step):
        await fill.execute(_MEMBERS, first, START, min(first + step - 1, members))
    await fill.execute(_CARDS)
    await fill.execute(_POINTS, START)
    await fill.execute("ANALYZE")
    random, took = Random(seed), []
    now = int(clock.now().timestamp() // cards.STEP.total_seconds())
    for _ in range(CARDS):
        number = f"C{random.randint(1, members):09}"
        text = cards.shown_text(number, cards.code_at(number, now, secret=SECRET))
        now = int(clock.now().timestamp() // cards.STEP.total_seconds())
        began = time.perf_counter()
        member_id = await cards.read_card(db, text, secret=SECRET)
        await profile.profile(db, member_id)
        await stand.standing_of(db, member_id)
        await loyalty.balance_of(db, member_id)
        took.append((time.perf_counter() - began) * 1000)
    return {"members": members, "cards": CARDS, "card_p50_ms": _at(took, 50), "card_p99_ms": _at(took, 99)}


# Four shares a line: a guide's commission, and the owner's, the shop's and headquarters' part of what it came to.
_PAYEES = """
INSERT INTO payees (payee_id, kind, pending_minor, updated_at)
SELECT payee_id, payee_kind, sum(earned_minor), $1 FROM shares GROUP BY payee_id, payee_kind
ON CONFLICT (payee_id) DO UPDATE SET pending_minor = payees.pending_minor + excluded.pending_minor
"""
_SHARES = """
CREATE TEMP TABLE shares ON COMMIT DROP AS
SELECT CASE r.role WHEN 'guide' THEN md5('staff' || n % $2::integer)::uuid
                   WHEN 'hand_over_store' THEN md5('shop' || n % $3::integer)::uuid
                   ELSE '00000000-0000-0000-0000-000000000000'::uuid END AS payee_id,
       CASE r.role WHEN 'guide' THEN 'staff' WHEN 'hand_over_store' THEN 'store' ELSE 'chain' END AS payee_kind,
       md5('settled' || n / 3)::uuid AS order_id, md5('line' || n)::uuid AS line_id, r.book, r.role,
       CASE r.book WHEN 'allocation' THEN md5('shop' || n % $3::integer)::uuid
                   ELSE '00000000-0000-0000-0000-000000000000'::uuid END AS location_id,
       md5('buyer' || n / 3)::uuid AS member_id, r.rate_bp, 1000 + n % 9000 AS basis_minor,
       CASE r.role WHEN 'owner' THEN (1000 + n % 9000) - (1000 + n % 9000) * 1000 / 10000 * 2
                   ELSE (1000 + n % 9000) * r.rate_bp / 10000 END::bigint AS earned_minor
FROM generate_series($1::integer, $4::integer) n
CROSS JOIN (VALUES ('commission', 'guide', 200), ('allocation', 'owner', 0), ('allocation', 'hand_over_store', 1000),
                   ('allocation', 'headquarters', 1000)) AS r(book, role, rate_bp)
"""
_ACCRUALS = """
INSERT INTO accruals (payee_id, order_id, line_id, book, role, location_id, member_id, payee_kind, rate_bp, basis_minor,
                      gross_minor, earned_minor, matures_at, at, updated_at)
SELECT payee_id, order_id, line_id, book, role, location_id, member_id, payee_kind, rate_bp, basis_minor, basis_minor,
       earned_minor, $1, $2, $2 FROM shares
"""


async def measure_settlement(db: Database, fill: Fill, lines: int) -> dict[str, Any]:
    """Make due, close, approve and pay a month of so many order lines, four shares each."""
    step = 100_000
    ripe = START + timedelta(days=10)
    for first in range(1, lines + 1, step):
        async with fill.transaction():
            await fill.execute(_SHARES, first, STAFF, SHOPS, min(first + step - 1, lines))
            await fill.execute(_PAYEES, START)
            await fill.execute(_ACCRUALS, ripe, START)
    # What was told before stands in the ledger.
    await fill.execute(
        """WITH made AS (INSERT INTO journals (member_id, id, kind, ref_kind, ref_id, at, actor)
                         SELECT payee_id, payee_id, 'settlement-told', 'settlement', payee_id, $1, 'system:x' FROM payees
                         WHERE pending_minor > 0 RETURNING member_id, id)
           INSERT INTO journal_entries (member_id, journal_id, n, debit, credit, amount_minor, currency)
           SELECT m.member_id, m.id, 1, 'allocation', 'pending:' || p.payee_id, p.pending_minor, 'CNY'
           FROM made m JOIN payees p ON p.payee_id = m.member_id""",
        START,
    )
    await fill.execute("ANALYZE")
    took: dict[str, float] = {}
    with clock.frozen(ripe + timedelta(days=1)):
        began = time.perf_counter()
        while await settlement.mature(db):
            pass
        took["mature_s"] = round(time.perf_counter() - began, 1)
    month = month_of(ripe + timedelta(days=1))
    with clock.frozen(ripe + timedelta(days=40)):
        began = time.perf_counter()
        made = await settlement.close_month(db, month, pays=lambda kind, _: kind == "staff", actor=SYSTEM)
        took["close_s"] = round(time.perf_counter() - began, 1)
        began = time.perf_counter()
        await approve_all(db)
        run = await payout_run(db, month)
        await settlement.pay_all(db, run)
        took["pay_s"] = round(time.perf_counter() - began, 1)
    settled = await db.fetchval("SELECT count(*) FROM statement_lines")
    if settled != 4 * lines:
        raise SystemExit(f"{settled} shares were settled, not {4 * lines}")
    all_of_it = sum(took.values())
    return {
        "lines": lines,
        "shares": settled,
        "statements": made,
        **took,
        "settle_s": round(all_of_it, 1),
        "lines_settled_per_s": round(lines / all_of_it),
    }


async def measure_events(db: Database, events: int, seed: int) -> dict[str, Any]:
    """Random events, until an interrupt at most."""
    ended, loop = asyncio.Event(), asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGINT, ended.set)
    try:
        return await random_events(db, events, seed, ended=ended.is_set)
    finally:
        loop.remove_signal_handler(signal.SIGINT)


def _at(values: list[float], percent: int) -> float:
    return round(statistics.quantiles(values, n=100)[percent - 1], 2)


async def measure(home: Path, asked: argparse.Namespace) -> dict[str, Any]:
    """The parts that were asked for, each on a database of its own."""
    parts: dict[str, Callable[[Database, Fill], Any]] = {
        "cards": lambda db, fill: measure_cards(db, fill, asked.members, asked.seed),
        "timeline": measure_timeline,
        "settle": lambda db, fill: measure_settlement(db, fill, asked.lines),
        "events": lambda db, _: measure_events(db, asked.events, asked.seed),
    }
    found: dict[str, Any] = {}
    for name in asked.only.split(","):
        with postgres.embedded(home / name) as access:
            await migrate(access)
            db = await Database.connect(access.dsn, size_max=4)
            fill = await asyncpg.connect(access.owner_dsn)
            try:
                part = await parts[name](db, fill)
            finally:
                await fill.close()
                await db.close()
        print(name, json.dumps(part), flush=True)
        found |= part | {f"{name}_at": f"{datetime.now(UTC):%Y-%m-%d}"}
    return found


def main() -> None:
    """Fill, measure, write."""
    options = argparse.ArgumentParser(prog="bench.settlement")
    options.add_argument("--members", type=int, default=1_000_000)
    options.add_argument("--lines", type=int, default=1_000_000)
    options.add_argument("--events", type=int, default=1_000_000)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--only", default="cards,timeline,settle,events")
    options.add_argument("--dry", action="store_true", help="write nothing")
    asked = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="duoline-settlement-") as made:
        Path(made).chmod(0o755)
        found = uvloop.run(measure(Path(made), asked))
    if asked.dry or found.get("events", asked.events) != asked.events:
        return
    known = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    RESULTS.write_text(
        json.dumps(known | found | {"python": platform.python_version()}, indent=2) + "\n", encoding="utf-8"
    )


if __name__ == "__main__":
    main()
