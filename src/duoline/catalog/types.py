"""What the catalogue hands to others: facts of SKUs, localized texts, pictures."""

from __future__ import annotations

from enum import Enum
from typing import Annotated, Literal
from uuid import UUID

import msgspec

from duoline.kernel.text import Text as Text


class Choice(msgspec.Struct, frozen=True):
    """One choice a variant stands for, in words: colour, red."""

    name: Text
    value: Text


class SkuFacts(msgspec.Struct, frozen=True):
    """What every basket, queue and label needs to know of a SKU.

    `gtin` is written as under the bars of the label (8, 13 or 14 digits); `image_sha` is the variant's own
    picture, or the product's first; `sellable` says that the product is published and the SKU is active.
    """

    sku_id: UUID
    sku_code: str
    product_id: UUID
    product_code: str
    name: Text
    options: list[Choice]
    gtin: str | None
    image_sha: str | None
    sellable: bool
    weight_g: int
    unit: str
    category_id: UUID
    brand_id: UUID | None


class Publication(Enum):
    """Whether members may see and buy a product."""

    DRAFT = "draft"
    PUBLISHED = "published"
    WITHDRAWN = "withdrawn"


class OptionValue(msgspec.Struct, frozen=True):
    """One value a buyer may choose; `key` is what variants refer to and never changes."""

    key: str
    name: Text


class Option(msgspec.Struct, frozen=True):
    """One thing a buyer chooses: colour, size."""

    key: str
    name: Text
    values: list[OptionValue]


class Attribute(msgspec.Struct, frozen=True):
    """One line of a product's specification."""

    name: Text
    value: Text


class ProductFacts(msgspec.Struct, frozen=True):
    """What the completeness score looks at. Only active SKUs count."""

    name: Text
    description: Text
    branded: bool
    attributes: int
    pictures: int
    skus: int
    skus_with_gtin: int
    skus_with_weight: int


class Image(msgspec.Struct, frozen=True):
    """A picture as pages show it; the sizes are those of the full picture."""

    sha: str
    url: str
    thumb_url: str
    width: int
    height: int

    @classmethod
    def of(cls, sha: str, width: int, height: int) -> Image:
        """The picture with its addresses."""
        return cls(sha, f"/media/{sha}", f"/media/{sha}?w=320", width, height)


class CategoryStep(msgspec.Struct, frozen=True):
    """One category on the way from the top."""

    code: str
    name: Text


class CategoryPlace(msgspec.Struct, frozen=True):
    """The product's category and the way to it, itself last."""

    code: str
    name: Text
    path: list[CategoryStep]


class SkuDoc(msgspec.Struct, frozen=True):
    """A variant on the product page: for each option key the key of its value."""

    id: UUID
    code: str
    gtin: str | None
    options: dict[str, str]
    image_sha: str | None


class ProductDoc(msgspec.Struct, frozen=True):
    """Everything of a published product that is the same for every visitor and moment."""

    id: UUID
    code: str
    name: Text
    brand: Text | None
    category: CategoryPlace
    description: Text
    attributes: list[Attribute]
    options: list[Option]
    images: list[Image]
    skus: list[SkuDoc]


class CardDoc(msgspec.Struct, frozen=True):
    """The lasting part of a product's card in a list."""

    id: UUID
    code: str
    name: Text
    brand: Text | None
    image: Image | None
    sku_count: int


class Completeness(msgspec.Struct, frozen=True):
    """How well a touchpoint is served: 0 to 100, and what is missing, heaviest first."""

    score: int
    missing: list[str]


Code = Annotated[str, msgspec.Meta(min_length=1, max_length=40)]
Sha = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]


class NewProduct(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A product to be made. It starts as a draft, without SKUs. Without a code it gets one."""

    code: Code | None = None
    name: Text
    category: Code
    brand: Code | None = None
    description: Text = Text("", "")
    attributes: list[Attribute] = []
    options: list[Option] = []


class ProductEdit(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to change; a field that is left out stays. `version` is the one the editor has read."""

    version: int
    name: Text | msgspec.UnsetType = msgspec.UNSET
    category: Code | msgspec.UnsetType = msgspec.UNSET
    brand: Code | msgspec.UnsetType | None = msgspec.UNSET
    description: Text | msgspec.UnsetType = msgspec.UNSET
    attributes: list[Attribute] | msgspec.UnsetType = msgspec.UNSET
    options: list[Option] | msgspec.UnsetType = msgspec.UNSET


class NewSku(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A variant to be made: for each option key of the product the key of a value."""

    code: Code | None = None
    options: dict[str, str] = {}
    gtins: list[str] = []
    unit: Annotated[str, msgspec.Meta(min_length=1, max_length=20)] = "piece"
    weight_g: Annotated[int, msgspec.Meta(ge=0, le=1_000_000)] = 0


class SkuEdit(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to change of a variant. What it stands for never changes: orders and shelves know it as that."""

    unit: Annotated[str, msgspec.Meta(min_length=1, max_length=20)] | msgspec.UnsetType = msgspec.UNSET
    weight_g: Annotated[int, msgspec.Meta(ge=0, le=1_000_000)] | msgspec.UnsetType = msgspec.UNSET
    position: Annotated[int, msgspec.Meta(ge=0, le=10_000)] | msgspec.UnsetType = msgspec.UNSET
    image_sha: Sha | msgspec.UnsetType | None = msgspec.UNSET
    state: Literal["active", "withdrawn"] | msgspec.UnsetType = msgspec.UNSET


class NewCategory(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A category to be made, at the top or below another."""

    code: Code
    name: Text
    parent_code: Code | None = None
    position: Annotated[int, msgspec.Meta(ge=0, le=100_000)] = 0


class CategoryEdit(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to change of a category; a field that is left out stays."""

    name: Text | msgspec.UnsetType = msgspec.UNSET
    parent_code: Code | msgspec.UnsetType | None = msgspec.UNSET
    position: Annotated[int, msgspec.Meta(ge=0, le=100_000)] | msgspec.UnsetType = msgspec.UNSET
    image_sha: Sha | msgspec.UnsetType | None = msgspec.UNSET
