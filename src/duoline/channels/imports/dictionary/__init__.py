"""The column dictionary: every column an import file may have, what it means and what it takes.

It is the one description that the validation, the console, the guide and the error messages are made from.
A file may have its columns in any order, may leave out every column that is not required, and may have others,
which are ignored. A column that is absent leaves what is stored as it is; one that is present and empty sets
the value back to its default.
"""

from __future__ import annotations

from duoline.channels.imports.dictionary.columns import TYPES, Column, Kind, KindName
from duoline.channels.imports.dictionary.orders import ORDERS
from duoline.channels.imports.dictionary.people import MEMBERS, SIGNUPS
from duoline.channels.imports.dictionary.prices import PRICES
from duoline.channels.imports.dictionary.products import PRODUCTS
from duoline.channels.imports.dictionary.stock import STOCK
from duoline.channels.imports.dictionary.stores import STORES

__all__ = ["KINDS", "TYPES", "Column", "Kind", "KindName"]

KINDS: dict[str, Kind] = {kind.name: kind for kind in (STORES, PRODUCTS, PRICES, STOCK, MEMBERS, ORDERS, SIGNUPS)}
