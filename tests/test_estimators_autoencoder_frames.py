"""The autoencoder on data frames: categories, truth values and missing cells, there and back."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pandas as pd
import polars
import pytest
from sklearn.base import clone

import pellucid as pl
from pellucid.estimators import Autoencoder

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

WIDE: dict[str, Any] = {"hidden_layer_sizes": (), "solver": "lbfgs", "tol": 1e-9, "max_iter": 2000, "random_state": 0}


def animals(rows: int = 120) -> pd.DataFrame:
    """Animals: the kind says whether there are wings, and about what the weight is."""
    rng = np.random.default_rng(0)
    kind = rng.integers(0, 3, rows)
    weight = np.array([0.1, 4.0, 600.0])[kind] * rng.uniform(0.9, 1.1, rows)
    names = np.array(["bird", "cat", "cow"], object)[kind]
    return pd.DataFrame({"kind": names, "weight": weight, "wings": kind == 0})


def with_gaps() -> pd.DataFrame:
    frame = animals()
    frame.loc[::7, "weight"] = np.nan
    frame.loc[3::11, "kind"] = None
    return frame


def there_and_back(fitted: Any, frame: Any) -> np.ndarray:
    return fitted.inverse_transform(fitted.transform(frame))


def test_categories_come_back_from_fewer_numbers() -> None:
    frame = animals()
    fitted = Autoencoder(2, **WIDE).fit(frame)
    made = there_and_back(fitted, frame)
    assert (made.shape, made.dtype, fitted.transform(frame).shape) == ((120, 3), object, (120, 2))
    assert made[:, 0].tolist() == frame["kind"].tolist()
    assert made[:, 2].tolist() == frame["wings"].tolist()
    assert np.abs(made[:, 1].astype(float) - frame["weight"]).max() < 60.0
    assert fitted.model_.targets.names == (
        "weight",
        "kind=bird",
        "kind=cat",
        "kind=cow",
        "wings=False",
        "wings=True",
    )


def test_missing_cells_come_back_missing() -> None:
    frame = with_gaps()
    made = pd.DataFrame(there_and_back(Autoencoder(7, **WIDE).fit(frame), frame), columns=frame.columns)
    np.testing.assert_array_equal(made.isna(), frame.isna())
    np.testing.assert_allclose(made["weight"].astype(float), frame["weight"], rtol=0.05, atol=2.0)
    known = frame["kind"].notna()
    assert made.loc[known, "kind"].tolist() == frame.loc[known, "kind"].tolist()
    assert there_and_back(Autoencoder(7, **WIDE).fit(frame), frame)[3, 0] is None


def test_scores_are_distances_of_the_encoded_rows() -> None:
    frame = with_gaps()
    fitted = Autoencoder(2, **WIDE).fit(frame)
    weight = frame["weight"].to_numpy()
    mean, spread = np.nanmean(weight), np.nanstd(weight)
    encoded = np.column_stack(
        [
            np.nan_to_num((weight - mean) / spread),
            frame["weight"].isna(),
            *(frame["kind"] == name for name in ("bird", "cat", "cow")),
            frame["kind"].isna(),
            ~frame["wings"],
            frame["wings"],
        ]
    ).astype(float)
    (encoder, decoder), (shift, back) = fitted.coefs_, fitted.intercepts_
    codes = encoded @ encoder + shift
    np.testing.assert_allclose(fitted.transform(frame), codes, atol=1e-9)
    np.testing.assert_allclose(
        fitted.score_samples(frame), -((codes @ decoder + back - encoded) ** 2).sum(axis=1), atol=1e-9
    )


def test_a_new_category_is_none_of_the_known_ones() -> None:
    frame = animals()
    fitted = Autoencoder(2, **WIDE).fit(frame)
    strange = frame.head(5).assign(kind="yeti")
    assert np.isfinite(fitted.transform(strange)).all()
    assert set(there_and_back(fitted, strange)[:, 0]) <= {"bird", "cat", "cow"}
    assert (fitted.score_samples(strange) < fitted.score_samples(frame.head(5))).all()


def test_more_categories_than_are_embedded_elsewhere() -> None:
    names = [f"place{number}" for number in range(40)]
    frame = pd.DataFrame({"place": names * 3, "size": np.tile(np.arange(40.0), 3)})
    fitted = Autoencoder(40, **WIDE).fit(frame)
    assert len(fitted.model_.targets.names) == 41
    assert there_and_back(fitted, frame)[:, 0].tolist() == names * 3


def test_polars_gives_the_same_as_pandas() -> None:
    frame = with_gaps()
    other = polars.DataFrame(
        {name: [None if pd.isna(cell) else cell for cell in frame[name].tolist()] for name in frame}
    )
    ours, theirs = Autoencoder(2, **WIDE).fit(frame), Autoencoder(2, **WIDE).fit(other)
    np.testing.assert_array_equal(ours.transform(frame), theirs.transform(other))
    np.testing.assert_array_equal(ours.score_samples(other), theirs.score_samples(frame))


def test_copies_and_saved_models_compute_the_same(tmp_path: Any) -> None:
    frame = with_gaps()
    fitted = Autoencoder(2, **WIDE).fit(frame)
    codes = fitted.transform(frame)
    copied = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(copied.transform(frame), codes)
    assert (pd.isna(there_and_back(copied, frame)) == pd.isna(there_and_back(fitted, frame))).all()
    np.testing.assert_array_equal(clone(fitted).fit(frame).transform(frame), codes)
    fitted.save(tmp_path / "model")
    predicted = pl.load_model(tmp_path / "model").predict(frame)
    assert tuple(predicted) == fitted.model_.targets.names
    made = np.column_stack([predicted[f"kind={name}"] for name in ("bird", "cat", "cow")])
    known = frame["kind"].notna()
    names = np.array(["bird", "cat", "cow"])[made.argmax(axis=1)]
    assert (names == frame["kind"])[known].mean() > 0.9


def test_training_goes_on_with_frames() -> None:
    frame = with_gaps()
    fitted = Autoencoder(3, (8,), random_state=0, learning_rate_init=0.01)
    scores = [fitted.partial_fit(frame).score(frame) for _ in range(15)]
    assert scores[-1] > scores[0]
    warm = Autoencoder(3, (8,), random_state=0, max_iter=3, warm_start=True)
    losses = [warm.fit(frame).loss_ for _ in range(4)]
    assert losses == sorted(losses, reverse=True)
    given = Autoencoder(2, (4,), max_iter=3, random_state=0).fit(frame[20:], X_val=frame[:20])
    assert given.t_ == given.n_iter_ * 100


def test_an_array_is_refused_after_a_frame_of_words() -> None:
    fitted = Autoencoder(1, (4,), max_iter=2, random_state=0).fit(animals())
    with pytest.raises(ValueError, match="a frame with words or truth values was learned from: got an array"):
        fitted.transform(np.zeros((2, 3)))


def test_a_column_of_an_array_without_values_is_refused() -> None:
    x = np.column_stack([np.arange(20.0), np.full(20, np.nan)])
    with pytest.raises(ValueError, match=r"column 'x1': .*no value in any row to learn from"):
        Autoencoder(1, max_iter=2).fit(x)


def test_one_word_everywhere_and_integers_as_names() -> None:
    frame = pd.DataFrame({0: ["same"] * 30, 1: np.arange(30.0), 2: [None, "u", "v"] * 10})
    fitted = Autoencoder(5, **WIDE).fit(frame)
    made = there_and_back(fitted, frame)
    assert made[:, 0].tolist() == ["same"] * 30
    assert made[:3, 2].tolist() == [None, "u", "v"]


@pytest.mark.parametrize("framed", [False, True])
def test_numbers_alone_may_be_missing_too(framed: bool) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(100, 3)) * [1.0, 100.0, 0.01]
    x[::9, 1] = np.nan
    given: Any = pd.DataFrame(x, columns=["a", "b", "c"]) if framed else x
    fitted = Autoencoder(4, **WIDE).fit(given)
    made = there_and_back(fitted, given)
    assert made.dtype == np.float64
    np.testing.assert_allclose(made, x, rtol=0.02, atol=0.02)
    assert fitted.score(given) > -1e-3
    full = Autoencoder(3, **WIDE).fit(np.nan_to_num(x))  # a gap that was not there in training is the mean
    mean = np.nan_to_num(x)[:, 1].mean()
    np.testing.assert_allclose(full.transform(x), full.transform(np.where(np.isnan(x), mean, x)), atol=1e-12)
    np.testing.assert_allclose(full.score_samples(x), full.score_samples(np.where(np.isnan(x), mean, x)), atol=1e-9)
