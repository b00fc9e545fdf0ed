"""From a text to search tokens, and from a query to what the index is asked for. Pure.

Index side: a run of Chinese characters becomes all its single characters and all its pairs; a Latin word
becomes itself. Every substring of one or two characters can then be found, which is what most Chinese product
words are. Cutting the text into words instead loses matches: 茶 inside 绿茶 would not be found.

Query side: runs of Chinese are cut into words first (`cutter`), then each word asks for its pairs. So 花西子口红
finds a product whose brand and noun stand far apart, because the pair 子口 is not asked for. Latin words match
as prefixes. All must be there.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING

from duoline.catalog.rules import is_gtin, normal_gtin, printed_gtin

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from duoline.catalog.cutter import Cutter

CJK = "\u3005\u3007\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003134f"
_RUNS = re.compile(rf"[{CJK}]+|[^\W_{CJK}]+")
_CHINESE = re.compile(rf"[{CJK}]")
QUERY_LENGTH_MAX = 100
QUERY_WORDS_MAX = 12
# One letter or digit as a prefix would match a good part of the catalogue.
PREFIX_LENGTH_MIN = 2
# Longer runs are no words; the index takes no token above two kilobytes.
LATIN_LENGTH_MAX = 64


def folded(text: str) -> str:
    """The text as it is compared: width, case and Latin accents taken away. Café, ＣＡＦＥ and cafe are one."""
    text = unicodedata.normalize("NFKC", text).casefold()
    return "".join(unicodedata.normalize("NFD", c)[0] if "\u00c0" <= c <= "\u024f" else c for c in text)


def runs(text: str) -> list[str]:
    """The runs of Chinese characters and the Latin words of a folded text, in order."""
    return _RUNS.findall(text)


def is_chinese(run: str) -> bool:
    """Whether a run is one of Chinese characters."""
    return _CHINESE.match(run) is not None


def pairs(run: str) -> list[str]:
    """The pairs of neighbouring characters; a single character is its own."""
    return [run[k : k + 2] for k in range(len(run) - 1)] or [run]


def tokens(texts: Iterable[str]) -> set[str]:
    """What the index holds of some texts."""
    return {token for text in texts for run in runs(folded(text)) for token in _grams(run)}


def _grams(run: str) -> Iterator[str]:
    if not is_chinese(run):
        yield run[:LATIN_LENGTH_MAX]
        return
    yield from run
    yield from pairs(run)


# Filters are tokens as well, so that one index answers words and filters together. No word holds a colon.
def category_token(code: str) -> str:
    """Stands in every product of the category and of those below it."""
    return f"c:{_solid(code)}"


def brand_token(code: str) -> str:
    """Stands in every product of the brand."""
    return f"b:{_solid(code)}"


def _solid(code: str) -> str:
    """Without spaces: tokens travel to the database separated by them."""
    return "_".join(code.split())


@dataclass(frozen=True)
class Query:
    """A query as the index understands it: its words in order, folded."""

    text: str
    words: tuple[str, ...]

    def tsquery(self, *filters: str) -> str:
        """The text of the tsquery: all words and all filter tokens. Empty when there is nothing to ask for."""
        asked = [term for word in self.words for term in _terms(word)]
        return " & ".join(dict.fromkeys(asked + [_quoted(token) for token in filters]))

    def relaxed(self) -> Query:
        """The same without the order of Chinese characters: each is asked for by itself."""
        return Query(self.text, tuple(c for word in self.words for c in (word if is_chinese(word) else [word])))

    def patterns(self) -> list[str]:
        """LIKE patterns, one a word, that a title must match to count as a hit in the title."""
        return [f"%{word}%" for word in self.words]


def parse(text: str, cutter: Cutter) -> Query:
    """Read what a person typed. More than `QUERY_WORDS_MAX` words are cut off: more never found more."""
    text = " ".join(folded(text[:QUERY_LENGTH_MAX]).split())
    if is_gtin(text):
        # However many zeros a scanner puts in front, and with or without spaces, it is the same barcode.
        return Query(text, (printed_gtin(normal_gtin(text)),))
    words: list[str] = []
    for run in runs(text):
        words += cutter.cut(run) if is_chinese(run) else [run]
    return Query(text, tuple(dict.fromkeys(words))[:QUERY_WORDS_MAX])


def _terms(word: str) -> list[str]:
    if is_chinese(word):
        return [_quoted(pair) for pair in pairs(word)]
    word = word[:LATIN_LENGTH_MAX]
    return [_quoted(word) + (":*" if len(word) >= PREFIX_LENGTH_MIN else "")]


def _quoted(token: str) -> str:
    """A lexeme for a tsquery. Runs hold no quotes or backslashes, codes might."""
    return "'" + token.replace("\\", "\\\\").replace("'", "''") + "'"
