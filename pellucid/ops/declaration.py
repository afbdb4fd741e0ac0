"""What the declarations of all operations have in common."""

from __future__ import annotations

import inspect
from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from pellucid.errors import DeclarationError, ShapeError
from pellucid.graph.builder import as_numbers, as_value
from pellucid.graph.operation import Operation, Params
from pellucid.graph.types import Type, as_dtype
from pellucid.graph.value import Value
from pellucid.ops.description import describe

NOT_DIFFERENTIABLE = "not differentiable"
"""Say ``gradient=NOT_DIFFERENTIABLE`` of an operation whose slope is zero wherever it exists."""


class Declared(Operation):
    """What elementwise and structural operations have in common.

    Attributes
    ----------
    param_defaults : mapping
        The operation's static parameters and their defaults.
    activation : bool
        Whether it is offered as the activation of a layer.
    """

    param_defaults: Mapping[str, Any]
    gradient: Any
    activation: bool = False

    def __init__(self, declaration: Mapping[str, Any]):
        self.__dict__.update(declaration)
        self.__name__ = self.__qualname__ = self.name
        self.__signature__ = self._sign()
        self.__doc__ = describe(self.name, self.doc, self.__signature__, self._note())

    @abstractmethod
    def _sign(self) -> inspect.Signature:
        """Return how it is called."""

    def _note(self) -> Iterator[str]:
        """Yield what its documentation says beside its parameters."""
        if not self.differentiable:
            yield "Gradients end here: its slope is 0 wherever it exists."

    @property
    def differentiable(self) -> bool:
        return self.gradient is None or callable(self.gradient)

    def apply(self, operands: Sequence[Any], params: Params) -> Any:
        """Add the node, or compute at once where no operand is a graph value."""
        params = {**self.param_defaults, **params}
        builder = next((operand.builder for operand in operands if isinstance(operand, Value)), None)
        if builder is not None:
            return builder.add(self, tuple(as_value(builder, operand) for operand in operands), params)
        arrays = tuple(as_numbers(operand, self.name) for operand in operands)
        type = self.infer(tuple(Type(as_dtype(array.dtype), array.shape) for array in arrays), params)
        with np.errstate(all="ignore"):
            result = self.evaluate(arrays, params, type)
        if any(np.may_share_memory(result, array) for array in arrays):
            result = result.copy()  # what is returned belongs to the caller
        return result[()]

    def check_params(self, params: Params) -> None:
        """Refuse parameters that are unknown or missing."""
        if set(params) != set(self.param_defaults):
            raise ShapeError(
                "wrong parameters",
                where=self.name,
                got=", ".join(params) or "none",
                expected=", ".join(self.param_defaults) or "none",
            )

    def read_parts(self, parts: Any, inputs: Sequence[Value]) -> tuple[Value | None, ...]:
        """Return what a gradient rule gave as one value, or None for zero, for each input."""
        parts = parts if isinstance(parts, tuple) else (parts,)
        if len(parts) != len(inputs):
            raise DeclarationError(
                "the gradient rule returns the wrong number of values",
                where=self.name,
                got=str(len(parts)),
                expected=f"{len(inputs)}, one for each operand",
            )
        for part in parts:
            if part is not None and not isinstance(part, Value):
                raise DeclarationError(
                    "the gradient rule returns something that is not a graph value",
                    where=self.name,
                    got=repr(part)[:80],
                    fix="Multiply by g, the gradient that comes in; return None where the slope is zero.",
                )
        return parts


def require(name: Any, present: Mapping[str, bool]) -> None:
    """Refuse a declaration in which anything is missing, and name all of it."""
    if not isinstance(name, str) or not name.isidentifier():
        raise DeclarationError("an operation needs a name that is an identifier", got=repr(name)[:80])
    missing = [what for what, there in present.items() if not there]
    if missing:
        raise DeclarationError("the declaration is incomplete", where=name, expected="; ".join(missing))
