"""The providers this installation is connected to. Filled by the composition root, read by flows and jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from duoline.kernel.errors import Unavailable
from duoline.payments.provider import TransferProvider

if TYPE_CHECKING:
    from duoline.payments.provider import PaymentProvider

_connected: dict[str, PaymentProvider] = {}


def connect(provider: PaymentProvider) -> None:
    """Make a provider known by its name; the latest of a name counts."""
    _connected[provider.name] = provider


def online() -> str | None:
    """The provider that members pay online with: the one that was connected last. None where there is none."""
    return next(reversed(_connected), None)


def connected(name: str) -> bool:
    """Whether this installation can ask the provider of that name."""
    return name in _connected


def named(name: str) -> PaymentProvider:
    """The provider of that name. `Unavailable` when this installation is not connected to it."""
    try:
        return _connected[name]
    except KeyError:
        raise Unavailable(f"payment provider {name} is not connected") from None


def transferring(name: str) -> TransferProvider:
    """The provider of that name, to be asked for transfers. `Unavailable` when this installation is not connected to
    it, or it pays nothing out."""
    provider = named(name)
    if not isinstance(provider, TransferProvider):
        raise Unavailable(f"payment provider {name} makes no transfers")
    return provider


def pays_out() -> str | None:
    """The provider that payees are paid by: the one that was connected last and makes transfers. None where there is
    none."""
    return next((name for name, one in reversed(_connected.items()) if isinstance(one, TransferProvider)), None)
