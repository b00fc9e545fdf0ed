"""The trading desk as a part of the application: made once a process, given to handlers that ask for `trade`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from litestar import Litestar

from duoline.channels.http.app import Parts
from duoline.flows.trade import Trade


def parts() -> Parts:
    """The desk, ready before the first request."""
    return Parts(provides={"trade": lambda request: request.app.state.trade}, lifespan=[_desk])


@asynccontextmanager
async def _desk(app: Litestar) -> AsyncIterator[None]:
    app.state.trade = Trade(app.state.db, secret=app.state.settings.secret)
    yield
