"""Running a graph over rows again and again, with the same parameters or with others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from pellucid.executors.compiling import COMPILING
from pellucid.executors.inputs import is_frozen
from pellucid.executors.program import DEFAULT_EXECUTOR, BoundRows, RowProgram, check_executor, compile_rows
from pellucid.graph.graph import Graph


class Predictor:
    """A graph over rows, compiled when it is first run, that keeps what was bound last.

    It is bound anew where anything that is fixed has other bits than before; arrays that nobody can change are known by
    being the same object. So predicting a row with a network that has been used before costs little.

    Parameters
    ----------
    graph : Graph
    executor : str
    axis : str
        As for :func:`compile_rows`.

    Examples
    --------
    >>> import numpy as np, pellucid as pl
    >>> graph = pl.build(lambda x, w: x * w, x=pl.float64[pl.Axis(1, "batch")], w=pl.float64[()])
    >>> predictor = Predictor(graph)
    >>> predictor.run({"w": 2.0}, {"x": np.arange(3.0)}, 3)
    {'value': array([0., 2., 4.])}
    """

    def __init__(self, graph: Graph, executor: str = DEFAULT_EXECUTOR, axis: str = "batch"):
        check_executor(executor)
        self.graph, self.executor, self.axis = graph, executor, axis
        self._program: RowProgram | None = None
        self._kept: tuple[dict[str, tuple[Any, Any]], BoundRows] | None = None

    def run(self, fixed: Mapping[str, Any], arrays: Mapping[str, Any], count: int) -> dict[str, np.ndarray]:
        """Return the outputs of all rows: see :meth:`RowProgram.bind` and :meth:`BoundRows.run`."""
        kept = self._kept  # read once: another thread may bind something else meanwhile
        if kept is None or not _same(kept[0], fixed):
            with COMPILING:  # so that several threads do not compile the same
                if self._program is None:
                    self._program = compile_rows(self.graph, self.executor, self.axis)
            # What it is known by comes first: what changes in between is then bound anew the next time.
            known = {name: _known_by(value) for name, value in fixed.items()}
            kept = known, self._program.bind(fixed)
            self._kept = kept
        return kept[1].run(arrays, count)

    def __reduce__(self) -> tuple:
        return Predictor, (self.graph, self.executor, self.axis)


def _known_by(value: Any) -> tuple[Any, Any]:
    """Return what tells a value from others: an array that nobody can change, or the type and the bits."""
    if isinstance(value, np.ndarray) and is_frozen(value):
        return value, None
    array = np.asarray(value)
    return (array.dtype, array.shape), array.tobytes()


def _same(known: Mapping[str, tuple[Any, Any]], fixed: Mapping[str, Any]) -> bool:
    return known.keys() == fixed.keys() and all(_is_known(known[name], value) for name, value in fixed.items())


def _is_known(known: tuple[Any, Any], value: Any) -> bool:
    if known[1] is None:
        return known[0] is value and is_frozen(value)
    array = np.asarray(value)
    return known[0] == (array.dtype, array.shape) and known[1] == array.tobytes()
