"""Some examples of a case, and graphs of its network and losses on them that gates compute with, in float64."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from pellucid import random
from pellucid.diagnosis.gates.case import Case
from pellucid.executors.inputs import gather
from pellucid.executors.program import ONCE, compile
from pellucid.graph.builder import Builder
from pellucid.graph.context import Context, initial_state
from pellucid.graph.differentiate import build_gradients
from pellucid.graph.graph import Graph, Node
from pellucid.graph.simplify import simplify
from pellucid.graph.types import Axis, DType, Type, float32, float64
from pellucid.graph.value import Value
from pellucid.nn.regularizers import Mixup
from pellucid.training.step import WEIGHT, build_objective, declare_targets, losses_of_examples

Arrays = dict[str, np.ndarray]

GIVEN = "given/"
"""What stands before the name of an output that is an input of the graph."""


def in_float64(graph: Graph) -> Graph:
    """Return the same graph computed in float64 wherever it computed in float32.

    Examples
    --------
    >>> import pellucid as pl
    >>> graph = pl.build(lambda x: pl.tanh(x), x=pl.float32[3])
    >>> in_float64(graph).outputs["value"].type
    float64[3]
    """
    builder, here = Builder(), dict[Node, Value]()
    for node in graph.nodes:
        if node.op.name == "input":
            here[node] = builder.input(node.path, Type(_wide(node.type.dtype), node.type.shape))
        else:
            params = {name: _wide(value) for name, value in node.params}
            here[node] = builder.add(node.op, tuple(here[source] for source in node.inputs), params, node.path)
    return builder.finish({name: here[node] for name, node in graph.outputs.items()}, after="in_float64")


def _wide(value: Any) -> Any:
    return float64 if isinstance(value, DType) and value == float32 else value


def examples(case: Case, most: int) -> Arrays:
    """Return arrays of at most so many examples that are learned from, by the seed: dense, of weights above 0."""
    arrays = case.arranged.examples.arrays
    weights = np.asarray(arrays[WEIGHT])
    used = np.flatnonzero(weights)
    used = used if len(used) else np.arange(len(weights))
    if len(used) > most:
        used = np.sort(used[random.permutation(case.seed, "gates, examples", 0, len(used))[:most]])
    return {name: gather(array, used) for name, array in arrays.items()}


def inputs_are_alike(case: Case) -> bool:
    """Say whether all inputs are the same for each example that is learned from: then nothing can be seen by them."""
    return case.once("inputs are alike", lambda: _are_alike(case, examples(case, 2000)))


def _are_alike(case: Case, arrays: Arrays) -> bool:
    return all(bool((arrays[name] == arrays[name][:1]).all()) for name in case.network.inputs)


def count(arrays: Mapping[str, np.ndarray]) -> int:
    """Return how many examples there are."""
    return len(arrays[WEIGHT])


def standardized(case: Case, arrays: Mapping[str, np.ndarray]) -> Arrays:
    """Return the examples with each float of an input brought to mean 0 and deviation 1, or to 0 where it is constant.

    What a network does with them shows its first parameters alone, however the data are scaled.
    """
    changed = dict(arrays)
    for name, type in case.network.inputs.items():
        if type.dtype.is_float:
            array = arrays[name].astype(np.float64)
            spread = array.std(axis=0)
            changed[name] = (array - array.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    return changed


class Runner:
    """A graph made for a case, with parameters, settings and state in their places.

    Parameters
    ----------
    case : Case
    context : Context
        In which the graph was built.
    outputs : mapping of Value
    quiet : bool
        Whether dropout, noise and penalties are off.
    """

    def __init__(self, case: Case, context: Context, outputs: Mapping[str, Value], quiet: bool = False):
        self.graph = in_float64(simplify(context.builder.finish(outputs, after="building a gate's graph")))
        self._program = compile(self.graph, ONCE)
        settings = settings_of(case, context.settings)
        if quiet:
            settings = quieted(settings)
        state = {name: array for name, array in initial_state(context.state, case.parameters).items()}
        self.fixed: dict[str, Any] = {**settings, **state, "seed": case.seed, "step": 0}

    def __call__(self, parameters: Mapping[str, Any], arrays: Mapping[str, Any] | None = None) -> dict[str, np.ndarray]:
        """Return the outputs by name; what the graph does not know is left out."""
        given = {**self.fixed, **parameters, **(arrays or {})}
        with np.errstate(all="ignore"):
            return self._program(**{name: value for name, value in given.items() if name in self.graph.inputs})


def settings_of(case: Case, known: Mapping[str, float]) -> dict[str, float]:
    """Return the numbers of settings as the case has them."""
    own = case.options.get("settings") or {}
    return {name: float(own.get(name, number)) for name, number in known.items()}


OFF = {
    **dict.fromkeys(("rate", "std", "strength", "weight_noise", "weight_decay", "label_smoothing"), 0.0),
    "limit": 1e30,
    "ratio": 1.0,
}
"""The numbers with which settings of regularization do nothing, by the last part of their name."""


def quieted(settings: Mapping[str, float]) -> dict[str, float]:
    """Return settings with those of dropout, noise, penalties and the like turned off.

    Examples
    --------
    >>> quieted({"dropout_1/rate": 0.5, "l2_1/strength": 1e-3, "learning_rate": 0.01})
    {'dropout_1/rate': 0.0, 'l2_1/strength': 0.0, 'learning_rate': 0.01}
    """
    return {name: OFF.get(name.rpartition("/")[2], number) for name, number in settings.items()}


def forward(case: Case, batch: int, training: bool = False) -> Runner:
    """Return what computes the network's outputs by name, of so many examples."""
    context = Context(training=training, batch=Axis(batch, "batch"), dtype=case.network.dtype)
    return Runner(case, context, case.network.build(context, **case.network.declare_inputs(context)))


