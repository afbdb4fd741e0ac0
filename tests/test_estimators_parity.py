"""Estimators against scikit-learn's own, from the same weights on: the same losses, coefficients and predictions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn import neural_network
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine
from sklearn.linear_model import LogisticRegression, PoissonRegressor, Ridge
from sklearn.preprocessing import StandardScaler

from pellucid.estimators import MLPClassifier, MLPRegressor
from pellucid.nn.network import Network

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

ROWS = 48
HIDDEN = (5, 3)
PLAIN: dict[str, Any] = {
    "alpha": 0.5,
    "batch_size": ROWS,
    "shuffle": False,
    "tol": 0.0,
    "n_iter_no_change": 1000,
    "max_iter": 25,
    "random_state": 1,
    "early_stopping": False,
}
WAYS: dict[str, dict[str, Any]] = {
    "momentum": {"solver": "sgd", "momentum": 0.9, "nesterovs_momentum": False, "learning_rate_init": 0.03},
    "nesterov": {"solver": "sgd", "momentum": 0.9, "nesterovs_momentum": True, "learning_rate_init": 0.03},
    "no momentum": {"solver": "sgd", "momentum": 0.0, "learning_rate_init": 0.1},
    "invscaling": {"solver": "sgd", "momentum": 0.5, "learning_rate": "invscaling", "learning_rate_init": 0.5},
    "adaptive": {
        **{"solver": "sgd", "learning_rate": "adaptive", "learning_rate_init": 0.05},
        **{"tol": 3e-2, "n_iter_no_change": 2},
    },
}


def data() -> tuple[np.ndarray, dict[str, np.ndarray]]:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(ROWS, 4))
    return x, {
        "number": x @ [1.0, 2.0, -1.0, 0.5] + 0.1 * rng.normal(size=ROWS),
        "binary": np.where(x[:, 0] + x[:, 1] > 0, "yes", "no"),
        "multiclass": rng.integers(0, 3, ROWS) * 10,
        "labels": (rng.random((ROWS, 3)) < 0.4).astype(int),
    }


def both(kind: str, activation: str, **settings: Any) -> tuple[Any, Any]:
    number = kind == "number"
    theirs = (neural_network.MLPRegressor if number else neural_network.MLPClassifier)(
        hidden_layer_sizes=HIDDEN, activation=activation, **settings
    )
    ours = (MLPRegressor if number else MLPClassifier)(
        HIDDEN, activation, scaling=None, **({"target_scaling": None} if number else {}), **settings
    )
    return ours, theirs


class Started(Exception):
    """Raised where scikit-learn would begin to learn: its first weights are there then."""


def start_like(theirs: Any, x: np.ndarray, y: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every network start from scikit-learn's first weights."""

    def stop(*_: Any, **__: Any) -> None:
        raise Started

    with monkeypatch.context() as patch:
        patch.setattr(type(theirs), "_fit_stochastic", stop)
        patch.setattr(type(theirs), "_fit_lbfgs", stop)
        with pytest.raises(Started):
            theirs.fit(x, y)
    first = {"weight": [*theirs.coefs_], "bias": [*theirs.intercepts_]}
    parameters = {
        f"dense_{layer}/{name}": array.copy() for name, arrays in first.items() for layer, array in enumerate(arrays, 1)
    }
    monkeypatch.setattr(Network, "initialize", lambda self, seed=0: dict(parameters))


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("kind", "activation"),
    [("number", "relu"), ("number", "tanh"), ("binary", "logistic"), ("multiclass", "tanh"), ("labels", "relu")],
)
def test_gradient_descent_takes_the_same_steps(
    kind: str, activation: str, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    x, targets = data()
    ours, theirs = both(kind, activation, **{**PLAIN, **WAYS[way]})
    ours.set_params(dropout=0.0)
    start_like(theirs, x, targets[kind], monkeypatch)
    ours.fit(x, targets[kind])
    theirs = theirs.fit(x, targets[kind])
    assert ours.n_iter_ == theirs.n_iter_
    assert ours.t_ == theirs.t_
    np.testing.assert_allclose(ours.loss_curve_, theirs.loss_curve_, rtol=1e-9, atol=1e-12)
    assert ours.best_loss_ == pytest.approx(theirs.best_loss_, rel=1e-9)
    for mine, other in zip(ours.coefs_ + ours.intercepts_, theirs.coefs_ + theirs.intercepts_, strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-7, atol=1e-10)
    np.testing.assert_array_equal(ours.predict(x), theirs.predict(x)) if kind != "number" else None
    assert (ours.n_layers_, ours.n_outputs_, ours.out_activation_) == (
        theirs.n_layers_,
        theirs.n_outputs_,
        theirs.out_activation_,
    )


@pytest.mark.parametrize("kind", ["number", "binary", "multiclass"])
def test_adam_takes_nearly_the_same_steps(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only nearly: scikit-learn adds epsilon before the correction of the start from 0, Adam's authors behind it."""
    x, targets = data()
    ours, theirs = both(kind, "tanh", **{**PLAIN, "solver": "adam", "learning_rate_init": 0.02})
    ours.set_params(dropout=0.0)
    start_like(theirs, x, targets[kind], monkeypatch)
    np.testing.assert_allclose(
        ours.fit(x, targets[kind]).loss_curve_, theirs.fit(x, targets[kind]).loss_curve_, atol=1e-5
    )


def test_mini_batches_are_penalized_like_scikit_learns_also_the_smaller_last_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    x, targets = data()
    weights = np.random.default_rng(3).uniform(0.5, 2.0, ROWS)
    ours, theirs = both("binary", "tanh", **{**PLAIN, **WAYS["momentum"], "batch_size": 20})
    ours.set_params(dropout=0.0)
    start_like(theirs, x, targets["binary"], monkeypatch)
    ours.fit(x, targets["binary"], sample_weight=weights)
    theirs.fit(x, targets["binary"], sample_weight=weights)
    for mine, other in zip(ours.coefs_, theirs.coefs_, strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-7, atol=1e-10)


@pytest.mark.parametrize("kind", ["number", "multiclass"])
def test_lbfgs_finds_the_same_minimum(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    x, targets = data()
    settings = {**PLAIN, "solver": "lbfgs", "alpha": 5.0, "tol": 1e-9, "max_iter": 2000}
    ours, theirs = both(kind, "tanh", **settings)
    start_like(theirs, x, targets[kind], monkeypatch)
    ours.fit(x, targets[kind])
    theirs.fit(x, targets[kind])
    assert ours.loss_ == pytest.approx(theirs.loss_, rel=1e-5)
    if kind == "multiclass":
        np.testing.assert_allclose(ours.predict_proba(x), theirs.predict_proba(x), atol=5e-3)


def test_float32_stays_float32() -> None:
    x, targets = data()
    for dtype in (np.float32, np.float64):
        fitted = MLPClassifier((4,), max_iter=2).fit(x.astype(dtype), targets["binary"])
        assert {array.dtype for array in fitted.coefs_} == {np.dtype(dtype)}
        assert fitted.predict_proba(x.astype(dtype)).dtype == dtype


LINEAR: dict[str, Any] = {"solver": "lbfgs", "scaling": None, "tol": 1e-10, "max_iter": 5000}


@pytest.mark.parametrize("load", [load_breast_cancer, load_wine])
@pytest.mark.parametrize("alpha", [0.1, 10.0])
def test_without_hidden_layers_it_is_logistic_regression(load: Any, alpha: float) -> None:
    x, y = load(return_X_y=True)
    x = StandardScaler().fit_transform(x)
    ours = MLPClassifier((), alpha=alpha, **LINEAR).fit(x, y)
    theirs = LogisticRegression(C=1 / alpha, tol=1e-10, max_iter=5000).fit(x, y)
    assert len(ours.coefs_) == 1
    np.testing.assert_allclose(ours.predict_proba(x), theirs.predict_proba(x), atol=1e-3)
    if len(ours.classes_) == 2:
        np.testing.assert_allclose(ours.coefs_[0].T, theirs.coef_, atol=2e-3)
        np.testing.assert_allclose(ours.intercepts_[0], theirs.intercept_, atol=2e-3)


@pytest.mark.parametrize("outputs", [1, 2])
def test_without_hidden_layers_it_is_ridge_regression(outputs: int) -> None:
    x, y = load_diabetes(return_X_y=True)
    x, y = StandardScaler().fit_transform(x), y / 100
    y = y if outputs == 1 else np.column_stack([y, y**2])
    weights = np.random.default_rng(0).uniform(0.2, 3.0, len(y))
    ours = MLPRegressor((), alpha=30.0, target_scaling=None, **LINEAR).fit(x, y, sample_weight=weights)
    theirs = Ridge(alpha=30.0).fit(x, y, sample_weight=weights)
    np.testing.assert_allclose(ours.predict(x), theirs.predict(x), atol=1e-3)
    np.testing.assert_allclose(ours.coefs_[0].T.reshape(theirs.coef_.shape), theirs.coef_, atol=1e-3)


def test_counts_are_learned_as_by_poisson_regression() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(300, 3))
    y = rng.poisson(np.exp(x @ [0.5, -0.3, 0.1] + 1.0))
    ours = MLPRegressor((), loss="poisson", alpha=3.0, **LINEAR).fit(x, y)
    theirs = PoissonRegressor(alpha=3.0 / len(y), tol=1e-10, max_iter=5000).fit(x, y)
    assert ours.out_activation_ == "exp"
    np.testing.assert_allclose(ours.predict(x), theirs.predict(x), rtol=1e-3)
