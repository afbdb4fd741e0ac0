"""Gates of data: each fault of columns and rows is found, and data that people really have pass."""

import numpy as np
import pytest
import scipy.sparse
from before_cases import ask, case, data, standardize
from sklearn import datasets

import pellucid as pl
from pellucid.diagnosis.gates.before_data_leaks import told_by_all, told_by_column
from pellucid.diagnosis.gates.before_data_rows import orderliness
from pellucid.diagnosis.gates.case import Case

RNG = np.random.default_rng(3)
X, Y, _ = data("binary")
WINE = (datasets.load_wine().target == 1).astype(float)[:, None]
IN_ORDER = {"inputs": X[np.argsort(Y[:, 0])], "targets": np.sort(Y, axis=0)}
NUMBERS = data("regression")[1]
GATES = (
    *("constant_columns", "duplicate_columns", "scaled_columns", "centred_columns", "scaled_targets"),
    *("leaking_columns", "duplicate_rows", "class_balance", "test_overlap", "test_like_training"),
    *("validation_overlap", "row_order"),
)


def with_column(column, x=X):
    return np.column_stack([x, column])


@pytest.mark.parametrize("name", ["iris", "wine", "breast_cancer", "digits", "diabetes", "linnerud"])
def test_well_known_data_pass(name):
    found = getattr(datasets, f"load_{name}")()
    numeric = name in ("diabetes", "linnerud")
    target = standardize(np.asarray(found.target, float).reshape(len(found.data), -1)) if numeric else found.target
    task = "regression" if numeric else "multiclass"
    outputs = target.shape[1] if numeric else len(found.target_names)
    x, rows = standardize(found.data), RNG.permutation(len(found.data))
    test = pl.Dataset({"x": x[rows[:15]]}, target[rows[:15]])
    learning, targets = x[rows[15:]], target[rows[15:]]
    layers = [pl.Dense(16, "tanh"), pl.Dense(outputs)]
    one = case(task, lambda _: layers, inputs=learning, targets=targets, test=test, validation=0.2)
    for gate in GATES:
        answer = ask(gate, one)
        assert answer is None or answer.verdict == "pass", answer


@pytest.mark.parametrize(
    "gate, changes, cause",
    [
        ("constant_columns", {"inputs": np.ones_like(X)}, "uninformative_inputs"),
        ("scaled_columns", {"inputs": X * [1, 1, 1, 1, 1, 3000]}, "unscaled_inputs"),
        ("scaled_columns", {"inputs": X / 1e4}, "unscaled_inputs"),
        ("scaled_columns", {"inputs": datasets.load_wine().data, "targets": WINE}, "unscaled_inputs"),
        ("centred_columns", {"inputs": X / 500 + [0, 0, 0, 0, 0, 1]}, "unscaled_inputs"),
        ("leaking_columns", {"inputs": with_column(Y[:, 0] + 0.02 * RNG.normal(size=400))}, "target_leak"),
        ("leaking_columns", {"inputs": with_column(np.exp(Y[:, 0]))}, "target_leak"),
        ("class_balance", {"targets": (np.arange(400) < 5).astype(float)[:, None]}, "imbalance"),
        ("row_order", {**IN_ORDER, "shuffle": False}, "no_shuffle"),
        ("test_like_training", {"test": pl.Dataset({"x": 50 * X + 100}, Y)}, "unscaled_inputs"),
        ("test_overlap", {"test": pl.Dataset({"x": X[:100]}, Y[:100])}, "test_overlap"),
        ("test_overlap", {"test": pl.Dataset({"x": np.round(X[:100], 5)}, Y[:100])}, "test_overlap"),
        ("validation_overlap", {"validation": pl.Dataset({"x": X[300:]}, Y[300:])}, "test_overlap"),
    ],
)
def test_faults_of_data_are_found(gate, changes, cause):
    found = ask(gate, case(**changes))
    assert found.verdict == "fail" and cause == found.causes[0], found


@pytest.mark.parametrize(
    "factor, offset, verdict", [(1, 0, "pass"), (1e4, 0, "fail"), (1, 500, "fail"), (30, 0, "warn")]
)
def test_targets_far_from_the_first_outputs_are_found(factor, offset, verdict):
    found = ask("scaled_targets", case("regression", targets=factor * NUMBERS + offset))
    assert found.verdict == verdict and found.causes == (() if verdict == "pass" else ("unscaled_targets",))
    same = ask("scaled_targets", case("regression", targets=np.full_like(NUMBERS, 3.0)))
    assert same.verdict == "fail" and same.causes == ("wrong_targets",)


def test_a_bias_that_begins_at_the_mean_brings_targets_into_reach():
    layers = [pl.Dense(8, "tanh"), pl.Dense(1, bias_initializer=500.0)]
    assert ask("scaled_targets", case("regression", lambda _: layers, targets=NUMBERS + 500)).verdict == "pass"


