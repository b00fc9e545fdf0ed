"""Policies: decisions of the chain as data, with versions, so that what was decided can be replayed and explained.

A package declares a policy with the struct of its body and what holds until somebody decides otherwise (version 0).
A new version is validated by the struct, written with its reason to the audit log, and in force from an instant on.
A policy that can be piloted may have a version that holds in some regions only and until an instant, beside regions
that go on as before and are compared with them; what asks without a region never sees a pilot.
Every number in a policy has bounds (`whole`), inside of which all that reads it works; a test tries each of them.
Each process keeps all versions in memory and looks for new ones at every event `policies.*` and every thirty seconds.
What writes down for good what a rule says asks first whether there is a newer one (`catch_up`).
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Generic, TypeAlias, TypeVar, cast, get_args, get_type_hints

import msgspec

from duoline.kernel import audit, clock, follow, outbox
from duoline.kernel.errors import BadInput, NotFound, Refusal, ensure

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from uuid import UUID

    from duoline.kernel.auth import Actor
    from duoline.kernel.db import Database, Tx

log = logging.getLogger(__name__)

LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)

B = TypeVar("B", bound=msgspec.Struct)


class PilotOverlaps(Refusal):
    """A region of the pilot is part of another that has not ended."""

    code = "kernel.pilot-overlaps"
    status = 409
    zh = "有区域正在参加第 {version} 版的试行,请先结束它,或换一个区域。"
    en = "A region takes part in the pilot of version {version}; end that first, or choose another region."


class PilotOver(Refusal):
    """The pilot has ended."""

    code = "kernel.pilot-over"
    status = 409
    zh = "这次试行已经结束。"
    en = "This pilot has ended."


@dataclass(frozen=True)
class Pilot:
    """Where and until when a version is tried, and the regions it is compared with. Regions below are named too."""

    regions: frozenset[UUID]
    controls: frozenset[UUID]
    until_at: datetime


@dataclass(frozen=True)
class InForce(Generic[B]):
    """A policy as it holds at an instant."""

    kind: str
    version: int
    body: B
    active_from: datetime
    pilot: Pilot | None = None

    def holds(self, at: datetime, region_id: UUID | None) -> bool:
        """Whether it has begun, and holds in this region if it is a pilot."""
        if self.active_from > at:
            return False
        return self.pilot is None or (region_id in self.pilot.regions and at < self.pilot.until_at)


Allow: TypeAlias = "Callable[[Tx, B], Awaitable[None]]"
"""Refuses a version that what else is in the database does not allow."""


class Policy(Generic[B]):
    """A kind of decision. Declare it once, at module level: `SOURCING = Policy("sourcing", Sourcing, Sourcing(…))`."""

    def __init__(
        self, kind: str, body: type[B], default: B, *, pilots: bool = False, allow: Allow[B] | None = None
    ) -> None:
        ensure(kind not in kinds, "POLICY", f"there are two policies named {kind}")
        self.kind, self.body, self.default, self.pilots, self.allow = kind, body, default, pilots, allow
        kinds[kind] = cast("Policy[Any]", self)

    def current(self, at: datetime | None = None, *, region_id: UUID | None = None) -> InForce[B]:
        """What holds at the instant (now by default) in a region (everywhere by default), from memory."""
        return cast("InForce[B]", current(self.kind, at, region_id=region_id))

    def version(self, number: int) -> InForce[B]:
        """The version with this number, from memory. `KeyError` for one that this process has not heard of."""
        for each in versions(self.kind):
            if each.version == number:
                return cast("InForce[B]", each)
        raise KeyError(f"{self.kind} {number}")


def whole(low: int, high: int, *, zh: str, en: str) -> msgspec.Meta:
    """The bounds of a whole number and its name in both languages: `Annotated[int, whole(0, 23, zh="…", en="…")]`."""
    return msgspec.Meta(ge=low, le=high, title=en, extra={"zh": zh, "en": en})


def twice(field: str, part: str, codes: Sequence[str]) -> list[dict[str, str]]:
    """The problems of a list in a policy's body that names one of its codes twice: at which entry, in which part."""
    return [
        {"field": f"body.{field}.{n}.{part}", "zh": "这一项重复了。", "en": "This is there twice."}
        for n, code in enumerate(codes)
        if code in codes[:n]
    ]


kinds: dict[str, Policy[Any]] = {}
# For each kind every stored version, newest first.
_versions: dict[str, list[InForce[Any]]] = {}
# For each kind the newest number that fits its struct no more, and is not among those.
_passed_over: dict[str, int] = {}


def current(kind: str, at: datetime | None = None, *, region_id: UUID | None = None) -> InForce[Any]:
    """What holds at the instant: the newest version whose time has come, else the default. Refuses with `NotFound`.

    A pilot holds in its regions, until a version that everybody gets is newer.
    """
    policy = _policy(kind)
    at = at or clock.now()
    for version in _versions.get(kind, ()):
        if version.holds(at, region_id):
            return version
    return InForce(kind, 0, policy.default, LONG_AGO)


