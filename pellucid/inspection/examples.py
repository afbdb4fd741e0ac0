"""Examples on their way through a trained network, as a graph and its inputs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from pellucid.data.dataset import Dataset
from pellucid.errors import UsageError
from pellucid.executors.inputs import gather, row_numbers
from pellucid.graph.context import Context
from pellucid.graph.graph import Graph
from pellucid.graph.types import Axis, Type
from pellucid.graph.value import Value
from pellucid.model.model import Model
from pellucid.nn.losses import weighted_mean
from pellucid.ops.reductions import mean
from pellucid.training.checks import check_parts
from pellucid.training.evaluate import as_arrays, fit_arrays
from pellucid.training.result import Fit
from pellucid.training.step import WEIGHT, declare_targets, losses_of_examples, prediction_name

Observed = tuple[Graph, dict[str, Any], np.ndarray]


def graph_of_examples(subject: Fit | Model, data: Any, rows: Any) -> Observed:
    """Return the graph of some examples, its inputs, and the examples' numbers.

    Parameters
    ----------
    subject : Fit or Model
    data : Dataset, table or arrays
    rows : int, sequence of int, slice or mask, or None for all

    Raises
    ------
    UsageError, DataError, GraphError
        Where there are no examples, they do not fit, or there is no such row.
    """
    if data is None:
        what = "a dataset" if isinstance(subject, Fit) else "a table"
        raise UsageError("there are no examples to observe", where="observe", fix=f"Pass {what}, and rows=[0].")
    if isinstance(subject, Model):
        table = subject.table(data)
        numbers = numbered_rows(rows, len(table))
        graph, inputs = subject.observation(table.take(numbers))
        return graph, inputs, numbers
    dataset = _as_dataset(subject, data)
    numbers = numbered_rows(rows, len(dataset))
    graph, inputs = _of_fit(subject, dataset, numbers)
    return graph, inputs, numbers


def numbered_rows(rows: Any, count: int) -> np.ndarray:
    """Return the numbers of chosen rows, [rows], of which there is one at least.

    Examples
    --------
    >>> numbered_rows(None, 3), numbered_rows(slice(-2, None), 3), numbered_rows(2, 3)
    (array([0, 1, 2]), array([1, 2]), array([2]))
    """
    if rows is None or isinstance(rows, slice):
        found = np.arange(count)[slice(None) if rows is None else rows]
    else:
        given = np.atleast_1d(np.asarray(rows))
        found = np.flatnonzero(given) if given.dtype == bool and len(given) == count else given
        found = row_numbers(found, count, "rows")
    if not len(found):
        raise UsageError("there are no examples to observe", where="rows", got="none", expected="one row or more")
    return found


def _as_dataset(fit: Fit, data: Any) -> Dataset:
    if isinstance(data, Dataset):
        return data
    if isinstance(data, tuple) and len(data) == 2:  # (x, y), as pictures and scikit-learn take them
        inputs, targets = data
        return Dataset(inputs if isinstance(inputs, Mapping) else {next(iter(fit.network.inputs)): inputs}, targets)
    return Dataset(data if isinstance(data, Mapping) else {next(iter(fit.network.inputs)): data})


def _taken(dataset: Dataset, numbers: np.ndarray) -> Dataset:
    """Return some examples; those that count for nothing in the dataset count alike among themselves."""
    if dataset.weights is not None and not dataset.weights[numbers].any():
        dataset = Dataset(dataset.inputs, dataset.targets)
    return dataset.take(numbers)


def _of_fit(fit: Fit, dataset: Dataset, numbers: np.ndarray) -> tuple[Graph, dict[str, Any]]:
    network, losses = fit.network, fit.losses
    check_parts(network, dataset)
    some = _taken(dataset, numbers)
    context = Context(training=False, batch=Axis(len(numbers), "batch"), dtype=network.dtype)
    outputs = network.build(context, **network.declare_inputs(context))
    for name, value in outputs.items():
        if value.node.op.name != "input":
            context.builder.name(value, name)
    told = {
        prediction_name(network, name): next(iter(loss.predict(outputs[name]).values()))
        for name, loss in losses.items()
    }
    for name, value in told.items():
        context.builder.name(value, name)
    results = {**outputs, **told}
    if some.targets is None:
        arrays = fit_arrays(some.inputs, network.inputs)
    else:
        arrays = as_arrays(network, losses, some)
        results["loss"] = _mean_loss(fit, context, outputs, arrays)
    graph = context.builder.finish(results, after="building the observation of examples")
    given: dict[str, Any] = {**context.settings, "seed": 0, "step": 0, **fit.parameters}
    given |= {name: gather(array, slice(None)) for name, array in arrays.items()}
    return graph, {name: given[name] for name in graph.inputs}


def _mean_loss(fit: Fit, context: Context, outputs: Mapping[str, Value], arrays: Mapping[str, Any]) -> Value:
    """Add the mean loss of the examples; by their weights where these differ."""
    targets = declare_targets(context, fit.network, fit.losses)
    with context.scope("loss"):
        each = losses_of_examples(context, fit.network, fit.losses, outputs, targets)
    context.builder.name(each, "loss/examples")
    with context.scope("loss"):
        if np.all(arrays[WEIGHT] == arrays[WEIGHT][0]):
            loss = mean(each)
        else:
            loss = weighted_mean(each, context.input(WEIGHT, Type(context.dtype, (context.batch,))))
    return context.builder.name(loss, "loss")
