"""What a serving process is given before it loads anything: what to leave out, and where to count.

Litestar and httpx load pydantic, rich and click when they happen to be installed, for features we do not use: 17 MB
and half of the start-up time of each process. Others of our processes need those libraries (the job queue, the
command line), so they stay installed; here they are declared absent before anything asks for them.
"""

from __future__ import annotations

import os
import shutil
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

UNUSED = ("attr", "click", "pydantic", "rich")


def leave_out_unused() -> None:
    """Call it first thing in a process that serves requests; what is loaded already stays."""
    for name in UNUSED:
        sys.modules.setdefault(name, None)  # type: ignore[arg-type]


def share_metrics(home: Path) -> None:
    """Let every process started from here count in files of one folder, so that `/metrics` of any tells of all.

    Called by the parent before it starts the others; counts begin anew with it.
    """
    folder = home / "metrics"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)
