"""Losses: what training makes small, computed from numbers (regression) or logits (classification)."""

from pellucid.nn.losses.classification import (
    BinaryCrossEntropy,
    Hinge,
    MulticlassHinge,
    MultilabelCrossEntropy,
    PerceptronCriterion,
    SoftmaxCrossEntropy,
)
from pellucid.nn.losses.loss import Loss, blank_unused, default_loss, loss, loss_names, sum_outputs, weighted_mean
from pellucid.nn.losses.regression import (
    AbsoluteError,
    GaussianLogLikelihood,
    Huber,
    Poisson,
    Quantile,
    SquaredError,
)

__all__ = [
    "AbsoluteError",
    "BinaryCrossEntropy",
    "GaussianLogLikelihood",
    "Hinge",
    "Huber",
    "Loss",
    "MulticlassHinge",
    "MultilabelCrossEntropy",
    "PerceptronCriterion",
    "Poisson",
    "Quantile",
    "SoftmaxCrossEntropy",
    "SquaredError",
    "blank_unused",
    "default_loss",
    "loss",
    "loss_names",
    "sum_outputs",
    "weighted_mean",
]
