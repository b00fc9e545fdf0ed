"""What search engines, link previews and readers without scripts get of a page: title, og:*, JSON-LD, plain words.

Pure: from the answers of the API and the built shell to a page. Everything that comes from data is escaped here,
for HTML by `escape`, for JSON inside a script by turning every `<` into `\\u003c`, so that no product name
can close the script it stands in.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any

import msgspec

from duoline.attribution import Look
from duoline.catalog.types import Image
from duoline.channels.mall.catalogue_types import Home, LiveSku, ProductCard, ProductPage, SearchPage
from duoline.channels.mall.stores import StorePage
from duoline.kernel.money import Money, exponent_of
from duoline.kernel.text import Text

DESCRIPTION_LENGTH = 160
TILES_SHOWN = 10
PICTURES_FIRST = 4
NAME = Text("双线 Duoline", "Duoline")
SLOGAN = Text(
    "附近门店现货,今天就能取;也可以送货到家。同一份库存,同一个价。",
    "See what shops near you have, collect today, or have it sent home. One stock, one price.",
)
ALL = Text("全部商品", "All products")
MISSING = Text("没有找到这个页面", "Page not found")
ENDED = Text("这个码已经停用", "This code has ended")

_LOCALES = {"zh": ("zh-CN", "zh_CN"), "en": ("en", "en_US")}
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_TITLE = re.compile(r"<title>.*?</title>", re.DOTALL)
_LANG = re.compile(r'(<html[^>]*\blang=")[^"]*(")')
_APP = re.compile(r'(<div id="app"[^>]*>)\s*(</div>)')


@dataclass(frozen=True)
class Head:
    """One page: what goes into its head and its body. `path` is where it lives; `boot` is the API's answer."""

    title: str
    description: str
    path: str
    kind: str = "website"
    image: str | None = None
    data: list[dict[str, Any]] = field(default_factory=list)
    body: str = ""
    boot: bytes | None = None
    needs: Sequence[str] = ()


def render(shell: str, head: Head, *, public_url: str, language: str) -> str:
    """The built page with this head and body put in."""
    html_lang, og_locale = _LOCALES[language]
    url = public_url + head.path
    meta = [
        ("property", "og:title", head.title),
        ("property", "og:description", head.description),
        ("property", "og:type", head.kind),
        ("property", "og:url", url),
        ("property", "og:site_name", getattr(NAME, language)),
        ("property", "og:locale", og_locale),
        ("name", "description", head.description),
        ("name", "twitter:card", "summary_large_image" if head.image else "summary"),
    ]
    if head.image:
        meta.append(("property", "og:image", public_url + head.image))
    lines = [f"<title>{escape(head.title)}</title>", f'<link rel="canonical" href="{escape(url)}">']
    lines += [f'<meta {kind}="{name}" content="{escape(content)}">' for kind, name, content in meta]
    lines += [script(msgspec.json.encode(data), 'type="application/ld+json"') for data in head.data]
    lines += [
        f'<link rel="preload" as="style" href="{file}" crossorigin>'
        if file.endswith(".css")
        else f'<link rel="modulepreload" href="{file}" crossorigin>'
        for file in head.needs
    ]
    if head.boot is not None:
        lines.append(script(head.boot, 'type="application/json" id="boot"'))
    page = _LANG.sub(rf"\g<1>{html_lang}\g<2>", shell, count=1)
    # Functions as replacements: a backslash in a product's name must not be read as a group.
    page = _TITLE.sub(lambda _: "\n    ".join(lines), page, count=1)
    return _APP.sub(lambda match: f"{match[1]}{head.body}{match[2]}", page, count=1)


def script(json: bytes, attributes: str) -> str:
    """A script element of data. The browser runs none of it."""
    text = json.decode().replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
    return f"<script {attributes}>{text}</script>"


