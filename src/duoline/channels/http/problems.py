"""Everything that goes wrong becomes an RFC 9457 problem here and nowhere else.

`type` points at the entry of the code in the API documentation, `title` names the code in words, `detail` is a
sentence for a person in the language of Accept-Language, `instance` is the request, by its id in the logs.
"""

from __future__ import annotations

import asyncio
import logging
import math
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import asyncpg
import msgspec
from litestar import Request
from litestar.exceptions import (
    HTTPException,
    MethodNotAllowedException,
    NotFoundException,
    ValidationException,
)

from duoline.channels.http.answers import PROBLEM, Answer, Header
from duoline.kernel import clock, metrics
from duoline.kernel.errors import BadInput, Fault, Refusal, Unavailable
from duoline.kernel.log import request_id

log = logging.getLogger(__name__)


class NoSuchPath(Refusal):
    """Nothing is served at this address."""

    code = "http.no-such-path"
    status = 404
    zh = "这个地址不存在。"
    en = "There is nothing at this address."


class MethodNotAllowed(Refusal):
    """The address is there, and not for this method."""

    code = "http.method-not-allowed"
    status = 405
    zh = "这个地址不支持这种请求方法。"
    en = "This address does not take this method."


class TooLarge(Refusal):
    """The body is larger than this address takes."""

    code = "http.too-large"
    status = 413
    zh = "发送的内容太大了。"
    en = "What was sent is too large."


class Unreadable(Refusal):
    """The body is not what its type says: broken JSON, broken multipart."""

    code = "http.unreadable"
    status = 400
    zh = "无法读取发送的内容。"
    en = "What was sent cannot be read."


class UnsupportedMedia(Refusal):
    """A body of a type this address does not take."""

    code = "http.unsupported-media"
    status = 415
    zh = "请以 application/json 格式发送。"
    en = "Send the body as application/json."


class TryAgain(Refusal):
    """Something we need does not answer. Not raised: `Unavailable` becomes this."""

    code = "kernel.unavailable"
    status = 503
    zh = "系统暂时繁忙,请稍后再试。"
    en = "The system is busy or a part of it does not answer; try again in a moment."


class OurFault(Refusal):
    """A bug or a broken invariant. Not raised: every other exception becomes this."""

    code = "kernel.fault"
    status = 500
    zh = "系统出错了,我们已经记录下来。请稍后再试。"
    en = "Something is wrong on our side and has been recorded; try again later."


# The database is not there, is full up, or somebody else holds the row for too long: the same request may succeed.
_BUSY = (
    TimeoutError,
    asyncio.TimeoutError,
    OSError,
    asyncpg.exceptions.LockNotAvailableError,
    asyncpg.exceptions.QueryCanceledError,
    asyncpg.exceptions.DeadlockDetectedError,
    asyncpg.exceptions.SerializationError,
    asyncpg.exceptions.TooManyConnectionsError,
    asyncpg.exceptions.CannotConnectNowError,
    asyncpg.exceptions.AdminShutdownError,
    asyncpg.exceptions.CrashShutdownError,
    asyncpg.exceptions.PostgresConnectionError,
    asyncpg.exceptions.ConnectionDoesNotExistError,
    asyncpg.exceptions.DiskFullError,
    asyncpg.exceptions.InterfaceError,
)
# Values that no column can hold: a number beyond its range, a character that is none.
_UNSTORABLE = (
    asyncpg.exceptions.DataError,
    asyncpg.exceptions.CharacterNotInRepertoireError,
    asyncpg.exceptions.UntranslatableCharacterError,
    asyncpg.exceptions.NumericValueOutOfRangeError,
)


def on_exception(request: Request[Any, Any, Any], error: Exception) -> Answer[Any]:
    """Litestar's exception handler: any exception in, a problem out."""
    refusal, headers = judge(error, request.method, request.url.path)
    return problem(refusal, language_of(request.headers.get("accept-language", "")), headers=headers)


def judge(error: Exception, method: str, path: str) -> tuple[Refusal, list[Header]]:
    """The refusal that tells of an exception, and headers that go with it. Logs and counts what somebody must see."""
    where = f"{method} {path}"
    if isinstance(error, Refusal):
        metrics.REFUSALS.labels(error.code).inc()
        return error, retry_after(error)
    if isinstance(error, HTTPException):
        return _of_http(error)
    if isinstance(error, Unavailable):
        metrics.UNAVAILABLE.inc()
        log.warning("unavailable: %s", error.what, extra={"where": where})
        return TryAgain(), [(b"retry-after", str(error.retry_after_s).encode())]
    # asyncpg puts some of its client-side value errors under InterfaceError too, so values are judged first.
    if isinstance(error, _UNSTORABLE):
        log.warning("a value that cannot be stored: %s", error, extra={"where": where})
        return BadInput(problems=[]), []
    if isinstance(error, _BUSY):
        metrics.UNAVAILABLE.inc()
        log.warning("the database did not do it: %s: %s", type(error).__name__, error, extra={"where": where})
        return TryAgain(), [(b"retry-after", b"2")]
    metrics.FAULTS.labels(error.invariant if isinstance(error, Fault) else type(error).__name__).inc()
    log.error("fault: %s", error, exc_info=error, extra={"where": where})
    return OurFault(), []


def retry_after(refusal: Refusal) -> list[Header]:
    """When a refusal says from when on the same request may succeed: in whole seconds, rounded up."""
    at = refusal.fields.get("retry_at") or refusal.fields.get("until_at")
    if not isinstance(at, datetime):
        return []
    return [(b"retry-after", str(max(1, math.ceil((at - clock.now()).total_seconds()))).encode())]


