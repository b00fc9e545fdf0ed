"""`duoline serve`: the whole system on one machine, from one command."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer


def command(
    port: Annotated[int | None, typer.Option(help="Port to listen on, instead of DUOLINE_PORT.")] = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on, instead of DUOLINE_HOST.")] = None,
) -> None:
    """Start everything: database, API, pages and background work."""
    if port is not None:
        os.environ["DUOLINE_PORT"] = str(port)
    if host is not None:
        os.environ["DUOLINE_HOST"] = host
    # The parent lives for months; it takes over this process without what the command line needed.
    os.execv(sys.executable, [sys.executable, "-m", "duoline.entry.parent"])  # noqa: S606 - ourselves, no shell
