"""A member's delivery addresses: at most twenty, one of them the default."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import msgspec

from duoline.kernel import clock
from duoline.kernel.errors import NotFound
from duoline.kernel.ids import new_id
from duoline.members import access, consents
from duoline.members.errors import TooManyAddresses

if TYPE_CHECKING:
    from duoline.kernel.db import Database, Tx

LIMIT = 20

Latitude = Annotated[float, msgspec.Meta(ge=-90, le=90)]
Longitude = Annotated[float, msgspec.Meta(ge=-180, le=180)]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=40)]
Place = Annotated[str, msgspec.Meta(max_length=40)]
Line = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class AddressFields(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a person fills in. `phone` is how the courier reaches the receiver."""

    name: Name
    phone: Annotated[str, msgspec.Meta(min_length=3, max_length=30)]
    province: Place
    city: Place
    district: Place = ""
    line: Line
    lat: Latitude | None = None
    lon: Longitude | None = None


class Address(msgspec.Struct, frozen=True, kw_only=True):
    """A stored address."""

    id: UUID
    name: str
    phone: str
    province: str
    city: str
    district: str
    line: str
    lat: float | None
    lon: float | None
    is_default: bool


def spelt(text: str) -> str:
    """A place as two spellings of it are compared: without spaces, in one width, in small letters."""
    return "".join(unicodedata.normalize("NFKC", text).casefold().split())


_COLUMNS = "id, name, phone, province, city, district, line, lat, lon, is_default"


async def of(db: Database | Tx, member_id: UUID) -> list[Address]:
    """The member's addresses, the default first, then the newest."""
    rows = await db.fetch(
        f"SELECT {_COLUMNS} FROM addresses WHERE member_id = $1 ORDER BY is_default DESC, created_at DESC, id",  # noqa: S608 - our own columns
        member_id,
    )
    return [Address(**dict(row)) for row in rows]


async def get(db: Database | Tx, member_id: UUID, address_id: UUID) -> Address:
    """One of the member's addresses. Refuses with `NotFound`."""
    row = await db.fetchrow(
        f"SELECT {_COLUMNS} FROM addresses WHERE member_id = $1 AND id = $2",  # noqa: S608 - our own columns
        member_id,
        address_id,
    )
    if row is None:
        raise NotFound(kind="address")
    return Address(**dict(row))


async def add(tx: Tx, member_id: UUID, fields: AddressFields, *, is_default: bool) -> Address:
    """Add one; the first is always the default. Coordinates are kept of members who agreed to it.

    Refuses with `TooManyAddresses`. Locks the member."""
    await access.lock(tx, member_id)
    have = await tx.fetchval("SELECT count(*) FROM addresses WHERE member_id = $1", member_id)
    if have >= LIMIT:
        raise TooManyAddresses(limit=LIMIT)
    is_default = is_default or have == 0
    if is_default:
        await _clear_default(tx, member_id)
    address_id, now = new_id(), clock.now()
    await tx.execute(
        "INSERT INTO addresses (member_id, id, name, phone, province, city, district, line, lat, lon, is_default,"
        " created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $12)",
        member_id,
        address_id,
        *_values(await _as_allowed(tx, member_id, fields)),
        is_default,
        now,
    )
    return await get(tx, member_id, address_id)


async def change(
    tx: Tx, member_id: UUID, address_id: UUID, fields: AddressFields, *, is_default: bool | None
) -> Address:
    """Replace what is written in it. Refuses with `NotFound`. Orders keep the address they were placed with."""
    await access.lock(tx, member_id)
    before = await get(tx, member_id, address_id)
    if is_default and not before.is_default:
        await _clear_default(tx, member_id)
    await tx.execute(
        "UPDATE addresses SET name = $3, phone = $4, province = $5, city = $6, district = $7, line = $8, lat = $9,"
        " lon = $10, is_default = $11, updated_at = $12 WHERE member_id = $1 AND id = $2",
        member_id,
        address_id,
        *_values(await _as_allowed(tx, member_id, fields)),
        before.is_default or bool(is_default),
        clock.now(),
    )
    return await get(tx, member_id, address_id)


async def _as_allowed(tx: Tx, member_id: UUID, fields: AddressFields) -> AddressFields:
    """The address as it may be kept: with its coordinates only if the member agreed to their location being kept."""
    if fields.lat is None and fields.lon is None:
        return fields
    if await consents.allowed(tx, member_id, "location"):
        return fields
    consents.count_refused("location", door="members.addresses")
    return msgspec.structs.replace(fields, lat=None, lon=None)


async def remove(tx: Tx, member_id: UUID, address_id: UUID) -> None:
    """Delete it; the newest of the others becomes the default. Refuses with `NotFound`."""
    await access.lock(tx, member_id)
    before = await get(tx, member_id, address_id)
    await tx.execute("DELETE FROM addresses WHERE member_id = $1 AND id = $2", member_id, address_id)
    if before.is_default:
        await tx.execute(
            "UPDATE addresses SET is_default = true WHERE member_id = $1 AND id ="
            " (SELECT id FROM addresses WHERE member_id = $1 ORDER BY created_at DESC, id LIMIT 1)",
            member_id,
        )


def _values(fields: AddressFields) -> tuple[str | float | None, ...]:
    return (
        fields.name.strip(),
        fields.phone.strip(),
        fields.province.strip(),
        fields.city.strip(),
        fields.district.strip(),
        fields.line.strip(),
        fields.lat,
        fields.lon,
    )


async def _clear_default(tx: Tx, member_id: UUID) -> None:
    await tx.execute("UPDATE addresses SET is_default = false WHERE member_id = $1 AND is_default", member_id)
