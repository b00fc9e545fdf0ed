"""Publication: whether members may see and buy a product."""

from __future__ import annotations

from duoline.catalog.types import Publication
from duoline.kernel.machine import Machine

PUBLICATION = Machine(
    "publication",
    Publication.DRAFT,
    {
        Publication.DRAFT: frozenset({Publication.PUBLISHED}),
        Publication.PUBLISHED: frozenset({Publication.WITHDRAWN}),
        Publication.WITHDRAWN: frozenset({Publication.PUBLISHED}),
    },
)
