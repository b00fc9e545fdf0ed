"""Add, change and withdraw pre-sales. Each locks the counter first, as booking does: whoever books at that moment is
before the change or after it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import asyncpg
import msgspec

from duoline import catalog
from duoline.kernel import audit, clock, outbox
from duoline.kernel.errors import BadInput
from duoline.pricing import announce
from duoline.pricing.presales.count import lock_counter
from duoline.pricing.presales.errors import PresaleChanged, PresaleOver, PresaleOverlap
from duoline.pricing.presales.read import find
from duoline.pricing.presales.types import Presale, problems_of

if TYPE_CHECKING:
    from uuid import UUID

    from duoline.kernel.auth import Actor
    from duoline.kernel.db import Tx

TOPIC = "presales.set"


async def add(tx: Tx, presale: Presale, *, reason: str, actor: Actor) -> Presale:
    """Keep a new pre-sale as its version 1. Refuses `kernel.bad-input` by field, `pricing.presale-overlap`."""
    presale = msgspec.structs.replace(presale, version=1, withdrawn_at=None)
    await _check(tx, presale)
    await _write(tx, presale, _INSERT, actor)
    await tx.execute(
        "INSERT INTO presale_counters (presale_id, units_max) VALUES ($1, $2)", presale.id, presale.units_max
    )
    await _tell(tx, presale, before=None, action="presale.added", reason=reason, actor=actor)
    return presale


async def change(tx: Tx, presale: Presale, *, reason: str, actor: Actor) -> Presale:
    """Keep the next version of a pre-sale, which was read at `presale.version`. Orders keep the terms they were booked
    under. Locks the counter.

    Refuses `kernel.not-found`, `pricing.presale-changed`, `pricing.presale-over`, `kernel.bad-input` by field,
    `pricing.presale-overlap`.
    """
    booked = await lock_counter(tx, presale.id)
    before = await _newest(tx, presale.id, presale.version)
    presale = msgspec.structs.replace(presale, version=before.version + 1, withdrawn_at=None)
    await _check(tx, presale)
    if presale.sku_id != before.sku_id:
        raise BadInput(
            problems=[
                {
                    "field": "sku_code",
                    "zh": "预售的商品不能换,请另建一场。",
                    "en": "The article of a pre-sale stays; make another one.",
                }
            ]
        )
    if presale.units_max < booked:
        raise BadInput(
            problems=[
                {
                    "field": "units_max",
                    "zh": f"已经订出 {booked} 件,名额不能更少。",
                    "en": f"{booked} are booked already; there cannot be fewer.",
                }
            ]
        )
    await tx.execute("UPDATE presale_counters SET units_max = $2 WHERE presale_id = $1", presale.id, presale.units_max)
    await _write(tx, presale, _UPDATE, actor)
    await _tell(tx, presale, before=before, action="presale.changed", reason=reason, actor=actor)
    return presale


async def withdraw(tx: Tx, presale_id: UUID, *, version: int, reason: str, actor: Actor) -> Presale:
    """End a pre-sale for good: nothing can be booked any more, and whoever has not paid the balance gets the deposit
    back, whatever the terms say. Orders that are paid are not touched. Locks the counter. Refuses as `change` does."""
    await lock_counter(tx, presale_id)
    before = await _newest(tx, presale_id, version)
    presale = msgspec.structs.replace(before, version=version + 1, withdrawn_at=clock.now())
    await _write(tx, presale, _UPDATE, actor)
    await _tell(tx, presale, before=before, action="presale.withdrawn", reason=reason, actor=actor)
    return presale


async def _newest(tx: Tx, presale_id: UUID, version: int) -> Presale:
    newest = await find(tx, presale_id)
    if newest.version != version:
        raise PresaleChanged(version=newest.version)
    if newest.withdrawn_at is not None or newest.balance_until <= clock.now():
        raise PresaleOver
    return newest


async def _check(tx: Tx, presale: Presale) -> None:
    problems = problems_of(presale)
    if presale.balance_until <= clock.now():
        problems.append({"field": "balance_until", "zh": "这个时间已经过去。", "en": "This time has passed."})
    if not problems:
        facts = (await catalog.sku_facts(tx, [presale.sku_id])).get(presale.sku_id)
        if facts is None or not facts.sellable:
            problem = {"field": "sku_code", "zh": "商品没有上架或已停用。", "en": "This article is not for sale."}
            problems.append(problem)
    if problems:
        raise BadInput(problems=problems)


_FIELDS = (
    "id", "version", "sku_id", "name_zh", "name_en", "price_minor", "deposit_minor", "currency", "deposit_from",
    "deposit_until", "balance_from", "balance_until", "expected_on", "units_max", "member_max", "delivery", "pickup",
    "store_ids", "cancel_terms", "unpaid_terms", "withdrawn_at",
)  # fmt: skip
_PLACES = ", ".join(f"${n}" for n in range(1, len(_FIELDS) + 1))
_INSERT = f"""
INSERT INTO presales ({", ".join(_FIELDS)}, actor_id, created_at, updated_at)
VALUES ({_PLACES}, ${len(_FIELDS) + 1}, ${len(_FIELDS) + 2}, ${len(_FIELDS) + 2})
"""  # noqa: S608 - our own columns
_UPDATE = f"""
UPDATE presales SET ({", ".join(_FIELDS)}, actor_id, updated_at) =
    ({_PLACES}, ${len(_FIELDS) + 1}, ${len(_FIELDS) + 2})
WHERE id = $1 AND version = $2 - 1
"""  # noqa: S608 - our own columns


async def _write(tx: Tx, presale: Presale, sql: str, actor: Actor) -> None:
    values = msgspec.structs.asdict(presale) | {"name_zh": presale.name.zh, "name_en": presale.name.en}
    try:
        await tx.execute(sql, *(values[field] for field in _FIELDS), actor.id, clock.now())
    except asyncpg.ExclusionViolationError as overlap:
        raise PresaleOverlap from overlap


async def _tell(tx: Tx, presale: Presale, *, before: Presale | None, action: str, reason: str, actor: Actor) -> None:
    await audit.record(
        tx,
        actor=actor,
        action=action,
        subject_kind="presale",
        subject=str(presale.id),
        reason=reason,
        before=_plain(before),
        after=_plain(presale),
    )
    await outbox.emit(tx, topic=TOPIC, key=str(presale.id), payload={"id": str(presale.id), "version": presale.version})
    await announce.tell(tx, [presale.sku_id])


def _plain(presale: Presale | None) -> dict[str, Any] | None:
    return None if presale is None else msgspec.to_builtins(presale)
