"""Healthy trainings: what gates must let pass. All tasks, losses, shapes, optimizers and sizes of data that occur."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from pellucid.data.dataset import class_weights
from pellucid.diagnosis.zoo.several import SEVERAL
from pellucid.diagnosis.zoo.situation import Situation
from pellucid.diagnosis.zoo.sound import CLASSES, CURVED, NUMBERS, OPTIMIZERS, Wish, sound
from pellucid.diagnosis.zoo.specimen import CONFIRMING, SCORING, TUNING, Specimen
from pellucid.nn.layers import Dense
from pellucid.nn.losses import GaussianLogLikelihood, Huber, SoftmaxCrossEntropy
from pellucid.nn.noise import Dropout
from pellucid.nn.regularizers import L1, L2, InputNoise, MaxNorm, Mixup
from pellucid.optim.adaptive import Adam
from pellucid.optim.gradient_descent import GradientDescent
from pellucid.optim.schedules import Cosine, Exponential, OnPlateau, WarmUp

ANEW = 1000
"""From this seed on the forms of healthy trainings are made with other random numbers."""

Change = Callable[[Situation, np.random.Generator], Situation]


def _same(situation: Situation, rng: np.random.Generator) -> Situation:
    return situation


def _options(**options: Any) -> Change:
    return lambda situation, rng: situation.with_options(**options)


def _noisy_targets(situation: Situation, rng: np.random.Generator) -> Situation:
    """Numbers with noise as large as what there is to learn."""
    return situation.with_targets(lambda y: y + 0.7 * rng.standard_normal(y.shape))


def _wrong_labels(situation: Situation, rng: np.random.Generator) -> Situation:
    """A tenth of the labels is wrong, in the test as well."""

    def spoil(y: np.ndarray) -> np.ndarray:
        return np.where(rng.random(len(y)) < 0.1, rng.permutation(y), y)

    learning = replace(situation.learning, y=spoil(situation.learning.y))
    test = replace(situation.test, y=spoil(situation.test.y))
    return replace(situation, learning=learning, test=test, use=test)


def _few_rows(situation: Situation, rng: np.random.Generator) -> Situation:
    """A hundred rows, a small network, and a penalty."""
    small = situation.with_layers(Dense(8, "tanh"), situation.layers[-1])
    small = small.with_options(regularizers=[L2(0.001)], epochs=100, batch_size=16, optimizer=Adam(0.02))
    return replace(small, learning=situation.learning.take(slice(100)))


def _weighed_classes(situation: Situation, rng: np.random.Generator) -> Situation:
    """One class is five times as frequent as the other, and weighs a fifth."""
    y = situation.learning.y
    rows = np.sort(np.concatenate([np.flatnonzero(y == 0), np.flatnonzero(y == 1)[: (y == 0).sum() // 5]]))
    learning = situation.learning.take(rows)
    return replace(situation, learning=replace(learning, weights=class_weights(learning.y, "balanced")))


def _variance_too(situation: Situation, rng: np.random.Generator) -> Situation:
    """Mean and variance are predicted."""
    wider = situation.with_output(units=2 * situation.material.outputs)
    return wider.with_options(loss=GaussianLogLikelihood(), validation=0.2, patience=20)


def _double_precision(situation: Situation, rng: np.random.Generator) -> Situation:
    return replace(situation, dtype="float64")


def _bottleneck(situation: Situation, rng: np.random.Generator) -> Situation:
    """An autoencoder: 64 pixels through 16 numbers."""
    hidden = (Dense(48, "relu"), Dense(16), Dense(48, "relu"))
    return situation.with_layers(*hidden, situation.layers[-1]).with_options(optimizer=Adam(0.003))


def _dropout(situation: Situation, rng: np.random.Generator) -> Situation:
    *hidden, output = situation.layers
    return situation.with_layers(*hidden, Dropout(float(rng.uniform(0.1, 0.3))), output)


def _linear(situation: Situation, rng: np.random.Generator) -> Situation:
    """A linear model, where that is all that the data need."""
    return situation.with_layers(situation.layers[-1])


_FORMS: tuple[tuple[Wish, Change], ...] = (
    # every material once, plainly
    *((Wish((name,)), _same) for name in (*CLASSES, *NUMBERS)),
    (Wish(("iris",)), _same),
    (Wish(("diabetes",), depths=(1,), widths=(12,), validation=True), _same),
    (Wish(("counts",), optimizers=("adam", "rmsprop"), depths=(1, 2)), _same),
    (Wish(("labels",)), _same),
    (Wish(("labels",), optimizers=("adam",), depths=(2,)), _dropout),
    (Wish(("pixels",), optimizers=("adam",), batches=(16,), steps=5000), _bottleneck),
    (Wish(("pixels",), validation=True, steps=6000), _bottleneck),
    # every optimizer
    *((Wish(optimizers=(name,), activations=("relu", "tanh", "elu"), depths=(1, 2)), _same) for name in OPTIMIZERS),
    # every activation, bounded ones in shallow networks
    *((Wish(CURVED, (name,), ("adam", "rmsprop"), (1,)), _same) for name in ("sigmoid", "softsign", "selu", "mish")),
    # shapes
    (Wish(depths=(6,), activations=("relu", "elu", "gelu"), optimizers=("adam",), steps=4000), _same),
    (Wish(depths=(8,), activations=("relu", "selu"), optimizers=("adam",), steps=3000), _same),
    (Wish(plain=False), _same),
    (Wish(plain=False, optimizers=("adamw",)), _same),
    (Wish(CURVED, plain=False, depths=(3,)), _same),
    (Wish(widths=(128,), depths=(2,), validation=True), _same),
    (Wish(("breast_cancer", "wine")), _linear),
    (Wish(("friedman2", "breast_cancer")), _double_precision),
    # sizes of mini-batches
    (Wish(batches=(1,), optimizers=("gradient_descent",), steps=4000), _options(optimizer=GradientDescent(0.01))),
    (Wish(batches=(128,), steps=900), _options(epochs=120)),
    # losses
    (Wish(("moons", "product")), _options(loss="hinge")),
    (Wish(("clusters", "rings")), _options(loss="multiclass_hinge")),
    (Wish(NUMBERS), _options(loss=Huber())),
    (Wish(NUMBERS), _options(loss="absolute_error")),
    (Wish(("sine", "waves", "teacher"), optimizers=("adam",)), _variance_too),
    (Wish(("wine", "clusters")), _options(loss=SoftmaxCrossEntropy(label_smoothing=0.1))),
    # regularization
    (Wish(CURVED), _options(regularizers=[L2(0.001)])),
    (Wish(CURVED), _options(regularizers=[L1(0.0003)])),
    (Wish(CURVED, depths=(2,)), _options(regularizers=[MaxNorm(3.0)])),
    (Wish(("digits", "teacher", "friedman1")), _options(regularizers=[InputNoise(0.1)])),
    (Wish(("digits", "clusters", "moons")), _options(regularizers=[Mixup(0.2)])),
    # schedules, clipping
    (Wish(), _options(schedule=Cosine(epochs=120))),
    (Wish(), _options(schedule=Exponential(0.98))),
    (Wish(optimizers=("adam",)), _options(schedule=WarmUp(epochs=2))),
    (Wish(validation=True), _options(schedule=OnPlateau())),
    (Wish(optimizers=("momentum",)), _options(clip_norm=1.0)),
    # noise, few rows, rare classes
    (Wish(("friedman1", "teacher", "waves"), validation=True, depths=(1, 2), widths=(16,)), _noisy_targets),
    (Wish(("moons", "clusters", "rings"), validation=True, depths=(1,), widths=(16,)), _wrong_labels),
    (Wish(("teacher", "moons")), _few_rows),
    (Wish(("moons", "circles", "product")), _weighed_classes),
)

ORDER = 37
"""Coprime to the number of forms: neighbours in the list above come into different parts."""


def healthy(seed: int) -> Specimen:
    """Return the healthy training of a seed: each form once, then networks with several inputs or outputs by turns.

    From 1000 on the forms begin anew, with other random numbers.
    """
    number = seed % ANEW
    if number >= len(_FORMS):
        return Specimen("healthy", seed, SEVERAL[number % len(SEVERAL)](seed), (), True)
    rng = np.random.default_rng([7, seed])
    wish, change = _FORMS[(number * ORDER) % len(_FORMS)]
    situation = change(sound(wish, rng), rng)
    return Specimen("healthy", seed, situation.case(), (), True, situation, situation)


def healthy_seeds(part: str) -> tuple[int, ...]:
    """Return the seeds of the healthy trainings of a part; those that confirm are of the forms that score."""
    count = len(_FORMS)
    if part == CONFIRMING:
        return tuple(ANEW + seed for seed in healthy_seeds(SCORING))
    return (*range(32), count, count + 1) if part == TUNING else (*range(32, count), *range(count + 2, count + 6))
