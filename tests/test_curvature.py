"""Curvature: eigenvalues against closed forms and dense Hessians; saddles, minima and slopes are named."""

from __future__ import annotations

import numpy as np
import pytest

import pellucid as pl
from pellucid.errors import UsageError
from pellucid.inspection.landscape import curvature as module
from pellucid.inspection.landscape.curvature import curvature
from pellucid.inspection.landscape.hessian import SecondOrder


def fitted(body, x, y, loss, **options):
    network = pl.Network(body, inputs=x.shape[1], dtype=options.pop("dtype", "float64"))
    data = pl.Dataset({"x": x}, y, options.pop("weights", None))
    return pl.fit(network, data, loss=loss, **options), data


@pytest.mark.parametrize("rows", [40, 2500])  # the latter in several chunks
def test_linear_regression_has_the_eigenvalues_of_its_covariance(rows):
    random = np.random.default_rng(0)
    x = random.normal(size=(rows, 4)) * [1, 2, 3, 0.5]
    weights = random.uniform(0.5, 2, rows)
    found, data = fitted(
        [pl.Dense(1, bias=False)], x, x @ [1.0, 2, 3, 4], "squared_error", optimizer="lbfgs", weights=weights
    )
    seen = curvature(found, data, k=4)
    expected = np.linalg.eigvalsh((x * weights[:, None]).T @ x / weights.sum())
    assert np.allclose(seen.largest, expected[::-1], rtol=1e-9)
    assert np.allclose(seen.smallest, expected, rtol=1e-9)
    assert seen.complete and seen.kind == "minimum" and seen.count_negative == 0
    assert np.isclose(seen.largest_step, 2 / expected[-1])


def test_logistic_regression_has_the_textbook_hessian():
    random = np.random.default_rng(1)
    x = random.normal(size=(50, 3))
    y = (x[:, 0] + random.normal(size=50) > 0).astype(float)
    found, data = fitted([pl.Dense(1, bias=False)], x, y, "binary_cross_entropy", optimizer="lbfgs")
    p = found.predict(x).ravel()
    expected = np.linalg.eigvalsh((x * (p * (1 - p))[:, None]).T @ x / 50)  # Bishop (2006), equation 4.97
    assert np.allclose(curvature(found, data, k=3).largest, expected[::-1], rtol=1e-8)


def test_products_agree_with_differences_of_the_gradient():
    random = np.random.default_rng(2)
    x = random.normal(size=(20, 3))
    y = random.integers(0, 4, 20)
    body = [pl.Dense(5, "tanh"), pl.LayerNorm(), pl.Shortcut([pl.Dense(5, "gelu")]), pl.Dense(4)]
    found, data = fitted(body, x, y, "softmax_cross_entropy", epochs=2, dtype="float32")
    second = SecondOrder(found.network, found.losses, data, found.parameters, "native")
    for _ in range(3):
        vector = random.normal(size=len(second.point))
        step = 1e-5
        ahead = second.value_and_gradient(second.point + step * vector)[1]
        behind = second.value_and_gradient(second.point - step * vector)[1]
        assert np.allclose(second.product(vector), (ahead - behind) / (2 * step), rtol=1e-5, atol=1e-7)


def test_lanczos_finds_what_the_dense_hessian_has(monkeypatch):
    random = np.random.default_rng(3)
    x = random.normal(size=(30, 6))
    found, data = fitted([pl.Dense(12, "tanh"), pl.Dense(1)], x, x[:, 0] * x[:, 1], "squared_error", epochs=20)
    whole = curvature(found, data, k=3)
    monkeypatch.setattr(module, "DENSE", 10)
    outer = curvature(found, data, k=3)
    assert whole.complete and not outer.complete
    assert np.allclose(whole.largest, outer.largest, rtol=1e-5)
    assert np.allclose(whole.smallest, outer.smallest, rtol=1e-5)


def test_the_saddle_at_the_origin_is_named_with_a_way_down():
    x = np.array([[-1.0], [1.0], [2.0]])
    body = [pl.Dense(1, bias=False, initializer="zeros"), pl.Dense(1, bias=False, initializer="zeros")]
    found, data = fitted(body, x, 3 * x, "squared_error", epochs=0)
    seen = curvature(found, data)  # the loss is c (a b - 3)^2: at 0 its Hessian is [[0, -6 c], [-6 c, 0]]
    c = 0.5 * np.mean(x**2)
    assert seen.kind == "saddle" and seen.count_negative == 1
    assert np.allclose([seen.smallest[0], seen.largest[0]], [-6 * c, 6 * c])
    assert seen.descent > 0
    one, other = (value.item() for value in seen.direction.values())
    assert np.isclose(one, other)  # both grow together
    assert "a saddle" in str(seen) and "along 1 direction the loss curves down" in str(seen)


def test_a_point_on_a_slope_is_no_saddle():
    x = np.linspace(-1, 1, 9)[:, None]
    found, data = fitted([pl.Dense(1)], x, 5 * x + 2, "squared_error", epochs=0)
    seen = curvature(found, data)
    assert seen.kind == "slope" and "not at rest" in str(seen)
    assert np.isclose(seen.gain, seen.loss, rtol=1e-6)  # a Newton step on a quadratic gains all of it


def test_wrong_use_is_one_clear_message():
    x = np.ones((4, 1))
    found, data = fitted([pl.Dense(1)], x, x, "squared_error", epochs=0)
    with pytest.raises(UsageError, match="k: not a number of eigenvalues"):
        curvature(found, data, k=0)
    with pytest.raises(UsageError, match="a parameter is missing"):
        curvature(found, data, parameters={})
