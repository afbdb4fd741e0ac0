"""scikit-learn's own checks of estimators: all of them, without an expected failure."""

from __future__ import annotations

import os
import subprocess
import sys
import warnings
from typing import Any

import pytest
from sklearn.utils.estimator_checks import estimator_checks_generator

from pellucid.estimators import Autoencoder, MLPClassifier, MLPRegressor, Perceptron

QUICK: dict[str, Any] = {"max_iter": 20, "learning_rate_init": 0.02}
"""Small networks that learn fast: the checks fit more than a thousand of them."""

NEEDS_VARIABLE = "check_array_api_input"
"""Runs only where SCIPY_ARRAY_API is set before SciPy is imported: in a process of its own, below."""


def checks(*estimators: Any) -> list[Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = [pair for estimator in estimators for pair in estimator_checks_generator(estimator)]
    return [
        pytest.param(estimator, check, id=f"{type(estimator).__name__}-{name_of(check)}")
        for estimator, check in found
        if name_of(check) != NEEDS_VARIABLE
    ]


def name_of(check: Any) -> str:
    return getattr(check, "func", check).__name__


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("estimator", "check"),
    checks(
        MLPClassifier((16,), **QUICK),
        MLPRegressor((16,), **QUICK),
        Perceptron(max_iter=20),
        Autoencoder(hidden_layer_sizes=(8,), **QUICK),
    ),
)
def test_estimators_pass_all_checks(estimator: Any, check: Any) -> None:
    check(estimator)


@pytest.mark.long
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("estimator", "check"), checks(MLPClassifier(), MLPRegressor(), Perceptron(), Autoencoder()))
def test_estimators_pass_all_checks_as_they_are_by_default(estimator: Any, check: Any) -> None:
    check(estimator)


def test_arrays_of_the_array_api_change_nothing() -> None:
    code = """
import warnings
warnings.simplefilter("ignore")
from sklearn.utils.estimator_checks import check_array_api_input
from pellucid.estimators import Autoencoder, MLPClassifier, MLPRegressor, Perceptron
for found in (MLPClassifier, MLPRegressor, Perceptron, Autoencoder):
    check_array_api_input(found.__name__, found(max_iter=2), array_namespace="numpy", expect_only_array_outputs=False)
print("passed")
"""
    environment = {**os.environ, "SCIPY_ARRAY_API": "1"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=False)
    assert done.stdout.strip() == "passed", done.stderr[-2000:]
