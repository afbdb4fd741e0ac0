"""The members of a population: what is each one's own, and which examples it learns from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from pellucid.data.dataset import Dataset, check_weights
from pellucid.errors import DataError, UsageError
from pellucid.training.course import Course
from pellucid.training.evaluate import as_arrays, within_range
from pellucid.training.events import EpochEnded
from pellucid.training.preparation import check_share, digest_of, divide_rows, validation_arrays
from pellucid.training.setup import Examples
from pellucid.training.step import WEIGHT
from pellucid.training.taken_rows import TakenRows


@dataclass(frozen=True, eq=False)
class Member:
    """One network of a population: what it does not share with the others.

    Attributes
    ----------
    seed : int
        Of first parameters, order, dropout, noise and a validation share.
    settings : mapping of float, optional
        Hyper-parameters by name, such as ``learning_rate``, ``dropout_1/rate`` or ``l2/strength``: those that
        ``pl.fit(settings=...)`` takes.
    rows : array_like of int or bool, optional
        The rows of the dataset to learn from, in any order, or a mask; a row may stand there several times, as in a
        bootstrap sample. By default all of them.
    weights : array_like [examples of the dataset], optional
        How much each example counts for this member, besides the weights of the dataset.
    validation_rows : array_like of int or bool, optional
        The rows of the dataset to judge by, in place of the population's validation.
    start_from : Fit, Model or mapping of ndarray, optional
        Parameters to start from, all or some of them, by path.

    Examples
    --------
    >>> Member(seed=1, settings={"learning_rate": 0.01}).settings["learning_rate"]
    0.01
    """

    seed: int = 0
    settings: Mapping[str, float] | None = None
    rows: Any = None
    weights: Any = None
    validation_rows: Any = None
    start_from: Any = None


@dataclass
class MemberEpochEnded(EpochEnded):
    """After each epoch of each member: what :class:`EpochEnded` tells, and of whom.

    Attributes
    ----------
    number : int
        The member's place in the population, from 0.
    member : Member
    """

    number: int
    member: Member


@dataclass(frozen=True)
class Stop:
    """What a handler returns to stop the member that it was told of.

    Attributes
    ----------
    reason : str
        Why, as ``Fit.reason`` tells it.

    Examples
    --------
    >>> def give_up(event):
    ...     if event.epoch == 10 and event.record["loss"] > 1:
    ...         return Stop("no hope")
    """

    reason: str = "stopped by a handler"


@dataclass(frozen=True, eq=False)
class Replace:
    """What a handler returns to end the member that it was told of, and train another one in its place.

    Attributes
    ----------
    member : Member
        Who comes. It may start from what the other one has learned: ``Member(start_from=event.parameters)``.

    Examples
    --------
    >>> def begin_anew(event):
    ...     if event.epoch == 10 and event.member.seed < 100:
    ...         return Replace(Member(seed=event.member.seed + 100))
    """

    member: Member


MemberHandler = Callable[[MemberEpochEnded], "Stop | Replace | None"]


def member_handlers(on: MemberHandler | Iterable[MemberHandler]) -> list[MemberHandler]:
    """Return the handlers of a population as a list.

    Raises
    ------
    UsageError
        Where one is no function.
    """
    handlers: list[Any] = list(on) if isinstance(on, Iterable) else [on]
    for handler in handlers:
        if not callable(handler):
            raise UsageError("an event handler is a function of an event", where="on", got=repr(handler)[:80])
    return handlers


class SharedExamples:
    """A dataset as the members of a population share it: its arrays are made once, and each takes its rows of them.

    Parameters
    ----------
    course : Course
    dataset : Dataset
    validation : float or Dataset or None
        For members that do not bring their own.
    identified : bool
        Whether examples are to be told from others, for checkpoints.
    """

    def __init__(self, course: Course, dataset: Dataset, validation: float | Dataset | None, identified: bool):
        self.course, self.dataset, self.identified = course, dataset, identified
        self.arrays = as_arrays(course.network, course.losses, dataset)
        self.numbers = np.arange(len(dataset))
        self.share = None if isinstance(validation, Dataset) else validation
        given = validation if isinstance(validation, Dataset) else None
        self.validation = None if given is None else validation_arrays(course.network, course.losses, given)
        if self.share is not None:
            check_share(self.share)

    def judges(self, member: Member) -> bool:
        """Say whether there are examples that a member is judged by."""
        return member.validation_rows is not None or self.share is not None or self.validation is not None

    def of(self, member: Member) -> Examples:
        """Return what a member learns from and is judged by.

        Raises
        ------
        DataError, UsageError
            Where rows or weights do not fit the dataset.
        """
        count = len(self.dataset)
        rows = None if member.rows is None else row_numbers("rows", member.rows, count)
        weights = self._weights(member)
        validation: Mapping[str, Any] | None = self.validation
        held_out: np.ndarray | None = None
        if member.validation_rows is not None:
            held_out = row_numbers("validation_rows", member.validation_rows, count)
            validation = self._taken(held_out, self.dataset.weights)
        elif self.share is not None:
            base = self.numbers if rows is None else rows
            targets = self.dataset.targets
            own = targets[base] if isinstance(targets, np.ndarray) else None
            learning, judging = divide_rows(len(base), own, self.share, self.course.losses, member.seed)
            rows, held_out = base[learning], base[judging]
            validation = self._taken(held_out, weights)
        return self._examples(rows, weights, validation, held_out)

    def _examples(
        self, rows: np.ndarray | None, weights: np.ndarray | None, validation: Any, held_out: np.ndarray | None
    ) -> Examples:
        identity = (self.digest, rows, weights, held_out) if self.identified else None
        if rows is not None and self.course.changes_arrays:
            return Examples(dict(self._taken(rows, weights)), validation, rows, None, identity)
        arrays = self.arrays
        if weights is not None and not (rows is None and weights is self.dataset.weights):
            fitted = np.zeros(len(weights), arrays[WEIGHT].dtype)
            chosen = self.numbers if rows is None else rows
            fitted[chosen] = self._fitted(weights[chosen])
            arrays = {**arrays, WEIGHT: fitted}
        return Examples(arrays, validation, self.numbers, rows, identity)

    @cached_property
    def digest(self) -> str:
        """What tells the arrays from others."""
        return digest_of("examples", self.arrays, self.validation)

    def _weights(self, member: Member) -> np.ndarray | None:
        """Return the weights of all examples for a member, or None where all weigh the same."""
        if member.weights is None:
            return self.dataset.weights
        own = check_weights(member.weights)
        if len(own) != len(self.dataset):
            raise DataError("there is one weight for each example", got=f"{len(own)}", expected=f"{len(self.dataset)}")
        return own if self.dataset.weights is None else check_weights(own * self.dataset.weights)

    def _taken(self, rows: np.ndarray, weights: np.ndarray | None) -> TakenRows:
        own = np.ones(len(rows), self.arrays[WEIGHT].dtype) if weights is None else self._fitted(weights[rows])
        return TakenRows(self.arrays, rows, own)

    def _fitted(self, weights: np.ndarray) -> np.ndarray:
        return within_range(check_weights(weights), self.arrays[WEIGHT].dtype)


def row_numbers(where: str, given: Any, count: int) -> np.ndarray:
    """Return rows that were given by numbers or a mask as int64.

    Raises
    ------
    UsageError
        Where they are no rows of `count` examples, or none at all.
    """
    rows = np.asarray(given)
    if rows.dtype == bool:
        if rows.shape != (count,):
            raise UsageError("a mask of another length", where=where, got=str(list(rows.shape)), expected=f"[{count}]")
        rows = np.flatnonzero(rows)
    if rows.ndim != 1 or (rows.size and rows.dtype.kind not in "iu"):
        got = f"{rows.dtype}{list(rows.shape)}"
        raise UsageError("not the numbers of rows", where=where, got=got, expected="whole numbers, [rows]")
    if not rows.size:
        raise UsageError("no rows", where=where, expected="at least one")
    outside = rows[(rows < 0) | (rows >= count)]
    if outside.size:
        expected = f"0 to {count - 1}"
        raise UsageError("there is no such row", where=where, got=str(outside[0]), expected=expected)
    return rows.astype(np.int64)


def parts_given(given: Sequence[Any], count: int) -> tuple[tuple[np.ndarray, np.ndarray], ...]:
    """Return for each fold the rows to learn from and those held out, as numbers.

    Raises
    ------
    UsageError
        Where these are no such pairs, two or more.
    """
    pairs = [tuple(pair) if isinstance(pair, (tuple, list)) else () for pair in given]
    if len(pairs) < 2 or any(len(pair) != 2 for pair in pairs):
        expected = "a number, or for each of two folds or more the rows to learn from and those held out"
        raise UsageError("no folds", where="folds", got=repr(given)[:80], expected=expected)
    return tuple(
        (row_numbers(f"folds[{at}]", learning, count), row_numbers(f"folds[{at}]", held, count))
        for at, (learning, held) in enumerate(pairs)
    )
