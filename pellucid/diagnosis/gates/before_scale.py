"""Gates of the first activations and gradients: they keep their scale through depth, and no unit is stuck."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from pellucid.diagnosis.gates.case import Case
from pellucid.diagnosis.gates.finding import PASS, Finding
from pellucid.diagnosis.gates.gate import find, gate
from pellucid.diagnosis.gates.probe import Arrays, count, examples, inputs_are_alike, standardized
from pellucid.diagnosis.gates.thresholds import Threshold, Thresholds, declare
from pellucid.graph.context import Context
from pellucid.inspection.layers import LayerProbe, LayerRecord, LayerRecords
from pellucid.nn.regularizers import output_weights

ROWS = 256
SHUT = 0.7
"""A layer of which this share is stuck lets nothing through."""

LARGE, SMALL = 5.0, 0.2
"""Weights so many times Glorot's are too large, or too small."""

FEW_UNITS = 4
"""In a layer of fewer units one of them that rests is no sign of anything."""

declare(
    Threshold(
        "activations_at_initialization",
        30,
        300,
        "how many times larger or smaller than 1 the spread of a hidden layer's outputs is, for standardized inputs",
        "the variance is to stay the same from layer to layer: Glorot and Bengio 2010, He et al. 2015",
    ),
    Threshold(
        "gradients_at_initialization",
        1000,
        10000,
        "how many times larger or smaller the gradient is in a hidden layer than in the output layer",
        "Glorot and Bengio 2010; sigmoid layers lose a factor of 4 each",
    ),
    Threshold(
        "dead_at_initialization",
        0.6,
        0.9,
        "share of a layer's units that are 0 for every example",
        "Lu, Shin, Su and Karniadakis 2020, Dying ReLU and initialization",
    ),
    Threshold(
        "saturated_at_initialization",
        0.3,
        0.7,
        "share of a layer's outputs where the slope of the activation is below 0.001",
        "Glorot and Bengio 2010, section 3",
    ),
)


@dataclass(frozen=True)
class First:
    """What the layers do before the first step, with the data as they are and with standardized inputs."""

    rows: int
    hidden: tuple[LayerRecord, ...]
    output: tuple[LayerRecord, ...]
    scaled: tuple[LayerRecord, ...]
    scaled_output: tuple[LayerRecord, ...]


def first_layers(case: Case) -> First:
    """Return what the layers do before the first step; computed once for a case."""
    return case.once("first layers", lambda: _first_layers(case))


def _first_layers(case: Case) -> First:
    arrays = examples(case, ROWS)
    last = _weights_of_outputs(case)
    as_given, scaled = _records(case, arrays), _records(case, _in_dtype(case, standardized(case, arrays)))

    def parts(records: LayerRecords) -> tuple[tuple[LayerRecord, ...], tuple[LayerRecord, ...]]:
        output = [layer for layer in records.layers if layer.name in last]
        output = output or list(records.layers[-1:])
        return tuple(layer for layer in records.layers if layer not in output), tuple(output)

    return First(count(arrays), *parts(as_given), *parts(scaled))


def _records(case: Case, arrays: Arrays) -> LayerRecords:
    settings = case.options.get("settings") or {}
    with np.errstate(all="ignore"):
        return LayerProbe(case.network, case.losses, arrays, settings).records(case.parameters)


def _in_dtype(case: Case, arrays: Arrays) -> Arrays:
    types = case.network.inputs
    return {name: array.astype(types[name].dtype.numpy) if name in types else array for name, array in arrays.items()}


def _weights_of_outputs(case: Case) -> set[str]:
    """Return the names of linear output layers."""
    context = Context(training=False, batch=2, dtype=case.network.dtype)
    outputs = case.network.build(context, **case.network.declare_inputs(context))
    paths = frozenset().union(*(output_weights(value, context.parameters) for value in outputs.values()))
    return {path.removesuffix("/weight") for path in paths}


@gate("before", "Do activations keep their scale from layer to layer at first?")
def activations_at_initialization(case: Case, thresholds: Thresholds) -> Iterator[Finding]:
    found = first_layers(case)
    if not found.scaled or inputs_are_alike(case):
        return
    # Where the data suit the network as they are, it may scale them itself; a layer that is 0 is another gate's matter.
    pairs = [pair for pair in zip(found.hidden, found.scaled, strict=True) if pair[0].weight.rms > 0]
    if not pairs:
        return
    nearer = [min(pair, key=lambda layer: _factor(layer.output.spread)) for pair in pairs]
    factors = [_factor(layer.output.spread) for layer in nearer]
    worst = int(np.argmax(factors))
    layer = nearer[worst]
    spreads = ", ".join(f"{layer.output.spread:.3g}" for layer in nearer)
    yield find(
        "activations_at_initialization",
        thresholds["activations_at_initialization"],
        factors[worst],
        f"with standardized inputs, or as these are, the outputs of the hidden layers spread by {spreads}",
        remedy="Take the initializer that suits the activation: it is the default.",
        causes=_why_off_scale(layer, found),
        where=layer.name,
    )


