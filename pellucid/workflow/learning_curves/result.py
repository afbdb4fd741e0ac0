"""The learning curve: what was measured, the law that fits, and what follows from both."""

from __future__ import annotations

import html
from dataclasses import dataclass
from typing import Any

import numpy as np

from pellucid.workflow.learning_curves.advice import Gain, error_interval
from pellucid.workflow.learning_curves.ladder import Sizes
from pellucid.workflow.learning_curves.power_law import PowerLaw


@dataclass(frozen=True, eq=False)
class LearningCurve:
    """The error on rows held out against the number of rows learned from, and against the size of the network.

    Made by :func:`pellucid.learning_curve`.

    Attributes
    ----------
    metric : str
        What was measured, such as ``rmse``.
    error : str
        What stands for it here: the metric itself where less is better, such as ``1 - accuracy`` otherwise.
    rows : ndarray of int64 [sizes]
        How many rows were learned from, ascending. Those for validation come on top.
    errors : ndarray of float64 [draws, sizes]
        In the unit of the target, where there is one.
    hidden : tuple of tuple of int
        The hidden layers of each network, from the smallest network on.
    parameters : ndarray of int64 [networks]
        How many parameters each has.
    network_errors : ndarray of float64 [draws, networks]
    network_rows : int
        How many rows the networks have learned from.
    planned : int
        Which of the networks is the one of the settings.
    held_out : int
        How many rows a draw holds out, on average.
    law : PowerLaw or None
        How the error falls with the number of rows; None where it follows no power law.
    more_rows : Gain or None
        What twice as many rows would bring by the law; without one, what the last doubling has brought.
    larger, smaller : Gain or None
        What the best larger network brings; and how the smallest one compares that is not measurably worse.
    notes : tuple of str
        What the reader has to know.
    seconds, compile_seconds : float
        What it took in all; and compiling, all threads together.
    interrupted : bool
    """

    metric: str
    error: str
    rows: np.ndarray
    errors: np.ndarray
    hidden: tuple[Sizes, ...]
    parameters: np.ndarray
    network_errors: np.ndarray
    network_rows: int
    planned: int
    held_out: int
    law: PowerLaw | None
    more_rows: Gain | None
    larger: Gain | None
    smaller: Gain | None
    notes: tuple[str, ...] = ()
    seconds: float = 0.0
    compile_seconds: float = 0.0
    interrupted: bool = False

    def __repr__(self) -> str:
        return f"<LearningCurve of {self.error}, {len(self.rows)} sizes, {len(self.hidden)} networks>"

    def __str__(self) -> str:
        from pellucid.workflow.learning_curves.view import view_learning_curve
        from pellucid.workflow.reports.layout import as_text

        return as_text(view_learning_curve(self), 100).rstrip("\n")

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(str(self))}</pre>"

    @property
    def overlap(self) -> float:
        """Rows held out by rows learned from: intervals are the wider for it."""
        return self.held_out / int(self.rows[-1])

    @property
    def mean(self) -> np.ndarray:
        """The mean error of each number of rows, [sizes]."""
        return self.errors.mean(axis=0)

    @property
    def deviation(self) -> np.ndarray:
        """The standard deviation over the draws (their number less one as divisor), [sizes]."""
        return _deviation(self.errors)

    @property
    def network_mean(self) -> np.ndarray:
        """The mean error of each network, [networks]."""
        return self.network_errors.mean(axis=0)

    @property
    def network_deviation(self) -> np.ndarray:
        """The standard deviation over the draws, [networks]."""
        return _deviation(self.network_errors)

    def advice(self) -> tuple[str, ...]:
        """Return in words whether more rows would help, and whether another network would."""
        from pellucid.workflow.learning_curves.words import tell_advice

        return tell_advice(self)

    def plot(self, figure: Any = None) -> Any:
        """Draw both curves side by side, and return the Matplotlib figure.

        Parameters
        ----------
        figure : Figure or SubFigure, optional
            By default a new one.
        """
        from pellucid.workflow.learning_curves.picture import draw_learning_curve

        return draw_learning_curve(self, figure)

    def as_dict(self) -> dict[str, Any]:
        """Return all of it as plain data."""
        law = self.law
        return {
            "metric": self.metric,
            "error": self.error,
            "draws": len(self.errors),
            "held_out": self.held_out,
            "rows": _points(self.rows, self.errors, self.overlap, "rows"),
            "networks": [
                {"hidden": list(hidden), **point}
                for hidden, point in zip(
                    self.hidden,
                    _points(self.parameters, self.network_errors, self.overlap, "parameters"),
                    strict=True,
                )
            ],
            "network_rows": self.network_rows,
            "planned": self.planned,
            "law": None
            if law is None
            else {
                "floor": law.floor,
                "floor_interval": law.floor_interval,
                "scale": law.scale,
                "exponent": law.exponent,
                "exponent_interval": law.exponent_interval,
                "holds_from": law.first,
                "misfit": law.misfit,
            },
            "more_rows": _gain(self.more_rows),
            "larger_network": _gain(self.larger),
            "smaller_network": _gain(self.smaller),
            "advice": list(self.advice()),
            "notes": list(self.notes),
            "seconds": round(self.seconds, 2),
            "compile_seconds": round(self.compile_seconds, 2),
            "interrupted": self.interrupted,
        }


def _deviation(errors: np.ndarray) -> np.ndarray:
    return errors.std(axis=0, ddof=1) if len(errors) > 1 else np.zeros(errors.shape[1])


def _points(counts: np.ndarray, errors: np.ndarray, overlap: float, name: str) -> list[dict[str, Any]]:
    found = []
    for count, values, deviation in zip(counts, errors.T, _deviation(errors), strict=True):
        low, high = error_interval(values, overlap) or (None, None)
        found.append(
            {
                name: int(count),
                "error": float(values.mean()),
                "deviation": float(deviation),
                "low": low,
                "high": high,
                "draws": values.tolist(),
            }
        )
    return found


def _gain(gain: Gain | None) -> dict[str, Any] | None:
    if gain is None:
        return None
    low, high = gain.interval or (None, None)
    told = {"change": gain.change, "before": gain.before, "after": gain.after, "low": low, "high": high}
    return {**told, "verdict": gain.verdict}
