"""Layers, observed: what each gives, what gradient comes back to it, and how its weights change."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from pellucid.executors.inputs import gather
from pellucid.executors.program import ONCE, compile
from pellucid.graph.context import Context
from pellucid.graph.differentiate import build_gradients
from pellucid.graph.simplify import simplify
from pellucid.graph.value import Value
from pellucid.inspection.layers.nodes import LayerNodes, batch_axis, find_layers
from pellucid.inspection.layers.records import LayerRecord, LayerRecords
from pellucid.inspection.layers.saturation import slopes_of
from pellucid.inspection.summary import FLAT, Summary, summarize_array
from pellucid.nn.losses import Loss
from pellucid.nn.network import Network
from pellucid.training.step import WEIGHT, build_objective

__all__ = ["LayerProbe", "LayerRecord", "LayerRecords", "observe_layers"]


class LayerProbe:
    """What observes the layers of a network on some examples, again and again with other parameters.

    Parameters
    ----------
    network : Network
    losses : mapping of Loss
        By output.
    arrays : mapping of ndarray or CSR matrix
        The examples, as :func:`pellucid.training.evaluate.as_arrays` gives them. Those of weight 0 are left out.
    settings : mapping of float, optional
        Numbers of the network's and the losses' settings, where they are not those that these were made with.
    executor : {"native", "interpret"}
        What computes.
    """

    def __init__(
        self,
        network: Network,
        losses: Mapping[str, Loss],
        arrays: Mapping[str, Any],
        settings: Mapping[str, float] | None = None,
        executor: str = ONCE,
    ):
        weights = np.asarray(arrays[WEIGHT])
        used = np.flatnonzero(weights)
        rows: Any = used if 0 < len(used) < len(weights) else slice(None)
        weights = weights[rows]
        self._scale = float(weights.sum(dtype=np.float64)) / np.where(weights == 0, np.inf, weights)
        context = Context(training=False, batch=len(weights), dtype=network.dtype)
        _, loss, outputs = build_objective(context, network, losses, ())
        inputs = [context.values[name].node for name in network.inputs]
        declared = context.parameters.items()
        matrices = {path: context.values[path].node for path, parameter in declared if parameter.kind == "weight"}
        self.layers = find_layers([value.node for value in outputs.values()], inputs, matrices)
        graph = simplify(context.builder.finish(self._outputs(context, loss), after="building the layers' observation"))
        self._program = compile(graph, executor)
        fixed = {**context.settings, "seed": 0, "step": 0, **(settings or {})}
        taken = {name: gather(array, rows) for name, array in arrays.items()}
        self._fixed = {name: value for name, value in {**fixed, **taken}.items() if name in graph.inputs}
        self._parameters = [path for path in context.parameters if path in graph.inputs]

    def _outputs(self, context: Context, loss: Value) -> dict[str, Value]:
        """Add what is read of the layers to the graph."""
        builder = context.builder
        before = [Value(builder, layer.before) for layer in self.layers]
        weights = [context.values[layer.weight] for layer in self.layers]
        found = build_gradients(loss, [*before, *weights], name="loss")
        outputs = {"loss": loss}
        for number, layer in enumerate(self.layers):
            after = Value(builder, layer.after)
            outputs[f"output {number}"] = after
            outputs[f"gradient {number}"] = found[number]
            outputs[f"weight gradient {number}"] = found[len(before) + number]
            if layer.activation and layer.placewise:
                outputs[f"slope {number}"] = slopes_of(before[number], after, f"output {number}")
        return outputs

    def records(
        self,
        parameters: Mapping[str, np.ndarray],
        *,
        epoch: int = 0,
        step: int = 0,
        before: Mapping[str, np.ndarray] | None = None,
    ) -> LayerRecords:
        """Return what the layers do with these parameters; see :func:`observe_layers`."""
        given = {path: parameters[path] for path in self._parameters}
        found = self._program(**self._fixed, **given)
        layers = tuple(
            self._record(number, layer, found, parameters, before) for number, layer in enumerate(self.layers)
        )
        return LayerRecords(epoch, step, float(found["loss"]), layers)

    def _record(
        self,
        number: int,
        layer: LayerNodes,
        found: Mapping[str, np.ndarray],
        parameters: Mapping[str, np.ndarray],
        earlier: Mapping[str, np.ndarray] | None,
    ) -> LayerRecord:
        output = _by_example(found[f"output {number}"], batch_axis(layer.after))
        gradient = _by_example(found[f"gradient {number}"], batch_axis(layer.before))
        slope = found.get(f"slope {number}")
        if slope is not None:
            slope = np.abs(_by_example(slope, batch_axis(layer.before)))
            if layer.rectifies:
                slope = np.where(output == 0, np.nan, slope)  # "zeros" says it
        scale = self._scale[:, None] if len(gradient) == len(self._scale) else float(self._scale.mean())
        with np.errstate(over="ignore", invalid="ignore"):
            own = gradient * scale
        weight = summarize_array(parameters[layer.weight])
        return LayerRecord(
            name=layer.name,
            activation=layer.activation,
            output=summarize_array(output, slope),
            gradient=summarize_array(own),
            dead=_share(output == 0),
            stuck=0.0 if slope is None else _share(slope < FLAT),
            weight=weight,
            weight_gradient=summarize_array(found[f"weight gradient {number}"]),
            update_ratio=_update_ratio(weight, parameters[layer.weight], earlier, layer.weight),
        )


def observe_layers(
    network: Network,
    losses: Mapping[str, Loss],
    parameters: Mapping[str, np.ndarray],
    arrays: Mapping[str, Any],
    *,
    epoch: int = 0,
    step: int = 0,
    before: Mapping[str, np.ndarray] | None = None,
    settings: Mapping[str, float] | None = None,
) -> LayerRecords:
    """Return what each layer of a network does with some examples, without dropout and noise.

    Parameters
    ----------
    network : Network
    losses : mapping of Loss
        By output.
    parameters : mapping of ndarray
        By path.
    arrays : mapping of ndarray or CSR matrix
        The examples, as :func:`pellucid.training.evaluate.as_arrays` gives them.
    epoch, step : int
        How many had ended; they are noted only.
    before : mapping of ndarray, optional
        The parameters one step earlier, for the ratio of update to weight; those one step later say as much.
    settings : mapping of float, optional
        Numbers of settings, where they are not those that network and losses were made with.

    Examples
    --------
    >>> import numpy as np, pellucid as pl
    >>> from pellucid.training.evaluate import as_arrays
    >>> network = pl.Network([pl.Dense(2, "relu"), pl.Dense(1)], inputs=1, dtype="float64")
    >>> losses = {"output": pl.loss("squared_error")}
    >>> arrays = as_arrays(network, losses, pl.Dataset({"x": [[1.0], [2.0]]}, [[0.0], [0.0]]))
    >>> parameters = {"dense_1/weight": np.array([[1.0, -1.0]]), "dense_1/bias": np.zeros(2),
    ...               "dense_2/weight": np.array([[3.0], [1.0]]), "dense_2/bias": np.zeros(1)}
    >>> seen = observe_layers(network, losses, parameters, arrays)
    >>> seen["dense_1"].output.mean, seen["dense_1"].dead, seen["dense_2"].gradient.greatest
    (0.75, 0.5, 6.0)
    """
    probe = LayerProbe(network, losses, arrays, settings)
    return probe.records(parameters, epoch=epoch, step=step, before=before)


def _by_example(array: np.ndarray, axis: int | None) -> np.ndarray:
    """Return an array as [examples, units]; without an axis of examples, its first axis stands for it."""
    moved = np.moveaxis(array, axis or 0, 0)
    return moved.reshape(len(moved), -1)


def _share(by_example: np.ndarray) -> float:
    """Return the share of units for which something holds in every example."""
    return float(by_example.all(axis=0).mean()) if by_example.size else 0.0


def _update_ratio(summary: Summary, weight: np.ndarray, earlier: Mapping[str, np.ndarray] | None, path: str) -> float:
    if earlier is None or not summary.rms:
        return math.nan
    with np.errstate(over="ignore", invalid="ignore"):
        change = np.asarray(weight, np.float64) - earlier[path]
        return math.sqrt(float(np.mean(change * change))) / summary.rms
