"""Columns of data frames and of sparse matrices."""

from __future__ import annotations

from typing import Any

import numpy as np

from pellucid.data.tables.columns import Column
from pellucid.data.tables.convert import column_from_arrow, column_from_values
from pellucid.errors import DataError

LARGEST_DENSE = 2 << 30


def columns_of_frame(data: Any) -> tuple[Column, ...]:
    """Take over the columns of a data frame of pandas, Polars or PyArrow.

    Raises
    ------
    DataError
        Where this is no data frame, a column holds what no column can, or two have the same name.
    """
    import narwhals as nw
    import pyarrow as pa

    try:
        frame = nw.from_native(data, eager_only=True)
    except nw.exceptions.DuplicateError as error:
        raise DataError("two columns have the same name", got=" ".join(str(error).split())) from None
    except TypeError:
        raise DataError(
            "this cannot be a table",
            got=f"a {type(data).__module__}.{type(data).__qualname__}",
            expected="a path, an array, columns by name, or a data frame of pandas, Polars or PyArrow",
        ) from None
    columns = []
    for name, series in zip(frame.columns, frame.iter_columns(), strict=True):
        try:
            cells = series.to_arrow()
        except (
            pa.ArrowException,
            OverflowError,
        ):  # a column of objects of several types, or of numbers without a limit
            cells = None
        if cells is None or isinstance(cells.type, pa.BaseExtensionType):  # periods of pandas
            columns.append(column_from_values(str(name), series.to_list()))
            continue
        columns.append(column_from_arrow(str(name), pa.chunked_array(cells if isinstance(cells, list) else [cells])))
    return tuple(columns)


def columns_of_sparse(matrix: Any) -> tuple[Column, ...]:
    """Make dense columns x0, x1, ... of a sparse matrix [rows, columns] of SciPy.

    Raises
    ------
    DataError
        Where they would take more than 2 GiB.
    """
    if matrix.ndim != 2:
        raise DataError("an array cannot be a table", got=f"shape {list(matrix.shape)}", expected="[rows, columns]")
    size = 8 * matrix.shape[0] * matrix.shape[1]
    if size > LARGEST_DENSE:
        raise DataError(
            "a sparse matrix is too large to become a table, which is dense",
            got=f"{matrix.shape[0]} rows and {matrix.shape[1]} columns, {size / (1 << 30):,.1f} GiB of numbers",
            expected=f"at most {LARGEST_DENSE >> 30} GiB",
            fix="Give it to an estimator such as MLPClassifier, which keeps it sparse, or leave columns out.",
        )
    columns = matrix.tocsc(copy=True)
    columns.sum_duplicates()
    found = []
    for place, (start, end) in enumerate(zip(columns.indptr[:-1], columns.indptr[1:], strict=True)):
        values = np.zeros(matrix.shape[0], columns.dtype)
        values[columns.indices[start:end]] = columns.data[start:end]
        found.append(column_from_values(f"x{place}", values))
    return tuple(found)
