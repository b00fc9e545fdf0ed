"""Pure rules of the catalogue: barcodes, variants, and what a product still lacks.

Barcodes follow the GS1 General Specifications, section 7.9: the check digit makes the weighted sum of all
digits a multiple of ten, weights 3 and 1 alternating from the digit left of it. GTIN-8, -12 and -13 become
14 digits by zeros in front, which changes neither the check digit nor what they identify.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from duoline.catalog.errors import BadGtin
from duoline.catalog.types import Completeness, ProductFacts

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from duoline.catalog.types import Attribute, Option, Text

GTIN_LENGTHS = (8, 12, 13, 14)
CODE = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,38}[A-Za-z0-9])?")
KEY = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
NAME_LENGTH_MAX = 200
DESCRIPTION_LENGTH_MAX = 20_000
OPTIONS_MAX = 4
OPTION_VALUES_MAX = 100
ATTRIBUTES_MAX = 60
PICTURES_MAX = 20

Problem = dict[str, str]

_PROBLEMS = {
    "missing": ("必填", "is required"),
    "too-long": ("太长了", "is too long"),
    "too-many": ("太多了", "has too many entries"),
    "bad-count": ("数量不对", "takes at least one entry and not too many"),
    "bad-code": (
        "只能用字母、数字、点、横线和下划线,最多 40 个字符",
        "takes letters, digits, dots, dashes and underscores, 40 at most",
    ),
    "bad-key": ("只能用小写字母、数字、横线和下划线", "takes small letters, digits, dashes and underscores"),
    "twice": ("重复了", "is there already"),
    "unknown": ("没有这个选项", "is no option of this product"),
    "unknown-value": ("没有这个选项值", "is no value of this option"),
}


def problem(field: str, kind: str) -> Problem:
    """One thing that is wrong: the field, a stable word for programs, and sentences for people."""
    zh, en = _PROBLEMS[kind]
    return {"field": field, "problem": kind, "zh": zh, "en": en}


def check_digit(digits: str) -> str:
    """The digit that completes a GTIN whose other digits are given."""
    total = sum(int(digit) * (3 if place % 2 == 0 else 1) for place, digit in enumerate(reversed(digits)))
    return str(-total % 10)


def normal_gtin(text: str) -> str:
    """A barcode as 14 digits. Spaces and hyphens are ignored. Refuses with `BadGtin`."""
    digits = re.sub(r"[\s-]", "", text)
    if not re.fullmatch(r"[0-9]+", digits):
        raise BadGtin(gtin=text, reason_zh="只能是数字", reason_en="it takes digits only")
    if len(digits) not in GTIN_LENGTHS:
        raise BadGtin(gtin=text, reason_zh="应为 8、12、13 或 14 位", reason_en="it takes 8, 12, 13 or 14 digits")
    if check_digit(digits[:-1]) != digits[-1] or not digits.strip("0"):
        raise BadGtin(gtin=text, reason_zh="校验位不对", reason_en="the check digit does not fit")
    return digits.zfill(14)


def is_gtin(text: str) -> bool:
    """Whether a text is a barcode."""
    try:
        normal_gtin(text)
    except BadGtin:
        return False
    return True


def printed_gtin(gtin: str) -> str:
    """A stored barcode as it stands under the bars: 8, 13 or 14 digits (a GTIN-12 shows its leading zero)."""
    if gtin.startswith("000000"):
        return gtin[6:]
    return gtin[1:] if gtin.startswith("0") else gtin


def text_problems(field: str, text: Text, *, required: bool, longest: int = NAME_LENGTH_MAX) -> list[Problem]:
    """What is wrong with a localized text. One language is enough; the other then stands in for it."""
    if required and not (text.zh.strip() or text.en.strip()):
        return [problem(field, "missing")]
    if max(len(text.zh), len(text.en)) > longest:
        return [problem(field, "too-long")]
    return []


def code_problems(field: str, code: str) -> list[Problem]:
    """What is wrong with a code people read."""
    return [] if CODE.fullmatch(code) else [problem(field, "bad-code")]


def product_problems(
    name: Text, description: Text, options: Sequence[Option], attributes: Sequence[Attribute]
) -> list[Problem]:
    """What is wrong with the texts, options and attributes of a product."""
    found = text_problems("name", name, required=True)
    found += text_problems("description", description, required=False, longest=DESCRIPTION_LENGTH_MAX)
    found += _option_problems(options)
    if len(attributes) > ATTRIBUTES_MAX:
        found.append(problem("attributes", "too-many"))
    for n, attribute in enumerate(attributes):
        found += text_problems(f"attributes.{n}.name", attribute.name, required=True)
        found += text_problems(f"attributes.{n}.value", attribute.value, required=True)
    return found


def _option_problems(options: Sequence[Option]) -> list[Problem]:
    found: list[Problem] = []
    if len(options) > OPTIONS_MAX:
        found.append(problem("options", "too-many"))
    found += _key_problems("options", [option.key for option in options])
    for option in options:
        place = f"options.{option.key}"
        found += text_problems(f"{place}.name", option.name, required=True)
        if not 1 <= len(option.values) <= OPTION_VALUES_MAX:
            found.append(problem(f"{place}.values", "bad-count"))
        found += _key_problems(f"{place}.values", [value.key for value in option.values])
        for value in option.values:
            found += text_problems(f"{place}.values.{value.key}", value.name, required=True)
    return found


def _key_problems(field: str, keys: Sequence[str]) -> list[Problem]:
    found = [problem(field, "bad-key") for key in keys if not KEY.fullmatch(key)]
    if len(set(keys)) != len(keys):
        found.append(problem(field, "twice"))
    return found


def variant_problems(options: Sequence[Option], chosen: Mapping[str, str]) -> list[Problem]:
    """What is wrong with a variant's choices: it names every option of its product once, with a known value."""
    known = {option.key: {value.key for value in option.values} for option in options}
    found = [problem(f"options.{key}", "missing") for key in known if key not in chosen]
    found += [problem(f"options.{key}", "unknown") for key in chosen if key not in known]
    found += [
        problem(f"options.{key}", "unknown-value")
        for key, value in chosen.items()
        if key in known and value not in known[key]
    ]
    return found


