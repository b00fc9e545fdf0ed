"""A mapping says where our columns come from when a file calls them otherwise. JSON or TOML, checked before use.

kind = "products"
encoding = "gb18030"
[columns]
sku_code = "货号"
name_zh = { template = "{品牌} {品名}" }
price = { column = "售价(分)", scale = "0.01" }
sku_state = { column = "状态", values = { "在售" = "active" }, otherwise = "withdrawn" }
placed_at = { column = "日期", format = "%d.%m.%Y %H:%M" }
unit = { constant = "piece" }
"""

from __future__ import annotations

import difflib
import json
import re
import string
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from duoline.channels.imports.dictionary import KINDS
from duoline.channels.imports.errors import BadMapping
from duoline.channels.imports.problems import Bad
from duoline.channels.imports.stage import CREATABLE
from duoline.channels.imports.values import empty, remembered, text
from duoline.stores.types import CHAIN_ZONE

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from duoline.channels.imports.dictionary import Kind

MAPPING_BYTES_MAX = 1_000_000

# What a column may say, and what each takes.
SPEC_KEYS = {
    "column": str,
    "template": str,
    "constant": (str, int, float, bool),
    "default": (str, int, float, bool),
    "values": dict,
    "otherwise": (str, int, float, bool),
    "format": str,
    "scale": (str, int, float),
    "decimals": int,
    "slug": bool,
}
TOP_KEYS = {
    "kind": str,
    "encoding": str,
    "delimiter": str,
    "sheet": str,
    "timezone": str,
    "create": list,
    "columns": dict,
}

Convert = Callable[[Mapping[str, Any]], Any]