def losses_of_outputs(case: Case, batch: int, quiet: bool = False) -> Runner:
    """Return what computes ``losses`` [examples] from outputs, given as ``given/<output>``, and targets."""
    context = Context(training=True, batch=Axis(batch, "batch"), dtype=case.network.dtype)
    outputs = {
        name: context.input(GIVEN + name, Type(type.dtype, (context.batch, *type.shape)))
        for name, type in case.network.outputs.items()
    }
    targets = declare_targets(context, case.network, case.losses)
    with context.scope("loss"):
        each = losses_of_examples(context, case.network, case.losses, outputs, targets)
    return Runner(case, context, {"losses": each}, quiet)


def objective(case: Case, batch: int, gradients: bool = True, quiet: bool = True) -> Runner:
    """Return what computes the objective of a training step, and its gradient by the path of each parameter."""
    context = Context(training=True, batch=Axis(batch, "batch"), dtype=case.network.dtype)
    regularizers = [one for one in case.arranged.course.regularizers if not (quiet and isinstance(one, Mixup))]
    total, _, _ = build_objective(context, case.network, case.losses, regularizers)
    outputs = {"objective": total}
    if gradients:
        paths = list(context.parameters)
        found = build_gradients(total, [context.values[path] for path in paths], name="objective")
        outputs |= {f"d {path}": gradient for path, gradient in zip(paths, found, strict=True)}
    return Runner(case, context, outputs, quiet)


def moved(case: Case, number: int, size: float = 0.05) -> Arrays:
    """Return the first parameters moved a little at random, in float64: by a part of their size, or by 0.01 where 0.

    Where parameters are exactly 0, as biases are at first, kinks lie just there and whole gradients may be 0; near by
    they show what they are.
    """
    parameters = {}
    for path, array in case.parameters.items():
        wide = array.astype(np.float64)
        rms = float(np.sqrt(np.mean(wide * wide))) if wide.size else 0.0
        noise = random.normal(case.seed, f"gates, moved/{path}", number, wide.shape)
        parameters[path] = wide + max(size * rms, 0.01) * noise
    return parameters


def mean_loss(losses: np.ndarray, arrays: Mapping[str, np.ndarray]) -> float:
    """Return the weighted mean of examples' losses."""
    return float(np.average(losses, weights=arrays[WEIGHT].astype(np.float64)))
