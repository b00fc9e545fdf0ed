"""Closing a month is the worker's: thousands of payees take a while, and what was made stays made."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

import msgspec

from duoline.kernel import jobs
from duoline.kernel.auth import Actor
from duoline.kernel.ids import new_id
from duoline.settlement import statements
from duoline.stores import directory

if TYPE_CHECKING:
    from duoline.kernel.db import Database, Tx

CLOSE_JOB = "settlement.close"


class Closing(msgspec.Struct, frozen=True):
    """Close a month, by whom."""

    month: str
    staff_id: UUID
    name: str


def pays(kind: str, payee_id: UUID) -> bool:
    """Whether money goes to a payee: people, and shops and companies of franchisees. The chain's own are booked."""
    chain = directory.current()
    if kind == "store":
        store = chain.stores.get(payee_id)
        company = chain.companies.get(store.company_id) if store else None
    else:
        company = chain.companies.get(payee_id)
    return kind in ("staff", "member") or (company is not None and company.franchised)


async def begin_closing(tx: Tx, month: str, *, actor: Actor) -> None:
    """Let the worker make the statements of a month. Refuses `settlement.month-not-over`."""
    statements.check_over(month)
    closing = Closing(month, actor.id, actor.name)
    await jobs.enqueue(tx, CLOSE_JOB, closing, key=f"{CLOSE_JOB}:{month}:{new_id()}")


@jobs.handler(CLOSE_JOB, payload=Closing)
async def close(db: Database, closing: Closing) -> None:
    """Make the statements that are missing."""
    await directory.refresh(db)
    actor = Actor("staff", closing.staff_id, closing.name)
    await statements.close_month(db, closing.month, pays=pays, actor=actor)
