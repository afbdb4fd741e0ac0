"""Learning curves: loss and metrics by epoch, of one run or of many."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pellucid.errors import DataError, UsageError, nearest
from pellucid.inspection.pictures.style import FEW_COLORS, MANY_COLORS, axes_for, ink, outlined, short
from pellucid.training.metrics import METRICS
from pellucid.training.population_result import Population

BAND = (0.1, 0.9)
"""The quantiles between which the band of several runs lies."""

LOG_FROM = 10.0
"""Curves that span more than this, all above 0, are drawn on a logarithmic scale."""

Records = list[dict[str, Any]]


@dataclass(frozen=True)
class Group:
    """Runs that are drawn together: their records, and the best epoch where it is known."""

    name: str
    runs: list[Records]
    best: int | None


def plot_curves(
    runs: Any,
    metric: str = "loss",
    *,
    learning_rate: bool = False,
    log: bool | None = None,
    ax: Any = None,
) -> Any:
    """Draw learning curves: a metric by epoch, of training and of validation.

    The validation part is a full line, training a dashed one. Of one run the best epoch is marked: the one whose
    parameters were kept, or else the one with the best value. Of several runs, as of a population, there is their
    median with a band from the 10% to the 90% quantile, over those that were still running.

    Parameters
    ----------
    runs : Fit, Population, estimator of Pellucid, list of records, path of a ``history.jsonl``; or several of them
        Several in a list are runs of one kind; in a mapping each is drawn in a colour of its own, under its name.
    metric : str
        ``loss``, or a metric that was recorded: ``accuracy`` stands in a record as ``validation_accuracy``; of several
        outputs ``price/rmse``.
    learning_rate : bool
        Whether the learning rate is drawn too, on a logarithmic scale of its own to the right.
    log : bool, optional
        Whether the metric is drawn on a logarithmic scale; by default where it is above 0, spans more than a factor of
        10, and less of it is better.
    ax : Axes, optional

    Returns
    -------
    Axes

    Raises
    ------
    UsageError
        Where the metric was not recorded, or there are no epochs.

    Examples
    --------
    >>> history = [{"epoch": e, "loss": 1 / e, "validation_loss": 1 / e + 0.01 * e} for e in range(1, 31)]
    >>> axes = plot_curves(history)
    >>> axes.get_xlabel(), axes.get_yscale(), [line.get_label() for line in axes.lines]
    ('epoch', 'log', ['training', 'validation', 'best epoch: 10'])
    """
    groups = read_groups(runs)
    names = _keys(groups, metric)
    axes = axes_for(ax)
    colors = FEW_COLORS if len(groups) <= len(FEW_COLORS) else MANY_COLORS
    drawn: list[np.ndarray] = []
    for number, group in enumerate(groups):
        color = colors[number % len(colors)]
        for part, key in names.items():
            epochs, values = _table(group.runs, key)
            if epochs.size:
                _draw(axes, group, part, epochs, values, color, alone=len(groups) == 1)
                drawn.append(values[np.isfinite(values)])
        _mark_best(axes, group, names, metric, color)
    _set_scale(axes, np.concatenate(drawn), metric, log)
    axes.set_xlabel("epoch")
    axes.set_ylabel(metric)
    if learning_rate:
        _draw_rates(axes, groups)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(fontsize=8)
    return axes


# -- what is given -----------------------------------------------------------------------------------------------------


def read_groups(runs: Any) -> list[Group]:
    """Return the runs that are drawn together, from anything that :func:`plot_curves` takes."""
    named = dict(runs) if isinstance(runs, Mapping) else {"": runs}
    groups = [_read_group(str(name), found) for name, found in named.items()]
    if not groups or not all(any(records for records in group.runs) for group in groups):
        raise UsageError("there are no epochs to draw", fix="Pass a fit that was trained for an epoch at least.")
    return groups


def _read_group(name: str, found: Any) -> Group:
    if isinstance(found, (list, tuple)) and found and not isinstance(found[0], Mapping):
        parts = [_read_group(name, part) for part in found]
        runs = [records for part in parts for records in part.runs]
        return Group(name, runs, parts[0].best if len(runs) == 1 else None)
    if isinstance(found, Population):
        runs = [list(found[number].history) for number in found.usable]
        return Group(name, runs, found[found.usable[0]].best_epoch if len(runs) == 1 else None)
    if isinstance(found, (str, os.PathLike)):
        return Group(name, [_read_file(Path(found))], None)
    if hasattr(found, "history"):
        judged = any("validation_loss" in record for record in found.history)
        return Group(name, [list(found.history)], getattr(found, "best_epoch", None) if judged else None)
    if hasattr(found, "members_"):
        return Group(name, [list(member.records) for member in found.members_], None)
    if isinstance(found, Sequence) and not isinstance(found, str):
        return Group(name, [[dict(record) for record in found]], None)
    expected = "a Fit, a Population, records, or several of them"
    raise UsageError("no learning curves in this", got=repr(found)[:60], expected=expected)


def _read_file(path: Path) -> Records:
    if path.is_dir():
        path = path / "history.jsonl"
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
        return [json.loads(line) for line in lines if line.strip()]
    except OSError as error:
        raise DataError("the history cannot be read", where=str(path), got=error.strerror or str(error)) from None
    except ValueError as error:
        raise DataError("the history is no lines of JSON", where=str(path), got=str(error)) from None


def _keys(groups: Sequence[Group], metric: str) -> dict[str, str]:
    """Return under which key of a record the metric stands, of training and of validation."""
    known = {key for group in groups for records in group.runs for record in records for key in record}
    found = {"training": metric, "validation": f"validation_{metric}"}
    found = {part: key for part, key in found.items() if key in known}
    if not found:
        other = {"epoch", "step", "seconds", "learning_rate"}
        names = {key.removeprefix("validation_") for key in known if key not in other}
        raise UsageError(f"no metric {metric!r} was recorded", where="metric", fix=nearest(metric, names))
    return found


def _table(runs: Sequence[Records], key: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the epochs and values [runs, epochs] of a key, NaN where a run has none."""
    found = [
        {
            record.get("epoch", place): record[key]
            for place, record in enumerate(records, 1)
            if record.get(key) is not None
        }
        for records in runs
    ]
    epochs = sorted({epoch for values in found for epoch in values})
    table = np.array([[values.get(epoch, np.nan) for epoch in epochs] for values in found], np.float64)
    return np.array(epochs), table.reshape(len(runs), len(epochs))


