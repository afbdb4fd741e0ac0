"""Gates on what training does to parameters: steps in proportion to the weights, parts that do not learn."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from pellucid.diagnosis.gates.case import Case
from pellucid.diagnosis.gates.finding import FAIL, WARN, Finding
from pellucid.diagnosis.gates.gate import find, gate
from pellucid.diagnosis.gates.judged import judged_learned, unit_of_loss
from pellucid.diagnosis.gates.thresholds import Threshold, Thresholds, declare

CS231N = "about 1e-3 is usual: Stanford CS231n, Neural Networks part 3"

declare(
    Threshold(
        "updates_too_large",
        0.3,
        0.8,
        "the most that a step changed the weights of half of the layers by, divided by them",
        CS231N,
    ),
    Threshold(
        "updates_too_small",
        3e-4,
        5e-5,
        "the most that a step changed any layer's weights by, divided by them",
        CS231N,
        above=False,
    ),
    Threshold(
        "parameters_changed",
        1.0,
        1.0,
        "parameters of which training has not changed a single number",
        "what is learned changes",
    ),
    Threshold(
        "units_grow_apart",
        0.5,
        1.0,
        "share of a layer's units that have a twin with the same weights",
        "Goodfellow, Bengio, Courville 2016, section 8.4",
    ),
    Threshold(
        "weights_keep_size",
        0.1,
        0.02,
        "size of a layer's weights at the end, as a share of what it was at the start",
        "set by faults",
        above=False,
    ),
)

FEW_STEPS = 3
"""After fewer steps a parameter need not have changed."""


@gate("during", "Are steps small in proportion to the weights?")
def updates_too_large(case: Case, thresholds: Thresholds) -> Iterator[Finding]:
    ratios = _ratios(case)
    if not ratios:
        return
    most = sorted((float(np.max(found)), name) for name, found in ratios.items())
    ratio, where = most[(len(most) - 1) // 2]  # a single layer that starts at 0 says nothing
    yield find(
        "updates_too_large",
        thresholds["updates_too_large"],
        ratio,
        f"a step changes its weights by up to {ratio:.2g} times their size, and those of half of the layers by more",
        remedy="Lower the learning rate, three to ten times.",
        causes=("step_too_large", "small_initialization", "exploding_gradients"),
        where=where,
    )


@gate("during", "Are steps large enough for the weights to get anywhere?")
def updates_too_small(case: Case, thresholds: Thresholds) -> Iterator[Finding]:
    ratios = _ratios(case)
    if not ratios:
        return
    most = {name: float(np.max(found)) for name, found in ratios.items()}
    where = max(most, key=lambda name: most[name])
    yield find(
        "updates_too_small",
        thresholds["updates_too_small"],
        most[where],
        f"no step that was looked at changes the weights of a layer by more than {most[where]:.2g} times their size",
        remedy="Raise the learning rate, ten times or more.",
        causes=("step_too_small", "large_initialization", "vanishing_gradients", "dead_units"),
        where=where,
    )


@gate("during", "Do all parameters learn?")
def parameters_changed(case: Case, thresholds: Thresholds) -> Iterator[Finding]:
    if case.fit is None or case.fit.progress.step < FEW_STEPS:
        return
    first, last = case.parameters, case.fit.progress.parameters
    same = [path for path, array in first.items() if np.array_equal(array, last[path])]
    told = f"of {len(first)} parameters {len(same)} are to the bit what they were after {case.fit.progress.step} steps"
    causes: tuple[str, ...] = ("detached_layer", "dead_units", "step_too_small")
    if len(same) == len(first) or _get_gradients(case, same):
        causes = ("step_too_small", "dead_units", "detached_layer")
    elif any(case.network.parameters[path].kind == "weight" and _is_alike(last[path]) for path in first):
        causes = ("zero_initialization", "detached_layer", "dead_units")
    yield find(
        "parameters_changed",
        thresholds["parameters_changed"],
        float(len(same)),
        told + (f": {', '.join(same[:6])}{'...' if len(same) > 6 else ''}" if same else ""),
        remedy="Look for stop_gradient, values not used, dead units, and weights that start at 0.",
        causes=causes,
        where=same[0] if same else "",
    )


@gate("during", "Do the units of a layer differ from each other?")
def units_grow_apart(case: Case, thresholds: Thresholds) -> Iterator[Finding]:
    if case.fit is None:
        return
    last = case.fit.progress.parameters
    shares = {}
    for path in _hidden_weights(case):
        units = np.asarray(last[path], np.float64).T
        if len(units) > 1 and np.isfinite(units).all():
            shares[path] = _share_of_twins(units)
    if not shares:
        return
    where = max(shares, key=lambda path: shares[path])
    yield find(
        "units_grow_apart",
        thresholds["units_grow_apart"],
        shares[where],
        f"{shares[where]:.0%} of its units have the same weights as another one",
        remedy="Draw first weights at random: units that start alike get the same gradient, and stay alike.",
        causes=("zero_initialization", "uninformative_inputs"),
        where=where.removesuffix("/weight"),
    )


@gate("during", "Do the weights keep a size with which they can do something?")
def weights_keep_size(case: Case, thresholds: Thresholds) -> Iterator[Finding]:
    if case.fit is None or unit_of_loss(case) is None:
        return
    last = case.fit.progress.parameters
    kept = {}
    for path in [path for path, parameter in case.network.parameters.items() if parameter.kind == "weight"]:
        before = float(np.sqrt(np.mean(np.square(case.parameters[path], dtype=np.float64))))
        after = float(np.sqrt(np.mean(np.square(last[path], dtype=np.float64))))
        if before > 0 and np.isfinite(after):
            kept[path] = after / before
    if not kept:
        return
    where = min(kept, key=lambda path: kept[path])
    found = judged_learned(case)
    rules = thresholds["weights_keep_size"]
    finding = find(
        "weights_keep_size",
        rules,
        kept[where],
        f"at the end its weights have {kept[where]:.2g} times the size that they began with",
        remedy="Lower L2, L1 or weight decay, ten times or more.",
        causes=("too_much_regularization", "uninformative_inputs", "wrong_targets", "step_too_large"),
        where=where.removesuffix("/weight"),
    )
    # A part that is not needed may well go away; it is a failure where the network does nothing without it.
    assert found.constant is not None
    saved = found.mean(found.constant) - found.mean(found.network)
    if finding.verdict == FAIL and saved > 0.3 * (unit_of_loss(case) or 0.0):
        finding = replace(finding, verdict=WARN)
    yield finding


def _get_gradients(case: Case, paths: list[str]) -> bool:
    """Say whether a weight among these gets a gradient: then it was too small to change it."""
    layers = [layer for record in case.records for layer in record.layers]
    return any(layer.weight_gradient.rms > 0 for layer in layers if f"{layer.name}/weight" in paths)


def _ratios(case: Case) -> dict[str, np.ndarray]:
    """Return the ratios of update to weight that are known, by layer."""
    found: dict[str, list[float]] = {}
    for record in case.records:
        for layer in record.layers:
            if np.isfinite(layer.update_ratio):
                found.setdefault(layer.name, []).append(layer.update_ratio)
    return {name: np.array(ratios) for name, ratios in found.items()}


def _hidden_weights(case: Case) -> list[str]:
    """Return the paths of the weights of hidden layers."""
    if not case.records:
        return []
    names = [layer.name for layer in case.records[0].layers if layer.activation]
    paths = [f"{name}/weight" for name in names]
    return [path for path in paths if path in case.network.parameters and case.parameters[path].ndim == 2]


def _share_of_twins(units: np.ndarray) -> float:
    """Return the share of rows that are, but for rounding, equal to another one."""
    size = float(np.sqrt(np.mean(units**2)))
    rounded = np.round(units / (1e-5 * size)) if size > 0 else units
    _, number, times = np.unique(rounded, axis=0, return_inverse=True, return_counts=True)
    return float(np.mean(times[number.reshape(-1)] > 1))


def _is_alike(array: np.ndarray) -> bool:
    return bool(array.size > 1 and np.ptp(array) == 0)
