"""What the weight of a row means: one of weight 0 counts for nothing, one of weight 2 as two rows."""

from dataclasses import replace

import numpy as np
import pytest

from pellucid.data.targets import TargetEncoding
from pellucid.workflow import Plan, Recipe, judging, train_table
from pellucid.workflow.making import prepare
from pellucid.workflow.reports.report import build_report
from pellucid.workflow.understanding import understand

COUNT = 90
ROLES = {"a": "number", "b": "number", "color": "category", "shape": "category", "text": "text"}


def make(target):
    rng = np.random.default_rng(1)
    return {
        "a": rng.normal(size=COUNT).tolist(),
        "b": [None if rng.random() < 0.1 else float(cell) for cell in rng.lognormal(size=COUNT)],
        "color": rng.choice(["red", "green", "blue"], COUNT).tolist(),
        "shape": [f"s{number}" for number in rng.integers(0, 20, COUNT)],
        "text": [" ".join(rng.choice(["one", "two", "three", "four"], 3)) for _ in range(COUNT)],
        "weight": rng.integers(0, 4, COUNT).tolist(),
        "y": rng.choice(["A", "B", "C"], COUNT).tolist() if target == "classes" else rng.normal(size=COUNT).tolist(),
    }


def spoil(table):
    """Write something else into the cells of all rows of weight 0; what they are the same rows still."""
    changed = {name: list(cells) for name, cells in table.items()}
    for row in np.flatnonzero(np.array(table["weight"]) == 0):
        changed["a"][row], changed["b"][row] = 1e6 * row, None
        changed["color"][row], changed["shape"][row], changed["text"][row] = "pink", f"new {row}", "quite other words"
        if isinstance(changed["y"][row], float):
            changed["y"][row] = 1e9
    return changed


@pytest.mark.parametrize("scaling", ["standardize", "robust", "minmax", "quantile"])
@pytest.mark.parametrize("target", ["classes", "numbers"])
def test_a_row_of_weight_0_counts_for_nothing(target, scaling, monkeypatch):
    if scaling != "standardize":  # once is enough for the baselines, which scale in their own way
        monkeypatch.setattr(judging, "_predict_baselines", lambda made, seconds: ({}, ()))
    batch_size = 2 if scaling == "robust" else 32  # with batches of rows that all weigh 0
    recipe = Recipe(hidden=(4,), epochs=2, scaling=scaling, one_hot=10, batch_size=batch_size)
    if target == "classes":
        recipe = replace(recipe, class_weight="balanced", metric="balanced_accuracy")
    table = make(target)
    first, second = (
        train_table(data, "y", recipe=recipe, weight="weight", roles=ROLES) for data in (table, spoil(table))
    )
    assert first.model.front == second.model.front
    for name, array in first.model.arrays.items():
        assert array.tobytes() == second.model.arrays[name].tobytes(), name
    for one, other in zip(first.history, second.history, strict=True):
        assert {**one, "seconds": 0} == {**other, "seconds": 0}
    assert first.report.as_dict() == second.report.as_dict()  # with all baselines, confusions and residuals


def test_balanced_classes_weigh_the_same_with_the_weights_of_their_rows():
    table = make("classes")
    plan = Plan(target="y", weight="weight", roles=ROLES, recipe=Recipe(class_weight="balanced"))
    found = understand(table, plan)
    made = prepare(found, plan, found.parts)
    learning = made.dataset("train")
    sums = np.bincount(
        learning.targets["output"] if isinstance(learning.targets, dict) else learning.targets, learning.weights
    )
    own = np.array(table["weight"], float)[found.parts["train"]].sum()
    np.testing.assert_allclose(sums, own / 3, rtol=1e-12)


@pytest.mark.parametrize("task", ["multiclass", "binary", "multilabel", "regression"])
def test_a_report_counts_weights_as_repeated_rows(task):
    rng = np.random.default_rng(2)
    rows, weights = 60, rng.integers(0, 4, 60)
    classes = {"multiclass": ("a", "b", "c"), "binary": ("a", "b"), "multilabel": (0, 1), "regression": ()}[task]
    names = ("y", "z") if task in ("multilabel", "regression") else ("y",)
    targets = TargetEncoding(task, names, classes, {})
    if task == "multiclass":
        truth, predicted = rng.integers(0, 3, rows), rng.dirichlet(np.ones(3), rows)
    elif task == "regression":
        truth, predicted = rng.normal(size=(2, rows, 2))
    else:
        predicted = rng.random((rows, len(names)))
        truth = (rng.random((rows, len(names))) < predicted).astype(float)
    repeated = np.repeat(np.arange(rows), weights)
    weighed = build_report(targets, truth, {"network": predicted}, 0, weights=weights.astype(float))
    plain = build_report(targets, truth[repeated], {"network": predicted[repeated]}, 0)
    assert weighed.rows == np.count_nonzero(weights)
    for name, value in plain.metrics.items():
        assert weighed.metrics[name] == pytest.approx(value, rel=1e-12), name
    for one, other in zip(weighed.sections, plain.sections, strict=True):
        for a, b in zip(one.classes, other.classes, strict=True):
            assert (a.precision, a.recall) == pytest.approx((b.precision, b.recall), rel=1e-12)
