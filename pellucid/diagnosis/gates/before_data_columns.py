"""Gates of columns: constant, twice there, badly scaled, or of an odd scale in the test."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from pellucid.diagnosis.gates.case import Case
from pellucid.diagnosis.gates.data_view import View, filled, same_everywhere, scaled, view_of_case, view_of_dataset
from pellucid.diagnosis.gates.finding import Finding
from pellucid.diagnosis.gates.gate import find, gate
from pellucid.diagnosis.gates.probe import Arrays, Runner, count, examples, forward
from pellucid.diagnosis.gates.thresholds import Threshold, Thresholds, declare
from pellucid.graph.context import Context
from pellucid.graph.graph import live_nodes
from pellucid.graph.types import Axis
from pellucid.graph.value import Value
from pellucid.nn.losses import GaussianLogLikelihood
from pellucid.training.step import target_name

ROWS = 512
LEAST = 4
"""Fewer targets may be the same by chance."""

INFINITE = float("inf")
_LECUN = "LeCun, Bottou, Orr and Müller 1998, Efficient BackProp, section 4.3"

declare(
    Threshold("constant_columns", 0.5, 1.0, "share of columns that are the same in all rows", "they say nothing"),
    Threshold(
        "duplicate_columns", 0.1, INFINITE, "share of columns that repeat another one", "they say nothing that is new"
    ),
    Threshold(
        "scaled_columns",
        20.0,
        100.0,
        "root mean square of the largest column that the first layer sees; its inverse where all are small",
        _LECUN,
    ),
    Threshold(
        "centred_columns", 20.0, 200.0, "distance of a column's mean from 0, in deviations of the column", _LECUN
    ),
    Threshold(
        "scaled_targets",
        20.0,
        100.0,
        "deviation of the targets over that of the first outputs, or three times their distance in deviations",
        "a network begins with outputs of about 1",
    ),
    Threshold(
        "test_like_training",
        1.5,
        2.5,
        "distance of the mean of a column in the test from that in training, in its deviations",
        "faults of data that were prepared in two ways",
    ),
)


def find_constant_columns(view: View, thresholds: Thresholds) -> Finding:
    """Return what there is to say of constant columns."""
    constant = same_everywhere(view)
    share = float(constant.mean())
    told = f" ({view.tell(np.flatnonzero(constant))})" if constant.any() else ""
    return find(
        "constant_columns",
        thresholds["constant_columns"],
        share,
        f"{int(constant.sum())} of {len(constant)} columns{told} are the same in each of {len(view)} rows",
        remedy="Look at how these columns are read; leave them out if they are so.",
        causes=("uninformative_inputs",),
    )


@gate("before", "Do the columns differ from row to row?")
def constant_columns(case: Case, thresholds: Thresholds) -> Iterator[Finding]:
    view = view_of_case(case)
    if view is not None and len(view) > 1:
        yield find_constant_columns(view, thresholds)


def find_duplicate_columns(view: View, thresholds: Thresholds) -> Finding:
    """Return what there is to say of columns that repeat another one, those that are constant left out."""
    places = np.flatnonzero(~same_everywhere(view))
    columns = np.ascontiguousarray(view.values[:, places].T)
    _, first = np.unique(filled(columns), axis=0, return_index=True)
    again = places[np.setdiff1d(np.arange(len(places)), first)]
    told = f" ({view.tell(again)})" if len(again) else ""
    return find(
        "duplicate_columns",
        thresholds["duplicate_columns"],
        len(again) / max(len(places), 1),
        f"{len(again)} of {len(places)} columns{told} repeat another one",
        remedy="Leave one of each pair out.",
        causes=("uninformative_inputs",),
    )


@gate("before", "Does each column say something of its own?")
def duplicate_columns(case: Case, thresholds: Thresholds) -> Iterator[Finding]:
    view = view_of_case(case)
    if view is not None and len(view) > 1:
        yield find_duplicate_columns(view, thresholds)


def first_operands(case: Case, arrays: Arrays) -> np.ndarray | None:
    """Return what the first layers multiply, [rows, features]: inputs after all that is done to them without learning.

    None where there is nothing of the kind, as where an input is normalized or embedded by what is learned.
    """
    context = Context(training=False, batch=Axis(count(arrays), "batch"), dtype=case.network.dtype)
    outputs = case.network.build(context, **case.network.declare_inputs(context))
    learned = {context.values[path].node for path in context.parameters}
    data = {context.values[name].node for name in case.network.inputs}
    found: dict[str, Value] = {}
    for node in live_nodes([value.node for value in outputs.values()]):
        for source in node.inputs if node.op.name == "contraction" else ():
            behind = set(live_nodes([source]))
            batched = bool(source.type.shape) and isinstance(source.type.shape[0], Axis)
            if behind & data and not behind & learned and batched and source.type.dtype.is_float:
                found[f"operand {len(found)}"] = Value(context.builder, source)
    if not found:
        return None
    values = Runner(case, context, found)(case.parameters, arrays)
    return np.concatenate([array.reshape(len(array), -1) for array in values.values()], axis=1)


@gate("before", "Are the columns of about the same size, and that about 1?")
def scaled_columns(case: Case, thresholds: Thresholds) -> Iterator[Finding]:
    values = _operands(case)
    if values is None:
        return
    sizes = np.sqrt(np.mean(values * values, axis=0))
    largest = float(sizes.max(initial=0.0))
    if not largest:
        return
    place = int(np.argmax(sizes))
    usual = float(np.median(sizes[sizes > 0]))
    yield find(
        "scaled_columns",
        thresholds["scaled_columns"],
        max(largest, 1 / largest),
        f"the largest column that the first layer sees is {_name(case, place, values)} with a root mean square of"
        f" {largest:.4g}; usual is {usual:.4g}",
        remedy="Standardize the inputs: mean 0 and deviation 1.",
        causes=("unscaled_inputs",),
        where=_name(case, place, values),
    )


@gate("before", "Do the columns vary about 0?")
def centred_columns(case: Case, thresholds: Thresholds) -> Iterator[Finding]:
    values = _operands(case)
    if values is None:
        return
    spread = values.std(axis=0)
    # Truth values that are nearly always the same are far from 0 without harm.
    several = np.array([len(np.unique(column[:64])) > 2 for column in values.T]) & (spread > 0)
    if not several.any():
        return
    offsets = np.where(several, np.abs(values.mean(axis=0)) / np.where(spread > 0, spread, 1.0), 0.0)
    place = int(np.argmax(offsets))
    yield find(
        "centred_columns",
        thresholds["centred_columns"],
        float(offsets[place]),
        f"the mean of {_name(case, place, values)} is {values[:, place].mean():.4g}, its deviation {spread[place]:.3g}",
        remedy="Standardize the inputs: mean 0 and deviation 1.",
        causes=("unscaled_inputs",),
        where=_name(case, place, values),
    )


def _operands(case: Case) -> np.ndarray | None:
    return case.once("first operands", lambda: first_operands(case, examples(case, ROWS)))


def _name(case: Case, place: int, values: np.ndarray) -> str:
    return case.columns[place] if len(case.columns) == values.shape[1] else f"column {place}"


@gate("before", "Are the targets within reach of the first outputs?")
def scaled_targets(case: Case, thresholds: Thresholds) -> Iterator[Finding]:
    arrays = examples(case, ROWS)
    outputs = None
    for name, loss in case.losses.items():
        if not loss.linear and not isinstance(loss, GaussianLogLikelihood):
            continue
        outputs = outputs or forward(case, count(arrays))(case.parameters, arrays)
        target = arrays[target_name(case.network, name)].astype(np.float64).reshape(count(arrays), -1)
        first = outputs[name].reshape(count(arrays), -1)
        first = first[:, : target.shape[1]] if first.shape[1] % target.shape[1] == 0 else first
        spread = target.std(axis=0)
        if not np.isfinite(first).all() or len(target) < LEAST:
            continue
        if not spread.any():
            yield _same_targets(target, name if len(case.losses) > 1 else "", thresholds)
            continue
        place, wide = int(np.argmax(spread)), float(spread.max()) / max(float(first.std()), 1.0)
        distance = _rms(target.mean(axis=0) - first.mean(axis=0))
        far = 3 * distance / max(_rms(spread), _rms(first.std(axis=0)))
        yield find(
            "scaled_targets",
            thresholds["scaled_targets"],
            max(wide, far),
            f"the targets are {target[:, place].mean():.4g} ± {spread[place]:.4g},"
            f" the first outputs {first[:, place].mean():.4g} ± {first[:, place].std():.4g}",
            remedy="Standardize the targets, and the predictions back.",
            causes=("unscaled_targets",),
            where=name if len(case.losses) > 1 else "",
        )


def _rms(array: np.ndarray) -> float:
    return float(np.sqrt(np.mean(array * array)))


def _same_targets(target: np.ndarray, where: str, thresholds: Thresholds) -> Finding:
    return find(
        "scaled_targets",
        thresholds["scaled_targets"],
        INFINITE,
        f"the targets are {target[0, 0] + 0.0:.4g} for each of {len(target)} examples: there is nothing to learn",
        remedy="Look at how the targets are read.",
        causes=("wrong_targets",),
        where=where,
    )


@gate("before", "Are the columns of the test like those of the training?")
def test_like_training(case: Case, thresholds: Thresholds) -> Iterator[Finding]:
    view = view_of_case(case)
    other = None if case.test is None else view_of_dataset(case, case.test)
    if view is not None and other is not None and len(other) >= 5:
        yield find_shift(view, other, thresholds)


def find_shift(view: View, other: View, thresholds: Thresholds) -> Finding:
    """Return what there is to say of how far the columns of a test are from those of the training."""
    varies = ~same_everywhere(view) & ~view.coded
    moved = np.where(varies, np.abs(scaled(other.values, view.values).mean(axis=0)), 0.0)
    place = int(np.argmax(moved))
    return find(
        "test_like_training",
        thresholds["test_like_training"],
        float(moved[place]),
        f"the mean of {view.names[place]} in the test is {moved[place]:.3g} deviations from that in training",
        remedy="Prepare both in the same way: with the mean and the deviation of the training.",
        causes=("unscaled_inputs",),
        where=view.names[place],
    )
