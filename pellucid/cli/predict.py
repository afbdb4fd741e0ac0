"""``pellucid predict``: a CSV of predictions for the rows of a table."""

from __future__ import annotations

import csv
import io
import sys
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from pellucid.data.table import read_table
from pellucid.errors import UsageError
from pellucid.files import write_atomically
from pellucid.model.folder import load_model
from pellucid.model.model import Model


def predict(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="A run folder.", show_default=False)],
    table: Annotated[str, typer.Argument(metavar="TABLE", help="A CSV or Parquet file.", show_default=False)],
    out: Annotated[
        str, typer.Option("--out", "-o", metavar="FILE", help="The CSV file to write; - for standard output.")
    ] = "-",
    probabilities: Annotated[
        bool, typer.Option("--probabilities", help="Add a column with the probability of each class.")
    ] = False,
) -> None:
    """Predict the target of every row of a table, as CSV, in the order of the rows.

    The columns are named after the targets; with --probabilities there are more, such as p(color=red). Columns of the
    table are found by their names, and those that the model does not read are passed over.
    """
    if out != "-":
        _check_out(Path(out))
    loaded = load_model(model)
    content = predictions_as_csv(loaded, read_table(table), probabilities).encode("utf-8")
    if out == "-":
        sys.stdout.flush()
        sys.stdout.buffer.write(content)
        return
    try:
        write_atomically(out, content)
    except OSError as error:
        raise UsageError("the file cannot be written", where=out, got=error.strerror or str(error)) from None


def _check_out(path: Path) -> None:
    if path.is_dir():
        raise UsageError("this is a directory", where=f"--out {path}", expected="the name of a CSV file")
    if path.suffix.lower() in (".parquet", ".pq", ".xlsx", ".json"):
        raise UsageError("predictions are written as CSV", where=f"--out {path}", fix="Give the file the ending .csv.")
    if not path.absolute().parent.is_dir():
        raise UsageError("there is no such folder", where=f"--out {path}", fix="Make it first.")


def predictions_as_csv(model: Model, data: Any, probabilities: bool = False) -> str:
    """Return the predictions for the rows of a table as CSV: numbers as they are, to the last digit.

    Parameters
    ----------
    model : Model
    data : Table, or what becomes one
    probabilities : bool
        Add the probability of each class, or for multilabel of each label.
    """
    columns: dict[str, np.ndarray] = dict(model.predict(data))
    if probabilities:
        columns |= name_probabilities(model, model.predict_probabilities(data))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(zip(*([_cell(value) for value in column.tolist()] for column in columns.values()), strict=True))
    return text.getvalue()


def name_probabilities(model: Model, found: np.ndarray) -> dict[str, np.ndarray]:
    """Return probabilities [rows, classes or labels] by their names, such as ``p(color=red)``."""
    targets = model.targets
    if targets.task == "multilabel":
        names = [f"p({name}={_cell(targets.classes[1])})" for name in targets.names]
    else:
        names = [f"p({targets.names[0]}={_cell(label)})" for label in targets.classes]
    return dict(zip(names, found.T, strict=True))


def _cell(value: Any) -> Any:
    return str(value).lower() if isinstance(value, bool) else value
