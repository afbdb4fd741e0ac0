"""Gates that learn for a short while: what is sound is learned, each fault is named, and tests of means are right."""

from dataclasses import replace

import numpy as np
import pytest
from before_cases import ask, case, data, standardize
from scipy import stats
from sklearn import datasets

import pellucid as pl
from pellucid.diagnosis.gates.by_heart import learned_by_heart
from pellucid.diagnosis.gates.case import Case
from pellucid.diagnosis.gates.small_fits import affordable_steps, learn, losses, sureness
from pellucid.diagnosis.gates.three_ways import three_ways

RNG = np.random.default_rng(2)
TRAINING = ("small_subset", "regularization_leaves_room", "inputs_help", "targets_belong", "shuffled_targets")


def sets():
    """Return inputs, targets, the loss and the number of outputs of ten sets of data, by name."""
    for name in ("iris", "wine", "digits"):
        found = getattr(datasets, f"load_{name}")()
        yield name, standardize(found.data), found.target, "softmax_cross_entropy", len(found.target_names)
    found = datasets.load_breast_cancer()
    yield "breast_cancer", standardize(found.data), found.target[:, None], "binary_cross_entropy", 1
    found = datasets.load_diabetes()
    yield "diabetes", standardize(found.data), standardize(found.target[:, None]), "squared_error", 1
    found = datasets.load_linnerud()
    yield "linnerud", standardize(found.data), standardize(found.target), "squared_error", 3
    for name, made in (
        ("moons", datasets.make_moons(400, noise=0.2, random_state=0)),
        ("circles", datasets.make_circles(400, noise=0.08, factor=0.5, random_state=0)),
    ):
        yield name, standardize(made[0]), made[1][:, None].astype(float), "hinge", 1
    x, y = datasets.make_friedman1(500, noise=0.5, random_state=0)
    yield "friedman1", standardize(x), standardize(y[:, None]), "huber", 1
    x = RNG.normal(size=(600, 5))
    yield "counts", x, RNG.poisson(np.exp(0.6 * x[:, :1] + 0.5)).astype(float), "poisson", 1


@pytest.mark.parametrize("name, x, y, loss, outputs", [pytest.param(*one, id=one[0]) for one in sets()])
def test_sound_trainings_pass(name, x, y, loss, outputs):
    hidden = [pl.Dense(24, "relu"), pl.Dropout(0.1), pl.Dense(24, "tanh")]
    network = pl.Network([*hidden, pl.Dense(outputs)], x.shape[1])
    options = {"optimizer": pl.optimizers.Adam(0.005), "regularizers": [pl.regularizers.L2(1e-4)], "epochs": 60}
    one = Case(network, pl.Dataset({"x": x}, y), {"loss": loss, **options})
    for gate in TRAINING:
        found = ask(gate, one)
        assert found is None or found.verdict == "pass", found


@pytest.mark.parametrize(
    "changes, cause",
    [
        ({"optimizer": pl.optimizers.Adam(1e-7)}, "step_too_small"),
        ({"optimizer": pl.optimizers.GradientDescent(1e-6)}, "step_too_small"),
        ({"optimizer": pl.optimizers.GradientDescent(300.0)}, "step_too_large"),
        ({"schedule": pl.schedules.Exponential(0.01)}, "step_too_small"),
    ],
)
def test_steps_that_are_too_small_or_too_large_are_told_apart(changes, cause):
    found = ask("small_subset", case("regression", **changes))
    assert (found.verdict, found.causes[0]) == ("fail", cause), found


def test_a_network_that_is_too_small_does_not_learn_few_examples_by_heart():
    x, y = datasets.make_circles(300, noise=0.03, factor=0.5, random_state=1)
    options = {"loss": "binary_cross_entropy", "optimizer": pl.optimizers.Adam(0.05)}
    linear = Case(pl.Network([pl.Dense(1)], 2), pl.Dataset({"x": x}, y[:, None]), options)
    found = ask("small_subset", linear)
    assert found.verdict == "fail" and "network_too_small" in found.causes


