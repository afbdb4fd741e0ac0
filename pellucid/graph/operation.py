"""What a graph knows of an operation, and the registry in which every operation is found by name."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from pellucid.errors import DeclarationError, GraphError, nearest
from pellucid.graph.types import Type

if TYPE_CHECKING:
    from pellucid.graph.value import Value

Params = Mapping[str, Any]


class Operation(ABC):
    """One kind of node: its type rule, its value and its gradient.

    Operations are declared with :func:`pellucid.ops.elementwise` and :func:`pellucid.ops.structural`;
    this class is the face that graphs, passes and executors see.
    """

    name: str
    doc: str

    @abstractmethod
    def __call__(self, *operands: Any, **params: Any) -> Any:
        """Add a node to the graph that the operands belong to, or compute at once where all are numbers."""

    @abstractmethod
    def infer(self, types: tuple[Type, ...], params: Params) -> Type:
        """Return the type of the result, or raise :class:`~pellucid.errors.ShapeError`."""

    @abstractmethod
    def evaluate(self, arrays: tuple[np.ndarray, ...], params: Params, result: Type) -> np.ndarray:
        """Compute the result with NumPy. This defines what the operation means.

        Overflow and the like are part of the meaning: the caller silences NumPy's warnings, once for a whole graph.
        """

    @abstractmethod
    def build_gradient(
        self, g: Value, inputs: tuple[Value, ...], output: Value, params: Params, wanted: tuple[bool, ...]
    ) -> tuple[Value | None, ...]:
        """Return one value per input, of that input's shape: the local gradient times `g`; None is zero."""

    def simplify(self, inputs: tuple[Value, ...], params: Params) -> Value | None:
        """Return a simpler value that is equal to the bit, or None where there is none."""
        return None

    @property
    def differentiable(self) -> bool:
        """False where the slope is zero wherever it exists, as for comparisons and argmax."""
        return True

    def __repr__(self) -> str:
        return f"<operation {self.name}>"


REGISTRY: dict[str, Operation] = {}


def register(operation: Operation, replace: bool = False) -> None:
    """Add an operation to the registry; its name must be new unless `replace` is true."""
    if operation.name in REGISTRY and not replace:
        raise DeclarationError(
            "an operation of this name is declared already",
            where=operation.name,
            fix="Choose another name, or pass replace=True.",
        )
    REGISTRY[operation.name] = operation


def operation(name: str) -> Operation:
    """Return the operation of this name.

    Raises
    ------
    GraphError
        Where no operation of the name is declared; the message names the nearest one.
    """
    if name not in REGISTRY:
        raise GraphError(f"no operation is called {name!r}", fix=nearest(name, REGISTRY))
    return REGISTRY[name]
