"""`make bench`: the small chain and the large one, beside pgbench on the same server; figures go to bench/results/.

    python -m bench [--small-only] [--seconds 8] [--home DIR]

Loads run on loopback only, bounded in time, and the system that is measured is started and stopped here.
"""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import uvloop

from bench import machine, system, workloads
from duoline.entry.check import broken
from duoline.kernel import postgres
from duoline.kernel.db import Database

RESULTS = Path(__file__).parent / "results" / "spine.json"
SMALL = ()
LARGE = ("--stores", "1600", "--regions", "58", "--dcs", "8", "--skus", "100000", "--members", "1000000", "--days", "0")


async def measure(home: Path, *, seconds: float) -> dict[str, Any]:
    """Every workload against one chain."""
    first = system.start(home)
    first.stop()
    running = system.start(home)
    db = await Database.connect(running.access.dsn, size_max=8)
    try:
        found: dict[str, Any] = {"start_s": round(running.start_s, 2)}
        of = await workloads.goods(db)
        for name, work in (
            ("product", lambda: workloads.product_page(running, of, seconds=seconds)),
            ("search", lambda: workloads.search(running, of, seconds=seconds)),
            ("checkout", lambda: workloads.checkout(running, of, seconds=seconds)),
            ("checkout_one_call", lambda: workloads.checkout(running, of, seconds=seconds, at_once=True)),
        ):
            await work_warm(work)
            meter = machine.Meter(running.process.pid, home)
            run = await work()
            found[name] = workloads.summary(run, meter.read())
            print(name, json.dumps(found[name]), flush=True)
        found["rss_mb"] = round(
            machine.rss_mb(
                sorted(
                    set(machine.descendants(running.process.pid)) - set(machine.descendants(machine.postmaster(home)))
                )
            ),
            1,
        )
        sold = await workloads.sell_out(running, db, of)
        found["sell_out"] = sold._asdict()
        rate, granted = await workloads.hot_holds(db, of, seconds=min(seconds, 5))
        found["hot_holds_per_s"], found["hot_holds_granted"] = round(rate), granted
        print("sell_out", json.dumps(found["sell_out"]), "hot_holds_per_s", found["hot_holds_per_s"], flush=True)
        found["pgbench_tps"] = round(
            machine.pgbench(postgres.programs(), running.access.owner_dsn, seconds=max(5, int(seconds))), 1
        )
        found["breaches"] = [finding.id for finding in await broken(db)]
        print("rss_mb", found["rss_mb"], "pgbench_tps", found["pgbench_tps"], "breaches", found["breaches"], flush=True)
        return found
    finally:
        await db.close()
        running.stop()


async def work_warm(work: Any) -> None:
    """Let caches and prepared statements fill; the figures are of a system that has been up for a moment."""
    await work()


def flat(small: dict[str, Any], large: dict[str, Any] | None) -> dict[str, Any]:
    """The figures as one flat object."""
    sold = small["sell_out"]

    def us(part: dict[str, Any]) -> int:
        return round(1000 * (part["app_cpu_ms"] + part["postgres_cpu_ms"]))

    figures = {
        "commit": _git("rev-parse", "--short", "HEAD"),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": f"{platform.processor() or platform.machine()}, {machine.os.cpu_count()} cores",
        "product_rps": small["product"]["per_s"],
        "product_cpu_us": us(small["product"]),
        "product_app_cpu_us": round(1000 * small["product"]["app_cpu_ms"]),
        "search_p50_ms": small["search"]["p50_ms"],
        "search_cpu_us": us(small["search"]),
        "checkout_cpu_ms": round(us(small["checkout"]) / 1000, 2),
        "checkout_per_s": small["checkout"]["per_s"],
        "checkout_calls": workloads.CHECKOUT_CALLS,
        "checkout_one_call_cpu_ms": round(us(small["checkout_one_call"]) / 1000, 2),
        "checkout_one_call_per_s": small["checkout_one_call"]["per_s"],
        "pgbench_tps": small["pgbench_tps"],
        "hot_holds_per_s": small["hot_holds_per_s"],
        "buyers": sold["buyers"],
        "units": sold["units"],
        "sold": sold["sold"],
        "sellout_s": round(sold["seconds"], 2),
        "rss_mb": small["rss_mb"],
        "start_s": small["start_s"],
        "checkout_p50_ms_small": small["checkout"]["p50_ms"],
        "others_cores": max(
            part["others_cores"] for part in small.values() if isinstance(part, dict) and "others_cores" in part
        ),
        "breaches": len(small["breaches"]),
    }
    if large is not None:
        figures |= {
            "checkout_p50_ms_large": large["checkout"]["p50_ms"],
            "checkout_per_s_large": large["checkout"]["per_s"],
            "product_rps_large": large["product"]["per_s"],
            "product_cpu_us_large": us(large["product"]),
            "search_p50_ms_large": large["search"]["p50_ms"],
            "search_cpu_us_large": us(large["search"]),
            "sellout_s_large": round(large["sell_out"]["seconds"], 2),
            "sold_large": large["sell_out"]["sold"],
            "start_s_large": large["start_s"],
            "rss_mb_large": large["rss_mb"],
            "breaches_large": len(large["breaches"]),
        }
    return figures


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], capture_output=True, text=True, check=False, cwd=system.CHECKOUT)
    return done.stdout.strip()


def main() -> None:
    """Fill, measure, write."""
    options = argparse.ArgumentParser(prog="bench")
    options.add_argument("--small-only", action="store_true", help="leave out the chain of 1,600 stores")
    options.add_argument("--seconds", type=float, default=8.0, help="how long each load runs")
    options.add_argument("--home", type=Path, help="keep the filled chains here and use them again")
    asked = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="duoline-bench-") as made:
        root = asked.home or Path(made)
        Path(made).chmod(0o755)
        chains: dict[str, dict[str, Any]] = {}
        for name, size in (("small", SMALL), ("large", LARGE)):
            if name == "large" and asked.small_only:
                continue
            home = root / name
            if not (home / "postgres").exists():
                home.mkdir(parents=True, exist_ok=True)
                print(f"Filling the {name} chain…", flush=True)
                system.fill(home, *size)
            print(f"Measuring the {name} chain…", flush=True)
            chains[name] = uvloop.run(measure(home, seconds=asked.seconds))
    RESULTS.parent.mkdir(exist_ok=True)
    figures = flat(chains["small"], chains.get("large"))
    RESULTS.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(figures, indent=2))
    if figures["breaches"] or figures["sold"] != figures["units"]:
        sys.exit("an invariant is broken or the sell-out is not exact")


if __name__ == "__main__":
    main()
