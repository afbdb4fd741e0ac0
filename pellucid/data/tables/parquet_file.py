"""Read a Parquet file."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from pellucid.data.tables.columns import Column, shorten
from pellucid.data.tables.convert import column_from_arrow
from pellucid.errors import DataError


def read_parquet(path: str) -> tuple[Column, ...]:
    """Read all columns of a Parquet file.

    Raises
    ------
    DataError
        Where the file is damaged, has no rows, or a column holds what no column of a table can.
    """
    import pyarrow as pa
    from pyarrow import parquet

    if Path(path).stat().st_size == 0:
        raise DataError("the file is empty", where=path, expected="a Parquet file")
    try:
        table = parquet.read_table(path, partitioning=None)
        table.validate(full=True)
        names, cells = table.column_names, table.columns
    except (pa.ArrowException, OSError, ValueError) as error:
        if isinstance(error, FileNotFoundError | PermissionError):
            raise
        raise _unreadable(path, error) from None
    if table.num_rows == 0:
        raise DataError("the table has no rows", where=path)
    columns = []
    del table
    cells.reverse()
    for name in names:
        try:
            columns.append(column_from_arrow(name, cells.pop()))  # and what Arrow held of it is let go
        except DataError as error:
            raise error.at(path) from None
    return tuple(columns)


def _unreadable(path: str, error: Exception) -> DataError:
    import pyarrow as pa
    from pyarrow import parquet

    try:
        repeated = [name for name, times in Counter(parquet.read_schema(path).names).items() if times > 1]
    except (pa.ArrowException, OSError, ValueError):
        repeated = []
    if repeated:
        return DataError("two columns have the same name", where=path, got=shorten(repeated[0]))
    what = "the file is damaged, or is no Parquet file"
    return DataError(what, where=path, got=str(error), fix="Export the table anew.")
