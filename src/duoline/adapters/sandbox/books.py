"""The ledger, open for one transaction: what every verb of the provider works on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from duoline.adapters.sandbox.faults import Faults

if TYPE_CHECKING:
    import sqlite3


@dataclass(frozen=True)
class Books:
    """One transaction at one instant. `faults` is the general choice, `scale` multiplies waits."""

    db: sqlite3.Connection
    now_ms: int
    scale: float
    faults: Faults

    def one(self, sql: str, *values: object) -> sqlite3.Row | None:
        """The first row, or None."""
        row: sqlite3.Row | None = self.db.execute(sql, values).fetchone()
        return row

    def all(self, sql: str, *values: object) -> list[sqlite3.Row]:
        """Every row."""
        return self.db.execute(sql, values).fetchall()

    def run(self, sql: str, *values: object) -> int:
        """Change rows; returns how many."""
        return self.db.execute(sql, values).rowcount

    def insert(self, sql: str, *values: object) -> int:
        """Add a row; returns its id."""
        return self.db.execute(sql, values).lastrowid or 0

    def later_ms(self, seconds: float) -> int:
        """The instant so many (scaled) seconds from now."""
        return self.now_ms + round(seconds * self.scale * 1000)

    def faults_of(self, payment: sqlite3.Row) -> Faults:
        """What goes wrong around this payment: its own choice, else the general one."""
        own: str | None = payment["faults"]
        return self.faults if own is None else msgspec.json.decode(own, type=Faults)


def open_books(db: sqlite3.Connection, *, now_ms: int, time_scale: float) -> Books:
    """The books with the choices that control has stored in them; `time_scale` holds until it has."""
    choices: dict[str, str] = {row["name"]: row["value"] for row in db.execute("SELECT name, value FROM choices")}
    faults = msgspec.json.decode(choices.get("faults", "{}"), type=Faults)
    return Books(db, now_ms, float(choices.get("scale", time_scale)), faults)
