"""Cross-validation: how well a network predicts examples that it has not learned from."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pellucid.data.dataset import Dataset
from pellucid.data.split import folds as divide_into_folds
from pellucid.nn.losses import Loss
from pellucid.nn.network import Network
from pellucid.training.checks import check_parts
from pellucid.training.members import Member, parts_given
from pellucid.training.population import fit_population
from pellucid.training.population_result import Population
from pellucid.training.preparation import chosen_metrics, classes_of_targets, losses_by_output

Parts = tuple[tuple[np.ndarray, np.ndarray], ...]


@dataclass(frozen=True, eq=False)
class CrossValidation:
    """What came out of a cross-validation.

    Attributes
    ----------
    population : Population
        A member for each fold, trained on the others.
    parts : tuple of (ndarray, ndarray)
        For each fold the rows that were learned from, and those held out.
    scores : tuple of dict of float
        For each fold the loss and the metrics on the rows held out.
    predictions : ndarray [examples, outputs], or a dict of them by output where there are several
        What each example is predicted to be by the member that has not learned from it; NaN where there is none.
    """

    population: Population
    parts: Parts
    scores: tuple[dict[str, float], ...]
    predictions: np.ndarray | dict[str, np.ndarray]

    @property
    def mean(self) -> dict[str, float]:
        """The mean of each score over the folds."""
        return {name: float(np.mean([score[name] for score in self.scores])) for name in self.scores[0]}

    @property
    def deviation(self) -> dict[str, float]:
        """The standard deviation of each score over the folds (their number less one as divisor)."""
        return {name: float(np.std([score[name] for score in self.scores], ddof=1)) for name in self.scores[0]}

    def __str__(self) -> str:
        spread = self.deviation
        told = [f"{name} {value:.4g} +- {spread[name]:.2g}" for name, value in self.mean.items()]
        return f"{len(self.parts)} folds: " + ", ".join(told)

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(str(self))}</pre>"


def cross_validate(
    network: Network,
    dataset: Dataset,
    folds: int | Sequence[tuple[Any, Any]] = 5,
    *,
    loss: str | Loss | Mapping[str, str | Loss],
    seed: int = 0,
    metrics: Sequence[str] | None = None,
    **training: Any,
) -> CrossValidation:
    """Train a network once for each fold, without the examples in it, and judge it on these.

    The networks are trained at once, as a population. What they are judged by here takes no part in learning; with
    ``validation=0.1`` each holds out a share of its own examples besides, to decide when to stop.
    Source: Stone, Cross-validatory choice and assessment of statistical predictions (1974).

    Parameters
    ----------
    network : Network
    dataset : Dataset
    folds : int or sequence of (rows to learn from, rows held out)
        A number divides the examples at random, classes in their proportions; pairs are those of :func:`folds`, for
        groups that stay together for example.
    loss
        As for :func:`fit`.
    seed : int
        Of the folds, and of each training.
    metrics : sequence of str, optional
        By default the usual ones of the task.
    **training
        All else that :func:`fit_population` takes, `members` apart.

    Returns
    -------
    CrossValidation

    Raises
    ------
    UsageError, DataError
        Where settings or data do not fit the network.
    TrainingError
        Where a training meets a value that is not finite.

    Examples
    --------
    >>> import numpy as np, pellucid as pl
    >>> x = np.linspace(-1, 1, 60)[:, None]
    >>> network = pl.Network([pl.Dense(16, "tanh"), pl.Dense(1)], inputs=1)
    >>> adam = pl.optimizers.Adam(0.02)
    >>> found = pl.cross_validate(network, pl.Dataset({"x": x}, x**2), loss="squared_error", optimizer=adam, epochs=99)
    >>> len(found.scores), found.predictions.shape, found.mean["rmse"] < 0.1
    (5, (60, 1), True)
    """
    check_parts(network, dataset)
    losses = losses_by_output(network, loss)
    chosen_metrics(losses, metrics)  # refused before training rather than after it
    parts = _parts(folds, dataset, losses, seed)
    members = [Member(seed=seed, rows=learning) for learning, _ in parts]
    population = fit_population(network, dataset, members, loss=loss, **training)
    for number, error in population.errors.items():
        raise error.at(f"fold {number + 1} of {len(parts)}")
    scores = [fit.evaluate(dataset.take(held), metrics) for fit, (_, held) in zip(population, parts, strict=True)]
    held_out = population.predict_rows(dataset, {number: held for number, (_, held) in enumerate(parts)})
    return CrossValidation(population, parts, tuple(scores), held_out)


def _parts(given: int | Sequence[tuple[Any, Any]], dataset: Dataset, losses: Mapping[str, Loss], seed: int) -> Parts:
    """Return the rows of each fold, drawn where only their number is given."""
    count = len(dataset)
    if not isinstance(given, Sequence):
        strata = classes_of_targets(count, dataset.targets, losses)
        return tuple(divide_into_folds(count, given, seed, strata))
    return parts_given(given, count)
