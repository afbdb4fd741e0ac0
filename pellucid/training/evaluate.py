"""Predictions, losses and metrics of a network on a dataset of any size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from pellucid.data.dataset import Dataset, is_sparse, with_data
from pellucid.errors import DataError, nearest
from pellucid.executors.program import Program, batch_rows, compile, gather
from pellucid.graph.types import Type
from pellucid.nn.losses import Loss
from pellucid.nn.network import Network
from pellucid.training.metrics import Metric, as_probability
from pellucid.training.step import WEIGHT, Evaluation, build_evaluation, prediction_name, target_inputs, target_name

CHUNK = 1024
"""How many examples are evaluated at once."""


def as_arrays(network: Network, losses: Mapping[str, Loss], dataset: Dataset) -> dict[str, Any]:
    """Return a dataset's arrays under the names and in the dtypes in which the network and its losses take them.

    Sparse inputs stay sparse.

    Raises
    ------
    DataError
        Where an array is missing or has another shape or kind of numbers than the network takes.
    """
    types = {**network.inputs, **target_inputs(network, losses)}
    given: dict[str, Any] = dict(dataset.inputs)
    if isinstance(dataset.targets, Mapping):
        given |= {target_name(network, name): array for name, array in dataset.targets.items()}
    elif dataset.targets is not None:
        given["target"] = dataset.targets
    arrays = fit_arrays(given, types)
    for output, loss in losses.items():
        _check_range(target_name(network, output), arrays, loss.target_range(network.outputs[output]), loss)
    weights = dataset.weights if dataset.weights is not None else np.ones(len(dataset))
    arrays[WEIGHT] = _within_range(weights, network.dtype.numpy)
    return arrays


def _within_range(weights: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Return weights in a dtype; as only their ratios count, they are scaled where they or their sum could overflow."""
    limit = np.sqrt(np.finfo(dtype).max)
    if weights.max() > limit or weights[weights > 0].min() < 1 / limit:
        weights = weights / weights.max()
    return weights.astype(dtype)


def _check_range(name: str, arrays: Mapping[str, np.ndarray], limits: tuple[float, float], loss: Loss) -> None:
    target = arrays[name]
    outside = (target < limits[0]) | (target > limits[1])
    if outside.any():
        row = int(np.argwhere(outside)[0, 0])
        raise DataError(
            f"a target is outside of what {loss.name} takes",
            where=f"the {name}, row {row}",
            got=str(target[outside][0]),
            expected=f"{limits[0]:g} to {limits[1]:g}",
        )


def fit_arrays(given: Mapping[str, Any], types: Mapping[str, Type]) -> dict[str, Any]:
    """Return arrays of examples as the types of one example say, by name."""
    unknown = [name for name in given if name not in types]
    missing = [name for name in types if name not in given]
    if unknown or missing:
        told = [f"missing {name!r}" for name in missing] + [f"unknown {name!r}" for name in unknown]
        fix = nearest(unknown[0], types) if unknown else "Write pl.Dataset({'x': x}, y), with the names that it takes."
        raise DataError("the dataset does not fit the network", got=", ".join(told), fix=fix)
    return {name: _fitted(name, given[name], type) for name, type in types.items()}


def _fitted(name: str, array: Any, type: Type) -> Any:
    array = array if is_sparse(array) else np.asarray(array)
    where = f"input {name!r}" if not name.startswith("target") else f"the {name}"
    expected = f"one {type} per example"
    if array.shape == (array.shape[0], *type.shape[:-1]) and type.shape[-1:] == (1,):
        array = array[..., None]  # one number per example may come without an axis of its own
    if array.shape != (array.shape[0], *type.shape):
        raise DataError("wrong shape", where=where, got=f"{array.dtype}{list(array.shape)}", expected=expected)
    if is_sparse(array):
        return with_data(array, _converted(array.data, type, where, expected))
    return _converted(array, type, where, expected)


def _converted(array: np.ndarray, type: Type, where: str, expected: str) -> np.ndarray:
    if type.dtype.kind == "int":
        with np.errstate(invalid="ignore"):  # the comparison tells
            whole = array.astype(type.dtype.numpy)
        if not np.array_equal(whole, array):
            raise DataError("whole numbers are needed", where=where, got=str(array.dtype), expected=expected)
        return whole
    with np.errstate(over="ignore"):
        result = array.astype(type.dtype.numpy, copy=False)
    if not np.isfinite(result).all():
        raise DataError("numbers too large for the dtype", where=where, expected=expected, fix="Scale them first.")
    return result


