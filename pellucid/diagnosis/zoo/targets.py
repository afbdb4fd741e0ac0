"""Faults of the targets, the rows and their order."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from pellucid.data.dataset import class_weights
from pellucid.diagnosis.zoo.situation import Rows, Situation


def _joined(rows: Rows, places: np.ndarray) -> Rows:
    """Return each row with the target of another one."""
    return replace(rows, y=rows.y[places])


def shuffled_targets(sound: Situation, rng: np.random.Generator) -> Situation:
    """Inputs were shuffled, and targets were not."""
    learning, test = (_joined(rows, rng.permutation(len(rows))) for rows in (sound.learning, sound.test))
    return replace(sound, learning=learning, test=test)


def shifted_targets(sound: Situation, rng: np.random.Generator) -> Situation:
    """Each row has the target of the row before it: a header was counted, or a line lost."""
    learning, test = (_joined(rows, np.roll(np.arange(len(rows)), 1)) for rows in (sound.learning, sound.test))
    return replace(sound, learning=learning, test=test)


def _order(y: np.ndarray) -> np.ndarray:
    return np.argsort(y.reshape(len(y), -1)[:, 0], kind="stable")


def rare_class(sound: Situation, rng: np.random.Generator) -> Situation:
    """All but a few rows are of one class: the others were filtered out."""
    y = sound.learning.y
    common = np.flatnonzero(y == 0)
    rare = rng.permutation(np.flatnonzero(y != 0))[: max(2, len(common) // 60)]
    return replace(sound, learning=sound.learning.take(np.sort(np.concatenate([common, rare]))))


def weights_upside_down(sound: Situation, rng: np.random.Generator) -> Situation:
    """One class weighs next to nothing: the weights of the classes were given the wrong way round."""
    weights = class_weights(sound.learning.y, {0: 1.0, 1: 0.0005})
    return replace(sound, learning=replace(sound.learning, weights=weights))


def targets_in_thousands(sound: Situation, rng: np.random.Generator) -> Situation:
    """Targets are in a unit in which they are very large."""
    factor = float(rng.choice((1e4, 1e5)))
    return sound.with_targets(lambda y: y * factor)


def targets_far_from_zero(sound: Situation, rng: np.random.Generator) -> Situation:
    """Targets vary by little around a number that is far from 0, as prices and pressures do."""
    offset = float(rng.uniform(500, 2000))
    return sound.with_targets(lambda y: y + offset)


def in_order(sound: Situation, rng: np.random.Generator) -> Situation:
    """Rows are sorted by their class, and taken in this order."""
    learning = sound.learning.take(_order(sound.learning.y))
    return replace(sound, learning=learning).with_options(shuffle=False)


def split_in_order(sound: Situation, rng: np.random.Generator) -> Situation:
    """Rows are sorted by their class, and the last ones were taken for the test."""
    x, y = (np.concatenate([getattr(rows, name) for rows in (sound.learning, sound.test)]) for name in ("x", "y"))
    rows = Rows(x, y).take(_order(y))
    count = len(sound.learning)
    return replace(sound, learning=rows.take(slice(count)), test=rows.take(slice(count, None)))


def few_rows(sound: Situation, rng: np.random.Generator) -> Situation:
    """There is a handful of rows to learn from."""
    return replace(sound, learning=sound.learning.take(slice(12 if sound.material.task == "regression" else 16)))


def more_columns_than_rows(sound: Situation, rng: np.random.Generator) -> Situation:
    """A few dozen rows have hundreds of columns, nearly all of which have nothing to do with the target."""
    learning = sound.learning.take(slice(40))
    wide = [replace(r, x=np.hstack([r.x, rng.standard_normal((len(r), 300))])) for r in (learning, sound.test)]
    names = (*sound.columns, *(f"noise{place}" for place in range(300)))
    return replace(sound, learning=wide[0], test=wide[1], use=wide[1], columns=names)
