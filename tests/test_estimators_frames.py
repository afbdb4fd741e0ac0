"""Data frames in: words, truth values, dates and missing cells, the same predictions everywhere."""

from __future__ import annotations

import datetime
from typing import Any

import numpy as np
import pandas as pd
import polars as pl_frames
import pyarrow as pa
import pytest
from scipy import sparse
from sklearn.datasets import load_digits, load_iris
from sklearn.preprocessing import StandardScaler

import pellucid as pl
from pellucid.estimators import MLPClassifier, MLPRegressor, Perceptron

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

QUICK: dict[str, Any] = {"hidden_layer_sizes": (8,), "max_iter": 40, "learning_rate_init": 0.02, "random_state": 0}
ROWS = 240


def columns() -> dict[str, list[Any]]:
    rng = np.random.default_rng(0)
    size = rng.normal(10, 2, ROWS)
    day = [datetime.date(2024, 1, 1) + datetime.timedelta(days=int(number)) for number in rng.integers(0, 300, ROWS)]
    return {
        "size": [None if row % 9 == 0 else float(value) for row, value in enumerate(size)],
        "color": [["red", "green", "blue", None][k] for k in rng.integers(0, 4, ROWS)],
        "new": [bool(k) for k in rng.integers(0, 2, ROWS)],
        "bought": day,
        "count": [int(k) for k in rng.integers(0, 5, ROWS)],
    }


def price() -> np.ndarray:
    given = columns()
    by_color = {"red": 5.0, "green": 0.0, "blue": -5.0, None: 2.0}
    return np.array(
        [
            (size if size is not None else 20.0) + by_color[color] + 4 * new + count
            for size, color, new, count in zip(given["size"], given["color"], given["new"], given["count"], strict=True)
        ]
    )


def frames() -> dict[str, Any]:
    given = columns()
    return {"pandas": pd.DataFrame(given), "polars": pl_frames.DataFrame(given), "pyarrow": pa.table(given)}


def test_words_truth_values_dates_and_missing_cells_are_learned_from() -> None:
    y = price()
    fitted = {name: MLPRegressor(**QUICK).fit(frame, y) for name, frame in frames().items()}
    assert fitted["pandas"].score(frames()["pandas"], y) > 0.9
    first = fitted["pandas"].predict(frames()["pandas"])
    for name, frame in frames().items():
        np.testing.assert_array_equal(fitted[name].predict(frame), first)
    assert fitted["pandas"].feature_names_in_.tolist() == list(columns())
    kinds = {column.name: column.role for column in fitted["pandas"].model_.front.columns}
    assert (kinds["size"], kinds["color"], kinds["bought"]) == ("number", "category", "date")


@pytest.mark.parametrize("estimator", [MLPClassifier(**QUICK), Perceptron(max_iter=5)], ids=["mlp", "perceptron"])
def test_estimator_model_and_saved_model_predict_the_same_bits(estimator: Any, tmp_path: Any) -> None:
    frame, y = frames()["pandas"], np.where(price() > 15, "dear", "cheap")
    estimator.fit(frame, pd.Series(y, name="worth"))
    estimator.save(tmp_path / "model")
    loaded = pl.load_model(tmp_path / "model")
    said = estimator.predict(frame)
    np.testing.assert_array_equal(estimator.model_.predict(frame)["worth"], said)
    np.testing.assert_array_equal(loaded.predict(frame)["worth"], said)
    frame.to_csv(tmp_path / "table.csv", index=False)
    np.testing.assert_array_equal(loaded.predict(tmp_path / "table.csv")["worth"], said)
    if hasattr(estimator, "predict_proba"):
        np.testing.assert_array_equal(loaded.predict_probabilities(frame), estimator.predict_proba(frame))
    np.testing.assert_array_equal(loaded.compute(frame)["output"][:, 0], estimator.decision_function(frame))


def test_unseen_categories_and_cells_that_are_missing_only_later_are_taken() -> None:
    frame, y = frames()["pandas"], price()
    fitted = MLPRegressor(**QUICK).fit(frame, y)
    other = frame.head(3).assign(color=["violet", None, "red"], new=[None, True, False])
    assert np.isfinite(fitted.predict(other)).all()


