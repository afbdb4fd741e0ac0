"""The gate of the first loss: what outputs of 0 cost, and how far the first ones are from that."""

import numpy as np
import pytest
from before_cases import ask, case, data, standardize
from scipy.special import log_softmax
from sklearn import datasets

import pellucid as pl
from pellucid.diagnosis.gates.before_loss import closed_form, equal_size
from pellucid.diagnosis.gates.case import Case
from pellucid.diagnosis.gates.limits import Limits
from pellucid.diagnosis.gates.probe import examples

RNG = np.random.default_rng(0)


def limits(loss, outputs, targets, weights=None):
    network = pl.Network([pl.Dense(outputs)], inputs=2, dtype="float64")
    dataset = pl.Dataset({"x": RNG.normal(size=(len(targets), 2))}, targets, weights)
    one = Case(network, dataset, {"loss": loss})
    return Limits(one, examples(one, len(targets)))


@pytest.mark.parametrize(
    "loss, outputs, targets, expected",
    [
        ("softmax_cross_entropy", 7, RNG.integers(0, 7, 50), np.log(7)),
        ("binary_cross_entropy", 1, RNG.integers(0, 2, (50, 1)).astype(float), np.log(2)),
        ("multilabel_cross_entropy", 4, RNG.integers(0, 2, (50, 4)).astype(float), 4 * np.log(2)),
        ("hinge", 1, RNG.integers(0, 2, (50, 1)).astype(float), 1.0),
        ("multiclass_hinge", 3, RNG.integers(0, 3, 50), 1.0),
        ("poisson", 2, RNG.poisson(3.0, (50, 2)).astype(float), 2.0),
    ],
)
def test_outputs_of_0_cost_what_theory_says(loss, outputs, targets, expected):
    found = limits(loss, outputs, targets)
    assert found.cost({"output": np.zeros((50, outputs))}) == pytest.approx(expected, rel=1e-12)
    assert closed_form(pl.loss(loss), outputs)[1] == pytest.approx(expected, rel=1e-12)


def test_outputs_of_0_cost_half_the_mean_square_of_the_targets_under_squared_error():
    targets, weights = RNG.normal(size=(50, 3)), RNG.uniform(0.5, 2, 50)
    found = limits("squared_error", 3, targets, weights).cost({"output": np.zeros((50, 3))})
    assert found == pytest.approx(np.average((targets**2).sum(axis=1) / 2, weights=weights), rel=1e-6)
    assert closed_form(pl.loss("squared_error"), 3) is None


def test_the_best_constant_is_as_computed_by_hand():
    numbers = RNG.normal(3, 2, (200, 1))
    assert limits("squared_error", 1, numbers).constant() == pytest.approx(numbers.var() / 2)
    middle = np.median(numbers)
    assert limits("absolute_error", 1, numbers).constant() == pytest.approx(np.abs(numbers - middle).mean())
    labels = (RNG.random((200, 1)) < 0.3).astype(float)
    p = labels.mean()
    entropy = -p * np.log(p) - (1 - p) * np.log(1 - p)
    assert limits("binary_cross_entropy", 1, labels).constant() == pytest.approx(entropy)
    classes = RNG.choice(3, 200, p=[0.6, 0.3, 0.1])
    shares = np.bincount(classes) / 200
    assert limits("softmax_cross_entropy", 3, classes).constant() == pytest.approx(-(shares * np.log(shares)).sum())
    counts = RNG.poisson(4.0, (200, 1)).astype(float)
    assert limits("poisson", 1, counts).constant() == pytest.approx(counts.mean() * (1 - np.log(counts.mean())))
    normal = limits("gaussian_log_likelihood", 2, numbers).constant()
    assert normal == pytest.approx((np.log(2 * np.pi * numbers.var()) + 1) / 2)


