"""How the cells of a table become numbers, as far as a user may choose."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pellucid.errors import UsageError, nearest

SCALINGS = ("standardize", "robust", "minmax", "quantile", "none")
WORD_VALUES = ("presence", "count")
LARGEST_COUNT = 100_000


@dataclass(frozen=True)
class EncoderSettings:
    """Settings of :func:`pellucid.data.encoders.fit.fit_encoders`.

    Attributes
    ----------
    scaling : str
        What is done to numbers, each column for itself, after the training rows:

        - "standardize": the mean is taken away, and the result divided by the standard deviation.
        - "robust": the median is taken away, and the result divided by the distance of the quartiles; where they are
          equal, by half the range.
        - "minmax": the range becomes 0 to 1.
        - "quantile": the share of the training rows below the number, a line through at most 64 knots, brought to mean
          0 and variance 1. Numbers outside the range of the training rows become its ends.
        - "none": numbers stay as they are.
    limit : float
        Scaled numbers are brought between plus and minus this number, smoothly: x / sqrt(1 + (x / limit)^2). So a cell
        far from all others cannot outvote them. 0 for no limit; numbers that are not scaled have none.
    whitening : float
        Principal component analysis of the scaled and limited numbers: they are replaced by their principal components,
        each of variance 1 among the training rows. 1 keeps all components that vary, less only the first ones that
        together have this share of the variance, 0 leaves the numbers as they are.
    one_hot : int
        A column of at most so many categories gets one feature of 0 and 1 for each; a column of more is embedded: the
        network learns a vector for each of its categories.
    embedding_units : int
        The length of such a vector; 0 for a length after the number of categories n: 1.6 n^0.56, from 2 to 64.
    words : int
        How many words of a column of text are features: the most frequent ones of the training rows.
    word_values : str
        What they say of a cell: "presence", 0 or 1, or "count", how often the word occurs.

    Raises
    ------
    UsageError
        Where a setting does not exist or is out of its range.

    Source: for "robust" and the smooth limit, Holzmüller, Grinsztajn and Steinwart, Better by default: strong pre-tuned
    MLPs and boosted trees on tabular data, NeurIPS (2024); for the length of vectors, Howard and Gugger, fastai: a
    layered API for deep learning (2020).

    Examples
    --------
    >>> EncoderSettings(scaling="robust", limit=0.0)
    EncoderSettings(scaling='robust', limit=0.0, whitening=0.0, one_hot=32, embedding_units=0, words=100,
        word_values='presence')
    """

    scaling: str = "standardize"
    limit: float = 3.0
    whitening: float = 0.0
    one_hot: int = 32
    embedding_units: int = 0
    words: int = 100
    word_values: str = "presence"

    def __post_init__(self) -> None:
        _require_name("scaling", self.scaling, SCALINGS)
        _require_name("word_values", self.word_values, WORD_VALUES)
        for name, high in (("limit", 1e6), ("whitening", 1.0)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= high:
                raise UsageError("out of range", where=name, got=_show(value), expected=f"a number from 0 to {high:g}")
        for name in ("one_hot", "embedding_units", "words"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= LARGEST_COUNT:
                expected = f"a whole number from 0 to {LARGEST_COUNT}"
                raise UsageError("not a count", where=name, got=_show(value), expected=expected)

    def units(self, categories: int) -> int:
        """Return the length of the vectors for a column of so many categories.

        Examples
        --------
        >>> [EncoderSettings().units(count) for count in (33, 100, 1000, 100_000)]
        [11, 21, 64, 64]
        """
        return self.embedding_units or min(64, max(2, round(1.6 * categories**0.56)))


def _require_name(where: str, name: Any, known: tuple[str, ...]) -> None:
    if name not in known:
        raise UsageError(f"there is no {where} {_show(name)}", where=where, fix=nearest(str(name), known))


def _show(value: Any) -> str:
    return repr(value)[:80]
