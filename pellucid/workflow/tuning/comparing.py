"""The winner of a search beside the defaults, gradient boosting and the ensemble, on the rows for the test."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtrit

from pellucid.data.targets import SCALE, TargetEncoding
from pellucid.random import permutation, uniform
from pellucid.training.metrics import Metric, as_probability
from pellucid.training.metrics import metric as metric_called
from pellucid.workflow.baselines.gradient_boosting import BOOSTING
from pellucid.workflow.reports.intervals import RESAMPLES, Bootstrap, percentiles
from pellucid.workflow.reports.layout import show_bound, show_number
from pellucid.workflow.reports.measuring import FEW_ROWS, MAIN
from pellucid.workflow.reports.statistics import statistic_of
from pellucid.workflow.tuning.comparing_parts import DEFAULTS, ENSEMBLE, WINNER, Comparison, Contestant, Verdict
from pellucid.workflow.tuning.default_space import usual_metric


@dataclass(frozen=True, eq=False)
class TestRows:
    """The rows for the test, and what they should be predicted to be.

    Attributes
    ----------
    targets : TargetEncoding
    truth : ndarray
        As :meth:`TargetEncoding.read` gives it.
    weights : ndarray or None, [rows]
    """

    __test__ = False

    targets: TargetEncoding
    truth: np.ndarray
    weights: np.ndarray | None = None


@dataclass(frozen=True, eq=False)
class Predicted:
    """What somebody has predicted of the test rows, once for each seed.

    Attributes
    ----------
    name : str
    predictions : sequence of ndarray, [rows, outputs] each
        Numbers in the targets' own units, probabilities or scores.
    kind : str
        Which of them.
    """

    name: str
    predictions: Sequence[np.ndarray]
    kind: str = "probability"


def compare(rows: TestRows, predicted: Sequence[Predicted], metric: str, seed: int) -> Comparison:
    """Compare the first one who has predicted with all others, and the ensemble with the first one.

    The intervals are those of a bootstrap of rows and of seeds, with the same rows for everybody; those of differences
    take the chance of seeds for Student's t. Errors of several targets of a regression are in standard deviations of
    each.

    Parameters
    ----------
    rows : TestRows
    predicted : sequence of Predicted
        The winner first.
    metric : str
        That of the search.
    seed : int
        Of the bootstrap.

    Examples
    --------
    >>> truth = np.array([[0.0], [1.0]] * 30)
    >>> rows = TestRows(TargetEncoding("binary", ("spam",), ("no", "yes"), {}), truth)
    >>> sure, unsure = 0.8 * truth + 0.1, 0.2 * truth + 0.4
    >>> given = [Predicted("best settings", [sure]), Predicted("default settings", [unsure])]
    >>> found = compare(rows, given, "log_loss", 0)
    >>> print(found.verdicts[0].text)
    The best settings beat the default settings: log loss 0.1054 against 0.5108.
    """
    shown = _metrics(rows.targets.task, metric, [one.kind for one in predicted])
    measured = {one.name: {found.name: _Measured.of(rows, one, found, seed) for found in shown} for one in predicted}
    contestants = tuple(
        Contestant(
            one.name,
            {name: tuple(found.values) for name, found in measured[one.name].items()},
            {
                name: interval
                for name, found in measured[one.name].items()
                if (interval := found.interval(seed)) is not None
            },
        )
        for one in predicted
    )
    first, main = predicted[0].name, shown[0]
    pairs = [(first, one.name) for one in predicted[1:] if one.name != ENSEMBLE]
    pairs += [(ENSEMBLE, first)] if any(one.name == ENSEMBLE for one in predicted) else []
    verdicts = tuple(
        _verdict(main, a, measured[a][main.name], b, measured[b][main.name], len(rows.truth), seed) for a, b in pairs
    )
    notes = []
    if main.name != metric:
        notes.append(f"The {metric} says nothing of predictions: they are compared by {main.name.replace('_', ' ')}.")
    if rows.targets.task == "regression" and len(rows.targets.names) > 1:
        notes.append("Errors of several targets are in standard deviations of each.")
    return Comparison(main.name, main.higher_is_better, len(rows.truth), contestants, verdicts, tuple(notes))


def _metrics(task: str, metric: str, kinds: Sequence[str]) -> list[Metric]:
    """Return the metric of the search and the main one of reports, if they fit what everybody has predicted."""
    kind = "score" if "score" in kinds else kinds[0]
    main = metric if metric != "loss" and metric_called(metric).fits(kind) else usual_metric(task, kind)
    names = dict.fromkeys([main, "r2" if task == "regression" else MAIN[task]])
    return [metric_called(name) for name in names]


@dataclass(frozen=True, eq=False)
class _Measured:
    """A metric for each seed, and of resamples of the rows, [seeds, resamples]; none where they cannot be told."""

    values: list[float]
    resampled: np.ndarray

    @staticmethod
    def of(rows: TestRows, one: Predicted, found: Metric, seed: int) -> _Measured:
        weights = np.ones(len(rows.truth)) if rows.weights is None else np.asarray(rows.weights, np.float64)
        bootstrap = Bootstrap(len(rows.truth), seed, weights)
        values, resampled = [], []
        for prediction in one.predictions:
            given, truth = _as_taken(rows, prediction, one.kind, found)
            values.append(found.compute(given, truth, weights))
            statistic = statistic_of(found, given, truth, weights) if math.isfinite(values[-1]) else None
            resampled.append(bootstrap.values(statistic) if statistic is not None and len(weights) > 1 else np.empty(0))
        shortest = min(map(len, resampled))
        return _Measured(values, np.stack([each[:shortest] for each in resampled]))

    @property
    def mean(self) -> float:
        return math.fsum(self.values) / len(self.values)

    def over_seeds(self, seed: int) -> np.ndarray:
        """Return the mean over resampled seeds for each resample of the rows."""
        seeds, count = self.resampled.shape
        if seeds == 1 or not count:
            return self.resampled[0] if seeds == 1 else np.empty(0)
        drawn = np.floor(uniform(seed, "seeds", 0, RESAMPLES * seeds).reshape(RESAMPLES, seeds) * seeds).astype(
            np.int64
        )
        return self.resampled[drawn[:count], np.arange(count)[:, np.newaxis]].mean(axis=1)

    def interval(self, seed: int) -> tuple[float, float] | None:
        return percentiles(self.over_seeds(seed)) if self.resampled.size else None


def _as_taken(rows: TestRows, prediction: np.ndarray, kind: str, found: Metric) -> tuple[np.ndarray, np.ndarray]:
    """Return predictions and truth as a metric takes them."""
    targets = rows.targets
    if targets.task == "regression":
        several = len(targets.names) > 1
        scale = targets.arrays[SCALE] if several and SCALE in targets.arrays else 1.0
        return prediction / scale, rows.truth / scale
    if targets.task == "multiclass":
        return prediction, rows.truth
    if found.decided:
        return targets.decide(prediction, kind).astype(np.float64), rows.truth
    return as_probability(prediction.reshape(-1, 1), kind).reshape(prediction.shape), rows.truth


def _verdict(found: Metric, a: str, mine: _Measured, b: str, other: _Measured, rows: int, seed: int) -> Verdict:
    sign = 1.0 if found.higher_is_better else -1.0
    gain = sign * (mine.mean - other.mean)
    low, high = percentiles(sign * _differences(mine, other, seed)) or (None, None)
    if not math.isfinite(gain):
        verdict = "undefined"
    elif low is None or high is None:
        verdict = "unclear" if rows < FEW_ROWS or gain == 0 else "better" if gain > 0 else "worse"
    else:
        verdict = "better" if low > 0 else "worse" if high < 0 else "unclear"
    text = _tell(found, a, mine.mean, b, other.mean, gain, verdict)
    return Verdict(a, b, gain, low, high, verdict, text)


def _differences(mine: _Measured, other: _Measured, seed: int) -> np.ndarray:
    """Return what the difference of means may be, [resamples]: by the rows' bootstrap and by chance of the seeds.

    A bootstrap of three seeds calls every fourth difference of equals a real one. Their chance is Student's t instead,
    with the degrees of freedom of Welch.
    Source: Welch, The generalization of Student's problem when several different population variances are involved,
    Biometrika 34 (1947).
    """
    ours, theirs = mine.resampled.mean(axis=0), other.resampled.mean(axis=0)
    count = min(len(ours), len(theirs))
    found = ours[:count] - theirs[:count]
    parts = [
        (float(np.var(one.values, ddof=1)) / len(one.values), len(one.values) - 1)
        for one in (mine, other)
        if len(one.values) > 1
    ]
    total = math.fsum(variance for variance, _ in parts)
    if not count or not total > 0:
        return found
    freedom = 1 / math.fsum((variance / total) ** 2 / degrees for variance, degrees in parts)
    places = (permutation(seed, "seeds", 0, count) + 0.5) / count
    return found + math.sqrt(total) * stdtrit(freedom, places)


def _tell(found: Metric, a: str, mine: float, b: str, other: float, gain: float, verdict: str) -> str:
    """Say plainly who is better."""
    first, second = (name if name == BOOSTING else f"the {name}" for name in (a, b))
    first = first[:1].upper() + first[1:]
    plural = a in (WINNER, DEFAULTS)
    values = f"{found.name.replace('_', ' ')} {show_number(found.name, mine)} against {show_number(found.name, other)}"
    if verdict == "undefined":
        return f"{first} and {second} cannot be compared: {found.name.replace('_', ' ')} is undefined here."
    if verdict == "better":
        return f"{first} beat{'' if plural else 's'} {second}: {values}."
    if verdict == "worse":
        return f"{first} {'do' if plural else 'does'} NOT beat {second}, which {_wins(b)} on these rows: {values}."
    if gain > 0:
        ahead = f"{first} {'are' if plural else 'is'} ahead of {second} ({values})"
        return f"{ahead}, but within the noise: it could be chance."
    return f"{first} {'are' if plural else 'is'} no better than {second}: {values}, a difference within the noise."


def _wins(name: str) -> str:
    return "win" if name in (WINNER, DEFAULTS) else "wins"


def tell_spread(one: Contestant, metric: str) -> str:
    """Return the mean over seeds and its standard deviation as people read them."""
    middle, spread = one.mean(metric), one.deviation(metric)
    told = show_number(metric, middle)
    return told if spread is None else f"{told} ± {show_bound(metric, spread)}"


def as_dict(found: Comparison) -> Mapping[str, object]:
    """Return a comparison as plain data."""
    return {
        "metric": found.metric,
        "higher_is_better": found.higher_is_better,
        "rows": found.rows,
        "contestants": {
            one.name: {
                name: {
                    "mean": one.mean(name),
                    "deviation": one.deviation(name),
                    "values": values,
                    "interval": one.intervals.get(name),
                }
                for name, values in one.scores.items()
            }
            for one in found.contestants
        },
        "verdicts": [
            {
                "of": one.name,
                "against": one.other,
                "gain": one.gain,
                "low": one.low,
                "high": one.high,
                "verdict": one.verdict,
                "text": one.text,
            }
            for one in found.verdicts
        ],
        "notes": found.notes,
    }
