"""Cuts a run of Chinese characters into words: the likeliest way by word frequencies.

The algorithm is that of jieba without its guesses at unknown words: over all ways to cut the run into known
words and single characters take the one with the greatest product of frequencies, from the right, by dynamic
programming. Written here because it is thirty lines, and jieba's own form of it costs ten times the memory:
its dictionary holds every prefix of 350,000 words. Characters left over between words stay together, so
that an unknown brand is asked for by its pairs and not by its single characters.
"""

from __future__ import annotations

from math import log
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

# Longer words are kept only as their parts; nobody types them without a space.
WORD_LENGTH_MAX = 8
# Names of the catalogue go before every word of the language.
OWN_FREQUENCY = 1_000_000


class Cutter:
    """A dictionary of words with their frequencies, ready to cut."""

    def __init__(self, frequencies: Mapping[str, int]) -> None:
        self._words = {word: n for word, n in frequencies.items() if n > 0 and len(word) <= WORD_LENGTH_MAX}
        self._log_total = log(sum(self._words.values()) or 1)
        self._longest = max(map(len, self._words), default=1)

    def __len__(self) -> int:
        return len(self._words)

    def knows(self, word: str) -> bool:
        """Whether a word is in the dictionary."""
        return word in self._words

    def cut(self, run: str) -> list[str]:
        """The words of a run; unknown characters between them stay together."""
        return list(_joined(self._likeliest(run), self._words))

    def _likeliest(self, run: str) -> list[str]:
        best: list[tuple[float, int]] = [(0.0, 0)] * (len(run) + 1)
        for start in range(len(run) - 1, -1, -1):
            best[start] = max(
                (self._weight(run[start:end]) + best[end][0], end)
                for end in range(start + 1, min(start + self._longest, len(run)) + 1)
                if end == start + 1 or run[start:end] in self._words
            )
        parts, start = [], 0
        while start < len(run):
            end = best[start][1]
            parts.append(run[start:end])
            start = end
        return parts

    def _weight(self, word: str) -> float:
        return log(self._words.get(word, 1)) - self._log_total


def own_cutter(words: Mapping[str, int], *, brands: Iterable[str], categories: Iterable[str]) -> Cutter:
    """A cutter with the catalogue's own names on top of some words.

    Brands are always one word, whatever their parts mean elsewhere. The name of a category is one only if its parts
    are no words: 有机米粉 asks for 有机 and 米粉, and so finds 有机高铁米粉 too.
    """
    known = {**words, **dict.fromkeys(filter(_longer, brands), OWN_FREQUENCY)}
    base = Cutter(known)
    whole = (name for name in categories if not all(_longer(part) and base.knows(part) for part in base.cut(name)))
    return Cutter({**known, **dict.fromkeys(filter(_longer, whole), OWN_FREQUENCY)})


def _longer(word: str) -> bool:
    return len(word) >= 2


def _joined(parts: list[str], words: Mapping[str, int]) -> Iterator[str]:
    unknown = ""
    for part in parts:
        if len(part) == 1 and part not in words:
            unknown += part
            continue
        if unknown:
            yield unknown
            unknown = ""
        yield part
    if unknown:
        yield unknown
