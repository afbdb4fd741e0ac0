"""Permutation importance: what is lost where a column is shuffled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from pellucid.errors import DataError, UsageError
from pellucid.html_table import html_table
from pellucid.inspection.pictures.reading import as_subject
from pellucid.inspection.pictures.style import axes_for, class_color, ink, short
from pellucid.inspection.pictures.subject import Subject
from pellucid.training.metrics import Metric, as_probability, metrics_for
from pellucid.training.metrics import metric as find_metric


@dataclass(frozen=True, eq=False)
class Importance:
    """What is lost where a column is shuffled.

    Attributes
    ----------
    metric : str
    base : float
        The metric as it is.
    lost : mapping of ndarray [repeats]
        By column, from the most important one on: how much worse the metric gets in each shuffling; below 0 where it
        gets better.
    """

    metric: str
    base: float
    lost: Mapping[str, np.ndarray]

    def _repr_html_(self) -> str:
        rows = [
            [name, f"{lost.mean():.4g}", f"{lost.min():.4g} to {lost.max():.4g}"] for name, lost in self.lost.items()
        ]
        head = ["column", f"{self.metric} lost by shuffling, mean", "least to greatest"]
        return html_table(head, rows, f"{self.metric} as it is: {self.base:.4g}")


def importance(
    subject: Any,
    data: Any,
    *,
    of: str | int | None = None,
    metric: str | None = None,
    repeats: int = 5,
    seed: int = 0,
) -> Importance:
    """Measure how much worse predictions get where a column is shuffled: its permutation importance.

    Parameters
    ----------
    subject : Fit, Population, Model, or estimator
    data : Dataset for a fit or population; a table for a model; (X, y) for an estimator
        Best examples that training has not seen.
    of : str or int, optional
        Which output, target or label, where there are several.
    metric : str, optional
        By default the usual one of the task: accuracy, or R2 of numbers.
    repeats : int
        How often each column is shuffled.
    seed : int

    Returns
    -------
    Importance

    Raises
    ------
    UsageError
        Where the targets are missing, or the metric does not fit them.
    DataError
        Where predictions, or the metric, are not finite.

    Notes
    -----
    By ``sklearn.inspection.permutation_importance``. Of a model, whole columns of the table are shuffled, dates and
    texts among them. Of columns that say the same, each alone seems to matter little. Source: Breiman, Random forests
    (2001).

    Examples
    --------
    >>> import numpy as np, pellucid as pl
    >>> x = np.random.default_rng(0).normal(size=(80, 3))
    >>> data = pl.Dataset({"x": x}, x[:, 1] > 0)
    >>> network = pl.Network([pl.Dense(1)], inputs=3)
    >>> fit = pl.fit(network, data, loss="binary_cross_entropy", optimizer=pl.optimizers.Adam(0.1), epochs=10)
    >>> next(iter(importance(fit, data).lost))
    'x[1]'
    """
    from sklearn.inspection import permutation_importance

    if isinstance(repeats, bool) or not isinstance(repeats, (int, np.integer)) or repeats < 1:
        raise UsageError("a number of repeats is a whole number from 1 up", where="repeats", got=repr(repeats))
    seen = as_subject(subject, data, of)
    values = seen.require_values()
    judged = _metric(seen, metric)
    names = list(seen.columns)
    base = _base(seen, judged, values)
    # Row numbers stand for cells, so that columns of any kind are shuffled, also several inputs that belong together.
    numbers = np.repeat(np.arange(len(seen))[:, None], len(names), axis=1)
    found = permutation_importance(
        _Taking(),
        numbers,
        values,
        scoring=lambda _, rows, target: _score(seen, judged, rows, target),
        n_repeats=int(repeats),
        random_state=seed,
    )
    order = np.argsort(-found.importances_mean, kind="stable")
    return Importance(judged.name, base, {names[place]: found.importances[place] for place in order})


def plot_importance(
    subject: Any,
    data: Any,
    *,
    of: str | int | None = None,
    metric: str | None = None,
    repeats: int = 5,
    seed: int = 0,
    most: int = 20,
    ax: Any = None,
) -> Any:
    """Draw the permutation importance of columns: how much worse predictions get where one is shuffled.

    Parameters
    ----------
    subject, data, of, metric, repeats, seed
        As for :func:`importance`, which returns the numbers.
    most : int
        So many columns are drawn, the most important ones.
    ax : Axes, optional

    Returns
    -------
    Axes
        A box for each column, the most important one on top: the middle half of the shufflings, with their median.

    Examples
    --------
    >>> import numpy as np, pellucid as pl
    >>> x = np.random.default_rng(0).normal(size=(80, 3))
    >>> data = pl.Dataset({"x": x}, x[:, 1] > 0)
    >>> fit = pl.fit(pl.Network([pl.Dense(1)], inputs=3), data, loss="binary_cross_entropy", epochs=5)
    >>> len(plot_importance(fit, data).get_yticklabels())
    3
    """
    from matplotlib.ticker import MaxNLocator

    found = importance(subject, data, of=of, metric=metric, repeats=repeats, seed=seed)
    shown = list(found.lost)[: max(1, most)]
    axes = axes_for(ax, (6.0, 0.9 + 0.27 * max(4, len(shown))))
    line = {"color": ink(), "linewidth": 0.9}
    axes.boxplot(
        [found.lost[name] for name in shown],
        orientation="horizontal",
        tick_labels=[short(name) for name in shown],
        patch_artist=True,
        widths=0.6,
        boxprops={"facecolor": class_color(0, 2), "edgecolor": ink(), "linewidth": 0.7},
        whiskerprops=line,
        capprops=line,
        medianprops={"color": class_color(1, 2), "linewidth": 1.6},
        flierprops={"marker": "o", "markersize": 3, "markeredgecolor": ink(), "markerfacecolor": "none"},
    )
    axes.axvline(0.0, color=ink(), linewidth=0.8, linestyle=":")
    axes.invert_yaxis()
    axes.tick_params(axis="y", labelsize=8)
    axes.xaxis.set_major_locator(MaxNLocator(6))
    verb = "lost" if find_metric(found.metric).higher_is_better else "gained"
    axes.set_xlabel(f"{found.metric} {verb} by shuffling (as it is: {found.base:.3g})", fontsize=9)
    return axes


def _base(seen: Subject, judged: Metric, values: np.ndarray) -> float:
    """Return the metric as it is, or say that nothing can be lost of it."""
    if not np.isfinite(seen.predict(seen.arrays)).all():
        raise DataError("a prediction is not finite", fix="pl.find_origin says where it comes from.")
    whole = np.repeat(np.arange(len(seen))[:, None], len(seen.columns), axis=1)
    base = _score(seen, judged, whole, values) * (1 if judged.higher_is_better else -1)
    if not np.isfinite(base):
        fix = "Pass more examples, or another metric."
        raise DataError("the metric has no finite value on these examples", where=judged.name, got=f"{base:g}", fix=fix)
    return base


class _Taking:
    """What scikit-learn takes for an estimator; the score does all there is to do."""

    def fit(self, rows: Any, target: Any = None) -> _Taking:
        return self


def _metric(subject: Subject, name: str | None) -> Metric:
    task = _task(subject)
    if name is None:
        return next(
            found for found in metrics_for(task) if found.name == ("r2" if task == "regression" else "accuracy")
        )
    found = find_metric(name)
    if task not in found.tasks or not found.fits(subject.target.kind):
        raise UsageError("the metric does not fit the task", where="metric", got=name, expected=f"one for {task}")
    return found


def _task(subject: Subject) -> str:
    count = len(subject.target.classes)
    return "regression" if not count else "binary" if count == 2 else "multiclass"


def _score(subject: Subject, judged: Metric, rows: np.ndarray, target: np.ndarray) -> float:
    """Return the metric, the higher the better, where the cells of each column come from the rows that stand there."""
    arrays = {name: np.array(array) for name, array in subject.arrays.items()}
    for place, parts in enumerate(subject.columns.values()):
        for name, columns in parts:
            flat, source = arrays[name].reshape(len(rows), -1), subject.arrays[name].reshape(len(rows), -1)
            flat[:, columns] = source[rows[:, place], columns]
    prediction = subject.predict(arrays)
    if judged.decided and len(subject.target.classes) == 2:
        prediction = (prediction > subject.target.threshold).astype(np.float64)
    else:
        prediction = as_probability(prediction, subject.target.kind)
    column = target if _task(subject) == "multiclass" else target[:, None].astype(np.float64)
    value = judged.compute(prediction, column, np.asarray(subject.weights, np.float64))
    return value if judged.higher_is_better else -value
