"""The judge of a network: its loss, and the metrics that are means over examples, summed up by one graph."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pellucid.executors.epochs import JudgeProgram
from pellucid.executors.program import compile_judge
from pellucid.graph.context import Context
from pellucid.graph.simplify import simplify
from pellucid.graph.types import Axis, Type, float64
from pellucid.graph.value import Value
from pellucid.nn.losses import Loss
from pellucid.nn.network import Network
from pellucid.ops import argmax, cast, select
from pellucid.ops.reductions import sum as total
from pellucid.training.metric import Metric, metrics_for
from pellucid.training.metric_parts import as_probability_value
from pellucid.training.step import WEIGHT, declare_targets, losses_of_examples, target_name


@dataclass(frozen=True)
class Judge:
    """A network's judge, compiled.

    Attributes
    ----------
    program : JudgeProgram
        Its outputs are sums by weight: ``loss``, and the parts of each metric by its name.
    parameters : tuple of str
    settings : dict of float
    """

    program: JudgeProgram
    parameters: tuple[str, ...]
    settings: dict[str, float]


def metric_key(losses: Mapping[str, Loss], output: str, metric: Metric) -> str:
    """Return the name of a metric of an output: with the output's before it where there are several."""
    return metric.name if len(losses) == 1 else f"{output}/{metric.name}"


def compile_judge_of(network: Network, losses: Mapping[str, Loss], executor: str, batch: int) -> Judge:
    """Return the judge of a network, built with an axis ``batch`` of this size."""
    context = Context(training=False, batch=Axis(batch, "batch"), dtype=network.dtype)
    outputs = network.build(context, **network.declare_inputs(context))
    targets = declare_targets(context, network, losses)
    weight = context.input(WEIGHT, Type(network.dtype, (context.batch,)))
    with context.scope("loss"):
        parts = {"loss": losses_of_examples(context, network, losses, outputs, targets)}
    for name, loss in losses.items():
        kind, said = next(iter(loss.predict(outputs[name]).items()))
        prediction, target = as_probability_value(said, kind), targets[target_name(network, name)]
        if loss.task == "multiclass" and target.ndim > 1:
            target = argmax(target, axis=1)  # of shares of classes metrics take the largest for the truth
        for metric in metrics_for(loss.task):
            part = metric.build(prediction, target) if metric.build is not None and metric.fits(kind) else None
            if part is not None:
                parts[metric_key(losses, name, metric)] = part
    sums = {name: _sum(part, weight) for name, part in parts.items()}
    graph = simplify(context.builder.finish(sums, after="building the judge"))
    return Judge(compile_judge(graph, WEIGHT, executor), tuple(context.parameters), dict(context.settings))


def _sum(part: Value, weight: Value) -> Value:
    """Sum by weight; an example of weight 0 does not count, even if its part is infinite or NaN."""
    return total(cast(weight, float64) * select(weight != 0, cast(part, float64), 0.0))
