"""A table and a time limit: what `pl.tune_table` brings, and how soon it knew something as good."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

import numpy as np

from pellucid.bench.tune.clock import Clock
from pellucid.bench.tune.material import Case, read_case
from pellucid.bench.tune.scores import log_loss, rmse

face: Any = sys.modules["pellucid"]
"""The package as users see it: the benchmark may not import from the floor on which tables are searched over."""

TARGET = "target"


def use_budget(clock: Clock, folder: str, table: str, seed: int, seconds: float, cores: int) -> dict[str, Any]:
    """Search until the time is over; judge the winner, its ensemble, and whatever was the best on the way.

    Returns
    -------
    dict
        ``score``, ``ensemble``: of the examples held out; ``delivered``: when they were ready; ``trials``; ``inner``:
        the winner's own score; ``incumbents``: of each trial that was the best one for a while, ``seconds`` when it
        became that, its ``number``, and ``score`` and seconds (``refit``) of the network that it becomes.
    """
    case = read_case(folder, table)
    learning, held_out = (_as_table(case, rows) for rows in case.pairs()[seed])
    leading: dict[int, float] = {}

    def watch(status: Any) -> None:
        if status.best:
            leading.setdefault(status.best[0].number, clock())

    limit = max(seconds - clock(), 0.1)
    tuning = face.tune_table(
        learning, TARGET, test=held_out, time_limit=limit, seed=seed, threads=cores, on_status=watch
    )
    delivered = clock()
    judge = _Judge(case, case.pairs()[seed][1], held_out)
    return {
        "score": judge.score(tuning.run.model),
        "ensemble": judge.score(tuning.ensemble) if tuning.ensemble is not None else None,
        "delivered": delivered,
        "trials": sum(trial.done for trial in tuning.trials),
        "compiling": tuning.result.compile_seconds,
        "searching": tuning.result.seconds,
        "inner": tuning.best.value,
        "best": dict(tuning.best.parameters),
        "incumbents": [
            {"number": number, "seconds": known, **_train_anew(tuning, number, learning, held_out, judge)}
            for number, known in leading.items()
        ],
    }


def _as_table(case: Case, rows: np.ndarray) -> dict[str, Any]:
    """Return some examples as columns, classes as words."""
    y = case.y[rows]
    target = np.array([f"class {one}" for one in y], dtype=object) if case.classes else y.astype(np.float32)
    columns = {f"x{at}": case.x[rows, at].astype(np.float32) for at in range(case.x.shape[1])}
    return {**columns, TARGET: target}


class _Judge:
    def __init__(self, case: Case, rows: np.ndarray, held_out: Mapping[str, Any]):
        self.classes, self.truth, self.held_out = case.classes, case.y[rows], held_out

    def score(self, model: Any) -> float:
        """Return the held-out score of a model."""
        if not self.classes:
            return rmse(model.predict(self.held_out)[TARGET], self.truth)
        numbers = [int(name.removeprefix("class ")) for name in model.targets.classes]
        found = model.predict_probabilities(self.held_out)
        return log_loss(found[:, np.argsort(numbers)], self.truth)


def _train_anew(
    tuning: Any, number: int, learning: Mapping[str, Any], held_out: Mapping[str, Any], judge: _Judge
) -> dict[str, float]:
    """Train the network of a trial as the winner is trained."""
    if number == tuning.best.number:
        return {"score": judge.score(tuning.run.model), "refit": tuning.run.fit.progress.seconds}
    run = face.train_table(learning, plan=tuning.plan_of(tuning.trials[number]), test=held_out)
    return {"score": judge.score(run.model), "refit": run.fit.progress.seconds}
