"""Under which keys a kept unit counts: the member, the device, the network address."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, NamedTuple

from duoline.kernel.ids import derived_id

if TYPE_CHECKING:
    from uuid import UUID


class Keeper(NamedTuple):
    """Who asks for a unit to be kept, from which device and network address."""

    member_id: UUID
    device_id: UUID
    address_id: UUID


def keeper_of(member_id: UUID, device_id: UUID, address: str, *, secret: str) -> Keeper:
    """The keys of a request. The address is kept nowhere: only who has the secret can tell that two came from one."""
    digest = hmac.digest(secret.encode(), b"favourite address\0" + address.encode(), "sha256")
    return Keeper(member_id, device_id, derived_id(digest))
