"""A trained network: what fitting returns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pellucid.data.dataset import Dataset
from pellucid.errors import UsageError
from pellucid.executors.inputs import is_frozen
from pellucid.html_table import html_table
from pellucid.nn.losses import Loss
from pellucid.nn.network import Network
from pellucid.training.checkpoint import Progress
from pellucid.training.checks import check_parts
from pellucid.training.evaluate import Evaluator, as_arrays
from pellucid.training.loop import Training
from pellucid.training.preparation import chosen_metrics


@dataclass(frozen=True)
class Fit:
    """A trained network.

    Attributes
    ----------
    network : Network
    losses : dict of Loss
        By output.
    parameters : dict of ndarray
        The best parameters where there was validation, the last ones otherwise.
    history : list of dict
        One record an epoch: loss, validation metrics, learning rate, seconds.
    reason : str
        Why training stopped.
    best_epoch : int
        The epoch that `parameters` come from.
    progress : Progress
        The last parameters and the optimizer's state.
    """

    network: Network
    losses: dict[str, Loss]
    parameters: dict[str, np.ndarray]
    history: list[dict[str, Any]]
    reason: str
    best_epoch: int
    progress: Progress
    evaluator: Evaluator

    def __repr__(self) -> str:
        return f"<Fit of {len(self.history)} epochs, best {self.best_epoch}: {self.reason}>"

    def _repr_html_(self) -> str:
        """The first epoch, the best and the last one, as a table."""
        records = {0, max(self.best_epoch - 1, 0), len(self.history) - 1}
        chosen = [self.history[place] for place in sorted(records) if place < len(self.history)]
        names = list(dict.fromkeys(key for record in chosen for key in record))
        rows = [[_tell(record.get(name)) for name in names] for record in chosen]
        told = f"{len(self.history)} epochs, the best is {self.best_epoch}; stopped: {self.reason}"
        return html_table([name.replace("_", " ") for name in names], rows, told)

    def predict(self, inputs: Any) -> np.ndarray | dict[str, np.ndarray]:
        """Return what the losses say that the outputs mean: numbers, rates, probabilities.

        Parameters
        ----------
        inputs : ndarray or SciPy's sparse matrix [examples, features], or mapping of input name to one of them

        Returns
        -------
        ndarray [examples, outputs], or a dict of them by output where there are several
        """
        given = inputs if isinstance(inputs, Mapping) else {next(iter(self.network.inputs)): inputs}
        found = self.evaluator.predict(self.parameters, given)
        return next(iter(found.values())) if len(found) == 1 else found

    def predict_all(self, inputs: Any) -> dict[str, np.ndarray]:
        """Return everything that the losses say of the outputs, such as ``mean`` and ``variance``, by name.

        Where there are several outputs, the names are ``<output>/mean`` and the like. `inputs` as for :meth:`predict`.
        """
        return self.evaluator.predict_all(self.parameters, self._dataset(inputs))

    def _dataset(self, inputs: Any) -> Dataset:
        return Dataset(inputs if isinstance(inputs, Mapping) else {next(iter(self.network.inputs)): inputs})

    def evaluate(self, dataset: Dataset, metrics: Sequence[str] | None = None) -> dict[str, float]:
        """Return the mean loss and metrics on a dataset; by default the usual metrics of the task.

        Where there are several outputs, the metrics that fit the task of each are named ``<output>/rmse`` and the like.
        """
        check_parts(self.network, dataset)
        chosen = chosen_metrics(self.losses, metrics)
        return self.evaluator.evaluate(self.parameters, as_arrays(self.network, self.losses, dataset), chosen)


def check_fit(fit: Any, dataset: Any) -> None:
    """Raise a UsageError where one of them is something else."""
    if not isinstance(fit, Fit):
        fix = "Of a population, take one: population[0]." if hasattr(fit, "fits") else None
        raise UsageError("not a fit", where="fit", got=repr(fit)[:80], expected="what pl.fit returned", fix=fix)
    check_parts(fit.network, dataset)


def _tell(value: Any) -> str:
    return "" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value)


def training_result(training: Training, reason: str) -> Fit:
    """Return what a training that has stopped, for this reason, has brought."""
    plan = training.plan
    return result_of(plan.evaluator, training.progress, reason, plan.validation is not None)


def result_of(evaluator: Evaluator, state: Progress, reason: str, validated: bool) -> Fit:
    """Return what training has brought: the best parameters where there was validation and an epoch has ended."""
    judged = validated and state.best_epoch > 0
    state = state.changed(parameters=dict(state.parameters), state=dict(state.state), best=dict(state.best))
    best, epoch = (state.best, state.best_epoch) if judged else (state.parameters, state.epoch)
    best = {path: array if is_frozen(array) else _frozen(array) for path, array in best.items()}
    return Fit(evaluator.network, evaluator.losses, best, state.records, reason, epoch, state, evaluator)


def _frozen(array: np.ndarray) -> np.ndarray:
    """Return a copy that nobody can change: it is known again without a look at its numbers."""
    copy = np.array(array)
    copy.flags.writeable = False
    return copy
