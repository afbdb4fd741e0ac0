"""What a run is judged by: predictions of rows that its network has not seen, and of what it has to beat."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from pellucid.data.targets import TargetEncoding
from pellucid.model.model import Model
from pellucid.model.scalars import PREDICTION
from pellucid.workflow.baselines.baseline import CONSTANT, predict_constant
from pellucid.workflow.baselines.gradient_boosting import fit_gradient_boosting
from pellucid.workflow.baselines.linear_model import fit_linear_model
from pellucid.workflow.division import TEST, TRAIN, VALIDATION, Parts
from pellucid.workflow.finishing import INTERRUPTED, Finishing
from pellucid.workflow.making import Making, prepare
from pellucid.workflow.reports.report import Report, build_report
from pellucid.workflow.reports.report_parts import NETWORK

LEAST_SECONDS = 10.0
"""So many seconds the baselines may take, even where a time limit gives the training fewer."""

MOST_SECONDS = 120.0
"""So many they may take where there is no limit."""

AFTER_INTERRUPT = 3.0
"""So many seconds they may take once Ctrl-C has ended the training."""


@dataclass(frozen=True, eq=False)
class Judgement:
    """Predictions of some rows, and what they should have been.

    Attributes
    ----------
    targets : TargetEncoding
    truth : ndarray
        As :meth:`TargetEncoding.read` gives it.
    predictions : dict of ndarray, [rows, outputs]
        By who predicted, the network first.
    weights : ndarray or None, [rows]
        How much each row counts.
    kind : str
        What the network predicts.
    notes : tuple of str
        What the reader has to know.
    fresh : bool
        Whether training has not seen the rows.
    """

    targets: TargetEncoding
    truth: np.ndarray
    predictions: dict[str, np.ndarray]
    weights: np.ndarray | None
    kind: str
    notes: tuple[str, ...] = ()
    fresh: bool = True

    def report(self, seed: int, metric: str) -> Report:
        """Return what these rows say; `metric` stands first."""
        return build_report(
            self.targets,
            self.truth,
            self.predictions,
            seed,
            self.notes,
            self.weights,
            metric,
            kind=self.kind,
            fresh=self.fresh,
        )


def judge(made: Making, model: Model, seconds: float, keep: Finishing) -> Judgement:
    """Let a model and the baselines predict the test rows.

    Parameters
    ----------
    made : Making
    model : Model
    seconds : float
        What the baselines may take together.
    keep : Finishing
        What Ctrl-C means.
    """
    alone = _beside_constant(made, model, TEST)
    limit = min(seconds, AFTER_INTERRUPT) if keep.interrupted else seconds
    told = "Interrupted before the baselines were there to compare with."
    return keep.call(lambda: _beside_baselines(alone, made, limit), lambda: replace(alone, notes=(told,)))


def judge_without_test(made: Making, model: Model) -> Judgement:
    """Let a model and the constant prediction predict the validation rows, where a cross-validation did not begin."""
    part, told = VALIDATION, "by which the network was chosen, so that the numbers are too good on the whole"
    if not len(made.parts[VALIDATION]):
        part, told = TRAIN, "from which the network has learned, so that the numbers are too good"
    note = f"Interrupted before the first fold of the cross-validation was done: these are the {part} rows, {told}."
    return replace(_beside_constant(made, model, part), notes=(note,), fresh=False)


def cross_validate(
    made: Making, seconds: float, time_limit: float | None, keep: Finishing, progress: bool | None
) -> Judgement | None:
    """Train a network for each fold and let it predict the rows that were held out; None if no fold was finished.

    Parameters
    ----------
    made : Making
        Of all rows.
    seconds : float
        What the baselines may take together, over all folds.
    time_limit : float, optional
        Seconds for the training of each fold.
    keep : Finishing
        What Ctrl-C means: the folds that are done are kept.
    progress : bool, optional
        Whether to show a line of progress.
    """
    folds = made.found.division.folds
    judged: list[Judgement] = []
    for parts in folds:
        found = keep.call(partial(_judge_fold, made, parts, seconds / len(folds), time_limit, progress), lambda: None)
        if found is None:
            break
        judged.append(found)
    return _join(judged, len(folds)) if judged else None


def _judge_fold(
    whole: Making, parts: Parts, seconds: float, time_limit: float | None, progress: bool | None
) -> Judgement:
    made = prepare(whole.found, whole.plan, parts, whole.start)
    fitted = made.fit(time_limit, progress)
    if fitted.reason == INTERRUPTED:
        raise KeyboardInterrupt
    return _beside_baselines(_beside_constant(made, made.model(fitted), TEST), made, seconds)


def _join(judged: Sequence[Judgement], count: int) -> Judgement:
    """Return the judgement of all folds together."""
    first = judged[0]
    names = [who for who in first.predictions if all(who in one.predictions for one in judged)]
    rows = sum(len(one.truth) for one in judged)
    told = (
        f"Cross-validation: each of the {rows:,} rows was predicted by the one of {count} networks that had not seen "
        "its fold. The model itself was trained anew, on all rows but those for validation; no row is left to test it."
    )
    cut = f"Interrupted after {len(judged)} of {count} folds." if len(judged) < count else ""
    notes = [told, *([cut] if cut else []), *dict.fromkeys(note for one in judged for note in one.notes)]
    return Judgement(
        targets=first.targets,
        truth=np.concatenate([one.truth for one in judged]),
        predictions={who: np.concatenate([one.predictions[who] for one in judged]) for who in names},
        weights=None if first.weights is None else np.concatenate([one.weights for one in judged]),
        kind=first.kind,
        notes=tuple(notes),
    )


def _beside_constant(made: Making, model: Model, part: str) -> Judgement:
    """Return what a model and the constant prediction say of a part."""
    rows = made.rows_of(part)
    train = made.found.table.select(made.targets.names).take(made.parts[TRAIN])
    weights = None if made.found.weights is None else made.found.weights[made.parts[TRAIN]]
    constant = predict_constant(made.targets, made.targets.read(train), len(rows), weights)
    return Judgement(
        targets=made.targets,
        truth=made.targets.read(rows),
        predictions={NETWORK: model.compute(rows)[PREDICTION], CONSTANT[made.targets.task]: constant},
        weights=made.report_weights(part),
        kind=model.kind,
    )


def _beside_baselines(alone: Judgement, made: Making, seconds: float) -> Judgement:
    """Return a judgement with the predictions of the baselines between the network's and the constant ones."""
    network, *others = alone.predictions.items()
    found, notes = _predict_baselines(made, seconds)
    return replace(alone, predictions=dict([network, *found.items(), *others]), notes=(*alone.notes, *notes))


def _predict_baselines(made: Making, seconds: float) -> tuple[dict[str, np.ndarray], tuple[str, ...]]:
    """Fit the linear model and the trees; return what they predict, and notes.

    The trees come first, since they are what is hardest to beat; the linear model takes what is left of the time, and
    a quarter at least.
    """
    began, rows = time.perf_counter(), made.rows_of(TEST)
    given = made.encoding, made.targets, made.found.table, made.parts
    settings: dict[str, Any] = {"weights": made.found.weights, "seed": made.plan.seed}
    trees = fit_gradient_boosting(*given, seconds, **settings)
    began_linear = time.perf_counter()
    limit = max(seconds - (began_linear - began), seconds / 4)
    linear = fit_linear_model(*given, limit, **settings)
    notes = [*linear.notes, *trees.notes]
    if time.perf_counter() - began_linear > limit:
        notes.append(f"The {linear.name} was cut short by the time limit.")
    found = {baseline.name: baseline.predict(rows) for baseline in (linear, trees) if baseline.predict is not None}
    return found, tuple(notes)
