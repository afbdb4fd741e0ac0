"""Ensembles and cross-validation in the estimators: members are estimators of their own, and a model is their mean."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, softmax
from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_iris
from sklearn.metrics import accuracy_score

import pellucid as pl
from pellucid.estimators.learned import member_seeds
from pellucid.nn.ensemble import ensemble, ensemble_parameters
from pellucid.training.evaluate import Evaluator

IRIS = load_iris(return_X_y=True)
PAIR = IRIS[0][50:], IRIS[1][50:]
DIABETES = load_diabetes(return_X_y=True)
QUICK = {"hidden_layer_sizes": (6,), "max_iter": 6, "learning_rate_init": 0.02, "random_state": 3}


@pytest.fixture(autouse=True)
def quiet():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def parts_of(estimator) -> list[dict[str, np.ndarray]]:
    """Return the parameters of each member of an estimator's model."""
    found = {}
    for path, value in estimator.model_.parameters.items():
        member, _, rest = path.partition("/")
        found.setdefault(member, {})[rest] = value
    return list(found.values())


def alone(estimator, member) -> pl.Model:
    """Return an ensemble's model with the parameters of one member in the place of all."""
    from dataclasses import replace

    own = parts_of(estimator)[member]
    arrays = {
        path: own[path.partition("/")[2]] if path.startswith("member_") else value
        for path, value in estimator.model_.arrays.items()
    }
    return replace(estimator.model_, arrays=arrays)


