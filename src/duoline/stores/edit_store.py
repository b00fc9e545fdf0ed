"""Changing a store: its facts, its week, the dates that differ."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID

import msgspec

from duoline.kernel import audit, clock, outbox
from duoline.kernel.text import Text
from duoline.stores import access, hours
from duoline.stores.errors import StoreChanged
from duoline.stores.hours import Span
from duoline.stores.types import Services, Share

if TYPE_CHECKING:
    from collections.abc import Sequence

    import asyncpg

    from duoline.kernel.auth import Actor
    from duoline.kernel.db import Tx


class StoreChange(msgspec.Struct, frozen=True, kw_only=True):
    """What to change; None leaves a thing as it is."""

    company_id: UUID | None = None
    region_id: UUID | None = None
    name: Text | None = None
    address: Text | None = None
    province: str | None = None
    city: str | None = None
    phone: str | None = None
    lat: float | None = None
    lon: float | None = None
    timezone: str | None = None
    week: list[list[Span]] | None = None
    services: Services | None = None
    share: Share | None = None
    pick_capacity_hour: int | None = None
    pickup_lead_min: int | None = None
    state: Literal["draft", "open", "closed"] | None = None


async def edit_store(
    tx: Tx, *, actor: Actor, store_id: UUID, change: StoreChange, version: int | None, reason: str
) -> None:
    """Change a store under the lock of its row.

    Refusals: `BadInput` for hours or a time zone that are none; `NotFound`; `StoreChanged` when `version` is given and
    is no longer the present one. A change that changes nothing leaves no trace.
    """
    if change.week is not None:
        hours.check_week(change.week)
    if change.timezone is not None:
        hours.check_timezone(change.timezone)
    row = await access.lock_store(tx, store_id)
    if version is not None and version != row["version"]:
        raise StoreChanged(version=row["version"])
    wanted = {name: value for name, value in _columns(change).items() if value != row[name]}
    if not wanted:
        return
    sets = ", ".join(f"{name} = ${n}" for n, name in enumerate(wanted, start=3))
    await tx.execute(
        f"UPDATE stores SET {sets}, version = version + 1, updated_at = $2 WHERE id = $1",  # noqa: S608 - our own names
        store_id,
        clock.now(),
        *wanted.values(),
    )
    await audit.record(
        tx,
        actor=actor,
        action="store.changed",
        subject_kind="store",
        subject=row["code"],
        store_id=store_id,
        reason=reason,
        before={name: row[name] for name in wanted},
        after=wanted,
    )
    await _tell(tx, row)


class DifferentHours(msgspec.Struct, frozen=True):
    """A date with hours of its own; no spans means closed."""

    on: date
    spans: list[Span]
    reason: Text


async def set_exceptions(
    tx: Tx, *, actor: Actor, store_id: UUID, wanted: Sequence[DifferentHours], reason: str
) -> None:
    """Make `wanted` the dates from today on that differ; what is past stays as it was. Locks the store's row.

    Refusals: `BadInput` for spans that are none; `NotFound`. Of two entries for one date the last counts.
    """
    for n, each in enumerate(wanted):
        hours.check_spans(each.spans, field_name=f"exceptions[{n}].spans")
    row = await access.lock_store(tx, store_id)
    first = clock.trading_day(clock.now(), row["timezone"])
    before = await tx.fetch(
        "SELECT on_date, spans, reason_zh, reason_en FROM store_hour_exceptions"
        " WHERE store_id = $1 AND on_date >= $2 ORDER BY on_date",
        store_id,
        first,
    )
    await tx.execute("DELETE FROM store_hour_exceptions WHERE store_id = $1 AND on_date >= $2", store_id, first)
    after = {each.on: each for each in wanted if each.on >= first}
    await tx.executemany(
        "INSERT INTO store_hour_exceptions (store_id, on_date, spans, reason_zh, reason_en)"
        " VALUES ($1, $2, $3, $4, $5)",
        [(store_id, e.on, hours.stored(e.spans), e.reason.zh, e.reason.en) for e in after.values()],
    )
    await tx.execute("UPDATE stores SET version = version + 1, updated_at = $2 WHERE id = $1", store_id, clock.now())
    await audit.record(
        tx,
        actor=actor,
        action="store.exceptions-set",
        subject_kind="store",
        subject=row["code"],
        store_id=store_id,
        reason=reason,
        before=[dict(each) for each in before],
        after=list(after.values()),
    )
    await _tell(tx, row)


def _columns(change: StoreChange) -> dict[str, Any]:
    """The columns that a change gives values for."""
    found: dict[str, Any] = {}
    for name in change.__struct_fields__:
        value = getattr(change, name)
        if value is None:
            continue
        if isinstance(value, Text):
            found |= {f"{name}_zh": value.zh, f"{name}_en": value.en}
        elif isinstance(value, Services):
            found |= msgspec.structs.asdict(value)
        elif isinstance(value, Share):
            found |= {f"share_{part}": each for part, each in msgspec.structs.asdict(value).items()}
        elif name == "week":
            found["hours"] = [hours.stored(day) for day in value]
        else:
            found[name] = value
    return found


async def _tell(tx: Tx, row: asyncpg.Record) -> None:
    await outbox.emit(
        tx,
        topic="stores.store-changed",
        key=row["code"],
        payload={"store_code": row["code"]},
        store_ids=[row["id"]],
    )
