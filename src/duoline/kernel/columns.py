"""Short forms for declaring tables: typed columns and constraints that always have a name."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    Double,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Text,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TIMESTAMP, UUID


def _column(name: str, kind: Any, *, null: bool, default: str | None = None) -> Column[Any]:
    return Column(name, kind, nullable=null, server_default=default)


def uid(name: str, *, null: bool = False) -> Column[Any]:
    """A UUID."""
    return _column(name, UUID(as_uuid=True), null=null)


def text(name: str, *, null: bool = False, default: str | None = None) -> Column[Any]:
    """A text without a length."""
    return _column(name, Text, null=null, default=default)


def integer(name: str, *, null: bool = False, default: str | None = None) -> Column[Any]:
    """A 32-bit whole number: units, counts."""
    return _column(name, Integer, null=null, default=default)


def big(name: str, *, null: bool = False, default: str | None = None) -> Column[Any]:
    """A 64-bit whole number: money in minor units."""
    return _column(name, BigInteger, null=null, default=default)


def flag(name: str, *, default: str = "false") -> Column[Any]:
    """A boolean."""
    return _column(name, Boolean, null=False, default=default)


def real(name: str, *, null: bool = False) -> Column[Any]:
    """A double: coordinates only, never money."""
    return _column(name, Double, null=null)


def at(name: str, *, null: bool = False) -> Column[Any]:
    """An instant with zone."""
    return _column(name, TIMESTAMP(timezone=True), null=null)


def on(name: str, *, null: bool = False) -> Column[Any]:
    """A calendar day."""
    return _column(name, Date, null=null)


def blob(name: str, *, null: bool = False) -> Column[Any]:
    """Bytes."""
    return _column(name, LargeBinary, null=null)


def doc(name: str, *, null: bool = False, default: str | None = None) -> Column[Any]:
    """A JSON document."""
    return _column(name, JSONB, null=null, default=default)


def uids(name: str, *, null: bool = False, default: str | None = None) -> Column[Any]:
    """A list of UUIDs."""
    return _column(name, ARRAY(UUID(as_uuid=True)), null=null, default=default)


def texts(name: str, *, null: bool = False, default: str | None = None) -> Column[Any]:
    """A list of texts."""
    return _column(name, ARRAY(Text), null=null, default=default)


def pk(table: str, *columns: str) -> PrimaryKeyConstraint:
    """The primary key."""
    return PrimaryKeyConstraint(*columns, name=f"{table}_pk")


def unique(name: str, *columns: str) -> UniqueConstraint:
    """A unique key."""
    return UniqueConstraint(*columns, name=name)


def check(name: str, condition: str) -> CheckConstraint:
    """A condition every row meets."""
    return CheckConstraint(condition, name=name)


def fk(name: str, columns: list[str], target: str, target_columns: list[str]) -> ForeignKeyConstraint:
    """A reference to another table."""
    return ForeignKeyConstraint(columns, [f"{target}.{c}" for c in target_columns], name=name)


def index(name: str, *columns: Any, **options: Any) -> Index:
    """An index."""
    return Index(name, *columns, **options)
