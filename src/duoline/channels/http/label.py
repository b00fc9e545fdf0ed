"""What stands on a printed label, as it is handed to the process that draws it."""

from __future__ import annotations

from typing import Literal

import msgspec

Sheet = Literal["shelf", "qr"]


class Label(msgspec.Struct, frozen=True):
    """One label. `gtin` as printed under the bars (8, 13 or 14 digits) or None; `link` is what the QR says."""

    name_zh: str
    name_en: str
    options: str
    sku_code: str
    gtin: str | None
    price: str
    shelf: str
    link: str


class Job(msgspec.Struct, frozen=True):
    """A document to draw: labels for shelves, or QR codes to stick on products."""

    sheet: Sheet
    title: str
    labels: list[Label]


def digital_link(base: str, *, gtin: str | None, product_code: str, store_code: str | None) -> str:
    """The GS1 Digital Link of an article: `https://<host>/01/<GTIN of 14 digits>`, with the shop when it hangs in one.

    An article without a GTIN gets the address of its page. (GS1 Digital Link URI Syntax, 1.1: key 01 and no other.)
    """
    path = f"/01/{gtin.zfill(14)}" if gtin else f"/p/{product_code}"
    here = f"?store={store_code}" + ("" if gtin else "&scan=1") if store_code else ""
    return base.rstrip("/") + path + here
