"""Progress, on standard error: standard output is for the figures."""

from __future__ import annotations

import sys
import time

BEGAN = time.monotonic()


def say(text: str) -> None:
    """A line with the time since the start."""
    minutes, seconds = divmod(round(time.monotonic() - BEGAN), 60)
    print(f"{minutes:3d}:{seconds:02d}  {text}", file=sys.stderr, flush=True)
