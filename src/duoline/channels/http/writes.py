"""Writes: one effect and one answer for each Idempotency-Key.

`Write.run` is the ordinary case: replay check, work, stored answer and commit in one transaction. Handlers that
manage their own transactions use `replay`, `begin` and `finish`. Refusals that are raised roll back and are not
stored: the same key may succeed later, as when goods have come in. Refusals that the work *returns* are committed
and stored like any answer.

A visitor without a session has no id to keep answers under. Theirs is computed from the key and our secret, and
so are the guest and the session that a first write makes: a repeat after a lost answer therefore finds the same
answer and the same cart. Who knows the key of somebody's first request could do the same, so such keys must be long
enough not to be guessed or shared by accident.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import random
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Literal, TypeVar
from uuid import UUID

import asyncpg
from litestar import Request
from litestar.enums import RequestEncodingType

from duoline.channels.http import devices, limits, sessions
from duoline.channels.http.answers import JSON, PROBLEM, Answer, Header, encode
from duoline.channels.http.problems import language_of, problem_body, retry_after
from duoline.kernel import idempotency, metrics
from duoline.kernel.db import RETRYABLE, Database, Tx
from duoline.kernel.errors import Refusal, ensure
from duoline.kernel.ids import derived_id
from duoline.members import guests
from duoline.members import sessions as member_sessions
from duoline.stores import sessions as staff_sessions

if TYPE_CHECKING:
    from duoline.kernel.config import Settings
    from duoline.kernel.idempotency import StoredAnswer

T = TypeVar("T")
U = TypeVar("U")

KEY_LENGTH_MAX = 80
ANONYMOUS_KEY_LENGTH_MIN = 16
ATTEMPTS_MAX = 4
REFUSED = 400

NEW_GUESTS_BY_ADDRESS = limits.Limit(300, 600)

SessionKind = Literal["member", "staff"]
_LASTS = {"member": member_sessions.MEMBER_LASTS, "staff": staff_sessions.LASTS}
SYSTEM = "system"
"""A key of another system: shown by the answer like a token, and no session of this browser."""


class KeyMissing(Refusal):
    """A write without an Idempotency-Key, or with one that cannot be used."""

    code = "http.idempotency-key-missing"
    status = 400
    zh = "请求缺少可用的 Idempotency-Key(1 到 80 个可见字符)。"
    en = "The request needs an Idempotency-Key header of 1 to 80 printable characters."


class KeyWeak(Refusal):
    """A first write without a session under a key that somebody else may use too."""

    code = "http.idempotency-key-weak"
    status = 400
    zh = "没有会话的请求,Idempotency-Key 至少要 16 个字符,建议用随机 UUID。"
    en = "Without a session, the Idempotency-Key must be 16 characters or more; a random UUID is best."


class Write:
    """One write request. Handlers ask for it by the parameter name `write`."""

    def __init__(
        self, request: Request[Any, Any, Any], *, who: sessions.Member | sessions.Staff | sessions.System | None
    ) -> None:
        self._request = request
        self._db: Database = request.app.state.db
        self._settings: Settings = request.app.state.settings
        self._who = who
        self.language = language_of(request.headers.get("accept-language", ""))
        self.key = _key(request)
        if who is None and len(self.key) < ANONYMOUS_KEY_LENGTH_MIN:
            raise KeyWeak
        self.actor_id: UUID = who.id if who is not None else self._derived_id()
        self._hash: bytes | None = None
        self._cookies: list[Header] = []
        self._newcomer: sessions.Member | None = None
        self._device: UUID | None = None

    # --- the ordinary case ----------------------------------------------------------------------

    async def run(
        self,
        work: Callable[[Tx], Awaitable[T | Refusal]],
        *,
        status: int = 200,
        after: Callable[[], Awaitable[object]] | None = None,
    ) -> Answer[T]:
        """Do the work once, in one transaction, and answer with what it gives; see the module and README.

        `after` runs after the commit and before the answer is sent, and not at a replay.
        """

        async def attempt() -> tuple[Answer[T], bool]:
            async with self._db.begin() as tx:
                stored = await self.begin(tx)
                if stored is not None:
                    return stored, False
                return await self.finish(tx, await work(tx), status=status), True

        given, fresh = await self.attempts(attempt)
        if fresh and after is not None:
            await after()
        return given

    async def attempts(self, attempt: Callable[[], Awaitable[U]]) -> U:
        """Run a whole transaction, and again (at most three times) when a deadlock or the like undid it."""
        for _ in range(ATTEMPTS_MAX - 1):
            try:
                return await attempt()
            except RETRYABLE as error:
                if isinstance(error, asyncpg.exceptions.LockNotAvailableError):
                    raise  # not to be had in five seconds: not to be had by asking again at once either
                metrics.RETRIES.inc()
                await _short_pause()
        return await attempt()

    # --- the pieces, for handlers with transactions of their own ---------------------------------

    @property
    def request_hash(self) -> bytes:
        """Digest of method, path, query and body: what makes two requests the same."""
        ensure(self._hash is not None, "IDE-1", "a streamed body needs use_hash() before begin")
        return self._hash or b""

    def use_hash(self, body_digest: bytes) -> None:
        """Say what the body was, when it was streamed and is not in memory."""
        self._hash = _hash(self._request, body_digest)

    async def read(self) -> None:
        """Take in the body. Done before the handler runs, except where it takes a form: that is streamed, whatever the
        request calls itself, and the handler says what it was."""
        if not _takes_form(self._request):
            self.use_hash(hashlib.sha256(await self._request.body()).digest())

    async def replay(self) -> Answer[Any] | None:
        """The stored answer, if this key was answered before. A quick look outside any transaction."""
        stored = await idempotency.find(self._db, actor_id=self.actor_id, key=self.key, request_hash=self.request_hash)
        return None if stored is None else await self._replayed(self._db, stored)

    async def begin(self, tx: Tx) -> Answer[Any] | None:
        """Claim the key in this transaction, or give the stored answer. First statement of the transaction."""
        stored = await idempotency.begin(tx, actor_id=self.actor_id, key=self.key, request_hash=self.request_hash)
        return None if stored is None else await self._replayed(tx, stored)

    async def finish(self, tx: Tx, content: T | Refusal, *, status: int = 200) -> Answer[T]:
        """Store the answer under the key claimed by `begin`, in this same transaction, and give it."""
        if isinstance(content, Refusal):
            metrics.REFUSALS.labels(content.code).inc()
            body, status = encode(problem_body(content, self.language)), content.status
        else:
            body = encode(content)
        await idempotency.finish(tx, actor_id=self.actor_id, key=self.key, status=status, body=body.decode())
        given: Answer[T] = self._answer(status, body)
        if isinstance(content, Refusal):
            given.more_headers += retry_after(content)
        return given

    def given(self, body: bytes, *, status: int, replayed: bool) -> Answer[Any]:
        """The answer of a verb that stored these bytes under the key itself, with this write's cookies."""
        if self._newcomer is not None:
            sessions.remember(self._newcomer)
        return _marked(self._answer(status, body)) if replayed else self._answer(status, body)

    async def _replayed(self, db: Database | Tx, stored: StoredAnswer) -> Answer[Any]:
        if self._who is None and await guests.exists(db, self.actor_id):
            self._begin_session("member", self._guest_token(), member_sessions.GUEST_LASTS.total_seconds())
        return _marked(self._answer(stored.status, stored.body.encode()))

    def _answer(self, status: int, body: bytes) -> Answer[Any]:
        for kind in (*_LASTS, SYSTEM):
            place = self._place(kind).encode()
            if place in body:
                token = self._fresh_token(kind)
                body = body.replace(place, token.encode())
                if kind in _LASTS:
                    self._begin_session(kind, token, _LASTS[kind].total_seconds())
        # Only refusals are stored with such a status.
        given: Answer[Any] = Answer(body, status=status, media=PROBLEM if status >= REFUSED else JSON)
        given.more_headers += [(b"cache-control", b"no-store"), *self._cookies]
        return given

    # --- sessions that a write begins or ends ----------------------------------------------------

    async def member(self, tx: Tx) -> sessions.Member:
        """The member of the session; for a visitor without one, a new guest, whose cookie goes with the answer."""
        member, guest = self.visitor()
        if guest is not None:
            await guests.welcome(tx, guest)
        return member

    def visitor(self) -> tuple[sessions.Member, guests.Guest | None]:
        """The member of the session; or who the visitor will be, and the guest whom the verb makes with its effect.

        Refuses with `TooManyRequests` when an address makes ever new guests.
        """
        if isinstance(self._who, sessions.Member):
            return self._who, None
        ensure(self._who is None, "HTTP", "staff are not members")
        if self._settings.guest_limits:
            NEW_GUESTS_BY_ADDRESS.check(limits.address_of(self._request))
        token = self._guest_token()
        self._begin_session("member", token, member_sessions.GUEST_LASTS.total_seconds())
        member = self._newcomer = sessions.Member(self.actor_id, "guest", "", self.language, token)
        return member, guests.Guest.newcomer(self.actor_id, token=token, locale=self.language)

    def device(self) -> UUID:
        """The browser this write comes from, by a cookie that only we can make; a browser without one is given one.

        Who throws the cookie away is a new device: what is limited by it is limited by the network address as well.
        """
        if self._device is None:
            self._device = devices.known(self._request, self._settings)
        if self._device is None:
            self._device, cookie = devices.new(self._settings)
            self._cookies.append(cookie)
        return self._device

    def known_device(self) -> UUID | None:
        """The browser by its cookie; None for one that has none, which is not given one here."""
        return self._device or devices.known(self._request, self._settings)

    def keep_cookie(self, name: str, value: str, *, seconds: int) -> None:
        """Give the browser something to keep that no script reads; for 0 seconds, let it forget that."""
        self._cookies = [c for c in self._cookies if not c[1].startswith(name.encode() + b"=")]
        self._cookies.append(sessions.set_cookie(name, value, seconds=seconds, settings=self._settings))

    def new_session(self, kind: SessionKind) -> tuple[str, str]:
        """A token for a session that the work opens, and the text to put in its place into the answer.

        The same request makes the same token again, so that a replay can answer with it though it was never stored.
        """
        return self._fresh_token(kind), self._place(kind)

    def new_key(self) -> tuple[str, str]:
        """The same for a key of another system."""
        return self._fresh_token(SYSTEM), self._place(SYSTEM)

    def end_session(self, kind: SessionKind) -> None:
        """Remove the cookie with the answer."""
        name = sessions.MEMBER_COOKIE if kind == "member" else sessions.STAFF_COOKIE
        self._cookies.append(sessions.drop_cookie(name, self._settings))

    def _begin_session(self, kind: str, token: str, seconds: float) -> None:
        name = sessions.MEMBER_COOKIE if kind == "member" else sessions.STAFF_COOKIE
        self._cookies = [c for c in self._cookies if not c[1].startswith(name.encode())]
        self._cookies.append(sessions.set_cookie(name, token, seconds=int(seconds), settings=self._settings))

    def _derived_id(self) -> UUID:
        return derived_id(self._derive("guest id", self.key.encode()))

    def _guest_token(self) -> str:
        return _text(self._derive("guest token", self.key.encode()))

    def _fresh_token(self, kind: str) -> str:
        return _text(self._derive(f"{kind} session", self.actor_id.bytes + self.key.encode() + self.request_hash))

    def _place(self, kind: str) -> str:
        """Stored where the token stands in the answer. Made from the secret, so that no name or note looks like it."""
        return _text(self._derive(f"place of a {kind} token", self.actor_id.bytes + self.key.encode()))

    def _derive(self, purpose: str, material: bytes) -> bytes:
        return hmac.digest(self._settings.secret.encode(), purpose.encode() + b"\0" + material, "sha256")


def _marked(given: Answer[T]) -> Answer[T]:
    """An answer that was given before."""
    metrics.REPLAYS.inc()
    given.more_headers.append((b"idempotent-replayed", b"true"))
    return given


def _takes_form(request: Request[Any, Any, Any]) -> bool:
    data = request.route_handler.parsed_data_field
    return data is not None and getattr(data.kwarg_definition, "media_type", None) == RequestEncodingType.MULTI_PART


def _key(request: Request[Any, Any, Any]) -> str:
    key = request.headers.get("idempotency-key", "")
    if not (0 < len(key) <= KEY_LENGTH_MAX and key.isascii() and key.isprintable()):
        raise KeyMissing
    return key


def _hash(request: Request[Any, Any, Any], body_digest: bytes) -> bytes:
    query = request.scope.get("query_string", b"")
    return hashlib.sha256(b"\0".join((request.method.encode(), request.url.path.encode(), query, body_digest))).digest()


def _text(digest: bytes) -> str:
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


async def _short_pause() -> None:
    await asyncio.sleep(random.uniform(0.002, 0.02))  # noqa: S311 - spreads retries, hides nothing
