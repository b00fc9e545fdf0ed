"""A small state machine, proved when it is declared."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Generic, TypeVar

from duoline.kernel.errors import Refusal, ensure

if TYPE_CHECKING:
    from collections.abc import Mapping


S = TypeVar("S", bound=Enum)


class WrongState(Refusal):
    """The object is in a state from which this step does not lead."""

    code = "kernel.wrong-state"
    status = 409
    zh = "当前状态({state})不能进行这一步。"
    en = "This step is not possible from the present state ({state})."


class Machine(Generic[S]):
    """States and the steps between them.

    Checked at import: every state is listed, every state can be reached from `start`, every target
    exists. A table that is wrong stops the program before it serves a request.
    """

    def __init__(self, name: str, start: S, steps: Mapping[S, frozenset[S]]) -> None:
        kind = type(start)
        ensure(set(steps) == set(kind), "MACHINE", f"{name}: every state must be listed once")
        reached, frontier = {start}, [start]
        while frontier:
            for target in steps[frontier.pop()]:
                ensure(isinstance(target, kind), "MACHINE", f"{name}: foreign state {target}")
                if target not in reached:
                    reached.add(target)
                    frontier.append(target)
        ensure(reached == set(kind), "MACHINE", f"{name}: {set(kind) - reached} cannot be reached")
        self.name, self.start, self.steps = name, start, dict(steps)

    def may(self, old: S, new: S) -> bool:
        """Whether the step exists."""
        return new in self.steps[old]

    def check(self, old: S, new: S) -> None:
        """Refuse with `WrongState` unless the step exists."""
        if new not in self.steps[old]:
            raise WrongState(machine=self.name, state=old.value, wanted=new.value)

    def final(self, state: S) -> bool:
        """Whether nothing leads out of `state`."""
        return not self.steps[state]
