"""One number at the end of a prediction graph, so that it can be differentiated: a loss, or a score."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pellucid import ops
from pellucid.data.targets import TargetEncoding
from pellucid.graph.builder import Builder
from pellucid.graph.context import Context
from pellucid.graph.graph import Graph
from pellucid.graph.types import Axis, Type, float64
from pellucid.nn.losses import loss as loss_called

PREDICTION, OUTPUT, TARGET = "prediction", "output", "target"


def add_loss(
    graph: Graph, targets: TargetEncoding, name: str, settings: Mapping[str, Any]
) -> tuple[Graph, dict[str, float]]:
    """Return a prediction graph with the input ``target`` and the output ``loss``, the mean over the examples.

    Parameters
    ----------
    graph : Graph
        With the output ``output``, which the loss takes.
    targets : TargetEncoding
        Regression targets come in their own units and are standardized in the graph.
    name, settings : str, mapping
        The loss.

    Returns
    -------
    Graph, dict of float
        Its other outputs are kept; settings of the loss, such as ``label_smoothing``, are inputs, with these numbers.

    Raises
    ------
    UsageError
        Where there is no such loss.
    """
    loss = loss_called(name, **settings)
    output = graph.outputs[OUTPUT].type
    context = Context(training=False, batch=Axis(graph.axes["batch"], "batch"), dtype=output.dtype)
    here = context.builder.copy(graph)
    wanted = loss.target_type(Type(output.dtype, tuple(output.shape[1:])))
    own_units = Type(float64 if targets.arrays else wanted.dtype, (context.batch, *wanted.shape))
    target = context.builder.input(TARGET, own_units)
    if targets.arrays:
        statistics = {path: here[graph.inputs[path]] for path in targets.arrays}
        with context.scope("loss"):
            target = ops.cast(targets.standardize(statistics, target), dtype=wanted.dtype)
        context.builder.name(target, "loss/target")
    with context.scope("loss"):
        each = loss.per_example(context, here[graph.outputs[OUTPUT]], target)
    context.builder.name(each, "loss/examples")
    mean = context.builder.name(ops.mean(each), "loss")
    outputs = {path: here[node] for path, node in graph.outputs.items()}
    return context.builder.finish({**outputs, "loss": mean}, after="adding the loss"), dict(context.settings)


def add_score(graph: Graph, targets: TargetEncoding, kind: str) -> Graph:
    """Return a prediction graph with the output ``score``, summed over the examples.

    It is the logarithm of the probability of the predicted class, or of all predicted labels; where the prediction is a
    score, the score of the predicted class; for regression, the prediction itself (its sum over the targets).
    """
    builder = Builder()
    here = builder.copy(graph)
    output = here[graph.outputs[OUTPUT]]
    if targets.task == "regression":
        scores = here[graph.outputs[PREDICTION]]
    elif targets.task == "multiclass":
        scores = ops.max(ops.log_softmax(output) if kind == "probability" else output, axis=1)
    else:
        chosen = abs(output)
        if targets.threshold is not None:
            true = ops.greater(here[graph.outputs[PREDICTION]], targets.threshold)
            chosen = ops.select(true, output, -output)
        scores = -ops.softplus(-chosen) if kind == "probability" else chosen
    score = builder.name(ops.sum(scores), "score")
    outputs = {path: here[node] for path, node in graph.outputs.items()}
    return builder.finish({**outputs, "score": score}, after="adding the score")
