"""scikit-learn: RandomizedSearchCV with processes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from scipy.stats import loguniform
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.model_selection import RandomizedSearchCV
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from pellucid.bench.tune.clock import Clock
from pellucid.bench.tune.material import BATCH, Case, hidden_sizes, read_case
from pellucid.bench.tune.scores import log_loss, rmse

FIRST = 8
"""Configurations for each core whose time says how many fill what is left."""

WARM_ROWS = 300

FOLDS, MOST_EPOCHS = 3, 100
"""Of the search with a budget; more folds leave time for fewer configurations."""

DISTRIBUTIONS = {
    "hidden_layer_sizes": [(32,), (64,), (128,), (256,), (64, 64), (128, 64), (128, 128)],
    "activation": ["relu", "tanh"],
    "alpha": loguniform(1e-6, 1.0),
    "learning_rate_init": loguniform(3e-4, 3e-2),
    "batch_size": [16, 32, 64, 128],
    "early_stopping": [True, False],
}


def measure_rate(
    clock: Clock,
    folder: str,
    configurations: Sequence[dict[str, Any]],
    epochs: int,
    seconds: float,
    cores: int,
    dtype: str,
) -> dict[str, Any]:
    """Try the first of the configurations until the time is over: a second search fills what the first has left.

    Returns
    -------
    dict
        ``startup``: seconds before the first search; ``searching``: seconds of the searches; ``trials``: of each
        configuration its number, score and mean seconds of a training.
    """
    case = read_case(folder, "digits")
    x = (case.x / 16).astype(dtype)
    part = replace(case, y=case.y[:WARM_ROWS], part=case.part[:WARM_ROWS])
    _try(x[:WARM_ROWS], part, configurations[:cores], 0, 1, cores)  # starts the processes, which happens once
    startup = clock()
    found: list[tuple[int, float, float]] = []
    count = min(FIRST * cores, len(configurations))
    while count > 0:
        first = len(found)
        found += _try(x, case, configurations[first : first + count], first, epochs, cores)
        each = (clock() - startup) / len(found)
        left = 0 if first else int((seconds - clock()) / each)
        count = min(left, len(configurations) - len(found))
    return {"startup": startup, "searching": clock() - startup, "trials": found}


def _try(
    x: np.ndarray, case: Case, chosen: Sequence[dict[str, Any]], first: int, epochs: int, cores: int
) -> list[tuple[int, float, float]]:
    given = [_as_parameters(one) for one in chosen]
    search = RandomizedSearchCV(
        MLPClassifier(batch_size=BATCH, max_iter=epochs, n_iter_no_change=10**6, tol=0.0, random_state=0),
        [{name: [value] for name, value in one.items()} for one in given],
        n_iter=len(given),
        n_jobs=cores,
        cv=case.pairs(),
        scoring="neg_log_loss",
        refit=False,
    )
    results = search.fit(x, case.y).cv_results_
    places = {tuple(one.values()): number for number, one in enumerate(given)}  # it tries them in an order of its own
    rows = zip(results["params"], results["mean_test_score"], results["mean_fit_time"], strict=True)
    found = [(first + places[tuple(one[name] for name in given[0])], -score, took) for one, score, took in rows]
    return sorted((number, float(score), float(took)) for number, score, took in found)


def _as_parameters(configuration: dict[str, Any]) -> dict[str, Any]:
    return {
        "hidden_layer_sizes": hidden_sizes(configuration),
        "learning_rate_init": configuration["learning_rate"],
        "alpha": configuration["l2"] * BATCH,  # it divides by the examples of a mini-batch
    }


def use_budget(clock: Clock, folder: str, table: str, seed: int, seconds: float, cores: int) -> dict[str, Any]:
    """Search until the time is over but for what fitting the best one again takes; return its held-out score."""
    case = read_case(folder, table)
    learning, held_out = case.pairs()[seed]
    search = _Batches(case, learning, seed, cores)
    while (count := search.next_count(seconds - clock())) > 0:
        search.run(count)
    model = clone(search.model).set_params(**search.best).fit(case.x[learning], case.y[learning])
    delivered = clock()
    if case.classes:
        score = log_loss(model.predict_proba(case.x[held_out]), case.y[held_out])
    else:
        score = rmse(model.predict(case.x[held_out]), case.y[held_out])
    return {
        "score": score,
        "delivered": delivered,
        "trials": search.tried,
        "inner": search.best_score,
        "best": {name.rpartition("__")[2]: value for name, value in search.best.items()},
    }


class _Batches:
    """Randomized searches one after the other, none longer than a part of the time that is left."""

    def __init__(self, case: Case, learning: np.ndarray, seed: int, cores: int):
        self.x, self.y, self.seed, self.cores = case.x[learning], case.y[learning], seed, cores
        kind = MLPClassifier if case.classes else MLPRegressor
        network = make_pipeline(StandardScaler(), kind(max_iter=MOST_EPOCHS, random_state=seed))
        scaled = TransformedTargetRegressor(network, transformer=StandardScaler())
        self.model = network if case.classes else scaled
        self.prefix = f"{'' if case.classes else 'regressor__'}{kind.__name__.lower()}__"
        self.scoring = "neg_log_loss" if case.classes else "neg_root_mean_squared_error"
        self.best: dict[str, Any] = {}
        self.best_score, self.refit_seconds = float("inf"), 0.0
        self.tried, self.batches, self.took, self.longest = 0, 0, 0.0, 0.0

    def next_count(self, left: float) -> int:
        """Return how many configurations the next search tries; 0 where the time is for fitting the best one again."""
        if not self.tried:
            return self.cores
        each = self.took / self.tried
        left -= 1.5 * self.refit_seconds + self.longest
        count = min(16 * self.cores, int(left / 2 / each) // self.cores * self.cores)
        return count or (self.cores if left > 1.3 * self.cores * each else 0)

    def run(self, count: int) -> None:
        """Search once."""
        clock = Clock.start()
        search = RandomizedSearchCV(
            self.model,
            {self.prefix + name: values for name, values in DISTRIBUTIONS.items()},
            n_iter=count,
            n_jobs=self.cores,
            cv=FOLDS,
            scoring=self.scoring,
            random_state=1000 * self.seed + self.batches,
            refit=False,
        )
        results = search.fit(self.x, self.y).cv_results_
        scores = np.nan_to_num(-results["mean_test_score"], nan=np.inf)
        at = int(np.argmin(scores))
        if scores[at] < self.best_score or not self.best:
            self.best, self.best_score = dict(results["params"][at]), float(scores[at])
            self.refit_seconds = float(results["mean_fit_time"][at]) * FOLDS / (FOLDS - 1)
        self.longest = max(self.longest, float(results["mean_fit_time"].max()))
        self.tried, self.batches, self.took = self.tried + count, self.batches + 1, self.took + clock()
