"""The training step as one graph: loss, gradient, regularization and the optimizer's update."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from pellucid.errors import UsageError, nearest
from pellucid.executors.epochs import StepGraph
from pellucid.graph.context import Context, Parameter, State, initial_state
from pellucid.graph.differentiate import build_gradients
from pellucid.graph.graph import Graph
from pellucid.graph.simplify import simplify
from pellucid.graph.types import Axis, Type
from pellucid.graph.value import Value
from pellucid.nn.losses import Loss, weighted_mean
from pellucid.nn.losses.loss import blank_unused
from pellucid.nn.network import Network
from pellucid.nn.regularizers import Mixup, Regularizer, output_weights
from pellucid.ops.comparison import select
from pellucid.ops.rolls import roll
from pellucid.ops.shapes import reshape
from pellucid.optim.clipping import clip_gradients
from pellucid.optim.transformation import Optimizer

WEIGHT = "row_weight"
"""The input for the weights of a mini-batch's rows, [batch]."""


@dataclass(frozen=True)
class TrainingStep:
    """A training step and the meaning of what it carries from step to step."""

    form: StepGraph
    parameters: dict[str, Parameter]
    state: dict[str, State]
    settings: dict[str, float]

    @property
    def graph(self) -> Graph:
        return self.form.graph

    def initial_state(self, parameters: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Return the state that training starts from, given the first values of the parameters.

        Arrays that do not depend on these are always the same ones, which nobody can change.
        """
        dependent = {path: found for path, found in self.state.items() if isinstance(found.initial, str)}
        found = {**self._constant_state, **initial_state(dependent, parameters)}
        return {path: found[path] for path in self.state}

    @cached_property
    def _constant_state(self) -> dict[str, np.ndarray]:
        constant = {path: found for path, found in self.state.items() if not isinstance(found.initial, str)}
        arrays = initial_state(constant, {})
        for array in arrays.values():
            array.flags.writeable = False
        return arrays


def target_inputs(network: Network, losses: Mapping[str, Loss]) -> dict[str, Type]:
    """Return the inputs that hold targets, with the type of one example: ``target``, or ``target/<output>``."""
    if set(losses) != set(network.outputs):
        name = next(iter(set(losses) ^ set(network.outputs)))
        raise UsageError(
            "every output needs a loss, and every loss an output",
            got=", ".join(losses) or "no loss",
            expected=", ".join(network.outputs),
            fix=nearest(name, network.outputs),
        )
    return {target_name(network, name): loss.target_type(network.outputs[name]) for name, loss in losses.items()}


def target_name(network: Network, output: str) -> str:
    """Return the name of the input that holds the target of an output."""
    return "target" if len(network.outputs) == 1 else f"target/{output}"


def build_step(
    network: Network,
    losses: Mapping[str, Loss],
    optimizer: Optimizer,
    *,
    batch: int,
    regularizers: Sequence[Regularizer] = (),
    clip_value: float | None = None,
    clip_norm: float | None = None,
) -> TrainingStep:
    """Return the graph of one training step.

    Parameters
    ----------
    network : Network
    losses : mapping of str to Loss
        One for each output.
    optimizer : Optimizer
    batch : int
        The size of a mini-batch.
    regularizers : sequence of Regularizer
    clip_value, clip_norm : float, optional
        Bounds for each element of the gradient, and for its global norm.
    """
    context = Context(training=True, batch=batch, dtype=network.dtype)
    objective, loss, outputs = build_objective(context, network, losses, regularizers)
    parameters = {path: context.values[path] for path in context.parameters}
    name = context.builder.path_of(objective.node)
    found = build_gradients(objective, list(parameters.values()), name=name)
    gradients = dict(zip(parameters, found, strict=True))
    gradients = clip_gradients(context, gradients, value=clip_value, norm=clip_norm)
    new = optimizer.build(context, parameters, gradients, objective)
    rate = _learning_rate(context, optimizer, regularizers)
    spared = _output_weights(losses, outputs, parameters)
    for path, value in new.items():
        for regularizer in regularizers:
            value = regularizer.after_update(context, path, value, rate, spared)
        context.update(parameters[path], value)
    return _finish(context, network, losses, loss, batch)


def _learning_rate(context: Context, optimizer: Optimizer, regularizers: Sequence[Regularizer]) -> Value:
    """Return the learning rate, which proximal steps take too; 0 for an optimizer that has none."""
    needing = [type(found).__name__ for found in regularizers if found.needs_learning_rate]
    if "learning_rate" not in context.settings and needing:
        what = f"{needing[0]} goes with an optimizer that has a learning rate"
        raise UsageError(what, got=optimizer.name, fix="Choose adam, for example.")
    return context.setting("learning_rate", 0.0)


def build_objective(
    context: Context, network: Network, losses: Mapping[str, Loss], regularizers: Sequence[Regularizer]
) -> tuple[Value, Value, dict[str, Value]]:
    """Add the network, its loss and its penalties; return the objective, the loss alone, and the outputs."""
    inputs = network.declare_inputs(context)
    targets = declare_targets(context, network, losses)
    weight = context.input(WEIGHT, Type(network.dtype, (context.batch,)))
    for regularizer in regularizers:
        inputs, targets = regularizer.before_loss(context, inputs, targets)
    mixups = [regularizer for regularizer in regularizers if isinstance(regularizer, Mixup)]
    if len(mixups) > 1:
        raise UsageError("mixup stands twice among the regularizers")
    ratio = context.setting("mixup/ratio", 1.0) if mixups else None
    if ratio is not None:
        inputs = {name: _mix(name, value, ratio, weight) for name, value in inputs.items()}
    outputs = network.build(context, **inputs)
    with context.scope("loss"):
        used = {name: blank_unused(value, weight) for name, value in outputs.items()}
        targets = {name: blank_unused(value, weight) for name, value in targets.items()}
        each = losses_of_examples(context, network, losses, used, targets)
        if ratio is not None:
            partners = {name: _partners(value, weight) for name, value in targets.items()}
            each = ratio * each + (1 - ratio) * losses_of_examples(context, network, losses, used, partners)
        context.builder.name(each, "loss/examples")
        loss = weighted_mean(each, weight)
    parameters = {path: context.values[path] for path in context.parameters}
    spared = _output_weights(losses, outputs, parameters)
    for regularizer in regularizers:
        regularizer.on_loss(context, parameters, spared)
    objective = loss
    for penalty in context.penalties.values():
        objective = objective + penalty
    context.builder.name(loss, "loss")
    context.builder.name(objective, "objective")
    return objective, loss, outputs


def losses_of_examples(
    context: Context,
    network: Network,
    losses: Mapping[str, Loss],
    outputs: Mapping[str, Value],
    targets: Mapping[str, Value],
) -> Value:
    """Return the loss of each example, summed over the outputs, [batch]."""
    parts = []
    for name, loss in losses.items():
        target = targets[target_name(network, name)]
        if len(losses) == 1:
            parts.append(loss.per_example(context, outputs[name], target))
        else:
            with context.scope(name):
                parts.append(loss.per_example(context, outputs[name], target))
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return total


def _output_weights(
    losses: Mapping[str, Loss], outputs: Mapping[str, Value], parameters: Mapping[str, Value]
) -> frozenset[str]:
    """Return the paths of the weights of output layers whose loss takes their output as it is."""
    linear = (outputs[name] for name, loss in losses.items() if loss.linear)
    return frozenset().union(*(output_weights(output, parameters) for output in linear))


def _mix(name: str, value: Value, ratio: Value, weight: Value) -> Value:
    if not value.dtype.is_float:
        raise UsageError("mixup mixes numbers only", where=f"input {name!r}", got=str(value.type))
    return ratio * value + (1 - ratio) * _partners(value, weight)


def _partners(value: Value, weight: Value) -> Value:
    """Return the mini-batch with each row in the place of the one before it.

    Rows of weight 0, as those that fill up the last mini-batch, are nobody's partner: before them a row meets itself.
    """
    used = reshape(roll(weight, -1, axis=0) != 0, (*weight.shape, *(1,) * (value.ndim - 1)))
    return select(used, roll(value, -1, axis=0), value)


def _finish(context: Context, network: Network, losses: Mapping[str, Loss], loss: Value, batch: int) -> TrainingStep:
    outputs = {"loss": loss}
    for path in [*context.parameters, *context.state]:
        outputs[path] = context.updates.get(path, context.values[path])
    graph = simplify(context.builder.finish(outputs, after="building the training step"))
    form = StepGraph(
        graph=graph,
        batch=batch,
        data=(*network.inputs, *target_inputs(network, losses)),
        weight=WEIGHT,
        carried=(*context.parameters, *context.state),
        settings=tuple(context.settings),
    )
    return TrainingStep(form, dict(context.parameters), dict(context.state), dict(context.settings))


@dataclass(frozen=True)
class Evaluation:
    """A graph that predicts, without dropout or noise.

    Its outputs are, for each output of the network, ``prediction`` (or ``prediction/<output>``): what the loss says
    that the output means; `kinds` says which, such as ``probability``. What else the loss says stands beside it, such
    as ``prediction/variance``.
    """

    graph: Graph
    parameters: tuple[str, ...]
    settings: dict[str, float]
    kinds: dict[str, str]


def build_evaluation(network: Network, losses: Mapping[str, Loss], batch: int) -> Evaluation:
    """Return the graph that predicts `batch` examples (axis ``batch``)."""
    target_inputs(network, losses)  # says so where outputs and losses are not the same
    context = Context(training=False, batch=Axis(batch, "batch"), dtype=network.dtype)
    outputs = network.build(context, **network.declare_inputs(context))
    results: dict[str, Value] = {}
    kinds: dict[str, str] = {}
    for name, loss in losses.items():
        told = loss.predict(outputs[name])
        kinds[name], *others = told
        results[prediction_name(network, name)] = told[kinds[name]]
        results |= {f"{prediction_name(network, name)}/{kind}": told[kind] for kind in others}
    graph = simplify(context.builder.finish(results, after="building the evaluation"))
    return Evaluation(graph, tuple(context.parameters), dict(context.settings), kinds)


def declare_targets(context: Context, network: Network, losses: Mapping[str, Loss]) -> dict[str, Value]:
    """Declare the inputs that hold targets, [batch, ...], by name."""
    return {
        name: context.input(name, Type(type.dtype, (context.batch, *type.shape)))
        for name, type in target_inputs(network, losses).items()
    }


def prediction_name(network: Network, output: str) -> str:
    """Return the name under which an output's prediction stands."""
    return "prediction" if len(network.outputs) == 1 else f"prediction/{output}"
