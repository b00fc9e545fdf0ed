"""Codes of touchpoints: eight characters that nobody confuses, and the short link they stand in."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import quote

from duoline.kernel import ids

if TYPE_CHECKING:
    from duoline.attribution.types import Target

LENGTH = 8
_CODE = re.compile(r"[0-9A-HJKMNP-TV-Z]{8}")
_LOOKALIKES = str.maketrans("OIL", "011")


def new_code() -> str:
    """Forty random bits. It is no secret: it hangs on walls, and opens nothing."""
    return ids.code(LENGTH)


def tidy(text: str) -> str | None:
    """A code as it was meant, or None for what is none: in capitals, letters that look like digits as digits."""
    code = text.strip().upper().translate(_LOOKALIKES)
    return code if _CODE.fullmatch(code) else None


def short_link(base: str, code: str, *, printed: bool = False) -> str:
    """The address that stands in messages, or, `printed`, in a QR: the two are told apart when they are opened."""
    return f"{base.rstrip('/')}/t/{code}" + ("?v=q" if printed else "")


def path_of(target: Target, code: str | None) -> str:
    """The page in the mall where it leads. `t` tells the page who sent its reader; None for nobody."""
    name = quote(target.name, safe="")
    path = {
        "home": "/",
        "product": f"/p/{name}",
        "category": f"/search?category={name}",
        "store": f"/s/{name}",
        "coupon": f"/coupons?tab=centre&batch={name}",
        "outfit": f"/outfits/{name}",
        "guide": f"/guide/{code}",
    }[target.kind]
    return path if target.kind == "guide" or code is None else f"{path}{'&' if '?' in path else '?'}t={code}"
