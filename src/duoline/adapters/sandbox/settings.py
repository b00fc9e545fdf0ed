"""What one sandbox provider is told at its start."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from typing import TYPE_CHECKING

from duoline.kernel import clock

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path


@dataclass(frozen=True)
class Merchant:
    """An account at the provider: who signs with which secret, and the name the buyer reads."""

    id: str
    secret: str
    name_zh: str
    name_en: str


@dataclass(frozen=True)
class SandboxSettings:
    """One provider.

    `path` is its ledger, one SQLite file. `public_url` is where browsers reach it, absolute or a path on
    the host that mounts it. `time_scale` multiplies every wait of the provider: 0.001 makes the day of
    callback retries pass in a minute and a half. `panel` shows what-should-go-wrong on the pay page.
    """

    path: Path
    merchants: tuple[Merchant, ...]
    public_url: str = "/sandbox"
    time_scale: float = 1.0
    panel: bool = True
    now: Callable[[], datetime] = clock.now


def merchant_secret(duoline_secret: str, merchant_id: str) -> str:
    """The signing secret of a merchant of the development provider, made from the installation's own.

    Provider and client of one installation agree on it without a further setting, and neither the
    provider's ledger nor a leaked merchant secret gives the installation's away.
    """
    return hmac.new(duoline_secret.encode(), f"sandbox:{merchant_id}".encode(), hashlib.sha256).hexdigest()
