"""Giving handlers what they ask for by name.

Litestar's own injection builds a task group and validates every value it made itself, which costs more than most of
our reads. Here a handler is wrapped once, when the application is made: Litestar sees only the parameters that come
from the request, and the rest are plain calls, one after the other.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from inspect import Parameter
from typing import Any, get_type_hints

from litestar import Request
from litestar.handlers import HTTPRouteHandler

# Gives the value for one request, or an awaitable of it. `request.app.state` holds what lives as long as the process.
Provider = Callable[[Request[Any, Any, Any]], Any]


def wrap(handler: HTTPRouteHandler, providers: Mapping[str, Provider]) -> None:
    """Replace the handler's function by one that fills in what `providers` have, and takes the rest from Litestar.

    The providers themselves are looked up at each call, so one handler may serve several applications (in tests).
    """
    inner = handler.fn
    if getattr(inner, "asks_for", None) is not None:
        return
    names = [name for name in inspect.signature(inner).parameters if name in providers]
    if not names:
        return
    hints = get_type_hints(inner, include_extras=True)
    rest = [p.replace(annotation=hints[p.name]) for p in inspect.signature(inner).parameters.values()
            if p.name not in names and p.name != "request"]  # fmt: skip
    wants_request = "request" in inspect.signature(inner).parameters

    async def call(request: Request[Any, Any, Any], **values: Any) -> Any:
        providers_now: Mapping[str, Provider] = request.app.state.providers
        for name in names:
            value = providers_now[name](request)
            values[name] = await value if inspect.isawaitable(value) else value
        if wants_request:
            values["request"] = request
        return await inner(**values)

    functools.update_wrapper(call, inner)
    keyword = [p.replace(kind=Parameter.KEYWORD_ONLY) for p in rest]
    request_parameter = Parameter("request", Parameter.KEYWORD_ONLY, annotation=Request[Any, Any, Any])
    returns = hints.get("return", Parameter.empty)
    call.__signature__ = inspect.Signature([request_parameter, *keyword], return_annotation=returns)  # type: ignore[attr-defined]
    call.__annotations__ = {p.name: p.annotation for p in (request_parameter, *keyword)} | {"return": returns}
    call.asks_for = frozenset(names)  # type: ignore[attr-defined]
    handler(call)


def asks_for(handler: HTTPRouteHandler) -> frozenset[str]:
    """The names a wrapped handler takes from us."""
    found: frozenset[str] = getattr(handler.fn, "asks_for", frozenset())
    return found
