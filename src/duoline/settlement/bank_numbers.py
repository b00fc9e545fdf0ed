"""The number of a bank account as people write it (pure): what it is, what is wrong with it, what looks wrong.

Banks number accounts as they like: a company's has no check digit, and of persons' only the cards have. So a wrong
check digit is said and refused nowhere.
"""

from __future__ import annotations

import re
import unicodedata

DIGITS_MIN, DIGITS_MAX = 12, 30
_SPACING = re.compile(r"[\s\u00b7-]+")
_CARD = re.compile(r"62[0-9]{14,17}")
_LONG = re.compile(rf"[0-9](?:[\s-]?[0-9]){{{DIGITS_MIN - 1},}}")


def plain(written: str) -> str:
    """The number alone: full-width digits as digits, without the spaces and dashes of a card."""
    return _SPACING.sub("", unicodedata.normalize("NFKC", written))


def problem(number: str) -> tuple[str, str] | None:
    """Why a number cannot be one, in Chinese and English, with what to do; None where it can."""
    if not re.fullmatch(r"[0-9]+", number):
        return (
            "账号只有数字(空格和横线不算)。请对照银行卡或开户证明再填。",
            "A bank account number has digits only (spaces and dashes aside); check it against the card.",
        )
    if not DIGITS_MIN <= len(number) <= DIGITS_MAX:
        return (
            f"账号是 12 到 30 位数字,现在是 {len(number)} 位。请对照银行卡或开户证明再填。",
            f"A bank account number has 12 to 30 digits, this one has {len(number)}; check it against the card.",
        )
    return None


def doubtful(number: str, *, owner: str) -> bool:
    """Whether the number of a person looks like a card (62..., 16 to 19 digits) whose check digit (Luhn) is wrong."""
    if owner != "person" or not _CARD.fullmatch(number):
        return False
    doubled = (int(each) * 2 for each in number[-2::-2])
    whole = sum(each - 9 if each > 9 else each for each in doubled) + sum(int(each) for each in number[::-2])
    return whole % 10 != 0


def masked(number: str) -> str:
    """The last four digits: what people know their card by."""
    return f"****{number[-4:]}"


def grouped(number: str) -> str:
    """In fours, as on the card. A spreadsheet that opens it takes it for the text it is, and not for 6.2E+18."""
    return " ".join(number[at : at + 4] for at in range(0, len(number), 4))


def within(text: str) -> bool:
    """Whether a number as long as an account's stands in a text that is shown to more people than may see it."""
    return _LONG.search(unicodedata.normalize("NFKC", text)) is not None
