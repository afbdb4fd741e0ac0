"""Where a value that is not finite came from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from pellucid.errors import TrainingError
from pellucid.executors.program import compile
from pellucid.graph.graph import Graph, Node


def explain_failure(
    graph: Graph,
    inputs: Mapping[str, Any],
    *,
    executor: str,
    where: str,
    outputs: Sequence[str],
    carried: Sequence[str],
    settings: Sequence[str],
    rows: np.ndarray,
) -> TrainingError:
    """Return the error that names the step, the node that made the first value that is not finite, and the rows.

    The graph is run again with every value kept; from the first of the outputs that is not finite the search goes back
    through inputs that are not finite either, to the node all of whose inputs are.

    Parameters
    ----------
    graph : Graph
    inputs : mapping
        What it was run with.
    executor : str
        What ran it.
    where : str
        The step.
    outputs : sequence of str
        Where to begin the search.
    carried, settings : sequence of str
        Which inputs are parameters or state, and which are settings.
    rows : ndarray of int
        The numbers of the mini-batch's examples in the dataset.
    """
    values = compile(graph, executor).observe(**inputs)
    bad = next((node for name in outputs if _bad(values, node := graph.outputs[name])), None)
    if bad is None:
        return TrainingError("training met a value that is not finite, and not when the step was repeated", where=where)
    node = bad
    while True:
        source = next((source for source in node.inputs if _bad(values, source)), None)
        if source is None:
            break
        node = source
    value = np.asarray(values[node.path])
    kind = "NaN" if np.isnan(value).any() else "infinity"
    told = f"{kind} from {node.op.name}"
    if node.op.name == "input":
        what = "a parameter or state" if node.path in carried else "a setting" if node.path in settings else "the data"
        told = f"{kind}, which {what} held before the step"
    return TrainingError(
        "training met a value that is not finite",
        where=f"{where}, node {node.path!r}",
        got=f"{told}{_rows(node, value, rows)}",
        fix="Lower the learning rate, clip the gradient (clip_norm), or scale the inputs.",
    )


def _bad(values: Mapping[str, np.ndarray], node: Node) -> bool:
    return node.type.dtype.is_float and not np.isfinite(values[node.path]).all()


def _rows(node: Node, value: np.ndarray, rows: np.ndarray) -> str:
    """Say which examples a value that has a row for each concerns."""
    shape = node.type.shape
    if not shape or getattr(shape[0], "name", None) != "batch":
        return f" (mini-batch of rows {_listed(rows)})"
    wrong = ~np.isfinite(value.reshape(len(value), -1)).all(axis=1)
    found = np.unique(rows[wrong[: len(rows)]])
    return f" at row{'s' if len(found) > 1 else ''} {_listed(found)}"


def _listed(rows: np.ndarray) -> str:
    shown = ", ".join(map(str, rows[:8].tolist()))
    return f"{shown}, ... ({len(rows)} rows)" if len(rows) > 8 else shown
