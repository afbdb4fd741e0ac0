"""The rows of a search as networks learn from them: encoded once for each way to encode, and divided into folds."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field, replace

import numpy as np

from pellucid.data.dataset import Dataset
from pellucid.data.encoders.encoding import Encoding
from pellucid.data.encoders.fit import fit_encoders
from pellucid.data.targets import SCALE, TargetEncoding, fit_targets
from pellucid.training.course import Course
from pellucid.training.evaluate import JudgedExamples
from pellucid.training.members import Member, SharedExamples
from pellucid.training.setup import Examples
from pellucid.training.step import target_inputs
from pellucid.workflow.division import TEST, TRAIN, VALIDATION
from pellucid.workflow.encode_rows import encode_rows
from pellucid.workflow.making import Making
from pellucid.workflow.plans.chosen import AUTO
from pellucid.workflow.plans.plan import Plan
from pellucid.workflow.plans.recipe import Recipe
from pellucid.workflow.tuning.caching import Cache
from pellucid.workflow.tuning.folding import Folding
from pellucid.workflow.understanding import Understanding

LENGTHS = ("rmse", "mae", "median_absolute_error")
"""Metrics that are in the unit of the target."""


def encoding_key(recipe: Recipe, found: Understanding) -> Hashable:
    """Return what recipes have in common whose rows are encoded alike."""
    return recipe.encoders(), recipe.standardizes(found.task.kind), dtype_of(recipe, found)


def dtype_of(recipe: Recipe, found: Understanding) -> str:
    """Return what a network computes in, as a run decides it."""
    return found.dtype if recipe.dtype == AUTO else recipe.dtype


@dataclass(frozen=True, eq=False)
class EncodedRows:
    """The rows of a search, encoded. Made by :func:`encode_search`.

    Attributes
    ----------
    encoding : Encoding
    targets : TargetEncoding
    dataset : Dataset
        With the weights that the table has, if any.
    folding : Folding
    unit : float
        What a metric in the unit of the target is multiplied by to be in the target's own one.
    """

    encoding: Encoding
    targets: TargetEncoding
    dataset: Dataset
    folding: Folding
    unit: float
    _shared: Cache[SharedExamples] = field(default_factory=Cache, repr=False)
    _examples: Cache[Examples] = field(default_factory=Cache, repr=False)
    _judged: Cache[JudgedExamples] = field(default_factory=Cache, repr=False)

    def balanced(self, found: Understanding, plan: Plan, fold: int) -> np.ndarray:
        """Return the weights of the rows of the search in a fold's training, where all classes weigh the same in it."""
        learning = self.folding.folds[fold].learning
        nothing = self.folding.rows[:0]
        parts = {TRAIN: self.folding.rows[learning], VALIDATION: nothing, TEST: nothing}
        recipe = replace(plan.recipe, class_weight="balanced")
        loss = recipe.loss(found.task.kind)
        network = recipe.network(self.encoding, self.targets.outputs)
        made = Making(found, replace(plan, recipe=recipe), parts, self.encoding, self.targets, network, loss)
        weights = np.ones(len(self.folding.rows))
        weights[learning] = made.dataset(TRAIN).weights
        return weights

    @property
    def form(self) -> Hashable:
        """What a network depends on."""
        embedded = [(len(column.categories), column.embedding) for column in self.encoding.embedded]
        inputs = [(name, str(size)) for name, size in self.encoding.inputs.items()]
        return tuple(inputs), tuple(embedded), self.encoding.dtype.name, self.targets.outputs

    def examples(self, course: Course, fold: int, balance: np.ndarray | None) -> Examples:
        """Return what the training of a fold learns from, and the rows that judge it.

        Parameters
        ----------
        course : Course
        fold : int
        balance : ndarray, optional
            The weight of each row of the search where classes are balanced, for learning alone.
        """
        types = tuple(map(str, target_inputs(course.network, course.losses).values()))
        losses = tuple(loss.name for loss in course.losses.values())
        form = types, losses, course.network.dtype.name, course.changes_arrays
        key = form, fold, balance is not None
        return self._examples.get(key, lambda: self._examples_of(course, form, fold, balance))

    def _examples_of(self, course: Course, form: Hashable, fold: int, balance: np.ndarray | None) -> Examples:
        rows = self.folding.folds[fold]
        shared = self._shared.get((form, None), lambda: SharedExamples(course, self.dataset, None, False))
        judging = shared.of(Member(rows=rows.learning, validation_rows=rows.held))
        if balance is None:
            return judging
        balanced = Dataset(self.dataset.inputs, self.dataset.targets, balance)
        learning = SharedExamples(course, balanced, None, False).of(Member(rows=rows.learning))
        return Examples(learning.arrays, judging.validation, learning.rows, learning.chosen)

    def judged(self, course: Course, fold: int, examples: Examples) -> JudgedExamples:
        """Return the rows held out, ready to be judged by."""
        assert examples.validation is not None
        held = examples.validation
        return self._judged.get((id(course.evaluator), fold), lambda: course.evaluator.prepare(held))


def encode_search(found: Understanding, recipe: Recipe, folding: Folding) -> EncodedRows:
    """Fit encoders and targets on the rows of a search, and encode them; the rows for the test take no part."""
    rows, task = folding.rows, found.task
    encoding = fit_encoders(
        found.table,
        found.roles,
        task,
        rows,
        dtype_of(recipe, found),
        settings=recipe.encoders(),
        weights=found.weights,
    )
    targets = fit_targets(found.table, task, rows, recipe.standardizes(task.kind), found.weights)
    wanted = targets.encode(found.table.select(targets.names).take(rows))
    weights = None if found.weights is None else found.weights[rows]
    dataset = Dataset(encode_rows(encoding, found.table, rows), wanted, weights)
    own = float(targets.arrays[SCALE][0]) if SCALE in targets.arrays and len(targets.names) == 1 else 1.0
    return EncodedRows(encoding, targets, dataset, folding, own)
