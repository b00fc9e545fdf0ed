"""Logs: one line an event, with the request they belong to, and without what nobody may read there.

`human` lines are for a terminal, `json` lines for a collector. Fields go in `extra={"order_no": …}`.
Phone numbers are shortened and secrets are cut out of every line, whoever wrote it, because one careless
log call is enough to leak them.
"""

from __future__ import annotations

import json
import logging
import re
import sys
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

request_id: ContextVar[str | None] = ContextVar("request_id", default=None)

_STANDARD = frozenset(vars(logging.LogRecord("", 0, "", 0, "", None, None))) | {"message", "asctime", "taskName"}
_SECRET_FIELDS = re.compile(r"password|secret|token|authorization|cookie|api_key", re.IGNORECASE)
_SECRETS = re.compile(
    r"(?P<keep>\b(?:password|secret|token|authorization|api_key)[\"']?\s*[=:]\s*[\"']?(?:Bearer\s+)?|\bBearer\s+)"
    r"(?P<cut>[^\s\"',;&]{4,})"
    r"|(?P<scheme>://[^\s:/@]*:)(?P<password>[^\s@/]+)@",
    re.IGNORECASE,
)
# A mainland mobile number, bare or with the country code, not part of a longer number such as a barcode.
_PHONE = re.compile(r"(?<![\w-])((?:\+?86[- ]?)?1[3-9]\d)[- ]?\d{4}[- ]?(\d{4})(?![\w-])")


def masked(text: str) -> str:
    """The text with phone numbers shortened to 138****1234 and secrets cut out."""
    return _PHONE.sub(r"\1****\2", _SECRETS.sub(_cut, text))


def _cut(match: re.Match[str]) -> str:
    if match["scheme"]:
        return f"{match['scheme']}***@"
    return f"{match['keep']}***"


class JsonLines(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as JSON."""
        line: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "from": record.name,
            "message": masked(record.getMessage()),
        }
        if (request := request_id.get()) is not None:
            line["request_id"] = request
        line |= _fields(record)
        if record.exc_info:
            line["error"] = masked(self.formatException(record.exc_info))
        return json.dumps(line, ensure_ascii=False, default=str)


class HumanLines(logging.Formatter):
    """One readable line, in local time."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as a person reads it."""
        at = datetime.fromtimestamp(record.created, UTC).astimezone()
        request = request_id.get()
        fields = "".join(f" {name}={value}" for name, value in _fields(record).items())
        line = f"{at:%H:%M:%S} {record.levelname:<7} {masked(record.getMessage())}{fields}"
        if request is not None:
            line += f" [{request}]"
        if record.exc_info:
            line += "\n" + masked(self.formatException(record.exc_info))
        return line


def _fields(record: logging.LogRecord) -> dict[str, Any]:
    return {
        name: "***" if _SECRET_FIELDS.search(name) else masked(value) if isinstance(value, str) else value
        for name, value in vars(record).items()
        if name not in _STANDARD and not name.startswith("_")
    }


def set_up(log_format: str, level: str) -> None:
    """Send every log of this process to standard error in the given format. Safe to repeat."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines() if log_format == "json" else HumanLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    # These tell their own story at INFO: one line a request or job that ours already tell.
    for chatty in ("httpx", "httpcore", "pgqueuer", "alembic", "asyncio", "_granian", "granian"):
        logging.getLogger(chatty).setLevel(max(logging.WARNING, root.level))
