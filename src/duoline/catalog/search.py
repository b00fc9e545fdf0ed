"""Reads what a person typed: suggestions while they type, and what they may have meant when nothing is found."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from duoline.catalog import tokens

if TYPE_CHECKING:
    from collections.abc import Iterable

    from duoline.catalog.queries import Reader
    from duoline.catalog.tokens import Query
    from duoline.catalog.vocabulary import Vocabulary, Word

WordKind = Literal["category", "brand", "word"]
SUGGESTED_WORDS: dict[WordKind, int] = {"category": 3, "brand": 3, "word": 4}
# Looked at for one prefix; a single letter may begin thousands.
LOOKED_AT_MAX = 2000
CORRECTED_LENGTH_MIN = 3

# Trigrams make two words of the same length that differ in one character about one third alike.
_NEAREST = """
SELECT word FROM search_words
 WHERE word % $1 AND products > 0
 ORDER BY similarity(word, $1) DESC, products DESC, word
 LIMIT 1
"""


class Suggestion(NamedTuple):
    """A brand, category or word that begins with what was typed."""

    kind: WordKind
    text: str
    code: str | None


def suggested_words(vocabulary: Vocabulary, typed: str) -> list[Suggestion]:
    """What begins with the typed text, categories first, the ones with most products first within a kind."""
    prefix = " ".join(tokens.folded(typed).split())
    if not prefix:
        return []
    by_kind: dict[WordKind, list[Word]] = {kind: [] for kind in SUGGESTED_WORDS}
    for n, word in enumerate(vocabulary.starting_with(prefix)):
        if n >= LOOKED_AT_MAX:
            break
        if word.products > 0:
            by_kind[word.kind].append(word)
    seen: set[str] = set()
    return [
        Suggestion(kind, word.text, word.code)
        for kind, most in SUGGESTED_WORDS.items()
        for word in _best(by_kind[kind], most, seen)
    ]


def _best(words: Iterable[Word], most: int, seen: set[str]) -> list[Word]:
    """The words with most products, without those that read like one that is there already."""
    found: list[Word] = []
    for word in sorted(words, key=lambda word: (-word.products, word.folded)):
        if len(found) < most and word.folded not in seen:
            seen.add(word.folded)
            found.append(word)
    return found


async def did_you_mean(reader: Reader, vocabulary: Vocabulary, query: Query) -> str | None:
    """The query with its unknown words replaced by the nearest known ones, or None when there are none near."""
    text = query.text
    for word in query.words:
        if len(word) < CORRECTED_LENGTH_MIN or word.isdecimal() or _known(vocabulary, word):
            continue
        rows = await reader.fetch(_NEAREST, word)
        if rows:
            text = text.replace(word, rows[0]["word"])
    return None if text == query.text else text


def _known(vocabulary: Vocabulary, word: str) -> bool:
    if tokens.is_chinese(word):
        return vocabulary.cutter.knows(word)
    return next(vocabulary.starting_with(word), None) is not None
