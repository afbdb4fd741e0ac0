"""What a loss is, how losses are found by name, and the weighted mean over examples."""

from __future__ import annotations

import math
import re
from abc import ABC, abstractmethod
from typing import Any, ClassVar

from pellucid.errors import DeclarationError, ShapeError, UsageError, nearest
from pellucid.graph.context import Context
from pellucid.graph.types import Type
from pellucid.graph.value import Value
from pellucid.ops.comparison import select
from pellucid.ops.reductions import sum
from pellucid.ops.shapes import reshape

TASKS = ("regression", "binary", "multiclass", "multilabel")

LOSSES: dict[str, type[Loss]] = {}
"""All losses that are declared, by name."""


class Loss(ABC):
    """What one example costs, given the network's output and the target.

    A subclass is a frozen dataclass of its settings. It is found by its `name` as soon as it is defined, outside the
    package too.

    Attributes
    ----------
    name : str
        The class's name in lower case, such as ``squared_error``, unless the class says otherwise.
    task : {"regression", "binary", "multiclass", "multilabel"}
        The kind of target that it is for.
    default : bool
        Whether it is the loss of its task unless the user chooses another.
    linear : bool
        Whether outputs are the predicted numbers themselves, in the target's unit. L2 leaves the weights of such an
        output layer alone: their size follows from the unit, not from how complicated the network is.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> from pellucid.nn.losses import Loss, loss, sum_outputs
    >>> @dataclass(frozen=True)
    ... class FourthPower(Loss):
    ...     task, linear = "regression", True
    ...     def build(self, context, output, target):
    ...         return sum_outputs((output - target) ** 4.0)
    >>> loss("fourth_power")
    FourthPower()
    """

    name: ClassVar[str]
    task: ClassVar[str]
    default: ClassVar[bool] = False
    linear: ClassVar[bool] = False

    def __init_subclass__(cls, **keywords: Any) -> None:
        super().__init_subclass__(**keywords)
        if cls.__name__.startswith("_"):  # what several losses have in common
            return
        if "name" not in vars(cls):
            cls.name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", cls.__name__).lower()
        task = getattr(cls, "task", None)
        if task not in TASKS:
            raise DeclarationError("a loss needs a task", where=cls.name, got=repr(task), expected=" or ".join(TASKS))
        known = LOSSES.get(cls.name)
        if known is not None and (known.__module__, known.__qualname__) != (cls.__module__, cls.__qualname__):
            raise DeclarationError("a loss of this name is declared already", where=cls.name)
        LOSSES[cls.name] = cls

    def target_type(self, output: Type) -> Type:
        """Return the type of the target that belongs to an output, both for one example, without the batch axis.

        By default a target is like the output.

        Raises
        ------
        ShapeError
            Where the loss can not take such an output.
        """
        return output

    def target_range(self, output: Type) -> tuple[float, float]:
        """Return the least and the largest number that a target may hold, given the type of one example's output."""
        return -math.inf, math.inf

    @abstractmethod
    def build(self, context: Context, output: Value, target: Value) -> Value:
        """Add the loss of every example to the graph: output ``[batch, ...]``, target of its type; returns ``[batch]``.

        Numbers that may change from step to step are declared with ``context.setting(name, default)``.
        """

    def predict(self, output: Value) -> dict[str, Value]:
        """Return what an output says of the target, by name; what users mean by "the prediction" comes first."""
        return {"mean": output}

    def per_example(self, context: Context, output: Value, target: Value) -> Value:
        """Return the loss of every example, ``[batch]``, once output and target are seen to fit each other.

        Raises
        ------
        ShapeError
            Where they do not: broadcasting would otherwise compare every example with every other.
        """
        batch, example = output.shape[0], Type(output.dtype, output.shape[1:])
        one = self.target_type(example)
        expected = Type(one.dtype, (batch, *one.shape))
        if target.type != expected:
            raise ShapeError(
                "the target does not fit the output",
                where=self.name,
                got=f"target {target.type}, output {output.type}",
                expected=f"target {expected}",
                fix="Give the network one output for each number that the loss needs, and the target that type.",
            )
        return self.build(context, output, target)

    def mean(self, context: Context, output: Value, target: Value, weights: Value) -> Value:
        """Return the weighted mean over examples, a scalar; weights are ``[batch]``, 0 or more.

        Examples of weight 0 (padding, missing targets) may hold anything, NaN included: neither the value nor its
        gradient with respect to `output` sees them.
        """
        output, target = (blank_unused(value, weights) for value in (output, target))
        return weighted_mean(self.per_example(context, output, target), weights)


