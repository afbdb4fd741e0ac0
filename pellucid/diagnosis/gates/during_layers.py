"""Gates on the layers while they learn: how gradients come down to them, and units that are dead or saturated."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from pellucid.diagnosis.gates.case import Case
from pellucid.diagnosis.gates.finding import Finding
from pellucid.diagnosis.gates.gate import find, gate
from pellucid.diagnosis.gates.thresholds import Threshold, Thresholds, declare
from pellucid.inspection.layers import LayerRecord, LayerRecords

declare(
    Threshold(
        "vanishing_gradients",
        0.01,
        0.001,
        "norm of the gradient at a layer, as a share of that at a layer above it",
        "Glorot and Bengio 2010",
        above=False,
    ),
    Threshold(
        "exploding_gradients",
        100,
        300,
        "norm of the gradient at a layer, divided by that at a layer above it",
        "Pascanu, Mikolov, Bengio 2013",
    ),
    Threshold(
        "dead_units",
        0.6,
        0.9,
        "share of a layer's units that are 0 for every example",
        "Lu et al. 2019; set by faults",
    ),
    Threshold(
        "saturated_units",
        0.15,
        0.28,
        "share of a layer's units that are saturated for every example",
        "Glorot and Bengio 2010; set by faults",
    ),
)

LARGE = 3.0
"""Units that add up standard numbers with weights of more than this norm are large from the start."""

SMALLEST = 1e-30
"""Gradients below this are no evidence of how they change on the way: the loss is 0, or all units are dead."""


@gate("during", "Do gradients keep their size on the way down to the first layer?")
def vanishing_gradients(case: Case, thresholds: Thresholds) -> Iterator[Finding]:
    norms = _norms(case)
    if norms is None:
        return
    names, table = norms
    least, where, step = _typical(table, [_least_share(row) for row in table])
    growth = " ".join(f"{name} {norm:.2g}" for name, norm in zip(names, table[step], strict=True))
    yield find(
        "vanishing_gradients",
        thresholds["vanishing_gradients"],
        least,
        f"norms of the gradient from the first layer to the last: {growth}",
        remedy="Take rectifiers with He's initialization, shortcuts or layer normalization, or fewer layers.",
        causes=("vanishing_gradients", "small_initialization", "saturated_units", "no_hidden_activation"),
        where=names[where],
    )


@gate("during", "Do gradients not grow on the way down to the first layer?")
def exploding_gradients(case: Case, thresholds: Thresholds) -> Iterator[Finding]:
    norms = _norms(case)
    if norms is None:
        return
    names, table = norms
    most, where, step = _typical(table, [_greatest_ratio(row) for row in table])
    growth = " ".join(f"{name} {norm:.2g}" for name, norm in zip(names, table[step], strict=True))
    yield find(
        "exploding_gradients",
        thresholds["exploding_gradients"],
        most,
        f"norms of the gradient from the first layer to the last: {growth}",
        remedy="Start with smaller weights, pass clip_norm=1.0, or add layer normalization.",
        causes=("large_initialization", "exploding_gradients", "step_too_large"),
        where=names[where],
    )


@gate("during", "Do units answer to some of the examples?")
def dead_units(case: Case, thresholds: Thresholds) -> Iterator[Finding]:
    last = _last(case)
    hidden = [layer for layer in last.layers if layer.activation] if last else []
    if last is None or not hidden:
        return
    worst = max(hidden, key=lambda layer: layer.dead)
    first = _named(case.records[0], worst.name)
    from_the_start = first is not None and first.dead > 0.5 * worst.dead
    causes = ("step_too_large", "dead_units", "large_initialization", "unscaled_inputs", "zero_initialization")
    if from_the_start:
        causes = ("dead_units", "zero_initialization", "large_initialization", "unscaled_inputs", "step_too_large")
    began = "" if first is None else f" ({first.dead:.0%} when training began)"
    yield find(
        "dead_units",
        thresholds["dead_units"],
        worst.dead,
        f"after epoch {last.epoch} {worst.dead:.0%} of its units are 0 for every example{began}",
        remedy="Lower the learning rate; start biases at 0; take leaky_relu or elu.",
        causes=causes,
        where=worst.name,
    )


@gate("during", "Are units where their activation has a slope?")
def saturated_units(case: Case, thresholds: Thresholds) -> Iterator[Finding]:
    last = _last(case)
    hidden = [layer for layer in last.layers if layer.activation] if last else []
    if last is None or not hidden:
        return
    worst = max(hidden, key=lambda layer: layer.stuck)
    first = _named(case.records[0], worst.name)
    causes: tuple[str, ...] = ("step_too_large", "saturated_units", "unscaled_inputs", "large_initialization")
    if first is not None and first.stuck > 0.5 * worst.stuck:
        causes = ("saturated_units", "unscaled_inputs", "large_initialization", "step_too_large")
        fan_in = case.network.parameters.get(f"{worst.name}/weight")
        if fan_in is not None and first.weight.rms * np.sqrt(fan_in.fan_in) > LARGE:
            causes = ("large_initialization", "saturated_units", "unscaled_inputs", "step_too_large")
    began = "" if first is None else f" ({first.stuck:.0%} when training began)"
    yield find(
        "saturated_units",
        thresholds["saturated_units"],
        worst.stuck,
        f"after epoch {last.epoch} {worst.stuck:.0%} of its units are saturated for every example{began}",
        remedy="Standardize the inputs, start with smaller weights, or lower the learning rate.",
        causes=causes,
        where=worst.name,
    )


def _last(case: Case) -> LayerRecords | None:
    return case.records[-1] if case.records else None


def _named(records: LayerRecords, name: str) -> LayerRecord | None:
    return next((layer for layer in records.layers if layer.name == name), None)


def _norms(case: Case) -> tuple[list[str], np.ndarray] | None:
    """Return the layers' names, and the norms of the gradient at each, [moments, layers]; None where there are few.

    The first moment, before any step, counts only where there is no other: a last layer that starts at 0 gives no
    gradient then. Layers before one that is dead get none: that is told by another gate.
    """
    if not case.records or len(case.records[0].layers) < 2:
        return None
    names = [layer.name for layer in case.records[0].layers]
    moments: Sequence[LayerRecords] = case.records[1:] or case.records
    table = np.array([[_norm(layer) for layer in found.layers] for found in moments], np.float64)
    sound = np.isfinite(table).all(axis=1) & (table > SMALLEST).all(axis=1)
    return (names, table[sound]) if sound.any() else None


def _norm(layer: LayerRecord) -> float:
    return float(layer.gradient.rms * np.sqrt(layer.gradient.size)) if layer.gradient.not_finite == 0 else np.inf


def _least_share(norms: np.ndarray) -> tuple[float, int]:
    """Return the least ratio of a layer's gradient to that of a layer above it, and which layer that is."""
    above = np.maximum.accumulate(norms[::-1])[::-1]
    ratios = norms / above
    where = int(ratios.argmin())
    return float(ratios[where]), where


def _greatest_ratio(norms: np.ndarray) -> tuple[float, int]:
    above = np.minimum.accumulate(norms[::-1])[::-1]
    ratios = norms / above
    where = int(ratios.argmax())
    return float(ratios[where]), where


def _typical(table: np.ndarray, found: Sequence[tuple[float, int]]) -> tuple[float, int, int]:
    """Return the median over the moments of a ratio, the layer concerned, and the moment."""
    order = np.argsort([ratio for ratio, _ in found])
    middle = int(order[len(order) // 2])
    return found[middle][0], found[middle][1], middle
