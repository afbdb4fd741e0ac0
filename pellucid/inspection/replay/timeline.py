"""Time travel: any step of a training, computed again to the bit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from threading import RLock
from typing import Any

import numpy as np

from pellucid.data.dataset import Dataset
from pellucid.errors import TrainingError, UsageError
from pellucid.inspection.replay.bits import are_same
from pellucid.inspection.replay.checkpoints import Paths, read_checkpoints
from pellucid.inspection.replay.facts import facts_table, facts_text
from pellucid.inspection.replay.moment import Moment
from pellucid.inspection.replay.snapshots import MEMORY, Snapshots, settled
from pellucid.inspection.replay.walk import Iterations, Walk, Walking
from pellucid.nn.network import Network
from pellucid.optim.lbfgs import LBFGS
from pellucid.training.arrangement import Arrangement, arrange
from pellucid.training.checkpoint import Progress
from pellucid.training.result import Fit, training_result

_NOT_TAKEN = ("on", "progress", "time_limit", "checkpoint", "checkpoint_seconds", "resume", "history_file")
"""Options of a fit that change nothing of what a step computes."""


@dataclass(frozen=True)
class Source:
    """What a training was arranged from.

    Attributes
    ----------
    dataset : Dataset
    options : dict
        Of :func:`pellucid.fit`.
    """

    dataset: Dataset
    options: dict[str, Any]


class Timeline:
    """A training of which every step can be computed again, to the bit. Made by :func:`pellucid.timeline`.

    It computes when it is asked, and keeps snapshots on the way, so that it begins near the step that is wanted.
    A step is named by how many were done before it: at step 0 the training begins.

    Parameters
    ----------
    arranged : Arrangement
        As :func:`~pellucid.training.arrangement.arrange` returns it; its limit of time plays no part.
    source : Source, optional
        What it was arranged from: needed to fork.
    checkpoints : path or list of paths
        Files that ``pl.fit(checkpoint=...)`` has written, or folders of them.
    memory : int
        About how many bytes the snapshots may take.
    name : str
        What is told of where it comes from.
    expected : mapping of ndarray, optional
        The parameters that should come out, for :meth:`verify`.
    """

    def __init__(
        self,
        arranged: Arrangement,
        source: Source | None = None,
        *,
        checkpoints: Paths = (),
        memory: int = MEMORY,
        name: str = "",
        expected: Mapping[str, np.ndarray] | None = None,
    ):
        self.arranged = arranged.with_run(
            progress=False, time_limit=None, checkpoint=None, history_file=None, resume=False
        )
        self.source, self.name, self.expected = source, name, expected
        self.by_iterations = isinstance(arranged.course.optimizer, LBFGS)
        training = self.arranged.training()
        self.steps_per_epoch = int(getattr(training, "steps_per_epoch", 1))
        """How many steps an epoch has; 1 with L-BFGS, whose iterations are the steps."""
        self._snapshots = Snapshots(training.progress, memory)
        found = read_checkpoints(self.arranged, checkpoints)
        self._snapshots.keep(progress for progress in found if progress.step <= self._most())
        self._walk: Walk | None = None
        self._end: Walk | Iterations | None = None
        self._alone = RLock()  # threads that ask at once would move one another's walk

    @property
    def network(self) -> Network:
        return self.arranged.course.network

    @property
    def steps(self) -> int:
        """How many steps there are in all; the training is run to its end to learn it."""
        return self._ended.progress.step

    @property
    def reason(self) -> str:
        """Why the training ends."""
        return str(self._ended.reason)

    @property
    def error(self) -> TrainingError | None:
        """What the training meets in the end, where a value is not finite."""
        return self._ended.error

    @property
    def end(self) -> Moment:
        """The moment after the last step."""
        return Moment(self, settled(self._ended.progress))

    @property
    def fit(self) -> Fit:
        """What the training brings, as :func:`pellucid.fit` returns it."""
        return training_result(self._ended.training, self.reason)

    def at(self, step: int) -> Moment:
        """Return the moment after so many steps.

        Parameters
        ----------
        step : int
            From 0, the beginning, to :attr:`steps`, the end. Negative numbers count from the end: -1 is the end.

        Raises
        ------
        UsageError
            Where the training has fewer steps.
        """
        if isinstance(step, bool) or not isinstance(step, int | np.integer):
            raise UsageError("a step is a whole number", where="at", got=repr(step)[:80])
        wanted = int(step) if step >= 0 else self.steps + 1 + int(step)
        if wanted < 0:
            got = f"{step}, of {self.steps:,} steps"
            raise UsageError("there is no step before the first one", where="at", got=got)
        return Moment(self, self.progress_at(wanted))

    def progress_at(self, step: int, near: Progress | None = None) -> Progress:
        """Return where the training stands after so many steps; `near` is a place to go on from, if it helps."""
        if step < 0:
            raise UsageError("there is no step before the first one", where="timeline", got=f"step {step}")
        with self._alone:
            return self._progress_at(step, near)

    def _progress_at(self, step: int, near: Progress | None) -> Progress:
        start = self._snapshots.last_before(step)
        if near is not None and start.step < near.step <= step:
            start = near
        if start.step == step:
            return start
        ended = self._ended if self.by_iterations else self._go(step, start)
        if ended.progress.step < step:
            raise UsageError(
                f"the training ends after {ended.progress.step:,} steps: {ended.reason}",
                where="timeline",
                got=f"step {step:,}",
                fix="Take an earlier step; -1 is the end.",
            )
        return self._iteration(step) if self.by_iterations else settled(ended.progress)

    def walk(self, step: int = 0) -> Walking:
        """Return a walk of its own through the training, at a step."""
        return Recalled(self, step) if self.by_iterations else Walk(self.arranged, self.progress_at(step))

    def verify(self, fitted: Any = None) -> bool:
        """Say whether the training ends with the very bits of a fit.

        Parameters
        ----------
        fitted : Fit, Model or mapping of ndarray
            Its parameters are compared with those that the training brings; of a Fit also the last parameters and the
            optimizer's state. By default the model of the run folder that the timeline was made from.

        Raises
        ------
        UsageError
            Where there is nothing to compare with.
        """
        wanted = self.expected if fitted is None else getattr(fitted, "parameters", fitted)
        if not isinstance(wanted, Mapping):
            expected = "what pl.fit returned, a model, or parameters by path"
            raise UsageError("nothing to compare with", where="verify", got=repr(fitted)[:80], expected=expected)
        found = self.fit
        same = are_same(found.parameters, wanted)
        if isinstance(fitted, Fit):
            ours, theirs = found.progress, fitted.progress
            same = same and ours.step == theirs.step and are_same(ours.parameters, theirs.parameters)
            same = same and are_same(ours.state, theirs.state)
        return same

    def facts(self) -> list[tuple[str, str]]:
        """Return what there is to tell without running anything, each fact with its name."""
        course = self.arranged.course
        walked = self._end
        known = f"{walked.progress.step:,} ({walked.reason})" if walked is not None else f"at most {self._most():,}"
        return [
            *([("run", self.name)] if self.name else []),
            ("network", f"{self.network.count_parameters():,} parameters, {self.network.dtype}"),
            ("examples", f"{len(self.arranged.examples.rows):,}"),
            ("optimizer", repr(course.optimizer)),
            ("steps per epoch", f"{self.steps_per_epoch:,}"),
            ("steps", known),
            ("snapshots", f"{len(self._snapshots):,}"),
        ]

    def __repr__(self) -> str:
        return f"<timeline: {', '.join(f'{name} {told}' for name, told in self.facts() if name.startswith('steps'))}>"

    def __str__(self) -> str:
        return facts_text(self.facts())

    def _repr_html_(self) -> str:
        return facts_table(self.facts())

    @property
    def _ended(self) -> Walk | Iterations:
        """What has reached the end."""
        with self._alone:
            if self._end is None and self.by_iterations:
                self._end = Iterations(self.arranged, None, self._snapshots.offer)
            elif self._end is None:
                self._end, self._walk = self._go(None, self._snapshots.last_before(self._most())), None
            return self._end

    def _go(self, step: int | None, start: Progress) -> Walk:
        """Go on from a place, or from where the last walk stands if that is nearer; None goes to the end."""
        walk = self._walk
        if walk is None or walk.progress.step < start.step or (step is not None and walk.progress.step > step):
            walk = self._walk = Walk(self.arranged, start)
        while step is None or walk.progress.step < step:
            due = self._snapshots.next_after(walk.progress.step)
            if not walk.to(due if step is None else min(due, step)):
                break
            self._snapshots.offer(walk.progress)
        return walk

    def _iteration(self, step: int) -> Progress:
        """Return where L-BFGS stands after an iteration that there is."""
        known = self._snapshots.last_before(step)
        if known.step != step:
            known = Iterations(self.arranged, step, self._snapshots.offer).progress
        return settled(known)

    def _most(self) -> int:
        """Return the number of steps if nothing ends the training early."""
        course = self.arranged.course
        most = course.epochs * self.steps_per_epoch
        return most if course.steps is None else min(most, course.steps)


class Recalled:
    """A walk through a training whose places are asked of its timeline; see :class:`~.walk.Walking`."""

    def __init__(self, timeline: Timeline, step: int):
        self._timeline = timeline
        self.progress = timeline.progress_at(step)
        self.reason: str | None = None
        self.error: TrainingError | None = None

    def to(self, step: int) -> bool:
        """Go to where so many iterations are done; say whether there are as many."""
        timeline = self._timeline
        self.progress = timeline.progress_at(min(step, timeline.steps))
        if step > timeline.steps:
            self.reason, self.error = timeline.reason, timeline.error
        return self.progress.step >= step


def timeline_of(
    network: Network, dataset: Dataset, *, checkpoints: Paths = (), memory: int = MEMORY, **options: Any
) -> Timeline:
    """Return the timeline of a training: what :func:`pellucid.timeline` does with a network and a dataset.

    Examples
    --------
    >>> import numpy as np, pellucid as pl
    >>> network = pl.Network([pl.Dense(1)], inputs=1)
    >>> data = pl.Dataset({"x": np.arange(4.0)[:, None]}, np.arange(4.0))
    >>> timeline = timeline_of(network, data, loss="squared_error", epochs=5, batch_size=2)
    >>> moment = timeline.at(3)
    >>> moment, moment.forward().step, timeline.steps
    (<moment at step 3, epoch 2>, 4, 10)
    """
    if "on" in options:
        fix = "Leave it out; look at timeline.at(step) in its place."
        raise UsageError("handlers are not told of steps that are computed again", where="on", fix=fix)
    chosen = {name: value for name, value in options.items() if name not in _NOT_TAKEN}
    return Timeline(
        arrange(network, dataset, **chosen), Source(dataset, chosen), checkpoints=checkpoints, memory=memory
    )
