"""Penalties: what is added to the loss."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pellucid.errors import UsageError, nearest
from pellucid.graph.context import Context
from pellucid.graph.types import Type
from pellucid.graph.value import Value
from pellucid.nn.regularizers.regularizer import Regularizer, Values, check_strength, is_weight
from pellucid.ops.reductions import sum


@dataclass(frozen=True, eq=False)
class L2(Regularizer):
    """Weight decay as a penalty: ``strength / 2`` times the sum of squared weights. Never biases.

    Source: Krogh and Hertz, A simple weight decay can improve generalization, NeurIPS (1991).

    Parameters
    ----------
    strength : float
        0 or more. It stands beside the mean loss of an example, so it does not depend on the number of examples.
    output : bool, optional
        Whether the weights of the output layer are among them. By default they are, unless that layer is linear and
        its loss predicts numbers: then their size follows from the unit of the target.

    Raises
    ------
    UsageError
        While building, where no weights are left to act on, as in a linear model without ``output=True``.

    Examples
    --------
    >>> L2(1e-3), L2(1e-3, output=True)
    (L2(strength=0.001, output=None), L2(strength=0.001, output=True))
    """

    strength: float
    output: bool | None = None

    def __post_init__(self) -> None:
        check_strength("L2 strength", self.strength)

    def on_loss(self, context: Context, parameters: Values, output_weights: frozenset[str]) -> None:
        spared = frozenset() if self.output else output_weights
        weights = [path for path in parameters if is_weight(context, path)]
        chosen = [parameters[path] for path in weights if path not in spared]
        if not chosen and self.strength > 0:
            include = "Say L2(strength, output=True) to include those of the linear output layer."
            raise UsageError("there are no weights to act on", where="L2", fix=include if weights else "Leave it out.")
        with self.scope(context):
            strength = context.setting("strength", self.strength)
            penalty = 0.5 * strength * _total([sum(weight * weight) for weight in chosen]) if chosen else None
        if penalty is not None:
            context.penalize("l2", penalty)


@dataclass(frozen=True, eq=False)
class Tie(Regularizer):
    """Ties two parameters softly: a penalty of ``strength / 2`` times the squared norm of their difference.

    To tie them for good, use one layer twice.
    Source: Nowlan and Hinton, Simplifying neural networks by soft weight-sharing, Neural Computation 4 (1992).

    Parameters
    ----------
    path_a, path_b : str
        Paths of two parameters of the same shape, such as ``dense_1/weight``.
    strength : float
        0 or more.

    Raises
    ------
    UsageError
        While building, where there is no such parameter, or their shapes differ.
    """

    path_a: str
    path_b: str
    strength: float

    def __post_init__(self) -> None:
        check_strength("Tie strength", self.strength)

    def on_loss(self, context: Context, parameters: Values, output_weights: frozenset[str]) -> None:
        for path in (self.path_a, self.path_b):
            if path not in parameters:
                raise UsageError(f"no parameter is called {path!r}", where="Tie", fix=nearest(path, parameters))
        a, b = parameters[self.path_a], parameters[self.path_b]
        if a.type != b.type:
            raise UsageError(
                "two parameters of different shapes can not be tied",
                where="Tie",
                got=f"{self.path_a} {a.type} and {self.path_b} {b.type}",
            )
        with self.scope(context):
            difference = a - b
            penalty = 0.5 * context.setting("strength", self.strength) * sum(difference * difference)
        context.penalize("tie", penalty)


@dataclass(frozen=True, eq=False)
class StayNear(Regularizer):
    """Pulls parameters towards given values: ``strength / 2`` times the squared distance, biases included.

    The values are state that no step changes. For learning on from an earlier model with few examples.
    Source: Li, Grandvalet and Davoine, Explicit inductive bias for transfer learning (L2-SP), ICML (2018).

    Parameters
    ----------
    earlier : Fit, Model, or mapping of path to array
        Such as the parameters of an earlier model. Paths that the network does not have are left out, and so are
        parameters that have no earlier value.
    strength : float
        0 or more.

    Raises
    ------
    UsageError
        While building, where a shape differs, or no path is a parameter of the network.
    """

    earlier: Any
    strength: float

    def __post_init__(self) -> None:
        check_strength("StayNear strength", self.strength)
        object.__setattr__(self, "earlier", getattr(self.earlier, "parameters", self.earlier))
        if not isinstance(self.earlier, Mapping):
            fix = "Pass the parameters by path, such as fitted.parameters."
            raise UsageError("no earlier values", where="StayNear", got=type(self.earlier).__name__, fix=fix)
        object.__setattr__(self, "earlier", {path: np.array(array) for path, array in self.earlier.items()})

    def on_loss(self, context: Context, parameters: Values, output_weights: frozenset[str]) -> None:
        common = [path for path in parameters if path in self.earlier]
        if not common:
            fix = nearest(next(iter(self.earlier), ""), parameters)
            raise UsageError("none of the earlier values belongs to a parameter", where="StayNear", fix=fix)
        with self.scope(context):
            squares = [self._squared_distance(context, path, parameters[path]) for path in common]
            penalty = 0.5 * context.setting("strength", self.strength) * _total(squares)
        context.penalize("stay_near", penalty)

    def _squared_distance(self, context: Context, path: str, value: Value) -> Value:
        array = self.earlier[path]
        if array.shape != value.shape:
            raise UsageError(
                "an earlier value has another shape than the parameter",
                where=f"StayNear, {path}",
                got=str(list(array.shape)),
                expected=str(list(value.shape)),
            )
        difference = value - context.carry(f"earlier/{path}", Type(value.dtype, value.shape), array)
        return sum(difference * difference)


def _total(values: Sequence[Value]) -> Value:
    total = values[0]
    for value in values[1:]:
        total = total + value
    return total
