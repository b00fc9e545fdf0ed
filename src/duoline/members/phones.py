"""Telephone numbers: how they are written, kept and shown. Pure."""

from __future__ import annotations

import re
import unicodedata

from duoline.members.errors import BadPhone

_MAINLAND = re.compile(r"(?:\+?86|0086)?(1[3-9]\d{9})")
_FOREIGN = re.compile(r"\+[1-9]\d{6,14}")
_ORNAMENTS = re.compile(r"[\s()\-.·]")
LENGTH_MAX = 30


def normalise(text: str) -> str:
    """The number in E.164 form; a mainland mobile number may come bare, with 86, +86 or 0086, and in full-width digits.

    Refuses with `BadPhone`. Numbers of other countries need their `+`.
    """
    if len(text) > LENGTH_MAX:
        raise BadPhone
    plain = _ORNAMENTS.sub("", unicodedata.normalize("NFKC", text))
    if not plain.isascii():
        raise BadPhone
    if match := _MAINLAND.fullmatch(plain):
        return "+86" + match[1]
    if _FOREIGN.fullmatch(plain) and not plain.startswith("+86"):
        return plain
    raise BadPhone


def as_kept(text: str) -> str:
    """A number that somebody typed for others to call, as it is kept: in E.164 form; of what is none that we know, a
    shop's line for one, the text itself."""
    try:
        return normalise(text)
    except BadPhone:
        return text


def national(phone: str) -> str:
    """As people at home write it: without +86."""
    return phone.removeprefix("+86")


def masked(phone: str | None) -> str | None:
    """For the screen: 138****1234."""
    if not phone:
        return None
    shown = national(phone)
    return f"{shown[:3]}****{shown[-4:]}"
