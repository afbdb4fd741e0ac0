"""Text as a bag of words."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np

WORD = re.compile(r"\w+")
LONGEST_WORD = 64


def split_words(text: str) -> Iterator[str]:
    """Yield the words of a text in lower case: all longest runs of letters, digits and underscores, as Unicode has it.

    Runs of more than 64 are no words.

    Examples
    --------
    >>> list(split_words("Très BON marché - 2x!"))
    ['très', 'bon', 'marché', '2x']
    """
    for match in WORD.finditer(text.lower()):
        if match.end() - match.start() <= LONGEST_WORD:
            yield match.group()


def find_words(texts: Sequence[str], weights: np.ndarray | None, count: int) -> tuple[str, ...]:
    """Return the words of most texts, the most frequent first, equally frequent ones in alphabetical order.

    Parameters
    ----------
    texts : sequence of str
    weights : ndarray of float64, optional, [texts]
        How much each text counts; a word counts once a text.
    count : int
        How many words at most.

    Examples
    --------
    >>> find_words(["to be", "or not to be", "or"], None, 3)
    ('be', 'or', 'to')
    """
    # Equal texts, of which tables have many, are looked at once.
    shares: Counter[str] = Counter()
    for text, weight in zip(texts, np.ones(len(texts)) if weights is None else weights, strict=True):
        shares[text] += float(weight)  # type: ignore[assignment]
    frequencies: Counter[str] = Counter()
    for text, weight in shares.items():
        for word in set(split_words(text)):
            frequencies[word] += weight
    return tuple(sorted(frequencies, key=lambda word: (-frequencies[word], word))[:count])


def read_words(texts: Sequence[str], words: Sequence[str], counted: bool) -> np.ndarray:
    """Return 1 where a text has a word and 0 elsewhere, or how often it has it, float32 [texts, words].

    Examples
    --------
    >>> read_words(["Cheap, cheap!", "good"], ["cheap", "good"], counted=True).tolist()
    [[2.0, 0.0], [0.0, 1.0]]
    """
    places = {word: place for place, word in enumerate(words)}
    values = np.zeros((len(texts), len(words)), np.float32)
    for row, text in enumerate(texts):
        for word in split_words(text):
            place = places.get(word)
            if place is not None:
                values[row, place] = values[row, place] + 1 if counted else 1
    return values
