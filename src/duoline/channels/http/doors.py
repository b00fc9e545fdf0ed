"""Doors: who may call a handler. Every handler names one; the application does not start otherwise.

A door is the `opt` of a handler. Keyword arguments name the objects that a request can point at, by the name of the
path parameter, query parameter or field: the authorisation test sends somebody else's object for each of them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from duoline.stores.rights import ALL_PERMISSIONS
from duoline.stores.system_keys import Right

KEY = "door"

# Master data and free words: seeing them is nobody's privilege, so there is nothing foreign about them.
SHARED = "shared"

Who = Literal["public", "visitor", "member", "staff", "system", "signed", "development"]


@dataclass(frozen=True)
class Door:
    """Who may come in, with which permission, and what the request may point at."""

    who: Who
    permission: str | None = None
    known: bool = False
    objects: dict[str, str] = field(default_factory=dict)


def public(**objects: str) -> dict[str, Any]:
    """Anybody."""
    return {KEY: Door("public", objects=objects)}


def visitor(**objects: str) -> dict[str, Any]:
    """Anybody; a guest member is made at the first write that asks for one."""
    return {KEY: Door("visitor", objects=objects)}


def member(*, known: bool = False, **objects: str) -> dict[str, Any]:
    """A session of a guest or member; with `known`, of a member who has logged in."""
    return {KEY: Door("member", known=known, objects=objects)}


def staff(permission: str | None, **objects: str) -> dict[str, Any]:
    """Staff with the permission somewhere; None for every member of staff about themselves."""
    if permission is not None and permission not in ALL_PERMISSIONS:
        raise ValueError(f"there is no permission {permission!r}; see stores/rights.py")
    return {KEY: Door("staff", permission=permission, objects=objects)}


def system(right: Right, **objects: str) -> dict[str, Any]:
    """Another system, with a key that headquarters made for this."""
    return {KEY: Door("system", permission=right, objects=objects)}


def signed(**objects: str) -> dict[str, Any]:
    """A machine that proves itself by a signature, which the handler checks."""
    return {KEY: Door("signed", objects=objects)}


def development(**objects: str) -> dict[str, Any]:
    """Anybody, in development only; elsewhere the path does not exist."""
    return {KEY: Door("development", objects=objects)}


WHO = get_args(Who)
