"""How well a training does on new rows, as one number for all tasks; and so whether a fault matters."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from pellucid.diagnosis.zoo.situation import Rows, Situation
from pellucid.diagnosis.zoo.sound import LOSS
from pellucid.diagnosis.zoo.specimen import Specimen
from pellucid.errors import TrainingError
from pellucid.training.fit import fit
from pellucid.training.result import Fit

SCORES = ("hinge", "perceptron_criterion")
"""Losses whose output is positive for class 1, rather than a probability."""


def train(situation: Situation) -> Fit | None:
    """Train it; None where a value became NaN or infinite."""
    case = situation.case()
    try:
        return fit(case.network, case.dataset, **situation.options)
    except TrainingError:
        return None


def skill(situation: Situation, fitted: Fit | None, rows: Rows) -> float:
    """Return how good the predictions of rows are, see :func:`skill_of`; -1 where training met NaN."""
    return -1.0 if fitted is None else skill_of(situation, np.asarray(fitted.predict(rows.x)), rows)


def skill_of(situation: Situation, prediction: np.ndarray, rows: Rows) -> float:
    """Return 1 for right predictions, about 0 for those that do not look at the inputs, and less for worse ones.

    For numbers it is R2. For classes and labels it is the mean over classes of the share of rows that get their right
    one, minus what guessing has, in relation to what is left.
    """
    predicted = np.asarray(prediction, np.float64).reshape(len(rows), -1)
    truth = np.asarray(rows.y, np.float64).reshape(len(rows), -1)
    if not np.isfinite(predicted).all():
        return -1.0
    task = situation.material.task
    if task in ("binary", "multiclass"):
        return _balanced(_classes(situation, predicted), truth[:, 0])
    if task == "multilabel":
        return float(np.mean([_balanced(predicted[:, k] > 0.5, truth[:, k]) for k in range(truth.shape[1])]))
    spread = ((truth - truth.mean(axis=0)) ** 2).mean()
    return max(-1.0, 1.0 - float(((predicted - truth) ** 2).mean() / spread)) if spread > 0 else -1.0


def _classes(situation: Situation, predicted: np.ndarray) -> np.ndarray:
    if predicted.shape[1] > 1:
        return predicted.argmax(axis=1)
    if situation.material.task == "multiclass":
        return np.rint(predicted[:, 0])  # the numbers of classes were predicted as numbers
    return predicted[:, 0] > (0.0 if str(situation.options["loss"]) in SCORES else 0.5)


def _balanced(predicted: np.ndarray, truth: np.ndarray) -> float:
    classes = np.unique(truth)
    if len(classes) < 2:
        return -1.0
    right = np.mean([(predicted[truth == kind] == kind).mean() for kind in classes])
    return float((right - 1 / len(classes)) / (1 - 1 / len(classes)))


def surprise(situation: Situation, fitted: Fit | None, rows: Rows) -> float:
    """Return the mean of -log(probability of the right class) where probabilities are predicted; NaN elsewhere.

    A probability below 1e-6 counts as 1e-6.
    """
    binary, many = situation.material.task == "binary", situation.material.task == "multiclass"
    if (
        fitted is None
        or not (binary or many)
        or str(situation.options["loss"]) not in (LOSS["binary"], LOSS["multiclass"])
    ):
        return math.nan
    p = np.asarray(fitted.predict(rows.x), np.float64).reshape(len(rows), -1)
    y = np.asarray(rows.y, np.int64)
    right = np.where(y == 1, p[:, 0], 1.0 - p[:, 0]) if binary else p[np.arange(len(y)), y]
    return float(-np.log(np.clip(right, 1e-6, 1.0)).mean())


def skill_alone(situation: Situation, fitted: Fit | None, rows: Rows, most: int = 60) -> float:
    """Return the skill where rows come one at a time, as they do in use."""
    if fitted is None:
        return -1.0
    some = rows.take(slice(most))
    alone = np.concatenate([fitted.predict(some.x[[row]]) for row in range(len(some))])
    return skill_of(situation, alone, some)


LEAST_LOSS = 0.1
"""By how much the skill has to fall for a fault to matter."""

LEAST_RATIO, LEAST_GAP = 1.3, 0.05
"""How many times as large the surprise has to be, and by how much larger in nats or in R2, where the skill stays."""


@dataclass(frozen=True)
class Harm:
    """What a fault does.

    Attributes
    ----------
    sound, faulty : float
        The skill in use without the fault and with it.
    shown : float
        The skill on the test that the faulty training is judged by.
    alone : float
        The skill in use where rows come one at a time.
    sound_surprise, faulty_surprise : float
        The mean of -log(probability) in use; NaN where no probabilities are predicted.
    loss_shown, loss_in_use : float
        The faulty training's loss on its test, and in use.
    """

    sound: float
    faulty: float
    shown: float
    alone: float
    sound_surprise: float
    faulty_surprise: float
    loss_shown: float
    loss_in_use: float

    @property
    def trains_worse(self) -> bool:
        """Whether it does clearly worse in use than without the fault."""
        surprised = self.faulty_surprise > LEAST_RATIO * self.sound_surprise + LEAST_GAP
        error = 1 - self.faulty > LEAST_RATIO * (1 - self.sound) + LEAST_GAP
        return self.sound - self.faulty >= LEAST_LOSS or surprised or error

    @property
    def misleads(self) -> bool:
        """Whether the test shows clearly more than use will."""
        more = self.shown - min(self.faulty, self.alone) >= LEAST_LOSS
        return more or self.loss_in_use > LEAST_RATIO * self.loss_shown


def harm(specimen: Specimen) -> Harm:
    """Train a specimen with its fault and without it."""
    faulty, twin = specimen.faulty, specimen.twin
    assert faulty is not None and twin is not None
    good, bad = train(twin), train(faulty)
    return Harm(
        skill(twin, good, twin.use),
        skill(faulty, bad, faulty.use),
        skill(faulty, bad, faulty.test),
        skill_alone(faulty, bad, faulty.use),
        surprise(twin, good, twin.use),
        surprise(faulty, bad, faulty.use),
        loss_on(bad, faulty.test),
        loss_on(bad, faulty.use),
    )


def loss_on(fitted: Fit | None, rows: Rows) -> float:
    """Return the mean loss on rows; infinity where training met NaN."""
    return math.inf if fitted is None else fitted.evaluate(rows.dataset(), [])["loss"]
