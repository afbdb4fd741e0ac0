"""What is recorded of the layers of a network at one moment, and how it is shown."""

from __future__ import annotations

import math
from dataclasses import dataclass

from pellucid.html_table import html_table
from pellucid.inspection.summary import Summary, write_share


@dataclass(frozen=True)
class LayerRecord:
    """What one layer did with some examples.

    A layer is a weight that multiplies what depends on the data, with the bias, normalization and activation behind it.

    Attributes
    ----------
    name : str
        That of its weight without ``/weight``, such as ``dense_1``. A weight that is used again makes another layer,
        ``dense_1 (use 2)``.
    activation : str
        The name of its operation; empty for a linear layer.
    output : Summary
        After the activation; before it where there is none.
    gradient : Summary
        Of each example's own loss with respect to the pre-activation.
    dead : float
        The share of units that are exactly 0 for every example, from 0 to 1.
    stuck : float
        The share of units that are saturated for every example.
    weight : Summary
    weight_gradient : Summary
        Of the examples' mean loss.
    update_ratio : float
        Root mean square of what one step changes the weight by, divided by that of the weight; NaN where it is unknown.
    """

    name: str
    activation: str
    output: Summary
    gradient: Summary
    dead: float
    stuck: float
    weight: Summary
    weight_gradient: Summary
    update_ratio: float


@dataclass(frozen=True)
class LayerRecords:
    """The layers of a network at one moment of a training, from the inputs on.

    Attributes
    ----------
    epoch, step : int
        How many epochs and steps had ended.
    loss : float
        The examples' mean loss, without dropout, noise and penalties.
    layers : tuple of LayerRecord
    """

    epoch: int
    step: int
    loss: float
    layers: tuple[LayerRecord, ...]

    def __getitem__(self, name: str) -> LayerRecord:
        return {layer.name: layer for layer in self.layers}[name]

    @property
    def _caption(self) -> str:
        return f"epoch {self.epoch}, step {self.step}, loss {self.loss:.6g}"

    def __str__(self) -> str:
        head, *rows = [list(_HEAD), *(_row(layer) for layer in self.layers)]
        widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
        lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in [head, *rows]]
        return "\n".join(
            line.rstrip() for line in [self._caption, lines[0], "  ".join("-" * w for w in widths), *lines[1:]]
        )

    def _repr_html_(self) -> str:
        return html_table(_HEAD, [_row(layer) for layer in self.layers], self._caption)


_HEAD = (
    "layer",
    "activation",
    "output: mean ± spread",
    "zeros",
    "saturated",
    "dead",
    "stuck",
    "gradient, rms",
    "weight, rms",
    "its gradient, rms",
    "update ratio",
)


def _row(layer: LayerRecord) -> list[str]:
    output = layer.output
    shares = (output.zeros, output.saturated, layer.dead, layer.stuck)
    return [
        layer.name,
        layer.activation or "linear",
        f"{output.mean:.3g} ± {output.spread:.3g}" + (" (not all finite)" if output.not_finite else ""),
        *(write_share(share) for share in shares),
        f"{layer.gradient.rms:.3g}",
        f"{layer.weight.rms:.3g}",
        f"{layer.weight_gradient.rms:.3g}",
        "" if math.isnan(layer.update_ratio) else f"{layer.update_ratio:.3g}",
    ]
