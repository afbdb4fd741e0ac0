"""Trials as columns of a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pellucid.data.tables.table import Table
from pellucid.tuning.space.values import format_value
from pellucid.tuning.trial import Trial

PREFIX = "parameters."


def columns_of(trials: Sequence[Trial]) -> dict[str, list[Any]]:
    """Return what a table says of trials: a row each, and a column for every parameter.

    A parameter that a trial does not have is missing, as is one that is None. Lists are written as the grammar of
    search spaces writes them, and so is all of a column that holds values of several kinds.

    Examples
    --------
    >>> found = columns_of([Trial(0, {"units": (64, 32)}), Trial(1, {"units": 16, "rate": 0.1})])
    >>> found["parameters.units"], found["parameters.rate"]
    (['[64, 32]', '16'], [None, 0.1])
    """
    columns: dict[str, list[Any]] = {
        "number": [trial.number for trial in trials],
        "state": [trial.state for trial in trials],
        "value": [trial.value for trial in trials],
        "deviation": [trial.deviation for trial in trials],
        "epochs": [trial.epochs for trial in trials],
        "seconds": [trial.seconds for trial in trials],
        "bracket": [trial.bracket for trial in trials],
        "error": [trial.error for trial in trials],
    }
    for name in dict.fromkeys(name for trial in trials for name in trial.parameters):
        columns[PREFIX + name] = _of_one_kind([trial.parameters.get(name) for trial in trials])
    return columns


def _of_one_kind(values: list[Any]) -> list[Any]:
    kinds = {type(value) for value in values if value is not None}
    if kinds == {int, float}:
        return [None if value is None else float(value) for value in values]
    if len(kinds) <= 1 and not kinds & {list, tuple}:
        return values
    return [None if value is None else value if isinstance(value, str) else format_value(value) for value in values]


def to_frame(trials: Sequence[Trial]) -> Any:
    """Return trials as a data frame of pandas; of Polars where pandas is not there; or as a table.

    Raises
    ------
    DataError
        Where neither is there and there are no trials: a table has a row at least.
    """
    columns = columns_of(trials)
    try:
        import pandas
    except ImportError:
        pass
    else:
        return pandas.DataFrame(columns)
    try:
        import polars
    except ImportError:
        return Table.from_columns(columns)
    return polars.DataFrame(columns, strict=False)