def test_a_leak_of_numbers_is_found_whatever_its_form():
    leak = np.sinh(NUMBERS[:, 0]) + 1e-3 * RNG.normal(size=400)
    found = ask("leaking_columns", case("regression", inputs=with_column(leak, data("regression")[0])))
    assert (found.verdict, found.where) == ("fail", "column 6")
    assert ask("leaking_columns", case("regression")).verdict == "pass"


def test_an_autoencoders_inputs_are_no_leak():
    assert ask("leaking_columns", case("regression", lambda _: [pl.Dense(3), pl.Dense(6)], targets=X)) is None


def test_what_a_column_tells_is_about_nothing_for_noise_and_all_for_a_copy():
    noise = RNG.normal(size=2000)
    numbers, classes = RNG.normal(size=2000), RNG.integers(0, 3, 2000).astype(float)
    assert told_by_column(noise, False, numbers, False) < 0.1
    assert told_by_column(noise, False, classes, True) < 0.1
    assert told_by_column(numbers**3, False, numbers, False) > 0.999
    assert told_by_column(classes * 10 - 3, False, classes, True) == 1.0
    assert told_by_column(RNG.permutation(3)[classes.astype(int)], True, classes, True) == 1.0
    assert told_by_column(np.arange(2000.0), True, classes, True) < 0.1  # a number of its own for each row
    known = RNG.normal(size=(2000, 3))
    made = known @ [1.0, 2.0, 3.0] + RNG.normal(size=2000)
    expected = 1 - np.var(made - known @ np.linalg.lstsq(known, made, rcond=None)[0]) / np.var(made)
    assert told_by_all(known, made, False) == pytest.approx(expected, abs=0.01)


def test_copies_of_columns_and_rows_are_worth_a_warning():
    twice = ask("duplicate_columns", case(inputs=with_column(X[:, 0])))
    assert twice.verdict == "warn" and "1 of 7" in twice.evidence
    rows = np.repeat(np.arange(200), 2)
    assert ask("duplicate_rows", case(inputs=X[rows], targets=Y[rows])).verdict == "warn"


def test_rows_of_few_values_may_be_the_same():
    few = RNG.integers(0, 3, (400, 3)).astype(float)
    test = pl.Dataset({"x": RNG.integers(0, 3, (100, 3)).astype(float)}, Y[:100])
    one = case(inputs=few, test=test)
    assert ask("duplicate_rows", one).verdict == "pass" and ask("test_overlap", one).verdict == "pass"


def test_weights_count_for_the_balance_of_classes():
    rare = (np.arange(400) < 8).astype(float)
    weights = np.where(rare == 1, 49.0, 1.0)
    one = case(targets=rare[:, None])
    weighed = Case(one.network, pl.Dataset({"x": X}, rare[:, None], weights), one.options)
    assert ask("class_balance", one).verdict == "fail"
    assert ask("class_balance", weighed).measured == pytest.approx(0.5)


def test_rows_in_an_order_matter_only_where_they_are_not_shuffled():
    assert ask("row_order", case(**IN_ORDER)) is None
    assert ask("row_order", case(**IN_ORDER, shuffle=False, batch_size=None)) is None
    assert ask("row_order", case(shuffle=False)).verdict == "pass"
    assert orderliness(RNG.normal(size=300), False) < 0.3
    assert orderliness(RNG.integers(0, 4, 300).astype(float), True) < 0.3


def test_columns_are_told_by_their_names():
    one = case(inputs=X * [1, 1, 1, 1, 1, 3000])
    named = Case(one.network, one.dataset, one.options, columns=tuple("abcdef"))
    assert ask("scaled_columns", named).where == "f"


def test_sparse_and_several_inputs_and_images_are_looked_at():
    sparse = scipy.sparse.random(300, 40, 0.2, random_state=1, format="csr")
    y = (RNG.random((300, 1)) < 0.5).astype(float)
    options = {"loss": "binary_cross_entropy"}
    one = Case(pl.Network([pl.Dense(1)], 40), pl.Dataset({"x": sparse}, y), options)
    assert ask("constant_columns", one).verdict == "pass" and ask("leaking_columns", one).verdict == "pass"

    def body(context, numbers, kinds):
        both = pl.concatenate([numbers, pl.Embedding(5, 2)(context, kinds)], axis=1)
        return pl.Dense(1)(context, both)

    network = pl.Network(body, {"numbers": 2, "kinds": pl.int32[1]})
    inputs = {"numbers": X[:300, :2], "kinds": y.astype(int) * 3}
    found = ask("leaking_columns", Case(network, pl.Dataset(inputs, y), options))
    assert (found.verdict, found.where) == ("fail", "kinds[0]")
    image = pl.Network([pl.Flatten(), pl.Dense(1)], {"image": pl.float32[4, 5]})
    pictures = pl.Dataset({"image": RNG.normal(size=(300, 4, 5)) + 300}, y)
    assert ask("centred_columns", Case(image, pictures, options)).verdict == "fail"
