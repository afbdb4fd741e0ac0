"""Losses of classes and labels, from logits: right where a probability would have been rounded to 0 or 1."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from pellucid.errors import ShapeError
from pellucid.graph.context import Context
from pellucid.graph.types import Type, int64
from pellucid.graph.value import Value
from pellucid.nn.losses.loss import Loss, check_setting, sum_outputs
from pellucid.ops.activations import relu, sigmoid, softplus
from pellucid.ops.comparison import select
from pellucid.ops.reductions import max, sum
from pellucid.ops.rows import one_hot
from pellucid.ops.softmax import log_softmax, softmax


class _TwoClasses(Loss):
    """What losses of a target that is 0 or 1 have in common: one output, the logit or score of class 1."""

    task: ClassVar[str] = "binary"

    def target_type(self, output: Type) -> Type:
        if output.shape not in ((), (1,)):
            raise ShapeError(
                "two classes take one output, the score of class 1",
                where=self.name,
                got=str(output),
                expected="[1] for one example",
                fix="Give the network one output, or choose a loss for several classes or labels.",
            )
        return output

    def target_range(self, output: Type) -> tuple[float, float]:
        return 0.0, 1.0

    def predict(self, output: Value) -> dict[str, Value]:
        return {"score": output}


class _Classes(Loss):
    """What losses of one class among several have in common: one output for each class, a class number as target."""

    task: ClassVar[str] = "multiclass"

    def target_type(self, output: Type) -> Type:
        if output.ndim != 1 or output.shape[0] < 2:
            raise ShapeError(
                "each class takes an output",
                where=self.name,
                got=str(output),
                expected="[classes] for one example, of 2 or more",
                fix="Give the network one output per class, or choose a loss for two classes.",
            )
        return Type(int64)

    def target_range(self, output: Type) -> tuple[float, float]:
        return 0.0, output.shape[0] - 1.0


def _cross_entropy(logits: Value, target: Value) -> Value:
    # Both terms are 0 or more, so nothing cancels: log(1 + exp(z)) - t z would lose small losses altogether.
    return sum_outputs(target * softplus(-logits) + (1 - target) * softplus(logits))


@dataclass(frozen=True)
class BinaryCrossEntropy(_TwoClasses):
    """The negative logarithm, in nats, of the probability of the right one of two classes.

    ``-t log(p) - (1 - t) log(1 - p)`` with ``p = sigmoid(output)``, for a target t of 0 or 1, or a probability between.
    The gradient is ``p - t``.
    Source: Bishop, Pattern Recognition and Machine Learning (2006), section 4.3.2.
    """

    default: ClassVar[bool] = True

    def build(self, context: Context, output: Value, target: Value) -> Value:
        return _cross_entropy(output, target)

    def predict(self, output: Value) -> dict[str, Value]:
        return {"probability": sigmoid(output)}


@dataclass(frozen=True)
class MultilabelCrossEntropy(Loss):
    """Any number of labels at once: the sum over labels of their binary cross-entropies.

    The sum, not the mean: the negative logarithm of the probability of all labels, taken as independent of each other
    given the input. Output and target are ``[batch, labels]``, targets 0 or 1, or probabilities between.
    Source: Bishop, Pattern Recognition and Machine Learning (2006), section 5.2.
    """

    task: ClassVar[str] = "multilabel"
    default: ClassVar[bool] = True

    def target_range(self, output: Type) -> tuple[float, float]:
        return 0.0, 1.0

    def build(self, context: Context, output: Value, target: Value) -> Value:
        return _cross_entropy(output, target)

    def predict(self, output: Value) -> dict[str, Value]:
        return {"probability": sigmoid(output)}


@dataclass(frozen=True)
class SoftmaxCrossEntropy(_Classes):
    """The negative logarithm, in nats, of the probability of the right class.

    ``-sum(p log softmax(output))``, where p is 1 for the target's class, or a target of probabilities; the gradient is
    ``softmax(output) - p``. Label smoothing puts ``(1 - label_smoothing) p + label_smoothing / classes`` in its place.
    Source: Bishop (2006), section 4.3.4; smoothing: Szegedy et al., Rethinking the Inception architecture, CVPR (2016).

    Parameters
    ----------
    label_smoothing : float
        0 or more, below 1. May change from step to step.
    soft_targets : bool
        Whether a target is one probability for each class, ``[batch, classes]``, rather than the number of a class.
    """

    label_smoothing: float = 0.0
    soft_targets: bool = False
    default: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_setting("label_smoothing", self.label_smoothing, 0.0, 1.0, closed=True)

    def target_type(self, output: Type) -> Type:
        hard = super().target_type(output)
        return output if self.soft_targets else hard

    def target_range(self, output: Type) -> tuple[float, float]:
        return (0.0, 1.0) if self.soft_targets else super().target_range(output)

    def build(self, context: Context, output: Value, target: Value) -> Value:
        classes = int(output.shape[1])
        smoothing = context.setting("label_smoothing", self.label_smoothing)
        right = target if self.soft_targets else one_hot(target, classes, dtype=output.dtype)
        wanted = (1 - smoothing) * right + smoothing / classes
        return -sum(wanted * log_softmax(output), axis=1)

    def predict(self, output: Value) -> dict[str, Value]:
        return {"probability": softmax(output)}


@dataclass(frozen=True)
class Hinge(_TwoClasses):
    """``max(0, 1 - t output)`` with t = -1 for class 0 and t = 1 for class 1: right by a margin of 1 costs nothing.

    Targets are 0 or 1. The slope at a margin of exactly 1 is 0.
    Source: Cortes and Vapnik, Support-vector networks, Machine Learning 20 (1995).
    """

    def build(self, context: Context, output: Value, target: Value) -> Value:
        return sum_outputs(relu(1 - (2 * target - 1) * output))


@dataclass(frozen=True)
class MulticlassHinge(_Classes):
    """How far the right class is from leading all others by a margin of 1.

    ``max(0, 1 + max over other classes of output - output of the right class)``. Where several classes reach the
    maximum, the gradient is shared evenly among them.
    Source: Crammer and Singer, On the algorithmic implementation of multiclass kernel-based vector machines, JMLR 2
    (2001).
    """

    def build(self, context: Context, output: Value, target: Value) -> Value:
        right = one_hot(target, int(output.shape[1]), dtype=output.dtype)
        return max(output + (1 - right), axis=1) - sum(right * output, axis=1)

    def predict(self, output: Value) -> dict[str, Value]:
        return {"score": output}


@dataclass(frozen=True)
class PerceptronCriterion(_TwoClasses):
    """``max(0, -t output)`` with t = -1 for class 0 and t = 1 for class 1: only mistakes cost.

    Targets are 0 or 1. An output of exactly 0 counts as a mistake: its slope is -t, so that weights which start at 0
    learn, as in the perceptron algorithm.
    Source: Rosenblatt, Principles of Neurodynamics (1962); Bishop (2006), section 4.1.7.
    """

    def build(self, context: Context, output: Value, target: Value) -> Value:
        agreement = (2 * target - 1) * output
        return sum_outputs(select(agreement > 0, 0.0, -agreement))
