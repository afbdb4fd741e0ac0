"""Encoding some rows of a large table without a second copy of them."""

from __future__ import annotations

import numpy as np

from pellucid.data.encoders.encoding import Encoding
from pellucid.data.tables.table import Table

AT_ONCE = 16384
"""So many rows are taken out of the table at once."""


def encode_rows(encoding: Encoding, table: Table, rows: np.ndarray) -> dict[str, np.ndarray]:
    """Return what the encoders make of some rows of a table, by the network's inputs.

    Examples
    --------
    >>> from pellucid.data.encoders.fit import fit_encoders
    >>> from pellucid.data.roles import infer_roles
    >>> from pellucid.data.task import infer_task
    >>> table = Table.from_columns({"age": [30, 40, 50], "y": [0.5, 1.5, 2.5]})
    >>> encoding = fit_encoders(table, infer_roles(table, "y"), infer_task(table, "y"))
    >>> encode_rows(encoding, table, np.array([1, 1]))["x"].tolist()
    [[0.0], [0.0]]
    """
    needed = table.select([column.name for column in encoding.front.columns])
    arrays: dict[str, np.ndarray] = {}
    for start in range(0, len(rows), AT_ONCE):
        for name, found in encoding.encode(needed.take(rows[start : start + AT_ONCE])).items():
            if name not in arrays:
                arrays[name] = np.empty((len(rows), *found.shape[1:]), found.dtype)
            arrays[name][start : start + len(found)] = found
    return arrays
