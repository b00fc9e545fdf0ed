"""Add, change and end promotions: each writes the next version, and no version ever changes or goes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec

from duoline.kernel import audit, clock, outbox
from duoline.kernel.errors import BadInput, NotFound
from duoline.pricing import announce
from duoline.pricing.errors import PromotionChanged, PromotionOver
from duoline.pricing.promotions import problems_of
from duoline.pricing.promotions.types import Bundle, BuyGet, Choice, Promotion

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from uuid import UUID

    from duoline.kernel.auth import Actor
    from duoline.kernel.db import Tx

TOPIC = "promotions.set"


async def add(tx: Tx, promotion: Promotion, *, reason: str, actor: Actor) -> Promotion:
    """Keep a new promotion as its version 1. Refuses `kernel.bad-input` by field."""
    promotion = msgspec.structs.replace(promotion, version=1)
    await _check(tx, promotion)
    await _write(tx, promotion, before=None, action="promotion.added", reason=reason, actor=actor)
    return promotion


async def change(tx: Tx, promotion: Promotion, *, reason: str, actor: Actor) -> Promotion:
    """Keep the next version of a promotion, which was read at `promotion.version`.

    Refuses `kernel.not-found`, `pricing.promotion-changed` when it was read at an older version,
    `pricing.promotion-over`, then `kernel.bad-input` by field.
    """
    before = await _newest(tx, promotion.id, promotion.version)
    promotion = msgspec.structs.replace(promotion, version=before.version + 1)
    await _check(tx, promotion)
    await _write(tx, promotion, before=before, action="promotion.changed", reason=reason, actor=actor)
    return promotion


async def end(tx: Tx, promotion_id: UUID, *, version: int, reason: str, actor: Actor) -> Promotion:
    """End a promotion now; one that has not begun never will. Refuses as `change` does."""
    before, now = await _newest(tx, promotion_id, version), clock.now()
    promotion = msgspec.structs.replace(
        before, version=before.version + 1, from_at=min(before.from_at, now), until_at=now
    )
    await _write(tx, promotion, before=before, action="promotion.end", reason=reason, actor=actor)
    return promotion


async def _newest(tx: Tx, promotion_id: UUID, version: int) -> Promotion:
    """The version that holds, if it is the one that was read and is not over."""
    body = await tx.fetchval("SELECT body FROM promotions WHERE id = $1 ORDER BY version DESC LIMIT 1", promotion_id)
    if body is None:
        raise NotFound(kind="promotion")
    newest = msgspec.convert(body, Promotion)
    if newest.version != version:
        raise PromotionChanged(version=newest.version)
    if newest.until_at is not None and newest.until_at <= clock.now():
        raise PromotionOver
    return newest


async def _write(
    tx: Tx, promotion: Promotion, *, before: Promotion | None, action: str, reason: str, actor: Actor
) -> None:
    """Of two who write the same version at once the second waits for the first's commit here, and is refused."""
    body = plain(promotion)
    written = await tx.fetchval(
        """INSERT INTO promotions (id, version, body, name_zh, name_en, kind, from_at, until_at, actor_id, reason,
                                   created_at)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT (id, version) DO NOTHING
           RETURNING version""",
        promotion.id,
        promotion.version,
        body,
        promotion.name.zh,
        promotion.name.en,
        body["effect"]["type"],
        promotion.from_at,
        promotion.until_at,
        actor.id,
        reason,
        clock.now(),
    )
    if written is None:
        raise PromotionChanged(version=promotion.version)
    await audit.record(
        tx,
        actor=actor,
        action=action,
        subject_kind="promotion",
        subject=str(promotion.id),
        reason=reason,
        before=None if before is None else plain(before),
        after=body,
    )
    await outbox.emit(
        tx, topic=TOPIC, key=str(promotion.id), payload={"id": str(promotion.id), "version": promotion.version}
    )
    await announce.tell_all(tx)
    await announce.tell_later(tx, [promotion.from_at, promotion.until_at])


def plain(promotion: Promotion) -> dict[str, Any]:
    """A promotion as it is stored: what is a set there is a list in order here, so that two versions compare."""
    told: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(promotion, order="deterministic"))
    return told


# --- what may be kept ----------------------------------------------------------------------------


async def _check(tx: Tx, promotion: Promotion) -> None:
    problems = faults(promotion) or await _unknown(tx, promotion)
    if problems:
        raise BadInput(problems=problems)


def faults(promotion: Promotion) -> list[dict[str, str]]:
    """What of a promotion cannot be kept, by field, in both languages; what it names may still be unknown."""
    try:
        msgspec.convert(plain(promotion), Promotion)
    except msgspec.ValidationError as error:
        field = re.sub(r"\[(\d+)\]", r".\1", str(error).rpartition(" - at `$.")[2].rstrip("`"))
        return [{"field": field, "zh": "填写的内容不对。", "en": f"This does not fit ({error})."}]
    problems = problems_of(promotion)
    if promotion.until_at is not None and promotion.until_at <= clock.now():
        problems.append({"field": "until_at", "zh": "结束时间已经过去。", "en": "This time has passed."})
    return problems


def choices(promotion: Promotion) -> Iterator[tuple[str, Choice]]:
    """Every choice of articles a promotion makes, by its field."""
    yield "of", promotion.of
    if promotion.without is not None:
        yield "without", promotion.without
    match promotion.effect:
        case BuyGet(get=get):
            yield "effect.get", get
        case Bundle(parts=parts):
            for n, part in enumerate(parts):
                yield f"effect.parts.{n}.of", part.of


async def _unknown(tx: Tx, promotion: Promotion) -> list[dict[str, str]]:
    """The fields that name what is not there."""
    named: list[tuple[str, str, Collection[UUID]]] = [
        (f"{field}.{kind}", kind, getattr(choice, kind))
        for field, choice in choices(promotion)
        for kind in ("skus", "products", "categories", "brands")
    ]
    named += [("when.stores", "stores", promotion.when.stores), ("when.regions", "regions", promotion.when.regions)]
    problems = []
    for field, kind, ids in named:
        if ids and await tx.fetchval(_COUNTS[kind], list(ids)) < len(ids):
            problems.append({"field": field, "zh": "有一项不存在。", "en": "One of these is not there."})
    return problems


_COUNTS = {
    "skus": "SELECT count(*) FROM skus WHERE id = ANY ($1)",
    "products": "SELECT count(*) FROM products WHERE id = ANY ($1)",
    "categories": "SELECT count(*) FROM categories WHERE id = ANY ($1)",
    "brands": "SELECT count(*) FROM brands WHERE id = ANY ($1)",
    "stores": "SELECT count(*) FROM stores WHERE id = ANY ($1)",
    "regions": "SELECT count(*) FROM regions WHERE id = ANY ($1)",
}
