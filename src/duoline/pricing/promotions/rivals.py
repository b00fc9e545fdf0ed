"""Where too many promotions compete to search them all: a good set quickly, and how far it may be from the best.

Three sets are worked out, and the best is taken. Greedy: those that take most alone first, each kept when the total is
lower with it. A narrow search: the layers as in `choose.py`, with few beginnings. And the set that CP-SAT finds best in
a program that overestimates what promotions take: each no more than alone, all of them together no more of a pool than
it costs, nothing of a pool that another has. Its bound says how far the best may be. It has a limit of deterministic
time, one worker and a fixed seed: the same basket costs the same everywhere and every time.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from duoline.pricing.promotions.choose import Chosen, Search

if TYPE_CHECKING:
    from duoline.pricing.promotions.certain import Certain
    from duoline.pricing.promotions.choose import Cluster

log = logging.getLogger(__name__)

LIMIT_S = 0.05
"""Of deterministic time, which is about as long as CPU time."""
WIDTH = 8
"""So many beginnings the narrow search goes on with."""


def good_set(cluster: Cluster, certain: Certain) -> Chosen:
    """A set that is never worse than the greedy one."""
    found = {greedy(cluster), narrow(cluster, certain)}
    solved, most = relaxed(cluster)
    found.add(_kept(cluster, solved))
    ranked = []
    for chosen in found:
        worked_out = cluster.evaluate(chosen)
        if worked_out is not None:
            ranked.append((worked_out.total, chosen.bit_count(), cluster.ids(chosen), worked_out))
    best: Chosen = min(ranked, key=lambda one: one[:3])[3]
    whole = sum([cluster.goods.gross[i] for i in cluster.items])
    log.info(
        "promotions: %s compete, %s off, %s at the most, gap %.1f%%",
        len(cluster.offers), whole - best.total, most, 100 * (most - whole + best.total) / max(1, most),
    )  # fmt: skip
    return best


def greedy(cluster: Cluster) -> int:
    """Those that take most alone first, each kept when the total is lower with it."""
    total = sum([cluster.goods.gross[i] for i in cluster.items])
    chosen = 0
    for n in sorted(range(len(cluster.offers)), key=lambda n: (-cluster.offers[n].most, cluster.offers[n].rule.rank)):
        worked_out = cluster.evaluate(chosen | 1 << n)
        if worked_out is not None and worked_out.total < total:
            total, chosen = worked_out.total, chosen | 1 << n
    return chosen


def narrow(cluster: Cluster, certain: Certain) -> int:
    """The best that is found when few beginnings are gone on with."""
    chosen = 0
    for n, _ in Search(cluster, certain, steps_max=1 << 30, width=WIDTH).run().taken:
        chosen |= 1 << n
    return chosen


def _kept(cluster: Cluster, chosen: int) -> int:
    """Of a set those that take something beside the others."""
    while True:
        nets = list(cluster.goods.gross)
        idle = 0
        for n in range(len(cluster.offers)):
            if chosen >> n & 1:
                amount, offs = cluster.take(n, chosen, nets)
                for i, off in offs:
                    nets[i] -= off
                if not amount:
                    idle |= 1 << n
        if not idle:
            return chosen
        chosen &= ~idle


def relaxed(cluster: Cluster) -> tuple[int, int]:
    """The set that takes most in a program that overestimates all of them, and what no set can take more than."""
    solver, wrapper = _solver()
    gross, offers = cluster.goods.gross, cluster.offers
    goal = solver.Objective()
    goal.SetMaximization()
    taking = [solver.IntVar(0, 1, "") for _ in offers]
    pools = {i: solver.Constraint(0, gross[i]) for i in cluster.items}
    for n, offer in enumerate(offers):
        alone = solver.Constraint(-solver.infinity(), 0)
        alone.SetCoefficient(taking[n], -offer.most)
        for i in offer.scope.items:
            off = solver.IntVar(0, min(gross[i], offer.most), "")
            goal.SetCoefficient(off, 1)
            alone.SetCoefficient(off, 1)
            pools[i].SetCoefficient(off, 1)
            for m in range(len(offers)):
                if cluster.losing[n] >> m & 1 and offers[m].mask >> i & 1:
                    other = solver.Constraint(-solver.infinity(), gross[i])
                    other.SetCoefficient(off, 1)
                    other.SetCoefficient(taking[m], gross[i])
    exactly = wrapper.MPSolverParameters()
    exactly.SetDoubleParam(wrapper.MPSolverParameters.RELATIVE_MIP_GAP, 0.0)
    status = solver.Solve(exactly)
    trivial = sum([min(gross[i], sum([one.most for one in offers if one.mask >> i & 1])) for i in cluster.items])
    if status not in (wrapper.Solver.OPTIMAL, wrapper.Solver.FEASIBLE):
        return 0, trivial
    chosen = sum([1 << n for n, variable in enumerate(taking) if variable.solution_value() > 0.5])
    # A tolerance of the wrapper's doubles; the bound itself is of whole numbers.
    return chosen, min(trivial, int(goal.BestBound() + 1e-6))


def _solver() -> tuple[Any, Any]:
    """CP-SAT through the linear wrapper, which holds less memory than `cp_model`; loaded by the first that needs it."""
    from ortools.linear_solver import pywraplp

    solver = pywraplp.Solver.CreateSolver("SAT")
    solver.SetSolverSpecificParametersAsString(f"num_workers:1,random_seed:1,max_deterministic_time:{LIMIT_S}")
    return solver, pywraplp
