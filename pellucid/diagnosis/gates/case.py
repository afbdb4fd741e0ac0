"""The case that gates are asked about: a network, its data, how it is trained, and what came of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from pellucid.data.dataset import Dataset, is_sparse
from pellucid.diagnosis.gates.uninterrupted import uninterrupted
from pellucid.errors import PellucidError, TrainingError
from pellucid.graph.context import Context
from pellucid.graph.value import Value
from pellucid.nn.initializers import Zeros
from pellucid.nn.layers import Dense
from pellucid.nn.losses import Loss
from pellucid.nn.network import Network
from pellucid.ops.shapes import broadcast
from pellucid.optim.lbfgs import LBFGS
from pellucid.random import permutation
from pellucid.training.arrangement import Arrangement, arrange
from pellucid.training.fit import fit
from pellucid.training.preparation import learning_and_validation, losses_by_output
from pellucid.training.result import Fit

MOST_ROWS = 2000
"""Baselines of more examples learn from the first so many of a random order."""

MOST_NUMBERS = 20_000_000
"""They learn from fewer rows yet where those would hold more numbers than these."""


@dataclass(frozen=True, eq=False)
class Case:
    """What gates are asked about.

    Attributes
    ----------
    network : Network
    dataset : Dataset
        What it learns from, with its validation share if that is taken from it.
    options : dict
        The keywords of :func:`pellucid.fit`, but for handlers, progress, checkpoints and files.
    test : Dataset or None
        Examples that training does not see.
    columns : tuple of str
        The names of the features, where they are known.
    fit : Fit or None
        What came of the training, once it is over.
    records : sequence of LayerRecords
        What was recorded of the layers while it ran; see :mod:`pellucid.inspection.recorder`.
    error : TrainingError or None
        What ended the training, if it ended in a value that is not finite.
    """

    network: Network
    dataset: Dataset
    options: Mapping[str, Any]
    test: Dataset | None = None
    columns: tuple[str, ...] = ()
    fit: Fit | None = None
    records: Sequence[Any] = field(default=())
    error: TrainingError | None = None

    def trained(self, fit: Fit | None, records: Sequence[Any], error: TrainingError | None = None) -> Case:
        """Return the case with what came of its training; baselines that were learned already are kept."""
        case = replace(self, fit=fit, records=records, error=error)
        known = ("arranged", "parameters", "constant", "linear", "learned", "validation", "held_out")
        case.__dict__.update({name: self.__dict__[name] for name in known if name in self.__dict__})
        return case

    def once(self, name: str, compute: Callable[[], Any]) -> Any:
        """Return what is kept with the case under a name, computed when it is first asked for."""
        if name not in self.__dict__:
            self.__dict__[name] = compute()
        return self.__dict__[name]

    @cached_property
    def arranged(self) -> Arrangement:
        """The training, arranged: its losses, its arrays, its rows."""
        return arrange(self.network, self.dataset, **self.options)

    @property
    def losses(self) -> dict[str, Loss]:
        """The loss of each output."""
        return losses_by_output(self.network, self.options["loss"])

    @property
    def task(self) -> str:
        """The task of the first output: regression, binary, multiclass or multilabel."""
        return next(iter(self.losses.values())).task

    @property
    def seed(self) -> int:
        return int(self.options.get("seed", 0))

    @cached_property
    def parameters(self) -> dict[str, np.ndarray]:
        """The parameters that training starts from."""
        return dict(self.arranged.training().progress.parameters)

    def rows(self, most: int) -> np.ndarray:
        """Return at most so many rows of the dataset that are learned from, chosen by the seed, in their order."""
        rows = self.arranged.examples.rows
        if len(rows) <= most:
            return np.asarray(rows)
        chosen = permutation(self.seed, "gates", 0, len(rows))[:most]
        return np.asarray(rows)[np.sort(chosen)]

    @cached_property
    def learned(self) -> Dataset:
        """At most so many of the examples that are learned from, as baselines learn from."""
        return self.dataset.take(self.rows(self._most_rows))

    @property
    def _most_rows(self) -> int:
        numbers = sum(type.size for type in self.network.inputs.values())
        return max(1, min(MOST_ROWS, MOST_NUMBERS // max(numbers, 1)))

    @cached_property
    def validation(self) -> Dataset | None:
        """The examples that training is judged by while it runs; None where there are none."""
        _, found, _ = learning_and_validation(self.dataset, self.options.get("validation"), self.losses, self.seed)
        return found

    @cached_property
    def held_out(self) -> Dataset | None:
        """At most so many examples that are not learned from: of the test, or of the validation part."""
        found = self.validation if self.test is None else self.test
        if found is None or len(found) <= self._most_rows:
            return found
        return found.take(np.sort(permutation(self.seed, "gates held out", 0, len(found))[: self._most_rows]))

    @cached_property
    def constant(self) -> Fit | None:
        """The best constant output, learned from the same examples; None where it can not be had."""
        return self._baseline(lambda context, *inputs: _constant_outputs(self.network, context))

    @cached_property
    def linear(self) -> Fit | None:
        """The linear model of the same inputs, loss and examples.

        None where inputs are no features, or where they are to be reconstructed: that is hard only for what is narrow.
        """
        types = self.network.inputs.values()
        if any(len(type.shape) != 1 or not type.dtype.is_float for type in types):
            return None
        if len(types) > 1 or len(self.network.outputs) > 1:
            return None
        (output,) = self.network.outputs.values()
        if len(output.shape) != 1:
            return None
        (inputs,) = _dense(self.learned).inputs.values()
        if self.task == "regression" and _reconstructs(inputs, self.learned.targets):
            return None
        middle = np.mean(inputs, axis=0, dtype=np.float64)
        spread = np.std(inputs, axis=0, dtype=np.float64)
        dtype, scale = self.network.dtype.numpy, np.where(spread > 0, 1 / np.where(spread > 0, spread, 1), 1.0)

        def standardized(context: Context, x: Value) -> Value:
            head = Dense(int(output.shape[0]), initializer="zeros")
            return head(context, (x - middle.astype(dtype)) * scale.astype(dtype))

        return self._baseline(standardized)

    def _baseline(self, body: Any) -> Fit | None:
        """Learn by L-BFGS; None where that can not be done."""
        try:
            network = Network(body, self.network.inputs, self.network.dtype)
            fitted = fit(
                network,
                _dense(self.learned),
                loss=self.options["loss"],
                optimizer=LBFGS(),
                epochs=100,
                batch_size=None,
                executor="interpret",
                progress=False,
            )
        except PellucidError:
            return None
        return uninterrupted(fitted)


def _constant_outputs(network: Network, context: Context) -> dict[str, Value]:
    """Build outputs that do not depend on the inputs: a parameter for each."""
    return {
        name: broadcast(
            context.parameter(f"{name}_constant", type.shape, Zeros(), kind="bias"), (context.batch, *type.shape)
        )
        for name, type in network.outputs.items()
    }


def _reconstructs(inputs: np.ndarray, targets: Any) -> bool:
    """Say whether targets are the inputs, or these with noise: most of them go with the input of their place."""
    if np.shape(targets) != np.shape(inputs) or inputs.shape[1] < 3:
        return False
    x, y = (array - np.mean(array, axis=0, dtype=np.float64) for array in (inputs, np.asarray(targets)))
    size = np.sqrt((x * x).sum(axis=0) * (y * y).sum(axis=0))
    return bool(np.median((x * y).sum(axis=0)[size > 0] / size[size > 0]) > 0.5) if size.any() else False


def _dense(dataset: Dataset) -> Dataset:
    """Return a dataset without sparse inputs."""
    if not any(is_sparse(array) for array in dataset.inputs.values()):
        return dataset
    inputs = {name: array.toarray() if is_sparse(array) else array for name, array in dataset.inputs.items()}
    return Dataset(inputs, dataset.targets, dataset.weights)
