"""What a page and a checkout are made of: by process, and by statement of the database.

    python -m bench.shares [--seconds 6] [--home DIR]

On the small chain, with `pg_stat_statements` counting statements inside functions too; so the times are a little above
those of `make bench`. The floor is an answer of the application that asks nobody anything: what the server, the
framework and the client's request cost by themselves. Figures go to bench/results/shares.json.
"""

from __future__ import annotations

import argparse
import json
import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import asyncpg
import uvloop

from bench import machine, system, workloads
from bench.client import closed_loop
from duoline.kernel.db import Database

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from bench.client import Connection, Run

RESULTS = Path(__file__).parent / "results" / "shares.json"
TOP = 8

# Statements of the application's own role; what runs inside a function is counted in the function as well (`top`).
_TOP = """
SELECT toplevel AS top, query, calls, total_exec_time AS ms
FROM pg_stat_statements s JOIN pg_roles r ON r.oid = s.userid
WHERE r.rolname <> current_user AND calls > 0 ORDER BY total_exec_time DESC LIMIT $1
"""


async def _floor(running: system.System, seconds: float) -> Run:
    async def look(connection: Connection, _n: int) -> str | None:
        reply = await connection.ask("GET", "/healthz")
        return None if reply.status == 200 else f"HTTP {reply.status}"

    return await closed_loop(running.port, look, clients=16, seconds=seconds)


async def measure(home: Path, *, seconds: float) -> dict[str, Any]:
    """Each workload with what it used, by process and by statement."""
    first = system.start(home)
    admin = await asyncpg.connect(first.access.admin_dsn)
    await admin.execute("ALTER SYSTEM SET shared_preload_libraries = 'pg_stat_statements'")
    await admin.execute("ALTER SYSTEM SET pg_stat_statements.track = 'all'")
    await admin.close()
    first.stop()
    running = system.start(home)
    admin = await asyncpg.connect(running.access.admin_dsn)
    await admin.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
    db = await Database.connect(running.access.dsn, size_max=4)
    try:
        of = await workloads.goods(db)
        works: dict[str, Callable[[], Awaitable[Run]]] = {
            "floor": lambda: _floor(running, seconds),
            "product": lambda: workloads.product_page(running, of, seconds=seconds),
            "search": lambda: workloads.search(running, of, seconds=seconds),
            "checkout": lambda: workloads.checkout(running, of, seconds=seconds),
            "checkout_one_call": lambda: workloads.checkout(running, of, seconds=seconds, at_once=True),
        }
        found = {}
        for name, work in works.items():
            await work()
            await admin.execute("SELECT pg_stat_statements_reset()")
            meter = machine.Meter(running.process.pid, home)
            run = await work()
            used = workloads.summary(run, meter.read())
            rows = await admin.fetch(_TOP, TOP)
            found[name] = used | {"statements": [_statement(row, len(run.took)) for row in rows]}
            _show(name, found[name])
        return found
    finally:
        await db.close()
        await admin.close()
        running.stop()


def _statement(row: Any, operations: int) -> dict[str, Any]:
    words = re.sub(r"\s+", " ", row["query"]).strip()
    return {
        "statement": words[:72],
        "inside": not row["top"],
        "calls": round(row["calls"] / operations, 3),
        "us": round(1000 * row["ms"] / operations, 1),
    }


def _show(name: str, used: dict[str, Any]) -> None:
    print(
        f"{name}: {used['per_s']} a second; application {used['app_cpu_ms']} ms, database {used['postgres_cpu_ms']} ms"
        f" of CPU each; others {used['others_cores']} cores"
    )
    for one in used["statements"]:
        mark = "  inside" if one["inside"] else "        "
        print(f"{mark} {one['us']:8.1f} us  {one['calls']:6.2f} calls  {one['statement']}", flush=True)


def main() -> None:
    """Fill, measure, write."""
    options = argparse.ArgumentParser(prog="bench.shares")
    options.add_argument("--seconds", type=float, default=6.0, help="how long each load runs")
    options.add_argument("--home", type=Path, help="keep the filled chain here and use it again")
    asked = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="duoline-shares-") as made:
        Path(made).chmod(0o755)
        home = (asked.home or Path(made)) / "small"
        if not (home / "postgres").exists():
            home.mkdir(parents=True, exist_ok=True)
            system.fill(home)
        found = uvloop.run(measure(home, seconds=asked.seconds))
    RESULTS.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