def test_a_column_of_many_categories_is_embedded() -> None:
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 50, 400)
    effect = rng.normal(size=50)
    frame = pd.DataFrame({"town": [f"town {code}" for code in codes], "x": rng.normal(size=400)})
    fitted = MLPRegressor(**QUICK).fit(frame, effect[codes])
    assert any("embedding" in path for path in fitted.model_.parameters)
    assert fitted.score(frame, effect[codes]) > 0.7
    assert [array.ndim for array in fitted.coefs_] == [2, 2]
    linear = Perceptron(max_iter=3).fit(frame, effect[codes] > 0)
    assert linear.coef_.shape == (1, 51)


def test_numbers_of_a_frame_are_as_those_of_an_array() -> None:
    x, y = load_iris(return_X_y=True, as_frame=True)
    framed = MLPClassifier(**QUICK).fit(x, y)
    plain = MLPClassifier(**QUICK).fit(x.to_numpy(), y.to_numpy())
    np.testing.assert_array_equal(framed.predict_proba(x), plain.predict_proba(x.to_numpy()))
    assert not hasattr(plain, "feature_names_in_")
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        np.testing.assert_array_equal(framed.predict_proba(x.to_numpy()), framed.predict_proba(x))
    with pytest.warns(UserWarning, match="fitted without feature names"):
        np.testing.assert_array_equal(plain.predict_proba(x), framed.predict_proba(x))
    with pytest.raises(ValueError, match="feature names"):
        framed.predict(x[x.columns[::-1]])
    with pytest.raises(ValueError, match="features"):
        plain.predict(x.to_numpy()[:, :3])


def test_missing_numbers_in_arrays_are_filled_and_marked_and_infinite_ones_refused() -> None:
    x, y = load_iris(return_X_y=True)
    holes = x.copy()
    holes[np.random.default_rng(0).random(x.shape) < 0.2] = np.nan
    fitted = MLPClassifier(**QUICK).fit(holes, y)
    assert fitted.score(holes, y) > 0.85
    assert any("missing" in name for name in fitted.model_.front.features)
    x[3, 2] = np.inf
    with pytest.raises(ValueError, match="infinity"):
        MLPClassifier().fit(x, y)
    frame = pd.DataFrame(x, columns=list("abcd"))
    with pytest.raises(ValueError, match="a number is infinite"):
        MLPClassifier().fit(frame, y)


@pytest.mark.parametrize("make", [sparse.csr_array, sparse.csc_matrix, sparse.coo_array])
def test_sparse_matrices_are_never_made_dense_as_a_whole(make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = load_digits(return_X_y=True)
    x = np.where(x > 4, x, 0.0)
    thin = make(x)
    largest = []
    dense = sparse.csr_array.toarray
    for kind in (sparse.csr_array, sparse.csr_matrix):
        monkeypatch.setattr(kind, "toarray", lambda self, *a, **k: (largest.append(self.shape[0]), dense(self))[1])
    fitted = MLPClassifier((32,), max_iter=15, learning_rate_init=0.005, random_state=0).fit(thin, y)
    said = fitted.predict(thin)
    assert max(largest) <= 1024 < len(y)
    assert fitted.score(thin, y) > 0.95
    np.testing.assert_array_equal(said, fitted.predict(x))
    np.testing.assert_array_equal(fitted.model_.predict(x)["y"], said)


def test_scaled_outside_or_inside_is_the_same() -> None:
    x, y = load_iris(return_X_y=True)
    settings = {**QUICK, "early_stopping": False, "limit": 0.0, "shuffle": False}
    inside = MLPClassifier(**settings).fit(x, y)
    outside = MLPClassifier(**settings, scaling=None).fit(StandardScaler().fit_transform(x), y)
    np.testing.assert_allclose(
        inside.predict_proba(x), outside.predict_proba(StandardScaler().fit_transform(x)), atol=1e-6
    )


def test_a_frame_without_anything_to_learn_from_is_refused() -> None:
    frame = pd.DataFrame({"name": [f"person {row} of many" for row in range(30)]})
    frame["name"] = [f"p{row}" for row in range(30)]
    with pytest.raises(ValueError, match=r"learn"):
        MLPClassifier().fit(frame, np.arange(30) % 2)
