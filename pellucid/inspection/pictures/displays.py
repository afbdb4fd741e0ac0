"""How good predictions of classes are, by scikit-learn's own displays: ROC, calibration, confusion."""

from __future__ import annotations

from typing import Any

import numpy as np

from pellucid.errors import DataError, UsageError
from pellucid.inspection.pictures.reading import as_subject
from pellucid.inspection.pictures.style import axes_for, class_color, ink, short
from pellucid.inspection.pictures.subject import Subject, by_class, decided


def plot_roc(subject: Any, data: Any, *, of: str | int | None = None, name: str | None = None, ax: Any = None) -> Any:
    """Draw the receiver operating characteristic: true against false positives, for every threshold.

    Of more than two classes there is a curve for each, against all others. The area under each is in the legend.

    Parameters
    ----------
    subject : Fit, Population, Model, or estimator
    data : Dataset for a fit or population; a table for a model; (X, y) for an estimator
        Best examples that training has not seen.
    of : str or int, optional
        Which output or label, where there are several.
    name : str, optional
        What the curve of two classes is called; several can be drawn on the same `ax`.
    ax : Axes, optional

    Returns
    -------
    Axes

    Raises
    ------
    UsageError
        Where the targets are missing or are no classes.
    DataError
        Where all examples are of one class.

    Notes
    -----
    Drawn by ``sklearn.metrics.RocCurveDisplay``; examples count by their weights.

    Examples
    --------
    >>> import numpy as np, pellucid as pl
    >>> x = np.random.default_rng(0).normal(size=(60, 2))
    >>> data = pl.Dataset({"x": x}, x[:, 0] > x[:, 1])
    >>> fit = pl.fit(pl.Network([pl.Dense(1)], inputs=2), data, loss="binary_cross_entropy", epochs=5)
    >>> plot_roc(fit, data).get_xlabel()
    'False Positive Rate (Positive label: 1)'
    """
    from sklearn.metrics import RocCurveDisplay

    seen, codes, values = _judged(subject, data, of, "a ROC curve")
    axes = axes_for(ax, (5.0, 5.0))
    first = not axes.lines
    for number, label, style in _curves(seen, codes, name):
        RocCurveDisplay.from_predictions(
            codes == number, values[:, number], sample_weight=seen.weights, name=label, ax=axes, curve_kwargs=style
        )
    if first:
        axes.plot([0, 1], [0, 1], color=ink(), linestyle=":", linewidth=1, label="chance (AUC = 0.5)")
    if len(seen.target.classes) > 2:
        axes.set_xlabel("False positive rate")
        axes.set_ylabel("True positive rate")
    axes.legend(fontsize=8, loc="lower right")
    return axes


def plot_calibration(
    subject: Any,
    data: Any,
    *,
    of: str | int | None = None,
    bins: int = 10,
    strategy: str = "quantile",
    name: str | None = None,
    ax: Any = None,
) -> Any:
    """Draw how often what was predicted with some probability is true: on the diagonal, probabilities can be believed.

    Of more than two classes there is a curve for each.

    Parameters
    ----------
    subject, data, of, name
        As for :func:`plot_roc`.
    bins : int
        Into how many groups the examples are divided by their probability.
    strategy : {"quantile", "uniform"}
        Whether the groups have as many examples each, or are as wide.
    ax : Axes, optional

    Returns
    -------
    Axes

    Raises
    ------
    UsageError
        Where scores are predicted that are no probabilities, or the targets are missing or are no classes.
    DataError
        Where all examples are of one class.

    Notes
    -----
    Drawn by ``sklearn.calibration.CalibrationDisplay``, which does not weigh examples.

    Examples
    --------
    >>> import numpy as np, pellucid as pl
    >>> x = np.random.default_rng(0).normal(size=(60, 2))
    >>> data = pl.Dataset({"x": x}, x[:, 0] > x[:, 1])
    >>> fit = pl.fit(pl.Network([pl.Dense(1)], inputs=2), data, loss="binary_cross_entropy", epochs=5)
    >>> plot_calibration(fit, data, bins=4).get_ylabel()
    'Share that is true'
    """
    from sklearn.calibration import CalibrationDisplay

    if strategy not in ("quantile", "uniform"):
        raise UsageError("groups are made by quantile or uniform", where="strategy", got=repr(strategy))
    if isinstance(bins, bool) or not isinstance(bins, (int, np.integer)) or bins < 1:
        raise UsageError("a number of groups is a whole number from 1 up", where="bins", got=repr(bins))
    seen, codes, values = _judged(subject, data, of, "calibration")
    if seen.target.kind != "probability":
        raise UsageError("calibration is of probabilities", got=f"a {seen.target.kind}")
    axes = axes_for(ax, (5.0, 5.0))
    first = not axes.lines
    for number, label, style in _curves(seen, codes, name):
        CalibrationDisplay.from_predictions(
            codes == number,
            np.clip(values[:, number], 0.0, 1.0),
            n_bins=int(bins),
            strategy=strategy,
            name=label,
            ax=axes,
            ref_line=False,
            markersize=4,
            **style,
        )
    if first:
        axes.plot([0, 1], [0, 1], color=ink(), linestyle=":", linewidth=1, label="perfectly calibrated")
    axes.set_xlim(-0.02, 1.02)
    axes.set_ylim(-0.02, 1.02)
    axes.set_xlabel("Predicted probability, mean of the group")
    axes.set_ylabel("Share that is true")
    axes.legend(fontsize=8, loc="upper left")
    return axes


