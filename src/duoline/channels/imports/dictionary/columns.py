"""What a column of an import file is, what types there are, and what a kind of file is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

KindName = Literal["stores", "products", "prices", "stock", "members", "orders", "signups"]
Type = Literal[
    "code",
    "text",
    "whole",
    "money",
    "degrees",
    "flag",
    "choice",
    "instant",
    "day",
    "phone",
    "hours",
    "hour_exceptions",
    "pairs",
    "named",
    "gtins",
    "timezone",
    "currency",
]

TYPES: dict[Type, tuple[str, str]] = {
    "code": (
        "编码,1–40 个字母、数字、点、横线、下划线",
        "a code of 1 to 40 letters, digits, dots, hyphens, underscores",
    ),
    "text": ("文字", "text"),
    "whole": ("整数", "a whole number"),
    "money": (
        "金额,元,最多两位小数(随币种)",
        "an amount in main units (yuan), with no more decimals than the currency has",
    ),
    "degrees": ("十进制度数", "decimal degrees"),
    "flag": ("是/否、true/false、1/0", "true/false, yes/no, 1/0, 是/否"),
    "choice": ("列出的值之一", "one of the listed values"),
    "instant": (
        "日期时间,如 2026-11-01 09:30;不写时区时按上海时间",
        "a date with time, such as 2026-11-01 09:30; Shanghai time unless a zone is written",
    ),
    "day": ("日期,如 2026-11-01", "a date, such as 2026-11-01"),
    "phone": ("手机号,可带 +86", "a mobile number, with or without +86"),
    "hours": ("营业时间", "opening hours"),
    "hour_exceptions": ("特殊营业日", "days with other opening hours"),
    "pairs": (
        "名称=值,用分号分开;中英文用竖线分开",
        "name=value, separated by semicolons; Chinese and English separated by |",
    ),
    "named": ("中文|英文,英文可省略", "Chinese|English; the English part may be left out"),
    "gtins": (
        "条码(8、12、13 或 14 位),多个用空格或分号分开",
        "barcodes of 8, 12, 13 or 14 digits, separated by spaces or semicolons",
    ),
    "timezone": ("时区名,如 Asia/Shanghai", "a zone name such as Asia/Shanghai"),
    "currency": ("三位币种代码", "a currency code of three letters"),
}


@dataclass(frozen=True, kw_only=True)
class Column:
    """One column. `low` and `high` bound a number, or the length of a text; both ends are allowed."""

    name: str
    type: Type
    zh: str
    en: str
    example: str
    required: bool = False
    rule_zh: str = ""
    rule: str = ""
    choices: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One kind of file. `key` names the columns by which a row is recognised the next time."""

    name: KindName
    zh: str
    en: str
    key: tuple[str, ...]
    note_zh: str
    note: str
    columns: tuple[Column, ...]
    together: str = ""
    """Rows with the same value here stand and fall together."""

    @property
    def by_name(self) -> dict[str, Column]:
        """The columns by name."""
        return {column.name: column for column in self.columns}


def code(
    name: str, zh: str, en: str, example: str, *, required: bool = False, rule_zh: str = "", rule: str = ""
) -> Column:
    """A column of codes."""
    return Column(name=name, type="code", zh=zh, en=en, example=example, required=required, rule_zh=rule_zh, rule=rule)


def text(
    name: str,
    zh: str,
    en: str,
    example: str,
    *,
    required: bool = False,
    high: int = 200,
    rule_zh: str = "",
    rule: str = "",
) -> Column:
    """A column of texts, of at most `high` characters."""
    return Column(
        name=name, type="text", zh=zh, en=en, example=example, required=required, high=high, rule_zh=rule_zh, rule=rule
    )


def flag(name: str, zh: str, en: str, example: str, rule_zh: str, rule: str) -> Column:
    """A column of yes and no."""
    return Column(name=name, type="flag", zh=zh, en=en, example=example, rule_zh=rule_zh, rule=rule)
