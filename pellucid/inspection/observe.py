"""Observation: every value of a graph and the gradient of its output with respect to it, for one set of inputs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from pellucid.errors import GraphError, UsageError, nearest
from pellucid.executors.program import ONCE, compile
from pellucid.graph.builder import build
from pellucid.graph.differentiate import differentiate
from pellucid.graph.graph import Graph, live_nodes
from pellucid.inspection.examples import graph_of_examples
from pellucid.inspection.gradients import infer_types
from pellucid.inspection.observation import Observation, ObservedNode, StepRecord, observe_node
from pellucid.inspection.steps import observe_step
from pellucid.model.model import Model
from pellucid.training.loop import Training
from pellucid.training.result import Fit

__all__ = ["Observation", "ObservedNode", "StepRecord", "observe"]


def observe(
    subject: Callable[..., Any] | Graph | Fit | Model | Training | Any,
    data: Any = None,
    /,
    *,
    rows: Any = None,
    of: str | None = None,
    executor: str | None = None,
    **inputs: Any,
) -> Observation:
    """Compute every value of a graph, and the gradient of its output with respect to every one of them.

    Parameters
    ----------
    subject : callable, Graph, Fit, Model, Training, or what has a `training`
        What to observe:

        - a function as :func:`pellucid.build` takes it, or a graph, with the values of its inputs by name;
        - what :func:`pellucid.fit` returned, on examples of a dataset: from the inputs to the mean loss, without
          dropout and noise;
        - a model, on rows of a table: from the cells through the encoders to the loss, or to a score where the targets
          are not there;
        - a training, as an event of it has it: its next step, with dropout and noise as they come in that step,
          gradients, clipping and the optimizer's update. The training stays as it is.
    data : Dataset, table or arrays
        The examples, for a fit or a model. Without targets, a fit has values only.
    rows : int, sequence of int, slice or mask, optional
        Which of the examples; by default all of them.
    of : str, optional
        The scalar output to take gradients of. Needed only where there are several.
    executor : {"native", "interpret"}, optional
        What computes the values; by default NumPy, and for a training what the training itself runs on, so that the
        values are those that it computes, to the bit.
    **inputs
        A value for each argument or input. For a function they give the types too: arrays keep their dtype; Python
        numbers, and lists of them, whole or not, are float64 (truth values are bool). Pass an array where whole
        numbers are meant, as for the index of a class.

    Returns
    -------
    Observation
        With values only where the graph has no scalar output of a float dtype.

    Raises
    ------
    GraphError
        Where inputs do not fit, or there are several scalar outputs and `of` does not say which one.
    UsageError, DataError
        Where there is nothing to observe, or the examples do not fit.

    Examples
    --------
    >>> import numpy as np, pellucid as pl
    >>> def loss(w, x, y):
    ...     p = pl.sigmoid(pl.sum(w * x))
    ...     return -(y * pl.log(p) + (1 - y) * pl.log(1 - p))
    >>> seen = pl.observe(loss, w=[-3, 2, -3], x=[1, -1, -2], y=1.0)
    >>> seen["p"].formula_with_numbers
    'p = sigmoid(1) = 0.731059'
    >>> print(seen["w"].gradient)
    [-0.26894142  0.26894142  0.53788284]

    One example of a trained network, and the first step of a training:

    >>> network = pl.Network([pl.Dense(3, "tanh"), pl.Dense(1)], inputs=2, dtype="float64")
    >>> data = pl.Dataset({"x": np.eye(2)}, [[1.0], [0.0]])
    >>> fitted = pl.fit(network, data, loss="squared_error", epochs=1)
    >>> pl.observe(fitted, data, rows=1)["dense_1/tanh"].value.shape
    (1, 3)
    >>> first = []
    >>> def watch(event):
    ...     if isinstance(event, pl.events.TrainingStarted):
    ...         first.append(pl.observe(event))
    >>> _ = pl.fit(network, data, loss="squared_error", epochs=1, optimizer="gradient_descent", on=watch)
    >>> rate = first[0].step.learning_rate
    >>> bool(np.allclose(first[0].update("dense_1/weight"), -rate * first[0].gradient("dense_1/weight")))
    True
    """
    if isinstance(subject, (Fit, Model)):
        _refuse_inputs(inputs)
        graph, given, numbers = graph_of_examples(subject, data, rows)
        if of is None and "loss" in graph.outputs:
            of = "loss"
        return observe_graph(graph, given, of or ("score" if "score" in graph.outputs else None), executor, numbers)
    training = subject if isinstance(subject, Training) else getattr(subject, "training", None)
    if isinstance(training, Training):
        _refuse_inputs(inputs)
        if data is not None or rows is not None:
            raise UsageError("the rows of a training's next step are its own", where="observe", got="data or rows")
        return observe_step(training, of, executor)
    if isinstance(subject, Graph) or callable(subject):
        if data is not None and not (isinstance(data, str) and of is None):
            raise UsageError("inputs are given by name", where="observe", got=repr(data)[:80], fix="Write x=....")
        given = inputs if rows is None else {**inputs, "rows": rows}
        graph = subject if isinstance(subject, Graph) else build(subject, **infer_types(given))
        return observe_graph(graph, given, data or of, executor)
    expected = "a function, a graph, a fit, a model, or a training as an event has it"
    raise UsageError("there is nothing to observe", where="observe", got=repr(subject)[:80], expected=expected)


def observe_graph(
    graph: Graph,
    inputs: Mapping[str, Any],
    of: str | None = None,
    executor: str | None = None,
    rows: np.ndarray | None = None,
) -> Observation:
    """Observe a graph; `rows` are the numbers of its examples, everything else is as for :func:`observe`."""
    of = choose_output(graph, of)
    executor = executor or ONCE
    values = compile(graph, executor).observe(**inputs)
    gradients: Mapping[str, np.ndarray] = {}
    if of is not None:
        wrt = [node.path for node in live_nodes([graph.outputs[of]]) if node.type.dtype.is_float]
        computed = compile(differentiate(graph, wrt, of), executor)(**inputs)
        gradients = {path: computed[f"d {of} / d {path}"] for path in wrt}
    nodes = {node.path: observe_node(node, values, gradients) for node in graph.nodes}
    return Observation(graph, of, MappingProxyType(nodes), rows)


def choose_output(graph: Graph, of: str | None) -> str | None:
    """Return the scalar output to take gradients of: the one named, or the only one; None where there is none.

    Raises
    ------
    GraphError
        Where there is no such output, or there are several scalars and none is named.
    """
    scalars = [name for name, node in graph.outputs.items() if node.type.dtype.is_float and not node.type.shape]
    if of is not None and of not in graph.outputs:
        raise GraphError(f"the graph has no output {of!r}", fix=nearest(of, graph.outputs))
    if of is not None and of not in scalars:
        expected = "a scalar of a float dtype" + (f": {' or '.join(scalars)}" if scalars else "")
        raise GraphError("no gradients of this output", where=of, got=str(graph.outputs[of].type), expected=expected)
    if of is None and len(scalars) > 1:
        fix = f'Say which one, as in observe(..., of="{scalars[-1]}").'
        raise GraphError("gradients of which output?", got=", ".join(scalars), expected="one", fix=fix)
    return of or (scalars[0] if scalars else None)


def _refuse_inputs(inputs: Mapping[str, Any]) -> None:
    if inputs:
        got = ", ".join(f"{name}=..." for name in inputs)
        raise UsageError("examples come as a dataset or a table", where="observe", got=got)
