"""Faults of what parameters start from."""

from __future__ import annotations

import numpy as np

from pellucid.diagnosis.zoo.situation import Situation
from pellucid.nn.initializers import Gaussian


def zero_weights(sound: Situation, rng: np.random.Generator) -> Situation:
    """All weights start at 0."""
    return sound.with_all(initializer="zeros")


def equal_weights(sound: Situation, rng: np.random.Generator) -> Situation:
    """All weights start at one number: the units of a layer stay alike."""
    return sound.with_all(initializer=float(rng.choice((0.05, 0.1, 0.2))))


def tiny_weights(sound: Situation, rng: np.random.Generator) -> Situation:
    """All weights start very near to 0."""
    return sound.with_all(initializer=Gaussian(float(rng.choice((1e-3, 1e-4)))))


def huge_weights(sound: Situation, rng: np.random.Generator) -> Situation:
    """All weights start as normal numbers of a large spread, whatever the number of inputs."""
    return sound.with_all(initializer=Gaussian(float(rng.uniform(3, 8))))


def growing_weights(sound: Situation, rng: np.random.Generator) -> Situation:
    """In a deep network, the spread of first weights makes every layer's output several times its input."""
    return sound.with_hidden(initializer=Gaussian(float(rng.uniform(0.6, 0.8))))


def biases_below(sound: Situation, rng: np.random.Generator) -> Situation:
    """Biases start so low that rectifiers are 0 for every example."""
    return sound.with_hidden(bias_initializer=-float(rng.uniform(15, 30)))


def biases_above(sound: Situation, rng: np.random.Generator) -> Situation:
    """Biases start so high that units of bounded activation are at their bound for every example."""
    return sound.with_hidden(bias_initializer=float(rng.uniform(12, 20)))