@pytest.mark.parametrize(
    ("kind", "data", "given"),
    [
        (pl.MLPClassifier, IRIS, {}),
        (pl.MLPClassifier, PAIR, {"metric": "auc"}),
        (pl.MLPClassifier, (IRIS[0], (IRIS[0][:, :2] > 3).astype(int)), {}),
        (pl.MLPRegressor, DIABETES, {"loss": "huber"}),
        (pl.MLPRegressor, (DIABETES[0], np.round(DIABETES[1] / 20)), {"loss": "poisson"}),
        (pl.MLPRegressor, DIABETES, {"solver": "lbfgs"}),
    ],
    ids=["classes", "two classes", "labels", "numbers", "counts", "lbfgs"],
)
def test_the_first_member_is_the_estimator_alone_and_predictions_are_means(kind, data, given):
    x, y = data
    single = kind(**QUICK, **given).fit(x, y)
    several = kind(**QUICK, **given, n_members=3).fit(x, y)
    first = parts_of(several)[0]
    assert all(np.array_equal(value, first[path]) for path, value in single.model_.parameters.items())
    assert several.loss_curve_ == single.loss_curve_
    assert len({member.seed for member in several.members_}) == 3
    assert not np.array_equal(several.coefs_[0], several.coefs_[len(single.coefs_)])

    def predict(estimator):
        return estimator.predict_proba(x) if kind is pl.MLPClassifier else estimator.predict(x)

    each = []
    for member in range(3):
        other = clone(several)
        other.__dict__.update(several.__dict__)
        other.model_ = alone(several, member)
        each.append(predict(other))
    np.testing.assert_allclose(each[0], predict(single), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(predict(several), np.mean(each, axis=0), rtol=1e-9, atol=1e-12)


def test_one_member_is_what_there_was_before():
    x, y = IRIS
    a = pl.MLPClassifier(**QUICK).fit(x, y)
    b = pl.MLPClassifier(**QUICK, n_members=1).fit(x, y)
    assert list(a.model_.parameters) == ["dense_1/weight", "dense_1/bias", "dense_2/weight", "dense_2/bias"]
    np.testing.assert_array_equal(a.predict_proba(x), b.predict_proba(x))
    assert len(a.members_) == 1


def test_scores_agree_with_probabilities():
    for x, y in (IRIS, PAIR):
        found = pl.MLPClassifier(**QUICK, n_members=3).fit(x, y)
        scores = found.decision_function(x)
        if scores.ndim == 1:
            np.testing.assert_allclose(expit(scores), found.predict_proba(x)[:, 1], rtol=1e-9)
        else:
            np.testing.assert_allclose(softmax(scores, axis=1), found.predict_proba(x), rtol=1e-9)
            np.testing.assert_array_equal(found.classes_[scores.argmax(axis=1)], found.predict(x))


def test_a_gaussian_ensemble_is_the_mixture_of_its_members():
    x, y = DIABETES
    found = pl.MLPRegressor(**QUICK, n_members=4, loss="gaussian_log_likelihood").fit(x, y)
    told = found.predict_all(x)
    each = []
    for member in range(4):
        other = clone(found)
        other.__dict__.update(found.__dict__)
        other.model_ = alone(found, member)
        each.append(other.predict_all(x))
    means = np.stack([one["mean"] for one in each])
    variances = np.stack([one["variance"] for one in each])
    np.testing.assert_allclose(told["mean"], means.mean(axis=0), rtol=1e-9)
    expected = (variances + means**2).mean(axis=0) - means.mean(axis=0) ** 2
    np.testing.assert_allclose(told["variance"], expected, rtol=1e-7)


def test_probabilities_near_0_and_1_are_averaged_without_loss():
    network = pl.Network([pl.Dense(1, bias=False)], inputs=1, dtype="float64")
    for name, logits in (("binary_cross_entropy", [-800.0, -40.0, 3.0]), ("binary_cross_entropy", [800.0, 800.0])):
        whole = ensemble(network, len(logits), pl.loss(name))
        parameters = ensemble_parameters([{"dense_1/weight": np.array([[logit]])} for logit in logits])
        evaluator = Evaluator(whole, {"output": pl.loss(name)}, "interpret")
        found = evaluator.predict(parameters, pl.Dataset({"x": np.ones((1, 1))}))["output"]
        assert found[0, 0] == pytest.approx(np.mean([1 / (1 + np.exp(-np.float64(logit))) for logit in logits]))


def test_a_saved_ensemble_predicts_the_same(tmp_path):
    x, y = IRIS
    found = pl.MLPClassifier(**QUICK, n_members=2).fit(x, y)
    found.save(tmp_path / "model")
    np.testing.assert_array_equal(pl.load_model(tmp_path / "model").predict_probabilities(x), found.predict_proba(x))


def test_an_ensemble_goes_on():
    x, y = IRIS
    warm = pl.MLPClassifier(**QUICK, n_members=2, warm_start=True).fit(x, y)
    before = len(warm.loss_curve_)
    warm.fit(x, y)
    assert len(warm.loss_curve_) > before
    online = pl.MLPClassifier(**QUICK, n_members=2)
    single = pl.MLPClassifier(**QUICK)
    for part in range(3):
        online.partial_fit(x[part::3], y[part::3], classes=[0, 1, 2])
        single.partial_fit(x[part::3], y[part::3], classes=[0, 1, 2])
    assert all(np.array_equal(value, parts_of(online)[0][path]) for path, value in single.model_.parameters.items())
    with pytest.raises(pl.UsageError, match="as many members: got n_members=3, expected 2"):
        online.set_params(n_members=3).partial_fit(x, y)


def test_callbacks_hear_of_all_members_by_turns():
    x, y = IRIS
    within, told = [], []

    def hear(event):
        assert not within
        within.append(1)
        told.append(type(event).__name__)
        within.pop()

    found = pl.MLPClassifier(**QUICK, n_members=3, callbacks=hear).fit(x, y)
    assert told.count("TrainingStarted") == told.count("TrainingEnded") == 3
    assert told.count("EpochEnded") == sum(len(member.records) for member in found.members_)


def test_a_number_of_members_that_can_not_be_is_refused():
    for given in (0, 1.5, "two"):
        with pytest.raises(pl.UsageError, match="n_members"):
            pl.MLPClassifier(n_members=given).fit(*IRIS)


def test_seeds_of_members_begin_with_the_seed_and_do_not_depend_on_their_number():
    assert member_seeds(5, 4) == member_seeds(5, 9)[:4]
    assert member_seeds(5, 4)[0] == 5
    assert member_seeds(5, 4)[1:] != member_seeds(6, 4)[1:]


# -- cross-validation --------------------------------------------------------------------------------------------------


def test_cross_validation_trains_a_copy_for_each_fold():
    x, y = IRIS
    estimator = pl.MLPClassifier(**QUICK)
    found = estimator.cross_validate(x, y, folds=3)
    assert not hasattr(estimator, "model_")
    for (learning, held_out), copy, score in zip(found.parts, found.estimators, found.scores, strict=True):
        expected = clone(estimator).fit(x[learning], y[learning])
        np.testing.assert_array_equal(found.predictions[held_out], expected.predict_proba(x[held_out]))
        assert score == accuracy_score(y[held_out], expected.predict(x[held_out]))
        assert copy.get_params()["callbacks"] == ()
        counts = np.bincount(y[held_out])
        assert counts.max() - counts.min() <= 1
    assert str(found).startswith("3 folds: score ")


def test_cross_validation_takes_frames_weights_groups_and_folds():
    x, y = DIABETES
    frame = pd.DataFrame(x).add_prefix("x")
    weights = np.linspace(0.5, 1.5, len(y))
    regressor = pl.MLPRegressor(**QUICK)
    groups = np.arange(len(y)) // 50
    found = regressor.cross_validate(frame, pd.Series(y), weights, folds=3, groups=groups, threads=2)
    for (learning, held_out), score in zip(found.parts, found.scores, strict=True):
        assert not set(groups[learning]) & set(groups[held_out])
        copy = clone(regressor).fit(frame.iloc[learning], y[learning], sample_weight=weights[learning])
        assert score == copy.score(frame.iloc[held_out], y[held_out], sample_weight=weights[held_out])
        np.testing.assert_array_equal(found.predictions[held_out], copy.predict(frame.iloc[held_out]))
    half = np.arange(len(y)) % 2 == 0
    given = regressor.cross_validate(x, y, folds=[(half, ~half), (half, ~half)])
    assert np.isnan(given.predictions[half]).all()
    assert np.isfinite(given.predictions[~half]).all()


def test_cross_validation_raises_what_a_copy_meets():
    with pytest.raises(pl.UsageError, match="alpha"):
        pl.MLPClassifier(alpha=-1).cross_validate(*IRIS)
    with pytest.raises(pl.UsageError, match="no folds"):
        pl.MLPClassifier(**QUICK).cross_validate(*IRIS, folds=[1, 2])

    def fails(event):
        raise ZeroDivisionError("in a callback")

    with pytest.raises(ZeroDivisionError):
        pl.MLPClassifier(**QUICK, callbacks=fails).cross_validate(*IRIS, folds=2)
