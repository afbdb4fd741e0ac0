"""Optuna with PyTorch: processes of one thread each."""

from __future__ import annotations

import multiprocessing
import statistics
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import torch
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend

from pellucid.bench.tune.clock import Clock
from pellucid.bench.tune.material import BATCH, Case, hidden_sizes, read_case
from pellucid.bench.tune.peers.torch_training import Learner, Settings
from pellucid.bench.tune.scores import log_loss, rmse

FOLDS, MOST_EPOCHS, PATIENCE = 3, 100, 10
"""Of the search with a budget."""

_SIZES = (16, 32, 64, 128, 256)

RESERVE = 0.07
"""Of the budget, for training the best one again."""


def side_by_side(work: Callable[[Any], Any], given: Sequence[Any]) -> list[Any]:
    """Return what a function makes of each of the given, in a process for each."""
    forks = "fork" in multiprocessing.get_all_start_methods()  # what has been imported need not be imported again
    context = multiprocessing.get_context("fork" if forks else "spawn")
    with ProcessPoolExecutor(len(given), context) as pool:
        return list(pool.map(work, given))


def _quiet() -> None:
    torch.set_num_threads(1)
    optuna.logging.set_verbosity(optuna.logging.ERROR)


@dataclass(frozen=True)
class _RateWork:
    clock: Clock
    folder: str
    configurations: Sequence[dict[str, Any]]
    epochs: int
    seconds: float
    first: int
    step: int


def measure_rate(
    clock: Clock, folder: str, configurations: Sequence[dict[str, Any]], epochs: int, seconds: float, cores: int
) -> dict[str, Any]:
    """Try the first of the configurations until the time is over; each process has its share of them, and a study.

    Returns
    -------
    dict
        ``startup``: seconds before the first trial; ``rates``: trials a second of each process; ``trials``: of each
        configuration its number, score and mean seconds of a training.
    """
    startup = clock()
    works = [_RateWork(clock, folder, configurations, epochs, seconds, one, cores) for one in range(cores)]
    found = side_by_side(_try_share, works)
    trials = sorted(trial for share in found for trial in share["trials"])
    return {"startup": startup, "rates": [share["rate"] for share in found], "trials": trials}


def _try_share(work: _RateWork) -> dict[str, Any]:
    _quiet()
    case = read_case(work.folder, "digits")
    x, y = torch.from_numpy((case.x / 16).astype(np.float32)), torch.from_numpy(case.y)
    pairs = [(torch.from_numpy(learning), torch.from_numpy(held_out)) for learning, held_out in case.pairs()]
    parts = [(x[learning], y[learning], x[held_out], case.y[held_out.numpy()]) for learning, held_out in pairs]
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=work.first))
    found: list[tuple[int, float, float]] = []
    began = work.clock()
    for number in range(work.first, len(work.configurations), work.step):
        study.enqueue_trial(work.configurations[number])
        study.optimize(lambda trial: _mean_score(trial, parts, work.epochs, found), n_trials=1)
        found[-1] = (number, *found[-1][1:])
        if work.clock() > work.seconds:
            break
    return {"trials": found, "rate": len(found) / (work.clock() - began)}


def _mean_score(trial: optuna.Trial, parts: Sequence[Any], epochs: int, found: list[tuple[int, float, float]]) -> float:
    layers = trial.suggest_int("layers", 1, 3)
    units = {f"units_{at}": trial.suggest_categorical(f"units_{at}", _SIZES) for at in range(1, layers + 1)}
    settings = Settings(
        hidden=hidden_sizes({"layers": layers, **units}),
        learning_rate=trial.suggest_float("learning_rate", 1e-4, 1e-2, log=True),
        weight_decay=trial.suggest_float("l2", 1e-6, 1e-2, log=True),
        batch=BATCH,
    )
    scores, clock = [], Clock.start()
    for seed, (x, y, held_out, truth) in enumerate(parts):
        learner = Learner(x, y, 10, settings, seed)
        for _ in learner.epochs(epochs):
            pass
        scores.append(log_loss(learner.predict(held_out), truth))
    found.append((trial.number, statistics.fmean(scores), clock() / len(parts)))
    return statistics.fmean(scores)


@dataclass(frozen=True)
class _BudgetWork:
    clock: Clock
    folder: str
    table: str
    seed: int
    until: float
    number: int
    storage: str


