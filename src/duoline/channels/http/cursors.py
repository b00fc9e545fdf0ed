"""Cursors of lists: the sort values of the last row, packed into one opaque word.

A cursor is a place in a list and no right to anything: it is not signed, and the query that uses it filters by the
caller's scope as always.
"""

from __future__ import annotations

import base64
from typing import Any

import msgspec

from duoline.kernel.errors import Refusal


class BadCursor(Refusal):
    """A cursor that this list did not give."""

    code = "http.bad-cursor"
    status = 422
    zh = "翻页标记无效,请从第一页重新开始。"
    en = "This page marker is not valid; start again from the first page."


def pack(*values: Any) -> str:
    """A cursor from the sort values of the last row (texts, numbers, instants, ids)."""
    return base64.urlsafe_b64encode(msgspec.json.encode(values)).rstrip(b"=").decode()


def unpack(cursor: str, *kinds: Any) -> list[Any]:
    """The values again, each of its kind: `at, order_id = unpack(cursor, datetime, UUID)`. Refuses with `BadCursor`."""
    try:
        raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        values = msgspec.json.decode(raw, type=list[Any])
        if len(values) != len(kinds):
            raise BadCursor
        return [msgspec.convert(value, kind) for value, kind in zip(values, kinds, strict=True)]
    except (ValueError, msgspec.MsgspecError) as error:
        raise BadCursor from error
