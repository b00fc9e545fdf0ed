"""The public network over many instances, and its figures."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

from bench.sourcing import intervals
from bench.sourcing.network import arrivals, draw
from bench.sourcing.say import say
from bench.sourcing.small import SOLVES, agree, compare

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.sourcing.network import Setting
    from bench.sourcing.small import Compared


class Size(NamedTuple):
    """How much is run: instances, sequences of orders for each, the seed of the first instance, and a limit in
    minutes after which no other instance is begun."""

    instances: int
    sequences: int
    seed: int
    minutes: float
    solves: int = SOLVES
    often: bool = False
    large: bool = False
    """Whether the linear program would be too large: see `small.compare`."""


def measure(setting: Setting, size: Size, name: str = "") -> Iterator[dict[str, float]]:
    """Every policy on every instance and sequence; common random numbers. `name` goes before each key.

    The figures come after each instance, of all so far: one may take minutes.
    """
    found: list[list[Compared]] = []
    began = time.monotonic()
    for n in range(size.instances):
        if found and time.monotonic() - began > 60 * size.minutes:
            say(f"{name or 'small_'}network: stopped after {n} of {size.instances} instances, the time is over")
            break
        instance = draw(setting, size.seed + n)
        found.append([])
        for m in range(size.sequences):
            orders = arrivals(instance, 1_000 * (size.seed + n) + m)
            found[-1].append(compare(instance, orders, solves=size.solves, often=size.often, large=size.large))
        one = found[-1][-1]
        costs = "  ".join(f"{policy} {run.cost / one.bound:.5f}" for policy, run in one.runs.items())
        times = "  ".join(f"{run.seconds:.0f}" for run in one.runs.values())
        say(
            f"{name or 'small_'}network {n + 1}/{size.instances}  {costs}  hindsight {one.hindsight / one.bound:.5f}  "
            f"of the bound, which may be {one.gap:.5f} higher  ({times} s)"
        )
        yield _figures(found, name)


def measure_agreement(setting: Setting, instances: int, seed: int) -> dict[str, float]:
    """Whole choices beside the linear program, where both can be solved; one sequence an instance."""
    found = []
    for n in range(instances):
        instance = draw(setting, seed + n)
        found.append(agree(instance, arrivals(instance, 1_000 * (seed + n)), solves=SOLVES))
        one = found[-1]
        say(
            f"choices {n + 1}/{instances}  bound {one.bound / one.bound_linear:.5f}  "
            f"ours {one.ours.cost / one.ours_linear.cost:.5f}  of the linear program's"
        )
    return {
        "choices_instances": instances,
        "choices_bound_gap_max": round(max(one.gap for one in found), 6),
        **intervals.mean([one.bound / one.bound_linear for one in found]).keys("choices_bound_over_linear"),
        "choices_bound_over_linear_min": round(min(one.bound / one.bound_linear for one in found), 4),
        "choices_bound_over_linear_max": round(max(one.bound / one.bound_linear for one in found), 4),
        **intervals.mean([one.hindsight / one.hindsight_linear for one in found]).keys("choices_hindsight_over_linear"),
        **intervals.mean([one.ours.cost / one.ours_linear.cost for one in found]).keys("choices_ours_over_ours_linear"),
        **intervals.mean([one.ours.cost / one.bound for one in found]).keys("choices_ours_over_bound"),
        **intervals.mean([one.ours_linear.cost / one.bound_linear for one in found]).keys(
            "choices_ours_linear_over_bound_linear"
        ),
    }


def _figures(found: list[list[Compared]], name: str) -> dict[str, float]:
    figures: dict[str, float] = {f"{name}instances": len(found), f"{name}sequences": len(found[0])}
    single = len(found) == 1
    for policy in found[0][0].runs:
        for under, label in (("bound", "bound"), ("hindsight", "hindsight")):
            each = [sum(one.runs[policy].cost / getattr(one, under) for one in row) / len(row) for row in found]
            figures |= intervals.mean(each).keys(f"{name}{policy}_over_{label}", single=single)
        flat = [one.runs[policy] for row in found for one in row]
        orders = sum(run.orders for run in flat)
        figures[f"{name}{policy}_ms_per_order"] = round(1000 * sum(run.seconds for run in flat) / orders, 4)
        figures[f"{name}{policy}_parcels_per_order"] = round(sum(run.parcels for run in flat) / orders, 4)
        figures[f"{name}{policy}_unserved_per_order"] = round(sum(run.unserved for run in flat) / orders, 4)
        if any(run.timed for run in flat):
            figures[f"{name}{policy}_planned"] = round(sum(run.planned for run in flat) / orders, 4)
            timed = sum(run.timed for run in flat)
            figures[f"{name}{policy}_plan_ms"] = round(1000 * sum(run.timed_seconds for run in flat) / timed, 4)
    gaps = [one.gap for row in found for one in row]
    if any(gaps):
        figures[f"{name}bound_gap_max"] = round(max(gaps), 6)
    figures[f"{name}ms_per_order"] = figures[f"{name}ours_ms_per_order"]
    figures |= intervals.mean([sum(one.hindsight / one.bound for one in row) / len(row) for row in found]).keys(
        f"{name}hindsight_over_bound", single=single
    )
    for label, base in (("", "nearest"), ("_from_nearest_in_stock", "nearest_in_stock"), ("_from_cover", "cover")):
        figures |= intervals.ratio(
            [sum(one.runs[base].cost - one.runs["ours"].cost for one in row) for row in found],
            [sum(one.runs[base].cost - one.hindsight for one in row) for row in found],
        ).keys(f"{name}gap_closed{label}", single=single)
    return figures
