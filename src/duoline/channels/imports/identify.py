"""Identifiers of what an import creates: the same code always gives the same id, whoever imports it and when."""

from __future__ import annotations

from uuid import UUID, uuid5

NAMESPACE = UUID("0d1f4c52-6f6b-5f0e-9a51-d0011e000001")

NUMBER_PREFIX = "I-"
"""Numbers of imported orders begin with this, so that they never meet one of our own."""


def natural_id(kind: str, code: str) -> UUID:
    """The id of a thing known by a code of its own."""
    return uuid5(NAMESPACE, f"{kind}:{code}")
