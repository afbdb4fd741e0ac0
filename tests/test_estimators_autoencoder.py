"""The autoencoder: principal components without hidden layers, codes and back, sparse data, noise, and saved models."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import linalg, sparse
from sklearn.datasets import load_digits, load_iris
from sklearn.decomposition import PCA
from sklearn.preprocessing import StandardScaler

import pellucid as pl
from pellucid.estimators import Autoencoder

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

LINEAR: dict[str, Any] = {"hidden_layer_sizes": (), "solver": "lbfgs", "tol": 1e-8, "max_iter": 2000, "random_state": 0}


def data() -> np.ndarray:
    rng = np.random.default_rng(0)
    mixing = rng.normal(size=(3, 8)) * np.array([[3.0], [2.0], [1.0]])
    return rng.normal(size=(200, 3)) @ mixing + 0.1 * rng.normal(size=(200, 8)) + 5.0


@pytest.mark.parametrize("components", [1, 2, 3])
def test_without_hidden_layers_codes_span_the_principal_components(components: int) -> None:
    x = data()
    scaled = StandardScaler().fit_transform(x)
    theirs = PCA(components).fit(scaled)
    ours = Autoencoder(components, **LINEAR).fit(x)
    decoder = ours.coefs_[-1]
    assert decoder.shape == (components, 8)
    angles = linalg.subspace_angles(decoder.T, theirs.components_.T)
    assert angles.max() < 1e-3
    np.testing.assert_allclose(
        StandardScaler().fit(x).transform(ours.inverse_transform(ours.transform(x))),
        theirs.inverse_transform(theirs.transform(scaled)),
        atol=1e-3,
    )
    lost = ((scaled - theirs.inverse_transform(theirs.transform(scaled))) ** 2).sum(axis=1)
    np.testing.assert_allclose(-ours.score_samples(x), lost, atol=1e-2)
    assert ours.score(x) == pytest.approx(-lost.mean(), abs=1e-3)
    assert ours.loss_ == pytest.approx(lost.mean() / 2, rel=1e-3)


def test_hidden_layers_learn_what_a_line_can_not() -> None:
    angle = np.linspace(0, np.pi, 200)
    x = np.column_stack([np.cos(angle), np.sin(angle)])
    settings: dict[str, Any] = {"learning_rate_init": 0.01, "random_state": 0, "max_iter": 150}
    curved = Autoencoder(1, (16,), "tanh", **settings).fit(x)
    assert curved.score(x) > 0.5 * PCA(1).fit(StandardScaler().fit_transform(x)).explained_variance_ratio_[0] - 0.5
    straight = Autoencoder(1, **LINEAR).fit(x)
    assert curved.score(x) > straight.score(x)
    assert [array.shape for array in curved.coefs_] == [(2, 16), (16, 1), (1, 16), (16, 2)]
    assert curved.validation_loss_curve_ is not None
    assert len(curved.validation_loss_curve_) == curved.n_iter_


@pytest.mark.parametrize("scaling", ["standardize", "robust", "minmax", None])
def test_codes_lead_back_to_the_features_own_units(scaling: str | None) -> None:
    x = data()[:, :3] * ([1.0, 100.0, 0.01] if scaling else 1.0)
    fitted = Autoencoder(3, **LINEAR | {"scaling": scaling}).fit(x)
    np.testing.assert_allclose(fitted.inverse_transform(fitted.transform(x)), x, rtol=0.02)


def test_the_model_gives_the_features_themselves(tmp_path: Any) -> None:
    x = data()
    fitted = Autoencoder(2, (4,), max_iter=5, random_state=0).fit(x)
    made = fitted.inverse_transform(fitted.transform(x))
    fitted.save(tmp_path / "model")
    predicted = pl.load_model(tmp_path / "model").predict(x)
    assert list(predicted) == [f"x{place}" for place in range(8)]
    np.testing.assert_allclose(np.column_stack(list(predicted.values())), made, rtol=1e-12)


def test_sparse_rows_are_learned_from_without_a_shift() -> None:
    x = load_digits().data[:300] * (load_digits().data[:300] > 6)
    thin = sparse.csr_array(x)
    fitted = Autoencoder(4, (16,), max_iter=10, random_state=0).fit(thin)
    codes = fitted.transform(thin)
    np.testing.assert_array_equal(codes, fitted.transform(x))
    np.testing.assert_allclose(fitted.score_samples(thin), fitted.score_samples(x), rtol=1e-12)
    assert fitted.transform(sparse.csr_array((3, 64))).shape == (3, 4)
    zero = fitted.model_.compute(np.zeros((1, 64)))["prediction"]
    np.testing.assert_allclose(fitted.inverse_transform(fitted.transform(np.zeros((1, 64)))), zero, atol=1e-9)


def test_noise_is_taken_away() -> None:
    x = data()
    rng = np.random.default_rng(1)
    settings: dict[str, Any] = {
        "hidden_layer_sizes": (),
        "max_iter": 100,
        "learning_rate_init": 0.01,
        "random_state": 0,
    }
    plain, denoising = (Autoencoder(8, noise=noise, **settings).fit(x) for noise in (0.0, 1.0))
    spoiled = x + rng.normal(size=x.shape) * x.std(axis=0)

    def error(found: Autoencoder) -> float:
        return float(((found.inverse_transform(found.transform(spoiled)) - x) ** 2).mean())

    assert error(denoising) < 0.7 * error(plain)


def test_other_losses_and_weights() -> None:
    x = data()
    spoiled = x.copy()
    spoiled[:10] = 100.0
    weights = np.ones(len(x))
    weights[:10] = 0.0
    weighed = Autoencoder(3, **LINEAR).fit(spoiled, sample_weight=weights)
    clean = Autoencoder(3, **LINEAR).fit(x[10:])
    assert weighed.score(x[10:]) == pytest.approx(clean.score(x[10:]), abs=1e-6)
    absolute = Autoencoder(2, (8,), loss="absolute_error", max_iter=20, random_state=0).fit(x)
    assert absolute.loss_curve_[-1] < absolute.loss_curve_[0]


def test_partial_fit_and_warm_start_go_on() -> None:
    x = data()
    fitted = Autoencoder(2, (4,), random_state=0, learning_rate_init=0.01)
    scores = [fitted.partial_fit(x).score(x) for _ in range(15)]
    assert scores[-1] > scores[0]
    assert (fitted.n_iter_, fitted.t_, len(fitted.loss_curve_)) == (15, 15 * len(x), 15)
    warm = Autoencoder(2, (4,), random_state=0, max_iter=3, warm_start=True)
    losses = [warm.fit(x).loss_ for _ in range(4)]
    assert losses == sorted(losses, reverse=True)
    assert len(warm.loss_curve_) == 12


def test_names_frames_and_copies() -> None:
    x, _ = load_iris(return_X_y=True, as_frame=True)
    fitted = Autoencoder(2, (4,), max_iter=3, random_state=0).fit(x)
    assert fitted.get_feature_names_out().tolist() == ["autoencoder0", "autoencoder1"]
    framed = fitted.set_output(transform="pandas").transform(x)
    assert framed.columns.tolist() == ["autoencoder0", "autoencoder1"]
    assert fitted.model_.targets.names == tuple(x.columns)
    np.testing.assert_array_equal(copy.deepcopy(fitted).set_output(transform="default").transform(x), framed.to_numpy())
    given = Autoencoder(2, (4,), max_iter=3, random_state=0).fit(x[20:], X_val=x[:20])
    assert given.t_ == given.n_iter_ * 130


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"n_components": 0}, "n_components: out of range"),
        ({"scaling": "quantile"}, "can not undo scaling 'quantile'"),
        ({"loss": "hinge"}, "the loss 'hinge' does not fit"),
        ({"noise": -1.0}, "noise: out of range"),
        ({"hidden_layer_sizes": (4, 0)}, "hidden_layer_sizes: out of range"),
    ],
)
def test_bad_parameters_are_told(settings: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        Autoencoder(**settings).fit(data())


@pytest.mark.parametrize(
    ("cells", "told"),
    [
        (np.arange(40).astype("M8[s]"), "dates"),
        ([f"a note of {word} words" for word in range(40)], "several words in most cells"),
        ([f"key{word}" for word in range(40)], "text that differs in every row"),
        (pd.Series([None] * 40, dtype=object), "no value in any row"),
    ],
)
def test_a_column_that_can_not_be_given_back_is_named(cells: Any, told: str) -> None:
    frame = pd.DataFrame({"a": np.arange(40.0), "b": ["u", "v"] * 20, "c": cells})
    with pytest.raises(ValueError, match=f"column 'c': an autoencoder can not give such a column back: got {told}"):
        Autoencoder(1, max_iter=2).fit(frame)


def test_words_are_refused_after_learning_from_numbers() -> None:
    fitted = Autoencoder(1, max_iter=2).fit(pd.DataFrame({"a": np.arange(40.0), "c": np.arange(40.0) ** 2}))
    with pytest.raises(ValueError, match="column 'c': this estimator takes numbers only: got words"):
        fitted.transform(pd.DataFrame({"a": [1.0, 2.0], "c": ["u", "v"]}))


def test_codes_of_another_width_are_refused() -> None:
    fitted = Autoencoder(2, (4,), max_iter=2).fit(data())
    with pytest.raises(ValueError, match="expected 2 columns"):
        fitted.inverse_transform(np.zeros((3, 3)))
