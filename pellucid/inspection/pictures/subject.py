"""What pictures are drawn of: examples, a way to predict for them, and the network behind it where there is one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from pellucid.errors import UsageError, nearest
from pellucid.executors.predictor import Predictor
from pellucid.graph.builder import Builder
from pellucid.graph.graph import Graph
from pellucid.inspection.layers.nodes import LayerNodes, batch_axis, find_layers


@dataclass(frozen=True, eq=False)
class Target:
    """What is predicted.

    Attributes
    ----------
    name : str
    classes : tuple of str
        Their names; empty for numbers.
    values : ndarray or None, [examples]
        The numbers of the classes, int64, or float64; None where they are not known.
    kind : str
        What a prediction is: "probability", "score", "mean" and so on.
    threshold : float
        Of two classes, above which the second is predicted.
    """

    name: str
    classes: tuple[str, ...]
    values: np.ndarray | None
    kind: str
    threshold: float = 0.5


@dataclass(frozen=True)
class Feature:
    """A number of an example that may be varied: where it stands in which input."""

    name: str
    input: str
    column: int


@dataclass(frozen=True, eq=False)
class SeenNetwork:
    """A network whose inner values can be computed.

    Attributes
    ----------
    graph : Graph
        From inputs with the axis ``batch`` to outputs.
    ends : tuple of str
        The outputs of the network itself.
    starts : tuple of str
        The inputs with the examples.
    entries : mapping of str
        The paths of the numbers that the network takes, after encoders, by a name to show.
    fixed : mapping of ndarray
        Parameters, settings and statistics.
    executor : str
    """

    graph: Graph
    ends: tuple[str, ...]
    starts: tuple[str, ...]
    entries: Mapping[str, str]
    fixed: Mapping[str, np.ndarray]
    executor: str

    @cached_property
    def layers(self) -> dict[str, LayerNodes]:
        """The layers by name."""
        starts = [self.graph[path] for path in self.starts]
        weights = {
            name: node
            for name, node in self.graph.inputs.items()
            if name not in self.starts and batch_axis(node) is None and name.endswith("weight")
        }
        found = find_layers([self.graph.outputs[name] for name in self.ends], starts, weights)
        return {layer.name: layer for layer in found}

    def path(self, layer: str) -> str:
        """Return the path of what a layer gives: of a layer by its name, or of any node with a row for each example."""
        if layer in self.entries:
            return self.entries[layer]
        if layer in self.layers:
            return self.layers[layer].after.path
        if layer in self.graph and batch_axis(self.graph[layer]) == 0:
            return self.graph[layer].path
        known = [*self.entries, *self.layers, *(node.path for node in self.graph.nodes if batch_axis(node) == 0)]
        raise UsageError(f"the network has no layer {layer!r}", where="layer", fix=nearest(str(layer), known))

    def hidden(self) -> list[LayerNodes]:
        """Return the layers whose values go on inside the network."""
        ends = {self.graph.outputs[name] for name in self.ends}
        return [layer for layer in self.layers.values() if layer.after not in ends]

    def run(self, paths: Sequence[str], arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Return nodes' values for some examples, float64 [examples, numbers], by path."""
        wanted = dict.fromkeys(paths)
        builder = Builder()
        here = builder.copy(self.graph)
        part = builder.finish({path: here[self.graph[path]] for path in wanted}, after="taking values out")
        count = len(next(iter(arrays.values())))
        found = Predictor(part, self.executor).run(self.fixed, arrays, count)
        return {path: found[path].reshape(count, -1).astype(np.float64) for path in wanted}


