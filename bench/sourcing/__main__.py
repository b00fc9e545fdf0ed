"""`make bench-sourcing`: the public network, the chain of 300 shops, and the time a decision takes.

    python -m bench.sourcing [--quick] [--only small,choices,large,chain,latency] [--minutes 60] [--out FILE]

One process. Progress goes to standard error, the figures to bench/results/sourcing.json: parts that are not run keep
theirs, and each part says of which commit and day it is. `--quick` runs little of everything and writes nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from bench.sourcing import family, latency, public
from bench.sourcing.chain import Shape
from bench.sourcing.network import LARGE, SMALL
from bench.sourcing.public import Size

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

RESULTS = Path(__file__).parents[1] / "results" / "sourcing.json"
CHECKOUT = RESULTS.parents[2]
FIRST_SEED = 100
PARTS = ("latency", "small", "choices", "chain", "large")


class Options(NamedTuple):
    """What was asked for."""

    quick: bool
    minutes: float
    first_seed: int
    large_cities: int
    large_periods: int
    large_instances: int


def parts(asked: Options) -> dict[str, Callable[[], Iterable[dict[str, float]]]]:
    """What can be run, and how large. A part may tell its figures several times, each time of more instances."""
    large = LARGE._replace(cities=asked.large_cities, periods=asked.large_periods)
    seed, minutes = asked.first_seed, asked.minutes
    if asked.quick:
        return {
            "latency": lambda: [latency.measure(count=100)],
            "small": lambda: public.measure(SMALL, Size(2, 1, seed, minutes)),
            "chain": lambda: [family.measure(Shape(weeks=1, orders_week=300), chains=1, chains_hard=1, seed=1)],
            "large": lambda: public.measure(
                LARGE._replace(cities=5, size_max=6, types_a_size=4, periods=1_000),
                Size(1, 1, seed, minutes, 3, large=True),
                "large_",
            ),
            "choices": lambda: [public.measure_agreement(SMALL, 2, seed)],
        }
    return {
        "latency": lambda: [latency.measure(count=1_000)],
        "small": lambda: public.measure(SMALL, Size(30, 3, seed, minutes)),
        "chain": lambda: [family.measure(Shape(), chains=8, chains_hard=4, seed=1)],
        "large": lambda: (
            {"large_cities": asked.large_cities, "large_periods": asked.large_periods, **figures}
            for figures in public.measure(large, Size(asked.large_instances, 1, seed, minutes, large=True), "large_")
        ),
        "choices": lambda: [public.measure_agreement(SMALL, 30, seed)],
    }


def main() -> None:
    """Run the parts, print their figures, and write them."""
    options = argparse.ArgumentParser(prog="bench.sourcing", description=__doc__)
    options.add_argument("--quick", action="store_true", help="a little of everything; nothing is written")
    options.add_argument("--only", default=",".join(PARTS), help="parts, by comma")
    options.add_argument("--minutes", type=float, default=60, help="after so many no other network is begun")
    options.add_argument("--large-cities", type=int, default=LARGE.cities, help="cities of the large network")
    options.add_argument("--large-periods", type=int, default=LARGE.periods, help="periods of the large network")
    options.add_argument("--large-instances", type=int, default=5, help="instances of the large network")
    options.add_argument("--first-seed", type=int, default=FIRST_SEED, help="of the first network")
    options.add_argument("--out", type=Path, default=RESULTS, help="where the figures go")
    chosen = options.parse_args()
    known = parts(
        Options(
            chosen.quick, chosen.minutes, chosen.first_seed,
            chosen.large_cities, chosen.large_periods, chosen.large_instances,
        )
    )  # fmt: skip
    for name in chosen.only.split(","):
        for figures in known[name]():
            print(json.dumps(figures, indent=2), flush=True)
            if not chosen.quick:
                write(name, figures, chosen.out)


def write(part: str, figures: dict[str, float], out: Path = RESULTS) -> None:
    """Put a part's figures beside those of the others."""
    before = json.loads(out.read_text(encoding="utf-8")) if out.exists() else {}
    stamp = {
        "commit": _git("rev-parse", "--short", "HEAD"),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores",
    }
    own = {f"{part}_commit": stamp["commit"], f"{part}_date": stamp["date"]}
    out.write_text(json.dumps({**before, **stamp, **own, **figures}, indent=2) + "\n", encoding="utf-8")


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], capture_output=True, text=True, check=False, cwd=CHECKOUT)
    return done.stdout.strip()


if __name__ == "__main__":
    main()
