"""`duoline bench`: measure this machine. The workloads are in `bench/` of the checkout, not in the package."""

from __future__ import annotations

import subprocess
import sys
from typing import Annotated

import typer

from duoline.kernel.config import CHECKOUT, BadSetting


def command(
    arguments: Annotated[list[str] | None, typer.Argument(help="Handed on to the bench, after `--`.")] = None,
) -> None:
    """Measure reads, checkout and sell-out on this machine; figures go to bench/results/."""
    if not (CHECKOUT / "bench" / "__main__.py").exists():
        raise BadSetting("duoline bench", "needs the checkout: there is no directory bench/ beside this package.")
    done = subprocess.run(  # noqa: S603 - ourselves
        [sys.executable, "-m", "bench", *(arguments or [])], cwd=CHECKOUT, check=False
    )
    sys.exit(done.returncode)
