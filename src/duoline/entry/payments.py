"""Connect the payment providers of this installation, and in development run the sandbox one beside the API."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from duoline.adapters.sandbox import Merchant, Provider, SandboxSettings, merchant_secret, mount, transfers
from duoline.adapters.sandbox_client import SandboxClient
from duoline.channels.http import doors
from duoline.channels.http.app import Parts
from duoline.entry.payee_wallets import PAYEES
from duoline.payments import payers, providers

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from litestar import Litestar

    from duoline.kernel.config import Settings

MERCHANT = "duoline"
FLOAT_MINOR = 10_000_000
"""What the development provider has of ours to pay out of, before anybody has paid: ¥100,000."""


def connect(settings: Settings) -> None:
    """Make the providers known to flows and jobs."""
    payers.connect(settings.secret)
    if settings.env == "development":
        providers.connect(
            SandboxClient(
                base_url=f"http://127.0.0.1:{settings.port}/sandbox",
                merchant_id=MERCHANT,
                secret=merchant_secret(settings.secret, MERCHANT),
            )
        )


def parts(settings: Settings) -> Parts:
    """The sandbox provider under /sandbox, with its own ledger. Only in development: it takes no real money."""
    if settings.env != "development":
        return Parts()
    provider = Provider(
        SandboxSettings(
            path=settings.sandbox_dir / "ledger.sqlite",
            merchants=(Merchant(MERCHANT, merchant_secret(settings.secret, MERCHANT), "双线母婴", "Duoline Baby"),),
        )
    )

    @asynccontextmanager
    async def running(_app: Litestar) -> AsyncIterator[None]:
        async with provider.running():
            await provider.transact(
                lambda books: transfers.prepare(books, MERCHANT, float_minor=FLOAT_MINOR, names=PAYEES)
            )
            yield

    route = mount(provider)
    route.opt.update(doors.development())
    return Parts(routes=[route], lifespan=[running])
