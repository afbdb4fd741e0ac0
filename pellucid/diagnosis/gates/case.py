"""The case that gates are asked about: a network, its data, how it is trained, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from pellucid.data.dataset import Dataset, is_sparse
from pellucid.errors import PellucidError
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
from pellucid.training.preparation import losses_by_output
from pellucid.training.result import Fit

MOST_ROWS = 2000
"""Baselines of more examples learn from the first so many of a random order."""


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
    """

    network: Network
    dataset: Dataset
    options: Mapping[str, Any]
    test: Dataset | None = None
    columns: tuple[str, ...] = ()
    fit: Fit | None = None
    records: Sequence[Any] = field(default=())

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
    def constant(self) -> Fit | None:
        """The best constant output, learned from the same examples; None where it can not be had."""
        return self._baseline(lambda context, *inputs: _constant_outputs(self.network, context))

    @cached_property
    def linear(self) -> Fit | None:
        """The linear model of the same inputs, loss and examples; None where inputs are no features."""
        inputs = self.network.inputs.values()
        if any(len(type.shape) != 1 or not type.dtype.is_float for type in inputs) or len(self.network.outputs) > 1:
            return None
        (output,) = self.network.outputs.values()
        if len(output.shape) != 1:
            return None
        return self._baseline(lambda context, x: Dense(int(output.shape[0]), initializer="zeros")(context, x))

    def _baseline(self, body: Any) -> Fit | None:
        """Learn by L-BFGS; None where that can not be done."""
        some = self.dataset.take(self.rows(MOST_ROWS))
        if any(is_sparse(array) for array in some.inputs.values()):
            some = Dataset(
                {name: array.toarray() if is_sparse(array) else array for name, array in some.inputs.items()},
                some.targets,
                some.weights,
            )
        try:
            network = Network(body, self.network.inputs, self.network.dtype)
            return fit(
                network,
                some,
                loss=self.options["loss"],
                optimizer=LBFGS(),
                epochs=100,
                batch_size=None,
                executor="interpret",
                progress=False,
            )
        except PellucidError:
            return None


def _constant_outputs(network: Network, context: Context) -> dict[str, Value]:
    """Build outputs that do not depend on the inputs: a parameter for each."""
    return {
        name: broadcast(
            context.parameter(f"{name}_constant", type.shape, Zeros(), kind="bias"), (context.batch, *type.shape)
        )
        for name, type in network.outputs.items()
    }
