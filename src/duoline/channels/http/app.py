"""The application: Litestar with our doors, problems, dependencies and pages. `entry/api.py` makes it."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import threading
import warnings
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import Any
from uuid import UUID

import msgspec
from litestar import Litestar, Request
from litestar.datastructures import State
from litestar.exceptions import (
    ImproperlyConfiguredException,
    LitestarDeprecationWarning,
    MethodNotAllowedException,
    NotFoundException,
)
from litestar.handlers import HTTPRouteHandler
from litestar.types import ControllerRouterHandler

from duoline import __version__
from duoline.channels.http import describe, doors, health, inject, problems, sessions
from duoline.channels.http.application import Application
from duoline.channels.http.front import Front
from duoline.channels.http.health import Check
from duoline.channels.http.inject import Provider
from duoline.channels.http.live import Hub
from duoline.channels.http.pages import Pages
from duoline.channels.http.writes import Write
from duoline.kernel import follow, metrics
from duoline.kernel.config import CHECKOUT, Settings
from duoline.kernel.db import Database
from duoline.kernel.errors import Unauthorised, Unavailable
from duoline.kernel.outbox import Event
from duoline.stores import directory

BODY_MAX = 256 * 1024

Lifespan = Callable[[Litestar], AbstractAsyncContextManager[Any]]
Opening = Callable[[], AbstractAsyncContextManager[Database]]


@dataclass
class Parts:
    """What a face or adapter adds to the application."""

    routes: Sequence[ControllerRouterHandler] = ()
    provides: Mapping[str, Provider] = field(default_factory=dict)
    lifespan: Sequence[Lifespan] = ()
    ready_checks: Sequence[Check] = ()
    scripts: Sequence[str] = ()
    """Addresses of scripts of other sites that our pages may load, each exactly."""


class ApiRequest(Request[Any, Any, State]):
    """A request whose JSON body is decoded once, strictly, into the struct that the handler takes as `data`."""

    async def json(self) -> Any:
        """The body as the handler's struct. Refuses broken JSON with 400 and what does not fit with 422."""
        kind = self.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "application/json":
            raise problems.UnsupportedMedia  # a form of another site can send other types without asking
        body = await self.body()
        field_ = self.route_handler.parsed_data_field
        if b"\\u0000" in body:
            raise problems.Unreadable  # no column can hold it, and no person types it
        try:
            return _decoder(Any if field_ is None else field_.annotation).decode(body)
        except msgspec.ValidationError as error:
            raise problems.bad_body(error) from error
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise problems.Unreadable from error


