"""What the ids in the audit log are called: nobody knows an article, a member or a payout by its id."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from duoline.channels.console.payee_scope import NAMED, NAMES, payee_of
from duoline.kernel.text import Text
from duoline.members import phones

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from duoline.kernel.db import Database
    from duoline.stores.directory import Chain

UUID_LENGTH = 36

# $1 the ids among the subjects of each kind.
_SUBJECTS = {
    "sku": """SELECT k.id, p.name_zh || ' ' || k.code AS zh, p.name_en || ' ' || k.code AS en
              FROM skus k JOIN products p ON p.id = k.product_id WHERE k.id = ANY ($1)""",
    "import": "SELECT id, filename AS zh, filename AS en FROM import_jobs WHERE id = ANY ($1)",
    "transfer": "SELECT id, number AS zh, number AS en FROM transfers WHERE id = ANY ($1)",
    "payout_run": "SELECT id, month AS zh, month AS en FROM payout_runs WHERE id = ANY ($1)",
    "system": "SELECT id, name AS zh, name AS en FROM system_keys WHERE id = ANY ($1)",
    "promotion": """SELECT DISTINCT ON (id) id, name_zh AS zh, name_en AS en FROM promotions
                    WHERE id = ANY ($1) ORDER BY id, version DESC""",
    "coupon_batch": """SELECT DISTINCT ON (b.batch_id) b.batch_id AS id, p.name_zh AS zh, p.name_en AS en
                       FROM coupon_batches b JOIN promotions p ON p.id = b.promotion_id
                       WHERE b.batch_id = ANY ($1) ORDER BY b.batch_id, p.version DESC""",
    "presale": "SELECT id, name_zh AS zh, name_en AS en FROM presales WHERE id = ANY ($1)",
}
_MEMBERS = "SELECT member_id AS id, display_name, phone FROM members WHERE member_id = ANY ($1)"
# Ids of payees, and of what payees have.
_PAYEES = f"""
WITH asked AS (
    SELECT payee_id, payee_id AS id FROM payees WHERE payee_id = ANY ($1)
    UNION ALL SELECT payee_id, id FROM payouts WHERE id = ANY ($1)
    UNION ALL SELECT payee_id, id FROM statements WHERE id = ANY ($1))
SELECT a.id, p.payee_id, p.kind, {NAMED} FROM asked a JOIN payees p ON p.payee_id = a.payee_id {NAMES}
"""  # noqa: S608 - our own words
_STAFF = "SELECT id, name AS zh, name AS en FROM staff WHERE id = ANY ($1)"


async def names_of(db: Database, rows: Sequence[Any], chain: Chain, *, members: bool) -> dict[str, Text]:
    """What the ids of some lines are called, in their subjects and in what was before and after: as far as known.

    `members` is whether members may be named: not to a franchisee, who sees those alone who agreed to that.
    """
    asked: dict[str, list[UUID]] = {}
    for row in rows:
        if (found := _uuid(row["subject"])) is not None:
            asked.setdefault(row["subject_kind"], []).append(found)
    within = {one for row in rows for side in ("before", "after") for one in _ids(row[side])}
    found_names = {
        str(row["id"]): Text(row["zh"], row["en"]).filled
        for kind, sql in _SUBJECTS.items()
        if asked.get(kind)
        for row in await db.fetch(sql, asked[kind])
    }
    money = [one for kind in ("payee", "payout", "statement") for one in asked.get(kind, ())]
    if money:
        found_names |= {str(row["id"]): _called(payee_of(row, chain)) for row in await db.fetch(_PAYEES, money)}
    if within:
        found_names |= {str(row["id"]): Text(row["zh"], row["en"]) for row in await db.fetch(_STAFF, list(within))}
        found_names |= {str(one): chain.stores[one].name.filled for one in within if one in chain.stores}
    whose = [*asked.get("member", ()), *within]
    if members and whose:
        for row in await db.fetch(_MEMBERS, whose):
            shown = " ".join(filter(None, [row["display_name"], phones.masked(row["phone"])]))
            if shown:
                found_names.setdefault(str(row["id"]), Text(shown, shown))
    return found_names


def _called(payee: Any) -> Text:
    return Text(*(" ".join(filter(None, [name, payee.note])) for name in (payee.name.zh, payee.name.en)))


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text) if len(text) == UUID_LENGTH else None
    except ValueError:
        return None


def within(row: Any, names: dict[str, Text]) -> dict[str, Text]:
    """The names of the ids that stand in what was before and after of one line."""
    ids = {str(one) for side in ("before", "after") for one in _ids(row[side])}
    return {one: names[one] for one in ids if one in names}


def _ids(value: Any) -> Iterator[UUID]:
    if isinstance(value, str):
        if (found := _uuid(value)) is not None:
            yield found
    elif isinstance(value, dict):
        for one in value.values():
            yield from _ids(one)
    elif isinstance(value, list):
        for one in value:
            yield from _ids(one)
