"""A moment of a training: between two of its steps."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from pellucid.errors import UsageError
from pellucid.inspection.formula import summarize
from pellucid.inspection.observe import Observation, observe
from pellucid.inspection.replay.facts import facts_table, facts_text
from pellucid.inspection.replay.fork import Fork, fork
from pellucid.inspection.replay.standing import Standing, standing
from pellucid.training.checkpoint import Progress
from pellucid.training.full_batch import LBFGSTraining
from pellucid.training.loop import Training
from pellucid.training.mini_batches import MiniBatchTraining

if TYPE_CHECKING:
    from pellucid.inspection.replay.timeline import Timeline

_SHOWN = 8


@dataclass(frozen=True, eq=False)
class Moment:
    """A moment between two steps of a training. Made by :meth:`Timeline.at`.

    Attributes
    ----------
    timeline : Timeline
        The training that it is of.
    progress : Progress
        All that one step hands to the next, and what validation has found so far.
    """

    timeline: Timeline
    progress: Progress

    @property
    def step(self) -> int:
        """How many steps were done before: the number, from 0, of the one that comes next."""
        return self.progress.step

    @property
    def epoch(self) -> int:
        """The number, from 1, of the epoch that the next step belongs to."""
        return self.progress.epoch + 1

    @property
    def parameters(self) -> MappingProxyType[str, np.ndarray]:
        """What is being learned, by path, as it is before the next step."""
        return MappingProxyType(dict(self.progress.parameters))

    @property
    def state(self) -> MappingProxyType[str, np.ndarray]:
        """The optimizer's state, by path."""
        return MappingProxyType(dict(self.progress.state))

    @property
    def training(self) -> Training:
        """A training of its own that stands here; run it, and it goes on to the end.

        One by L-BFGS begins from here without its memory of the way.
        """
        return self.timeline.arranged.with_run(resume=self.progress).training()

    @property
    def rows(self) -> np.ndarray:
        """The examples of the next step's mini-batch, as numbers in the dataset."""
        training = self.training
        if isinstance(training, MiniBatchTraining):
            return standing(training).rows
        return np.asarray(training.plan.rows[training.plan.places])

    @property
    def loss(self) -> float:
        """The mean loss of the next step's mini-batch, as the training computes it."""
        training = self.training
        if isinstance(training, MiniBatchTraining):
            return standing(training).loss
        assert isinstance(training, LBFGSTraining)
        training.objective(dict(training.progress.parameters))
        return training.objective.loss

    @property
    def next(self) -> Standing:
        """The step that comes next: its graph, its inputs, its settings.

        Raises
        ------
        UsageError
            Where the training takes no steps over mini-batches.
        """
        training = self.training
        if not isinstance(training, MiniBatchTraining):
            raise UsageError("L-BFGS takes no steps over mini-batches", where=f"step {self.step}")
        return standing(training)

    def observe(self, **options: Any) -> Observation:
        """Compute every value and gradient of the next step; `options` as for :func:`pellucid.observe`."""
        return observe(self, **options)

    def forward(self, n: int = 1) -> Moment:
        """Return the moment `n` steps later."""
        _check_number(n)
        return Moment(self.timeline, self.timeline.progress_at(self.step + int(n), near=self.progress))

    def back(self, n: int = 1) -> Moment:
        """Return the moment `n` steps earlier."""
        _check_number(n)
        if n > self.step:
            raise UsageError("there is no step before the first one", where=f"step {self.step}", got=f"back({n})")
        return Moment(self.timeline, self.timeline.progress_at(self.step - int(n)))

    def fork(self, **changes: Any) -> Fork:
        """Go on from here with changed settings.

        Parameters
        ----------
        **changes
            Options of :func:`pellucid.fit` in place of those that the training has, and `network` or `dataset`.
            `settings` are added to the earlier ones. `epochs` and `steps` count from the beginning of the training.

        Returns
        -------
        Fork
            A Fit whose `notes` say what could not carry over.

        Notes
        -----
        Parameters and the optimizer's state carry over where paths and shapes are the same; the rest begins anew. So
        does the epoch under way, where its mini-batches are others. Without changes the training goes on as it did, to
        the same bits.

        Raises
        ------
        UsageError, DataError
            Where the options do not fit.
        TrainingError
            Where a value is not finite.

        Examples
        --------
        >>> import numpy as np, pellucid as pl
        >>> from pellucid.inspection.replay.timeline import timeline_of
        >>> network = pl.Network([pl.Dense(1)], inputs=1)
        >>> data = pl.Dataset({"x": np.arange(4.0)[:, None]}, np.arange(4.0))
        >>> timeline = timeline_of(network, data, loss="squared_error", epochs=5, batch_size=2)
        >>> timeline.at(4).fork(settings={"learning_rate": 0.1}, epochs=7)
        <Fork after step 4: 7 epochs, best 7: the epochs ran out>
        """
        return fork(self, changes)

    def facts(self) -> list[tuple[str, str]]:
        """Return what there is to tell, each fact with its name."""
        facts = [("step", f"{self.step:,}"), ("epoch", f"{self.epoch:,}")]
        try:
            facts += [("loss of the next step", f"{self.loss:.6g}"), ("its rows", _listed(self.rows))]
        except UsageError as error:
            facts += [("next step", str(error))]
        parameters = list(self.progress.parameters.items())
        facts += [(path, summarize(array)) for path, array in parameters[:_SHOWN]]
        left = len(parameters) - _SHOWN
        return facts + ([("", f"and {left} more parameters")] if left > 0 else [])

    def __repr__(self) -> str:
        return f"<moment at step {self.step}, epoch {self.epoch}>"

    def __str__(self) -> str:
        return facts_text(self.facts())

    def _repr_html_(self) -> str:
        return facts_table(self.facts())


def _check_number(n: Any) -> None:
    if isinstance(n, bool) or not isinstance(n, int | np.integer) or n < 0:
        raise UsageError("a number of steps is whole and not negative", where="n", got=repr(n)[:80])


def _listed(rows: np.ndarray) -> str:
    shown = ", ".join(map(str, rows[:_SHOWN]))
    return shown + (f", ... ({len(rows):,} in all)" if len(rows) > _SHOWN else "")
