"""Recipes as what is searched over: each trial is a cross-validation of the network that a recipe makes of a table."""

from __future__ import annotations

import threading
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from pellucid.errors import PellucidError
from pellucid.training.course import Course
from pellucid.training.loop import Training
from pellucid.training.metrics import metric as metric_called
from pellucid.training.preparation import watched_metric
from pellucid.training.setup import Examples, Run
from pellucid.tuning.contender import Score, TrainingContender
from pellucid.tuning.networks import needs_validation
from pellucid.tuning.objective import Contender
from pellucid.tuning.trial import MemberResult
from pellucid.workflow.plans.recipe import Recipe
from pellucid.workflow.tuning.architecture import Architecture
from pellucid.workflow.tuning.caching import Cache
from pellucid.workflow.tuning.encoded_rows import LENGTHS, EncodedRows, encode_search, encoding_key
from pellucid.workflow.tuning.folding import Folding
from pellucid.workflow.tuning.numbers import Numbers
from pellucid.workflow.tuning.recipe_space import RecipeSpace
from pellucid.workflow.understanding import Understanding

ENCODED = 16
"""The rows are kept in so many encodings at once."""

CONFIGURATIONS = 4096
"""So many configurations are kept as they were made ready."""


@dataclass(frozen=True, eq=False)
class Configuration:
    """A configuration of a search, made ready.

    Attributes
    ----------
    recipe : Recipe
    encoded : EncodedRows
    architecture : Architecture
    course : Course
    settings : dict of float or None
        The numbers of its own.
    key : str
        The name under which the metric stands.
    """

    recipe: Recipe
    encoded: EncodedRows
    architecture: Architecture
    course: Course
    settings: dict[str, float] | None
    key: str


class RecipeObjective:
    """Recipes for a table, judged by cross-validation on the rows that are not for the test.

    A trial trains one network for each fold and repeat, to the very bits of :func:`pellucid.fit` with that recipe.
    Encoders are fitted once for each way to encode, on all rows of the search; each course is compiled once. Where
    training stops early and a run has rows for validation, the rows held out say when, and a member's value is its best
    one; otherwise it is the value after the last epoch.

    Parameters
    ----------
    found : Understanding
    space : RecipeSpace
    folding : Folding
    metric : str
    """

    def __init__(self, found: Understanding, space: RecipeSpace, folding: Folding, metric: str):
        self.found, self.space, self.folding, self.metric = found, space, folding, metric
        self.measure = metric_called(metric)
        self.higher_is_better = self.measure.higher_is_better
        self.members = folding.labels
        self.compile_seconds = 0.0
        self._counting = threading.Lock()
        self._configurations: Cache[Configuration] = Cache(CONFIGURATIONS)
        self._encoded: Cache[EncodedRows] = Cache(ENCODED)
        self._architectures: Cache[Architecture] = Cache()
        self._recipes: Cache[tuple[Recipe, Numbers]] = Cache(CONFIGURATIONS)
        self._balance: Cache[np.ndarray] = Cache()

    @property
    def architectures_made(self) -> int:
        """How many architectures there were up to now."""
        return len(self._architectures)

    def _note_compiling(self, seconds: float) -> None:
        with self._counting:
            self.compile_seconds += seconds

    def check(self, parameters: Mapping[str, Any]) -> None:
        """Raise a UsageError where a configuration can not be trained."""
        self.configuration(parameters)

    def key(self, parameters: Mapping[str, Any]) -> Hashable:
        """Return what trials have in common that share what is compiled."""
        try:
            recipe, numbers = self._recipe(parameters)
            return encoding_key(recipe, self.found), numbers.form
        except PellucidError:  # `begin` tells of it
            return _told(parameters)

    def _recipe(self, parameters: Mapping[str, Any]) -> tuple[Recipe, Numbers]:
        def make() -> tuple[Recipe, Numbers]:
            recipe, task = self.space.recipe_of(parameters), self.found.task.kind
            recipe.check_task(task)
            return recipe, Numbers.of(recipe, task)

        return self._recipes.get(_told(parameters), make)

    def configuration(self, parameters: Mapping[str, Any]) -> Configuration:
        """Return a configuration, made ready.

        Raises
        ------
        UsageError
            Where it can not be trained.
        """
        return self._configurations.get(_told(parameters), partial(self._make, parameters))

    def _make(self, parameters: Mapping[str, Any]) -> Configuration:
        recipe, numbers = self._recipe(parameters)
        encoded = self.encoded(recipe)
        architecture = self._architectures.get(
            (encoded.form, numbers.form), partial(self._architecture, recipe, numbers, encoded)
        )
        course, settings = architecture.course(recipe, numbers)
        key, _, _ = watched_metric(course.losses, self.metric, course.evaluator.kinds, True)
        if not self._judged_inside(course):
            course = replace(course, metric="loss")
        return Configuration(recipe, encoded, architecture, course, settings, key)

    def _architecture(self, recipe: Recipe, numbers: Numbers, encoded: EncodedRows) -> Architecture:
        return Architecture(recipe, numbers, self.found.task.kind, encoded, self._note_compiling)

    def encoded(self, recipe: Recipe) -> EncodedRows:
        """Return the rows of the search as a recipe encodes them."""
        make = partial(encode_search, self.found, recipe, self.folding)
        return self._encoded.get(encoding_key(recipe, self.found), make)

    def _judged_inside(self, course: Course) -> bool:
        """Say whether the rows held out take part in a training: where a run's own rows for validation do so."""
        return self.space.plan.judges and needs_validation(course)

    def begin(self, parameters: Mapping[str, Any], member: int) -> Contender:
        """Return a training that is ready to begin; the first of its key compiles."""
        made = self.configuration(parameters)
        examples = self.examples(made, member)
        training = self.training(made, member)
        score = None if self._judged_inside(made.course) else self._score(made, member, examples)
        unit = made.encoded.unit if self.metric in LENGTHS else 1.0
        return InOwnUnit(training, made.key, score, unit)

    def training(self, made: Configuration, member: int) -> Training:
        """Return the training of a member."""
        examples = self.examples(made, member)
        if not self._judged_inside(made.course):
            examples = replace(examples, validation=None)
        repeat = member // (len(self.members) // self.folding.repeats)
        run = Run(seed=self.space.plan.seed + repeat, settings=made.settings)
        return made.architecture.training(made.course, examples, run)

    def examples(self, made: Configuration, member: int) -> Examples:
        """Return what a member learns from, and the rows that judge it."""
        balance = None
        if made.recipe.class_weight == "balanced":
            balance = self._balance.get(member, partial(made.encoded.balanced, self.found, self.space.plan, member))
        return made.encoded.examples(made.course, member, balance)

    def _score(self, made: Configuration, member: int, examples: Examples) -> Score:
        """Return what judges parameters by the rows held out."""
        evaluator, key = made.course.evaluator, made.key
        prepared = made.encoded.judged(made.course, member, examples)
        chosen = () if self.metric == "loss" else (self.measure,)
        return lambda parameters: evaluator.evaluate(parameters, prepared, chosen)[key]


class InOwnUnit(TrainingContender):
    """A training whose values are told in the unit of the target."""

    def __init__(self, training: Training, metric: str, score: Score | None, unit: float):
        super().__init__(training, metric, score)
        self.unit = unit

    def result(self) -> MemberResult:
        found = super().result()
        curve = tuple((epoch, value * self.unit) for epoch, value in found.curve)
        return replace(found, value=found.value * self.unit, curve=curve)


def _told(parameters: Mapping[str, Any]) -> str:
    return repr(sorted(parameters.items()))
