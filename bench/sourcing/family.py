"""Duoline-300 over several chains: every policy in the plain case, and how ours holds when what it believes is wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.sourcing import intervals
from bench.sourcing.chain import CASES, draw
from bench.sourcing.say import say
from bench.sourcing.trade import POLICIES, SHADOW, Trade, bound

if TYPE_CHECKING:
    from bench.sourcing.chain import Case, Chain, Shape
    from bench.sourcing.trade import Outcome

HARD = ("nearest", "in_order", "cover", "ours", "protected", "ours_shadow")
"""What is run when something is wrong: the two plain rules, and ours without prices, with them, with shadow prices."""


def measure(shape: Shape, *, chains: int, chains_hard: int, seed: int) -> dict[str, float]:
    """All policies on all chains; common random numbers."""
    figures: dict[str, float] = {"chain300_chains": chains, "chain300_chains_hard": chains_hard}
    drawn = [draw(shape, seed + n) for n in range(max(chains, chains_hard))]
    for case in CASES:
        plain = case.name == "plain"
        these = drawn[:chains] if plain else drawn[:chains_hard]
        figures |= _case(these, case, POLICIES if plain else HARD)
    return figures


def _case(chains: list[Chain], case: Case, policies: tuple[str, ...]) -> dict[str, float]:
    runs: dict[str, list[Outcome]] = {policy: [] for policy in policies}
    bounds = []
    for n, chain in enumerate(chains):
        bounds.append(bound(chain, case))
        for policy in policies:
            runs[policy].append(Trade(chain, policy, case).run())
        costs = "  ".join(f"{policy} {runs[policy][-1].cost / bounds[-1]:.5f}" for policy in policies)
        say(f"chain of {chain.shape.shops} shops, {case.name}, {n + 1}/{len(chains)}  {costs}  of the bound")
    return _figures(runs, bounds, f"chain300_{case.name}_")


def _figures(runs: dict[str, list[Outcome]], bounds: list[int], name: str) -> dict[str, float]:
    figures: dict[str, float] = {}
    ours = [float(run.cost) for run in runs["ours"]]
    for policy, found in runs.items():
        costs = [float(run.cost) for run in found]
        orders = sum(run.orders for run in found)
        figures |= intervals.ratio(costs, [float(each) for each in bounds]).keys(f"{name}{policy}_over_bound")
        figures[f"{name}{policy}_parcels_per_order"] = round(sum(run.parcels for run in found) / orders, 4)
        figures[f"{name}{policy}_unserved_per_order"] = round(sum(run.units_unserved for run in found) / orders, 4)
        figures[f"{name}{policy}_walk_ins_lost_yuan"] = round(sum(run.walk_ins_lost for run in found) / 100)
        if policy != "ours":
            saved = [cost - mine for cost, mine in zip(costs, ours, strict=True)]
            gap = [cost - least for cost, least in zip(costs, bounds, strict=True)]
            figures |= intervals.ratio(saved, gap).keys(f"{name}gap_closed_from_{policy}")
            figures |= intervals.ratio(saved, costs).keys(f"{name}saved_against_{policy}")
    for shadowed in (policy for policy in SHADOW if policy in runs):
        for base in ("ours", "protected"):
            before = [float(run.cost) for run in runs[base]]
            saved = [cost - run.cost for cost, run in zip(before, runs[shadowed], strict=True)]
            figures |= intervals.ratio(saved, before).keys(f"{name}{shadowed}_saves_against_{base}")
    return figures
