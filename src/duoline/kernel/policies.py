"""Policies: decisions of the chain as data, with versions, so that what was decided can be replayed and explained.

A package declares a policy with the struct of its body and what holds until somebody decides otherwise (version 0).
A new version is validated by the struct, written with its reason to the audit log, and in force from an instant on.
Every number in a policy has bounds (`whole`), inside of which all that reads it works; a test tries each of them.
Each process keeps all versions in memory and looks for new ones at every event `policies.*` and every thirty seconds.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast, get_args, get_type_hints

import msgspec

from duoline.kernel import audit, clock, outbox
from duoline.kernel.errors import BadInput, NotFound, ensure

if TYPE_CHECKING:
    from duoline.kernel.auth import Actor
    from duoline.kernel.db import Database, Tx

log = logging.getLogger(__name__)

LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)

B = TypeVar("B", bound=msgspec.Struct)


@dataclass(frozen=True)
class InForce(Generic[B]):
    """A policy as it holds at an instant."""

    kind: str
    version: int
    body: B
    active_from: datetime


class Policy(Generic[B]):
    """A kind of decision. Declare it once, at module level: `SOURCING = Policy("sourcing", Sourcing, Sourcing(…))`."""

    def __init__(self, kind: str, body: type[B], default: B) -> None:
        ensure(kind not in kinds, "POLICY", f"there are two policies named {kind}")
        self.kind, self.body, self.default = kind, body, default
        kinds[kind] = cast("Policy[Any]", self)

    def current(self, at: datetime | None = None) -> InForce[B]:
        """What holds at the instant (now by default), from memory."""
        return cast("InForce[B]", current(self.kind, at))


def whole(low: int, high: int, *, zh: str, en: str) -> msgspec.Meta:
    """The bounds of a whole number and its name in both languages: `Annotated[int, whole(0, 23, zh="…", en="…")]`."""
    return msgspec.Meta(ge=low, le=high, title=en, extra={"zh": zh, "en": en})


kinds: dict[str, Policy[Any]] = {}
# For each kind every stored version, newest first.
_versions: dict[str, list[InForce[Any]]] = {}


def current(kind: str, at: datetime | None = None) -> InForce[Any]:
    """What holds at the instant: the newest version whose time has come, else the default. Refuses with `NotFound`."""
    policy = _policy(kind)
    at = at or clock.now()
    for version in _versions.get(kind, ()):
        if version.active_from <= at:
            return version
    return InForce(kind, 0, policy.default, LONG_AGO)


def versions(kind: str) -> list[InForce[Any]]:
    """Every version, newest first, ending with the default."""
    policy = _policy(kind)
    return [*_versions.get(kind, ()), InForce(kind, 0, policy.default, LONG_AGO)]


async def set_version(
    tx: Tx, *, actor: Actor, kind: str, body: Any, reason: str, active_from: datetime | None = None
) -> InForce[Any]:
    """Add a version, in force from `active_from` (now by default, never in the past).

    `body` is the struct or the plain values of one. Refusals: `NotFound` for a kind that is none, `BadInput` for a
    body that does not fit or a time that has passed. Takes the next number under the lock of a unique key: of two at
    the same time one is refused by the database and tried again by the edge.
    """
    policy, now = _policy(kind), clock.now()
    active_from = active_from or now
    if active_from < now:
        raise BadInput(problems=[{"field": "active_from", "zh": "生效时间已经过去。", "en": "This time has passed."}])
    fitting = fit(kind, body)
    before = await tx.fetchrow("SELECT version, body FROM policies WHERE kind = $1 ORDER BY version DESC LIMIT 1", kind)
    version = 1 if before is None else before["version"] + 1
    await tx.execute(
        "INSERT INTO policies (kind, version, body, active_from, actor_id, reason, created_at)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7)",
        kind,
        version,
        fitting,
        active_from,
        actor.id,
        reason,
        now,
    )
    await audit.record(
        tx,
        actor=actor,
        action="policy.set",
        subject_kind="policy",
        subject=kind,
        reason=reason,
        before=msgspec.to_builtins(policy.default) if before is None else before["body"],
        after={"version": version, "active_from": active_from, "body": fitting},
    )
    await outbox.emit(tx, topic="policies.set", key=kind, payload={"kind": kind, "version": version})
    return InForce(kind, version, fitting, active_from)


def fit(kind: str, body: Any) -> Any:
    """The struct of a policy from itself or its plain values. Refuses `NotFound`, then `BadInput` by field."""
    policy = _policy(kind)
    values = msgspec.to_builtins(body)
    try:
        fitting = msgspec.convert(values, policy.body)
    except msgspec.ValidationError as error:
        raise BadInput(problems=_problems(policy.body, values) or [_explained("body", None, str(error))]) from error
    if unknown := _unknown(policy.body, values):
        raise BadInput(problems=unknown)
    return fitting


@outbox.watch("policies.*")
async def refresh(db: Database | Tx) -> None:
    """Read every version anew."""
    found: dict[str, list[InForce[Any]]] = {}
    for row in await db.fetch("SELECT kind, version, body, active_from FROM policies ORDER BY kind, version DESC"):
        policy = kinds.get(row["kind"])
        if policy is None:
            continue  # of a package this process does not load
        try:
            body = msgspec.convert(row["body"], policy.body)
        except msgspec.ValidationError:
            # An older shape; the defaults of added fields make most of them fit. This one does not.
            log.warning("policy %s version %d does not fit its struct and is passed over", row["kind"], row["version"])
            continue
        found.setdefault(row["kind"], []).append(InForce(row["kind"], row["version"], body, row["active_from"]))
    _versions.clear()
    _versions.update(found)


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
