"""Matrices of numbers without names, dense and sparse: the same as tables, without their cost."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse
from sklearn.preprocessing import MaxAbsScaler, StandardScaler

import pellucid as pl
from pellucid.data.encoders.fit import fit_encoders, fit_encoders_of_matrix
from pellucid.data.encoders.settings import SCALINGS, EncoderSettings
from pellucid.data.roles import Role
from pellucid.data.task import Task
from pellucid.errors import DataError, UsageError

TASK = Task("regression", ("y",), (), "for the tests")


def random_matrix(seed=0, rows=60, columns=7, density=0.3, gaps=0.0):
    rng = np.random.default_rng(seed)
    values = rng.normal(2.0, 3.0, (rows, columns)) * (rng.random((rows, columns)) < density)
    values[rng.random(values.shape) < gaps] = np.nan
    return values


@pytest.mark.parametrize("scaling", SCALINGS)
@pytest.mark.parametrize("whitening", [0.0, 0.9])
def test_a_matrix_is_encoded_as_a_table_is(scaling, whitening):
    values, new = random_matrix(gaps=0.1), random_matrix(seed=1, gaps=0.1)
    table = pl.Table.from_arrays(values)
    settings = EncoderSettings(scaling=scaling, whitening=whitening)
    weights = np.random.default_rng(2).integers(0, 3, 60) * 1.0
    roles = [Role(name, "number", "") for name in table.names]
    first = fit_encoders(table, roles, TASK, settings=settings, weights=weights)
    second = fit_encoders_of_matrix(values, settings, weights=weights)
    assert (first.front, first.missing, first.features) == (second.front, second.missing, second.features)
    for name, array in first.arrays.items():
        np.testing.assert_array_equal(array, second.arrays[name])
    expected = first.encode(pl.Table.from_arrays(new))["x"]
    np.testing.assert_array_equal(second.encode_matrix(new)["x"], expected)
    np.testing.assert_array_equal(second.encode_matrix(new.astype(np.float64, order="F"))["x"], expected)
    found = second.encode_matrix(sparse.csr_matrix(new))["x"]
    np.testing.assert_array_equal(found.toarray() if sparse.issparse(found) else found, expected)


@pytest.mark.parametrize("kind", [sparse.csr_matrix, sparse.csc_matrix, sparse.coo_array, sparse.csr_array])
@pytest.mark.parametrize(
    ("scaling", "oracle"), [("standardize", StandardScaler(with_mean=False)), ("minmax", MaxAbsScaler())]
)
def test_a_sparse_matrix_is_scaled_without_a_shift(kind, scaling, oracle):
    values = random_matrix()
    encoding = fit_encoders_of_matrix(kind(values), EncoderSettings(scaling=scaling, limit=0.0), "float64")
    x = encoding.encode_matrix(kind(values))["x"]
    assert x.format == "csr" and x.nnz == np.count_nonzero(values)
    np.testing.assert_allclose(x.toarray(), oracle.fit_transform(values), rtol=1e-12)


@given(st.integers(0, 2**31), st.sampled_from(["standardize", "robust", "minmax", "none"]), st.booleans())
def test_sparse_and_dense_are_encoded_alike(seed, scaling, weighted):
    values = random_matrix(seed, rows=20, columns=4, gaps=0.1)
    values[:, 3] = 0.0
    weights = np.random.default_rng(seed).integers(0, 3, 20) + 0.5 if weighted else None
    encoding = fit_encoders_of_matrix(sparse.csr_matrix(values), EncoderSettings(scaling=scaling), weights=weights)
    x = encoding.encode_matrix(sparse.csr_matrix(values))["x"]
    assert x.dtype == np.float32 and x.shape == (20, len(encoding.features))
    np.testing.assert_array_equal(x.toarray(), encoding.encode_matrix(values)["x"])
    table = pl.Table.from_arrays(values)
    np.testing.assert_array_equal(x.toarray(), encoding.encode(table)["x"])
    if scaling == "robust" and not weighted:
        low, lower, upper, high = np.nanquantile(values[:, 0], [0, 0.25, 0.75, 1])
        np.testing.assert_allclose(encoding.arrays["encoders/scale"][0], (upper - lower) or (high - low) / 2)


def test_entries_that_stand_twice_are_added():
    twice = sparse.csr_matrix((np.array([1.0, 2.0, 5.0]), np.array([0, 0, 1]), np.array([0, 2, 3])), shape=(2, 2))
    encoding = fit_encoders_of_matrix(twice, EncoderSettings(scaling="none"))
    assert encoding.encode_matrix(twice)["x"].toarray().tolist() == [[3.0, 0.0], [0.0, 5.0]]
    assert twice.nnz == 3  # what is the caller's stays as it is


def test_infinite_numbers_are_named_by_row_and_column():
    values = random_matrix()
    bad = values.copy()
    bad[41, 3] = -np.inf
    for kind in (np.array, sparse.csr_matrix):
        with pytest.raises(DataError, match=r"row 42, column 'x3': a number is infinite: got -inf"):
            fit_encoders_of_matrix(kind(bad))
        with pytest.raises(DataError, match=r"row 42, column 'x3'"):
            fit_encoders_of_matrix(kind(bad), weights=np.arange(60.0))
        with pytest.raises(DataError, match=r"row 42, column 'x3': a number is infinite: got -inf"):
            fit_encoders_of_matrix(kind(values)).encode_matrix(kind(bad))


@pytest.mark.parametrize(
    ("matrix", "message"),
    [
        (np.zeros(3), "rows and columns"),
        (np.zeros((0, 3)), "at least one row"),
        (np.zeros((3, 0)), "at least one column"),
        (np.array([["a", "b"]]), "a matrix of numbers is needed"),
        (np.array([[1j]]), "a matrix of numbers is needed: got dtype complex128"),
        (sparse.csr_matrix((0, 3)), "at least one row"),
    ],
)
def test_what_is_no_matrix_of_numbers_is_refused(matrix, message):
    with pytest.raises(DataError, match=message):
        fit_encoders_of_matrix(matrix)


@pytest.mark.parametrize("settings", [{"scaling": "quantile"}, {"whitening": 0.9}])
def test_what_would_not_stay_sparse_is_refused(settings):
    with pytest.raises(UsageError, match=r"would not stay sparse.*dense"):
        fit_encoders_of_matrix(sparse.csr_matrix(random_matrix()), EncoderSettings(**settings))


def test_columns_of_a_matrix_are_found_by_their_place():
    values = random_matrix(density=1.0)
    table = pl.Table.from_arrays(values)
    roles = [Role(name, "number", "") for name in ("x4", "x1")]
    encoding = fit_encoders(table, roles, TASK)
    expected = encoding.encode(table)["x"]
    np.testing.assert_array_equal(encoding.encode_matrix(values)["x"], expected)
    np.testing.assert_array_equal(encoding.encode_matrix(values[:, [4, 1]])["x"], expected)
    with pytest.raises(DataError, match="got 3 columns, expected 2: x4, x1"):
        encoding.encode_matrix(values[:, :3])
    mixed = fit_encoders(pl.Table.from_columns({"c": ["a", "b"]}), [Role("c", "category", "")], TASK)
    with pytest.raises(UsageError, match="column 'c' of role category"):
        mixed.encode_matrix(np.zeros((2, 1)))


def test_a_wide_sparse_matrix_is_never_dense():
    rng = np.random.default_rng(0)
    places = rng.integers(0, 10_000, 5000), rng.integers(0, 50_000, 5000)
    wide = sparse.coo_matrix((rng.normal(size=5000), places), shape=(10_000, 50_000)).tocsr()  # 4 GB if it were dense
    encoding = fit_encoders_of_matrix(wide)
    assert encoding.encode_matrix(wide)["x"].nnz == wide.nnz
