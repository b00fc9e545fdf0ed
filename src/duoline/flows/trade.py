"""What trading needs in one process: one way to look at baskets, to place orders and to hold units.

The batchers inside only work when everybody uses the same instance, so a process makes one `Trade`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from duoline import fulfilment, inventory
from duoline.flows.basket import Look
from duoline.flows.place import Placing

if TYPE_CHECKING:
    from duoline.kernel.db import Database


class Trade:
    """The trading desk of one process."""

    def __init__(self, db: Database, *, secret: str) -> None:
        self.db = db
        self.secret = secret.encode()
        self.work = fulfilment.OpenWork(db)
        self.look = Look(db, self.work)
        self.placing = Placing(self.look, secret=self.secret)
        self.holds = inventory.Holds(db)