def home(page: Home, raw: bytes, language: str, public_url: str) -> Head:
    """The first page. Its categories and newest articles stand in it before any script has come."""
    data = {
        "@context": "https://schema.org",
        "@type": "WebSite",
        "name": getattr(NAME, language),
        "url": f"{public_url}/",
        "potentialAction": {
            "@type": "SearchAction",
            "target": f"{public_url}/search?q={{q}}",
            "query-input": "required name=q",
        },
    }
    words = getattr(SLOGAN, language)
    name = getattr(NAME, language)
    top = "".join(
        f'<a href="/search?category={escape(each.code)}">{_picture(each.image)}'
        f"<span>{escape(getattr(each.name, language))}</span></a>"
        for each in page.categories[:TILES_SHOWN]
    )
    body = f"<h1>{escape(name)}</h1><p>{escape(words)}</p><nav>{top}</nav>{_goods(page.feed, language)}"
    return Head(name, words, "/", data=[data], body=f'<div class="early home">{body}</div>', boot=raw)


def search(page: SearchPage, raw: bytes, q: str, path: str, language: str, public_url: str) -> Head:
    """What was searched for, by words or by category."""
    name = q or getattr(ALL, language)
    body = f'<div class="early found"><h1>{escape(name)}</h1>{_goods(page.items, language)}</div>'
    return Head(f"{name} - {getattr(NAME, language)}", getattr(SLOGAN, language), path, body=body, boot=raw)


def _goods(cards: Sequence[ProductCard], language: str) -> str:
    """Articles as links, the first with their pictures: what a slow phone shows while it reads scripts."""
    rows = [
        f'<li><a href="/p/{escape(card.code)}">{_picture(card.image) if n < PICTURES_FIRST else ""}'
        f"<span>{escape(getattr(card.name, language))}</span><b>{escape(price_words(card.price))}</b></a></li>"
        for n, card in enumerate(cards)
    ]
    return f"<ul>{''.join(rows)}</ul>"


def _picture(image: Image | None) -> str:
    if image is None:
        return ""
    return f'<img src="{escape(image.thumb_url)}" alt="" width="{image.width}" height="{image.height}">'


def missing(path: str, language: str) -> Head:
    """A page that is not there."""
    words = getattr(MISSING, language)
    return Head(f"{words} - {getattr(NAME, language)}", words, path, body=f"<h1>{escape(words)}</h1>")


def ended(path: str, language: str) -> Head:
    """A short link that leads nowhere any more."""
    words = getattr(ENDED, language)
    return Head(f"{words} - {getattr(NAME, language)}", words, path, body=f"<h1>{escape(words)}</h1>")


def outfit(look: Look, path: str, language: str) -> Head:
    """An outfit under the words of its maker."""
    words = look.note or getattr(SLOGAN, language)
    title = f"{look.name} - {getattr(NAME, language)}"
    return Head(title, shortened(words), path, body=f"<h1>{escape(look.name)}</h1><p>{escape(words)}</p>")


def product(page: ProductPage, raw: bytes, language: str, public_url: str) -> Head:
    """A product page."""
    doc = page.product
    name, words = getattr(doc.name, language), getattr(doc.description, language)
    description = shortened(words or name)
    path = f"/p/{doc.code}"
    images = [public_url + image.url for image in doc.images]
    data: dict[str, Any] = {
        "@context": "https://schema.org",
        "@type": "Product",
        "name": name,
        "sku": doc.code,
        "description": shortened(words or name, 5000),
        "category": " > ".join(getattr(step.name, language) for step in doc.category.path),
        "url": public_url + path,
        "offers": [_offer(page, live, public_url + path) for live in page.live],
    }
    if images:
        data["image"] = images
    if doc.brand:
        data["brand"] = {"@type": "Brand", "name": getattr(doc.brand, language)}
    picture = doc.images[0] if doc.images else None
    body = [f"<h1>{escape(name)}</h1>"]
    if page.live:
        low = min((live.price for live in page.live), key=lambda price: price.minor)
        body.append(f"<p>{escape(price_words(low))}</p>")
    if picture:
        body.append(
            f'<img src="/media/{picture.sha}?w=800" alt="{escape(name)}" width="{picture.width}"'
            f' height="{picture.height}" fetchpriority="high">'
        )
    if words:
        body.append(f"<p>{escape(words)}</p>")
    return Head(
        title=f"{name} - {getattr(NAME, language)}",
        description=description,
        path=path,
        kind="product",
        image=picture.url if picture else None,
        data=[data, _crumbs(page, language, public_url)],
        body=f'<div class="early article">{"".join(body)}</div>',
        boot=raw,
    )


