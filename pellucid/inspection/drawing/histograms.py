"""Small histograms: how often which numbers are, those below 0 told apart from those above."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from pellucid.inspection.drawing.svg import coordinate, paint_box, paint_text, write_short

BINS = 24
HEIGHT, WIDTH, SMALL = 34.0, 150.0, 11.0
PAINTS = {
    "plus": "fill: {positive}",
    "minus": "fill: {negative}",
    "axis": "fill: none; stroke: {wire}; stroke-width: 1",
}


@dataclass(frozen=True)
class Histogram:
    """How many numbers there are in bins of the same width.

    Attributes
    ----------
    counts : ndarray of int, [bins]
    start, step : float
        Where the first bin begins, and how wide each is; 0 is always between two bins, or outside.
    mean, spread : float
        Of the finite numbers; the spread is their standard deviation.
    zeros : float
        The share of numbers that are exactly 0.
    not_finite : int
        How many numbers are infinite or NaN. They are in no bin.
    """

    counts: np.ndarray
    start: float
    step: float
    mean: float
    spread: float
    zeros: float
    not_finite: int


def count_numbers(numbers: np.ndarray) -> Histogram:
    """Count numbers of any shape in at most :data:`BINS` + 1 bins.

    Examples
    --------
    >>> import numpy as np
    >>> found = count_numbers(np.array([-1.0, 0.0, 0.0, 2.0, np.nan]))
    >>> int(found.counts.sum()), found.zeros, found.not_finite
    (4, 0.4, 1)
    """
    numbers = np.asarray(numbers, np.float64).ravel()
    finite = numbers[np.isfinite(numbers)]
    zeros = float((numbers == 0).mean()) if numbers.size else 0.0
    lost = numbers.size - finite.size
    if not finite.size:
        return Histogram(np.zeros(BINS, int), 0.0, 1.0, math.nan, math.nan, zeros, lost)
    scale = max(float(np.abs(finite).max()), 1e-300)
    scaled = finite / scale  # neither sums nor widths overflow
    least, greatest = float(scaled.min()), float(scaled.max())
    step = max(greatest - least, 1e-9) / BINS
    first = math.floor(least / step)
    places = np.minimum(np.floor(scaled / step).astype(int) - first, BINS)
    counts = np.bincount(np.maximum(places, 0), minlength=BINS)
    mean, spread = float(scaled.mean()) * scale, float(scaled.std()) * scale
    return Histogram(counts, first * step * scale, step * scale, mean, spread, zeros, lost)


def paint_histogram(found: Histogram, x: float, y: float) -> list[str]:
    """Return a histogram, its left upper corner at a point, with mean and spread beside it."""
    wide = WIDTH / len(found.counts)
    highest = int(found.counts.max()) or 1
    bottom = y + HEIGHT
    parts = []
    for place, number in enumerate(found.counts.tolist()):
        if number:
            tall = max(1.0, HEIGHT * number / highest)
            kind = "minus" if found.start + (place + 0.5) * found.step < 0 else "plus"
            parts.append(paint_box(kind, x + place * wide, bottom - tall, wide - 0.8, tall))
    axis = f"M{coordinate(x)} {coordinate(bottom)}h{coordinate(WIDTH)}"
    zero = -found.start / found.step
    if 0 <= zero <= len(found.counts):
        axis += f"M{coordinate(x + zero * wide)} {coordinate(bottom)}v4"
    parts.append(f'<path class="axis" d="{axis}"/>')
    for line, told in enumerate(_tell(found)):
        parts.append(paint_text("note", x + WIDTH + 10.0, y + SMALL + line * 1.15 * SMALL, SMALL, told))
    return parts


def _tell(found: Histogram) -> list[str]:
    lines = [f"mean {write_short(found.mean)}", f"spread {write_short(found.spread)}"]
    if found.not_finite:
        return [*lines, f"not finite: {found.not_finite:,}"]
    return [*lines, f"exactly 0: {found.zeros:.0%}"] if found.zeros else lines
