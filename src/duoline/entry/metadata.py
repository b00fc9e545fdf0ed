"""Every table of Duoline in one metadata, for migrations and for the architecture tests.

A package's tables are private to it: this list is the only module that may import them. A test fails when a
`tables.py` is missing here.
"""

from __future__ import annotations

import duoline.attribution.tables
import duoline.catalog.tables
import duoline.channels.imports.tables
import duoline.engagement.tables
import duoline.favourites.tables
import duoline.fulfilment.tables
import duoline.insight.tables
import duoline.inventory.tables
import duoline.kernel.tables
import duoline.ledger.tables
import duoline.loyalty.tables
import duoline.members.tables
import duoline.orders.tables
import duoline.payments.tables
import duoline.pricing.tables
import duoline.settlement.tables
import duoline.stores.tables
import duoline.wallet.tables  # noqa: F401 - importing declares
from duoline.kernel.placement import metadata, registry

__all__ = ["metadata", "registry"]