def _offer(page: ProductPage, live: LiveSku, url: str) -> dict[str, Any]:
    sku = next((sku for sku in page.product.skus if sku.id == live.sku_id), None)
    there = live.online_available > 0 or (live.store_available or 0) > 0
    offer: dict[str, Any] = {
        "@type": "Offer",
        "url": url,
        "price": decimal(live.price),
        "priceCurrency": live.price.currency,
        "availability": f"https://schema.org/{'InStock' if there else 'OutOfStock'}",
        "itemCondition": "https://schema.org/NewCondition",
    }
    if sku:
        offer["sku"] = sku.code
        if sku.gtin:
            offer["gtin"] = sku.gtin
    return offer


def _crumbs(page: ProductPage, language: str, public_url: str) -> dict[str, Any]:
    steps = page.product.category.path
    return {
        "@context": "https://schema.org",
        "@type": "BreadcrumbList",
        "itemListElement": [
            {
                "@type": "ListItem",
                "position": n,
                "name": getattr(step.name, language),
                "item": f"{public_url}/search?category={step.code}",
            }
            for n, step in enumerate(steps, 1)
        ],
    }


def store(page: StorePage, language: str, public_url: str, *, place: tuple[str, str]) -> Head:
    """The page of a store; `place` is its province and city."""
    name, address = getattr(page.name, language), getattr(page.address, language)
    path = f"/s/{page.code}"
    province, city = place
    data = {
        "@context": "https://schema.org",
        "@type": "Store",
        "name": name,
        "url": public_url + path,
        "telephone": page.phone,
        "address": {
            "@type": "PostalAddress",
            "streetAddress": address,
            "addressLocality": city,
            "addressRegion": province,
            "addressCountry": "CN",
        },
        "geo": {"@type": "GeoCoordinates", "latitude": page.lat, "longitude": page.lon},
        "openingHoursSpecification": [
            {
                "@type": "OpeningHoursSpecification",
                "dayOfWeek": f"https://schema.org/{day}",
                "opens": span.opens,
                "closes": span.closes,
            }
            for day, spans in zip(_DAYS, page.week, strict=True)
            for span in spans
        ],
    }
    return Head(
        title=f"{name} - {getattr(NAME, language)}",
        description=shortened(f"{name} {address} {page.phone}"),
        path=path,
        kind="business.business",
        data=[data],
        body=f"<h1>{escape(name)}</h1><p>{escape(address)}</p><p>{escape(page.phone)}</p>",
        boot=msgspec.json.encode(page),
    )


def decimal(money: Money) -> str:
    """The amount as a decimal number: 19.90."""
    return str(money).removesuffix(f" {money.currency}")


def price_words(money: Money) -> str:
    """The amount as people write it."""
    sign = {"CNY": "¥", "USD": "$", "EUR": "€"}.get(money.currency)
    if not sign or not exponent_of(money.currency):
        return str(money)
    whole, _, cents = decimal(money).partition(".")
    return f"{sign}{int(whole):,}.{cents}"


def shortened(text: str, longest: int = DESCRIPTION_LENGTH) -> str:
    """On one line, and no longer than a preview shows."""
    line = " ".join(text.split())
    return line if len(line) <= longest else line[: longest - 1].rstrip() + "…"
