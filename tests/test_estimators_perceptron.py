"""The perceptron estimator: scikit-learn's coefficients to the bit of rounding, and what its rule promises."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import sparse
from sklearn import linear_model
from sklearn.datasets import load_iris, load_wine, make_blobs
from sklearn.exceptions import ConvergenceWarning

import pellucid as pl
from pellucid.estimators import Perceptron

FIXED: dict[str, Any] = {"shuffle": False, "tol": None}


def small() -> tuple[np.ndarray, np.ndarray]:
    rows = np.random.default_rng(0).permutation(150)[:60]
    x, y = load_iris(return_X_y=True)
    return x[rows], y[rows]


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"fit_intercept": False},
        {"eta0": 0.3},
        {"penalty": "l2", "alpha": 0.01},
        {"penalty": "l1", "alpha": 0.01},
        {"penalty": "elasticnet", "alpha": 0.01, "l1_ratio": 0.4},
        {"class_weight": "balanced"},
        {"class_weight": {0: 2.5, 1: 0.5}},
    ],
    ids=str,
)
@pytest.mark.parametrize("classes", [2, 3])
def test_coefficients_are_those_of_scikit_learn(classes: int, settings: dict[str, Any]) -> None:
    x, y = small()
    x, y = x[y < classes] if classes == 3 else x[y > 0], y if classes == 3 else y[y > 0] - 1
    ours = Perceptron(max_iter=7, **FIXED, **settings).fit(x, y)
    theirs = linear_model.Perceptron(max_iter=7, **FIXED, **settings).fit(x, y)
    np.testing.assert_allclose(ours.coef_, theirs.coef_, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(ours.intercept_, theirs.intercept_, rtol=1e-9, atol=1e-9)
    np.testing.assert_array_equal(ours.predict(x), theirs.predict(x))
    np.testing.assert_allclose(ours.decision_function(x), theirs.decision_function(x), atol=1e-8)
    assert ours.n_iter_ == 7


def test_sample_weights_multiply_what_is_added() -> None:
    x, y = small()
    weights = np.random.default_rng(1).uniform(0.1, 2.0, len(y))
    ours = Perceptron(max_iter=4, **FIXED).fit(x, y, sample_weight=weights)
    theirs = linear_model.Perceptron(max_iter=4, **FIXED).fit(x, y, sample_weight=weights)
    np.testing.assert_allclose(ours.coef_, theirs.coef_, atol=1e-10)


def test_a_sparse_matrix_gives_the_same_as_a_dense_one() -> None:
    x, y = small()
    x = np.where(x > 3, x, 0.0)
    dense, thin = (Perceptron(max_iter=3, **FIXED).fit(found, y) for found in (x, sparse.csr_array(x)))
    np.testing.assert_allclose(dense.coef_, thin.coef_, rtol=1e-12)
    np.testing.assert_array_equal(dense.predict(x), thin.predict(sparse.csc_array(x)))


def test_it_separates_what_can_be_separated_within_the_bound_of_novikoff() -> None:
    x, y = make_blobs(60, centers=[[2.0, 2.0], [-2.0, -2.0]], cluster_std=0.5, random_state=3)
    fitted = Perceptron(max_iter=50, tol=None).fit(x, y)
    assert fitted.score(x, y) == 1.0
    pocket = Perceptron(max_iter=50).fit(x, y)
    assert pocket.score(x, y) == 1.0
    assert pocket.n_iter_ < 50


def test_it_stops_by_the_loss_and_warns_where_it_has_not_converged() -> None:
    x, y = load_wine(return_X_y=True)
    fitted = Perceptron(scaling="standardize").fit(x, y)
    assert fitted.score(x, y) > 0.98
    assert fitted.n_iter_ < 100
    assert len(fitted.loss_curve_) == fitted.n_iter_
    with pytest.warns(ConvergenceWarning, match="max_iter=2"):
        Perceptron(scaling="standardize", max_iter=2).fit(x, y)


def test_a_held_out_part_may_decide_when_to_stop() -> None:
    x, y = load_wine(return_X_y=True)
    fitted = Perceptron(scaling="standardize", early_stopping=True, validation_fraction=0.2).fit(x, y)
    assert fitted.n_iter_ < 100
    assert fitted.t_ == fitted.n_iter_ * (len(y) - round(0.2 * len(y)))


def test_partial_fit_and_warm_start_go_on() -> None:
    x, y = small()
    whole = Perceptron(max_iter=3, **FIXED).fit(x, y)
    parts = Perceptron(shuffle=False)
    for _ in range(3):
        parts.partial_fit(x, y, classes=[0, 1, 2])
    np.testing.assert_allclose(parts.coef_, whole.coef_, rtol=1e-12)
    assert (parts.n_iter_, parts.t_) == (3, 3 * len(y))
    warm = Perceptron(max_iter=1, warm_start=True, **FIXED)
    for _ in range(3):
        warm.fit(x, y)
    np.testing.assert_allclose(warm.coef_, whole.coef_, rtol=1e-12)


def test_the_saved_model_predicts_the_same(tmp_path: Any) -> None:
    x, y = small()
    fitted = Perceptron(random_state=1).fit(x, np.array(["a", "b", "c"])[y])
    fitted.save(tmp_path / "model")
    loaded = pl.load_model(tmp_path / "model")
    np.testing.assert_array_equal(loaded.predict(x)["y"], fitted.predict(x))
    np.testing.assert_array_equal(fitted.model_.compute(x)["output"], fitted.decision_function(x))


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"penalty": "l3"}, "no penalty is called 'l3'"),
        ({"eta0": 0}, "eta0: out of range"),
        ({"class_weight": {7: 1.0}}, "there is no class 7"),
        ({"scaling": "standardise"}, "Did you mean 'standardize'"),
    ],
)
def test_bad_parameters_are_told(settings: dict[str, Any], told: str) -> None:
    x, y = small()
    with pytest.raises(ValueError, match=told):
        Perceptron(**settings).fit(x, y)
