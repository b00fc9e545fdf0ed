"""What the catalogue tells others, through the outbox."""

from __future__ import annotations

from uuid import UUID

import msgspec

PRODUCT_CHANGED = "catalog.product-changed"
"""Something that members see of a product has changed, publication included."""

TREE_CHANGED = "catalog.tree-changed"
"""Brands or categories have changed."""


class ProductChanged(msgspec.Struct, frozen=True):
    """Payload of `PRODUCT_CHANGED`; the key is the product's code."""

    product_id: UUID
    code: str
    state: str


class TreeChanged(msgspec.Struct, frozen=True):
    """Payload of `TREE_CHANGED`; the key is the code of the brand or category."""

    kind: str
    code: str
