"""The gates that are asked before training, on everything that a network can be: no false alarm, no traceback."""

import numpy as np
import pytest
import scipy.sparse
from before_cases import ask

import pellucid as pl
from pellucid.diagnosis.gates import catalogue
from pellucid.diagnosis.gates.case import Case
from pellucid.diagnosis.gates.gate import GATES

RNG = np.random.default_rng(3)
ROWS = 300
X = RNG.normal(size=(ROWS, 5))
CLASSES = (X[:, 0] > 0).astype(int) + (X[:, 1] > 0.3)
BINARY = (X[:, :1] ** 2 + X[:, 1:2] > 0.5).astype(float)
NUMBER = X[:, :1] * X[:, 1:2] + X[:, 2:3]
KINDS = RNG.integers(0, 6, (ROWS, 2))
SOFT = np.eye(3)[CLASSES] * 0.8 + 0.2 / 3
SPARSE = scipy.sparse.random(ROWS, 30, 0.2, random_state=1, format="csr")
IMAGES = RNG.normal(size=(ROWS, 6, 6))
ADAM = pl.optimizers.Adam(0.01)
WEIGHTS = np.where(np.arange(ROWS) % 3 == 0, 0.0, 1.5)

catalogue.load()
BEFORE = [gate.name for gate in GATES.values() if gate.phase == "before"]


def dense(*layers, dtype="float32"):
    return pl.Network([*layers], inputs=5, dtype=dtype)


def embedded(context, numbers, kinds):
    both = pl.concatenate([numbers, pl.Embedding((6, 6), 3)(context, kinds)], axis=1)
    return pl.Dense(1)(context, pl.Dense(16, "relu")(context, both))


def two_outputs(context, x):
    hidden = pl.Dense(16, "tanh")(context, x)
    return {"number": pl.Dense(1, name="number")(context, hidden), "kind": pl.Dense(3, name="kind")(context, hidden)}


def as_a_matrix(context, x):
    return pl.reshape(pl.Dense(4)(context, pl.Dense(8, "tanh")(context, x)), shape=(x.shape[0], 2, 2))


def scalar(context, x):
    return pl.sum(pl.Dense(1)(context, pl.Dense(12, "tanh")(context, x)), axis=1)


UNITS = pl.Units(5, [(0, 5), (1, 5), (2, 6), (3, 6), (4, 6), (0, 7), (1, 7), (5, 8), (6, 8), (7, 8)], "tanh")
SHARED = pl.Dense(5, "tanh")
BLOCK = pl.Shortcut([pl.LayerNorm(), pl.Dense(16, "relu"), pl.Dense(16, initializer="zeros")])
MIXED = [pl.regularizers.Mixup(0.2), pl.regularizers.MaxNorm(3.0)]
NOISY = [pl.regularizers.InputNoise(0.05), pl.regularizers.TargetNoise(0.05), pl.regularizers.L1(1e-4)]