def test_the_least_loss_within_bounds_is_as_computed_by_hand():
    classes = RNG.integers(0, 3, 60)
    inside = np.where(np.eye(3, dtype=bool)[classes], 1.0, 0.0)
    expected = -log_softmax(inside, axis=1)[np.arange(60), classes].mean()
    found = limits("softmax_cross_entropy", 3, classes)
    assert found.least({"output": (0.0, 1.0)}) == pytest.approx(expected)
    assert found.least() == pytest.approx(0.0, abs=1e-12)
    numbers = RNG.normal(size=(60, 1))
    clipped = np.maximum(numbers, 0.0)
    found = limits("squared_error", 1, numbers).least({"output": (0.0, np.inf)})
    assert found == pytest.approx(((clipped - numbers) ** 2).mean() / 2)


def test_equal_size_inverts_what_random_outputs_cost():
    assert equal_size(8.0, lambda size: size**2 / 2) == pytest.approx(4.0, rel=1e-3)
    assert equal_size(-0.3, lambda size: size) == 0.0
    assert equal_size(np.inf, lambda size: size) == 1e6


def sound_cases():
    for place, name in enumerate(("iris", "wine", "breast_cancer", "digits", "diabetes", "linnerud")):
        found = getattr(datasets, f"load_{name}")()
        x, y = standardize(found.data), found.target
        for number, activation in enumerate(("relu", "tanh", "sigmoid", "selu")):
            if (number + place) % 2:
                continue
            depth = 1 + 2 * number if activation != "sigmoid" else 2
            hidden = [pl.Dense(24, activation) for _ in range(depth)]
            if name in ("diabetes", "linnerud"):
                y = standardize(np.asarray(found.target, float).reshape(len(x), -1))
                yield f"{name} {activation}", x, y, [*hidden, pl.Dense(y.shape[1])], "squared_error"
            elif name == "breast_cancer":
                yield f"{name} {activation}", x, y[:, None], [*hidden, pl.Dense(1)], "binary_cross_entropy"
            else:
                outputs = [*hidden, pl.Dense(len(found.target_names))]
                yield f"{name} {activation}", x, y, outputs, "softmax_cross_entropy"


@pytest.mark.parametrize("name, x, y, layers, loss", [pytest.param(*one, id=one[0]) for one in sound_cases()])
def test_sound_networks_begin_where_they_should(name, x, y, layers, loss):
    one = Case(pl.Network(layers, x.shape[1]), pl.Dataset({"x": x}, y), {"loss": loss})
    for gate in ("loss_at_initialization", "activations_at_initialization", "gradients_at_initialization"):
        assert ask(gate, one).verdict == "pass", ask(gate, one)
    for gate in ("dead_at_initialization", "saturated_at_initialization", "units_differ"):
        assert ask(gate, one).verdict == "pass", ask(gate, one)


def test_large_first_weights_are_found_and_told_from_unscaled_inputs():
    def large(outputs):
        start = pl.initializers.Gaussian(3.0)
        return [pl.Dense(32, "relu", initializer=start), pl.Dense(outputs, initializer=start)]

    found = ask("loss_at_initialization", case("multiclass", large))
    assert (found.verdict, found.causes[0]) == ("fail", "large_initialization")
    assert "log(3) = 1.099" in found.evidence
    x, _, _ = data("multiclass")
    relu = case("multiclass", lambda outputs: [pl.Dense(32, "relu"), pl.Dense(outputs)], inputs=500 * x)
    found = ask("loss_at_initialization", relu)
    assert (found.verdict, found.causes[0]) == ("fail", "unscaled_inputs")
    assert "Standardize the inputs" in found.remedy


def test_what_was_trained_before_is_not_asked_where_it_begins():
    start = {"dense_2/bias": np.array([50.0])}
    assert ask("loss_at_initialization", case(start_from=start)) is None


def test_the_bounds_can_be_changed():
    one = case()
    measured = ask("loss_at_initialization", one).measured
    found = ask("loss_at_initialization", one, loss_at_initialization=(measured / 2, measured))
    assert found.verdict == "fail" and "set by the user" in found.threshold