def plot_confusion(
    subject: Any, data: Any, *, of: str | int | None = None, normalize: str | None = None, ax: Any = None
) -> Any:
    """Draw the confusion matrix: how many examples of each class are predicted to be of which.

    Parameters
    ----------
    subject, data, of
        As for :func:`plot_roc`.
    normalize : {"true", "pred", "all"}, optional
        Shares of the row, of the column or of all examples in the place of numbers.
    ax : Axes, optional

    Returns
    -------
    Axes

    Raises
    ------
    UsageError
        Where the targets are missing or are no classes.

    Notes
    -----
    Drawn by ``sklearn.metrics.ConfusionMatrixDisplay``. Examples count by their weights where they have any.

    Examples
    --------
    >>> import numpy as np, pellucid as pl
    >>> x = np.random.default_rng(0).normal(size=(60, 2))
    >>> data = pl.Dataset({"x": x}, x[:, 0] > x[:, 1])
    >>> fit = pl.fit(pl.Network([pl.Dense(1)], inputs=2), data, loss="binary_cross_entropy", epochs=5)
    >>> plot_confusion(fit, data).get_ylabel()
    'True label'
    """
    from sklearn.metrics import ConfusionMatrixDisplay

    if normalize not in (None, "true", "pred", "all"):
        raise UsageError("shares are of true, pred or all", where="normalize", got=repr(normalize))
    seen = as_subject(subject, data, of)
    classes, codes = seen.require_classes("a confusion matrix"), seen.require_values()
    weighed = not np.all(seen.weights == 1)
    axes = axes_for(ax, (5.0, 4.4))
    ConfusionMatrixDisplay.from_predictions(
        codes,
        decided(seen.predict(seen.arrays), seen.target),
        labels=range(len(classes)),
        sample_weight=seen.weights if weighed else None,
        normalize=normalize,
        display_labels=[short(name) for name in classes],
        xticks_rotation="vertical" if max(map(len, classes)) > 4 and len(classes) > 2 else "horizontal",
        values_format=None if normalize is None and not weighed else ".2f",
        cmap="Blues",
        text_kw={"fontsize": 9 if len(classes) < 8 else 7},
        ax=axes,
    )
    return axes


def _judged(subject: Any, data: Any, of: str | int | None, what: str) -> tuple[Subject, np.ndarray, np.ndarray]:
    """Return what is drawn, the classes of the examples, and a column of probabilities or scores for each class."""
    seen = as_subject(subject, data, of)
    seen.require_classes(what)
    codes = seen.require_values()
    found = np.unique(codes[seen.weights > 0])
    if len(found) < 2:
        got = f"only {seen.target.classes[int(found[0])]!r}" if found.size else "none"
        raise DataError(f"{what} needs examples of two classes", where=seen.target.name, got=got)
    values = by_class(seen.predict(seen.arrays), seen.target)
    if not np.isfinite(values).all():
        row = int(np.argwhere(~np.isfinite(values))[0, 0])
        raise DataError(
            "a prediction is not finite", where=f"row {row}", fix="pl.find_origin says where it comes from."
        )
    return seen, codes, values


def _curves(subject: Subject, codes: np.ndarray, name: str | None) -> list[tuple[int, str, dict[str, Any]]]:
    """Return the number of the class, the name and the style of each curve."""
    classes = subject.target.classes
    if len(classes) == 2:
        return [
            (1, short(classes[1]) if name is None else name, {} if name is not None else {"color": class_color(0, 2)})
        ]
    there = [number for number in range(len(classes)) if 0 < (codes == number).sum() < len(codes)]
    return [(number, short(classes[number]), {"color": class_color(number, len(classes))}) for number in there]
