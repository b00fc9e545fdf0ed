"""Who acts: the value every verb that leaves a trace takes."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

SYSTEM_ID = UUID("00000000-0000-7000-8000-000000000001")


@dataclass(frozen=True)
class Actor:
    """A member, a staff member or the system itself."""

    kind: Literal["member", "staff", "system"]
    id: UUID
    name: str = ""

    @property
    def label(self) -> str:
        """As it stands in movements, journals and the audit log."""
        return f"{self.kind}:{self.id}"


SYSTEM = Actor("system", SYSTEM_ID, "Duoline")


def new_token() -> str:
    """A session token: 256 random bits."""
    return secrets.token_urlsafe(32)


def token_hash(token: str) -> bytes:
    """What is stored of a token. The token is random, so a plain digest is enough."""
    return hashlib.sha256(token.encode()).digest()
