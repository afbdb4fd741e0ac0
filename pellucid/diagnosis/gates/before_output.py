"""Gates of the output: it can reach the targets, the loss suits them, and the network bends."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from pellucid.diagnosis.gates.before_scale import first_layers
from pellucid.diagnosis.gates.case import Case
from pellucid.diagnosis.gates.finding import Finding
from pellucid.diagnosis.gates.gate import find, gate
from pellucid.diagnosis.gates.limits import Limits
from pellucid.diagnosis.gates.probe import (
    Arrays,
    count,
    examples,
    forward,
    inputs_are_alike,
    moved,
)
from pellucid.diagnosis.gates.reach import Interval, reach
from pellucid.diagnosis.gates.thresholds import Threshold, Thresholds, declare
from pellucid.nn.losses import GaussianLogLikelihood, Loss, Poisson
from pellucid.training.step import target_name

ROWS = 512
MOST_CLASSES = 20

declare(
    Threshold(
        "outputs_reach_targets",
        0.02,
        0.1,
        "least loss that the outputs can reach, as a share of what the best constant costs",
        "losses work on logits and plain numbers: Bishop 2006, section 4.3; faults of double softmax and sigmoid",
    ),
    Threshold(
        "loss_prefers_targets",
        0.0,
        -1e-6,
        "how much less right outputs cost than the best constant, as a part of the larger one",
        "what is learned is what costs least",
        above=False,
    ),
    Threshold(
        "targets_suit_loss",
        0.3,
        0.7,
        "how much a numeric target looks like a class: 1 where few whole numbers from 0 occur equally often",
        "faults of classes that are learned as numbers",
    ),
    Threshold(
        "network_bends",
        1e-6,
        1e-9,
        "how far outputs half-way between two examples are from the mean of theirs, as a part of their distance",
        "layers without activations between them are one linear layer: Goodfellow, Bengio, Courville 2016, section 6.1",
        above=False,
    ),
)


@gate("before", "Can the outputs reach the targets under this loss?")
def outputs_reach_targets(case: Case, thresholds: Thresholds) -> Iterator[Finding]:
    arrays = examples(case, ROWS)
    limits, graph = Limits(case, arrays), case.network.graph(batch=2)
    free, constant = limits.least(), limits.constant()
    if not constant - free > 1e-9 * max(1.0, abs(constant)):
        return
    for name, loss in case.losses.items():
        if not _has_best(case, name, loss):
            continue
        bounds = _as_probabilities(case, name, arrays) or reach(graph.outputs[name])
        least = limits.least({name: bounds})
        yield find(
            "outputs_reach_targets",
            thresholds["outputs_reach_targets"],
            max(least - free, 0.0) / (constant - free),
            f"outputs between {bounds[0]:.3g} and {bounds[1]:.3g} cost {least:.4g} at least under {loss.name},"
            f" where outputs without bounds could cost {free:.4g} and a constant {constant:.4g}",
            remedy="Leave the last layer linear: the loss takes logits, or numbers as they are.",
            causes=("wrong_output", "wrong_loss") if loss.task == "regression" else ("wrong_loss", "wrong_output"),
            where=name if len(case.losses) > 1 else "",
        )


def _has_best(case: Case, name: str, loss: Loss) -> bool:
    """Say whether it is known which outputs cost least."""
    one_row = len(case.network.outputs[name].shape) <= 1
    return one_row and not isinstance(loss, GaussianLogLikelihood) and not getattr(loss, "soft_targets", False)


def _as_probabilities(case: Case, name: str, arrays: Arrays) -> Interval | None:
    """Return 0 and 1 where the outputs are probabilities of classes, however they are computed."""
    if case.network.outputs[name].size < 2:
        return None
    run = forward(case, count(arrays))
    for number in (0, 1):
        outputs = run(moved(case, number, size=1.0), arrays)[name]
        outputs = outputs.reshape(len(outputs), -1)
        if not np.allclose(outputs.sum(axis=1), 1.0, atol=1e-5) or outputs.min() < -1e-6:
            return None
    return 0.0, 1.0


@gate("before", "Is the loss least where the outputs are right?")
def loss_prefers_targets(case: Case, thresholds: Thresholds) -> Iterator[Finding]:
    if not all(_has_best(case, name, loss) and _is_aimed(loss) for name, loss in case.losses.items()):
        return
    limits = Limits(case, examples(case, ROWS))
    least, constant = limits.least(), limits.constant()
    size = max(abs(constant), abs(least))
    if not size:
        return
    yield find(
        "loss_prefers_targets",
        thresholds["loss_prefers_targets"],
        (constant - least) / size,
        f"outputs that are right cost {least:.4g}, the best constant {constant:.4g}",
        remedy="Look at the sign of the loss: it is made small.",
        causes=("wrong_loss",),
    )


def _is_aimed(loss: Loss) -> bool:
    """Say whether it is known which outputs are right: those of classes, and the numbers of targets themselves."""
    return loss.task != "regression" or loss.linear


@gate("before", "Does the loss suit the kind of targets?")
def targets_suit_loss(case: Case, thresholds: Thresholds) -> Iterator[Finding]:
    arrays = examples(case, ROWS)
    for name, loss in case.losses.items():
        target = arrays[target_name(case.network, name)]
        if loss.task == "regression" and not isinstance(loss, Poisson):
            likeness, told = likeness_to_classes(target)
            causes, remedy = ("wrong_loss",), "Take the loss of classes: softmax_cross_entropy or binary_cross_entropy."
        elif loss.task == "multiclass" and target.dtype.kind == "i":
            likeness, told = _unused_classes(target, case.network.outputs[name].size)
            causes, remedy = ("wrong_targets",), "Number the classes from 0, and give the network as many outputs."
        else:
            continue
        yield find(
            "targets_suit_loss",
            thresholds["targets_suit_loss"],
            likeness,
            f"{told} under {loss.name}",
            remedy=remedy,
            causes=causes,
            where=name if len(case.losses) > 1 else "",
        )


def likeness_to_classes(target: np.ndarray) -> tuple[float, str]:
    """Return how much numeric targets look like classes, from 0 to 1, and what they are in words.

    Two values, in whatever unit, and rows of which just one number differs from the others, are classes. So are a few
    whole numbers from 0 on that occur about equally often; counts thin out towards large ones.
    """
    flat = np.asarray(target).reshape(len(target), -1)
    if len(flat) < 20:
        return 0.0, f"there are {len(flat)} targets"
    if flat.shape[1] > 1:
        one_of_each = np.isin(flat, (0, 1)).all() and (flat.sum(axis=1) == 1).all()
        told = "each row of the targets has one 1 among 0s" if one_of_each else f"targets are {flat.shape[1]} numbers"
        return float(one_of_each), told
    values, counts = np.unique(flat, return_counts=True)
    if len(values) == 1:
        return 0.0, f"all targets are {values[0]:.4g}"
    if len(values) == 2:
        return 1.0, f"targets have two values, {values[0]:.4g} and {values[1]:.4g},"
    numbered = np.array_equal(values, np.arange(len(values)))
    if len(values) <= MOST_CLASSES and numbered and len(flat) >= 10 * len(values):
        return float(counts.min() / counts.max()), f"targets are the whole numbers 0 to {len(values) - 1}"
    return 0.0, f"targets have {len(values)} different values"


def _unused_classes(target: np.ndarray, outputs: int) -> tuple[float, str]:
    """Return how many of a network's outputs stand for classes that never occur, halved: a class may be rare."""
    seen = np.unique(target)
    unused = outputs - len(seen)
    told = f"{len(seen)} of {outputs} classes occur in {len(target)} targets"
    return (0.5 * unused / outputs if len(target) >= 20 * outputs else 0.0), told