def versions(kind: str) -> list[InForce[Any]]:
    """Every version, newest first, ending with the default."""
    policy = _policy(kind)
    return [*_versions.get(kind, ()), InForce(kind, 0, policy.default, LONG_AGO)]


async def set_version(
    tx: Tx,
    *,
    actor: Actor,
    kind: str,
    body: Any,
    reason: str,
    active_from: datetime | None = None,
    pilot: Pilot | None = None,
) -> InForce[Any]:
    """Add a version, in force from `active_from` (now by default, never in the past), as a pilot if one is given.

    `body` is the struct or the plain values of one. Refusals: `NotFound` for a kind that is none, `BadInput` for a
    body that does not fit, a time that has passed or a pilot that cannot be, what `allow` of the
    policy refuses, `PilotOverlaps` when a region of it is
    part of one that has not ended (locks the table against
    other writers). Takes the next number under the lock of a unique key: of two at the same time one
    is refused by the database and tried again by the edge.
    """
    policy, now = _policy(kind), clock.now()
    active_from = active_from or now
    if active_from < now:
        raise BadInput(problems=[{"field": "active_from", "zh": "生效时间已经过去。", "en": "This time has passed."}])
    fitting = fit(kind, body)
    if policy.allow is not None:
        await policy.allow(tx, fitting)
    if pilot is not None:
        _check_pilot(policy, pilot, active_from)
        await _refuse_overlaps(tx, kind, pilot, active_from)
    before = await tx.fetchrow("SELECT version, body FROM policies WHERE kind = $1 ORDER BY version DESC LIMIT 1", kind)
    version = 1 if before is None else before["version"] + 1
    await tx.execute(
        "INSERT INTO policies (kind, version, body, active_from, actor_id, reason, created_at, regions, controls,"
        " until_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        kind,
        version,
        fitting,
        active_from,
        actor.id,
        reason,
        now,
        None if pilot is None else sorted(pilot.regions),
        None if pilot is None else sorted(pilot.controls),
        None if pilot is None else pilot.until_at,
    )
    await audit.record(
        tx,
        actor=actor,
        action="policy.set",
        subject_kind="policy",
        subject=kind,
        reason=reason,
        before=msgspec.to_builtins(policy.default) if before is None else before["body"],
        after={"version": version, "active_from": active_from, "body": fitting} | _told(pilot),
    )
    await outbox.emit(tx, topic="policies.set", key=kind, payload={"kind": kind, "version": version})
    return InForce(kind, version, fitting, active_from, pilot)


async def end_pilot(tx: Tx, *, actor: Actor, kind: str, version: int, reason: str) -> None:
    """End a pilot now. Locks its row. Refuses `NotFound` when there is none, `PilotOver` when it has ended."""
    now = clock.now()
    until_at = await tx.fetchval(
        "SELECT until_at FROM policies WHERE kind = $1 AND version = $2 AND regions IS NOT NULL FOR UPDATE",
        kind,
        version,
    )
    if until_at is None:
        raise NotFound(kind="pilot")
    if until_at <= now:
        raise PilotOver
    await tx.execute("UPDATE policies SET until_at = $3 WHERE kind = $1 AND version = $2", kind, version, now)
    await audit.record(
        tx,
        actor=actor,
        action="policy.pilot-end",
        subject_kind="policy",
        subject=kind,
        reason=reason,
        before={"version": version, "until_at": until_at},
        after={"version": version, "until_at": now},
    )
    await outbox.emit(tx, topic="policies.set", key=kind, payload={"kind": kind, "version": version})


def _told(pilot: Pilot | None) -> dict[str, Any]:
    if pilot is None:
        return {}
    return {"regions": sorted(pilot.regions), "controls": sorted(pilot.controls), "until_at": pilot.until_at}


def _check_pilot(policy: Policy[Any], pilot: Pilot, active_from: datetime) -> None:
    problems = []
    if not policy.pilots:
        problems.append({"field": "regions", "zh": "这项规则不能分区域试行。", "en": "This policy cannot be piloted."})
    if not pilot.regions:
        problems.append({"field": "regions", "zh": "至少选一个试行区域。", "en": "Choose a region."})
    if not pilot.controls:
        problems.append({"field": "controls", "zh": "至少选一个对照区域。", "en": "Choose a control region."})
    if pilot.regions & pilot.controls:
        problems.append(
            {
                "field": "controls",
                "zh": "同一区域不能既试行又对照。",
                "en": "A region cannot be both.",
            }
        )
    if pilot.until_at <= active_from:
        problems.append({"field": "until", "zh": "结束时间要晚于开始。", "en": "It has to end after it begins."})
    if problems:
        raise BadInput(problems=problems)


async def _refuse_overlaps(tx: Tx, kind: str, pilot: Pilot, active_from: datetime) -> None:
    """Two pilots of one policy at a time would spoil each other's comparison wherever they share a region.

    Locks the table against other writers, for what must not be there has no row to lock. Readers go on.
    """
    await tx.execute("LOCK TABLE policies IN SHARE ROW EXCLUSIVE MODE")
    other = await tx.fetchval(
        """SELECT version FROM policies WHERE kind = $1 AND until_at > $2 AND active_from < $3
              AND (regions || controls) && $4::uuid[] ORDER BY version LIMIT 1""",
        kind,
        active_from,
        pilot.until_at,
        sorted(pilot.regions | pilot.controls),
    )
    if other is not None:
        raise PilotOverlaps(version=other)


