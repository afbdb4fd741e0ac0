"""Regularizers: what keeps a network from fitting noise, each in up to three places of a training step.

Strengths are settings: they may change from step to step, and networks that differ in them only share one program.
Dropout and noise inside a network are layers; label smoothing is a setting of the loss; early stopping belongs to fit.
"""

from pellucid.nn.regularizers.examples import Augment, AugmentArrays, InputNoise, Mixup, TargetNoise
from pellucid.nn.regularizers.penalties import L2, StayNear, Tie
from pellucid.nn.regularizers.projections import L1, MaxNorm
from pellucid.nn.regularizers.regularizer import Regularizer, output_weights

__all__ = [
    "L1",
    "L2",
    "Augment",
    "AugmentArrays",
    "InputNoise",
    "MaxNorm",
    "Mixup",
    "Regularizer",
    "StayNear",
    "TargetNoise",
    "Tie",
    "output_weights",
]