@gate("before", "Does the network do more than one linear layer would?")
def network_bends(case: Case, thresholds: Thresholds) -> Iterator[Finding]:
    floats = [name for name, type in case.network.inputs.items() if type.dtype.is_float]
    arrays = examples(case, 64)
    half = count(arrays) // 2
    if not floats or half < 2 or inputs_are_alike(case) or not _has_wide_hidden_layer(case):
        return
    arrays |= {name: arrays[name].astype(np.float64) for name in floats}
    ends = [{name: array[start : start + half] for name, array in arrays.items()} for start in (0, half)]
    fixed = {name: ends[0][name] for name in case.network.inputs if name not in floats}
    middle = {**ends[0], **{name: (ends[0][name] + ends[1][name]) / 2 for name in floats}}
    run, parameters = forward(case, half), moved(case, 0)
    one, other, between = (run(parameters, {**part, **fixed}) for part in (*ends, middle))
    apart = {name: _largest(one[name] - other[name]) for name in one}
    apart = {name: size for name, size in apart.items() if size > 1e-9 * max(_largest(one[name]), 1.0)}
    if not apart:  # the outputs are all alike, which other gates tell of
        return
    bend = max(_largest(between[name] - (one[name] + other[name]) / 2) / size for name, size in apart.items())
    yield find(
        "network_bends",
        thresholds["network_bends"],
        bend,
        f"outputs half-way between two examples differ from the mean of theirs by {bend:.3g} of their distance",
        remedy="Put an activation behind each hidden layer.",
        causes=("no_hidden_activation",),
    )


def _largest(array: np.ndarray) -> float:
    return float(np.abs(array).max(initial=0.0))


def _has_wide_hidden_layer(case: Case) -> bool:
    """Say whether there is a hidden layer that is meant to bend: narrow ones may be there to be linear."""
    found = first_layers(case)
    inputs = sum(type.size for type in case.network.inputs.values())
    outputs = sum(type.size for type in case.network.outputs.values())
    widths = [layer.output.size // found.rows for layer in found.hidden]
    return any(width >= min(inputs, outputs) for width in widths)
