"""Faults that make the test look better than use will be: leaks of the target, rows on both sides."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from pellucid.diagnosis.zoo.situation import Rows, Situation


def _with_column(sound: Situation, name: str, learning: np.ndarray, test: np.ndarray, use: np.ndarray) -> Situation:
    """Return the set-up with one more column."""

    def wider(rows: Rows, column: np.ndarray) -> Rows:
        return replace(rows, x=np.column_stack([rows.x, column]))

    return replace(
        sound,
        learning=wider(sound.learning, learning),
        test=wider(sound.test, test),
        use=wider(sound.use, use),
        columns=(*sound.columns, name),
    )


def target_among_inputs(sound: Situation, rng: np.random.Generator) -> Situation:
    """A column was made from the target, and will not be known in use."""

    def leak(y: np.ndarray) -> np.ndarray:
        first = y.reshape(len(y), -1)[:, 0].astype(np.float64)
        centred = (first - first.mean()) / first.std()
        return centred + 0.02 * rng.standard_normal(len(y))

    return _with_column(sound, "outcome", leak(sound.learning.y), leak(sound.test.y), np.zeros(len(sound.use)))


def number_of_the_row(sound: Situation, rng: np.random.Generator) -> Situation:
    """Rows were numbered when they were sorted by class, and the number is a column."""
    y = np.concatenate([sound.learning.y, sound.test.y])
    number = np.empty(len(y))
    number[np.argsort(y.reshape(len(y), -1)[:, 0], kind="stable")] = np.arange(len(y))
    number = (number - number.mean()) / number.std()
    count = len(sound.learning)
    new = rng.uniform(number.max(), 2 * number.max(), len(sound.use))  # new rows are numbered on
    return _with_column(sound, "id", number[:count], number[count:], new)


def overlapping_test(sound: Situation, rng: np.random.Generator) -> Situation:
    """The test was drawn from the rows that are learned from."""
    return replace(sound, test=sound.learning.take(rng.permutation(len(sound.learning))[: len(sound.test)]))


def doubled_before_division(sound: Situation, rng: np.random.Generator) -> Situation:
    """Rows were doubled to have more of them, and divided afterwards: most of the test has been learned from."""
    twice = sound.learning.take(rng.permutation(np.repeat(np.arange(len(sound.learning)), 2)))
    count = round(0.7 * len(twice))
    return replace(sound, learning=twice.take(slice(count)), test=twice.take(slice(count, None)))
