"""Faults of the inputs: how they are read and scaled."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from pellucid.diagnosis.zoo.situation import Rows, Situation


def forgotten_scaling(sound: Situation, rng: np.random.Generator) -> Situation:
    """The columns of the table go into the network in their own units."""
    raw, count = sound.material.x, len(sound.learning)
    test = replace(sound.test, x=raw[count:])
    return replace(sound, learning=replace(sound.learning, x=raw[:count]), test=test, use=test)


def one_huge_column(sound: Situation, rng: np.random.Generator) -> Situation:
    """One column is in another unit: metres and millimetres."""
    factors = np.ones(sound.learning.x.shape[1])
    factors[rng.integers(len(factors))] = 3e3
    return sound.with_inputs(lambda x: x * factors)


def far_from_zero(sound: Situation, rng: np.random.Generator) -> Situation:
    """All columns are far from 0, as years and coordinates on a map are."""
    offset = float(rng.uniform(200, 1000))
    return sound.with_inputs(lambda x: x + offset)


def scaled_twice(sound: Situation, rng: np.random.Generator) -> Situation:
    """Pixels are divided by 255 twice."""
    factor = float(rng.choice((255.0, 1000.0)))
    return sound.with_inputs(lambda x: x / factor**1.25)


def marked_cells(sound: Situation, rng: np.random.Generator) -> Situation:
    """Missing cells were written as -999, and are read as numbers."""

    def mark(x: np.ndarray) -> np.ndarray:
        return np.where(rng.random(x.shape) < 0.05, -999.0, x)

    test = replace(sound.test, x=mark(sound.test.x))
    return replace(sound, learning=replace(sound.learning, x=mark(sound.learning.x)), test=test, use=test)


def unscaled_test(sound: Situation, rng: np.random.Generator) -> Situation:
    """The rows to learn from are standardized, those of the test are not."""
    test = replace(sound.test, x=sound.material.x[len(sound.learning) :])
    return replace(sound, test=test, use=test)


def empty_inputs(sound: Situation, rng: np.random.Generator) -> Situation:
    """The array that was made for the inputs was never filled."""
    return sound.with_inputs(np.zeros_like)


def one_row_for_all(sound: Situation, rng: np.random.Generator) -> Situation:
    """The reader returns the first row over and over."""

    def repeat(rows: Rows) -> Rows:
        return replace(rows, x=np.repeat(rows.x[:1], len(rows), axis=0))

    return replace(sound, learning=repeat(sound.learning), test=repeat(sound.test), use=repeat(sound.use))
