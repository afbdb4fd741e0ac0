"""Predictions, losses and metrics of a network on a dataset of any size."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pellucid.data.dataset import Dataset, is_sparse, with_data
from pellucid.errors import DataError, nearest
from pellucid.executors.compiling import COMPILING
from pellucid.executors.epochs import Judging
from pellucid.executors.inputs import row_inputs
from pellucid.executors.predictor import Predictor
from pellucid.executors.program import DEFAULT_EXECUTOR
from pellucid.graph.types import Type
from pellucid.nn.losses import Loss
from pellucid.nn.network import Network
from pellucid.training.judge import Judge, compile_judge_of, metric_key
from pellucid.training.metrics import Metric, as_probability
from pellucid.training.step import WEIGHT, Evaluation, build_evaluation, prediction_name, target_inputs, target_name
from pellucid.training.taken_rows import TakenRows

BATCH = 2
"""The size of the axis ``batch`` that evaluations are built with: one that nothing takes for an axis to broadcast."""


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
    arrays[WEIGHT] = within_range(weights, network.dtype.numpy)
    return arrays


def within_range(weights: np.ndarray, dtype: np.dtype) -> np.ndarray:
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


def are_fitting(given: Mapping[str, Any], types: Mapping[str, Type]) -> bool:
    """Say whether :func:`fit_arrays` would return dense arrays as they are."""
    return given.keys() == types.keys() and all(
        array.__class__ is np.ndarray
        and array.dtype == types[name].dtype.numpy
        and array.shape[1:] == types[name].shape
        and array.ndim > 0
        and (array.dtype.kind != "f" or bool(np.isfinite(array).all()))
        for name, array in given.items()
    )


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


@dataclass(frozen=True)
class JudgedExamples:
    """Examples to judge networks by, ready for that.

    Attributes
    ----------
    arrays : mapping of ndarray or CSR matrix
        By input, as the graphs take them.
    prepared : object
        What the judge's program has prepared.
    weight : float
        The sum of their weights.
    """

    arrays: Mapping[str, Any]
    prepared: Any
    weight: float


class Evaluator:
    """Predicts and evaluates with any parameters, any number of examples.

    Graphs are compiled when they are first needed, and the parameters that were used last are kept ready.
    """

    def __init__(self, network: Network, losses: Mapping[str, Loss], executor: str = DEFAULT_EXECUTOR):
        self.network, self.losses, self.executor = network, dict(losses), executor
        self._built: tuple[Evaluation, Predictor] | None = None
        self._judge: Judge | None = None
        self._of_metrics: dict[tuple[str, ...], list[tuple[str, Metric, str]]] = {}
        self.kinds = self._evaluation()[0].kinds
        """What the prediction of each output is, such as ``probability``, ``score`` or ``mean``."""

    def __reduce__(self) -> tuple:
        return Evaluator, (self.network, self.losses, self.executor)  # what is compiled is made anew

    def _evaluation(self) -> tuple[Evaluation, Predictor]:
        found = self._built
        if found is not None:  # whoever evaluates does not wait for what others compile
            return found
        with COMPILING:  # several trainings may share an evaluator
            if self._built is None:
                built = build_evaluation(self.network, self.losses, BATCH)
                row_inputs(built.graph, "batch")  # says so where the network is for one number of rows only
                self._built = built, Predictor(built.graph, self.executor)
            return self._built

    def run(self, parameters: Mapping[str, np.ndarray], arrays: Mapping[str, Any]) -> dict[str, np.ndarray]:
        """Return every prediction: a row for each example."""
        evaluation, predictor = self._evaluation()
        fixed = {**{path: parameters[path] for path in evaluation.parameters}, **evaluation.settings}
        inputs = {name: arrays[name] for name in arrays if name in evaluation.graph.inputs}
        return predictor.run(fixed, inputs, next(iter((inputs or arrays).values())).shape[0])

    def predict(
        self, parameters: Mapping[str, np.ndarray], inputs: Dataset | Mapping[str, Any]
    ) -> dict[str, np.ndarray]:
        """Return the prediction of each output by its name."""
        given = inputs.inputs if isinstance(inputs, Dataset) else inputs
        if not are_fitting(given, self.network.inputs):
            checked = inputs if isinstance(inputs, Dataset) else Dataset(inputs)
            given = fit_arrays(checked.inputs, self.network.inputs)
        outputs = self.run(parameters, given)
        return {name: outputs[prediction_name(self.network, name)] for name in self.losses}

    def predict_all(self, parameters: Mapping[str, np.ndarray], inputs: Dataset) -> dict[str, np.ndarray]:
        """Return all that the losses say of the outputs, by kind, such as ``mean`` and ``variance``."""
        outputs = self.run(parameters, fit_arrays(inputs.inputs, self.network.inputs))
        told = {}
        for name, kind in self.kinds.items():
            main = prediction_name(self.network, name)
            before = "" if len(self.kinds) == 1 else f"{name}/"
            told[before + kind] = outputs.pop(main)
            more = [key for key in outputs if key.startswith(f"{main}/")]
            told |= {before + key.removeprefix(f"{main}/"): outputs[key] for key in more}
        return told

    def judge(self) -> Judge:
        """Return what sums up losses and metrics, compiled when it is first asked for."""
        found = self._judge
        if found is not None:
            return found
        with COMPILING:
            if self._judge is None:
                self._judge = compile_judge_of(self.network, self.losses, self.executor, BATCH)
            return self._judge

    def prepare(self, arrays: Mapping[str, Any]) -> JudgedExamples:
        """Make examples ready to be judged by, again and again."""
        program, weights = self.judge().program, arrays[WEIGHT]
        if isinstance(arrays, TakenRows):
            prepared = program.examples({**arrays.arrays, WEIGHT: weights}, arrays.rows)
        else:
            prepared = program.examples(arrays)
        return JudgedExamples(arrays, prepared, float(weights.astype(np.float64).sum()))

    def judging(self, examples: JudgedExamples) -> Judging:
        """Return by what an executor judges whole epochs."""
        judge = self.judge()
        return Judging(judge.program, examples.prepared, judge.settings)

    def evaluate(
        self,
        parameters: Mapping[str, np.ndarray],
        examples: Mapping[str, Any] | JudgedExamples,
        metrics: Sequence[Metric] = (),
    ) -> dict[str, float]:
        """Return the weighted mean loss, and of each output the metrics that fit its task.

        Where there are several outputs, the names of the metrics are ``<output>/rmse`` and the like.
        """
        found = examples if isinstance(examples, JudgedExamples) else self.prepare(examples)
        judge = self.judge()
        fixed = {path: parameters[path] for path in judge.parameters}
        settings = judge.settings
        known = judge.program.graph.inputs
        given = {name: value for name, value in {**fixed, **settings}.items() if name in known}
        return self.conclude(judge.program.run(given, found.prepared), parameters, found, metrics)

    def conclude(
        self,
        sums: Mapping[str, float],
        parameters: Mapping[str, np.ndarray],
        examples: JudgedExamples,
        metrics: Sequence[Metric],
    ) -> dict[str, float]:
        """Return what :meth:`evaluate` does, from what the judge says of these parameters.

        Metrics that are no means over examples are computed from predictions.
        """
        weight = examples.weight
        result = {"loss": sums["loss"] / weight if weight > 0 else math.nan}
        predictions: dict[str, np.ndarray] = {}
        for output, metric, key in self._fitting(metrics):
            if key in sums:
                result[key] = float(metric.finish(sums[key] / weight)) if weight > 0 else math.nan
                continue
            if not predictions:
                outputs = self.run(parameters, examples.arrays)
                predictions = {name: outputs[prediction_name(self.network, name)] for name in self.losses}
            result[key] = self._computed(output, metric, predictions[output], examples.arrays)
        return result

    def measure(
        self, predictions: Mapping[str, np.ndarray], arrays: Mapping[str, np.ndarray], metrics: Sequence[Metric]
    ) -> dict[str, float]:
        """Return of each output's predictions the metrics that fit its task, whoever has predicted them."""
        fitting = self._fitting(metrics)
        return {key: self._computed(output, metric, predictions[output], arrays) for output, metric, key in fitting}

    def _fitting(self, metrics: Sequence[Metric]) -> list[tuple[str, Metric, str]]:
        """Return the metrics that fit each output, with their names."""
        key = tuple([found.name for found in metrics])
        if key not in self._of_metrics:
            self._of_metrics[key] = [
                (output, found, metric_key(self.losses, output, found))
                for output, loss in self.losses.items()
                for found in metrics
                if loss.task in found.tasks and found.fits(self.kinds[output])
            ]
        return self._of_metrics[key]

    def _computed(self, output: str, metric: Metric, prediction: np.ndarray, arrays: Mapping[str, np.ndarray]) -> float:
        target, weight = arrays[target_name(self.network, output)], arrays[WEIGHT].astype(np.float64)
        if self.losses[output].task == "multiclass" and np.ndim(target) > 1:
            target = np.argmax(target, axis=1)  # of shares of classes the largest is taken for the truth
        return metric.compute(as_probability(prediction, self.kinds[output]), target, weight)
