"""Read one cell: pure functions from a value as a file gives it to a value as we store it. They raise `Bad`.

A cell of a CSV file is a text; XLSX and Parquet also give numbers, booleans and dates, which are taken as they are
where that is exact. A floating-point number stands for the decimal number it prints as.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo, available_timezones

from duoline.catalog.errors import BadGtin
from duoline.catalog.rules import CODE, normal_gtin
from duoline.channels.imports.problems import Bad
from duoline.kernel.money import CURRENCY, exponent_of
from duoline.members.errors import BadPhone
from duoline.members.phones import normalise
from duoline.stores.types import CHAIN_ZONE

if TYPE_CHECKING:
    from duoline.channels.imports.dictionary import Column


Read = Callable[[Any], Any]

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_WHOLE = re.compile(r"[+-]?[0-9]{1,18}(?:\.0{1,6})?")
_AMOUNT = re.compile(r"[+-]?[0-9]{1,15}(?:\.[0-9]{1,6})?")
_DEGREES = re.compile(r"[+-]?[0-9]{1,3}(?:\.[0-9]{1,12})?")
_PAIR = re.compile(r"[;;\n]")
_TRUE = frozenset({"true", "yes", "y", "1", "是", "有", "t"})
_FALSE = frozenset({"false", "no", "n", "0", "否", "无", ""})


def text(value: Any) -> str:
    """A cell as trimmed text; line breaks stay."""
    if type(value) is str:
        found = value.strip()
        if found.isprintable():  # the common case, and quicker than the search below
            return found
    elif isinstance(value, bool):
        found = "true" if value else "false"
    elif isinstance(value, float):
        found = _plain(value)
    elif isinstance(value, datetime):
        found = value.isoformat(" ")
    else:
        found = str(value).strip()
    if _CONTROL.search(found):
        raise Bad("control")
    return found


def empty(value: Any) -> bool:
    """Whether a cell says nothing. NaN is how data frames write an empty cell of a number column."""
    if type(value) is str:
        return not value or value.isspace()
    return value is None or value != value


def _plain(value: float) -> str:
    """A floating-point number as the decimal number it prints as, without an exponent."""
    if not math.isfinite(value):
        raise Bad("not-a-number")
    if value.is_integer():
        return str(int(value))
    return format(Decimal(repr(value)), "")


CELLS_REMEMBERED = 2048
LONG_CHARACTERS = 100
# Equal values of these types read the same; two equal decimals or dates may not.
_REMEMBERED_TYPES = frozenset({str, int, float, bool})
_REPEATING = frozenset({"code", "whole", "money", "choice", "flag", "hours", "timezone", "currency"})


def remembered(read: Read) -> Read:
    """The same function with a memory: most columns of a long file say the same few things again and again.

    Bounded in number and length, so that memory does not grow with the file. A value that is `Bad` is read anew.
    """
    known = lru_cache(maxsize=CELLS_REMEMBERED, typed=True)(read)

    def recall(value: Any) -> Any:
        kind = type(value)
        if kind in _REMEMBERED_TYPES and (kind is not str or len(value) <= LONG_CHARACTERS):
            return known(value)
        return read(value)

    return recall


def reader(column: Column, *, zone: str = CHAIN_ZONE) -> Read:
    """The function that reads a non-empty cell of this column."""
    read = _reader(column, zone)
    return remembered(read) if column.type in _REPEATING else read


def _reader(column: Column, zone: str) -> Read:
    if column.type in ("whole", "degrees"):
        return _bounded(_whole if column.type == "whole" else _degrees, column.low, column.high)
    if column.type == "choice":
        return _choice(column.choices)
    if column.type == "text":
        return _limited(text, int(column.high or 200))
    if column.type == "named":
        return _limited(named, int(column.high or 200))
    if column.type == "instant":
        return _instant_in(zone)
    return _READERS[column.type]


def _code(value: Any) -> str:
    found = value.strip() if type(value) is str else text(value)
    if CODE.fullmatch(found) is None:
        raise Bad("code")
    return found


def _whole(value: Any) -> int:
    if type(value) is int:
        return value
    if type(value) is str and len(value) <= 18 and value.isascii() and value.isdigit():
        return int(value)
    found = text(value)
    if _WHOLE.fullmatch(found) is None:
        raise Bad("whole")
    return int(found.partition(".")[0])


def _degrees(value: Any) -> float:
    found = text(value)
    if _DEGREES.fullmatch(found) is None:
        raise Bad("not-a-number")
    return float(found)


def _bounded(read: Callable[[Any], float], low: float | None, high: float | None) -> Read:
    def bounded(value: Any) -> float:
        number = read(value)
        if (low is not None and number < low) or (high is not None and number > high):
            raise Bad("range", low=low, high=high)
        return number

    return bounded


def _limited(read: Callable[[Any], str], high: int) -> Read:
    def limited(value: Any) -> str:
        found = read(value)
        if len(found) > high:
            raise Bad("too-long", high=high)
        return found

    return limited


def _choice(choices: tuple[str, ...]) -> Read:
    known = frozenset(choices)

    def choose(value: Any) -> str:
        found = text(value).lower()
        if found not in known:
            raise Bad("choice", choices=", ".join(choices))
        return found

    return choose


def flag(value: Any) -> bool:
    """Yes or no."""
    if isinstance(value, bool):
        return value
    found = text(value).lower()
    if found in _TRUE:
        return True
    if found in _FALSE:
        return False
    raise Bad("flag")


def amount(value: Any) -> Decimal:
    """An amount in main units, as written; a sign of the yuan and commas between thousands are allowed."""
    found = text(value).removeprefix("¥").removeprefix("¥").strip()
    if "," in found and re.fullmatch(r"[+-]?[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]+)?", found):
        found = found.replace(",", "")
    if _AMOUNT.fullmatch(found) is None:
        raise Bad("not-a-number")
    try:
        return Decimal(found)
    except InvalidOperation as error:  # pragma: no cover - the expression above lets no such text through
        raise Bad("not-a-number") from error


def minor(value: Decimal, currency: str) -> int:
    """An amount in minor units of its currency. Never rounds: an amount with too many decimals is refused."""
    decimals = exponent_of(currency)
    scaled = value.scaleb(decimals)
    if scaled != scaled.to_integral_value():
        raise Bad("decimals", decimals=decimals)
    return int(scaled)


def _currency(value: Any) -> str:
    found = text(value).upper()
    if found != CURRENCY:
        raise Bad("currency")
    return found


@lru_cache(maxsize=1)
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def _timezone(value: Any) -> str:
    found = text(value)
    if found not in _zones():
        raise Bad("timezone")
    return found


def _instant_in(zone: str) -> Read:
    at_home = ZoneInfo(zone)

    def instant(value: Any) -> datetime:
        found = value if isinstance(value, datetime) else _parse_instant(value)
        aware = found if found.tzinfo is not None else found.replace(tzinfo=at_home)
        if not 1970 <= aware.year <= 2200:
            raise Bad("instant")
        return aware.astimezone(UTC)

    return instant


def _parse_instant(value: Any) -> datetime:
    if isinstance(value, date):
        return datetime.combine(value, time())
    found = text(value).replace("/", "-")
    try:
        return datetime.fromisoformat(found)
    except ValueError:
        raise Bad("instant") from None


def _day(value: Any) -> date:
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(text(value).replace("/", "-"))
    except ValueError:
        raise Bad("day") from None


def phone(value: Any) -> str:
    """A number in E.164 form; mainland numbers may come without country code."""
    try:
        return normalise(text(value))
    except BadPhone:
        raise Bad("phone") from None


def named(value: Any) -> str:
    """A name in both languages as `zh|en`, tidied; the English part is left out when it is not given."""
    return _named(text(value))


# Names of options and attributes repeat over thousands of rows.
@lru_cache(maxsize=4096)
def _named(said: str) -> str:
    zh, _, en = said.replace("|", "|").partition("|")
    zh, en = zh.strip(), en.strip()
    if not zh and not en:
        raise Bad("required")
    return f"{zh or en}|{en}" if en and en != zh else zh


def split_named(value: str) -> tuple[str, str]:
    """The two languages of a tidied name; one stands in for the other."""
    zh, _, en = value.partition("|")
    return zh, en or zh


def pairs(value: Any) -> str:
    """Attributes as the JSON text that products keep."""
    return _pairs(text(value))


@lru_cache(maxsize=4096)
def _pairs(said: str) -> str:
    found: list[dict[str, dict[str, str]]] = []
    for part in filter(str.strip, _PAIR.split(said)):
        name, equals, value = part.replace("=", "=").partition("=")
        if not equals or not name.strip() or not value.strip():
            raise Bad("pair", part=part.strip())
        name_zh, name_en = split_named(named(name))
        value_zh, value_en = split_named(named(value))
        found.append({"name": {"zh": name_zh, "en": name_en}, "value": {"zh": value_zh, "en": value_en}})
    return json.dumps(found, ensure_ascii=False)


def gtins(value: Any) -> list[str]:
    """Barcodes as stored, 14 digits, each once."""
    found: list[str] = []
    for part in filter(None, re.split(r"[\s;;,,、|]+", text(value))):
        try:
            gtin = normal_gtin(part)
        except BadGtin as bad:
            raise Bad("gtin", gtin=part, why_zh=bad.fields["reason_zh"], why_en=bad.fields["reason_en"]) from None
        if gtin not in found:
            found.append(gtin)
    return found


_DAYS = {
    "mon": 0, "tue": 1, "wed": 2, "thu": 3, "fri": 4, "sat": 5, "sun": 6,
    "周一": 0, "周二": 1, "周三": 2, "周四": 3, "周五": 4, "周六": 5, "周日": 6, "周天": 6,
}  # fmt: skip
_SPAN = re.compile(r"([0-2]?[0-9]):([0-5][0-9])[-–—~至]([0-2]?[0-9]):([0-5][0-9])")
_CLOSED = frozenset({"closed", "休", "休息", "不营业"})


def hours(value: Any) -> str:
    """Opening hours of a week as the JSON text that stores keep: seven lists of spans, Monday first."""
    week: list[list[list[str]]] = [[] for _ in range(7)]
    for part in filter(None, (part.strip() for part in re.split(r"[;;\n]", text(value)))):
        head, _, tail = part.partition(" ")
        days, said = (_week_days(head, part), tail) if head[:1].isalpha() and tail else (range(7), part)
        for day in days:
            week[day] = spans(said.strip(), part)
    return json.dumps(week)


def _week_days(head: str, part: str) -> list[int]:
    days: list[int] = []
    for piece in re.split(r"[,,、]", head.lower()):
        first, _, last = piece.replace("至", "-").partition("-")
        if first not in _DAYS or (last and last not in _DAYS):
            raise Bad("hours", part=part)
        a, b = _DAYS[first], _DAYS[last or first]
        days += range(a, b + 1) if a <= b else [*range(a, 7), *range(b + 1)]
    return days


def spans(said: str, part: str) -> list[list[str]]:
    """Spans of one day, in order and apart: `09:00-12:00+14:00-20:00`, or closed."""
    if said.lower() in _CLOSED:
        return []
    found: list[list[str]] = []
    for piece in said.replace(" ", "").split("+"):
        match = _SPAN.fullmatch(piece)
        if match is None:
            raise Bad("hours", part=part)
        opens, closes = f"{int(match[1]):02d}:{match[2]}", f"{int(match[3]):02d}:{match[4]}"
        if opens >= closes or closes > "24:00" or (found and found[-1][1] > opens):
            raise Bad("hours", part=part)
        found.append([opens, closes])
    return found


_EXCEPTION = re.compile(r"([0-9]{4}[-/][0-9]{1,2}[-/][0-9]{1,2})\s+(\S+)\s*(.*)")


def hour_exceptions(value: Any) -> str:
    """Days with other hours as JSON text: a list of day, spans, reason in Chinese and English."""
    found = []
    for part in filter(None, (part.strip() for part in re.split(r"[;;\n]", text(value)))):
        match = _EXCEPTION.fullmatch(part)
        if match is None:
            raise Bad("hours", part=part)
        zh, en = split_named(named(match[3])) if match[3] else ("", "")
        found.append([_day(match[1]).isoformat(), spans(match[2], part), zh, en])
    return json.dumps(found, ensure_ascii=False)


_READERS: dict[str, Read] = {
    "code": _code,
    "money": amount,
    "flag": flag,
    "day": _day,
    "phone": phone,
    "hours": hours,
    "hour_exceptions": hour_exceptions,
    "pairs": pairs,
    "gtins": gtins,
    "timezone": _timezone,
    "currency": _currency,
}
