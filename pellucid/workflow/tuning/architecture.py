"""What trials of one architecture share: a network, what is compiled for it, and the names of their numbers."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from pellucid.nn.network import Network
from pellucid.optim.lbfgs import LBFGS
from pellucid.optim.transformation import Optimizer
from pellucid.training.course import Course, set_course
from pellucid.training.events import Handlers
from pellucid.training.loop import Training
from pellucid.training.setup import Examples, Run, prepare_training
from pellucid.training.step import TrainingStep, build_step
from pellucid.workflow.plans.recipe import Recipe
from pellucid.workflow.tuning.caching import Cache
from pellucid.workflow.tuning.encoded_rows import EncodedRows
from pellucid.workflow.tuning.numbers import Names, Numbers, find_names

ROWS_LOOKED_AT = 2
"""The size of mini-batch with which steps are built to look at the names of their settings."""


class Architecture:
    """What trials share that differ in numbers only.

    Parameters
    ----------
    recipe : Recipe
        Of one of them.
    numbers : Numbers
        Of that recipe.
    task : str
    encoded : EncodedRows
        Of which the form of the inputs matters.
    note : callable
        ``note(seconds)`` is told what compiling has taken.
    """

    def __init__(
        self, recipe: Recipe, numbers: Numbers, task: str, encoded: EncodedRows, note: Callable[[float], None]
    ):
        began = time.perf_counter()
        self._note = note
        self.task, self.encoding, self.outputs = task, encoded.encoding, encoded.targets.outputs
        self.network = recipe.network(self.encoding, self.outputs)
        self.names = Names({}, tuple(numbers.values))  # L-BFGS compiles anew for each training
        if isinstance(recipe.optimizer(), Optimizer):
            self.names = find_names(recipe, numbers, self._step)
        self._courses: Cache[Course] = Cache(most=64)
        self._lock = threading.Lock()
        self._ready: set[tuple[int, int]] = set()
        note(time.perf_counter() - began)

    def _network(self, recipe: Recipe) -> Network:
        return recipe.network(self.encoding, self.outputs)

    def _step(self, recipe: Recipe) -> TrainingStep:
        """Return the training step of a recipe, which is not compiled."""
        network, loss, optimizer = self._network(recipe), recipe.loss(self.task), recipe.optimizer()
        assert isinstance(optimizer, Optimizer)
        return build_step(
            network,
            dict.fromkeys(network.outputs, loss),
            optimizer,
            batch=ROWS_LOOKED_AT,
            regularizers=recipe.regularizers(loss),
            clip_norm=recipe.clip_norm or None,
        )

    def course(self, recipe: Recipe, numbers: Numbers) -> tuple[Course, dict[str, float] | None]:
        """Return the course of a recipe, and the numbers by which its steps differ from those of others."""
        compiled = tuple(numbers.values[name] for name in self.names.compiled)
        found = self._courses.get(compiled, partial(self._set_course, recipe))
        return replace(found, **_of_course(recipe)), self.names.told(numbers.values) or None

    def _set_course(self, recipe: Recipe) -> Course:
        arguments: dict[str, Any] = recipe.fit_arguments(recipe.loss(self.task))
        loss, optimizer = arguments.pop("loss"), arguments.pop("optimizer")
        return set_course(self.network, loss, optimizer, clip_value=None, shuffle=True, **arguments)

    def training(self, course: Course, examples: Examples, run: Run) -> Training:
        """Return a training; the first of its kind compiles, while others wait for it."""
        if isinstance(course.optimizer, LBFGS):
            return self._timed(course, examples, run)
        rows = len(examples.rows if examples.chosen is None else examples.chosen)
        key = id(course.compiled), min(rows, course.batch_size or rows)
        if key not in self._ready:
            with self._lock:
                if key not in self._ready:
                    found = self._timed(course, examples, run)
                    self._ready.add(key)
                    return found
        return prepare_training(course, examples, run, Handlers())

    def _timed(self, course: Course, examples: Examples, run: Run) -> Training:
        began = time.perf_counter()
        course.evaluator.judge()
        found = prepare_training(course, examples, run, Handlers())
        self._note(time.perf_counter() - began)
        return found


def _of_course(recipe: Recipe) -> Mapping[str, Any]:
    """Return what takes part in a training and is not compiled."""
    return {
        "schedule": recipe.schedule(),
        "epochs": recipe.epochs,
        "steps": recipe.steps or None,
        "patience": recipe.patience or None,
        "min_improvement": recipe.min_improvement,
        "metric": recipe.metric,
    }
