"""Named points at which a test may kill, fail or delay the program.

`point("place.after_commit")` costs one dictionary look-up. Every name is registered at import, so that
the crash tests can enumerate them and none is forgotten.

`DUOLINE_FAULT="place.after_commit:kill"` (or `:raise`, `:sleep=250`, each optionally `@n` for the n-th
passage) arms one point.
"""

from __future__ import annotations

import os
import signal
import time

_points: set[str] = set()
_armed: dict[str, tuple[str, int]] = {}
_passed: dict[str, int] = {}


class InjectedFault(Exception):
    """Raised by an armed point; only ever seen under test."""


def register(*names: str) -> None:
    """Make fault points known. Call it at module level, next to the code that passes them."""
    _points.update(names)


def points() -> list[str]:
    """Every registered point, in order of name."""
    return sorted(_points)


def arm(specification: str) -> None:
    """Arm points from `name:action[@n]`, separated by commas; an empty text disarms all."""
    _armed.clear()
    _passed.clear()
    for part in filter(None, specification.split(",")):
        name, _, action = part.partition(":")
        action, _, nth = action.partition("@")
        _armed[name] = (action or "kill", int(nth or 1))


def point(name: str) -> None:
    """Pass a fault point: nothing happens unless it is armed."""
    if not _armed or name not in _armed:
        return
    action, nth = _armed[name]
    _passed[name] = _passed.get(name, 0) + 1
    if _passed[name] != nth:
        return
    if action == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif action == "raise":
        raise InjectedFault(name)
    elif action.startswith("sleep="):
        time.sleep(int(action.removeprefix("sleep=")) / 1000)


arm(os.environ.get("DUOLINE_FAULT", ""))
