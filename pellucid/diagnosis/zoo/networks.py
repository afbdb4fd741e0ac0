"""Faults of the network: its shape, its activations, how its parts are connected."""

from __future__ import annotations

from typing import Any

import numpy as np

from pellucid.diagnosis.zoo import parts
from pellucid.diagnosis.zoo.situation import Situation
from pellucid.nn.branches import Shortcut
from pellucid.nn.layers import Dense
from pellucid.nn.network import Layer
from pellucid.ops.basic import stop_gradient


def _stack(sound: Situation, depth: int, width: int, activation: str, **settings: Any) -> Situation:
    hidden = [Dense(width, activation, **settings) for _ in range(depth)]
    return sound.with_layers(*hidden, sound.layers[-1])


def sigmoid_stack(sound: Situation, rng: np.random.Generator) -> Situation:
    """Twenty layers of sigmoids."""
    return _stack(sound, 20, 24, "sigmoid")


def tanh_stack(sound: Situation, rng: np.random.Generator) -> Situation:
    """Thirty layers of tanh, with first weights of half the spread that they need."""
    from pellucid.nn.initializers import LeCunNormal

    return _stack(sound, 30, 24, "tanh", initializer=LeCunNormal(0.5))


def stacked_shortcuts(sound: Situation, rng: np.random.Generator) -> Situation:
    """Thirty shortcuts, each of which adds as much as comes in, and nothing that normalizes."""
    width = 24
    blocks: list[Layer] = [Shortcut([Dense(width, "relu"), Dense(width, initializer="he_normal")]) for _ in range(30)]
    return sound.with_layers(Dense(width, "relu"), *blocks, sound.layers[-1])


def one_unit(sound: Situation, rng: np.random.Generator) -> Situation:
    """One hidden unit, for data that need many."""
    return _stack(sound, 1, 1, "tanh")


def bottleneck(sound: Situation, rng: np.random.Generator) -> Situation:
    """All goes through one unit in the middle."""
    hidden = sound.layers[:-1]
    return sound.with_layers(*hidden, Dense(1, "tanh"), Dense(24, "tanh"), sound.layers[-1])


def no_activation(sound: Situation, rng: np.random.Generator) -> Situation:
    """The activation of the hidden layers was forgotten: all together are one linear layer."""
    return sound.with_hidden(activation="identity")


def stopped_gradient(sound: Situation, rng: np.random.Generator) -> Situation:
    """Gradients are stopped before the last layer: hidden layers stay as they are."""
    *hidden, output = sound.layers
    return sound.with_layers(*hidden, parts.Between(stop_gradient), output)


def step_units(sound: Situation, rng: np.random.Generator) -> Situation:
    """Hidden units jump from 0 to 1: no gradient goes through them."""
    return sound.with_hidden(activation="step")


def wrong_sign_of_gradient(sound: Situation, rng: np.random.Generator) -> Situation:
    """An activation of one's own has a gradient of the wrong sign."""
    return sound.with_hidden(activation=parts.with_wrong_gradient("tanh", lambda g, x, y: g * (y * y - 1.0)))


def wrong_slope(sound: Situation, rng: np.random.Generator) -> Situation:
    """An activation of one's own has the value where its gradient has to have the slope."""
    return sound.with_hidden(activation=parts.with_wrong_gradient("sigmoid", lambda g, x, y: g * (1.0 - 2.0 * y)))


def normalized_over_batch(sound: Situation, rng: np.random.Generator) -> Situation:
    """Normalization over axis 0: an example's output depends on those that come with it, at prediction too."""
    return _between_first(sound, parts.normalized_over_batch)


def softmax_over_batch(sound: Situation, rng: np.random.Generator) -> Situation:
    """A softmax over axis 0."""
    return _between_first(sound, parts.weighed_over_batch)


def reshaped(sound: Situation, rng: np.random.Generator) -> Situation:
    """Reshape where a transpose was meant: rows hold numbers of several examples."""
    return _between_first(sound, parts.reshaped)


def _between_first(sound: Situation, function: Any) -> Situation:
    first, *others = sound.layers
    return sound.with_layers(first, parts.Between(function), *others)
