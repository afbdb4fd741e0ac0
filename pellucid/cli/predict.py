"""``pellucid predict``: predictions for the rows of a table, as CSV, Parquet or JSON."""

from __future__ import annotations

import csv
import io
import json
import shutil
import sys
import tempfile
from collections.abc import Iterator
from typing import Annotated, BinaryIO

import typer

from pellucid.cli.options import ExecutorOption, check_table
from pellucid.cli.output import as_plain, check_file
from pellucid.data.tables.table import read_table
from pellucid.errors import UsageError
from pellucid.executors.program import DEFAULT_EXECUTOR
from pellucid.files import open_atomically
from pellucid.model.folder import load_model
from pellucid.model.scalars import PREDICTION
from pellucid.workflow.named_predictions import Columns, cell, name_predictions

PARQUET, CSV, JSON_LINES = (".parquet", ".pq"), (".csv", ".txt", ".tsv", ""), (".jsonl", ".ndjson", ".json")


def predict(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="A run folder.", show_default=False)],
    table: Annotated[str, typer.Argument(metavar="TABLE", help="A CSV or Parquet file.", show_default=False)],
    out: Annotated[
        str, typer.Option("--out", "-o", metavar="FILE", help="The CSV or Parquet file to write; - for the output.")
    ] = "-",
    probabilities: Annotated[
        bool, typer.Option("--probabilities", help="Add a column with the probability of each class.")
    ] = False,
    executor: ExecutorOption = DEFAULT_EXECUTOR,
    as_json: Annotated[bool, typer.Option("--json", help="Write a JSON object for each row, a line each.")] = False,
) -> None:
    """Predict the target of every row of a table, in the order of the rows.

    The columns are named after the targets; with --probabilities there are more, such as p(color=red). Columns of the
    table are found by their names, and those that the model does not read are passed over.
    """
    check_table(table)
    write = _write_json if as_json else _write_csv
    if out != "-":
        endings = (*JSON_LINES, "") if as_json else (*CSV, *PARQUET)
        path = check_file("--out", out, endings, "a file of JSON lines" if as_json else "a CSV or Parquet file", table)
        write = _write_parquet if path.suffix.lower() in PARQUET else write
    loaded = load_model(model, executor)
    data = read_table(table)
    if probabilities:
        loaded.predict_probabilities(data.take([0]))  # a model of numbers says so before the work
    # Everything is computed before the first row is written, so that a bad cell leaves nothing half-written.
    chunks = name_predictions(loaded, loaded.compute(data)[PREDICTION], probabilities)
    if out == "-":
        with tempfile.SpooledTemporaryFile(max_size=2**24) as spool:
            write(spool, chunks)  # type: ignore[arg-type]
            spool.seek(0)
            sys.stdout.flush()
            shutil.copyfileobj(spool, sys.stdout.buffer)
        return
    try:
        with open_atomically(out) as file:
            write(file, chunks)
    except OSError as error:
        raise UsageError("the file cannot be written", where=out, got=error.strerror or str(error)) from None


def _write_csv(file: BinaryIO, chunks: Iterator[Columns]) -> None:
    for place, columns in enumerate(chunks):
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        if not place:
            writer.writerow(columns)
        writer.writerows(zip(*(map(cell, column.tolist()) for column in columns.values()), strict=True))
        file.write(text.getvalue().encode("utf-8"))


def _write_json(file: BinaryIO, chunks: Iterator[Columns]) -> None:
    for columns in chunks:
        rows = zip(*(as_plain(column) for column in columns.values()), strict=True)
        lines = (json.dumps(dict(zip(columns, row, strict=True)), ensure_ascii=False) + "\n" for row in rows)
        file.write("".join(lines).encode("utf-8"))


def _write_parquet(file: BinaryIO, chunks: Iterator[Columns]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    writer = None
    for columns in chunks:
        part = pa.table({name: pa.array(column.tolist()) for name, column in columns.items()})
        writer = writer or pq.ParquetWriter(file, part.schema)
        writer.write_table(part)
    assert writer is not None
    writer.close()