@pytest.mark.parametrize(
    "changes",
    [
        {"regularizers": [pl.regularizers.L2(30.0)]},
        {"regularizers": [pl.regularizers.L1(10.0)]},
        {"layers": lambda outputs: [pl.Dense(16, "tanh"), pl.Dropout(0.99), pl.Dense(outputs)]},
    ],
)
def test_regularization_that_keeps_it_from_learning_is_found(changes):
    one = case("multiclass", **changes)
    assert ask("small_subset", one).verdict == "pass"
    found = ask("regularization_leaves_room", one)
    assert found.verdict != "pass" and found.causes == ("too_much_regularization",), found
    assert ask("regularization_leaves_room", case("multiclass")) is None


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_inputs_without_targets_of_their_own_are_found(task):
    x, y, _ = data(task)
    mixed = case(task, targets=y[RNG.permutation(len(y))])
    for gate in ("inputs_help", "targets_belong"):
        found = ask(gate, mixed)
        assert (found.verdict != "pass") and "wrong_targets" in found.causes, found
    empty = ask("inputs_help", case(task, inputs=np.ones_like(x)))
    assert (empty.verdict, empty.causes) == ("fail", ("uninformative_inputs",))


def test_shuffled_targets_of_new_rows_must_not_be_cheaper_than_under_a_constant():
    one = case()
    assert ask("shuffled_targets", one).verdict == "pass"
    found = three_ways(one)
    cheaper = found.of_constant - RNG.uniform(0.1, 0.2, len(found.of_constant))
    knowing = case()
    knowing.once("three ways", lambda: replace(found, of_shuffled=cheaper))
    told = ask("shuffled_targets", knowing)
    assert (told.verdict, told.causes) == ("fail", ("test_overlap", "target_leak"))


def test_the_same_case_gives_the_same_numbers():
    one, again = learned_by_heart(case("multiclass")), learned_by_heart(case("multiclass"))
    assert (one.left, one.steps) == (again.left, again.steps)


def test_short_trainings_are_those_of_fit():
    x, y, _ = data("regression", seed=3, rows=64)
    options = {"loss": "squared_error", "optimizer": pl.optimizers.Adam(0.01), "batch_size": 16, "seed": 3}
    one = case("regression", rows=64, **options)
    fitted = pl.fit(one.network, pl.Dataset({"x": x}, y), epochs=5, **options)
    arrays = one.arranged.examples.arrays
    found = learn(one, arrays, 20)
    assert all(np.array_equal(found[path], fitted.parameters[path]) for path in found)
    each = losses(one, found, arrays)
    predicted = fitted.predict(x.astype(np.float32))
    np.testing.assert_allclose(each, ((predicted - y) ** 2)[:, 0] / 2, rtol=1e-3, atol=1e-5)
    assert learn(case("regression", rows=64, optimizer=pl.optimizers.GradientDescent(1e30)), arrays, 20) is None


def test_large_networks_learn_for_fewer_steps():
    wide = case(layers=lambda outputs: [pl.Dense(2000, "relu"), pl.Dense(2000, "relu"), pl.Dense(outputs)])
    assert 50 <= affordable_steps(wide, 300) < affordable_steps(case(), 300) == 4000
    assert affordable_steps(case(executor="interpret"), 300) < 4000


def test_sureness_is_students_t():
    differences, ones = RNG.normal(0.2, 1, 50), np.ones(50)
    expected = stats.ttest_1samp(differences, 0).statistic
    found = sureness(differences, np.zeros(50), ones)
    assert found >= expected - 1e-12
    differences[np.argsort(differences)[-5:]] = np.sort(differences)[-6]  # nothing is left to be cut
    assert sureness(differences, np.zeros(50), ones) == pytest.approx(stats.ttest_1samp(differences, 0).statistic)
    assert sureness(ones, np.full(50, np.inf), ones) == -np.inf
    assert sureness(np.full(50, np.inf), ones, ones) == np.inf
    assert sureness(ones, ones, ones) == 0.0
    weighed = sureness(np.r_[differences, 99.0], np.zeros(51), np.r_[ones, 0.0])
    assert np.isfinite(weighed)


def test_where_there_are_few_rows_nothing_is_said_of_new_ones():
    few = case("regression", rows=40)
    assert ask("inputs_help", few) is None and ask("targets_belong", few) is None
    assert ask("small_subset", few).verdict == "pass"
