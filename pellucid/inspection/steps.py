"""The next step of a training, observed: forward, backward, clipping and update."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from pellucid.errors import UsageError
from pellucid.executors.inputs import gather
from pellucid.executors.program import Program, compile
from pellucid.graph.builder import Builder
from pellucid.graph.differentiate import build_gradients
from pellucid.graph.graph import Graph, live_nodes
from pellucid.graph.resize import resize
from pellucid.inspection.observation import Observation, StepRecord, observe_node
from pellucid.inspection.replay.standing import standing
from pellucid.training.full_batch import LBFGSTraining
from pellucid.training.loop import Training
from pellucid.training.mini_batches import MiniBatchTraining

LOSS = "loss"


def observe_step(training: Training, of: str | None = None, executor: str | None = None) -> Observation:
    """Observe the step that a training would do next.

    Parameters
    ----------
    training : Training
        It stays as it is.
    of : str, optional
        What gradients are of: ``loss``. Where there are penalties, a parameter's gradient of loss and penalties
        together is a node of its own, ``d objective / d <path>``. L-BFGS has both, ``loss`` and ``objective``.
    executor : {"native", "interpret"}, optional
        By default the training's own.
    """
    if isinstance(training, LBFGSTraining):
        return _observe_evaluation(training, of, executor)
    if not isinstance(training, MiniBatchTraining):
        raise UsageError("this training has no steps to observe", where="observe", got=type(training).__name__)
    return observer_of(training, of, executor).observe(training)


class StepObserver:
    """What observes steps of a training, and of all trainings that share its step, wherever they stand.

    Parameters
    ----------
    training : MiniBatchTraining
    of, executor
        As for :func:`observe_step`.
    """

    def __init__(self, training: MiniBatchTraining, of: str | None = None, executor: str | None = None):
        self.graph, self.of = training.steps.step.graph, _scalar(of, LOSS)
        wider, self._gradients = with_gradients(self.graph, self.of)
        self._program = compile(wider, executor or training.steps.executor)

    def observe(self, training: MiniBatchTraining) -> Observation:
        """Observe the next step of a training."""
        here, step, progress = standing(training), training.steps.step, training.progress
        settings = {name: float(here.inputs[name]) for name in step.form.settings if name in here.inputs}
        record = StepRecord(
            step=progress.step,
            epoch=progress.epoch + 1,
            parameters=tuple(step.parameters),
            state=tuple(step.state),
            learning_rate=settings.get("learning_rate") if training.steps.learning_rate else None,
            settings=MappingProxyType(settings),
        )
        return _observation(self.graph, self.of, self._program, self._gradients, here.inputs, here.rows, record)


def observer_of(training: MiniBatchTraining, of: str | None = None, executor: str | None = None) -> StepObserver:
    """Return what observes the steps of a training; the same again for as long as its compiled step is in use."""
    known = _OBSERVERS.setdefault(training.steps.program, {})
    executor = executor or training.steps.executor
    if (of, executor) not in known:
        known[of, executor] = StepObserver(training, of, executor)
    return known[of, executor]


_OBSERVERS: WeakKeyDictionary[Any, dict[tuple[str | None, str], StepObserver]] = WeakKeyDictionary()


def with_gradients(graph: Graph, of: str) -> tuple[Graph, dict[str, str]]:
    """Return a graph with the gradients of a scalar with respect to all values that lead to it.

    Those that the graph has already are not computed again.

    Returns
    -------
    Graph, dict of str
        It has all nodes of the one given; and the path of the gradient in it, by the path of the node.
    """
    wrt = [node for node in live_nodes([graph.outputs[of]]) if node.type.dtype.is_float and node.op.name != "constant"]
    builder = Builder()
    here = builder.copy(graph)
    found = build_gradients(here[graph.outputs[of]], [here[node] for node in wrt], name=of)
    outputs = {name: here[node] for name, node in graph.outputs.items()}
    gradients = {f"d {of} / d {node.path}": value for node, value in zip(wrt, found, strict=True)}
    wider = builder.finish({**gradients, **outputs}, after="adding gradients", keep_all=True)
    return wider, {node.path: wider.outputs[f"d {of} / d {node.path}"].path for node in wrt}


def _observation(
    graph: Graph,
    of: str,
    program: Program,
    places: Mapping[str, str],
    inputs: Mapping[str, Any],
    rows: np.ndarray,
    record: StepRecord | None,
) -> Observation:
    values = program.observe(**inputs)
    gradients = {path: values[place] for path, place in places.items()}
    nodes = {node.path: observe_node(node, values, gradients) for node in graph.nodes}
    return Observation(graph, of, MappingProxyType(nodes), rows, record)


def _observe_evaluation(training: LBFGSTraining, of: str | None, executor: str | None) -> Observation:
    """Observe loss and gradient over all examples where L-BFGS stands; what it makes of them is no graph."""
    objective = training.objective
    whole = objective.program.graph
    if objective.count != objective.batch:
        whole = resize(whole, batch=objective.count)
    scalars = {name: whole.outputs[name] for name in (LOSS, "objective")}
    graph, of = Graph(whole.inputs, whole.nodes, scalars), _scalar(of, *scalars)
    wider, gradients = with_gradients(graph, of)
    given = {**objective._fixed, **objective.settings, **training.progress.parameters}
    given |= {name: gather(array, slice(None)) for name, array in objective.arrays.items()}
    inputs = {name: given[name] for name in graph.inputs}
    program = compile(wider, executor or objective.executor)
    return _observation(graph, of, program, gradients, inputs, training.plan.rows, None)


def _scalar(of: str | None, *known: str) -> str:
    if of is not None and of not in known:
        raise UsageError("gradients of what?", where="observe, of", got=repr(of), expected=" or ".join(known))
    return of or LOSS
