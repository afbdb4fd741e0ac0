"""Faults of the last layer and the loss."""

from __future__ import annotations

import numpy as np

from pellucid.diagnosis.zoo import parts
from pellucid.diagnosis.zoo.situation import Situation


def double_softmax(sound: Situation, rng: np.random.Generator) -> Situation:
    """The last layer is a softmax, and the loss applies another one."""
    return sound.with_output(activation="softmax")


def double_sigmoid(sound: Situation, rng: np.random.Generator) -> Situation:
    """The last layer is a sigmoid, and the loss applies another one."""
    return sound.with_output(activation="sigmoid")


def rectified_output(sound: Situation, rng: np.random.Generator) -> Situation:
    """The last layer is a rectifier like all others: it can not give numbers below 0."""
    return sound.with_output(activation="relu")


def bounded_output(sound: Situation, rng: np.random.Generator) -> Situation:
    """The last layer is a tanh or a sigmoid, and targets lie outside of what it can give."""
    activation = str(rng.choice(("tanh", "sigmoid")))
    return sound.with_targets(lambda y: 5.0 * y).with_output(activation=activation)


def probabilities_for_hinge(sound: Situation, rng: np.random.Generator) -> Situation:
    """The loss wants a score with a sign, and the last layer gives a probability."""
    return sound.with_output(activation="sigmoid").with_options(loss="hinge")


def classes_as_numbers(sound: Situation, rng: np.random.Generator) -> Situation:
    """The numbers of classes are predicted as numbers, by the squared error."""
    situation = sound.with_targets(lambda y: y[:, None].astype(np.float64))
    return situation.with_output(units=1).with_options(loss="squared_error")


def softmax_for_labels(sound: Situation, rng: np.random.Generator) -> Situation:
    """Rows have several labels at once, and the last layer is a softmax: its outputs share a sum of 1."""
    return sound.with_output(activation="softmax")


def each_with_all(sound: Situation, rng: np.random.Generator) -> Situation:
    """A loss of one's own broadcasts [batch, 1] against [batch]: each output meets all targets."""
    return sound.with_options(loss=parts.each_with_all())


def wrong_sign(sound: Situation, rng: np.random.Generator) -> Situation:
    """A loss of one's own has the wrong sign."""
    return sound.with_options(loss=parts.negative_error())


def logarithm_of_zero(sound: Situation, rng: np.random.Generator) -> Situation:
    """A loss of one's own takes logarithms of probabilities that become 0."""
    return sound.with_options(loss=parts.own_cross_entropy())