# -- drawing -----------------------------------------------------------------------------------------------------------


def _draw(axes: Any, group: Group, part: str, epochs: np.ndarray, values: np.ndarray, color: str, alone: bool) -> None:
    line = {"training": (0, (4, 2)), "validation": "-"}[part]
    label = part if alone else f"{short(group.name)}, {part}"
    if len(values) == 1:
        marker = "o" if len(epochs) == 1 else None
        axes.plot(epochs, values[0], color=color, linestyle=line, label=label, marker=marker)
        return
    low, middle, high = _quantiles(values)
    axes.plot(epochs, middle, color=color, linestyle=line, label=f"{label}, median of {len(values)}")
    axes.fill_between(epochs, low, high, color=color, alpha=0.22, linewidth=0)


def _quantiles(values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the lower end of the band, the median and the upper end by epoch, over the runs that have a value."""
    columns = [column[np.isfinite(column)] for column in values.T]
    found = [np.quantile(column, (BAND[0], 0.5, BAND[1])) if column.size else np.full(3, np.nan) for column in columns]
    low, middle, high = np.array(found).T
    return low, middle, high


def _mark_best(axes: Any, group: Group, names: Mapping[str, str], metric: str, color: str) -> None:
    """Mark the best epoch of a single run that was judged by a validation part."""
    if len(group.runs) != 1 or "validation" not in names:
        return
    epochs, values = _table(group.runs, names["validation"])
    if not np.isfinite(values).any():
        return
    place = int((np.nanargmax if _higher_is_better(metric) else np.nanargmin)(values[0]))
    if group.best in epochs.tolist():
        place = epochs.tolist().index(group.best)
    axes.plot(
        epochs[place : place + 1],
        values[0][place : place + 1],
        linestyle="",
        marker="*",
        markersize=13,
        color=color,
        markeredgecolor=ink(),
        markeredgewidth=0.8,
        label=f"best epoch: {epochs[place]}",
        zorder=5,
    )


def _higher_is_better(metric: str) -> bool:
    known = METRICS.get(metric.rpartition("/")[2])
    return known is not None and known.higher_is_better


def _set_scale(axes: Any, values: np.ndarray, metric: str, log: bool | None) -> None:
    positive = bool(values.size) and bool((values > 0).all())
    if log and not positive:
        raise UsageError("a logarithmic scale takes values above 0", where="log", got=f"{values.min():.4g}")
    helps = positive and values.max() > LOG_FROM * values.min() and not _higher_is_better(metric)
    if helps if log is None else log:
        axes.set_yscale("log")


def _draw_rates(axes: Any, groups: Sequence[Group]) -> None:
    beside = axes.twinx()
    for group in groups:
        epochs, values = _table(group.runs, "learning_rate")
        if not epochs.size:
            raise UsageError("no learning rate was recorded", where="learning_rate")
        middle = _quantiles(values)[1]
        beside.plot(epochs, middle, color=ink(), linewidth=1.0, linestyle=":", path_effects=outlined(2.0))
    beside.set_ylabel("learning rate (dotted)", fontsize=9)
    if all(line.get_ydata().size and (line.get_ydata() > 0).all() for line in beside.lines):
        beside.set_yscale("log")