def _why_off_scale(layer: LayerRecord, found: First) -> tuple[str, ...]:
    if layer.output.spread > 1:
        return ("large_initialization",)
    if any(one.weight.rms == 0 for one in found.scaled):
        return ("zero_initialization",)
    if layer.dead > SHUT or layer.output.saturated > SHUT:
        return ("dead_units", "saturated_units") if layer.dead > SHUT else ("saturated_units", "large_initialization")
    return ("small_initialization",)


@gate("before", "Do gradients keep their scale from layer to layer at first?")
def gradients_at_initialization(case: Case, thresholds: Thresholds) -> Iterator[Finding]:
    found = first_layers(case)
    reference = max((_norm(layer, found.rows) for layer in found.scaled_output), default=0.0)
    # Where the output layer starts at 0, gradients arrive after the first step; where one is 0, other gates tell.
    hidden = [layer for layer in found.scaled if layer.gradient.rms != 0]
    if not hidden or not reference or any(layer.weight.rms == 0 for layer in found.scaled_output):
        return
    ratios = [_norm(layer, found.rows) / reference for layer in hidden]
    factors = [_factor(ratio) for ratio in ratios]
    worst = int(np.argmax(factors))
    grows = ratios[worst] > 1
    weights = [_size_of_weights(case, layer) for layer in hidden]
    causes = ["exploding_gradients"] if grows else ["vanishing_gradients"]
    if grows and max(weights) > LARGE:
        causes.insert(0, "large_initialization")
    if not grows and np.median(weights) < SMALL:
        causes.insert(0, "small_initialization")
    told = ", ".join(f"{ratio:.3g}" for ratio in ratios)
    yield find(
        "gradients_at_initialization",
        thresholds["gradients_at_initialization"],
        factors[worst],
        f"as a part of the output layer's the gradients of the hidden layers are {told}",
        remedy="Take rectifiers or tanh, the initializer that suits them, shortcuts or normalization, or fewer layers.",
        causes=tuple(causes),
        where=hidden[worst].name,
    )


@gate("before", "Is every layer at work at first?")
def dead_at_initialization(case: Case, thresholds: Thresholds) -> Iterator[Finding]:
    found = first_layers(case)
    layers = [(layer, scaled) for layer, scaled in zip(found.hidden, found.scaled, strict=True) if layer.activation]
    if not layers:
        return

    def share(layer: LayerRecord) -> float:
        units = layer.output.size // found.rows
        return layer.dead if units >= FEW_UNITS or layer.dead == 1 else 0.0

    worst, scaled = max(layers, key=lambda pair: share(pair[0]))
    threshold = thresholds["dead_at_initialization"]
    by_scale = threshold.judge(share(scaled)) == PASS
    causes: tuple[str, ...] = ("unscaled_inputs", "dead_units") if by_scale else ("dead_units",)
    if inputs_are_alike(case):
        causes = ("uninformative_inputs",)
    yield find(
        "dead_at_initialization",
        threshold,
        share(worst),
        f"{worst.dead:.0%} of the units of {worst.name} are 0 for each of {found.rows} examples",
        remedy="Standardize the inputs." if by_scale else "Let biases begin at 0 and weights be drawn about 0.",
        causes=causes,
        where=worst.name,
    )


@gate("before", "Do units respond to their inputs at first?")
def saturated_at_initialization(case: Case, thresholds: Thresholds) -> Iterator[Finding]:
    found = first_layers(case)
    layers = [(layer, scaled) for layer, scaled in zip(found.hidden, found.scaled, strict=True) if layer.activation]
    if not layers:
        return
    worst, scaled = max(layers, key=lambda pair: pair[0].output.saturated)
    threshold = thresholds["saturated_at_initialization"]
    by_scale = threshold.judge(scaled.output.saturated) == PASS
    by_weights = any(_size_of_weights(case, layer) > LARGE for layer, _ in layers)
    causes = ("large_initialization", "saturated_units") if by_weights else ("saturated_units", "large_initialization")
    yield find(
        "saturated_at_initialization",
        threshold,
        worst.output.saturated,
        f"in {worst.name} {worst.output.saturated:.0%} of the outputs stand where {worst.activation} is flat",
        remedy="Standardize the inputs." if by_scale else "Start with smaller weights, and biases of 0.",
        causes=("unscaled_inputs", "saturated_units") if by_scale else causes,
        where=worst.name,
    )


def _factor(size: float) -> float:
    """Return how many times larger or smaller than 1 a size is; infinity for 0 and what is not finite."""
    return max(size, 1 / size) if size > 0 and math.isfinite(size) else math.inf


def _norm(layer: LayerRecord, rows: int) -> float:
    """Return the root mean square over examples of the norm of a layer's gradient: the width plays no part."""
    return layer.gradient.rms * math.sqrt(max(layer.gradient.size // rows, 1))


def _size_of_weights(case: Case, layer: LayerRecord) -> float:
    """Return how large a layer's weights are, as a part of Glorot's."""
    name = layer.name.partition(" (use")[0]
    known = case.network.parameters
    parameter = known.get(f"{name}/weight") or known[name]
    return layer.weight.rms / math.sqrt(2.0 / (max(parameter.fan_in, 1) + max(parameter.fan_out, 1)))
