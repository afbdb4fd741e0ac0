"""Trained networks with a dataset, as what pictures are drawn of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from pellucid.data.dataset import Dataset, is_sparse
from pellucid.errors import UsageError, nearest
from pellucid.executors.program import DEFAULT_EXECUTOR
from pellucid.inspection.pictures.choices import as_columns, choose, parts_of, second_of_two
from pellucid.inspection.pictures.subject import Feature, SeenNetwork, Subject, Target
from pellucid.nn.network import Network
from pellucid.training.evaluate import BATCH, as_arrays, fit_arrays
from pellucid.training.population_result import Population
from pellucid.training.result import Fit
from pellucid.training.step import target_name


def of_fit(fit: Fit, data: Any, of: str | int | None) -> Subject:
    """Return a fit with a dataset; `of` says which output or column of it, where there are several."""
    dataset = _require_dataset(data, fit.network)
    seen = _see(fit.network, fit.parameters, fit.evaluator.executor)
    output, column, target = _target_of_fit(fit, dataset, of)
    return _of_dataset(
        "a fit", fit.network, dataset, target, lambda inputs: _part(fit.predict(inputs), output, column), seen
    )


def of_population(population: Population, data: Any, of: str | int | None) -> Subject:
    """Return a population, which predicts the mean of what its members do."""
    fit = population[0]
    dataset = _require_dataset(data, fit.network)
    output, column, target = _target_of_fit(fit, dataset, of)
    predict = population.predict
    return _of_dataset(
        "a population", fit.network, dataset, target, lambda inputs: _part(predict(inputs), output, column), None
    )


def of_network(network: Network, parameters: Mapping[str, Any], data: Any, of: str | int | None) -> Subject:
    """Return a network with parameters, of which the outputs themselves are looked at."""
    dataset = _require_dataset(data, network)
    missing = [path for path in network.parameters if path not in parameters]
    if missing:
        raise UsageError("a parameter is missing", where=missing[0], fix=nearest(missing[0], parameters))
    seen = _see(network, parameters, DEFAULT_EXECUTOR)
    widths = {name: type.size for name, type in network.outputs.items()}
    told = [
        (name if width == 1 else f"{name}[{at}]", name, at) for name, width in widths.items() for at in range(width)
    ]
    name, output, column = told[choose([name for name, _, _ in told], of)]
    values = None
    if dataset.targets is not None:
        found = dataset.targets[output] if isinstance(dataset.targets, Mapping) else dataset.targets
        found = found.reshape(len(dataset), -1)
        values = found[:, min(column, found.shape[1] - 1)].astype(np.float64)

    def predicted(inputs: Mapping[str, np.ndarray]) -> np.ndarray:
        path = seen.graph.outputs[output].path
        return seen.run([path], inputs)[path][:, column : column + 1]

    return _of_dataset("a network", network, dataset, Target(name, (), values, "output"), predicted, seen)


def _see(network: Network, parameters: Mapping[str, Any], executor: str) -> SeenNetwork:
    graph, fixed = network.graph(batch=BATCH), {**network.settings, **parameters}
    return SeenNetwork(
        graph=graph,
        ends=tuple(graph.outputs),
        starts=tuple(network.inputs),
        entries={name: name for name, type in network.inputs.items() if type.dtype.is_float},
        fixed={name: np.asarray(fixed[name]) for name in graph.inputs if name not in network.inputs},
        executor=executor,
    )


def _require_dataset(data: Any, network: Network) -> Dataset:
    if isinstance(data, Dataset):
        return data
    x, y = parts_of(data)
    if len(network.inputs) == 1 and (isinstance(x, np.ndarray) or is_sparse(x)):
        return Dataset({next(iter(network.inputs)): x}, None if y is None else np.asarray(y))
    fix = "Write pl.Dataset({'x': x}, y)."
    raise UsageError("a trained network is looked at with a dataset", where="data", got=repr(data)[:60], fix=fix)


def _part(found: Any, output: str, column: int | None) -> np.ndarray:
    """Return what is predicted for one output, or one column of it, [rows, ...]."""
    chosen = as_columns(found[output] if isinstance(found, Mapping) else found)
    return chosen if column is None else chosen[:, column : column + 1]


def _of_dataset(
    name: str, network: Network, dataset: Dataset, target: Target, predict: Any, seen: SeenNetwork | None
) -> Subject:
    given = fit_arrays(dataset.inputs, network.inputs)
    arrays = {key: array.toarray() if is_sparse(array) else array for key, array in given.items()}
    names = _names_of_arrays(arrays)
    return Subject(
        name=name,
        arrays=arrays,
        features=tuple(
            Feature(named, key, place)
            for key, found in names.items()
            if network.inputs[key].dtype.is_float
            for place, named in enumerate(found)
        ),
        target=target,
        predict=lambda inputs: second_of_two(predict(inputs), target),
        columns={named: ((key, slice(at, at + 1)),) for key, found in names.items() for at, named in enumerate(found)},
        weights=np.ones(len(dataset)) if dataset.weights is None else dataset.weights,
        network=seen,
        scaled=True,
    )


def _names_of_arrays(arrays: Mapping[str, np.ndarray]) -> dict[str, list[str]]:
    """Return the names of the numbers of an example, such as ``x[0, 3]``, by input."""
    named = {}
    for key, array in arrays.items():
        shape = array.shape[1:]
        named[key] = [f"{key}[{', '.join(map(str, place))}]" for place in np.ndindex(*shape)] if shape else [key]
    return named


def _target_of_fit(fit: Fit, dataset: Dataset, of: str | int | None) -> tuple[str, int | None, Target]:
    """Return which output and column is looked at, and what it predicts."""
    told: list[tuple[str, str, int | None]] = []
    for output, loss in fit.losses.items():
        width = int(np.prod(loss.target_type(fit.network.outputs[output]).shape, dtype=np.int64))
        if loss.task in ("multilabel", "regression") and width > 1:
            told += [(f"{output}[{number}]", output, number) for number in range(width)]
        else:
            told.append((output, output, None))
    name, output, column = told[choose([name for name, _, _ in told], of)]
    loss, kind = fit.losses[output], fit.evaluator.kinds[output]
    values = None
    if dataset.targets is not None:
        found = as_arrays(fit.network, fit.losses, dataset)[target_name(fit.network, output)]
        found = found.reshape(len(found), -1)
        values = found[:, column or 0].astype(np.float64)
    shape = fit.network.outputs[output].shape
    if loss.task == "regression":
        return output, 0 if column is None else column, Target(name, (), values, kind)
    count = 2 if loss.task != "multiclass" else int(shape[-1])
    classes = tuple(map(str, range(count)))
    codes = None if values is None else (values > 0.5 if count == 2 and loss.task != "multiclass" else values)
    codes = None if codes is None else codes.astype(np.int64)
    return output, column, Target(name, classes, codes, kind, 0.5 if kind == "probability" else 0.0)
