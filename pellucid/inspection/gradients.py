"""Value and gradient of a Python function in one call."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from pellucid.executors.program import Program, compile
from pellucid.graph.builder import build
from pellucid.graph.differentiate import differentiate
from pellucid.graph.simplify import simplify
from pellucid.graph.types import Type, as_dtype, float64


class ValueAndGradient(NamedTuple):
    """A scalar and its gradient with respect to each float argument, by name."""

    value: np.ndarray
    gradient: dict[str, np.ndarray]


def type_of(number: Any) -> Type:
    """Return the type of an argument: Python numbers and lists count as float64, arrays keep their dtype."""
    array = np.asarray(number)
    if isinstance(number, (np.ndarray, np.generic)):
        return Type(as_dtype(array.dtype), array.shape)
    return Type(float64 if array.dtype.kind in "iuf" else as_dtype(array.dtype), array.shape)


def value_and_gradient(
    function: Callable[..., Any], wrt: str | Sequence[str] | None = None
) -> Callable[..., ValueAndGradient]:
    """Return a function that computes a scalar function's value and gradient.

    The graph is built, differentiated and compiled at the first call with arguments of some types.

    Parameters
    ----------
    function : callable
        As for :func:`pellucid.build`; returns a scalar.
    wrt : str or sequence of str, optional
        Arguments to differentiate with respect to; all float ones by default.

    Returns
    -------
    callable
        Takes the arguments by name: numbers, lists (both taken as float64) or arrays.

    Examples
    --------
    >>> import pellucid as pl
    >>> found = pl.value_and_gradient(lambda x, y: x * pl.exp(y))(x=2.0, y=0.0)
    >>> print(found.value, found.gradient["x"], found.gradient["y"])
    2.0 1.0 2.0
    """
    programs: dict[tuple, tuple[Program, str, list[str]]] = {}

    def compute(**arguments: Any) -> ValueAndGradient:
        types = {name: type_of(number) for name, number in arguments.items()}
        key = tuple(types.items())
        if key not in programs:
            graph = build(function, **types)
            named = [name for name, type in types.items() if type.dtype.is_float] if wrt is None else wrt
            names = [named] if isinstance(named, str) else list(named)
            gradient = differentiate(graph, names)
            programs[key] = compile(simplify(gradient)), next(iter(graph.outputs)), names
        program, output, names = programs[key]
        found = program(**arguments)
        return ValueAndGradient(found[output], {name: found[f"d {output} / d {name}"] for name in names})

    return compute
