"""From a table to a trained network, its report and its folder."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from pellucid.data.dataset import Dataset
from pellucid.data.encoders import Encoding, fit_encoders
from pellucid.data.targets import SCALE, TargetEncoding, fit_targets
from pellucid.errors import UsageError
from pellucid.model.build import build_model
from pellucid.model.model import Model
from pellucid.model.scalars import PREDICTION
from pellucid.nn.losses import Loss
from pellucid.nn.network import Network
from pellucid.training.evaluate import Evaluator, as_arrays
from pellucid.training.events import EpochEnded, Event
from pellucid.training.fit import Fit, fit
from pellucid.training.metrics import metrics_for
from pellucid.workflow.baselines import CONSTANT, fit_linear_model, predict_constant
from pellucid.workflow.recipe import Recipe
from pellucid.workflow.record import write_run
from pellucid.workflow.report import NETWORK, Report, build_report
from pellucid.workflow.run import Run
from pellucid.workflow.run_folder import Destination
from pellucid.workflow.understanding import Understanding, understand

MOST_TRAINING_ROWS = 4096
"""So many training rows tell the metric of the training part after each epoch."""

AFTER_INTERRUPT = 3.0
"""So many seconds the linear model may take once Ctrl-C has ended the training."""

INTERRUPTED = "interrupted"


def train_table(
    data: Any,
    target: str | Sequence[str],
    *,
    task: str | None = None,
    recipe: Recipe | None = None,
    seed: int = 0,
    time_limit: float | None = None,
    folder: str | Path | Destination | None = None,
    overwrite: bool = False,
    progress: bool | None = False,
    on_understood: Callable[[Understanding, Network], None] | None = None,
    on_interrupt: Callable[[], None] | None = None,
) -> Run:
    """Train a network on a table, and compare it with simple baselines on rows that it has not seen.

    Of the rows, 70 % are learned from, 10 % say when to stop, and 20 % are for the report; classes are in equal shares
    in all of them. Encoders see the training rows only.

    Ctrl-C ends the training; the report and the folder are then made from the best network so far. A second one raises
    KeyboardInterrupt, and nothing is written.

    Parameters
    ----------
    data : path, Table, data frame, or mapping of columns
    target : str or sequence of str
    task : str, optional
        "regression", "binary", "multiclass", "multilabel" or "classification"; by default what the targets suggest.
    recipe : Recipe, optional
    seed : int
        The same seed, table and recipe give the same bits, unless time ends the training.
    time_limit : float, optional
        Seconds that the training may take.
    folder : path or Destination, optional
        Where to leave model, history, curves and record. It must be empty or not be there yet.
    overwrite : bool
        Replace the files of an earlier run in `folder`.
    progress : bool, optional
        Show a line of progress; None: where standard error is a terminal.
    on_understood : callable, optional
        ``on_understood(understanding, network)`` is called before the training.
    on_interrupt : callable, optional
        Called when Ctrl-C has ended the training.

    Returns
    -------
    Run

    Raises
    ------
    DataError, UsageError
        Where table, target or settings do not fit; before anything is written.

    Examples
    --------
    >>> size = [0.1 * row for row in range(60)]
    >>> table = {"size": size, "price": [3 * value + 1 for value in size]}
    >>> run = train_table(table, "price", recipe=Recipe(hidden=(8,), epochs=3))
    >>> run.report.rows, list(run.report.metrics)
    (12, ['rmse', 'mae', 'r2'])
    """
    began = time.perf_counter()
    recipe = recipe or Recipe()
    if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed < 2**63:
        raise UsageError("not a seed", where="seed", got=repr(seed), expected="a whole number from 0 to 2^63 - 1")
    if time_limit is not None and not time_limit > 0:
        raise UsageError("no time to train", where="time_limit", got=repr(time_limit), expected="seconds, above 0")
    destination = folder if isinstance(folder, Destination) or folder is None else Destination(Path(folder), overwrite)
    if destination is not None:
        destination.check()
    understanding = understand(data, target, task, seed)
    made = _Making(understanding, recipe, seed, time_limit)
    if on_understood is not None:
        on_understood(understanding, made.network)
    fitted = made.fit(progress)
    keep = _Finishing(fitted.reason == INTERRUPTED, on_interrupt)
    model, report = made.judge(fitted, keep)
    history = _in_own_unit(fitted.history, made.targets)

    def finish() -> Run:
        run = Run(understanding, recipe, model, fitted, history, report, time.perf_counter() - began, keep.interrupted)
        if destination is None:
            return run
        where = destination.commit(lambda place: write_run(run, place, seed=seed, time_limit=time_limit))
        return replace(run, folder=where)

    return keep.call(finish)


class _Finishing:
    """What Ctrl-C means once there is something to keep: the first one is noted, the second one aborts."""

    def __init__(self, interrupted: bool, told: Callable[[], None] | None):
        self.interrupted, self.told = interrupted, told
        if interrupted and told is not None:
            told()

    def call(self, work: Callable[[], Any], instead: Callable[[], Any] | None = None) -> Any:
        """Return what `work` returns; interrupted for the first time, what `instead` does, or `work` anew."""
        try:
            return work()
        except KeyboardInterrupt:
            if self.interrupted:
                raise
            self.interrupted = True
            if self.told is not None:
                self.told()
            return (instead or work)()


class _Making:
    """The encoders, the network and the arrays of a run, and what is done with them."""

    def __init__(self, understanding: Understanding, recipe: Recipe, seed: int, time_limit: float | None):
        self.understanding, self.recipe, self.seed, self.time_limit = understanding, recipe, seed, time_limit
        found, train = understanding, understanding.parts["train"]
        self.encoding: Encoding = fit_encoders(found.table, found.roles, found.task, train, recipe.dtype)
        self.targets: TargetEncoding = fit_targets(found.table, found.task, train)
        self.network = recipe.network(len(self.encoding.features), self.targets.outputs)
        self.loss: Loss = recipe.loss(found.task.kind)

    def dataset(self, part: str) -> Dataset:
        table = self.understanding.table.take(self.understanding.parts[part])
        return Dataset({"x": self.encoding.encode(table)}, self.targets.encode(table))

    def fit(self, progress: bool | None) -> Fit:
        recipe, learning = self.recipe, self.dataset("train")
        fitted = fit(
            self.network,
            learning,
            loss=self.loss,
            optimizer=recipe.optimizer(),
            epochs=recipe.epochs,
            batch_size=recipe.batch_size,
            regularizers=recipe.regularizers(self.loss),
            validation=self.dataset("validation"),
            patience=recipe.patience,
            seed=self.seed,
            time_limit=self.time_limit,
            on=self._metric_of_training(learning),
            progress=progress,
        )
        if fitted.reason == INTERRUPTED and fitted.progress.step == 0:
            raise KeyboardInterrupt
        return fitted

    def _metric_of_training(self, learning: Dataset) -> Callable[[Event], None]:
        """Return a handler that adds the metric of training rows to each epoch's record."""
        losses = dict.fromkeys(self.network.outputs, self.loss)
        evaluator = Evaluator(self.network, losses)
        some = learning.take(np.arange(min(len(learning), MOST_TRAINING_ROWS)))
        arrays = as_arrays(self.network, losses, some)
        usual = [found for found in metrics_for(self.loss.task) if found.name != "loss"][:1]

        def add(event: Event) -> None:
            if isinstance(event, EpochEnded):
                told = evaluator.evaluate(event.parameters, arrays, usual)
                event.record |= {f"training_{found.name}": told[found.name] for found in usual}

        return add

    def judge(self, fitted: Fit, keep: _Finishing) -> tuple[Model, Report]:
        """Return the model and what the test rows say of it."""
        table, parts = self.understanding.table, self.understanding.parts
        test = table.take(parts["test"])
        provenance = {
            "table_sha256": self.understanding.digest,
            "rows": {name: len(rows) for name, rows in parts.items()},
            "seed": self.seed,
        }
        model = build_model(
            self.encoding, self.targets, self.network, self.loss, fitted.parameters, provenance=provenance
        )
        predictions = {NETWORK: model.compute(test)[PREDICTION]}

        def fit_linear() -> tuple[Model, float] | None:
            limit = self.time_limit
            if keep.interrupted:  # somebody is waiting
                limit = min(limit or AFTER_INTERRUPT, AFTER_INTERRUPT)
            return fit_linear_model(self.encoding, self.targets, table, parts, limit)

        notes = []
        linear = keep.call(fit_linear, lambda: None)
        if linear is None:
            notes.append("Interrupted before the linear model was there to compare with.")
        else:
            predictions["linear model"] = linear[0].compute(test)[PREDICTION]
        constant = predict_constant(self.targets, self.targets.read(table.take(parts["train"])), len(test))
        predictions[CONSTANT[self.targets.task]] = constant
        report = build_report(self.targets, self.targets.read(test), predictions, self.seed, tuple(notes))
        return model.with_metrics({f"test {name}": value for name, value in report.metrics.items()}), report


def _in_own_unit(history: Sequence[dict[str, Any]], targets: TargetEncoding) -> list[dict[str, Any]]:
    """Return the history with the metrics of a single standardized target in its own unit."""
    if targets.task != "regression" or len(targets.names) != 1:
        return [dict(record) for record in history]
    scale = float(targets.arrays[SCALE][0])
    lengths = ("training_rmse", "validation_rmse", "training_mae", "validation_mae")
    return [{key: value * scale if key in lengths else value for key, value in record.items()} for record in history]
