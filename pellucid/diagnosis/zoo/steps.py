"""Faults of the optimizer: how far and how often it steps."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from pellucid.diagnosis.zoo.situation import Situation
from pellucid.optim.gradient_descent import GradientDescent, Momentum
from pellucid.optim.schedules import Exponential, WarmUp


def _faster(sound: Situation, factor: float) -> Situation:
    optimizer: Any = sound.options["optimizer"]
    return sound.with_options(optimizer=replace(optimizer, learning_rate=optimizer.learning_rate * factor))


def hundred_times_too_large(sound: Situation, rng: np.random.Generator) -> Situation:
    """The step size is a hundred times too large."""
    return _faster(sound, 100.0)


def hundred_times_too_small(sound: Situation, rng: np.random.Generator) -> Situation:
    """The step size is a hundred times too small."""
    return _faster(sound, 0.01)


def diverging_descent(sound: Situation, rng: np.random.Generator) -> Situation:
    """Plain descent with a step size at which the loss grows until it overflows."""
    return sound.with_options(optimizer=GradientDescent(float(rng.uniform(3, 10))))


def endless_momentum(sound: Situation, rng: np.random.Generator) -> Situation:
    """A momentum of 0.999: steps add up to a thousand times the gradient."""
    return sound.with_options(optimizer=Momentum(0.02, 0.999))


def online_with_large_steps(sound: Situation, rng: np.random.Generator) -> Situation:
    """The mini-batch was made one example, and the step size stayed ten times too large for it."""
    return _faster(sound.with_options(batch_size=1, epochs=10), 10.0)


def two_epochs(sound: Situation, rng: np.random.Generator) -> Situation:
    """Training ends after one or two epochs."""
    return sound.with_options(epochs=int(rng.integers(1, 3)), optimizer=_slowed(sound))


def _slowed(sound: Situation) -> Any:
    optimizer: Any = sound.options["optimizer"]
    return replace(optimizer, learning_rate=optimizer.learning_rate / 3)


def falling_too_fast(sound: Situation, rng: np.random.Generator) -> Situation:
    """The schedule brings the step size to nothing within an epoch or two."""
    return sound.with_options(schedule=Exponential(float(rng.uniform(0.01, 0.05))))


def endless_warm_up(sound: Situation, rng: np.random.Generator) -> Situation:
    """The step size rises for a million steps: the number was meant in examples of another size."""
    return sound.with_options(schedule=WarmUp(steps=1_000_000))


def clipped_away(sound: Situation, rng: np.random.Generator) -> Situation:
    """The gradient is clipped to a norm that is next to nothing."""
    return sound.with_options(clip_norm=float(10.0 ** rng.uniform(-4.5, -3.5)), optimizer=Momentum(0.02))


def stopped_at_once(sound: Situation, rng: np.random.Generator) -> Situation:
    """Early stopping asks for more improvement an epoch than there can be."""
    return _faster(sound, 0.3).with_options(patience=1, min_improvement=1.0, validation=0.2)
