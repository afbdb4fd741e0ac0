"""Value and gradient of a Python function in one call."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from pellucid.errors import GraphError
from pellucid.executors.program import ONCE, Program, compile
from pellucid.graph.builder import as_numbers, build, function_name
from pellucid.graph.differentiate import differentiate, scalar_output
from pellucid.graph.simplify import simplify
from pellucid.graph.types import Type, as_dtype, float64


class ValueAndGradient(NamedTuple):
    """A scalar and its gradient with respect to each float argument, by name."""

    value: np.ndarray
    gradient: dict[str, np.ndarray]


def infer_types(inputs: Mapping[str, Any]) -> dict[str, Type]:
    """Return the types of values: arrays keep their dtype, Python numbers and lists of them are float64.

    Examples
    --------
    >>> infer_types({"x": [1, 2], "index": np.array([1, 2]), "c": True})
    {'x': float64[2], 'index': int64[2], 'c': bool[]}
    """
    types = {}
    for name, value in inputs.items():
        array = as_numbers(value, f"input {name!r}")
        plain = not isinstance(value, (np.ndarray, np.generic))
        dtype = float64 if plain and array.dtype.kind in "iuf" else as_dtype(array.dtype)
        types[name] = Type(dtype, array.shape)
    return types


def value_and_gradient(
    function: Callable[..., Any],
    wrt: str | Sequence[str] | None = None,
    of: str | None = None,
    executor: str = ONCE,
) -> Callable[..., ValueAndGradient]:
    """Return a function that computes a scalar function's value and gradient.

    The graph is built, differentiated and compiled at the first call with arguments of some types.

    Parameters
    ----------
    function : callable
        As for :func:`pellucid.build`; returns a scalar, or several values of which one is.
    wrt : str or sequence of str, optional
        Arguments to differentiate with respect to; by default all floats. Arrays of integers are none.
    of : str, optional
        Which output to differentiate, where several are scalars.
    executor : {"native", "interpret"}
        What runs the graph.

    Returns
    -------
    callable
        Takes the function's arguments: numbers, lists (both taken as float64) or arrays.

    Examples
    --------
    >>> import pellucid as pl
    >>> found = pl.value_and_gradient(lambda x, y: x * pl.exp(y))(x=2.0, y=0.0)
    >>> print(found.value, found.gradient["x"], found.gradient["y"])
    2.0 1.0 2.0
    """
    programs: dict[tuple, tuple[Program, str, list[str]]] = {}

    def compute(*positional: Any, **named: Any) -> ValueAndGradient:
        arguments = _bind(function, positional, named)
        types = infer_types(arguments)
        key = tuple(types.items())
        if key not in programs:
            graph = build(function, **types)
            output = scalar_output(graph, of)
            floats = [name for name, type in types.items() if type.dtype.is_float] if wrt is None else wrt
            names = [floats] if isinstance(floats, str) else list(floats)
            if not names:
                raise GraphError(
                    "no argument is a float",
                    where=function_name(function),
                    got=", ".join(f"{name}: {type}" for name, type in types.items()),
                    fix="Pass numbers or lists, or arrays of a float dtype.",
                )
            programs[key] = compile(simplify(differentiate(graph, names, output)), executor), output, names
        program, output, names = programs[key]
        found = program(**arguments)
        return ValueAndGradient(found[output], {name: found[f"d {output} / d {name}"] for name in names})

    return compute


def _bind(function: Callable[..., Any], positional: tuple[Any, ...], named: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments by name, in whatever way they were passed."""
    if not positional:
        return named
    try:
        return dict(inspect.signature(function).bind(*positional, **named).arguments)
    except TypeError as error:
        raise GraphError(f"the arguments do not fit: {error}", where=function_name(function)) from None
