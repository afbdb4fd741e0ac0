"""Write docs/reference/comparison.md: the default estimators beside scikit-learn's, on nine data sets.

Run ``make comparison``; it takes some minutes. Every data set is divided into five folds; the estimators learn from the
same four and predict the fifth. scikit-learn's multi-layer perceptron stands behind a StandardScaler, as its
documentation advises, with its default settings.
"""

from __future__ import annotations

import argparse
import platform
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import sklearn
from sklearn import datasets
from sklearn.compose import TransformedTargetRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import KFold, StratifiedKFold
from sklearn.neural_network import MLPClassifier as SklearnClassifier
from sklearn.neural_network import MLPRegressor as SklearnRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import pellucid as pl
from pellucid.estimators import MLPClassifier, MLPRegressor

ROOT = Path(__file__).parents[1]
FOLDS, SEEDS = 5, range(3)

TEXT = """\
# Beside scikit-learn

The default `MLPClassifier` and `MLPRegressor` of Pellucid, which scale features and targets themselves, and those of
scikit-learn with their defaults behind a `StandardScaler`. Five folds; errors are over all held-out rows and the seeds
{seeds} (of folds and first weights). A ratio below 1 is better than scikit-learn. Seconds are for one fit on one thread
of a shared machine.

scikit-learn's regressor does not scale its targets and stops after 200 epochs: that explains the last three ratios. The
column before the times is its error with targets scaled by a `TransformedTargetRegressor`.

| data set | what | rows x features | error | Pellucid | scikit-learn | ratio | targets scaled | fit | theirs |
|---|---|---|---|---|---|---|---|---|---|
{rows}

Geometric mean of the ratios: {all:.2f} over all nine, {classes:.2f} over the six of classes; {scaled:.2f} over the
three of numbers where scikit-learn's targets are scaled.

Written by `make comparison` with {versions}.
"""

Make = Callable[[int], Any]


@dataclass(frozen=True)
class Case:
    """A data set; `note`: what it is; classes or numbers to predict."""

    name: str
    note: str
    x: np.ndarray
    y: np.ndarray
    classes: bool


def load_cases() -> list[Case]:
    """Return the nine data sets."""
    cases = []
    for name, note in {
        "iris": "flowers",
        "wine": "chemistry",
        "breast_cancer": "cells",
        "digits": "8x8 pixels",
    }.items():
        found = getattr(datasets, f"load_{name}")()
        cases.append(Case(name, note, found.data, found.target, True))
    moons = datasets.make_moons(1000, noise=0.3, random_state=0)
    cases.append(Case("moons", "generated, 2 features, noise 0.3", *moons, True))
    hard = datasets.make_classification(
        2000, 20, n_informative=8, n_redundant=4, n_classes=4, class_sep=0.7, flip_y=0.05, random_state=0
    )
    cases.append(Case("four classes", "generated, 20 features, 8 of them informative", *hard, True))
    diabetes = datasets.load_diabetes()
    cases.append(Case("diabetes", "progression after a year", diabetes.data, diabetes.target, False))
    cases.append(
        Case("friedman1", "generated, noise 1", *datasets.make_friedman1(1000, noise=1, random_state=0), False)
    )
    cases.append(
        Case("friedman2", "generated, noise 50", *datasets.make_friedman2(1000, noise=50, random_state=0), False)
    )
    return cases


def measure(case: Case, make: Make) -> tuple[float, float]:
    """Return the error over all folds and seeds (share of wrong classes, or rmse) and the seconds of a fit."""
    errors, began = [], time.perf_counter()
    for seed in SEEDS:
        kind = StratifiedKFold if case.classes else KFold
        for learning, held_out in kind(FOLDS, shuffle=True, random_state=seed).split(case.x, case.y):
            fitted = make(seed).fit(case.x[learning], case.y[learning])
            found, truth = fitted.predict(case.x[held_out]), case.y[held_out]
            errors.append(found != truth if case.classes else (found - truth) ** 2)
    error = float(np.mean(np.concatenate(errors)))
    return error if case.classes else error**0.5, (time.perf_counter() - began) / (FOLDS * len(SEEDS))


def make_ours(case: Case, seed: int) -> Any:
    return (MLPClassifier if case.classes else MLPRegressor)(random_state=seed)


def make_theirs(case: Case, seed: int) -> Any:
    return make_pipeline(StandardScaler(), (SklearnClassifier if case.classes else SklearnRegressor)(random_state=seed))


def make_theirs_with_scaled_targets(case: Case, seed: int) -> Any:
    return TransformedTargetRegressor(make_theirs(case, seed), transformer=StandardScaler())


def write_row(case: Case, found: dict[str, tuple[float, float]]) -> str:
    """Return a line of the table."""
    ours, theirs = found["ours"], found["theirs"]
    shown = [f"{100 * error:.2f} %" if case.classes else f"{error:.4g}" for error, _ in (ours, theirs)]
    scaled = f"{found['scaled'][0]:.4g}" if "scaled" in found else ""
    measured = "wrong classes" if case.classes else "rmse"
    sizes = f"{len(case.x)} x {case.x.shape[1]}"
    cells = [case.name, case.note, sizes, measured, shown[0], shown[1], f"{ours[0] / theirs[0]:.2f}", scaled]
    return "| " + " | ".join([*cells, f"{ours[1]:.2f} s", f"{theirs[1]:.2f} s"]) + " |"


def mean_ratio(found: list[dict[str, tuple[float, float]]], other: str) -> float:
    """Return the geometric mean of the ratios of errors."""
    return float(np.exp(np.mean([np.log(each["ours"][0] / each[other][0]) for each in found if other in each])))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "reference" / "comparison.md")
    out = parser.parse_args().out
    warnings.simplefilter("ignore", ConvergenceWarning)  # scikit-learn's default of 200 epochs is not always enough
    rows, measured = [], {True: [], False: []}
    for case in load_cases():
        makes = {"ours": make_ours, "theirs": make_theirs}
        makes |= {} if case.classes else {"scaled": make_theirs_with_scaled_targets}
        found = {who: measure(case, partial(make, case)) for who, make in makes.items()}
        measured[case.classes].append(found)
        rows.append(write_row(case, found))
        print(rows[-1], flush=True)
    both = measured[True] + measured[False]
    text = TEXT.format(
        seeds=f"{SEEDS[0]} to {SEEDS[-1]}",
        rows="\n".join(rows),
        all=mean_ratio(both, "theirs"),
        classes=mean_ratio(measured[True], "theirs"),
        scaled=mean_ratio(measured[False], "scaled"),
        versions=f"Pellucid {pl.__version__}, scikit-learn {sklearn.__version__}, NumPy {np.__version__}, "
        f"Python {platform.python_version()}",
    )
    out.write_text(text, encoding="utf-8", newline="\n")
    print(f"written to {out}")


if __name__ == "__main__":
    main()