def fit(kind: str, body: Any) -> Any:
    """The struct of a policy from itself or its plain values. Refuses `NotFound`, then `BadInput` by field.

    What spans fields the struct refuses itself, with `BadInput`, once each of them fits.
    """
    policy = _policy(kind)
    values = msgspec.to_builtins(body)
    try:
        fitting = msgspec.convert(values, policy.body)
    except msgspec.ValidationError as error:
        raise BadInput(problems=_problems(policy.body, values) or [_explained("body", None, str(error))]) from error
    if unknown := _unknown(policy.body, values):
        raise BadInput(problems=unknown)
    return fitting


_VERSIONS = """
SELECT kind, version, body, active_from, regions, controls, until_at FROM policies ORDER BY kind, version DESC
"""


NEWEST = "SELECT coalesce(max(version), 0) FROM policies WHERE kind = "
"""The newest number of a kind, for a statement that reads the rest too; its value goes to `hear_of`."""


async def catch_up(tx: Tx, *kinds_: str) -> None:
    """Know the newest versions of these kinds before something follows from them for good: this process may be behind
    by as long as an event takes. One short read; another when there is news."""
    rows = await tx.fetch(
        "SELECT kind, max(version) AS newest FROM policies WHERE kind = ANY ($1) GROUP BY kind", list(kinds_)
    )
    for row in rows:
        await hear_of(tx, row["kind"], row["newest"])


async def hear_of(tx: Tx, kind: str, newest: int) -> None:
    """As `catch_up`, for a number that was read already (`NEWEST`)."""
    known = max([each.version for each in _versions.get(kind, ())], default=0)
    if newest > max(known, _passed_over.get(kind, 0)):
        await refresh(tx)


@follow.watch("policies.*")
async def refresh(db: Database | Tx) -> None:
    """Read every version anew."""
    found: dict[str, list[InForce[Any]]] = {}
    over: dict[str, int] = {}
    for row in await db.fetch(_VERSIONS):
        policy = kinds.get(row["kind"])
        if policy is None:
            continue  # of a package this process does not load
        try:
            body = msgspec.convert(row["body"], policy.body)
        except (msgspec.ValidationError, BadInput):
            # An older shape; the defaults of added fields make most of them fit. This one does not.
            log.warning("policy %s version %d does not fit its struct and is passed over", row["kind"], row["version"])
            over.setdefault(row["kind"], row["version"])
            continue
        pilot = (
            None
            if row["regions"] is None
            else Pilot(frozenset(row["regions"]), frozenset(row["controls"]), row["until_at"])
        )
        found.setdefault(row["kind"], []).append(InForce(row["kind"], row["version"], body, row["active_from"], pilot))
    _versions.clear()
    _versions.update(found)
    _passed_over.clear()
    _passed_over.update(over)


def _problems(shape: type[msgspec.Struct], values: Any) -> list[dict[str, str]]:
    """Every field that does not fit or is missing, by name, and what it takes, in both languages."""
    if not isinstance(values, dict):
        return []
    found = _unknown(shape, values)
    hints = get_type_hints(shape, include_extras=True)
    for field in msgspec.structs.fields(shape):
        if field.encode_name not in values:
            if field.required:
                found.append(_explained(f"body.{field.encode_name}", None, "required"))
            continue
        try:
            msgspec.convert(values[field.encode_name], hints[field.name])
        except msgspec.ValidationError as error:
            meta = next((each for each in get_args(hints[field.name])[1:] if isinstance(each, msgspec.Meta)), None)
            found.append(_explained(f"body.{field.encode_name}", meta, str(error)))
    return found


def _unknown(shape: type[msgspec.Struct], values: Any) -> list[dict[str, str]]:
    """Fields that the policy does not have: a typing error must not read like a decision."""
    known = shape.__struct_encode_fields__
    names = [name for name in values if name not in known] if isinstance(values, dict) else []
    return [{"field": f"body.{name}", "zh": "没有这个字段。", "en": "There is no such field."} for name in names]


def _explained(field: str, meta: msgspec.Meta | None, error: str) -> dict[str, str]:
    names = (meta.extra or {}) if meta is not None else {}
    zh, en = names.get("zh", field), names.get("en", field)
    if meta is not None and meta.ge is not None and meta.le is not None:
        zh, en = f"「{zh}」要填 {meta.ge} 到 {meta.le} 的整数。", f"{en}: a whole number, {meta.ge} to {meta.le}."
    else:
        zh, en = f"「{zh}」填写的内容不对。", f"{en}: this does not fit ({error})."
    return {"field": field, "zh": zh, "en": en}


def _policy(kind: str) -> Policy[Any]:
    policy = kinds.get(kind)
    if policy is None:
        raise NotFound(kind=kind)
    return policy
