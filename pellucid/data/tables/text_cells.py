"""Collect cells of text, many at once, so that equal ones share their memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pellucid.data.tables.columns import NUMBER, BadCell, Column, none_missing
from pellucid.data.tables.growing import GrowingArray

if TYPE_CHECKING:
    import pyarrow as pa

MOSTLY = 0.9
SHARED_WORDS = 100_000


class TextCells:
    """The cells of one column of text, block by block.

    A column of few words takes 8 bytes a row; a word that no other cell holds takes about 60 bytes and its letters.

    Parameters
    ----------
    rows : int
        About how many rows will come.
    """

    def __init__(self, rows: int = 0) -> None:
        self.values = GrowingArray(rows)
        self.missing: list[np.ndarray] = []
        self.known: dict[str, str] = {}
        self.rows = self.present = self.numbers = 0
        self.bad: tuple[int, str] | None = None

    def add(self, cells: pa.Array) -> None:
        """Take over cells of type string or large_string; nulls are missing."""
        import pyarrow.compute as pc

        encoded = cells.dictionary_encode()
        words = np.append(self._shared(encoded.dictionary), "")
        codes = np.array(pc.fill_null(encoded.indices, len(words) - 1))
        self.values.add(words[codes])
        self.missing.append(np.array(cells.is_null()) if cells.null_count else none_missing(len(cells)))
        self._count_numbers(encoded.dictionary, codes)
        self.present += len(cells) - cells.null_count
        self.rows += len(cells)

    def add_missing(self, rows: int) -> None:
        """Add cells that are missing, all of them."""
        self.values.add(np.full(rows, "", object))
        self.missing.append(np.ones(rows, bool))
        self.rows += rows

    def finish(self, name: str) -> Column:
        """Return the column of all cells added."""
        values = self.values.finish() if self.rows else np.empty(0, object)
        missing = none_missing(self.rows) if self.present == self.rows else np.concatenate(self.missing)
        share = self.numbers / max(self.present, 1)
        bad = BadCell(*self.bad, share) if self.bad is not None and share >= MOSTLY else None
        return Column(name, "text", values, missing, bad)

    def _shared(self, dictionary: pa.Array) -> np.ndarray:
        words = dictionary.to_numpy(zero_copy_only=False)
        if len(self.known) < SHARED_WORDS:
            words = np.fromiter((self.known.setdefault(word, word) for word in words), object, len(words))
        return words

    def _count_numbers(self, dictionary: pa.Array, codes: np.ndarray) -> None:
        import pyarrow.compute as pc

        fits = np.append(np.array(pc.match_substring_regex(pc.utf8_trim_whitespace(dictionary), NUMBER), bool), False)
        number = fits[codes]
        self.numbers += int(np.count_nonzero(number))
        if self.bad is None:
            wrong = np.flatnonzero(~number & (codes < len(dictionary)))
            if wrong.size:
                self.bad = self.rows + int(wrong[0]), dictionary[int(codes[wrong[0]])].as_py()
