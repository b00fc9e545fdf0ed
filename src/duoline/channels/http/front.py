"""The outermost layer: request ids, logs, metrics, security headers, and the built pages.

Plain ASGI around the framework, because it runs for every request and must cost next to nothing.
"""

from __future__ import annotations

import logging
import os
import re
import time
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from litestar.enums import ScopeType
from litestar.status_codes import HTTP_304_NOT_MODIFIED
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send

from duoline.channels.http.problems import Unreadable, judge, language_of, problem
from duoline.kernel import metrics
from duoline.kernel.log import request_id

if TYPE_CHECKING:
    from duoline.channels.http.answers import Header
    from duoline.channels.http.pages import Pages

log = logging.getLogger("duoline.access")

_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{8,64}")
SLOW_S = 1.0
ONLY_ASKED = "duoline.head"
"""In the scope of a request that asked for the head alone: nobody will read what it leads to."""
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

# Our pages load scripts, styles, pictures and data from here only, are framed by nobody, and post to nobody else. What
# else they may load is named by whoever puts the application together: WeChat's script, where WeChat is on.
# Inline styles are the component libraries' positions; WebAssembly reads codes from the camera.
_PAGE_POLICY = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self' 'wasm-unsafe-eval'{scripts}",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        "connect-src 'self'",
        "worker-src 'self' blob:",
        "media-src 'self' blob:",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
_EVERYWHERE: list[Header] = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"strict-origin-when-cross-origin"),
]
_ON_PAGES: list[Header] = [
    *_EVERYWHERE,
    (b"x-frame-options", b"DENY"),
    (b"permissions-policy", b"camera=(self), geolocation=(self), microphone=(), payment=()"),
    (b"cross-origin-opener-policy", b"same-origin"),
]
# An answer of data that is opened as a page can do nothing.
_ON_DATA: list[Header] = [
    *_EVERYWHERE,
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
]
_STAFF = ("/clerk", "/console")
_STRICT_TRANSPORT: Header = (b"strict-transport-security", b"max-age=31536000")


def _policy(scripts: Sequence[str]) -> Header:
    allowed = "".join(f" {script}" for script in scripts)
    return (b"content-security-policy", _PAGE_POLICY.format(scripts=allowed).encode())


class Front:
    """Wraps the application. `inner` is Litestar's own handler, `scripts` are those of other sites that pages load."""

    def __init__(self, inner: ASGIApp, pages: Pages, *, https: bool, scripts: Sequence[str] = ()) -> None:
        self._inner = inner
        self._pages = pages
        transport = [_STRICT_TRANSPORT] if https else []
        self._on_mall = [*_ON_PAGES, _policy(scripts), *transport]
        self._on_staff = [*_ON_PAGES, _policy(()), *transport]
        self._on_data = _ON_DATA + transport

    def on_page(self, path: str) -> list[Header]:
        """The headers of a page. Those of the staff load nothing of anybody else's."""
        return self._on_staff if path.startswith(_STAFF) else self._on_mall

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != ScopeType.HTTP:
            await self._inner(scope, receive, send)
            return
        started = time.perf_counter()
        token = request_id.set(identity(scope))
        answering = _Answering(self, scope, send)
        try:
            await self._answer(scope, receive, answering)
        except Exception as error:
            if answering.status:
                raise  # half an answer is out; the server closes the connection
            refusal, headers = judge(error, scope["method"], scope["path"])
            await problem(refusal, _language(scope), headers=headers)(scope, receive, answering)
        finally:
            answering.done(time.perf_counter() - started)
            request_id.reset(token)

    async def _answer(self, scope: HTTPScope, receive: Receive, send: Send) -> None:
        method = scope["method"]
        if b"%00" in scope["query_string"] or "\0" in scope["path"]:
            await problem(Unreadable(), _language(scope))(scope, receive, send)
            return
        if method in ("GET", "HEAD"):
            page = self._pages.file(scope["path"], _header(scope, b"accept-encoding"))
            if page is not None:
                await page(scope, receive, send)
                return
            if method == "HEAD":
                scope["method"] = "GET"  # handlers answer GET; the body is kept back on the way out
                scope[ONLY_ASKED] = True  # type: ignore[literal-required]
        await self._inner(scope, receive, send)


class _Answering:
    """`send` with our headers added, the body of a HEAD request left out, and the outcome remembered."""

    __slots__ = ("_front", "_head", "_method", "_scope", "_send", "status")

    def __init__(self, front: Front, scope: HTTPScope, send: Send) -> None:
        self._front, self._scope, self._send = front, scope, send
        self._method = scope["method"]
        self._head = self._method == "HEAD"
        self.status = 0

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = list(message["headers"])
            kind = next((value for name, value in headers if name.lower() == b"content-type"), b"")
            # A service worker obeys the policy that its own script came with, so scripts count as pages.
            page = kind.startswith((b"text/html", b"application/javascript"))
            ours = self._front.on_page(self._scope["path"]) if page else self._front._on_data
            given = {name.lower() for name, _ in headers}
            if self.status != HTTP_304_NOT_MODIFIED:  # what the browser has keeps the policy it came with
                headers += [header for header in ours if header[0] not in given]
            headers.append((b"x-request-id", (request_id.get() or "").encode()))
            message["headers"] = headers
        elif self._head and message["type"] == "http.response.body":
            message["body"] = b""
        await self._send(message)

    def done(self, seconds: float) -> None:
        """Count and log the request. Successful reads are only counted: a line each would cost more than they do."""
        status = self.status or 500
        count, observe = _counters(self._method, _route(self._scope), status)
        count()
        observe(seconds)
        quiet = self._method in ("GET", "HEAD") and status < 500 and (seconds < SLOW_S or status == 200)
        level = logging.DEBUG if quiet else logging.INFO
        if log.isEnabledFor(level):
            log.log(
                level,
                "%s %s %d",
                self._method,
                self._scope["path"],
                status,
                extra={"ms": round(seconds * 1000, 1)},
            )


@lru_cache(maxsize=4096)
def _counters(method: str, route: str, status: int) -> tuple[Callable[[], None], Callable[[float], None]]:
    """Where to count: looking a metric up by its labels costs more than counting."""
    known = method if method in _METHODS else "other"
    return (
        metrics.REQUESTS.labels(known, route, str(status)).inc,
        metrics.REQUEST_SECONDS.labels(known, route).observe,
    )


def identity(scope: HTTPScope) -> str:
    """The id of a request: the caller's `X-Request-Id` if it is a plain word, else a new one."""
    for name, value in scope["headers"]:
        if name == b"x-request-id" and _REQUEST_ID.fullmatch(value):
            return value.decode("ascii")
    return os.urandom(8).hex()


def _route(scope: HTTPScope) -> str:
    """The path as declared, so that metrics have few names; other paths count as one."""
    template: Any = scope.get("path_template")
    return template if isinstance(template, str) and template else "other"


def _header(scope: HTTPScope, wanted: bytes) -> bytes:
    for name, value in scope["headers"]:
        if name == wanted:
            return value
    return b""


def _language(scope: HTTPScope) -> str:
    return language_of(_header(scope, b"accept-language").decode("latin-1"))
