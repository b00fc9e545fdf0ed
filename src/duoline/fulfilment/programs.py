"""Linear and mixed-integer programs, as the rest of fulfilment writes them: a thin door to OR-Tools.

OR-Tools publishes no types for this module; what crosses is typed here. It is loaded by the first program: a process
that never solves one does not hold its 25 MiB.
"""

from __future__ import annotations

import math
from typing import Any, NewType

from duoline.kernel.errors import ensure

Variable = NewType("Variable", object)
Row = NewType("Row", object)


class Program:
    """Minimise a cost over whole numbers with CP-SAT. One thread and a fixed seed: the same answer every time, unless
    the time runs out."""

    def __init__(self, *, limit_ms: int) -> None:
        self._wrapper = _linear_solver()
        self._solver = self._wrapper.Solver.CreateSolver("SAT")
        self._solver.SetSolverSpecificParametersAsString("num_workers:1,random_seed:1")
        self._solver.SetTimeLimit(limit_ms)
        self._cost = self._solver.Objective()
        self._cost.SetMinimization()
        self._hints: list[tuple[Any, int]] = []
        self.optimal = False
        self.infeasible = False

    def whole(self, low: int, high: int, cost: int, *, hint: int | None = None) -> Variable:
        """A whole number from `low` to `high`, at `cost` each; `hint` is where the search begins."""
        made = self._solver.IntVar(low, high, "")
        if cost:
            self._cost.SetCoefficient(made, cost)
        if hint is not None:
            self._hints.append((made, hint))
        return Variable(made)

    def row(self, low: float, high: float) -> Row:
        """A sum that must lie between the two."""
        return Row(self._solver.Constraint(low, high))

    def put(self, row: Any, variable: Any, weight: float) -> None:
        """Count a variable in a row."""
        row.SetCoefficient(variable, weight)

    def picked(self, most: int, parcel: Any, pick_minor: int, each_minor: int, *, hint: int) -> Variable:
        """Units of one SKU in a parcel: none without the parcel, and a pick if there are any.

        Of a single unit the pick and the unit are one variable.
        """
        if most == 1:
            unit = self.whole(0, 1, pick_minor + each_minor, hint=hint)
            self.at_most(unit, 1, parcel)
            return unit
        pick = self.whole(0, 1, pick_minor, hint=1 if hint else 0)
        self.at_most(pick, 1, parcel)
        units = self.whole(0, most, each_minor, hint=hint)
        self.at_most(units, most, pick)
        return units

    def at_most(self, variable: Any, times: int, other: Any) -> None:
        """variable <= times * other."""
        row = self._solver.Constraint(-math.inf, 0)
        row.SetCoefficient(variable, 1)
        row.SetCoefficient(other, -times)

    def solve(self) -> float | None:
        """The least cost found; None when nothing was. `optimal` and `infeasible` say what is proved."""
        wrapper = self._wrapper
        if self._hints:
            self._solver.SetHint([one for one, _ in self._hints], [value for _, value in self._hints])
        exactly = wrapper.MPSolverParameters()
        # The wrapper stops at a gap of 1e-4 if it is not told otherwise, and would still call that optimal.
        exactly.SetDoubleParam(wrapper.MPSolverParameters.RELATIVE_MIP_GAP, 0.0)
        status = self._solver.Solve(exactly)
        self.optimal = status == wrapper.Solver.OPTIMAL
        self.infeasible = status == wrapper.Solver.INFEASIBLE
        if status not in (wrapper.Solver.OPTIMAL, wrapper.Solver.FEASIBLE):
            return None
        return float(self._cost.Value())

    def value(self, variable: Any) -> int:
        """What a variable is in the answer."""
        return int(round(variable.solution_value()))  # noqa: RUF046 a float of no known type


class LinearProgram:
    """Minimise a cost over amounts that are not negative, with GLOP. Solved again, it begins where it ended.

    To a program that is `growing` amounts are added between solutions.
    """

    def __init__(self, *, growing: bool = False) -> None:
        self._wrapper = _linear_solver()
        self._solver = self._wrapper.Solver.CreateSolver("GLOP")
        # The next solution differs in the right-hand sides: the old basis stays feasible for the dual. Of growing
        # programs, many of whose amounts are nearly alike, about one in a thousand ended as abnormal when preprocessed,
        # and none of 4,500 without.
        growing_so = " use_preprocessing:false" if growing else ""
        self._solver.SetSolverSpecificParametersAsString(f"use_dual_simplex:true{growing_so}")
        self._cost = self._solver.Objective()
        self._cost.SetMinimization()

    def amount(self, cost: float) -> Variable:
        """An amount that is not negative, at `cost` each."""
        made = self._solver.NumVar(0.0, math.inf, "")
        if cost:
            self._cost.SetCoefficient(made, cost)
        return Variable(made)

    def row(self, low: float, high: float) -> Row:
        """A sum that must lie between the two."""
        return Row(self._solver.Constraint(low, high))

    def put(self, row: Any, variable: Any, weight: float) -> None:
        """Count a variable in a row."""
        row.SetCoefficient(variable, weight)

    def between(self, row: Any, low: float, high: float) -> None:
        """Move the bounds of a row."""
        row.SetBounds(low, high)

    def solve(self) -> float:
        """The least cost. A program that has none is a fault: everything here can also be left unserved."""
        status = self._solver.Solve(self._beginning(self._wrapper.MPSolverParameters.INCREMENTALITY_ON))
        if status == self._wrapper.Solver.ABNORMAL:  # once more, from nothing
            status = self._solver.Solve(self._beginning(self._wrapper.MPSolverParameters.INCREMENTALITY_OFF))
        ensure(status == self._wrapper.Solver.OPTIMAL, "SRC-3", f"the linear program ended with status {status}")
        return float(self._cost.Value())

    def _beginning(self, how: Any) -> Any:
        parameters = self._wrapper.MPSolverParameters()
        parameters.SetIntegerParam(self._wrapper.MPSolverParameters.INCREMENTALITY, how)
        return parameters

    def dual(self, row: Any) -> float:
        """How much the cost would rise with one more on the right-hand side of a row."""
        return float(row.dual_value())


def _linear_solver() -> Any:
    from ortools.linear_solver import pywraplp

    return pywraplp
