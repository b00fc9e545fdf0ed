"""The audit log: every change of money, stock, price, policy or rights, with who, why, before and after.

Rows are only ever added; the application's database role cannot change or delete them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from duoline.kernel import clock
from duoline.kernel.errors import ensure
from duoline.kernel.ids import new_id
from duoline.kernel.log import masked

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from duoline.kernel.auth import Actor
    from duoline.kernel.db import Tx


class Line(NamedTuple):
    """What one line of the log says; see `record`."""

    actor: Actor
    action: str
    subject_kind: str
    subject: str
    reason: str = ""
    before: Any = None
    after: Any = None
    store_id: UUID | None = None


async def record(
    tx: Tx,
    *,
    actor: Actor,
    action: str,
    subject_kind: str,
    subject: str,
    reason: str = "",
    before: Any = None,
    after: Any = None,
    store_id: UUID | None = None,
) -> UUID:
    """Add one line in the transaction of the change itself, so that neither exists without the other.

    `action` reads `price.set`; `subject_kind` and `subject` name the object by its human code where it has
    one. `before` and `after` are anything that becomes JSON (structs, Money, dicts); None means there was
    or is nothing. `store_id` lets staff of that store read the line. A member is named by id alone, and a mobile
    number in the reason is shortened to 138****1234: what somebody wrote here is kept for years.
    """
    line_id, *values = _row(Line(actor, action, subject_kind, subject, reason, before, after, store_id))
    await tx.execute(_INSERT, line_id, *values)
    return line_id


async def record_all(tx: Tx, lines: Sequence[Line]) -> None:
    """Add many lines in one round trip, as `record` adds one."""
    if lines:
        await tx.executemany(_INSERT, [_row(line) for line in lines])


def as_row(line: Line) -> dict[str, Any]:
    """A line by column, for a statement that writes it beside the change itself."""
    return dict(zip(_COLUMNS, _row(line), strict=True))


_COLUMNS = ("id", "at", "actor_kind", "actor_id", "actor_name", "action", "subject_kind", "subject", "store_id",
            "reason", "before", "after")  # fmt: skip
_INSERT = f"""
INSERT INTO audit_log ({", ".join(_COLUMNS)}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
"""  # noqa: S608 - our own columns


def _row(line: Line) -> tuple[UUID, *tuple[Any, ...]]:
    ensure(line.action and line.subject_kind and line.subject, "AUDIT", "an audit line names its action and subject")
    return (
        new_id(),
        clock.now(),
        line.actor.kind,
        line.actor.id,
        "" if line.actor.kind == "member" else line.actor.name,
        line.action,
        line.subject_kind,
        line.subject,
        line.store_id,
        masked(line.reason),
        line.before,
        line.after,
    )
