"""The next step of a training, observed: the bits of training itself, and the numbers that NumPy finds."""

from __future__ import annotations

import numpy as np
import pytest

import pellucid as pl
from pellucid.errors import GraphError, UsageError
from pellucid.inspection.observation import Observation
from pellucid.training.arrangement import arrange

RNG = np.random.default_rng(3)
X = RNG.normal(size=(70, 4))
KIND = RNG.integers(0, 3, 70)
T = RNG.normal(size=(70, 1))
SOFTMAX = {"loss": "softmax_cross_entropy"}


def training_at(step, network, data, executor="native", **options):
    """Return a training that has done so many steps."""
    arranged = arrange(network, data, epochs=9, steps=step, executor=executor, progress=False, **options)
    training = arranged.training()
    training.run()
    return training


def wide():
    def body(context, x):
        hidden = pl.Dense(5, pl.silu)(context, x)
        return pl.Dense(3)(context, pl.Shortcut([pl.Dense(5, "gelu"), pl.GaussianNoise(0.1)])(context, hidden))

    return pl.Network(body, inputs=4, dtype="float64")


CASES = {
    "dropout and layer norm": (
        lambda: pl.Network([pl.Dense(6, "tanh"), pl.Dropout(0.4), pl.LayerNorm(), pl.Dense(3)], inputs=4),
        {**SOFTMAX},
    ),
    "penalties, mixup and clipping": (
        wide,
        {
            **SOFTMAX,
            "clip_norm": 0.3,
            "regularizers": [pl.regularizers.L2(0.01), pl.regularizers.L1(0.001), pl.regularizers.Mixup(0.4)],
            "schedule": "cosine",
            "optimizer": "nadam",
        },
    ),
    "one mini-batch": (
        lambda: pl.Network([pl.Dense(3)], inputs=4),
        {**SOFTMAX, "batch_size": None, "optimizer": "rprop", "shuffle": False},
    ),
}


@pytest.mark.parametrize("executor", ["native", "interpret"])
@pytest.mark.parametrize("case", CASES)
def test_new_values_are_those_of_training_to_the_bit(case, executor):
    make, options = CASES[case]
    network, data, step = make(), pl.Dataset({"x": X}, KIND), 4
    seen = pl.observe(training_at(step, network, data, executor, **options))
    after = training_at(step + 1, network, data, executor, **options).progress
    new = {**after.parameters, **after.state}
    assert set(seen.step.carried) == set(new) and seen.step.step == step
    for path in seen.step.carried:
        value = np.asarray(seen.value(seen.graph.outputs[path].path))
        assert value.dtype == new[path].dtype and value.tobytes() == new[path].tobytes(), path
        np.testing.assert_array_equal(seen.update(path), value - seen.value(path))


def test_every_number_of_a_step_by_hand():
    network = pl.Network([pl.Dense(3, "tanh"), pl.Dense(1)], inputs=4, dtype="float64")
    training = training_at(
        5, network, pl.Dataset({"x": X}, T), loss="squared_error", optimizer=pl.optimizers.Momentum(0.1, momentum=0.5)
    )
    seen, p = pl.observe(training), training.progress.parameters
    assert str(seen.step) == "step 5 (epoch 2), learning rate 0.1"
    assert len(seen.rows) == 6  # 70 examples in mini-batches of 32: the last one is not full
    x, t = X[seen.rows], T[seen.rows]
    h = np.tanh(x @ p["dense_1/weight"] + p["dense_1/bias"])
    dy = (h @ p["dense_2/weight"] + p["dense_2/bias"] - t) / 6
    dz = dy @ p["dense_2/weight"].T * (1 - h**2)
    close = {"rtol": 1e-9, "atol": 1e-13}
    np.testing.assert_allclose(seen.value("dense_1/tanh")[:6], h, **close)
    np.testing.assert_allclose(seen.gradient("dense_1/pre_activation")[:6], dz, **close)
    np.testing.assert_allclose(seen.gradient("dense_1/weight"), x.T @ dz, **close)
    np.testing.assert_allclose(seen["d loss / d dense_1/weight"].value, x.T @ dz, **close)
    np.testing.assert_allclose(seen.gradient("x")[:6], dz @ p["dense_1/weight"].T, **close)
    assert not seen.gradient("x")[6:].any()
    speed = training.progress.state["momentum/velocity/dense_1/weight"]
    np.testing.assert_allclose(seen.update("dense_1/weight"), 0.5 * speed - 0.1 * (x.T @ dz), **close)
    assert seen.step.settings["momentum/momentum"] == 0.5


