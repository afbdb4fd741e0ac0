"""Scaling and whitening of numbers, against scikit-learn, SciPy and closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.stats import rankdata
from sklearn.decomposition import PCA
from sklearn.preprocessing import MinMaxScaler, RobustScaler, StandardScaler

import pellucid as pl
from pellucid.data.encoders.fit import fit_encoders, fit_encoders_of_matrix
from pellucid.data.encoders.settings import SCALINGS, EncoderSettings
from pellucid.data.roles import Role
from pellucid.data.task import Task
from pellucid.errors import UsageError

TASK = Task("regression", ("y",), (), "for the tests")
RNG = np.random.default_rng(1)
VALUES = RNG.normal([5.0, -300.0, 1e-3], [0.1, 40.0, 2e-4], (200, 3))
NEW = RNG.normal([5.0, -300.0, 1e-3], [0.5, 90.0, 1e-3], (50, 3))


def fit(values, weights=None, rows=None, dtype="float64", **settings):
    table = pl.Table.from_arrays(np.asarray(values, np.float64))
    roles = [Role(name, "number", "") for name in table.names]
    settings = EncoderSettings(**{"limit": 0.0, **settings})
    return fit_encoders(table, roles, TASK, rows, dtype, settings=settings, weights=weights)


def encode(encoding, values):
    return encoding.encode(pl.Table.from_arrays(np.asarray(values, np.float64)))["x"]


@pytest.mark.parametrize(
    ("scaling", "oracle"),
    [("standardize", StandardScaler()), ("robust", RobustScaler()), ("minmax", MinMaxScaler())],
)
def test_numbers_are_scaled_as_by_scikit_learn(scaling, oracle):
    oracle.fit(VALUES)
    np.testing.assert_allclose(encode(fit(VALUES, scaling=scaling), NEW), oracle.transform(NEW), rtol=1e-11, atol=1e-13)


def test_numbers_may_stay_as_they_are():
    values = [[2.0, 1e9], [np.nan, -1e9], [2.0, 3.0]]
    encoding = fit(values, scaling="none", limit=3.0)  # what is not scaled is not limited
    np.testing.assert_array_equal(encode(encoding, values), [[2, 1e9, 0], [0, -1e9, 1], [2, 3, 0]])
    assert encoding.arrays == {}


def test_robust_scaling_falls_back_to_half_the_range():
    values = np.array([[0.0] * 9 + [10.0, -6.0]]).T
    np.testing.assert_array_equal(encode(fit(values, scaling="robust"), [[10.0], [4.0]]), [[10 / 8], [4 / 8]])


@pytest.mark.parametrize("scaling", ["standardize", "robust", "minmax"])
def test_the_smooth_limit(scaling):
    plain, limited = fit(VALUES, scaling=scaling), fit(VALUES, scaling=scaling, limit=1.5)
    x = encode(plain, NEW)
    np.testing.assert_allclose(encode(limited, NEW), x / np.sqrt(1 + (x / 1.5) ** 2), rtol=1e-14)
    assert np.abs(encode(limited, NEW * 1e6)).max() <= 1.5


def test_few_numbers_become_their_ranks():
    values = RNG.choice([0.0, 0.0, 0.0, 1.0, 2.5, 1e6, -4.0], 300)[:, np.newaxis]
    ranks = rankdata(values[:, 0])
    expected = (ranks - ranks.mean()) / ranks.std()
    encoding = fit(values, scaling="quantile")
    np.testing.assert_allclose(encode(encoding, values)[:, 0], expected, rtol=1e-12, atol=1e-13)
    ends = encode(encoding, [[-1e300], [1e300]])[:, 0]
    np.testing.assert_allclose(ends, [expected.min(), expected.max()], rtol=1e-12)
    half_way = encode(encoding, [[1.75]])[0, 0]  # between 1 and 2.5
    np.testing.assert_allclose(half_way, (expected[values[:, 0] == 1][0] + expected[values[:, 0] == 2.5][0]) / 2)


def test_many_numbers_become_nearly_their_ranks():
    values = np.exp(RNG.normal(size=(5000, 1)) * 3)
    encoding = fit(values, scaling="quantile")
    assert encoding.arrays["encoders/knots"].shape == (1, 64)
    x = encode(encoding, values)[:, 0]
    np.testing.assert_allclose([x.mean(), x.std()], [0.0, 1.0], atol=1e-12)
    uniform = rankdata(values[:, 0]) / 5000
    np.testing.assert_allclose(x, (uniform - uniform.mean()) / uniform.std(), atol=3.5 / 63)


def test_quantiles_of_new_numbers_are_monotonous():
    values = RNG.choice([0.0, 1.0, 2.0, 7.0], (100, 1)) * RNG.choice([1.0, RNG.random()], (100, 1))
    new = np.sort(RNG.uniform(-1, 8, 500))[:, np.newaxis]
    assert (np.diff(encode(fit(values, scaling="quantile"), new)[:, 0]) >= 0).all()


@pytest.mark.parametrize("scaling", SCALINGS[:-1])
def test_missing_numbers_and_constants_become_zero(scaling):
    values = np.array([[1.0, 3.0, np.nan], [np.nan, 3.0, np.nan], [4.0, 3.0, np.nan], [9.0, 3.0, np.nan]])
    encoding = fit(values, scaling=scaling)
    assert encoding.features == ("x0", "x1", "x2", "x0 is missing")
    x = encode(encoding, values)
    np.testing.assert_array_equal(x[:, 1:3], np.zeros((4, 2)))
    np.testing.assert_array_equal(x[1], [0, 0, 0, 1])
    np.testing.assert_array_equal(encode(encoding, [[np.nan, 8.0, 8.0]]), [[0, 0, 0, 1]])
    assert [column.constant for column in encoding.front.columns] == [False, True, True]


@pytest.mark.parametrize("scaling", SCALINGS[:-1])
@pytest.mark.parametrize("size", [1e-310, 1e-200, 1.0, 1e200, 1.7e308])
def test_numbers_of_any_size_are_scaled(scaling, size):
    values = np.array([[-1.0], [-0.75], [0.0], [0.5], [1.0]])
    expected = encode(fit(values, scaling=scaling), values)
    x = encode(fit(values * size, scaling=scaling), values * size)
    np.testing.assert_allclose(x, expected, rtol=1e-12, atol=1e-13)


@given(
    hnp.arrays(
        np.float64,
        st.tuples(st.integers(1, 30), st.integers(1, 3)),
        elements=st.one_of(st.just(np.nan), st.floats(allow_nan=False, allow_infinity=False)),
    ),
    st.sampled_from(SCALINGS[:-1]),
    st.sampled_from([0.0, 0.9, 1.0]),
)
def test_features_are_finite_whatever_the_numbers(values, scaling, whitening):
    encoding = fit(values, scaling=scaling, limit=3.0, whitening=whitening)
    x = encode(encoding, values)
    assert x.shape == (len(values), len(encoding.features)) and np.isfinite(x).all()
    if not whitening:
        assert (np.abs(x[:, : values.shape[1]]) <= 3.0).all()


# -- whitening ------------------------------------------------------------------------------------------------------


def correlated(rows, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(rows, 4)) @ rng.normal(size=(4, 6)) + rng.normal(size=(rows, 6)) * 0.3


def test_whitening_gives_the_principal_components():
    values, new = correlated(300), correlated(40, seed=5)
    scaler = StandardScaler().fit(values)
    oracle = PCA(whiten=True).fit(scaler.transform(values))
    encoding = fit(values, whitening=1.0)
    assert encoding.features == tuple(f"component {number}" for number in range(1, 7))
    x = encode(encoding, new)
    expected = oracle.transform(scaler.transform(new)) * np.sqrt(300 / 299)  # variance 1 of n, not of n - 1
    signs = np.sign((x * expected).sum(axis=0))
    np.testing.assert_allclose(x * signs, expected, rtol=1e-9, atol=1e-10)
    trained = encode(encoding, values)
    np.testing.assert_allclose(trained.T @ trained / 300, np.eye(6), atol=1e-10)


@pytest.mark.parametrize("kept", [0.5, 0.9, 0.999])
def test_whitening_keeps_a_share_of_the_variance(kept):
    values = correlated(300)
    shares = np.cumsum(PCA().fit(StandardScaler().fit_transform(values)).explained_variance_ratio_)
    encoding = fit(values, whitening=kept)
    assert encoding.arrays["encoders/whitening"].shape == (6, 1 + int((shares < kept).sum()))


def test_whitening_leaves_out_what_does_not_vary():
    values = np.column_stack([correlated(50)[:, :2], np.ones(50)])
    values = np.column_stack([values, values[:, 0] - 2 * values[:, 1]])
    encoding = fit(values, whitening=1.0)
    assert encoding.features == ("component 1", "component 2")
    trained = encode(encoding, values)
    np.testing.assert_allclose(trained.T @ trained / 50, np.eye(2), atol=1e-10)
    nothing = fit(np.ones((5, 2)), whitening=1.0)
    np.testing.assert_array_equal(encode(nothing, [[1.0, 1.0], [3.0, np.nan]]), [[0.0], [0.0]])


def test_whitening_is_of_the_limited_numbers():
    values = correlated(200)
    values[0, 0] = 1e9
    trained = encode(fit(values, whitening=1.0, limit=3.0), values)
    np.testing.assert_allclose(trained.T @ trained / 200, np.eye(6), atol=1e-10)


def test_too_many_columns_are_not_whitened():
    with pytest.raises(UsageError, match=r"whitening: too many columns of numbers.*got 4097"):
        fit_encoders_of_matrix(np.zeros((2, 4097)), EncoderSettings(whitening=1.0))


# -- weights --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scaling", ["standardize", "minmax", "quantile"])
@pytest.mark.parametrize("whitening", [0.0, 0.9])
def test_a_weight_counts_as_so_many_rows(scaling, whitening):
    values = correlated(40)
    values[RNG.random(values.shape) < 0.1] = np.nan
    counts = RNG.integers(0, 4, 40)
    repeated = np.repeat(values, counts, axis=0)
    weighted = fit(values, weights=counts, scaling=scaling, whitening=whitening)
    again = fit(repeated, scaling=scaling, whitening=whitening)
    assert weighted.features == again.features
    np.testing.assert_allclose(encode(weighted, values), encode(again, values), rtol=1e-8, atol=1e-9)


@given(st.integers(0, 2**31), st.sampled_from(SCALINGS))
def test_rows_of_weight_zero_and_rows_left_out_do_not_count(seed, scaling):
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(12, 2))
    weights = rng.integers(0, 3, 12) * 1.0
    rows = np.flatnonzero(rng.random(12) < 0.7)
    counted = rows[weights[rows] > 0]
    assume(counted.size)
    wild = values.copy()
    wild[np.setdiff1d(np.arange(12), counted)] = rng.choice([np.nan, 1e300, 0.0])
    first = fit(values[counted], weights=weights[counted], scaling=scaling)
    second = fit(wild, weights=weights, rows=rows, scaling=scaling)
    assert first.front == second.front
    for name, array in first.arrays.items():
        np.testing.assert_array_equal(array, second.arrays[name])


@pytest.mark.parametrize("weights", [[1.0, 2.0], [1.0, -1.0, 1.0], [1.0, np.nan, 1.0], [[1.0], [1.0], [1.0]]])
def test_weights_that_are_none_are_refused(weights):
    with pytest.raises(UsageError, match=r"not weights of rows.*expected 3 finite numbers from 0 up"):
        fit(VALUES[:3], weights=np.array(weights))


# -- settings -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"scaling": "robst"}, "there is no scaling 'robst'.*Did you mean 'robust'"),
        ({"scaling": ["robust"]}, "there is no scaling"),
        ({"word_values": "counts"}, "Did you mean 'count'"),
        ({"limit": -1.0}, "limit: out of range"),
        ({"limit": float("nan")}, "limit: out of range"),
        ({"limit": True}, "limit: out of range"),
        ({"whitening": 1.5}, "whitening: out of range"),
        ({"one_hot": 2.5}, "one_hot: not a count"),
        ({"words": -1}, "words: not a count"),
        ({"embedding_units": 10**9}, "embedding_units: not a count"),
    ],
)
def test_settings_that_do_not_exist_are_refused(settings, message):
    with pytest.raises(UsageError, match=message):
        EncoderSettings(**settings)


@pytest.mark.parametrize("scaling", SCALINGS)
def test_every_scaling_is_described(scaling):
    lines = fit([[1.0, 5.0], [np.nan, 5.0], [4.0, 5.0]], scaling=scaling).describe()
    assert len(lines) == 2 and "1 missing" in lines[0] and ("ignored" in lines[1]) == (scaling != "none")
