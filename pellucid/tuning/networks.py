"""Searching over networks that a function makes, with whatever else `pl.fit` takes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from pellucid.data.dataset import Dataset
from pellucid.data.split import folds as divide_into_folds
from pellucid.errors import DataError, PellucidError, UsageError, nearest
from pellucid.nn.network import Network
from pellucid.optim.schedules import schedule as schedule_called
from pellucid.optim.settings import check_number
from pellucid.random import check_seed
from pellucid.training.arrangement import Options
from pellucid.training.checks import check_counts, check_parts
from pellucid.training.course import Course, set_course
from pellucid.training.events import Handlers
from pellucid.training.members import Member, SharedExamples, parts_given
from pellucid.training.metrics import metric as metric_called
from pellucid.training.preparation import classes_of_targets, losses_by_output, watched_metric
from pellucid.training.setup import Examples, Run, prepare_training
from pellucid.tuning.contender import TrainingContender

OWN = (
    "seed",
    "validation",
    "metric",
    "time_limit",
    "progress",
    "checkpoint",
    "checkpoint_seconds",
    "resume",
    "history_file",
)
"""What the search decides itself of a training."""

KEPT = 512
"""So many courses are kept."""

Arrange = Callable[[Mapping[str, Any]], Mapping[str, Any]]
Pairs = list[tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True, eq=False)
class _Made:
    """A configuration, made ready to be trained."""

    network: Network
    course: Course
    shared: SharedExamples
    settings: Mapping[str, float] | None
    start_from: Any
    key: str
    """The name under which the metric stands."""


class NetworkObjective:
    """Networks that a function makes, judged by cross-validation.

    Each trial trains one network for each fold and repeat. Where training stops early by itself (`patience`), the
    examples held out say when, and the trial's value is that of the epoch that is best for all of them together;
    otherwise it is the value after the last epoch.

    Trainings of equal graphs share what is compiled; hyper-parameters that are numbers, such as learning and dropout
    rates, are no part of a graph. Building the graph takes some ten milliseconds a trial. That is spared, too, where
    `arrange` returns the same network object for several configurations, and numbers in ``settings``.

    Parameters
    ----------
    arrange : callable
        ``arrange(parameters)`` returns what :func:`pellucid.fit` takes, with the ``network``, but without seed,
        validation, metric and time limit.
    dataset : Dataset
    folds : int or sequence of (rows to learn from, rows held out)
    repeats : int
        How often, with other folds (where `folds` is a number) and other seeds.
    metric : str
        By which trials are compared; the loss by default.
    seed : int
        Of folds and trainings.

    Examples
    --------
    >>> import numpy as np, pellucid as pl
    >>> x = np.linspace(-1, 1, 60)[:, None]
    >>> def arrange(parameters):
    ...     network = pl.Network([pl.Dense(parameters["units"], "tanh"), pl.Dense(1)], inputs=1)
    ...     adam = pl.optimizers.Adam(parameters["rate"])
    ...     return {"network": network, "loss": "squared_error", "optimizer": adam, "epochs": 20}
    >>> objective = NetworkObjective(arrange, pl.Dataset({"x": x}, x**2), folds=3, metric="rmse")
    >>> objective.members
    ('fold 1', 'fold 2', 'fold 3')
    """

    def __init__(
        self,
        arrange: Arrange,
        dataset: Dataset,
        folds: int | Sequence[tuple[Any, Any]] = 5,
        repeats: int = 1,
        metric: str = "loss",
        seed: int = 0,
    ):
        if not callable(arrange):
            expected = "a function of parameters"
            raise UsageError("nothing makes the networks", where="arrange", got=repr(arrange)[:80], expected=expected)
        if not isinstance(dataset, Dataset):
            raise UsageError("not a dataset", where="dataset", got=type(dataset).__name__, expected="a pl.Dataset")
        check_number("repeats", repeats, "[1, inf)", whole=True)
        if not isinstance(metric, str):
            raise UsageError("not the name of a metric", where="metric", got=repr(metric)[:80])
        self.arrange, self.dataset, self.seed = arrange, dataset, check_seed(seed)
        self.metric, self.higher_is_better = metric, metric_called(metric.rpartition("/")[2]).higher_is_better
        self.folds, self.repeats = _checked_folds(folds, len(dataset)), int(repeats)
        count = self.folds if isinstance(self.folds, int) else len(self.folds)
        self.members = member_labels(count, self.repeats)
        self.compile_seconds = 0.0
        self._lock = threading.Lock()
        self._parts: Pairs | None = None
        self._made: dict[Hashable, _Made] = {}
        self._prepared: set[int] = set()

    def check(self, parameters: Mapping[str, Any]) -> None:
        """Raise a UsageError where a configuration can not be trained."""
        self._find(parameters)

    def key(self, parameters: Mapping[str, Any]) -> Hashable:
        """Return what trials have in common that share what is compiled."""
        try:
            return id(self._find(parameters).course)
        except PellucidError:  # `begin` tells of it
            return _told(parameters)

    def begin(self, parameters: Mapping[str, Any], member: int) -> TrainingContender:
        """Return a training that is ready to begin."""
        made = self._find(parameters)
        course, repeat = made.course, member // (len(self.members) // self.repeats)
        learning, held = self._divided(made)[member]
        examples = made.shared.of(Member(rows=learning, validation_rows=held))
        score = None
        if not needs_validation(course):
            score = self._judge(made, examples)
            examples = Examples(examples.arrays, None, examples.rows, examples.chosen)
        run = Run(seed=self.seed + repeat, settings=made.settings, start_from=made.start_from)
        began = time.perf_counter()
        training = prepare_training(course, examples, run, Handlers())
        if id(course) not in self._prepared:
            self._prepared.add(id(course))
            self.compile_seconds += time.perf_counter() - began
        return TrainingContender(training, made.key, score)

    def _judge(self, made: _Made, examples: Examples) -> Callable[[Mapping[str, Any]], float]:
        """Return what judges parameters by the examples held out."""
        evaluator = made.course.evaluator
        assert examples.validation is not None
        prepared = evaluator.prepare(examples.validation)
        chosen = () if self.metric == "loss" else (metric_called(self.metric.rpartition("/")[2]),)
        return lambda parameters: evaluator.evaluate(parameters, prepared, chosen)[made.key]

    def _find(self, parameters: Mapping[str, Any]) -> _Made:
        told = _told(parameters)
        with self._lock:
            found = self._made.get(told)
            if found is None:
                found = self._make(self.arrange(dict(parameters)))
                while len(self._made) >= KEPT:
                    self._made.pop(next(iter(self._made)))
                self._made[told] = found
            return found

    def _make(self, given: Mapping[str, Any]) -> _Made:
        options = _checked(given)
        network = options.pop("network")
        settings, start_from = options.pop("settings", None), options.pop("start_from", None)
        key = ("course", id(network), repr(sorted(options.items(), key=lambda item: item[0])))
        known = self._made.get(key)
        if known is not None and known.network is network:
            return replace(known, settings=settings, start_from=start_from)
        chosen = Options(**options)
        check_parts(network, self.dataset)
        counts = chosen.epochs, chosen.steps, chosen.batch_size, chosen.patience, chosen.min_improvement
        check_counts(*counts, chosen.time_limit, chosen.checkpoint_seconds)
        names = ("epochs", "steps", "batch_size", "schedule", "regularizers", "clip_value", "clip_norm", "patience")
        more = {name: getattr(chosen, name) for name in (*names, "min_improvement", "shuffle", "executor")}
        course = set_course(network, chosen.loss, chosen.optimizer, metric=self.metric, **more)
        name, _, _ = watched_metric(course.losses, self.metric, course.evaluator.kinds, True)
        if not needs_validation(course):
            course = replace(course, metric="loss")
        made = _Made(network, course, SharedExamples(course, self.dataset, None, False), settings, start_from, name)
        self._made[key] = made
        return made

    def _divided(self, made: _Made) -> Pairs:
        """Return for each member the rows to learn from and those held out."""
        with self._lock:
            if self._parts is None:
                losses = losses_by_output(made.network, made.course.losses)
                strata = classes_of_targets(len(self.dataset), self.dataset.targets, losses)
                self._parts = []
                for repeat in range(self.repeats):
                    self._parts += self._of_repeat(repeat, strata)
            return self._parts

    def _of_repeat(self, repeat: int, strata: np.ndarray | None) -> Pairs:
        if isinstance(self.folds, int):
            return list(divide_into_folds(len(self.dataset), self.folds, self.seed + repeat, strata))
        return list(self.folds)


def member_labels(folds: int, repeats: int) -> tuple[str, ...]:
    """Return what the trainings of a trial are called.

    Examples
    --------
    >>> member_labels(2, 1), member_labels(2, 2)[-1]
    (('fold 1', 'fold 2'), 'fold 2, repeat 2')
    """
    told = [(f"fold {fold + 1}", f", repeat {repeat + 1}") for repeat in range(repeats) for fold in range(folds)]
    return tuple(fold + (repeat if repeats > 1 else "") for fold, repeat in told)


def needs_validation(course: Course) -> bool:
    """Say whether what is held out takes part in a training: in when it stops, or in its schedule."""
    given = course.schedule
    remembers = given not in (None, "cosine") and bool(schedule_called(given).initial_state())
    return course.patience is not None or remembers


def _told(parameters: Mapping[str, Any]) -> str:
    return repr(sorted(parameters.items()))


def _checked_folds(folds: Any, count: int) -> int | Sequence[tuple[np.ndarray, np.ndarray]]:
    """Return a number of folds, or for each fold the rows to learn from and those held out."""
    if isinstance(folds, Sequence) and not isinstance(folds, str | bytes):
        return parts_given(folds, count)
    check_number("folds", folds, "[2, inf)", whole=True)
    if folds > count:
        raise DataError("there are too few examples for the folds", got=f"{count}", expected=f"at least {folds}")
    return int(folds)


def _checked(given: Any) -> dict[str, Any]:
    """Return what a function has arranged, as it may be given to a training."""
    if not isinstance(given, Mapping) or not isinstance(given.get("network"), Network):
        got = ", ".join(map(str, given)) if isinstance(given, Mapping) else repr(given)[:80]
        expected = "what pl.fit takes, by name, with the network"
        raise UsageError("the function does not return a training", where="arrange", got=got, expected=expected)
    known = [field.name for field in fields(Options) if field.name not in OWN]
    for name in given:
        if name in OWN:
            raise UsageError(f"the search decides on {name!r} itself", where="arrange", fix="Leave it out.")
        if name not in ("network", *known):
            raise UsageError(f"no option is called {name!r}", where="arrange", fix=nearest(name, known))
    if "loss" not in given:
        raise UsageError("no loss is given", where="arrange", fix='Return "loss": "squared_error" too, for example.')
    return dict(given)
