"""The perceptron estimator: scikit-learn's coefficients to the bit of rounding, and what its rule promises."""

from __future__ import annotations

import pickle
import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn import linear_model
from sklearn.datasets import load_iris, load_wine, make_blobs
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.metrics import accuracy_score

import pellucid as pl
from pellucid.estimators import Perceptron
from pellucid.training.events import EpochEnded, StepEnded

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


def followed(x: np.ndarray, y: np.ndarray, epochs: int) -> list[linear_model.Perceptron]:
    """Return scikit-learn's perceptrons after 1, 2, ... epochs."""
    return [linear_model.Perceptron(max_iter=epoch + 1, **FIXED).fit(x, y) for epoch in range(epochs)]


@pytest.mark.filterwarnings("ignore:max_iter")
@pytest.mark.parametrize("classes", [2, 3])
def test_given_rows_judge_each_epoch_and_the_best_weights_come_back(classes: int) -> None:
    x, y = load_iris(return_X_y=True)
    x, y = (x, y) if classes == 3 else (x[y > 0], y[y > 0])
    order = np.random.default_rng(5).permutation(len(y))
    x, y, held_x, held_y = x[order[:60]], y[order[:60]], x[order[60:]], y[order[60:]]
    weights = np.random.default_rng(6).uniform(0.5, 2.0, len(held_y))
    theirs = followed(x, y, 12)
    scores = [accuracy_score(held_y, found.predict(held_x), sample_weight=weights) for found in theirs]
    sides = 2 * (held_y[:, None] == (np.unique(y) if classes == 3 else [2])) - 1
    criteria = [np.maximum(-sides * found.decision_function(held_x).reshape(len(held_y), -1), 0) for found in theirs]
    losses = [np.average(found.sum(axis=1), weights=weights) for found in criteria]

    ours = Perceptron(max_iter=12, **FIXED).fit(x, y, X_val=held_x, y_val=held_y, sample_weight_val=weights)
    np.testing.assert_allclose(ours.validation_scores_, scores, rtol=1e-12)
    np.testing.assert_allclose(ours.validation_loss_curve_, losses, rtol=1e-9, atol=1e-12)
    assert len(ours.loss_curve_) == ours.n_iter_ == 12
    assert ours.best_validation_score_ == max(ours.validation_scores_)
    np.testing.assert_allclose(ours.coef_, theirs[int(np.argmax(scores))].coef_, atol=1e-9)

    patient = Perceptron(max_iter=12, shuffle=False, tol=1e-3, n_iter_no_change=3)
    patient.fit(x, y, X_val=held_x, y_val=held_y, sample_weight_val=weights)
    bests = np.maximum.accumulate([-np.inf, *scores])[:-1]
    stale = np.asarray(scores) < bests + 1e-3
    end = next((k for k in range(2, 12) if stale[k - 2 : k + 1].all()), 11) + 1
    assert patient.n_iter_ == end
    np.testing.assert_allclose(patient.validation_scores_, scores[:end], rtol=1e-12)


def test_without_rows_to_judge_by_there_is_no_validation_curve() -> None:
    x, y = small()
    fitted = Perceptron(max_iter=3, tol=None).fit(x, y)
    assert fitted.validation_scores_ is fitted.validation_loss_curve_ is fitted.best_validation_score_ is None
    assert len(fitted.loss_curve_) == 3
    with pytest.raises(ValueError, match="X_val and y_val go together"):
        Perceptron().fit(x, y, X_val=x)
    with pytest.raises(ValueError, match="a class that was not known before"):
        Perceptron().fit(x, y, X_val=x, y_val=y + 1)


def test_validation_curves_grow_with_a_warm_start() -> None:
    x, y = small()
    fitted = Perceptron(max_iter=2, warm_start=True, tol=None, early_stopping=True)
    assert len(fitted.fit(x, y).fit(x, y).validation_scores_) == len(fitted.loss_curve_) == 4
    assert len(fitted.validation_loss_curve_) == 4
    assert fitted.n_iter_ == 2


@pytest.mark.filterwarnings("error::sklearn.exceptions.ConvergenceWarning")
def test_callbacks_hear_of_epochs_and_may_stop() -> None:
    x, y = small()
    heard: list[Any] = []

    def hear(event: Any) -> None:
        heard.append(event)
        if isinstance(event, EpochEnded) and event.record["epoch"] == 3:
            event.stop("enough")

    fitted = Perceptron(callbacks=hear, **FIXED).fit(x, y, X_val=x, y_val=y)
    assert [type(event).__name__ for event in heard] == ["TrainingStarted", *["EpochEnded"] * 3, "TrainingEnded"]
    assert (heard[0].examples, heard[0].epochs, heard[-1].reason) == (len(y), 1000, "enough")
    assert [event.step for event in heard[1:4]] == [len(y), 2 * len(y), 3 * len(y)]
    assert [event.record["loss"] for event in heard[1:4]] == fitted.loss_curve_
    assert [event.record["validation_accuracy"] for event in heard[1:4]] == fitted.validation_scores_
    for event, theirs in zip(heard[1:4], followed(x, y, 3), strict=True):
        np.testing.assert_allclose(event.parameters["dense_1/weight"].T, theirs.coef_, atol=1e-9)
        np.testing.assert_allclose(event.parameters["dense_1/bias"], theirs.intercept_, atol=1e-9)


