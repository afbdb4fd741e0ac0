"""Updates explained: what gradient and state contribute, and the quantities of Adam against its formulas."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pellucid as pl
from pellucid.inspection.explain import explain
from pellucid.inspection.explain.adam import AdamStep
from pellucid.inspection.observe import observe
from pellucid.optim.optimizers import OPTIMIZERS
from pellucid.training.arrangement import arrange


def observe_step(steps=3, network=None, **options):
    """Observe the step after so many steps of a training."""
    rng = np.random.default_rng(0)
    network = network or pl.Network([pl.Dense(4, "tanh"), pl.Dense(2)], inputs=3, dtype="float64")
    data = pl.Dataset({"x": rng.normal(size=(12, 3))}, rng.integers(0, 2, 12))
    settings = {"epochs": 50, "steps": steps, "batch_size": 6, "executor": "interpret", **options}
    training = arrange(network, data, loss="softmax_cross_entropy", **settings).training()
    training.run()
    return observe(training)


@pytest.mark.parametrize("optimizer", sorted(set(OPTIMIZERS) - {"lbfgs"}))
def test_the_update_of_every_optimizer_adds_up(optimizer):
    seen = observe_step(optimizer=optimizer, batch_size=None if optimizer == "rprop" else 6)
    for path in ("dense_1/weight[2, 1]", "dense_2/bias[0]"):
        found = explain(seen, f"update of {path}")
        name, index = path[:-1].split("[")
        at = tuple(map(int, index.split(",")))
        assert found.number == seen.nodes[seen.graph.outputs[name].path].value[at] - seen[name].value[at]
        assert found.parts.added_up == found.parts.total == found.number
        assert found.check.agrees and found.formula[-1][0].startswith(f'"new {name}"')


def test_momentum_is_its_history_and_the_new_gradient():
    seen = observe_step(optimizer=pl.optimizers.Momentum(0.1, momentum=0.8))
    found = explain(seen, "update of dense_1/weight[0, 3]")
    velocity = seen["momentum/velocity/dense_1/weight"].value[0, 3]
    slope = seen["d loss / d dense_1/weight"].value[0, 3]
    told = {part.text.split(":")[0]: part.value for part in found.parts.shown}
    assert told == {
        "what was before": pytest.approx(0.8 * velocity),
        "the gradient": pytest.approx(-0.1 * slope),
    }
    assert [part.value for part in found.states] == pytest.approx([slope, 0.8 * velocity - 0.1 * slope])


def test_decay_is_told_apart_from_the_gradient():
    seen = observe_step(optimizer=pl.optimizers.AdamW(0.01, weight_decay=0.5))
    found = explain(seen, "update of dense_1/weight[0, 3]")
    decay = [part.value for part in found.parts.shown if part.text.startswith("the decay of")]
    assert decay == pytest.approx([-0.01 * 0.5 * seen["dense_1/weight"].value[0, 3]])
    assert not [part for part in explain(seen, "update of dense_1/bias[3]").parts.shown if "decay" in part.text]


def test_adam_is_told_with_its_moments_corrections_and_effective_step():
    seen = observe_step(steps=4, optimizer=pl.optimizers.Adam(0.02, beta_1=0.8, beta_2=0.95))
    found = explain(seen, "update of dense_1/weight[1, 1]")
    slope = seen["d loss / d dense_1/weight"].value[1, 1]
    m = 0.8 * seen["adam/m/dense_1/weight"].value[1, 1] + 0.2 * slope
    v = 0.95 * seen["adam/v/dense_1/weight"].value[1, 1] + 0.05 * slope**2
    adam = found.adam
    assert (adam.t, adam.m, adam.v) == (5, pytest.approx(m), pytest.approx(v))
    assert (adam.correction_1, adam.correction_2) == (pytest.approx(1 - 0.8**5), pytest.approx(1 - 0.95**5))
    step = -0.02 * (m / (1 - 0.8**5)) / (math.sqrt(v / (1 - 0.95**5)) + 1e-8)
    assert adam.step == pytest.approx(step) and found.number == pytest.approx(step, rel=1e-6)
    assert abs(found.number) <= adam.bound * (1 + 1e-6)
    assert "effective step" in str(found) and "Kingma and Ba 2015, section 2.1" in str(found)


def test_a_clipped_gradient_is_what_adam_takes_up():
    seen = observe_step(optimizer="adam", clip_norm=1e-3)
    found = explain(seen, "update of dense_1/weight[1, 1]")
    slopes = [
        seen[f"d loss / d {path}"].value
        for path in ("dense_1/weight", "dense_1/bias", "dense_2/weight", "dense_2/bias")
    ]
    norm = math.sqrt(sum(float((slope**2).sum()) for slope in slopes))
    assert found.adam.gradient == pytest.approx(slopes[0][1, 1] * 1e-3 / norm)
    assert any(part.text == 'the gradient: "d loss / d dense_1/weight"[1, 1]' for part in found.parts.shown)


def run_adam(gradients, rate=0.5, beta_1=0.9, beta_2=0.999, epsilon=1e-30):
    m = v = 0.0
    for g in gradients:
        m, v = beta_1 * m + (1 - beta_1) * g, beta_2 * v + (1 - beta_2) * g * g
    t = len(gradients)
    return AdamStep(t, rate, beta_1, beta_2, epsilon, gradients[-1], m, v, 1 - beta_1**t, 1 - beta_2**t)


@settings(max_examples=60)
@given(
    st.lists(st.floats(-1e3, 1e3).map(lambda g: g if abs(g) > 1e-3 else 1.0), min_size=1, max_size=40),
    st.floats(0.0, 0.99),
    st.floats(0.01, 0.9999),
)
def test_no_gradients_make_a_larger_step_than_the_bound(gradients, beta_1, beta_2):
    found = run_adam(gradients, beta_1=beta_1, beta_2=beta_2)
    assert abs(found.step) <= found.bound * (1 + 1e-9)


@pytest.mark.parametrize("t", [1, 2, 7, 60])
def test_gradients_that_grow_just_so_reach_the_bound(t):
    found = run_adam([(0.999 / 0.9) ** k for k in range(t)])
    assert abs(found.step) == pytest.approx(found.bound, rel=1e-9)
    assert t > 1 or found.bound == pytest.approx(0.5)


def test_one_gradient_after_nothing_but_zeros_reaches_the_bound_of_the_paper():
    found = run_adam([0.0] * 20_000 + [0.3])
    assert abs(found.step) == pytest.approx(found.first_bound, rel=1e-6)
    assert found.first_bound == pytest.approx(0.5 * 0.1 / math.sqrt(0.001))
    assert run_adam([1.0], beta_1=0.99, beta_2=0.9).first_bound == 0.5


def test_penalties_stand_beside_the_loss_in_the_gradient_of_the_objective():
    seen = observe_step(optimizer="adam", regularizers=[pl.regularizers.L2(0.3)])
    found = explain(seen, "d objective / d dense_1/weight[2, 0]")
    loss = explain(seen, "d loss / d dense_1/weight[2, 0]")
    assert found.number == pytest.approx(loss.number + 0.3 * seen["dense_1/weight"].value[2, 0])
    assert found.parts.added_up == found.paths.added_up == found.examples.added_up == found.number
    penalty = sum(part.value for part in found.parts.rest if "l2_1" in part.text)
    assert penalty == pytest.approx(0.3 * seen["dense_1/weight"].value[2, 0])
    assert found.check.agrees and "without penalties" in found.check.note
