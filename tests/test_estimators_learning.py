"""How the estimators learn: stopping, going on, weights, losses, callbacks, and what scikit-learn's do not have."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
from scipy import stats
from sklearn.datasets import load_diabetes, load_iris, load_wine, make_classification
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import accuracy_score, log_loss, r2_score

import pellucid as pl
from pellucid.estimators import MLPClassifier, MLPRegressor
from pellucid.training.events import EpochEnded, TrainingEnded

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

QUICK: dict[str, Any] = {"hidden_layer_sizes": (8,), "max_iter": 30, "learning_rate_init": 0.02, "random_state": 0}


def wine() -> tuple[np.ndarray, np.ndarray]:
    return load_wine(return_X_y=True)


def hard() -> tuple[np.ndarray, np.ndarray]:
    return make_classification(400, 8, n_informative=4, n_redundant=0, flip_y=0.3, random_state=1)


def labels() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(300, 4))
    return x, (x[:, :3] + 0.2 * rng.normal(size=(300, 3)) > 0).astype(int)


# -- stopping, and what is kept ----------------------------------------------------------------------------------------


def test_the_weights_of_the_best_epoch_are_restored() -> None:
    x, y = hard()
    held, learned = slice(0, 120), slice(120, None)
    settings = {**QUICK, "hidden_layer_sizes": (64,), "dropout": 0.0, "max_iter": 60, "n_iter_no_change": 8}
    fitted = MLPClassifier(**settings).fit(x[learned], y[learned], X_val=x[held], y_val=y[held])
    curve = fitted.validation_loss_curve_
    assert fitted.n_iter_ < 60
    assert len(curve) == len(fitted.validation_scores_) == len(fitted.loss_curve_) == fitted.n_iter_
    assert log_loss(y[held], fitted.predict_proba(x[held])) == pytest.approx(min(curve), rel=1e-9)
    assert fitted.n_iter_ - 1 - int(np.argmin(curve)) > 8 - 1
    assert fitted.best_validation_score_ == max(fitted.validation_scores_)
    assert fitted.validation_scores_[int(np.argmin(curve))] == accuracy_score(y[held], fitted.predict(x[held]))


@pytest.mark.parametrize("metric", ["accuracy", "auc", "balanced_accuracy"])
def test_a_metric_may_decide_when_to_stop(metric: str) -> None:
    x, y = hard()
    fitted = MLPClassifier(**QUICK, metric=metric, threshold=0.5).fit(x[120:], y[120:], X_val=x[:120], y_val=y[:120])
    expected = pl.metric(metric).compute(fitted.predict_proba(x[:120])[:, 1:], y[:120], np.ones(120))
    best = MLPClassifier(**QUICK).fit(x[120:], y[120:], X_val=x[:120], y_val=y[:120])
    other = pl.metric(metric).compute(best.predict_proba(x[:120])[:, 1:], y[:120], np.ones(120))
    assert expected >= other
    with pytest.raises(ValueError, match="does not fit the task"):
        MLPRegressor(metric=metric).fit(x, y)


def test_scores_of_a_regression_are_r2() -> None:
    x, y = load_diabetes(return_X_y=True)
    fitted = MLPRegressor(**QUICK).fit(x[100:], y[100:], X_val=x[:100], y_val=y[:100])
    at = int(np.argmin(fitted.validation_loss_curve_))
    assert fitted.validation_scores_[at] == pytest.approx(r2_score(y[:100], fitted.predict(x[:100])), abs=1e-9)


def test_few_rows_are_all_learned_from() -> None:
    x, y = wine()
    few = np.random.default_rng(0).permutation(len(y))[:30]
    fitted = MLPClassifier(**QUICK).fit(x[few], y[few])
    assert fitted.validation_scores_ is None and fitted.validation_loss_curve_ is None
    assert fitted.best_loss_ == min(fitted.loss_curve_)
    many = MLPClassifier(**QUICK).fit(x, y)
    assert many.best_loss_ is None
    assert many.t_ == many.n_iter_ * (len(y) - round(0.1 * len(y)))


def test_running_out_of_epochs_is_warned_of_and_stopping_is_not() -> None:
    x, y = wine()
    with pytest.warns(ConvergenceWarning, match="max_iter=3 "):
        MLPClassifier(max_iter=3, random_state=0).fit(x, y)
    with pytest.warns(ConvergenceWarning, match="max_iter=2 "):
        MLPClassifier((), solver="lbfgs", max_iter=2).fit(x, y)


@pytest.mark.filterwarnings("error::sklearn.exceptions.ConvergenceWarning")
def test_stopping_early_is_no_reason_to_warn() -> None:
    x, y = wine()
    fitted = MLPClassifier((16,), random_state=0, n_iter_no_change=3, learning_rate_init=0.02, tol=0.01).fit(x, y)
    assert fitted.n_iter_ < 300
    MLPClassifier((), solver="lbfgs", max_iter=500).fit(x, y)


def test_an_interrupt_keeps_the_best_so_far() -> None:
    x, y = wine()

    def interrupt(event: Any) -> None:
        if isinstance(event, EpochEnded) and event.epoch == 5:
            raise KeyboardInterrupt

    with pytest.warns(UserWarning, match="interrupted"):
        fitted = MLPClassifier(**QUICK, callbacks=[interrupt]).fit(x, y)
    assert fitted.n_iter_ == 5
    assert fitted.score(x, y) > 0.5


def test_callbacks_hear_of_epochs_and_may_stop() -> None:
    x, y = wine()
    heard = []

    def hear(event: Any) -> None:
        heard.append(type(event).__name__)
        if isinstance(event, EpochEnded) and event.record["epoch"] == 4:
            event.stop("enough")

    fitted = MLPClassifier(**QUICK, callbacks=hear).fit(x, y)
    assert fitted.n_iter_ == 4
    assert heard == ["TrainingStarted", *["EpochEnded"] * 4, TrainingEnded.__name__]


def test_time_and_function_calls_are_limited() -> None:
    x, y = wine()
    settings: dict[str, Any] = {"early_stopping": False, "tol": 0.0, "n_iter_no_change": np.inf}
    assert MLPClassifier((64,), max_iter=100_000, **settings, time_limit=0.3).fit(x, y).n_iter_ < 90_000
    with pytest.warns(ConvergenceWarning, match="max_fun=7"):
        fitted = MLPClassifier((), solver="lbfgs", max_fun=7).fit(x, y)
    assert fitted.n_iter_ <= 7


def test_verbose_prints_a_line_an_epoch(capsys: pytest.CaptureFixture[str]) -> None:
    x, y = wine()
    fitted = MLPClassifier(**{**QUICK, "max_iter": 3}, verbose=True).fit(x, y)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    assert lines[0].startswith(f"Iteration 1, loss = {fitted.loss_curve_[0]:.8f}, validation loss ")


# -- going on ----------------------------------------------------------------------------------------------------------


def test_partial_fit_goes_through_the_rows_as_fit_does() -> None:
    x, y = wine()
    settings = {**QUICK, "early_stopping": False, "tol": 0.0, "n_iter_no_change": 100, "dropout": 0.3}
    whole = MLPClassifier(**{**settings, "max_iter": 6}).fit(x, y)
    parts = MLPClassifier(**settings)
    for _ in range(6):
        parts.partial_fit(x, y)
    for mine, other in zip(parts.coefs_, whole.coefs_, strict=True):
        np.testing.assert_array_equal(mine, other)
    assert (parts.n_iter_, parts.t_) == (whole.n_iter_, whole.t_)
    np.testing.assert_array_equal(parts.loss_curve_, whole.loss_curve_)
    interrupted = MLPClassifier(**settings)
    for _ in range(6):
        interrupted = copy.deepcopy(interrupted.partial_fit(x, y))
    np.testing.assert_array_equal(interrupted.coefs_[0], whole.coefs_[0])


@pytest.mark.parametrize("kind", ["binary", "multiclass", "labels", "number", "numbers"])
def test_partial_fit_learns_from_a_stream(kind: str) -> None:
    x, y = labels()
    target = {"binary": y[:, 0], "multiclass": y[:, 0] + y[:, 1], "labels": y, "number": x[:, 0], "numbers": x[:, :2]}[
        kind
    ]
    number = kind.startswith("number")
    found: Any = (MLPRegressor if number else MLPClassifier)((8,), learning_rate_init=0.05, random_state=0)
    classes = {} if number or kind == "labels" else {"classes": np.unique(target)}
    for epoch in range(15):
        for part in np.array_split(np.arange(len(x)), 2):
            found.partial_fit(x[part], target[part], **(classes if epoch == 0 else {}))
    assert found.score(x, target) > (0.7 if kind == "labels" else 0.85)
    assert found.t_ == 15 * len(x)


def test_partial_fit_knows_classes_that_come_later_and_refuses_unknown_ones() -> None:
    x, y = wine()
    found = MLPClassifier(**QUICK).partial_fit(x[y < 2], y[y < 2], classes=[0, 1, 2])
    assert found.predict_proba(x[:2]).shape == (2, 3)
    found.partial_fit(x[y == 2], y[y == 2])
    with pytest.raises(ValueError, match="a class that was not known before"):
        found.partial_fit(x[:3], [7, 8, 9])
    with pytest.raises(ValueError, match="only one class"):
        MLPClassifier().partial_fit(x[y == 2], y[y == 2])
    with pytest.raises(AttributeError):
        MLPClassifier(solver="lbfgs").partial_fit(x, y)


@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
def test_warm_start_goes_on_from_the_weights(solver: str) -> None:
    x, y = wine()
    found = MLPClassifier((6,), solver=solver, warm_start=True, max_iter=4, random_state=0, early_stopping=False)
    losses = [found.fit(x, y).loss_ for _ in range(5)]
    assert losses[-1] < losses[0] * 0.9
    assert len(found.loss_curve_) == 20 if solver != "lbfgs" else len(found.loss_curve_) <= 20
    encoders = found.model_.arrays["encoders/scale"]
    found.fit(x * 2, y)
    np.testing.assert_array_equal(found.model_.arrays["encoders/scale"], encoders)
    with pytest.raises(ValueError, match="same classes"):
        found.fit(x, y + 1)
    number = MLPRegressor((6,), solver=solver, warm_start=True, max_iter=4, random_state=0, early_stopping=False)
    assert number.fit(x, x[:, 0]).loss_ > number.fit(x, x[:, 0]).loss_


# -- weights, classes, labels ------------------------------------------------------------------------------------------


def test_what_is_learned_does_not_depend_on_the_order_of_rows() -> None:
    x, y = wine()
    order = np.random.default_rng(0).permutation(len(y))
    first, second = MLPClassifier(**QUICK).fit(x, y), MLPClassifier(**QUICK).fit(x[order], y[order])
    np.testing.assert_array_equal(first.predict_proba(x), second.predict_proba(x))
    kept = MLPClassifier(**QUICK, shuffle=False).fit(x, y)
    other = MLPClassifier(**QUICK, shuffle=False).fit(x[order], y[order])
    assert (kept.predict_proba(x) != other.predict_proba(x)).any()


@pytest.mark.parametrize("estimator", [MLPClassifier, MLPRegressor])
def test_whole_weights_mean_repetitions_and_others_their_share(estimator: Any) -> None:
    x, y = wine()
    weights = np.random.default_rng(0).integers(0, 4, len(y))
    weighed = estimator(**QUICK).fit(x, y, sample_weight=weights)
    repeated = estimator(**QUICK).fit(np.repeat(x, weights, axis=0), np.repeat(y, weights))
    np.testing.assert_array_equal(weighed.predict(x), repeated.predict(x))
    minimum = {"hidden_layer_sizes": (), "solver": "lbfgs", "tol": 1e-9, "alpha": 1.0, "max_iter": 2000}
    exact = estimator(**minimum, shuffle=False).fit(x, y, sample_weight=weights * 0.5)
    half = estimator(**{**minimum, "alpha": 2.0}).fit(np.repeat(x, weights, axis=0), np.repeat(y, weights))
    np.testing.assert_allclose(exact.coefs_[0], half.coefs_[0], atol=1e-4)


def test_class_weights_are_sample_weights_by_class() -> None:
    x, y = hard()
    rare = np.concatenate([np.flatnonzero(y == 0), np.flatnonzero(y == 1)[:30]])
    x, y = x[rare], np.array(["usual", "rare"])[y[rare]]
    minimum: dict[str, Any] = {"hidden_layer_sizes": (), "solver": "lbfgs", "tol": 1e-9, "scaling": None}
    weights = {"rare": 4.0, "usual": 1.0}
    by_class = MLPClassifier(**minimum, class_weight=weights, shuffle=False).fit(x, y)
    by_row = MLPClassifier(**minimum, shuffle=False).fit(x, y, sample_weight=[weights[label] for label in y])
    np.testing.assert_allclose(by_class.coefs_[0], by_row.coefs_[0], atol=1e-6)
    plain, balanced = (MLPClassifier(**minimum, class_weight=given).fit(x, y) for given in (None, "balanced"))
    assert (balanced.predict(x) == "rare").sum() > (plain.predict(x) == "rare").sum()
    with pytest.raises(ValueError, match="Did you mean 'rare'"):
        MLPClassifier(class_weight={"rar": 2.0}).fit(x, y)


def test_labels_are_learned_at_once() -> None:
    x, y = labels()
    fitted = MLPClassifier(**QUICK).fit(x, y.astype(bool))
    assert fitted.out_activation_ == "logistic"
    said = fitted.predict(x)
    assert said.dtype == bool and said.shape == y.shape
    np.testing.assert_array_equal(said, fitted.predict_proba(x) > 0.5)
    np.testing.assert_allclose(fitted.predict_proba(x), 1 / (1 + np.exp(-fitted.decision_function(x))), rtol=1e-12)
    assert (said == y).mean() > 0.9
    with pytest.raises(ValueError, match="several columns of classes"):
        MLPClassifier().fit(x, y + np.arange(3))


@pytest.mark.parametrize("kind", ["binary", "multiclass", "labels"])
def test_smoothed_labels_make_probabilities_less_certain(kind: str) -> None:
    x, y = labels()
    target = {"binary": y[:, 0], "multiclass": y.sum(axis=1), "labels": y}[kind]
    settings = {**QUICK, "dropout": 0.0, "early_stopping": False}
    sharp, smooth = (MLPClassifier(**settings, label_smoothing=share).fit(x, target) for share in (0.0, 0.3))
    assert smooth.predict_proba(x).max() < sharp.predict_proba(x).max()


# -- networks, losses, solvers -----------------------------------------------------------------------------------------


def test_activations_layer_by_layer_and_shortcuts() -> None:
    x, y = wine()
    fitted = MLPClassifier((5, 4), ["tanh", "logistic"], dropout=0.0, max_iter=5, random_state=0).fit(x, y)
    scaled = (x - fitted.model_.arrays["encoders/center"]) / fitted.model_.arrays["encoders/scale"]
    value = scaled / np.sqrt(1 + (scaled / 3) ** 2)
    for function, weight, bias in zip(
        (np.tanh, lambda z: 1 / (1 + np.exp(-z)), lambda z: z), fitted.coefs_, fitted.intercepts_, strict=True
    ):
        value = function(value @ weight + bias)
    np.testing.assert_allclose(fitted.decision_function(x), value, atol=1e-9)
    assert fitted.n_layers_ == 4
    short = MLPClassifier((5, 4), shortcuts=True, max_iter=2).fit(x, y)
    assert [array.shape[0] for array in short.coefs_] == [13, 5 + 13, 4 + 13]
    normed = MLPClassifier((5,), layer_norm=True, max_iter=2).fit(x, y)
    assert any(path.endswith("gain") for path in normed.model_.parameters)


def test_l1_makes_weights_zero() -> None:
    x, y = wine()
    settings: dict[str, Any] = {"hidden_layer_sizes": (), "early_stopping": False, "random_state": 0, "max_iter": 60}
    plain, sparse = (MLPClassifier(**settings, l1=l1, learning_rate_init=0.02).fit(x, y) for l1 in (0.0, 6.0))
    assert (plain.coefs_[0] != 0).all()
    assert (sparse.coefs_[0] == 0).mean() > 0.3
    assert sparse.score(x, y) > 0.9


@pytest.mark.parametrize(
    "solver", ["momentum", "nesterov", "gradient_descent", "adagrad", "rmsprop", "adamw", "nadam", "lion", "rprop"]
)
def test_every_optimizer_is_a_solver(solver: str) -> None:
    x, y = wine()
    rate = 0.002 if solver in ("lion", "rmsprop") else 0.05
    size = "auto" if solver == "rprop" else 32
    found = MLPClassifier((8,), solver=solver, learning_rate_init=rate, batch_size=size, max_iter=60, random_state=0)
    assert found.fit(x, y).score(x, y) > 0.9


def test_an_optimizer_with_its_own_settings_may_be_given() -> None:
    x, y = wine()
    fitted = MLPClassifier((8,), solver=pl.optimizers.AdamW(0.02, weight_decay=0.1), max_iter=30).fit(x, y)
    assert fitted.score(x, y) > 0.9


def test_losses_of_numbers_say_what_they_mean() -> None:
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, size=(2000, 1))
    y = 3 * x[:, 0] + 10 + rng.normal(size=2000) * 2
    settings: dict[str, Any] = {"hidden_layer_sizes": (), "solver": "lbfgs", "random_state": 0}
    high = MLPRegressor(**settings, loss=pl.losses.Quantile(0.9)).fit(x, y)
    assert (y < high.predict(x)).mean() == pytest.approx(0.9, abs=0.03)
    both = MLPRegressor(**settings, loss="gaussian_log_likelihood").fit(x, y)
    told = both.predict_all(x)
    np.testing.assert_array_equal(told["mean"], both.predict(x))
    assert told["variance"].mean() == pytest.approx(4.0, rel=0.1)
    spoiled = np.where(np.arange(2000) % 10 == 0, y + 100, y)
    assert abs(MLPRegressor(**settings, loss="huber").fit(x, spoiled).predict(x) - y).mean() < 4
    assert stats.pearsonr(MLPRegressor(**settings, loss="absolute_error").fit(x, spoiled).predict(x), x[:, 0])[0] > 0.99
    with pytest.raises(ValueError, match="does not fit the targets"):
        MLPRegressor(loss="hinge").fit(x, y)


def test_hinges_give_scores_and_no_probabilities() -> None:
    x, y = wine()
    two = MLPClassifier(**QUICK, loss="hinge").fit(x, y == 1)
    assert not hasattr(two, "predict_proba")
    np.testing.assert_array_equal(two.predict(x), two.decision_function(x) > 0)
    assert two.score(x, y == 1) > 0.9
    three = MLPClassifier(**QUICK, loss="multiclass_hinge").fit(x, y)
    assert three.score(x, y) > 0.9
    assert three.out_activation_ == "identity"


def test_several_numbers_are_predicted_at_once_in_their_own_units() -> None:
    x, y = load_diabetes(return_X_y=True)
    both = np.column_stack([y * 1000, y / 1000])
    fitted = MLPRegressor(**QUICK).fit(x, both)
    assert fitted.predict(x).shape == both.shape
    assert fitted.score(x, both) > 0.4
    one = MLPRegressor(**QUICK).fit(x, y)
    assert one.predict(x).shape == y.shape
    constant = MLPRegressor(**QUICK).fit(x, np.full(len(y), 7.0))
    np.testing.assert_allclose(constant.predict(x), 7.0, atol=0.5)


def test_no_weight_leaves_the_norm_of_the_gradient_unbounded() -> None:
    x, y = load_diabetes(return_X_y=True)
    settings: dict[str, Any] = {"hidden_layer_sizes": (8,), "solver": "sgd", "random_state": 0, "max_iter": 3}
    wild = MLPRegressor(**settings, learning_rate_init=0.5, clip_norm=0.1).fit(x, y)
    assert np.isfinite(wild.predict(x)).all()


# -- mistakes ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"solver": "adan"}, "Did you mean 'adam'"),
        ({"activation": "rellu"}, "Did you mean 'relu'"),
        ({"activation": ["relu", "tanh"]}, "activations and hidden layers differ in number"),
        ({"hidden_layer_sizes": (8, -1)}, "hidden_layer_sizes: out of range"),
        ({"hidden_layer_sizes": "8"}, "hidden_layer_sizes: not a whole number"),
        ({"learning_rate": "invscale"}, "Did you mean 'invscaling'"),
        ({"learning_rate_init": 0.0}, "learning_rate_init: out of range"),
        ({"batch_size": 0}, "batch_size: out of range"),
        ({"max_iter": 2.5}, "max_iter: not a whole number"),
        ({"dropout": 1.0}, "dropout: out of range"),
        ({"dropout": 0.5, "solver": "lbfgs"}, "Leave out dropout"),
        ({"shuffle": "yes"}, "shuffle: not a truth value"),
        ({"callbacks": ["print"]}, "a callback is a function"),
        ({"scaling": "standard"}, "Did you mean 'standardize'"),
        ({"limit": -1.0}, "limit: out of range"),
        ({"metric": "acuracy"}, "Did you mean 'accuracy'"),
        ({"loss": "log_los"}, "no loss is called"),
        ({"class_weight": "balance"}, "not the weights of classes"),
        ({"clip_norm": 0.0}, "clip_norm: out of range"),
        ({"time_limit": -1}, "time_limit: out of range"),
        ({"validation_fraction": 1.0}, "validation_fraction: out of range"),
    ],
)
def test_bad_parameters_are_told_in_one_message(settings: dict[str, Any], told: str) -> None:
    x, y = wine()
    with pytest.raises(ValueError, match=told):
        MLPClassifier(**{"hidden_layer_sizes": (4,), **settings}).fit(x, y)


def test_bad_data_are_told_in_one_message() -> None:
    x, y = load_iris(return_X_y=True)
    with pytest.raises(ValueError, match="X_val and y_val go together"):
        MLPClassifier().fit(x, y, X_val=x)
    with pytest.raises(ValueError, match="only one class"):
        MLPClassifier().fit(x, np.zeros(len(y)))
    with pytest.raises(ValueError, match="Unknown label type"):
        MLPClassifier().fit(x, x[:, 0])
    with pytest.raises(ValueError, match="weight"):
        MLPClassifier().fit(x, y, sample_weight=-np.ones(len(y)))
    with pytest.raises(ValueError, match="was not known before"):
        MLPClassifier().fit(x, y, X_val=x, y_val=y + 1)
