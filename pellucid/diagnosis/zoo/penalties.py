"""Faults of regularization: too much of it, or none where it is needed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from pellucid.diagnosis.zoo.situation import Situation
from pellucid.nn.layers import Dense
from pellucid.nn.noise import Dropout
from pellucid.nn.regularizers import L1, L2, InputNoise, MaxNorm
from pellucid.optim.adaptive import Adam, AdamW


def strong_l2(sound: Situation, rng: np.random.Generator) -> Situation:
    """L2 with a strength that leaves no weight."""
    return sound.with_options(regularizers=[L2(float(rng.uniform(2, 20)), output=True)])


def strong_l1(sound: Situation, rng: np.random.Generator) -> Situation:
    """L1 with a strength that leaves no weight."""
    return sound.with_options(regularizers=[L1(float(rng.uniform(2, 8)))])


def strong_decay(sound: Situation, rng: np.random.Generator) -> Situation:
    """Weight decay, given as one gives a strength of L2 to a linear model."""
    return sound.with_options(optimizer=AdamW(0.005, weight_decay=float(rng.uniform(20, 60))))


def small_norm(sound: Situation, rng: np.random.Generator) -> Situation:
    """Max-norm with a bound that no useful weight can have."""
    return sound.with_options(regularizers=[MaxNorm(float(rng.uniform(0.02, 0.06)))])


def strong_dropout(sound: Situation, rng: np.random.Generator) -> Situation:
    """Dropout whose rate was taken for the share that is kept, after every hidden layer."""
    *hidden, output = sound.layers
    rate = float(rng.uniform(0.9, 0.96))
    return sound.with_layers(*(layer for each in hidden for layer in (each, Dropout(rate))), output)


def strong_noise(sound: Situation, rng: np.random.Generator) -> Situation:
    """Noise on the inputs that is several times as large as they are."""
    return sound.with_options(regularizers=[InputNoise(float(rng.uniform(5, 12)))])


def noise_by_heart(sound: Situation, rng: np.random.Generator) -> Situation:
    """A wide network learns few noisy rows for many epochs, with nothing that holds it back."""
    learning = sound.learning.take(slice(100))
    noisy = replace(learning, y=learning.y + 0.8 * rng.standard_normal(learning.y.shape))
    wide = sound.with_layers(Dense(256, "relu"), Dense(256, "relu"), sound.layers[-1])
    endless = wide.without_options("validation", "patience", "regularizers")
    return replace(endless, learning=noisy).with_options(epochs=200, optimizer=Adam(0.003))


def wrong_labels_by_heart(sound: Situation, rng: np.random.Generator) -> Situation:
    """A third of the labels is wrong, and a wide network learns them all by heart."""
    learning = sound.learning.take(slice(160))
    wrong = rng.random(len(learning)) < 0.3
    y = np.where(wrong, rng.permutation(learning.y), learning.y)
    wide = sound.with_layers(Dense(256, "relu"), Dense(256, "relu"), sound.layers[-1])
    endless = wide.without_options("validation", "patience", "regularizers")
    return replace(endless, learning=replace(learning, y=y)).with_options(epochs=120, optimizer=Adam(0.003))
