"""Programs: what needs another one and what does not, who shares one, and that nothing of them stays."""

from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest

import pellucid as pl
from pellucid.errors import TrainingError
from pellucid.executors.native import cache, engine
from pellucid.executors.program import compile_rows

ROWS = 60


@pytest.fixture
def compiled(monkeypatch):
    """A list that gets an entry for each module that is compiled."""
    made, begin = [], engine.Code.__init__

    def noted(self, *arguments, **options):
        made.append(arguments)
        begin(self, *arguments, **options)

    monkeypatch.setattr(engine.Code, "__init__", noted)
    return made


def examples():
    rng = np.random.default_rng(0)
    return pl.Dataset({"x": rng.normal(size=(ROWS, 6))}, rng.integers(0, 3, ROWS))


def learn(
    learning_rate=0.01, beta_1=0.9, epsilon=1e-8, decay=0.01, rate=0.2, noise=0.1, smoothing=0.1, l1=0.01, l2=0.01,
    limit=3.0, clip=1.0, seed=0, epochs=2, schedule=None, patience=None,
):  # fmt: skip
    layers = [pl.GaussianNoise(noise), pl.Dense(16, "relu"), pl.Dropout(rate), pl.Dense(3)]
    penalties = [pl.regularizers.L1(l1), pl.regularizers.L2(l2), pl.regularizers.MaxNorm(limit)]
    return pl.fit(
        pl.Network(layers, inputs=6),
        examples(),
        loss=pl.loss("softmax_cross_entropy", label_smoothing=smoothing),
        optimizer=pl.optimizers.AdamW(learning_rate, beta_1=beta_1, epsilon=epsilon, weight_decay=decay),
        regularizers=penalties,
        clip_norm=clip,
        schedule=schedule,
        epochs=epochs,
        seed=seed,
        patience=patience,
        validation=0.2,
    )


def test_hyper_parameters_never_compile_anything(compiled):
    learn()
    compiled.clear()
    first = learn().parameters["dense_1/weight"]
    for name, value in {
        "learning_rate": 0.02, "beta_1": 0.8, "epsilon": 1e-3, "decay": 0.3, "rate": 0.5, "noise": 0.4,
        "smoothing": 0.2, "l1": 0.1, "l2": 0.2, "limit": 0.5, "clip": 0.1, "seed": 1, "schedule": "cosine",
    }.items():  # fmt: skip
        assert not np.array_equal(learn(**{name: value}).parameters["dense_1/weight"], first), name
    for name in ("decay", "rate", "noise", "smoothing", "l1", "l2"):
        learn(**{name: 0.0})
    learn(epochs=4, patience=1)
    assert not compiled


def test_members_and_settings_compile_nothing(compiled):
    network = pl.Network([pl.Dense(12, "tanh"), pl.Dense(3)], inputs=6)
    way = {"loss": "softmax_cross_entropy", "epochs": 2}
    pl.fit(network, examples(), **way)
    compiled.clear()
    pl.fit(network, examples(), settings={"learning_rate": 0.5, "adam/beta_1": 0.5}, **way)
    pl.fit_population(network, examples(), [pl.Member(settings={"learning_rate": 0.1**n}) for n in range(4)], **way)
    assert not compiled


def test_any_number_of_rows_is_one_program(compiled):
    network = pl.Network([pl.Dense(11, "gelu"), pl.Dense(2)], inputs=5)
    bound = compile_rows(network.graph(), "native").bind(network.initialize(0))
    x = np.random.default_rng(0).normal(size=(5000, 5)).astype(np.float32)
    compiled.clear()
    whole = bound.run({"x": x}, 5000)["output"]
    for first, count in ((0, 1), (17, 1), (4999, 1), (1000, 1025), (3, 0)):
        part = bound.run({"x": x[first : first + count]}, count)["output"]
        np.testing.assert_array_equal(part, whole[first : first + count], strict=True)
    assert not compiled


def test_equal_graphs_share_a_program_and_others_do_not():
    def build(width, operation):
        return pl.build(lambda x: operation(2 * x), x=pl.float32[width])

    first = pl.compile(build(5, pl.tanh), "native")
    assert pl.compile(build(5, pl.tanh), "native") is first
    assert pl.compile(build(6, pl.tanh), "native") is not first
    assert pl.compile(build(5, pl.exp), "native") is not first


def test_nothing_stays_of_programs_that_are_dropped():
    alive = []
    for width in range(3, 3 + 2 * cache.KEPT):
        program = pl.compile(pl.build(lambda x: pl.tanh(3 * x), x=pl.float32[width]), "native")
        alive.append((weakref.ref(program), weakref.ref(program._compiled.code)))
    del program
    gc.collect()
    assert sum(reference() is not None for pair in alive for reference in pair) == 2 * cache.KEPT
    cache.clear()
    gc.collect()
    assert not any(reference() is not None for pair in alive for reference in pair)


def keeps_subnormals():
    return bool((np.full(64, 1e-38, np.float32) * np.float32(0.1) > 0).all())


def test_subnormals_are_kept_after_a_training_however_it_ended():
    assert keeps_subnormals()
    network = pl.Network([pl.Dense(9, "relu"), pl.Dense(3)], inputs=6)
    way = {"loss": "softmax_cross_entropy", "validation": 0.2}
    pl.fit(network, examples(), epochs=3, **way)
    assert keeps_subnormals()
    with pytest.raises(TrainingError):
        pl.fit(network, examples(), settings={"learning_rate": 1e38}, optimizer="gradient_descent", epochs=9, **way)
    assert keeps_subnormals()
    seen = []
    pl.fit_population(network, examples(), 3, epochs=3, on=lambda event: seen.append(keeps_subnormals()), **way)
    assert len(seen) == 9 and all(seen)
