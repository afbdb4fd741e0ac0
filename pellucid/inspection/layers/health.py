"""How layers fared over a training, as a table: the first and the last number of each measure, and its course."""

from __future__ import annotations

import html
import math
from collections.abc import Callable, Sequence

from pellucid.html_table import html_table
from pellucid.inspection.layers import LayerRecord, LayerRecords
from pellucid.inspection.summary import write_share

Measure = tuple[str, Callable[[LayerRecord], float], bool]

MEASURES: tuple[Measure, ...] = (
    ("output, spread", lambda layer: layer.output.spread, False),
    ("gradient, rms", lambda layer: layer.gradient.rms, False),
    ("weight, rms", lambda layer: layer.weight.rms, False),
    ("update ratio", lambda layer: layer.update_ratio, False),
    ("zeros", lambda layer: layer.output.zeros, True),
    ("saturated", lambda layer: layer.output.saturated, True),
    ("dead", lambda layer: layer.dead, True),
    ("stuck", lambda layer: layer.stuck, True),
)
"""What is told of each layer: its name, how to read it, and whether it is a share."""

_WIDTH, _HEIGHT = 84.0, 18.0


def health_table(records: Sequence[LayerRecords]) -> str:
    """Return the health of all layers over time as HTML: a row for each layer, a column for each measure.

    Each cell tells the first and the last number, and draws all of them in between, from the smallest to the greatest.
    """
    if not records:
        return html_table(["layer"], [], "Nothing was recorded.")
    first, last = records[0], records[-1]
    caption = f"Layers from epoch {first.epoch} to {last.epoch}, loss {first.loss:.4g} to {last.loss:.4g}"
    rows = [
        [html.escape(layer.name), html.escape(layer.activation or "linear")]
        + [_cell([measure(found.layers[place]) for found in records], share) for _, measure, share in MEASURES]
        for place, layer in enumerate(last.layers)
    ]
    return html_table(["layer", "activation", *(name for name, _, _ in MEASURES)], rows, caption, escape=False)


def _cell(numbers: Sequence[float], share: bool) -> str:
    write = write_share if share else _number
    if len(numbers) == 1:
        return write(numbers[0])
    told = write(numbers[-1]) if numbers[0] == numbers[-1] else f"{write(numbers[0])} → {write(numbers[-1])}"
    return html.escape(told) + course(numbers, (0.0, 1.0) if share else None)


def course(numbers: Sequence[float], limits: tuple[float, float] | None = None) -> str:
    """Return numbers over time as a small line in SVG, in the colour of the text; those not finite are left out.

    Parameters
    ----------
    numbers : sequence of float
    limits : tuple of float, optional
        What stands for the lower and the upper edge; by default the least and the greatest of the numbers.

    Examples
    --------
    >>> course([1.0, 2.0]).count("polyline"), course([1.0, 1.0])
    (1, '')
    """
    known = [(place, number) for place, number in enumerate(numbers) if math.isfinite(number)]
    if len(known) < 2 or len({number for _, number in known}) == 1:
        return ""
    low, high = limits or (min(number for _, number in known), max(number for _, number in known))
    wide, tall = _WIDTH / (len(numbers) - 1), _HEIGHT - 2.0
    points = " ".join(f"{place * wide:.1f},{1.0 + tall * (1.0 - (n - low) / (high - low)):.1f}" for place, n in known)
    return (
        f'<br><svg width="{_WIDTH:g}" height="{_HEIGHT:g}" viewBox="0 0 {_WIDTH:g} {_HEIGHT:g}" aria-hidden="true">'
        f'<polyline points="{points}" fill="none" stroke="currentColor" stroke-width="1.2"/></svg>'
    )


def _number(number: float) -> str:
    return "" if math.isnan(number) else f"{number + 0.0:.3g}"
