"""The perceptron algorithm: one unit, one example at a time, corrected only when it is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from pellucid.errors import DataError
from pellucid.executors.epochs import StepGraph
from pellucid.executors.program import DEFAULT_EXECUTOR, compile_epochs
from pellucid.graph.builder import build
from pellucid.graph.context import Context
from pellucid.graph.graph import Graph
from pellucid.graph.types import Axis, Type, float64
from pellucid.graph.value import Value
from pellucid.nn.losses.classification import MulticlassHinge
from pellucid.ops.activations import relu
from pellucid.ops.arithmetic import add
from pellucid.ops.comparison import maximum, minimum, select
from pellucid.ops.contraction import contraction
from pellucid.ops.reductions import sum as total
from pellucid.ops.rows import one_hot
from pellucid.optim.settings import check_number


@dataclass(frozen=True)
class PerceptronFit:
    """What the perceptron algorithm found.

    Attributes
    ----------
    weight : ndarray [features]
    bias : float
    mistakes : list of int
        How many examples were on the wrong side (or on the line) when their turn came, epoch by epoch.
    separated : bool
        Whether the last epoch had no mistake: the two classes lie on two sides of the line.
    """

    weight: np.ndarray
    bias: float
    mistakes: list[int]
    separated: bool

    @property
    def epochs(self) -> int:
        """How many epochs it took, the last one without a mistake included."""
        return len(self.mistakes)

    def decide(self, x: Any) -> np.ndarray:
        """Return the signed value of each example, [examples]: positive for class 1."""
        x = _as_numbers(x)
        if x.ndim != 2 or x.shape[1] != len(self.weight):
            got, expected = f"x {list(x.shape)}", f"[examples, {len(self.weight)}]"
            raise DataError("wrong shape", got=got, expected=expected)
        return x @ self.weight + self.bias

    def predict(self, x: Any) -> np.ndarray:
        """Return class 0 or 1 of each example, [examples]."""
        return (self.decide(x) > 0).astype(np.int64)

    def __str__(self) -> str:
        done = f"{sum(self.mistakes)} mistakes in {self.epochs} epochs"
        if self.separated:
            return f"The classes are separated: {done}, none in the last."
        left = f"{done}, {self.mistakes[-1]} in the last"
        return f"The classes are not separated within the {self.epochs} epochs given: {left}."


def fit_perceptron(
    x: Any, y: Any, *, epochs: int = 1000, shuffle: bool = True, seed: int = 0, executor: str = DEFAULT_EXECUTOR
) -> PerceptronFit:
    """Run the perceptron algorithm until it has separated the classes, or the epochs run out.

    Each example in turn: where ``t (w x + b) <= 0`` with t = -1 or 1, t x is added to w and t to b. If a line separates
    the classes with margin m and all examples lie within R of the origin, it makes at most (R / m)^2 mistakes.
    Source: Rosenblatt (1958); Novikoff (1962).

    Parameters
    ----------
    x : array_like [examples, features]
    y : array_like [examples]
        Two classes: 0 and 1, or -1 and 1.
    epochs : int
    shuffle : bool
        Whether each epoch takes the examples in a new order.
    seed : int
    executor : {"native", "interpret"}
        What runs the graph.

    Raises
    ------
    DataError
        Where `x` is no matrix of finite numbers, or `y` no vector of two classes.

    Examples
    --------
    >>> found = fit_perceptron([[0, 0], [0, 1], [1, 0], [1, 1]], [0, 0, 0, 1])
    >>> found.separated, found.predict([[1, 1], [0, 1]]).tolist()
    (True, [1, 0])
    >>> print(fit_perceptron([[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0], epochs=5, shuffle=False))
    The classes are not separated within the 5 epochs given: 20 mistakes in 5 epochs, 4 in the last.
    """
    x, t = _check(x, y)
    check_number("epochs", epochs, "[1, inf)", whole=True)
    form = StepGraph(_step(x.shape[1]), 1, ("x", "t"), "row_weight", ("weight", "bias"), ())
    program = compile_epochs(form, executor)
    carried: Mapping[str, np.ndarray] = {"weight": np.zeros(x.shape[1]), "bias": np.zeros(())}
    arrays = {"x": x, "t": t, "row_weight": np.ones(len(x))}
    mistakes: list[int] = []
    while len(mistakes) < epochs and (not mistakes or mistakes[-1]):
        order = program.order(seed, len(mistakes), len(x)) if shuffle else np.arange(len(x))
        part = program.run(carried, arrays, order, {}, seed=seed, first_step=0, seconds=float("inf"))
        if part.interrupted:
            raise KeyboardInterrupt
        if part.failed:
            raise DataError("the numbers are too large for the perceptron", fix="Scale the features first.")
        carried = part.carried
        mistakes.append(int(part.losses.sum()))
    return PerceptronFit(carried["weight"], float(carried["bias"]), mistakes, mistakes[-1] == 0)


@dataclass(frozen=True)
class OneVersusRestPerceptron(MulticlassHinge):
    """The perceptron criterion of each class against the rest, summed: ``max(0, -t output)``, t = 1 for the right one.

    The class with the largest output is predicted.
    Source: Rosenblatt, Principles of Neurodynamics (1962); Bishop (2006), sections 4.1.2 and 4.1.7.
    """

    def build(self, context: Context, output: Value, target: Value) -> Value:
        sides = 2 * one_hot(target, int(output.shape[1]), dtype=output.dtype) - 1
        return total(relu(-sides * output), axis=1)


@dataclass(frozen=True)
class PerceptronRule:
    """The perceptron rule with what scikit-learn's has besides.

    Attributes
    ----------
    learning_rate : float
    intercept : bool
        Whether the bias learns.
    l2 : float
        Before each example, weights are multiplied by ``1 - learning_rate * l2``.
    l1 : float
        After each example, weights move towards 0 by what the penalties so far amount to, less what they have moved
        already (Tsuruoka, Tsujii and Ananiadou, Stochastic gradient descent training for L1-regularized log-linear
        models with cumulative penalty, ACL 2009).
    """

    learning_rate: float = 1.0
    intercept: bool = True
    l2: float = 0.0
    l1: float = 0.0


def build_perceptron_step(features: int, outputs: int, rule: PerceptronRule) -> StepGraph:
    """Return one step of several perceptrons that see the same example: an epoch of it is one pass over all rows.

    With t = -1 or 1 for the side on which the example belongs, and a push of t times the learning rate times what the
    example counts: where ``push (x w + b) <= 0``, push x is added to w, and push to b.

    Parameters
    ----------
    features, outputs : int
    rule : PerceptronRule

    Returns
    -------
    StepGraph
        Its data are ``x`` [1, features] and ``push`` [1, outputs]; it carries ``weight`` [features, outputs] and
        ``bias`` [outputs], and with L1 ``penalty`` and ``paid`` [features, outputs]. Its loss is
        ``sum(max(0, -push (x w + b)))``.
    """

    def step(weight: Value, bias: Value, x: Value, push: Value, row_weight: Value, **state: Value) -> dict[str, Value]:
        agreement = push * (contraction(x, weight, labels="bi,io->bo") + bias)
        change = select(agreement <= 0, push, 0.0)
        kept = weight * max(0.0, 1.0 - rule.learning_rate * rule.l2) if rule.l2 else weight
        new = {"weight": kept + contraction(x, change, labels="bi,bo->io"), "bias": bias}
        if rule.intercept:
            new["bias"] = bias + change[0]
        if rule.l1:
            new |= _pay(new["weight"], state["penalty"] + rule.learning_rate * rule.l1, state["paid"])
        return {"loss": total(relu(-agreement)), **new}

    one = Axis(1, "batch")
    shapes: dict[str, tuple[int, ...]] = {"weight": (features, outputs), "bias": (outputs,)}
    shapes |= {"penalty": (), "paid": (features, outputs)} if rule.l1 else {}
    carried = tuple(shapes)
    shapes |= {"x": (one, features), "push": (one, outputs), "row_weight": (one,)}
    graph = build(step, **{name: Type(float64, shape) for name, shape in shapes.items()})
    return StepGraph(graph, 1, ("x", "push"), "row_weight", carried, ())


def _pay(weight: Value, penalty: Value, paid: Value) -> dict[str, Value]:
    """Return weights after the cumulative penalty, which takes none across 0."""
    low, high = maximum(weight - (penalty + paid), 0.0), minimum(weight + (penalty - paid), 0.0)
    moved = select(weight > 0, low, select(weight < 0, high, 0.0))
    return {"weight": moved, "penalty": penalty, "paid": paid + (moved - weight)}


def _step(features: int) -> Graph:
    """Return one step of the algorithm as a graph; its loss is 1 for a mistake and 0 otherwise."""

    def step(weight: Value, bias: Value, x: Value, t: Value, row_weight: Value) -> dict[str, Value]:
        z = total(weight * x[0]) + bias
        mistake = (t[0] * z <= 0) & (row_weight[0] > 0)
        new_weight = select(mistake, add(weight, t[0] * x[0]), weight)
        new_bias = select(mistake, bias + t[0], bias)
        return {"loss": select(mistake, 1.0, 0.0), "weight": new_weight, "bias": new_bias}

    one = Axis(1, "batch")
    types = {"weight": (features,), "bias": (), "x": (one, features), "t": (one,), "row_weight": (one,)}
    return build(step, **{name: Type(float64, shape) for name, shape in types.items()})


def _as_numbers(x: Any) -> np.ndarray:
    try:
        return np.asarray(x, np.float64)
    except (TypeError, ValueError):
        expected = "numbers, [examples, features]"
        raise DataError("x is no matrix", got=repr(x)[:80], expected=expected) from None


def _check(x: Any, y: Any) -> tuple[np.ndarray, np.ndarray]:
    x, y = _as_numbers(x), np.asarray(y)
    if x.ndim != 2 or y.shape != (len(x),) or not x.size:
        got = f"x {list(x.shape)}, y {list(y.shape)}"
        raise DataError("wrong shapes", got=got, expected="x [examples, features] and y [examples]")
    if not np.isfinite(x).all():
        raise DataError("x holds a value that is not finite", where=f"row {int(np.argwhere(~np.isfinite(x))[0, 0])}")
    classes = set(np.unique(y).tolist())
    if classes == {-1, 1}:
        return x, y.astype(np.float64)
    if classes != {0, 1}:
        raise DataError(
            "the perceptron tells two classes apart", where="y", got=str(sorted(classes)[:5]), expected="0 and 1"
        )
    return x, 2.0 * y - 1.0
