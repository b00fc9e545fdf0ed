"""A text in both languages of the house."""

from __future__ import annotations

import msgspec


class Text(msgspec.Struct, frozen=True):
    """A text in both languages; where one is missing the other stands in for it."""

    zh: str
    en: str

    @property
    def filled(self) -> Text:
        """The same, the other language standing in for the one that is missing."""
        return self if self.zh and self.en else Text(self.zh or self.en, self.en or self.zh)


def plain(words: str) -> str:
    """What somebody typed, for a pattern of LIKE: its signs stand for themselves."""
    return words.strip().replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")