@dataclass(frozen=True, eq=False)
class Subject:
    """What a picture is drawn of.

    Attributes
    ----------
    name : str
    arrays : mapping of ndarray, [examples, ...]
        By input.
    features : tuple of Feature
        The numbers of an example that may be varied.
    target : Target
    predict : callable
        ``predict(arrays)`` gives [examples, classes] or [examples, 1], float64: of two classes the probability or score
        of the second alone.
    columns : mapping of (str, (str, slice))
        What is shuffled together for the importance of a column: its places in the inputs.
    weights : ndarray, [examples]
    network : SeenNetwork or None
    scaled : bool
        Whether the features are of like size already, as a network takes them.
    """

    name: str
    arrays: Mapping[str, np.ndarray]
    features: tuple[Feature, ...]
    target: Target
    predict: Callable[[Mapping[str, np.ndarray]], np.ndarray]
    columns: Mapping[str, tuple[tuple[str, slice], ...]]
    weights: np.ndarray
    network: SeenNetwork | None
    scaled: bool

    def __len__(self) -> int:
        return len(next(iter(self.arrays.values())))

    @cached_property
    def matrix(self) -> np.ndarray:
        """The features of all examples, float64 [examples, features]."""
        flat = {name: array.reshape(len(array), -1) for name, array in self.arrays.items()}
        columns = [flat[feature.input][:, feature.column] for feature in self.features]
        return np.column_stack(columns).astype(np.float64) if columns else np.zeros((len(self), 0))

    def examples(self, matrix: np.ndarray, double: bool = False) -> dict[str, np.ndarray]:
        """Return inputs whose features are these, [rows, features]; what cannot be varied is as it is most often.

        With `double` floats are float64, whatever they are in the examples.
        """
        count, made = len(matrix), {}
        for name, array in self.arrays.items():
            dtype = np.dtype(np.float64) if double and array.dtype.kind == "f" else array.dtype
            made[name] = np.repeat(self._usual[name][None].astype(dtype), count, axis=0)
        for place, feature in enumerate(self.features):
            made[feature.input][:, feature.column] = matrix[:, place]
        return {name: made[name].reshape(count, *array.shape[1:]) for name, array in self.arrays.items()}

    @cached_property
    def _usual(self) -> dict[str, np.ndarray]:
        """An example of which every number is the usual one, by input."""
        return {
            name: np.array([_usual(column) for column in array.reshape(len(array), -1).T])
            for name, array in self.arrays.items()
        }

    def require_network(self) -> SeenNetwork:
        """Return the network, or say that there is none to look into."""
        if self.network is None:
            raise UsageError(
                "there is no network to look into",
                got=self.name,
                expected="a Fit, a Model, or one of Pellucid's estimators",
                fix="Of a population, take one: population[0]." if self.name.startswith("a population") else None,
            )
        return self.network

    def require_values(self) -> np.ndarray:
        """Return the targets, or say that they are missing."""
        if self.target.values is None:
            raise UsageError("the targets are missing", where="data", fix="Pass examples with their targets.")
        return self.target.values

    def require_classes(self, what: str) -> tuple[str, ...]:
        """Return the classes, or say that `what` is of classes only."""
        if not self.target.classes:
            raise UsageError(f"{what} is of classes", got=f"a regression of {self.target.name}")
        return self.target.classes


def margins(values: np.ndarray, target: Target) -> np.ndarray:
    """Return by how much each class is ahead of the others, [..., classes]: above 0 for the one that is predicted."""
    if len(target.classes) == 2:
        ahead = values - target.threshold
        return np.concatenate([-ahead, ahead], axis=-1)
    others = np.stack([np.delete(values, number, axis=-1).max(axis=-1) for number in range(values.shape[-1])], axis=-1)
    return values - others


def decided(values: np.ndarray, target: Target) -> np.ndarray:
    """Return the numbers of the classes that are predicted."""
    if len(target.classes) == 2:
        return (values[..., 0] > target.threshold).astype(np.int64)
    return values.argmax(axis=-1)


def by_class(values: np.ndarray, target: Target) -> np.ndarray:
    """Return a column for each class, also of two classes: probabilities, or scores."""
    if len(target.classes) != 2:
        return values
    return np.concatenate([1 - values if target.kind == "probability" else -values, values], axis=-1)


def _usual(column: np.ndarray) -> Any:
    """Return the value that is there most often of whole numbers, and the median of others; what is missing is not."""
    if column.dtype.kind == "f":
        known = column[~np.isnan(column)]
        return np.median(known) if known.size else np.nan
    values, counts = np.unique(column, return_counts=True)
    return values[counts.argmax()]
