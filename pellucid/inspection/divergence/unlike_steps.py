"""Two trainings by steps, from one place on: the first of an epoch's steps that is given something else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from pellucid.data.dataset import is_sparse
from pellucid.executors.inputs import CHUNK, gather
from pellucid.inspection.replay.bits import differing
from pellucid.inspection.replay.standing import Standing

Names = tuple[str, str]
_SHOWN = 6


@dataclass(frozen=True)
class UnlikeStep:
    """What a step is given that differs.

    Attributes
    ----------
    at : int
        The step's number in its epoch.
    kind : str
        ``rows``, ``examples``, ``settings`` or ``seed``.
    told : str
        What differs.
    """

    at: int
    kind: str
    told: str


def unlike_steps(a: Standing, b: Standing, names: Names) -> list[UnlikeStep]:
    """Return what differs first of all that the steps are given from here to the end of the epoch, by kind.

    The steps have mini-batches of one size. The first of those with the least `at` is what differs first.
    """
    rows = _rows(a, b, names)
    end = len(a.order) if rows is None else rows.at * _batch(a)
    found = [rows, _examples(a, b, end), *_settings(a, b, names), _seed(a, b, names)]
    return sorted((one for one in found if one is not None), key=lambda one: one.at)


def _batch(a: Standing) -> int:
    return a.training.steps.step.form.batch


def _rows(a: Standing, b: Standing, names: Names) -> UnlikeStep | None:
    batch, orders = _batch(a), (a.order, b.order)
    shared = min(map(len, orders))
    start = min(a.at * batch, shared)
    unlike = orders[0][start:shared] != orders[1][start:shared]
    if unlike.any():
        at = (start + int(np.argmax(unlike))) // batch
    elif len(orders[0]) != len(orders[1]):
        at = max(a.at, shared // batch)
    else:
        return None
    taken = [_listed(order[at * batch : (at + 1) * batch]) for order in orders]
    return UnlikeStep(at, "rows", f"the mini-batch has rows {taken[0]} in {names[0]}, {taken[1]} in {names[1]}")


def _listed(rows: np.ndarray) -> str:
    return (", ".join(map(str, rows[:_SHOWN])) or "none") + (", ..." if len(rows) > _SHOWN else "")


def _examples(a: Standing, b: Standing, end: int) -> UnlikeStep | None:
    """Compare the values of the examples, in the order in which they come, as far as their rows are the same."""
    form, other = a.training.steps.step.form, b.training.steps.step.form
    found: UnlikeStep | None = None
    for name in (*form.data, form.weight):
        if name not in (*other.data, other.weight):
            continue
        arrays = a.epoch.arrays[name], b.epoch.arrays[name]
        if arrays[0].shape[1:] != arrays[1].shape[1:] or _same_array(*arrays):
            continue
        place = _first_unlike_row(arrays, (a.epoch.order[:end], b.epoch.order[:end]), a.at * form.batch)
        if place is not None and (found is None or place // form.batch < found.at):
            row = a.order[place]
            found = UnlikeStep(place // form.batch, "examples", f"the values of input {name!r} differ in row {row}")
    return found


def _same_array(a: Any, b: Any) -> bool:
    """Say whether two arrays of examples are known to be the same at a glance."""
    if a is b:
        return True
    if is_sparse(a) or is_sparse(b):
        return False
    return a.shape == b.shape and a.dtype == b.dtype and not differing(a, b).any()


def _first_unlike_row(arrays: tuple[Any, Any], orders: tuple[np.ndarray, np.ndarray], start: int) -> int | None:
    """Return the first place of the two orders, from `start` on, whose rows differ."""
    for place in range(start, min(map(len, orders)), CHUNK):
        rows = [order[place : place + CHUNK] for order in orders]
        count = min(map(len, rows))
        left, right = (gather(array, taken[:count]) for array, taken in zip(arrays, rows, strict=True))
        unlike = differing(left, right).reshape(count, -1).any(axis=1)
        if unlike.any():
            return place + int(np.argmax(unlike))
    return None


def _settings(a: Standing, b: Standing, names: Names) -> Iterator[UnlikeStep]:
    common = [name for name in a.training.steps.step.form.settings if name in b.training.steps.step.form.settings]
    count = min(a.training.steps_per_epoch, b.training.steps_per_epoch)
    for name in common:
        values = [_by_step(found.epoch.settings, name, count) for found in (a, b)]
        unlike = values[0][a.at :] != values[1][a.at :]
        if unlike.any():
            at = a.at + int(np.argmax(unlike))
            told = f"{name} is {values[0][at]:g} in {names[0]}, {values[1][at]:g} in {names[1]}"
            yield UnlikeStep(at, "settings", told)


def _by_step(settings: Mapping[str, Any], name: str, count: int) -> np.ndarray:
    value = np.asarray(settings[name], np.float64)
    return np.broadcast_to(value, (count,)) if value.ndim == 0 else value[:count]


def _seed(a: Standing, b: Standing, names: Names) -> UnlikeStep | None:
    """Compare the seeds, where the steps draw random numbers."""
    seeds = a.training.plan.seed, b.training.plan.seed
    drawn = all("seed" in found.graph.inputs for found in (a, b))
    if not drawn or seeds[0] == seeds[1]:
        return None
    return UnlikeStep(a.at, "seed", f"seed {seeds[0]} in {names[0]}, {seeds[1]} in {names[1]}")
