"""A trained model judged by the rows of a table."""

from __future__ import annotations

from typing import Any

import numpy as np

from pellucid.data.dataset import check_weights
from pellucid.data.role_checks import read_weights
from pellucid.errors import DataError
from pellucid.model.model import Model
from pellucid.model.scalars import PREDICTION
from pellucid.workflow.baselines.baseline import CONSTANT, predict_constant
from pellucid.workflow.reports.report import Report, build_report, check_metric
from pellucid.workflow.reports.report_parts import NETWORK
from pellucid.workflow.understanding import digest_of

HINDSIGHT = "The {name} is that of these very rows: no constant prediction does better on them."
KNOWN_TABLE = "This is the table that the model was trained on: it has learned from most of these rows."


def evaluate_model(model: Model, data: Any, weight: Any = None, seed: int = 0, metric: str | None = None) -> Report:
    """Compare what a model predicts with the targets in a table; nothing is learned.

    Parameters
    ----------
    model : Model
    data : Table, path, data frame or mapping of columns
        With the columns that the model reads, and its targets.
    weight : str or array_like [rows], optional
        How much each row counts: the name of a column, or numbers.
    seed : int
        Of the intervals.
    metric : str, optional
        The metric to compare by; by default the first of the task.

    Returns
    -------
    Report
        On the model and on the best constant prediction.

    Raises
    ------
    DataError
        Where the data do not have the columns or the targets, or a cell or a weight does not fit.
    UsageError
        Where the metric does not exist.

    Examples
    --------
    >>> import pellucid as pl
    >>> table = {"x": [0.1 * row for row in range(40)], "y": [0.3 * row for row in range(40)]}
    >>> model = pl.train_table(table, "y", recipe=pl.Recipe(hidden=(), epochs=2)).model
    >>> report = evaluate_model(model, {"x": [5.0, 6.0, 7.0], "y": [15.0, 18.0, 21.0]})
    >>> report.rows, list(report.sections[0].scores["rmse"])
    (3, ['network', 'mean'])
    """
    targets = model.targets
    check_metric(metric, targets.task)
    table = model.table(data)
    truth = targets.read(table)
    weights = None
    if isinstance(weight, str):
        weights = read_weights(table, weight)
    elif weight is not None:
        weights = check_weights(np.asarray(weight))
        if len(weights) != len(table):
            raise DataError("weights and rows differ in number", got=f"{len(weights)}", expected=f"{len(table)}")
    name = CONSTANT[targets.task]
    predictions = {
        NETWORK: model.compute(table)[PREDICTION],
        name: predict_constant(targets, truth, len(table), weights),
    }
    known = model.provenance.get("table_sha256")
    notes = [HINDSIGHT.format(name=name)] + ([KNOWN_TABLE] if known and digest_of(table.path) == known else [])
    return build_report(targets, truth, predictions, seed, tuple(notes), weights, metric, kind=model.kind, fresh=False)