def blank_unused(value: Value, weights: Value) -> Value:
    """Put 0 in the place of rows of weight 0: value ``[batch, ...]``, weights ``[batch]``.

    Of outputs and targets, before the loss is computed: a NaN there would reach the gradient as 0 times NaN, even where
    the loss itself is left out of the mean.
    """
    used = reshape(weights != 0, (*weights.shape, *(1,) * (value.ndim - 1)))
    return select(used, value, 0)


def weighted_mean(values: Value, weights: Value) -> Value:
    """Return ``sum(weights * values) / sum(weights)``, or 0 where the weights sum to 0.

    Parameters
    ----------
    values : Value [batch]
    weights : Value [batch]
        0 or more. A value of weight 0 does not count, even if it is infinite or NaN.

    Returns
    -------
    Value
        A scalar.
    """
    used = weights != 0
    total = sum(weights)
    weighted = sum(weights * select(used, values, 0.0))
    return weighted / select(total != 0, total, 1.0)


def sum_outputs(values: Value) -> Value:
    """Sum over everything but the examples: ``[batch, ...]`` to ``[batch]``."""
    return sum(values, axis=tuple(range(1, values.ndim)))


def loss_names(task: str | None = None) -> list[str]:
    """Return the names of all losses, or of those for a task."""
    return sorted(name for name, found in LOSSES.items() if task in (None, found.task))


def loss(name: str | Loss, **settings: Any) -> Loss:
    """Return the loss of this name, with its settings; a loss is returned as it is.

    Raises
    ------
    UsageError
        Where there is no such loss or setting, or a setting's value does not fit.

    Examples
    --------
    >>> from pellucid.nn.losses import loss
    >>> loss("huber", delta=0.5)
    Huber(delta=0.5)
    """
    if isinstance(name, Loss) and not settings:
        return name
    if not isinstance(name, str) or name not in LOSSES:
        fix = nearest(name, LOSSES) if isinstance(name, str) else "Give a loss, or its name and its settings."
        raise UsageError(f"no loss is called {name!r}", where="loss", fix=fix)
    known = getattr(LOSSES[name], "__dataclass_fields__", {})
    for setting in settings:
        if setting not in known:
            raise UsageError(f"no setting is called {setting!r}", where=f"loss {name}", fix=nearest(setting, known))
    return LOSSES[name](**settings)


def default_loss(task: str) -> Loss:
    """Return the loss that a task has unless told otherwise.

    Examples
    --------
    >>> from pellucid.nn.losses import default_loss
    >>> default_loss("multiclass")
    SoftmaxCrossEntropy(label_smoothing=0.0, soft_targets=False)
    """
    if task not in TASKS:
        raise UsageError(f"no task is called {task!r}", where="task", fix=nearest(str(task), TASKS))
    return next(found() for found in LOSSES.values() if found.task == task and found.default)


def check_setting(name: str, value: float, low: float, high: float = float("inf"), *, closed: bool = False) -> None:
    """Raise a UsageError unless low < value < high, or low <= value < high where `closed`."""
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not number or not (low < value < high or (closed and value == low)):
        least = f"{low:g} or more" if closed else f"above {low:g}"
        raise UsageError(
            "a setting is out of range",
            where=name,
            got=repr(value),
            expected=f"a number {least}" + (f", below {high:g}" if high < float("inf") else ""),
        )
