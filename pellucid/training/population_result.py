"""A trained population: a fit for each member, and what they say together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pellucid.data.dataset import Dataset
from pellucid.errors import TrainingError, UsageError
from pellucid.html_table import html_table
from pellucid.training.checks import check_parts
from pellucid.training.evaluate import as_arrays
from pellucid.training.members import Member, row_numbers
from pellucid.training.metric import Metric
from pellucid.training.metrics import as_probability, predicted_classes
from pellucid.training.preparation import chosen_metrics
from pellucid.training.result import Fit

Predictions = np.ndarray | dict[str, np.ndarray]


@dataclass(frozen=True, eq=False)
class Replaced:
    """A member in whose place another one came, and what it had learned: `number` is its place."""

    number: int
    member: Member
    fit: Fit

    def __repr__(self) -> str:
        return f"<Replaced {self.number}, seed {self.member.seed}, {self.fit!r}>"


@dataclass(frozen=True, eq=False)
class Population:
    """A trained population.

    Members that failed do not take part in what it predicts, nor do those that were stopped before their first step
    where others had one.

    Attributes
    ----------
    members : tuple of Member
        Those that were there at the end.
    fits : tuple of Fit
        What each has learned; of a member that failed, up to there.
    errors : mapping of int to TrainingError
        What members met that failed, by their number.
    replaced : tuple of Replaced
        Members in whose place others came, in the order in which they ended.
    watched : Metric
        What they were judged by.
    """

    members: tuple[Member, ...]
    fits: tuple[Fit, ...]
    errors: Mapping[int, TrainingError]
    replaced: tuple[Replaced, ...]
    watched: Metric

    def __repr__(self) -> str:
        failed = f", {len(self.errors)} failed" if self.errors else ""
        return f"<Population of {len(self)}{failed}>"

    def _repr_html_(self) -> str:
        rows = [
            [str(number), str(member.seed), str(dict(member.settings or {})), str(fit.best_epoch), fit.reason]
            for number, (member, fit) in enumerate(zip(self.members, self.fits, strict=True))
        ]
        return html_table(["number", "seed", "settings", "best epoch", "why it ended"], rows, repr(self))

    def __len__(self) -> int:
        return len(self.fits)

    def __getitem__(self, number: int) -> Fit:
        return self.fits[number]

    def __iter__(self) -> Iterator[Fit]:
        return iter(self.fits)

    @property
    def usable(self) -> tuple[int, ...]:
        """The numbers of the members that take part in predictions."""
        sound = [number for number in range(len(self)) if number not in self.errors]
        trained = [number for number in sound if self.fits[number].progress.step]
        return tuple(trained or sound)

    def ranking(self) -> list[int]:
        """Return the numbers of the members that can be used, from the best value of the watched metric on.

        It is the best one of each, on its validation part if it had one; members without a value come last.
        """
        values = {number: self.fits[number].progress.best_value for number in self.usable}
        sign = -1.0 if self.watched.higher_is_better else 1.0
        return sorted(values, key=lambda number: (np.isnan(values[number]), sign * values[number]))

    # -- predictions ---------------------------------------------------------------------------------------------------

    def predict(self, inputs: Any) -> Predictions:
        """Return the mean of what the members predict: numbers, rates, or probabilities.

        Parameters
        ----------
        inputs : ndarray or SciPy's sparse matrix [examples, features], or mapping of input name to one of them

        Returns
        -------
        ndarray [examples, outputs], or a dict of them by output where there are several
        """
        return _alone(self._mean(self._each(inputs)))

    def predict_members(self, inputs: Any) -> Predictions:
        """Return what each member predicts that can be used, [members, examples, outputs]; how they differ says much.

        `inputs` as for :meth:`predict`; the members are those in `usable`.
        """
        each = list(self._each(inputs))
        return _alone({name: np.stack([found[name] for found in each]) for name in each[0]})

    def vote(self, inputs: Any) -> Predictions:
        """Return the share of the members that decide for each class, [examples, classes], or label.

        Of two classes, and of labels, it is the share that decides for true, [examples, 1 or labels]. `inputs` as for
        :meth:`predict`.

        Raises
        ------
        UsageError
            Where an output predicts numbers.
        """
        votes = ({name: self._decided(name, value) for name, value in found.items()} for found in self._each(inputs))
        return _alone(self._mean(votes))

    def predict_held_out(self, dataset: Dataset) -> Predictions:
        """Return for each example the mean prediction of the members that have it among their `validation_rows`.

        These have not learned from it, where rows and validation rows are apart, as in cross-validation and in
        bootstrap samples.

        Parameters
        ----------
        dataset : Dataset
            The one that the population learned from.

        Returns
        -------
        ndarray [examples, outputs], or a dict of them by output where there are several
            NaN for examples that no member held out.
        """
        return self.predict_rows(dataset, self._validation_rows(dataset))

    def predict_rows(self, dataset: Dataset, rows: Mapping[int, np.ndarray]) -> Predictions:
        """Return for each example the mean prediction of the members to whom it is given.

        Parameters
        ----------
        dataset : Dataset
        rows : mapping of int to ndarray of int64
            By the number of a member, the rows that it predicts.

        Returns
        -------
        ndarray [examples, outputs], or a dict of them by output where there are several
            NaN for examples that are given to nobody.
        """
        return _alone(self._by_rows(dataset, rows)[0])

    # -- how good they are ---------------------------------------------------------------------------------------------

    def evaluate(self, dataset: Dataset, metrics: Sequence[str] | None = None) -> dict[str, float]:
        """Return metrics of the mean prediction on a dataset; by default the usual ones of the task."""
        check_parts(self.fits[0].network, dataset)
        return self._measure(self._mean(self._each(dataset.inputs)), dataset, metrics)

    def evaluate_held_out(self, dataset: Dataset, metrics: Sequence[str] | None = None) -> dict[str, float]:
        """Return metrics of :meth:`predict_held_out`, over the examples that any member held out.

        Raises
        ------
        UsageError
            Where no member has validation rows.
        """
        predictions, seen = self._by_rows(dataset, self._validation_rows(dataset))
        rows = np.flatnonzero(seen)
        return self._measure({name: value[rows] for name, value in predictions.items()}, dataset.take(rows), metrics)

    # -- how it is computed --------------------------------------------------------------------------------------------

    def _each(self, inputs: Any) -> Iterator[dict[str, np.ndarray]]:
        """Yield what each member predicts that can be used, by output."""
        if not self.usable:
            raise UsageError("all members failed", got=str(next(iter(self.errors.values()))))
        for number in self.usable:
            yield self._predictions(number, inputs)

    def _predictions(self, number: int, inputs: Any) -> dict[str, np.ndarray]:
        found = self.fits[number].predict(inputs)
        return found if isinstance(found, dict) else {next(iter(self.fits[0].losses)): found}

    def _mean(self, each: Iterator[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
        """Return the mean of predictions, summed in float64 in the order of the members."""
        first = next(each)
        dtypes, count = {name: value.dtype for name, value in first.items()}, 1
        sums = {name: value.astype(np.float64) for name, value in first.items()}
        for found in each:
            count += 1
            for name, value in found.items():
                sums[name] += value
        return {name: (total / count).astype(dtypes[name]) for name, total in sums.items()}

    def _decided(self, output: str, prediction: np.ndarray) -> np.ndarray:
        """Return 1 for the class that is predicted, or for labels that are, and 0 for the others."""
        fitted = self.fits[0]
        task, kind = fitted.losses[output].task, fitted.evaluator.kinds[output]
        if task not in ("binary", "multiclass", "multilabel"):
            raise UsageError("members vote on classes and labels only", where=f"output {output!r}", got=task)
        found = as_probability(prediction, kind)
        if task != "multiclass":
            return (found > (0.0 if kind == "score" and task == "multilabel" else 0.5)).astype(prediction.dtype)
        return (np.arange(found.shape[1]) == predicted_classes(found)[:, None]).astype(prediction.dtype)

    def _validation_rows(self, dataset: Dataset) -> dict[int, np.ndarray]:
        """Return the rows that each member held out which can be used."""
        given = {number: self.members[number].validation_rows for number in self.usable}
        found = {
            number: np.unique(row_numbers(f"members[{number}], validation_rows", rows, len(dataset)))
            for number, rows in given.items()
            if rows is not None
        }
        if not found:
            fix = "Give members validation_rows, as pl.folds and pl.bootstraps make them."
            raise UsageError("no member has held anything out", fix=fix)
        return found

    def _by_rows(self, dataset: Dataset, rows: Mapping[int, np.ndarray]) -> tuple[dict[str, np.ndarray], np.ndarray]:
        """Return the mean predictions by output, and how many members predict each example."""
        check_parts(self.fits[0].network, dataset)
        count = len(dataset)
        seen = np.zeros(count)
        sums: dict[str, np.ndarray] = {}
        dtypes: dict[str, np.dtype] = {}
        for number, own in rows.items():
            for name, value in self._predictions(number, dataset.take(own).inputs).items():
                dtypes[name] = value.dtype
                sums.setdefault(name, np.zeros((count, *value.shape[1:])))[own] += value
            seen[own] += 1
        with np.errstate(invalid="ignore"):
            means = {name: total / seen.reshape(-1, *(1,) * (total.ndim - 1)) for name, total in sums.items()}
        return {name: mean.astype(dtypes[name]) for name, mean in means.items()}, seen

    def _measure(
        self, predictions: Mapping[str, np.ndarray], dataset: Dataset, metrics: Sequence[str] | None
    ) -> dict[str, float]:
        fitted = self.fits[0]
        arrays = as_arrays(fitted.network, fitted.losses, dataset)
        return fitted.evaluator.measure(predictions, arrays, chosen_metrics(fitted.losses, metrics))


def _alone(found: dict[str, np.ndarray]) -> Predictions:
    return next(iter(found.values())) if len(found) == 1 else found