def test_a_callback_may_hear_of_every_example() -> None:
    x, y = small()

    class Count:
        every_step = True
        steps = 0

        def __call__(self, event: Any) -> None:
            self.steps += isinstance(event, StepEnded)

    count = Count()
    heard = Perceptron(max_iter=2, tol=None, callbacks=[count]).fit(x, y)
    alone = Perceptron(max_iter=2, tol=None).fit(x, y)
    assert count.steps == 2 * len(y)
    np.testing.assert_array_equal(heard.coef_, alone.coef_)
    np.testing.assert_allclose(heard.loss_curve_, alone.loss_curve_, rtol=1e-12)


def test_an_interrupt_keeps_the_best_so_far() -> None:
    x, y = small()

    def interrupt(event: Any) -> None:
        if isinstance(event, EpochEnded) and event.epoch == 4:
            raise KeyboardInterrupt

    with pytest.warns(UserWarning, match="interrupted"):
        fitted = Perceptron(callbacks=[interrupt], shuffle=False).fit(x, y)
    theirs = followed(x, y, 4)
    best = max(theirs, key=lambda found: found.score(x, y))
    assert fitted.n_iter_ == 4
    np.testing.assert_allclose(fitted.coef_, best.coef_, atol=1e-9)


@pytest.mark.parametrize("classes", [2, 3])
def test_coefficients_become_sparse_and_dense_again(classes: int) -> None:
    x, y = small()
    y = np.minimum(y, classes - 1)
    fitted = Perceptron(penalty="l1", alpha=0.05, max_iter=20, tol=None).fit(x, y)
    dense, said, scores = fitted.coef_.copy(), fitted.predict(x), fitted.decision_function(x)
    assert fitted.sparsify() is fitted
    assert sparse.issparse(fitted.coef_) and fitted.coef_.format == "csr"
    assert fitted.coef_.nnz == np.count_nonzero(dense)
    np.testing.assert_array_equal(fitted.coef_.toarray(), dense)
    assert fitted.intercept_.shape == (len(dense),)
    np.testing.assert_array_equal(fitted.predict(x), said)
    np.testing.assert_array_equal(fitted.decision_function(x), scores)
    again = pickle.loads(pickle.dumps(fitted))
    assert sparse.issparse(again.coef_)
    np.testing.assert_array_equal(again.densify().coef_, dense)
    assert isinstance(fitted.partial_fit(x, y).coef_, np.ndarray)
    with pytest.raises(NotFittedError):
        Perceptron().sparsify()


def test_the_number_of_jobs_changes_nothing() -> None:
    x, y = small()
    one, two = (Perceptron(max_iter=3, tol=None, n_jobs=jobs).fit(x, y) for jobs in (None, 2))
    np.testing.assert_array_equal(one.coef_, two.coef_)
    assert set(linear_model.Perceptron().get_params()) <= set(one.get_params())


def test_dates_written_as_text_are_left_out_with_advice_that_helps() -> None:
    days = [f"2024-05-{day}" for day in range(10, 31)]
    frame, y = pd.DataFrame({"size": np.arange(21.0) % 5, "day": days}), np.arange(21) % 2
    with pytest.warns(
        UserWarning, match="column 'day' is left out: .*convert it with pandas.to_datetime first"
    ) as told:
        Perceptron(max_iter=2, tol=None).fit(frame, y)
    assert not any("role" in str(warning.message) for warning in told)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fitted = Perceptron(max_iter=2, tol=None).fit(frame.assign(day=pd.to_datetime(frame["day"])), y)
    assert fitted.coef_.shape[1] > 1


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
        ({"n_jobs": "all"}, "n_jobs: not a number of processes"),
        ({"callbacks": ["print"]}, "a callback is a function"),
        ({"scaling": "standardise"}, "Did you mean 'standardize'"),
    ],
)
def test_bad_parameters_are_told(settings: dict[str, Any], told: str) -> None:
    x, y = small()
    with pytest.raises(ValueError, match=told):
        Perceptron(**settings).fit(x, y)