def test_gradients_of_all_values_are_right_where_the_step_has_them_or_not():
    training = training_at(3, wide(), pl.Dataset({"x": X}, KIND), **SOFTMAX)
    seen = pl.observe(training)
    graph = pl.differentiate(seen.graph, [one.path for one in seen if one.gradient is not None], "loss")
    found = pl.compile(graph)(**{name: seen.value(name) for name in graph.inputs})
    for one in seen:
        if one.gradient is not None:
            np.testing.assert_allclose(one.gradient, found[f"d loss / d {one.path}"], rtol=1e-9, atol=1e-15)
    assert all(seen[path].gradient is not None for path in seen.step.parameters)


def test_objective_and_loss_have_gradients_of_their_own():
    network = pl.Network([pl.Dense(3)], inputs=4, dtype="float64")
    options = {**SOFTMAX, "regularizers": [pl.regularizers.L2(0.5)], "optimizer": "gradient_descent"}
    training = training_at(2, network, pl.Dataset({"x": X}, KIND), **options)
    seen, weight = pl.observe(training), training.progress.parameters["dense_1/weight"]
    whole = seen["d objective / d dense_1/weight"].value
    np.testing.assert_allclose(whole - seen.gradient("dense_1/weight"), 0.5 * weight, rtol=1e-9)
    np.testing.assert_array_equal(seen.gradient("dense_1/weight"), seen["d loss / d dense_1/weight"].value)
    np.testing.assert_allclose(seen.update("dense_1/weight"), -seen.step.learning_rate * whole, rtol=1e-9, atol=1e-15)
    with pytest.raises(UsageError, match="gradients of what"):
        pl.observe(training, of="weight")


def test_an_event_is_observed_and_training_goes_on_as_if_it_was_not():
    network, data = (
        pl.Network([pl.Dense(4, "relu"), pl.Dropout(0.5), pl.Dense(3)], inputs=4),
        pl.Dataset({"x": X}, KIND),
    )
    seen: list[Observation] = []
    watched = pl.fit(network, data, epochs=6, **SOFTMAX, on=lambda event: seen.append(pl.observe(event)))
    alone = pl.fit(network, data, epochs=6, **SOFTMAX)
    assert [one.step.step for one in seen] == [0, 3, 6, 9, 12, 15, 18, 18]  # before, after each epoch, at the end
    assert all(watched.parameters[path].tobytes() == alone.parameters[path].tobytes() for path in alone.parameters)


def test_weighted_examples_of_a_part_keep_their_numbers():
    weights = np.where(np.arange(70) % 2, 0.0, np.arange(70) + 1.0)
    training = training_at(1, wide(), pl.Dataset({"x": X}, KIND, weights), validation=0.3, **SOFTMAX)
    seen = pl.observe(training)
    count = len(seen.rows)
    np.testing.assert_array_equal(seen.value("x")[:count], X[seen.rows])
    np.testing.assert_array_equal(seen.value("target")[:count], KIND[seen.rows])
    np.testing.assert_array_equal(seen.value("row_weight"), [*weights[seen.rows], *[0.0] * (32 - count)])


def test_lbfgs_is_observed_where_it_stands():
    network = pl.Network([pl.Dense(3, "tanh"), pl.Dense(1)], inputs=4, dtype="float64")
    seen = []
    pl.fit(
        network,
        pl.Dataset({"x": X}, T),
        loss="squared_error",
        optimizer="lbfgs",
        epochs=3,
        regularizers=[pl.regularizers.L2(0.1)],
        on=lambda event: seen.append((pl.observe(event), event)),
    )
    for one, event in seen:
        p = event.parameters
        h = np.tanh(X @ p["dense_1/weight"] + p["dense_1/bias"])
        dy = (h @ p["dense_2/weight"] + p["dense_2/bias"] - T) / 70
        assert one.of == "loss" and one.rows.tolist() == list(range(70))
        np.testing.assert_allclose(one.gradient("dense_2/weight"), h.T @ dy, rtol=1e-8, atol=1e-12)
    last, event = seen[-1]
    penalty = pl.observe(event, of="objective").gradient("dense_1/weight") - last.gradient("dense_1/weight")
    np.testing.assert_allclose(penalty, 0.1 * event.parameters["dense_1/weight"], rtol=1e-9, atol=1e-14)
    with pytest.raises(GraphError, match="no step"):
        seen[0][0].update("dense_1/weight")


def test_what_can_not_be_observed_of_a_training_is_told():
    training = training_at(1, wide(), pl.Dataset({"x": X}, KIND), **SOFTMAX)
    with pytest.raises(UsageError, match="its own"):
        pl.observe(training, pl.Dataset({"x": X}, KIND))
    seen = pl.observe(training)
    with pytest.raises(GraphError, match="does not change this"):
        seen.update("x")