@dataclass(frozen=True)
class ColumnMap:
    """Where the columns of a file go. Without a mapping file only the names, Chinese or English titles count."""

    targets: Mapping[str, Convert]
    needs: frozenset[str]
    """Columns that the file must have."""
    encoding: str | None = None
    delimiter: str | None = None
    sheet: str | None = None
    zone: str = CHAIN_ZONE
    create: frozenset[str] = CREATABLE
    renamed: Mapping[str, str] = field(default_factory=dict)

    def apply(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """A row by our names. A value that cannot be converted becomes the `Bad` that says why."""
        found: dict[str, Any] = {}
        for name, convert in self.targets.items():
            try:
                found[name] = convert(row)
            except Bad as bad:
                found[name] = bad
        return found


def by_titles(kind: Kind, headers: Collection[str]) -> ColumnMap:
    """The map of a file that uses our own columns, by name or title, in any case."""
    known = {word.casefold(): column.name for column in kind.columns for word in (column.name, column.zh, column.en)}
    targets: dict[str, Convert] = {}
    renamed: dict[str, str] = {}
    for header in headers:
        name = known.get(header.strip().casefold())
        if name is not None and name not in targets:
            targets[name] = _cell(header)
            renamed[name] = header
    return ColumnMap(targets, frozenset(), renamed=renamed)


def read(path: Path) -> Any:
    """The plain values of a mapping file. Refuses with `BadMapping`."""
    if path.stat().st_size > MAPPING_BYTES_MAX:
        raise _refusal([("", "文件过大", "the file is too large")])
    return parse(path.read_bytes())


def parse(data: bytes) -> Any:
    """The plain values of a mapping, TOML or JSON. Refuses with `BadMapping`."""
    try:
        content = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise _refusal([("", "不是 UTF-8 文本", "it is not UTF-8 text")]) from None
    try:
        return json.loads(content) if content.lstrip().startswith("{") else tomllib.loads(content)
    except (json.JSONDecodeError, tomllib.TOMLDecodeError) as error:
        raise _refusal([("", f"语法错误({error})", f"it cannot be parsed ({error})")]) from error


Fault = tuple[str, str, str]
"""Where in the mapping, and why in Chinese and English."""


def make(kind: Kind, content: Any, headers: Collection[str] | None = None) -> ColumnMap:
    """The map that a mapping file describes. Refuses with `BadMapping`, naming everything that is wrong.

    With `headers`, columns that the file does not have are wrong too.
    """
    if not isinstance(content, dict):
        raise _refusal([("", "应为一个表", "it must be a table of settings")])
    faults = _key_faults("", content, TOP_KEYS)
    if content.get("kind", kind.name) != kind.name:
        faults.append(("kind", f"这是 {content['kind']} 的对应文件", f"it is a mapping of {content['kind']}"))
    create = content.get("create", sorted(CREATABLE))
    if isinstance(create, list) and (strange := [str(word) for word in create if word not in CREATABLE]):
        allowed = ", ".join(sorted(CREATABLE))
        faults.append(("create", f"只能是 {allowed}", f"{', '.join(strange)}: it takes {allowed}"))
    targets: dict[str, Convert] = {}
    needs: set[str] = set()
    columns = content.get("columns")
    for name, given in columns.items() if isinstance(columns, dict) else ():
        spec = {"column": given} if isinstance(given, str) else given
        found = _spec_faults(kind, name, spec)
        faults += found
        if not found:
            targets[name] = _compiled(spec)
            needs |= _sources(spec)
    if not columns:
        faults.append(("columns", "没有写任何列", "it maps no column"))
    if headers is not None:
        faults += [_absent(name, headers) for name in sorted(needs - set(headers))]
    if faults:
        raise _refusal(faults)
    return ColumnMap(
        targets,
        frozenset(needs),
        encoding=content.get("encoding"),
        delimiter=content.get("delimiter"),
        sheet=content.get("sheet"),
        zone=content.get("timezone", CHAIN_ZONE),
        create=frozenset(create),
        renamed={name: ", ".join(sorted(_sources(_as_spec(given)))) for name, given in content["columns"].items()},
    )


def _as_spec(given: Any) -> dict[str, Any]:
    return {"column": given} if isinstance(given, str) else given


def _refusal(faults: list[Fault]) -> BadMapping:
    return BadMapping(
        problems=[{"field": where, "zh": zh, "en": en} for where, zh, en in faults],
        first_zh=f"{faults[0][0]} {faults[0][1]}".strip(),
        first_en=f"{faults[0][0]} {faults[0][2]}".strip(),
    )


def _key_faults(where: str, given: dict[str, Any], allowed: Mapping[str, Any]) -> list[Fault]:
    faults: list[Fault] = []
    for key, value in given.items():
        place = f"{where}.{key}" if where else key
        if key not in allowed:
            words = ", ".join(allowed)
            faults.append((place, f"没有这一项,可用:{words}", f"is no setting; there are {words}"))
        elif not isinstance(value, allowed[key]):
            faults.append((place, "值的类型不对", "has a value of the wrong type"))
    return faults


def _spec_faults(kind: Kind, name: str, spec: Any) -> list[Fault]:
    where = f"columns.{name}"
    if name not in kind.by_name:
        near = difflib.get_close_matches(name, list(kind.by_name), n=1)
        hint_zh, hint_en = (f",是否指 {near[0]}?", f"; did you mean {near[0]}?") if near else ("", "")
        return [(where, f"{kind.zh}没有这一列{hint_zh}", f"is no column of {kind.name}{hint_en}")]
    if not isinstance(spec, dict):
        return [(where, "应为列名或一个表", "must be the name of a column, or a table")]
    faults = _key_faults(where, spec, SPEC_KEYS)
    if faults:
        return faults
    if len([key for key in ("column", "template", "constant") if key in spec]) != 1:
        return [(where, "须写 column、template、constant 之一", "takes exactly one of column, template and constant")]
    if "scale" in spec and _decimal(spec["scale"]) is None:
        faults.append((f"{where}.scale", "应为数字", "must be a number"))
    if "decimals" in spec and not 0 <= spec["decimals"] <= 6:
        faults.append((f"{where}.decimals", "应在 0 与 6 之间", "must lie between 0 and 6"))
    if "template" in spec:
        try:
            list(string.Formatter().parse(spec["template"]))
        except ValueError as error:
            faults.append((f"{where}.template", f"花括号不成对({error})", f"has braces that do not match ({error})"))
    return faults


def _decimal(value: Any) -> Decimal | None:
    try:
        found = Decimal(str(value))
    except InvalidOperation:
        return None
    return found if found.is_finite() else None


def _sources(spec: dict[str, Any]) -> set[str]:
    """The columns of the file that a spec reads."""
    if "column" in spec:
        return {spec["column"]}
    if "template" in spec:
        return {name for _, name, _, _ in string.Formatter().parse(spec["template"]) if name}
    return set()


def _absent(name: str, headers: Collection[str]) -> Fault:
    near = difflib.get_close_matches(name, list(headers), n=1)
    hint_zh, hint_en = (f",是否指“{near[0]}”?", f"; did you mean {near[0]}?") if near else ("", "")
    return ("columns", f"文件没有“{name}”这一列{hint_zh}", f"the file has no column {name}{hint_en}")


# --- conversions: each takes a row or a value and gives a value ------------------------------------


def _compiled(spec: dict[str, Any]) -> Convert:
    """The steps of a spec as one function, in the order: source, default, format, values, scale, decimals, slug."""
    source = _source(spec)
    steps = [step for key, make_step in _STEPS.items() if key in spec and (step := make_step(spec)) is not None]
    default = spec.get("default")
    if not steps and default is None:
        return source

    def settle(value: Any) -> Any:
        for step in steps:
            value = step(value)
        return value

    settled = remembered(settle)

    def convert(row: Mapping[str, Any]) -> Any:
        value = source(row)
        if empty(value):
            if default is None:
                return None
            value = default
        return settled(value)

    return convert


def _cell(name: str) -> Convert:
    return lambda row: row.get(name)


def _source(spec: dict[str, Any]) -> Convert:
    if "column" in spec:
        return _cell(spec["column"])
    if "constant" in spec:
        constant = spec["constant"]
        return lambda _: constant
    parts = [(literal, name) for literal, name, _, _ in string.Formatter().parse(spec["template"])]

    def fill(row: Mapping[str, Any]) -> str:
        said = "".join(
            literal + ("" if not name or empty(row.get(name)) else text(row[name])) for literal, name in parts
        )
        return (re.sub(r" {2,}", " ", said) if "  " in said else said).strip()

    return fill


def _format(spec: dict[str, Any]) -> Callable[[Any], Any]:
    pattern = spec["format"]

    def read_instant(value: Any) -> Any:
        if isinstance(value, datetime):
            return value
        try:
            return datetime.strptime(text(value), pattern)  # noqa: DTZ007 - the zone is put on by the check
        except ValueError:
            raise Bad("mapping", why=f"{text(value)} ≠ {pattern}") from None

    return read_instant


def _values(spec: dict[str, Any]) -> Callable[[Any], Any]:
    table, otherwise = spec["values"], spec.get("otherwise")

    def look_up(value: Any) -> Any:
        said = text(value)
        if said in table:
            return table[said]
        return value if otherwise is None else otherwise

    return look_up


def _scale(spec: dict[str, Any]) -> Callable[[Any], Any]:
    factor = _decimal(spec["scale"]) or Decimal(1)

    def multiply(value: Any) -> str:
        number = _decimal(text(value))
        if number is None:
            raise Bad("mapping", why=f"{text(value)} × {factor}")
        return format(number * factor, "f")

    return multiply


def _decimals(spec: dict[str, Any]) -> Callable[[Any], Any]:
    step = Decimal(1).scaleb(-spec["decimals"])

    def settle(value: Any) -> str:
        number = _decimal(text(value))
        if number is None:
            raise Bad("mapping", why=text(value))
        return format(number.quantize(step, rounding=ROUND_HALF_UP), "f")

    return settle


def _slug(spec: dict[str, Any]) -> Callable[[Any], Any] | None:
    """A code made of a name: letters, digits and hyphens."""
    if not spec["slug"]:
        return None
    return lambda value: re.sub(r"[^A-Za-z0-9]+", "-", text(value)).strip("-").lower()[:40].rstrip("-")


_STEPS: dict[str, Callable[[dict[str, Any]], Callable[[Any], Any] | None]] = {
    "format": _format,
    "values": _values,
    "scale": _scale,
    "decimals": _decimals,
    "slug": _slug,
}


def of_kind(name: str, content: Any, headers: Collection[str] | None = None) -> ColumnMap:
    """As `make`, by the kind's name."""
    return make(KINDS[name], content, headers)
