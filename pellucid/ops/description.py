"""What Python's help shows of an operation, made of its declaration."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

WORDS = {
    "axis": "The axis, or several where None stands for all; counted from the end where negative.",
    "keepdims": "Whether reduced axes stay, with size 1.",
    "axes": "The axes in their new order; reversed by default.",
    "shape": "The sizes of the axes, such as ``(2, 3)``.",
    "dtype": "Such as ``pl.float64``.",
    "labels": 'One letter for each axis, such as ``"bi,io->bo"``.',
    "parts": "Values of equal shapes but for the axis.",
    "width": "A number, (before, after), or such a pair for each axis.",
    "shift": "The number of places, towards the end where positive.",
    "indices": "Whole numbers, counted from 0.",
    "depth": "The number of classes.",
    "seed": "A whole number, or a scalar graph value of whole numbers.",
    "step": "The number of the step: a whole number, or a scalar graph value of whole numbers.",
    "purpose": "What the draw is for: a text that no other draw of the graph has.",
    "probability": "A scalar from 0 to 1.",
    "condition": "Truth values.",
    "value": "A number, or nested lists of numbers.",
}
"""What parameters of operations mean, by name."""


def signature(function: Callable[..., Any], params: Mapping[str, Any], skipped: int = 0) -> inspect.Signature:
    """Return how an operation is called: the operands of a rule, or all that a face shows, then parameters.

    Parameters
    ----------
    function : callable
        A rule or a face. Its keyword-only arguments are left out: those of a face are for the system alone.
    params : mapping
        Parameters with their defaults.
    skipped : int
        How many arguments to leave out at the start: the scalar vocabulary of a rule.
    """
    hidden = (inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.VAR_KEYWORD)
    try:
        found = list(inspect.signature(function).parameters.values())
    except ValueError:  # some functions written in C do not say
        found = [inspect.Parameter("operands", inspect.Parameter.VAR_POSITIONAL)]
    taken = [p for p in found[skipped:] if p.kind not in hidden and p.name not in params]
    shown = [p.replace(annotation=p.empty) for p in taken]
    shown += [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default) for name, default in params.items()
    ]
    return inspect.Signature(shown)


def describe(name: str, doc: str, shown: inspect.Signature, notes: Iterator[str]) -> str:
    """Return a docstring in numpydoc's form: the call, what it computes, its parameters, and notes."""
    lines = [f"{name}{shown}", "", doc.strip(), "", "Parameters", "----------"]
    for parameter in shown.parameters.values():
        stars = "*" if parameter.kind is parameter.VAR_POSITIONAL else ""
        given = f"default {parameter.default!r}" if parameter.default is not parameter.empty else "Value or array"
        if parameter.default is parameter.empty and parameter.name in WORDS:
            given = ""
        lines.append(f"{stars}{parameter.name}" + (f" : {given}" if given else ""))
        if parameter.name in WORDS:
            lines.append(f"    {WORDS[parameter.name]}")
    if not shown.parameters:
        lines.append("none")
    lines += ["", "Returns", "-------", "Value or array", "    A graph value where any operand is one."]
    told = list(notes)
    return "\n".join([*lines, *(["", "Notes", "-----", *told] if told else [])])


def tell_number(value: Any) -> str:
    """Return a number of a declaration as it is shown."""
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, float, np.number)):
        return repr(value)[:40]
    return f"{float(value):.6g}"


def tell_arguments(operands: tuple[Any, ...], keywords: Mapping[str, Any]) -> str:
    """Return arguments as they are shown in messages: arrays by their type."""

    def told(value: Any) -> str:
        if isinstance(value, np.ndarray):
            return f"{value.dtype}{list(value.shape)}"
        return repr(value)[:40]

    return ", ".join([*map(told, operands), *(f"{name}={told(value)}" for name, value in keywords.items())])[:160]