def _of_http(error: HTTPException) -> tuple[Refusal, list[Header]]:
    if isinstance(error, NotFoundException):
        return NoSuchPath(), []
    if isinstance(error, MethodNotAllowedException):
        return MethodNotAllowed(), []
    if isinstance(error, ValidationException):
        return BadInput(problems=_problems_of(error.extra)), []
    if error.status_code == TooLarge.status:
        return TooLarge(), []
    if error.status_code >= OurFault.status:
        log.error("fault: %s", error, exc_info=error)
        return OurFault(), []
    return Unreadable(), []


def problem(refusal: Refusal, language: str, *, headers: list[Header] | None = None) -> Answer[Any]:
    """A refusal as an answer."""
    body = problem_body(refusal, language)
    more = [(b"cache-control", b"no-store"), *(headers or [])]
    return Answer(msgspec.json.encode(body), status=refusal.status, media=PROBLEM, headers=more)


def problem_body(refusal: Refusal, language: str) -> dict[str, Any]:
    """The members of the problem object. A refusal's own fields never replace the standard ones."""
    fields = dict(refusal.fields)
    if isinstance(refusal, BadInput) and "problems" in fields:
        fields["problems"] = [_in_language(each, language) for each in fields["problems"]]
    return fields | {
        "type": f"/api/docs#{refusal.code}",
        "title": refusal.code.partition(".")[2].replace("-", " ") or refusal.code,
        "status": refusal.status,
        "detail": refusal.sentence(language),
        "code": refusal.code,
        "instance": f"urn:request:{request_id.get() or 'none'}",
    }


def _in_language(each: Any, language: str) -> Any:
    """`{"field", "zh", "en"}` as `{"field", "reason"}`; anything else as it is."""
    if isinstance(each, Mapping) and "zh" in each and "en" in each:
        rest = {key: value for key, value in each.items() if key not in ("zh", "en")}
        return rest | {"reason": each[language]}
    return each


def language_of(accept: str) -> str:
    """zh or en, whichever the header likes better; zh when it says nothing of either."""
    best, best_q = "zh", 0.0
    for part in accept.split(",")[:10]:
        tag, _, parameters = part.partition(";")
        language = tag.strip()[:2].lower()
        if language not in ("zh", "en"):
            continue
        match = re.search(r"q=([\d.]+)", parameters)
        try:
            q = float(match[1]) if match else 1.0
        except ValueError:
            q = 0.0
        if q > best_q:
            best, best_q = language, q
    return best


# --- bad input in plain words -------------------------------------------------------------------


def bad_body(error: msgspec.ValidationError) -> BadInput:
    """The refusal of a body that does not fit its struct."""
    text = str(error)
    reason, _, path = text.partition(" - at `")
    field = path.rstrip("`").removeprefix("$").removeprefix(".")
    return BadInput(problems=[_explained(field, reason)])


def _problems_of(extra: Any) -> list[dict[str, str]]:
    """From Litestar's list of `{key, message}`."""
    if not isinstance(extra, list):
        return []
    return [_explained(str(each.get("key", "")), str(each.get("message", ""))) for each in extra]


# What msgspec says, and what a person should read. The first pattern that fits wins.
_WORDS: list[tuple[re.Pattern[str], str, str]] = [
    (re.compile(pattern), zh, en)
    for pattern, zh, en in [
        (r"missing required field `(?P<field>[^`]+)`", "必须填写。", "This is required."),
        (r"Missing required \w+ parameter '(?P<field>[^']+)'", "必须填写。", "This is required."),
        (r"contains unknown field `(?P<field>[^`]+)`", "没有这个字段。", "There is no such field."),
        (r"of length >= 1$", "不能为空。", "This must not be empty."),
        (r"of length >= (?P<n>\d+)", "太短了,至少 {n} 个。", "Too short: at least {n}."),
        (r"of length <= (?P<n>\d+)", "太长了,最多 {n} 个。", "Too long: at most {n}."),
        (r"`(?:int|float)` >= (?P<n>-?[\d.]+)", "不能小于 {n}。", "Not less than {n}."),
        (r"`(?:int|float)` <= (?P<n>-?[\d.]+)", "不能大于 {n}。", "Not more than {n}."),
        (r"`(?:int|float)` > (?P<n>-?[\d.]+)", "要大于 {n}。", "More than {n}."),
        (r"`(?:int|float)` < (?P<n>-?[\d.]+)", "要小于 {n}。", "Less than {n}."),
        (r"matching regex", "格式不对。", "This is not in the right form."),
        (r"Invalid enum value '?(?P<n>[^']*)'?", "没有这个选项。", "This is not one of the choices."),
        (r"Invalid UUID", "编号的格式不对。", "This is not an id."),
        (r"Invalid RFC3339", "日期或时间的格式不对。", "This is not a date or time (RFC 3339)."),
        (r"Expected `int(?: \| null)?`", "要填整数。", "A whole number is needed."),
        (r"Expected `float(?: \| null)?`", "要填数字。", "A number is needed."),
        (r"Expected `bool(?: \| null)?`", "要填是或否(true/false)。", "True or false is needed."),
        (r"Expected `str(?: \| null)?`", "要填文字。", "A text is needed."),
        (r"Expected `array", "要填列表。", "A list is needed."),
        (r"Expected `object", "要填一组字段。", "A group of fields is needed."),
    ]
]


def _explained(field: str, reason: str) -> dict[str, str]:
    for pattern, zh, en in _WORDS:
        match = pattern.search(reason)
        if match is None:
            continue
        groups = match.groupdict()
        named = groups.pop("field", None)
        if named is not None:
            field = f"{field}.{named}" if field and field != "data" and field != named else named
        return {"field": field, "zh": zh.format(**groups), "en": en.format(**groups)}
    return {"field": field, "zh": "填写的内容不对。", "en": "This is not right."}
