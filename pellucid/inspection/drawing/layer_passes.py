"""The forward and the backward pass through the layers of a network, one frame for each layer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pellucid.inspection.drawing.neurons import Column, RowNames
from pellucid.inspection.drawing.scene import Caption
from pellucid.inspection.drawing.svg import write_short

_SPELLED_OUT = 4
"""Up to so many inputs, the sum of a unit is told term by term."""


@dataclass(frozen=True)
class LayerPasses:
    """Which frames the layers appear in.

    Attributes
    ----------
    captions : tuple of Caption
        One for each frame.
    last : int
        The place of the last layer; the one at place 0 is the input.
    told : int
        The frame in which the prediction and what came of it appear.
    backward : bool
        Whether gradients are told.
    """

    captions: tuple[Caption, ...]
    last: int
    told: int
    backward: bool

    def values(self, place: int) -> int:
        """Return the frame in which a layer's values appear."""
        return place

    def gradients(self, place: int) -> int:
        """Return the frame in which a layer's gradients appear."""
        return self.told + 1 + self.last - place


def plan_columns(columns: Sequence[Column], names: RowNames, of: str, link: str) -> LayerPasses:
    """Return the order in which columns of units appear."""
    last = len(columns) - 1
    inputs = zip(columns[0].names, columns[0].values.tolist(), strict=True)
    captions = [Caption("The inputs", ", ".join(map(_tell_input, inputs)))]
    captions += [
        Caption(f"Forward {place} of {last}: {columns[place].title}", _tell_units(columns[place - 1], columns[place]))
        for place in range(1, last + 1)
    ]
    told = last
    if link or names.predicted or names.summary:
        told = last + 1
        predicted = [f"{name} {value}" for name, value in names.predicted]
        heading = "What comes of it" + (f": {link}" if link else "")
        captions.append(Caption(heading, "; ".join([*predicted, *names.summary])))
    backward = any(column.gradients is not None for column in columns)
    for place in range(last, -1, -1) if backward else ():
        heading = f"Backward {last - place + 1} of {last + 1}: {columns[place].title}"
        captions.append(Caption(heading, _tell_gradients(columns, place, of)))
    return LayerPasses(tuple(captions), last, told, backward)


def plan_boxes(names: Sequence[str], backward: bool, of: str) -> LayerPasses:
    """Return the order in which layers that are drawn as boxes appear."""
    last = len(names) - 1
    captions = [Caption("The inputs", names[0])]
    captions += [Caption(f"Forward {place} of {last}", names[place]) for place in range(1, last + 1)]
    for place in range(last, -1, -1) if backward else ():
        told = f"the gradient of {of} with respect to what {names[place]} gives, and to its weights"
        captions.append(Caption(f"Backward {last - place + 1} of {last + 1}", told))
    return LayerPasses(tuple(captions), last, last, backward)


def _tell_input(named: tuple[str, float]) -> str:
    return f"{named[0]} = {write_short(named[1])}"


def _tell_units(before: Column, column: Column) -> str:
    """Return how a layer's first unit comes about."""
    if column.weight is None:
        return f"each unit takes the one beside it{', ' + column.caption if column.caption else ''}"
    activation = f"{column.caption} of " if column.caption else ""
    name = column.names[0] or "unit 1"
    if len(before.values) > _SPELLED_OUT or "," in column.caption or "norm" in column.caption:
        bias = " plus bias" if column.bias is not None else ""
        return f"each unit: {activation}the sum of weights times values{bias}"
    linked = [True] * len(before.values) if column.linked is None else column.linked[:, 0].tolist()
    terms = [
        f"{_bracket(weight)} · {_bracket(value)}"
        for weight, value, there in zip(column.weight[:, 0].tolist(), before.values.tolist(), linked, strict=True)
        if there
    ]
    if column.bias is not None:
        terms.append(_bracket(float(column.bias[0])))
    return f"{name}: {activation}{' + '.join(terms)} = {write_short(float(column.values[0]))}"


def _tell_gradients(columns: Sequence[Column], place: int, of: str) -> str:
    if place == len(columns) - 1:
        return f"how {of} changes with each output unit"
    if columns[place + 1].weight is None:
        return "what comes back from the units beside them"
    return "each unit: the sum over its edges of weight times the gradient of the sum that the edge enters"


def _bracket(number: float) -> str:
    told = write_short(number)
    return f"({told})" if told.startswith("−") else told