def same_variant(others: Iterable[Mapping[str, str]], chosen: Mapping[str, str]) -> bool:
    """Whether an active variant already stands for these choices. Without options a product has one variant."""
    return any(dict(other) == dict(chosen) for other in others)


# What each touchpoint needs of a product, with its weight. A field that is missing costs its weight.
NEEDS: Mapping[str, Mapping[str, int]] = {
    "mall": {
        "name_zh": 20,
        "name_en": 5,
        "description_zh": 15,
        "description_en": 5,
        "picture": 25,
        "pictures_3": 5,
        "brand": 5,
        "attributes": 5,
        "sku": 10,
        "weight": 5,
    },
    "till": {"name_zh": 30, "sku": 30, "gtin": 40},
    "agent": {
        "name_zh": 10,
        "name_en": 10,
        "description_zh": 10,
        "description_en": 10,
        "picture": 10,
        "brand": 10,
        "gtin": 20,
        "attributes_3": 10,
        "sku": 10,
    },
}
PUBLISH_NEEDS = ("name_zh", "sku")


def completeness(facts: ProductFacts) -> dict[str, Completeness]:
    """For each touchpoint the score from 0 to 100 and the fields still missing, heaviest first."""
    has = _present(facts)
    return {touchpoint: _score(needs, has) for touchpoint, needs in NEEDS.items()}


def publish_missing(facts: ProductFacts) -> list[str]:
    """Without these a product cannot be published. Pictures and words may follow; a name and a SKU may not."""
    has = _present(facts)
    return [need for need in PUBLISH_NEEDS if not has[need]]


def _present(facts: ProductFacts) -> dict[str, bool]:
    return {
        "name_zh": bool(facts.name.zh.strip()),
        "name_en": bool(facts.name.en.strip()),
        "description_zh": bool(facts.description.zh.strip()),
        "description_en": bool(facts.description.en.strip()),
        "picture": facts.pictures >= 1,
        "pictures_3": facts.pictures >= 3,
        "brand": facts.branded,
        "attributes": facts.attributes >= 1,
        "attributes_3": facts.attributes >= 3,
        "sku": facts.skus >= 1,
        "gtin": facts.skus >= 1 and facts.skus_with_gtin == facts.skus,
        "weight": facts.skus >= 1 and facts.skus_with_weight == facts.skus,
    }


def _score(needs: Mapping[str, int], has: Mapping[str, bool]) -> Completeness:
    missing = sorted((need for need in needs if not has[need]), key=lambda need: -needs[need])
    whole = sum(needs.values())
    return Completeness(score=100 * (whole - sum(needs[need] for need in missing)) // whole, missing=missing)