@lru_cache(maxsize=1024)
def _decoder(kind: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(kind)


def create_app(settings: Settings, parts: Sequence[Parts] = (), *, database: Opening | None = None) -> Litestar:
    """The application of one process.

    `parts` come from the faces. `database` opens the database at each start; without it that is a pool on
    `settings.database_url`. Putting the application together touches nothing outside of it: files, connections and
    providers come with its start, and it may be started again after its end. Raises `ImproperlyConfiguredException`
    for a handler without a door, a path parameter the door does not name, or a write that takes no Idempotency-Key.
    """
    pages = Pages(CHECKOUT / "web" / "dist")
    providers = PROVIDERS | {name: provider for part in parts for name, provider in part.provides.items()}
    routes = [*health.ROUTES, *describe.ROUTES, *(route for part in parts for route in part.routes)]
    for route in routes:
        if isinstance(route, HTTPRouteHandler):
            inject.wrap(route, providers)
    app = _litestar(
        route_handlers=routes,
        request_class=ApiRequest,
        before_request=_at_the_door,  # not a guard: Litestar copies the handler for each call of one
        exception_handlers={Exception: _on_exception},
        lifespan=[
            _resources(settings, database or partial(_pool, settings)),
            *(span for part in parts for span in part.lifespan),
        ],
        openapi_config=describe.openapi(__version__),
        request_max_body_size=BODY_MAX,
        logging_config=None,
        state=State(
            {
                "settings": settings,
                "pages": pages,
                "providers": providers,
                "ready_checks": [check for part in parts for check in part.ready_checks],
            }
        ),
    )
    for path in app.routes:
        for handler in getattr(path, "route_handlers", ()):
            _check(path.path, handler)
    app.asgi_handler = Front(
        app.asgi_handler,
        pages,
        https=settings.public_url.startswith("https:"),
        scripts=[script for part in parts for script in part.scripts],
    )
    return app


def _litestar(**options: Any) -> Litestar:
    """Litestar 2, without its advice for Litestar 3 to mark every parameter."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=LitestarDeprecationWarning)
        return Application(**options)


def _check(path: str, handler: HTTPRouteHandler) -> None:
    """Every handler says who may call it, and every write is idempotent."""
    methods = set(handler.http_methods)
    if methods <= {"OPTIONS"} or handler.fn.__module__.startswith("litestar."):
        return
    door = handler.opt.get(doors.KEY)
    name = f"{'/'.join(sorted(methods))} {path}"
    if not isinstance(door, doors.Door):
        raise ImproperlyConfiguredException(f"{name}: say who may call it, with opt=doors.…")
    parameters = {part[1:-1].partition(":")[0] for part in path.split("/") if part.startswith("{")}
    if missing := parameters - door.objects.keys():
        raise ImproperlyConfiguredException(f"{name}: the door does not say what {', '.join(sorted(missing))} names")
    if handler.before_request is not None:
        raise ImproperlyConfiguredException(f"{name}: before_request would replace the check at the door")
    takes_key = "write" in inject.asks_for(handler)
    if not methods <= sessions.SAFE_METHODS and door.who != "signed" and not takes_key:
        raise ImproperlyConfiguredException(f"{name}: a write takes `write: Write` (Idempotency-Key)")


async def _at_the_door(request: Request[Any, Any, Any]) -> None:
    """Before the body is read: who is not admitted learns nothing about what would fit."""
    await sessions.guard(request, request.route_handler)


def _on_exception(request: Request[Any, Any, Any], error: Exception) -> Any:
    if isinstance(error, NotFoundException) and request.method == "GET":
        page = request.app.state.pages.page(request.url.path, request.headers.get("accept-encoding", "").encode())
        if page is not None:
            return page
    answer = problems.on_exception(request, error)
    if isinstance(error, MethodNotAllowedException):
        answer.more_headers.append((b"allow", ", ".join(_methods_at(request.app, request.url.path)).encode()))
    return answer


def _methods_at(app: Litestar, path: str) -> list[str]:
    """The methods that an address takes."""
    parts = path.strip("/").split("/")
    found: set[str] = set()
    for route in app.routes:
        declared = route.path.strip("/").split("/")
        if len(declared) == len(parts) and all(d[:1] == "{" or d == p for d, p in zip(declared, parts, strict=True)):
            found |= {str(method) for method in getattr(route, "methods", ())}
    return sorted(found)


# --- what handlers ask for by name ---------------------------------------------------------------


async def _visitor(request: Request[Any, Any, Any]) -> sessions.Visitor:
    return sessions.Visitor(await sessions.member_session(request))


async def _member(request: Request[Any, Any, Any]) -> sessions.Member:
    member = await sessions.member_session(request)
    if member is None:
        raise Unauthorised
    return member


async def _staff(request: Request[Any, Any, Any]) -> sessions.Staff:
    staff = await sessions.staff_session(request)
    if staff is None:
        raise Unauthorised
    return staff


async def _system(request: Request[Any, Any, Any]) -> sessions.System:
    system = await sessions.system_session(request)
    if system is None:
        raise Unauthorised
    return system


async def _write(request: Request[Any, Any, Any]) -> Write:
    door: doors.Door = request.route_handler.opt[doors.KEY]
    who: sessions.Member | sessions.Staff | sessions.System | None = None
    if door.who == "staff":
        who = await sessions.staff_session(request)
    elif door.who == "system":
        who = await sessions.system_session(request)
    elif door.who in ("member", "visitor"):
        who = await sessions.member_session(request)
    write = Write(request, who=who)
    await write.read()
    return write


PROVIDERS: dict[str, Provider] = {
    "db": lambda request: request.app.state.db,
    "settings": lambda request: request.app.state.settings,
    "hub": lambda request: request.app.state.hub,
    "chain": lambda _: directory.current(),
    "language": lambda request: problems.language_of(request.headers.get("accept-language", "")),
    "visitor": _visitor,
    "member": _member,
    "staff": _staff,
    "system": _system,
    "write": _write,
}


# --- what lives as long as the process -----------------------------------------------------------


def _evict_sessions(events: list[Event]) -> None:
    """Forget sessions that were ended, or whose person was changed, in another process."""
    for event in events:
        if event.topic in ("stores.staff-changed", "members.sessions-ended", "members.tier-changed"):
            sessions.forget(UUID(event.key))


def _resources(settings: Settings, database: Opening) -> Lifespan:
    @asynccontextmanager
    async def live(app: Litestar) -> AsyncIterator[None]:
        async with database() as db:
            stop = asyncio.Event()
            hub = Hub(db, streams_max=settings.streams)
            app.state.db, app.state.hub = db, hub
            await follow.look_everywhere(db)
            hub.follow(_evict_sessions)
            task = asyncio.create_task(hub.run(stop), name="live updates")
            try:
                with _closing_streams_at_signals(hub):
                    yield
            finally:
                stop.set()
                hub.close()
                await asyncio.wait([task], timeout=2)
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
                metrics.retire()

    return live


@asynccontextmanager
async def _pool(settings: Settings) -> AsyncIterator[Database]:
    if settings.database_url is None:
        raise Unavailable("DUOLINE_DATABASE_URL is not set; `duoline serve` sets it for the processes it starts")
    db = await Database.connect(settings.database_url, size_max=settings.pool)
    try:
        yield db
    finally:
        await db.close()


@contextlib.contextmanager
def _closing_streams_at_signals(hub: Hub) -> Any:
    """End live streams as soon as the process is told to stop: the server waits for open requests before anything else.

    The event loop's own handlers are called through the wake-up file descriptor and still run; ours runs beside them.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop = asyncio.get_running_loop()
    before = {}
    for number in (signal.SIGTERM, signal.SIGINT):
        previous = signal.getsignal(number)
        if not callable(previous):
            continue  # nobody handles it: it ends the process, streams and all
        before[number] = previous

        def close(signum: int, frame: Any, previous: Any = previous) -> None:
            loop.call_soon_threadsafe(hub.close)
            previous(signum, frame)

        signal.signal(number, close)
    try:
        yield
    finally:
        for number, previous in before.items():
            signal.signal(number, previous)
