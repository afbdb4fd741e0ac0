"""Writing the trials of a study for other programs."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO

from pellucid.cli.output import as_plain
from pellucid.cli.study_view import describe_record, describe_trial
from pellucid.errors import UsageError
from pellucid.files import open_atomically
from pellucid.tuning.study import Study
from pellucid.tuning.study.frames import columns_of
from pellucid.tuning.trial import Trial
from pellucid.workflow.named_predictions import cell

PARQUET, JSON = (".parquet", ".pq"), (".json",)
PLAIN = (".csv", *PARQUET, *JSON)


def write_trials(study: Study, path: Path) -> int:
    """Write all trials to a CSV, Parquet or JSON file, by its ending; return how many there are.

    Raises
    ------
    UsageError
        Where it cannot be written.
    """
    trials = study.trials()
    try:
        with open_atomically(path) as file:
            if path.suffix.lower() in JSON:
                _write_json(file, study, trials)
            elif path.suffix.lower() in PARQUET:
                _write_parquet(file, trials)
            else:
                _write_csv(file, trials)
    except OSError as error:
        raise UsageError("the file cannot be written", where=str(path), got=error.strerror or str(error)) from None
    return len(trials)


def _write_csv(file: BinaryIO, trials: Sequence[Trial]) -> None:
    columns = columns_of(trials)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(zip(*(map(cell, column) for column in columns.values()), strict=True))
    file.write(text.getvalue().encode("utf-8", "backslashreplace"))


def _write_parquet(file: BinaryIO, trials: Sequence[Trial]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.table({name: _array(pa, column) for name, column in columns_of(trials).items()}), file)


def _array(pa: Any, column: list[Any]) -> Any:
    try:
        return pa.array(column)
    except (OverflowError, pa.ArrowInvalid):  # whole numbers of more than 64 bits
        return pa.array([None if value is None else str(value) for value in column])


def _write_json(file: BinaryIO, study: Study, trials: Sequence[Trial]) -> None:
    record = study.record
    told = {
        "study": describe_record(record),
        "sessions": study.sessions(),
        "trials": [describe_trial(trial, record, with_members=True) for trial in trials],
    }
    file.write((json.dumps(as_plain(told), ensure_ascii=True) + "\n").encode("ascii"))
