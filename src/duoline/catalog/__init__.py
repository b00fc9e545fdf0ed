"""The catalogue: what is shown, what is chosen, what is stocked, and how it is found."""

from __future__ import annotations

from duoline.catalog.docs import refresh_docs
from duoline.catalog.queries import CATEGORIES_UP, SKU_FACTS_JSON, FactsRow, sku_facts
from duoline.catalog.types import Choice, SkuFacts, Text
from duoline.catalog.words import refresh_words

__all__ = [
    "CATEGORIES_UP",
    "SKU_FACTS_JSON",
    "Choice",
    "FactsRow",
    "SkuFacts",
    "Text",
    "refresh_docs",
    "refresh_words",
    "sku_facts",
]
