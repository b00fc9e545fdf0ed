"""What handlers give back and take: answers as ready bytes, pages of lists, strict inputs."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Annotated, Any, Generic, TypeVar

import msgspec
from litestar import Response
from litestar.params import QueryParameter
from litestar.types import Receive, Scope, Send

T = TypeVar("T")

JSON = b"application/json"
PROBLEM = b"application/problem+json"

_encoder = msgspec.json.Encoder()

Header = tuple[bytes, bytes]

# Query parameters as every list takes them.
Limit = Annotated[int, QueryParameter(ge=1, le=100, description="How many items, at most 100.")]
Cursor = Annotated[str | None, QueryParameter(max_length=400, description="`next` of the page before.")]
Search = Annotated[str, QueryParameter(max_length=100, description="Words to look for.")]
Latitude = Annotated[float | None, QueryParameter(ge=-90, le=90, description="Degrees north.")]
Longitude = Annotated[float | None, QueryParameter(ge=-180, le=180, description="Degrees east.")]


class Input(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A request body. A field that is not declared is refused, so nobody slips in a price or a role."""


class Page(msgspec.Struct, Generic[T]):
    """A page of a list; `next` is the cursor of the following page."""

    items: Sequence[T]
    next: str | None = None
    total: int | None = None


class Answer(Response[T]):
    """A finished answer: bytes and headers. The type parameter tells the API description what the bytes are."""

    def __init__(self, body: bytes, *, status: int = 200, media: bytes = JSON, headers: Sequence[Header] = ()) -> None:
        # Not calling the base: it would prepare a rendering that never happens.
        self.bytes = body
        self.status = status
        self.media = media
        self.more_headers = list(headers)

    def to_asgi_response(self, *_: Any, **__: Any) -> Any:
        """Itself: there is nothing left to render."""
        return self

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        headers = self.more_headers
        if self.bytes or self.status not in (204, 304):
            headers = [
                (b"content-type", self.media),
                (b"content-length", str(len(self.bytes)).encode()),
                *headers,
            ]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": self.bytes, "more_body": False})


class Streamed(Answer[Any]):
    """An answer in parts, for what is too long to hold at once. When a part cannot be made, the connection breaks off
    in the middle, so that nobody takes half of it for the whole."""

    def __init__(self, parts: AsyncIterator[bytes], *, media: bytes, headers: Sequence[Header] = ()) -> None:
        super().__init__(b"", media=media, headers=headers)
        self.parts = parts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it part by part; refused before the first byte when the first part cannot be made."""
        first = await anext(self.parts, b"")
        headers = [(b"content-type", self.media), *self.more_headers]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": first, "more_body": True})
        async for part in self.parts:
            await send({"type": "http.response.body", "body": part, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


def ready(body: bytes | str, *, headers: Sequence[Header] = ()) -> Answer[Any]:
    """An answer of JSON that is already there, such as the database built."""
    return Answer(body.encode() if isinstance(body, str) else body, headers=headers)


def answer(content: T, *, status: int = 200, headers: Sequence[Header] = ()) -> Answer[T]:
    """An answer of anything msgspec can encode; None is an empty body."""
    return Answer(encode(content), status=status, headers=headers)


def encode(content: Any) -> bytes:
    """JSON bytes; None is no bytes."""
    return b"" if content is None else _encoder.encode(content)


def text_answer(body: str, *, media: str, headers: Sequence[Header] = ()) -> Answer[Any]:
    """An answer that is not JSON: a page, a CSV file, SVG."""
    return Answer(body.encode(), media=media.encode(), headers=headers)