def metric_key(losses: Mapping[str, Loss], output: str, metric: Metric) -> str:
    """Return the name of a metric of an output: with the output's before it where there are several."""
    return metric.name if len(losses) == 1 else f"{output}/{metric.name}"


class Evaluator:
    """Predicts and evaluates with any parameters, in chunks of examples; compiles once for each size of chunk."""

    def __init__(self, network: Network, losses: Mapping[str, Loss], executor: str = "interpret"):
        self.network, self.losses, self.executor = network, dict(losses), executor
        self._programs: dict[tuple[int, bool], tuple[Evaluation, Program]] = {}
        self.kinds = build_evaluation(network, losses, 1, targets=False).kinds
        """What the prediction of each output is, such as ``probability``, ``score`` or ``mean``."""

    def run(
        self, parameters: Mapping[str, np.ndarray], arrays: Mapping[str, Any], targets: bool
    ) -> dict[str, np.ndarray]:
        """Return every prediction and, with `targets`, ``loss/examples``: a row for each example."""
        count = next(iter(arrays.values())).shape[0]
        batch = min(count, CHUNK)
        if (batch, targets) not in self._programs:
            built = build_evaluation(self.network, self.losses, batch, targets)
            self._programs[batch, targets] = built, compile(built.graph, self.executor)
        evaluation, program = self._programs[batch, targets]
        fixed = {**{path: parameters[path] for path in evaluation.parameters}, **evaluation.settings}
        names = [name for name in program.graph.inputs if name not in fixed]
        parts: dict[str, list[np.ndarray]] = {name: [] for name in program.graph.outputs}
        for at in range(-(-count // batch)):
            rows, valid = batch_rows(np.arange(count), at, batch)
            outputs = program(**fixed, **{name: gather(arrays[name], rows) for name in names})
            for name, value in outputs.items():
                parts[name].append(value[:valid])
        return {name: np.concatenate(found) for name, found in parts.items()}

    def predict(self, parameters: Mapping[str, np.ndarray], inputs: Dataset) -> dict[str, np.ndarray]:
        """Return the prediction of each output by its name."""
        arrays = fit_arrays(inputs.inputs, self.network.inputs)
        outputs = self.run(parameters, arrays, targets=False)
        return {name: outputs[prediction_name(self.network, name)] for name in self.losses}

    def predict_all(self, parameters: Mapping[str, np.ndarray], inputs: Dataset) -> dict[str, np.ndarray]:
        """Return all that the losses say of the outputs, by kind, such as ``mean`` and ``variance``."""
        outputs = self.run(parameters, fit_arrays(inputs.inputs, self.network.inputs), targets=False)
        told = {}
        for name, kind in self.kinds.items():
            main = prediction_name(self.network, name)
            before = "" if len(self.kinds) == 1 else f"{name}/"
            told[before + kind] = outputs.pop(main)
            more = [key for key in outputs if key.startswith(f"{main}/")]
            told |= {before + key.removeprefix(f"{main}/"): outputs[key] for key in more}
        return told

    def evaluate(
        self, parameters: Mapping[str, np.ndarray], arrays: Mapping[str, np.ndarray], metrics: Sequence[Metric] = ()
    ) -> dict[str, float]:
        """Return the weighted mean loss, and of each output the metrics that fit its task.

        Where there are several outputs, the names of the metrics are ``<output>/rmse`` and the like.
        """
        outputs = self.run(parameters, arrays, targets=True)
        weight = arrays[WEIGHT].astype(np.float64)
        counted = weight > 0
        losses = outputs["loss/examples"].astype(np.float64)[counted]
        result = {"loss": float(np.average(losses, weights=weight[counted])) if counted.any() else float("nan")}
        for output, loss in self.losses.items():
            kind, target = self.kinds[output], arrays[target_name(self.network, output)]
            prediction = as_probability(outputs[prediction_name(self.network, output)], kind)
            for found in metrics:
                if loss.task in found.tasks and found.fits(kind):
                    result[metric_key(self.losses, output, found)] = found.compute(prediction, target, weight)
        return result