def use_budget(clock: Clock, folder: str, table: str, seed: int, seconds: float, cores: int) -> dict[str, Any]:
    """Search until the time is over but for training the best one again; return its held-out score."""
    path = str(Path(folder) / f"optuna-{table}-{seed}.log")
    study = optuna.create_study(
        study_name=table, storage=_storage(path), pruner=_pruner(), direction="minimize", load_if_exists=False
    )
    until = seconds * (1 - RESERVE)
    side_by_side(_optimize, [_BudgetWork(clock, folder, table, seed, until, one, path) for one in range(cores)])
    torch.set_num_threads(1)
    case = read_case(folder, table)
    best, (learning, held_out) = study.best_trial, case.pairs()[seed]
    fold = _Fold(case, learning, held_out)
    learner = fold.learner(_settings(best), seed)
    for _ in learner.epochs(best.user_attrs["epoch"]):
        pass
    delivered = clock()
    return {
        "score": fold.score(learner),
        "delivered": delivered,
        "trials": len(study.trials),
        "inner": best.value,
        "best": {**best.params, "epochs": best.user_attrs["epoch"]},
    }


def _storage(path: str) -> JournalStorage:
    return JournalStorage(JournalFileBackend(path))


def _pruner() -> optuna.pruners.BasePruner:
    return optuna.pruners.MedianPruner(n_startup_trials=5, n_warmup_steps=5)


class _Fold:
    """Examples to learn from and examples held out, scaled by the former."""

    def __init__(self, case: Case, learning: np.ndarray, held_out: np.ndarray):
        self.case, self.truth = case, case.y[held_out]
        mean, spread = case.x[learning].mean(axis=0), case.x[learning].std(axis=0)
        x = torch.from_numpy(((case.x - mean) / np.where(spread > 0, spread, 1)).astype(np.float32))
        y = case.y[learning]
        self.center = 0.0 if case.classes else float(y.mean())
        self.scale = 1.0 if case.classes else float(y.std())
        y = y if case.classes else ((y - self.center) / self.scale).astype(np.float32)
        self.x, self.y, self.held_out = x[learning], torch.from_numpy(y), x[held_out]

    def learner(self, settings: Settings, seed: int) -> Learner:
        """Return a network that is ready to learn."""
        return Learner(self.x, self.y, self.case.outputs, settings, seed)

    def score(self, learner: Learner) -> float:
        """Return the held-out score."""
        found = learner.predict(self.held_out)
        return log_loss(found, self.truth) if self.case.classes else rmse(found * self.scale + self.center, self.truth)


def _optimize(work: _BudgetWork) -> None:
    _quiet()
    case = read_case(work.folder, work.table)
    learning = case.pairs()[work.seed][0]
    parts = _divide(case, learning, work.seed)
    folds = [_Fold(case, learning[parts != one], learning[parts == one]) for one in range(FOLDS)]
    study = optuna.load_study(
        study_name=work.table,
        storage=_storage(work.storage),
        sampler=optuna.samplers.TPESampler(seed=100 * work.seed + work.number, constant_liar=True),
        pruner=_pruner(),
    )
    study.optimize(lambda trial: _try(trial, folds, work), timeout=max(work.until - work.clock(), 0.1))


def _divide(case: Case, rows: np.ndarray, seed: int) -> np.ndarray:
    """Return in which fold each row is, classes in equal shares."""
    order = np.random.default_rng(seed).permutation(len(rows))
    if case.classes:
        order = order[np.argsort(case.y[rows[order]], kind="stable")]
    parts = np.empty(len(rows), np.int64)
    parts[order] = np.arange(len(rows)) % FOLDS
    return parts


def _settings(trial: optuna.trial.BaseTrial) -> Settings:
    """Return what is asked of a running trial, or what an ended one was."""
    layers = trial.suggest_int("layers", 1, 3)
    return Settings(
        hidden=[trial.suggest_int(f"units_{at}", 16, 256, log=True) for at in range(1, layers + 1)],
        learning_rate=trial.suggest_float("learning_rate", 3e-4, 3e-2, log=True),
        weight_decay=trial.suggest_float("weight_decay", 1e-6, 1e-2, log=True),
        batch=trial.suggest_categorical("batch", (16, 32, 64, 128)),
        dropout=trial.suggest_float("dropout", 0.0, 0.5),
        activation=trial.suggest_categorical("activation", ("relu", "tanh")),
    )


def _try(trial: optuna.Trial, folds: Sequence[_Fold], work: _BudgetWork) -> float:
    """Train on all folds side by side; report their mean after each epoch, and stop where it gets no better."""
    settings = _settings(trial)
    learners = [fold.learner(settings, work.seed) for fold in folds]
    best, best_epoch = float("inf"), 0
    for epoch in range(1, MOST_EPOCHS + 1):
        for learner in learners:
            learner.epoch()
        score = statistics.fmean(fold.score(learner) for fold, learner in zip(folds, learners, strict=True))
        if score < best:
            best, best_epoch = score, epoch
        trial.report(score, epoch)
        if work.clock() > work.until or epoch - best_epoch >= PATIENCE:
            break
        if trial.should_prune():
            raise optuna.TrialPruned()
    trial.set_user_attr("epoch", best_epoch)
    return best
