"""The gate of examples: those of one mini-batch do not influence each other."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from pellucid import random
from pellucid.diagnosis.gates.case import Case
from pellucid.diagnosis.gates.finding import Finding
from pellucid.diagnosis.gates.gate import find, gate
from pellucid.diagnosis.gates.probe import (
    GIVEN,
    Arrays,
    Runner,
    count,
    examples,
    forward,
    losses_of_outputs,
    moved,
)
from pellucid.diagnosis.gates.thresholds import Threshold, Thresholds, declare

ROWS = 8

declare(
    Threshold(
        "examples_apart",
        1e-6,
        1e-6,
        "by how much the output of an example changes with another example, as a part of the size of the outputs",
        "the loss is a mean over independent examples; statistics of the batch may be allowed by a larger bound",
    )
)


@gate("before", "Do the examples of a mini-batch leave each other alone?")
def examples_apart(case: Case, thresholds: Thresholds) -> Iterator[Finding]:
    arrays = examples(case, ROWS)
    if count(arrays) < 3:
        return
    parameters, rows = moved(case, 0), count(arrays)
    outputs = {
        GIVEN + name: random.normal(case.seed, f"gates, apart/{name}", 0, (rows, *type.shape))
        for name, type in case.network.outputs.items()
    }
    changes = {
        "the outputs in training": _influence(forward(case, rows, training=True), parameters, arrays),
        "the outputs in prediction": _influence(forward(case, rows), parameters, arrays),
        "the losses": _influence(losses_of_outputs(case, rows), {}, {**arrays, **outputs}),
    }
    worst = max(changes, key=lambda what: changes[what])
    yield find(
        "examples_apart",
        thresholds["examples_apart"],
        changes[worst],
        f"where one example takes another's place {worst} of the others change by {changes[worst]:.3g} of their size",
        remedy="Look for a softmax, mean, norm or sort over axis 0, that of the examples; features have axis 1.",
        causes=("examples_mixed", "wrong_loss") if worst == "the losses" else ("examples_mixed",),
    )


def _influence(run: Runner, parameters: Arrays, arrays: Arrays) -> float:
    """Return by how much at most the numbers of other examples change with the first one, and with the last."""
    before = run(parameters, arrays)
    largest = 0.0
    for changed, source in ((0, 1), (count(arrays) - 1, 0)):
        after = run(parameters, {name: _replaced(array, changed, source) for name, array in arrays.items()})
        for name, outputs in before.items():
            # Infinite and NaN outputs are other gates' matter; where they stay the same, nothing has changed.
            difference = np.where(outputs == after[name], 0.0, np.abs(outputs - after[name]))
            others = np.delete(difference, changed, axis=0)
            finite = np.abs(outputs[np.isfinite(outputs)])
            size = float(finite.max(initial=0.0)) or 1.0
            largest = max(largest, float(np.nan_to_num(others, posinf=0.0).max(initial=0.0)) / size)
    return largest


def _replaced(array: np.ndarray, changed: int, source: int) -> np.ndarray:
    """Return the examples with another one, changed a little where it is made of floats, in the place of one."""
    array = array.copy()
    array[changed] = array[source]
    if array.dtype.kind == "f":
        array[changed] = 0.5 * array[changed] + 0.25
    return array