SOUND = {
    "numbers and kinds": (
        pl.Network(embedded, {"numbers": 5, "kinds": pl.int32[2]}),
        pl.Dataset({"numbers": X, "kinds": KINDS}, NUMBER + KINDS[:, :1] % 2),
        {"loss": "squared_error"},
    ),
    "kinds only": (
        pl.Network([pl.Embedding((6, 6), 4), pl.Dense(8, "relu"), pl.Dense(1)], {"kinds": pl.int32[2]}),
        pl.Dataset({"kinds": KINDS}, KINDS[:, :1] % 2 + 0.1 * X[:, :1]),
        {"loss": "squared_error"},
    ),
    "two outputs": (
        pl.Network(two_outputs, 5),
        pl.Dataset({"x": X}, {"number": NUMBER, "kind": CLASSES}),
        {"loss": {"number": "squared_error", "kind": "softmax_cross_entropy"}},
    ),
    "sparse": (
        pl.Network([pl.Dense(16, "relu"), pl.Dense(1)], 30),
        pl.Dataset({"x": SPARSE}, np.asarray(SPARSE[:, :15].sum(1) > SPARSE[:, 15:].sum(1), float)),
        {"loss": "binary_cross_entropy"},
    ),
    "images": (
        pl.Network([pl.Flatten(), pl.Dense(32, "relu"), pl.Dense(1)], {"image": pl.float32[6, 6]}),
        pl.Dataset({"image": IMAGES}, (IMAGES[:, :3].sum((1, 2)) > IMAGES[:, 3:].sum((1, 2))).astype(float)),
        {"loss": "binary_cross_entropy"},
    ),
    "exclusive or": (
        pl.Network([pl.Dense(8, "tanh"), pl.Dense(1)], 2),
        pl.Dataset({"x": np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]])}, np.array([[0.0], [1], [1], [0]])),
        {"loss": "binary_cross_entropy", "batch_size": None},
    ),
    "variance": (dense(pl.Dense(16, "tanh"), pl.Dense(2)), NUMBER, {"loss": "gaussian_log_likelihood"}),
    "quantiles": (dense(pl.Dense(16, "tanh"), pl.Dense(3)), NUMBER, {"loss": pl.losses.Quantile((0.1, 0.5, 0.9))}),
    "soft": (
        dense(pl.Dense(16, "gelu"), pl.Dense(3)),
        SOFT,
        {"loss": pl.losses.SoftmaxCrossEntropy(soft_targets=True)},
    ),
    "smoothed": (dense(pl.Dense(16, "gelu"), pl.Dense(3)), CLASSES, {"loss": pl.losses.SoftmaxCrossEntropy(0.1)}),
    "whole batches": (
        dense(pl.Dense(16, "gelu"), pl.Dense(3)),
        CLASSES,
        {
            "loss": "softmax_cross_entropy",
            "optimizer": pl.optimizers.LBFGS(),
            "batch_size": None,
            "regularizers": [pl.regularizers.L2(1e-3)],
        },
    ),
    "no learning rate": (
        dense(pl.Dense(16, "gelu"), pl.Dense(3)),
        CLASSES,
        {"loss": "softmax_cross_entropy", "optimizer": "rprop", "batch_size": None},
    ),
    "mixed and weighed": (
        dense(pl.Dense(16, "relu"), pl.Dropout(0.2), pl.LayerNorm(), pl.Dense(1)),
        pl.Dataset({"x": X}, BINARY, WEIGHTS),
        {"loss": "hinge", "regularizers": MIXED},
    ),
    "noise": (
        dense(pl.GaussianNoise(0.1), pl.Dense(16, "relu", weight_noise=0.01), pl.Dense(1), dtype="float64"),
        NUMBER,
        {"loss": "absolute_error", "regularizers": NOISY, "schedule": "cosine", "validation": 0.2, "patience": 9},
    ),
    "units": (dense(UNITS, pl.Dense(1)), X[:, :1] + X[:, 1:2], {"loss": "huber"}),
    "shared": (dense(SHARED, SHARED, SHARED, pl.Dense(1)), NUMBER, {"loss": "squared_error"}),
    "blocks": (
        dense(pl.Dense(16), BLOCK, BLOCK, pl.Dense(1, initializer="zeros")),
        NUMBER,
        {"loss": "squared_error"},
    ),
    "linear": (dense(pl.Dense(1)), X @ np.arange(1.0, 6.0)[:, None] / 7, {"loss": "squared_error"}),
    "a matrix": (
        pl.Network(as_a_matrix, 5),
        np.stack([np.hstack([NUMBER, -NUMBER]), np.tanh(X[:, :2] + X[:, 2:4])], axis=1),
        {"loss": "squared_error"},
    ),
    "a number": (pl.Network(scalar, 5), NUMBER[:, 0], {"loss": "squared_error"}),
    "three rows": (
        dense(pl.Dense(4, "relu"), pl.Dense(1)),
        pl.Dataset({"x": X[:3]}, NUMBER[:3]),
        {"loss": "squared_error"},
    ),
    "one row": (
        dense(pl.Dense(4, "relu"), pl.Dense(1)),
        pl.Dataset({"x": X[:1]}, NUMBER[:1]),
        {"loss": "squared_error"},
    ),
    "interpreted": (
        dense(pl.Dense(8, "gelu"), pl.Dense(3)),
        CLASSES,
        {"loss": "softmax_cross_entropy", "executor": "interpret"},
    ),
}


@pytest.mark.parametrize("name", SOUND)
def test_nothing_fails_where_nothing_is_wrong(name):
    network, given, options = SOUND[name]
    dataset = given if isinstance(given, pl.Dataset) else pl.Dataset({"x": X}, given)
    case = Case(network, dataset, {"optimizer": ADAM, "epochs": 80, **options})
    found = {gate: ask(gate, case) for gate in BEFORE}
    failed = [finding for finding in found.values() if finding is not None and finding.verdict == "fail"]
    assert not failed, failed
    assert sum(finding is not None for finding in found.values()) >= 6


def test_each_gate_has_a_question_a_threshold_with_a_source_and_says_something_somewhere():
    asked = set()
    for network, given, options in list(SOUND.values())[:3]:
        dataset = given if isinstance(given, pl.Dataset) else pl.Dataset({"x": X}, given)
        test = dataset.take(np.arange(40))
        case = Case(network, dataset, {"optimizer": ADAM, "epochs": 5, "validation": 0.2, **options}, test=test)
        asked |= {gate for gate in BEFORE if ask(gate, case) is not None}
    assert {"small_subset", "inputs_help", "loss_at_initialization", "test_overlap", "validation_overlap"} <= asked
    for gate in BEFORE:
        assert GATES[gate].question.endswith("?")
