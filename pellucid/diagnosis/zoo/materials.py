"""Data for the zoo: tables that come with scikit-learn and generated ones, raw, by name and seed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from pellucid.random import permutation

MOST_ROWS = 900


@dataclass(frozen=True, eq=False)
class Material:
    """A table as it comes.

    Attributes
    ----------
    name : str
    task : str
        regression, counts, binary, multiclass, multilabel or reconstruction.
    x : ndarray of float64, [rows, features]
        In the unit of each column.
    y : ndarray
        Numbers of classes [rows], labels [rows, labels], or numbers [rows, targets] in their unit.
    columns : tuple of str
    """

    name: str
    task: str
    x: np.ndarray
    y: np.ndarray
    columns: tuple[str, ...]

    @property
    def outputs(self) -> int:
        """How many outputs a network for it has."""
        if self.task == "multiclass":
            return int(self.y.max()) + 1
        return 1 if self.y.ndim == 1 else int(self.y.shape[1])


@cache
def _bundled(name: str) -> Any:
    from sklearn import datasets

    return datasets.load_diabetes(scaled=False) if name == "diabetes" else getattr(datasets, f"load_{name}")()


def _classes(name: str) -> Callable[[int], tuple[str, np.ndarray, np.ndarray]]:
    def load(seed: int) -> tuple[str, np.ndarray, np.ndarray]:
        found = _bundled(name)
        return "binary" if name == "breast_cancer" else "multiclass", found.data, found.target

    return load


def _diabetes(seed: int) -> tuple[str, np.ndarray, np.ndarray]:
    found = _bundled("diabetes")
    return "regression", found.data, found.target[:, None]


def _moons(seed: int) -> tuple[str, np.ndarray, np.ndarray]:
    from sklearn.datasets import make_moons

    return "binary", *make_moons(700, noise=0.15, random_state=seed)


def _circles(seed: int) -> tuple[str, np.ndarray, np.ndarray]:
    from sklearn.datasets import make_circles

    return "binary", *make_circles(700, noise=0.08, factor=0.5, random_state=seed)


def _product(seed: int) -> tuple[str, np.ndarray, np.ndarray]:
    """Exclusive or of two of five features, away from the axes."""
    rng = np.random.default_rng([seed, 1])
    x = rng.uniform(-1, 1, (1400, 5))
    x = x[np.abs(x[:, 0] * x[:, 1]) > 0.06][:MOST_ROWS]
    return "binary", x, (x[:, 0] * x[:, 1] > 0).astype(np.int64)


def _rings(seed: int) -> tuple[str, np.ndarray, np.ndarray]:
    rng = np.random.default_rng([seed, 2])
    y = np.arange(MOST_ROWS) % 3
    angle, radius = rng.uniform(0, 2 * np.pi, MOST_ROWS), 1.0 + y + 0.2 * rng.standard_normal(MOST_ROWS)
    return "multiclass", np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1), y


def _clusters(seed: int) -> tuple[str, np.ndarray, np.ndarray]:
    from sklearn.datasets import make_classification

    x, y = make_classification(
        MOST_ROWS, 12, n_informative=6, n_redundant=2, n_classes=4, class_sep=1.5, flip_y=0.0, random_state=seed
    )
    return "multiclass", x, y


def _friedman(number: int, noise: float) -> Callable[[int], tuple[str, np.ndarray, np.ndarray]]:
    def generate(seed: int) -> tuple[str, np.ndarray, np.ndarray]:
        from sklearn import datasets

        x, y = getattr(datasets, f"make_friedman{number}")(800, noise=noise, random_state=seed)
        return "regression", x, y[:, None]

    return generate


def _sine(seed: int) -> tuple[str, np.ndarray, np.ndarray]:
    rng = np.random.default_rng([seed, 3])
    x = rng.uniform(-1, 1, (500, 1))
    return "regression", x, np.sin(5 * x) + 0.1 * rng.standard_normal(x.shape)


def _waves(seed: int) -> tuple[str, np.ndarray, np.ndarray]:
    rng = np.random.default_rng([seed, 4])
    x = rng.uniform(-1, 1, (MOST_ROWS, 2))
    y = np.sin(3 * x[:, :1]) * np.cos(3 * x[:, 1:]) + 0.05 * rng.standard_normal((MOST_ROWS, 1))
    return "regression", x, y


def _teacher(seed: int) -> tuple[str, np.ndarray, np.ndarray]:
    """What another network computes, with noise."""
    rng = np.random.default_rng([seed, 5])
    x = rng.standard_normal((MOST_ROWS, 6))
    y = np.tanh(1.5 * x @ rng.standard_normal((6, 6)) / 6**0.5) @ rng.standard_normal((6, 1))
    return "regression", x, y + 0.1 * rng.standard_normal(y.shape)


def _arm(seed: int) -> tuple[str, np.ndarray, np.ndarray]:
    """Where the hand of an arm with two joints is, by the angles."""
    rng = np.random.default_rng([seed, 6])
    x = rng.uniform(0, np.pi, (MOST_ROWS, 2))
    far = x.sum(axis=1)
    y = np.stack([np.cos(x[:, 0]) + np.cos(far), np.sin(x[:, 0]) + np.sin(far)], axis=1)
    return "regression", x, y + 0.03 * rng.standard_normal(y.shape)


def _counts(seed: int) -> tuple[str, np.ndarray, np.ndarray]:
    rng = np.random.default_rng([seed, 7])
    x = rng.uniform(-1, 1, (MOST_ROWS, 3))
    rate = np.exp(1.5 + np.sin(3 * x[:, 0]) + x[:, 1] ** 2)
    return "counts", x, rng.poisson(rate)[:, None].astype(np.float64)


def _labels(seed: int) -> tuple[str, np.ndarray, np.ndarray]:
    rng = np.random.default_rng([seed, 8])
    x = rng.standard_normal((MOST_ROWS, 5))
    scores = np.stack([x[:, 0] * x[:, 1], np.abs(x[:, 2]) - 0.7, x[:, 3] + x[:, 4]], axis=1)
    return "multilabel", x, (scores + 0.1 * rng.standard_normal(scores.shape) > 0).astype(np.float64)


def _pixels(seed: int) -> tuple[str, np.ndarray, np.ndarray]:
    x = _bundled("digits").data
    return "reconstruction", x, x


_ALL: Mapping[str, Callable[[int], tuple[str, np.ndarray, np.ndarray]]] = {
    "iris": _classes("iris"),
    "wine": _classes("wine"),
    "breast_cancer": _classes("breast_cancer"),
    "digits": _classes("digits"),
    "diabetes": _diabetes,
    "moons": _moons,
    "circles": _circles,
    "product": _product,
    "rings": _rings,
    "clusters": _clusters,
    "friedman1": _friedman(1, 0.5),
    "friedman2": _friedman(2, 40.0),
    "sine": _sine,
    "waves": _waves,
    "teacher": _teacher,
    "arm": _arm,
    "counts": _counts,
    "labels": _labels,
    "pixels": _pixels,
}

NAMES = tuple(_ALL)
"""The names of all materials."""


def material(name: str, seed: int) -> Material:
    """Return a material; the seed generates it, or chooses rows and their order where it comes with scikit-learn.

    Examples
    --------
    >>> found = material("wine", seed=0)
    >>> found.task, found.x.shape, found.outputs
    ('multiclass', (178, 13), 3)
    """
    task, x, y = _ALL[name](seed)
    rows = permutation(seed, "zoo/rows", 0, len(x))[:MOST_ROWS]
    columns = tuple(getattr(_bundled(name), "feature_names", ())) if name in ("iris", "wine", "diabetes") else ()
    return Material(name, task, x[rows], y[rows], columns or tuple(f"x{place}" for place in range(x.shape[1])))
