"""Load the demo chain: rows made on the way go through the very import that files go through."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from duoline import insight
from duoline.catalog import refresh_words
from duoline.channels.imports.run import Generated, Options, Progress, run
from duoline.entry.demo import agreed, goods, history, met, numbers, offers, paid, people, presale, promised, shops
from duoline.entry.demo.decorate import Decorator
from duoline.flows import judge_tiers
from duoline.kernel.auth import SYSTEM
from duoline.kernel.errors import ensure

if TYPE_CHECKING:
    from duoline.entry.demo.size import Size
    from duoline.kernel.config import Settings
    from duoline.kernel.db import Database

Report = Callable[[str, Progress], None]


@dataclass(frozen=True)
class Part:
    """One kind of rows of the chain."""

    kind: str
    present: Iterable[str]
    rows: Callable[[Size], Iterable[Mapping[str, Any]]]


PARTS = (
    Part("stores", shops.PRESENT, shops.rows),
    Part("products", goods.PRESENT, goods.rows),
    Part("prices", numbers.PRICE_PRESENT, numbers.price_rows),
    Part("stock", numbers.STOCK_PRESENT, numbers.stock_rows),
    Part("members", numbers.MEMBER_PRESENT, numbers.member_rows),
    Part("orders", history.PRESENT, history.order_rows),
)

SUMMARISE_S = 60.0
"""How long loading sums up stock, so that the overview of the first minute is not empty; the worker does the rest."""

UNFINISHED = "demo-unfinished"
"""A file of this name in DUOLINE_HOME says that loading began and did not end; the next start goes on with it."""


async def load(db: Database, settings: Settings, size: Size, *, report: Report = lambda _kind, _progress: None) -> None:
    """Fill the database with the chain of this size. Safe to repeat: what is there already stays as it is."""
    mark = settings.home / UNFINISHED
    mark.parent.mkdir(parents=True, exist_ok=True)
    mark.touch()
    pictures = Decorator(size, settings.media_dir)
    await pictures.draw(db)
    for part in PARTS:
        result = await run(
            db,
            part.kind,
            Generated(list(part.present), part.rows(size)),
            actor=SYSTEM,
            options=Options(decorate=pictures.decorate),
            progress=lambda progress, kind=part.kind: report(kind, progress),  # type: ignore[misc]
        )
        ensure(result.bad == 0, "DEMO", f"{result.bad} bad rows of kind {part.kind}")
    async with db.begin() as tx:
        await pictures.decorate_categories(tx)
        await refresh_words(tx)
    if size.promotions:
        await offers.add_promotions(db, size)
        await presale.add_presale(db, size)
    await agreed.add_consents(db)
    await people.add_staff(db, size)
    await met.add_touchpoints(db, size)
    await paid.add_shares(db, size)
    # What they bought was written down, not handed over: nothing has judged them by it yet.
    await judge_tiers.judge_all(db)
    await insight.refresh(db, budget_s=SUMMARISE_S)
    await promised.add_reports(db, size)
    mark.unlink()
