"""What stands on a printed label, as it is handed to the process that draws it."""

from __future__ import annotations

from typing import Literal, NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit

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


class Reading(NamedTuple):
    """What a scanned label names: an article by the digits under its bars or by its product's code, and a shop."""

    gtin: str | None = None
    product_code: str | None = None
    store_code: str | None = None


def read_label(text: str) -> Reading:
    """What was scanned: bars, a label's QR (`digital_link`), or the QR of a shop's page. Nothing named: none of them.

    The host is not asked: an article's number means the same wherever it is printed.
    """
    text = text.strip()
    if text.isascii() and text.isdecimal():
        return Reading(gtin=text) if 8 <= len(text) <= 14 else Reading()
    try:
        link = urlsplit(text)
    except ValueError:
        return Reading()
    steps = [unquote(step) for step in link.path.split("/") if step]
    if link.scheme not in ("http", "https") or len(steps) != 2:
        return Reading()
    kind, name = steps
    store = parse_qs(link.query).get("store", [""])[0] or None
    if kind == "01" and name.isascii() and name.isdecimal() and 8 <= len(name) <= 14:
        return Reading(gtin=name, store_code=store)
    if kind == "p":
        return Reading(product_code=name, store_code=store)
    return Reading(store_code=name) if kind == "s" else Reading()


def digital_link(base: str, *, gtin: str | None, product_code: str, store_code: str | None) -> str:
    """The GS1 Digital Link of an article: `https://<host>/01/<GTIN of 14 digits>`, with the shop when it hangs in one.

    An article without a GTIN gets the address of its page. (GS1 Digital Link URI Syntax, 1.1: key 01 and no other.)
    """
    path = f"/01/{gtin.zfill(14)}" if gtin else f"/p/{product_code}"
    here = f"?store={store_code}" + ("" if gtin else "&scan=1") if store_code else ""
    return base.rstrip("/") + path + here
