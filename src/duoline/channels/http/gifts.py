"""Gifts that come with a basket, as the faces show them, and what buyers say to them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import msgspec

from duoline import orders
from duoline.channels.http.answers import Input
from duoline.flows.basket import as_options
from duoline.flows.gifts import GiftWord
from duoline.flows.order_view import Image, image_of
from duoline.kernel.text import Text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from duoline.flows.gifts import Gift


class GiftInput(Input, frozen=True):
    """What the buyer says to a gift that they were shown: so many units of this article, or none (no `sku_id`)."""

    promotion_id: UUID
    sku_id: UUID | None = None
    quantity: Annotated[int, msgspec.Meta(ge=0, le=orders.QUANTITY_MAX)] = 0


Gifts = Annotated[list[GiftInput], msgspec.Meta(max_length=orders.LINES_MAX)]


class GiftOptionView(msgspec.Struct, frozen=True, kw_only=True):
    """An article that may be the gift, and how many units could be had of it."""

    sku_id: UUID
    sku_code: str
    name: Text
    options: list[dict[str, Any]]
    image: Image | None
    available: int


class GiftView(msgspec.Struct, frozen=True, kw_only=True):
    """A gift that is due with this basket: `due` units, of which `quantity` of `sku_id` are in it as a line of their
    own.

    Fewer when there are no more (`short`), none when the buyer has `declined`. `clawback`: who gives back what it was
    given for gives it back too, or pays for it.
    """

    promotion_id: UUID
    name: Text
    due: int
    quantity: int
    sku_id: UUID | None
    short: bool
    declined: bool
    clawback: bool
    options: list[GiftOptionView]


def words_of(given: Sequence[GiftInput] | None) -> list[GiftWord] | None:
    """What the buyer says; None when they say nothing."""
    return None if given is None else [GiftWord(one.promotion_id, one.sku_id, one.quantity) for one in given]


def gift_views(gifts: Sequence[Gift]) -> list[GiftView]:
    """The gifts of a basket."""
    return [
        GiftView(
            promotion_id=gift.promotion.id,
            name=gift.promotion.name.filled,
            due=gift.due,
            quantity=gift.quantity,
            sku_id=gift.sku_id,
            short=gift.quantity < gift.due and not gift.declined,
            declined=gift.declined,
            clawback=gift.promotion.clawback,
            options=[
                GiftOptionView(
                    sku_id=one.facts.sku_id,
                    sku_code=one.facts.sku_code,
                    name=Text(one.facts.name.zh, one.facts.name.en),
                    options=as_options(one.facts),
                    image=image_of(one.facts.image_sha),
                    available=one.available,
                )
                for one in gift.options
            ],
        )
        for gift in gifts
    ]
