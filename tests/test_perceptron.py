"""The perceptron algorithm against a plain loop and against its convergence theorem."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import pellucid as pl


def separable(seed, count=40, features=3, margin=0.1):
    rng = np.random.default_rng(seed)
    w = rng.standard_normal(features)
    w /= np.linalg.norm(w)
    x = rng.uniform(-1, 1, (count, features))
    t = np.where(x @ w > 0, 1, -1)
    return x + margin * t[:, None] * w, (t > 0).astype(int), margin


def plain_loop(x, y, epochs):
    w, b, mistakes = np.zeros(x.shape[1]), 0.0, []
    for _ in range(epochs):
        mistakes.append(0)
        for row, label in zip(x, 2 * y - 1, strict=True):
            if label * (w @ row + b) <= 0:
                w, b = w + label * row, b + label
                mistakes[-1] += 1
        if not mistakes[-1]:
            break
    return w, b, mistakes


@given(seed=st.integers(0, 1000))
def test_it_is_the_plain_loop(seed):
    x, y, _ = separable(seed)
    y[0] = 1 - y[0] if seed % 3 == 0 else y[0]
    if len(set(y)) < 2:
        return
    found = pl.fit_perceptron(x, y, epochs=20, shuffle=False)
    w, b, mistakes = plain_loop(x, y, 20)
    np.testing.assert_allclose(found.weight, w, atol=1e-12)
    assert found.bias == pytest.approx(b) and found.mistakes == mistakes
    assert found.separated == (mistakes[-1] == 0)


@given(seed=st.integers(0, 1000))
def test_mistakes_stay_below_the_bound_of_the_convergence_theorem(seed):
    x, y, margin = separable(seed)
    if len(set(y)) < 2:
        return
    found = pl.fit_perceptron(x, y, seed=seed)
    radius2 = (x**2).sum(1).max() + 1  # with the constant input that the bias belongs to
    assert found.separated and sum(found.mistakes) <= radius2 / margin**2
    assert np.array_equal(found.predict(x), y) and "none in the last" in str(found)


def test_it_says_so_when_the_classes_are_not_separated():
    found = pl.fit_perceptron([[0, 0], [0, 1], [1, 0], [1, 1]], [-1, 1, 1, -1], epochs=30)
    assert not found.separated and found.epochs == 30
    assert "not separated within the 30 epochs" in str(found)


@pytest.mark.parametrize(
    ("x", "y", "words"),
    [
        ([[1.0], [2.0]], [0, 1, 1], "wrong shapes"),
        ([1.0, 2.0], [0, 1], "wrong shapes"),
        ([[1.0], [2.0]], [0, 2], "two classes"),
        ([[1.0], [2.0]], [1, 1], "two classes"),
        ([[np.nan], [2.0]], [0, 1], "row 0"),
    ],
)
def test_wrong_data_are_refused(x, y, words):
    with pytest.raises(pl.DataError, match=words):
        pl.fit_perceptron(x, y)


@pytest.mark.parametrize(
    "make",
    [
        lambda: pl.fit_perceptron([["a", "b"]], [0]),
        lambda: pl.fit_perceptron([[1, 2], [3]], [0, 1]),
        lambda: pl.fit_perceptron([[0.0], [1.0]], [0, 1], epochs="5"),
        lambda: pl.fit_perceptron([[0.0], [1.0]], [0, 1]).predict([[1.0, 2.0]]),
        lambda: pl.fit_perceptron([[0.0], [1.0]], [0, 1]).predict("abc"),
    ],
)
def test_what_is_no_matrix_or_no_count_is_told_in_one_line(make):
    with pytest.raises(pl.PellucidError) as caught:
        make()
    assert "\n" not in str(caught.value) and "got" in str(caught.value)
