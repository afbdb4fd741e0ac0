"""An array that grows while its parts come in."""

from __future__ import annotations

import numpy as np


class GrowingArray:
    """Parts put one behind another into a single array, so that no second copy of all of them is made at the end.

    Memory that is set aside but not yet written to is not taken from the machine.

    Parameters
    ----------
    expected : int
        About how many values will come.

    Examples
    --------
    >>> values = GrowingArray(expected=3)
    >>> for part in ([1, 2], [0.5, 3.0, 4.0]):
    ...     values.add(np.array(part))
    >>> values.finish().tolist()
    [1.0, 2.0, 0.5, 3.0, 4.0]
    """

    def __init__(self, expected: int = 0):
        self.expected, self.count, self.array = expected, 0, np.empty(0, bool)

    def add(self, part: np.ndarray) -> None:
        """Put values behind the others; whole numbers become float64 where a part of floats comes."""
        end = self.count + len(part)
        dtype = part.dtype if self.count == 0 else np.result_type(self.array, part)
        if dtype != self.array.dtype:
            array = np.empty(max(self.expected, end), dtype)
            array[: self.count] = self.array[: self.count]
            self.array = array
        elif end > len(self.array):
            self.array.resize(max(end, len(self.array) + len(self.array) // 8), refcheck=False)
        self.array[self.count : end] = part
        self.count = end

    def finish(self) -> np.ndarray:
        """Return the array; nothing can be added any more."""
        self.array.resize(self.count, refcheck=False)
        return self.array
