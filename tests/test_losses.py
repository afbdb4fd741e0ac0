"""Losses against closed forms, high precision, other libraries and finite differences."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import special, stats
from sklearn import metrics

from pellucid.errors import DeclarationError, ShapeError, UsageError
from pellucid.executors.program import compile
from pellucid.graph.context import Context
from pellucid.graph.differentiate import build_gradients
from pellucid.graph.resize import resize
from pellucid.graph.types import Axis, Type, as_dtype, float32, float64, int64
from pellucid.nn import losses
from pellucid.nn.losses import (
    AbsoluteError,
    BinaryCrossEntropy,
    GaussianLogLikelihood,
    Hinge,
    Huber,
    Loss,
    MulticlassHinge,
    MultilabelCrossEntropy,
    PerceptronCriterion,
    Poisson,
    Quantile,
    SoftmaxCrossEntropy,
    SquaredError,
    default_loss,
    loss,
    loss_names,
    sum_outputs,
    weighted_mean,
)
from pellucid.nn.losses.loss import LOSSES, TASKS
from pellucid.ops.activations import softplus

EXAMPLES = json.loads((Path(__file__).parent / "worked_examples.json").read_text())


def declare(output: Any, target: Any, dtype: str) -> tuple[Context, Any, Any, Any]:
    context = Context(training=True, batch=Axis(len(output), "batch"), dtype=dtype)
    z = context.input("output", Type(as_dtype(dtype), (context.batch, *output.shape[1:])))
    kind = as_dtype(dtype) if target.dtype.kind == "f" else int64
    t = context.input("target", Type(kind, (context.batch, *target.shape[1:])))
    w = context.input("weights", Type(as_dtype(dtype), (context.batch,)))
    return context, z, t, w


def evaluate(chosen: Loss, output: Any, target: Any, weights: Any = None, dtype: str = "float64", **settings: float):
    """Return the loss of every example, the weighted mean, and its gradient with respect to the output."""
    output, target = np.asarray(output, dtype), np.asarray(target)
    weights = np.ones(len(output)) if weights is None else np.asarray(weights, float)
    context, z, t, w = declare(output, target, dtype)
    with context.scope("loss"):
        values, mean = chosen.per_example(context, z, t), chosen.mean(context, z, t, w)
    (gradient,) = build_gradients(mean, [z])
    graph = context.builder.finish({"values": values, "mean": mean, "gradient": gradient})
    given_settings = {**context.settings, **{f"loss/{name}": value for name, value in settings.items()}}
    return compile(graph)(output=output, target=target, weights=weights, **given_settings)


def predict(chosen: Loss, output: Any) -> dict[str, np.ndarray]:
    output = np.asarray(output, float)
    context = Context(training=False, batch=len(output), dtype="float64")
    z = context.input("output", Type(float64, (context.batch, *output.shape[1:])))
    return compile(context.builder.finish(chosen.predict(z)))(output=output)


def slope(chosen: Loss, output: Any, target: Any, **settings: float) -> np.ndarray:
    """Return the gradient of each example's own loss with respect to its output."""
    return evaluate(chosen, output, target, **settings)["gradient"] * len(output)


rng = np.random.default_rng(7)
Z = rng.normal(size=(6, 4)) * 3
NUMBERS = rng.normal(size=(6, 4))
COUNTS = rng.poisson(2.0, size=(6, 4)).astype(float)
LABELS = rng.integers(0, 2, size=(6, 4)).astype(float)
CLASSES = rng.integers(0, 4, size=6)
PROBABILITIES = rng.dirichlet(np.ones(4), size=6)

CASES = {
    "squared_error": (SquaredError(), Z, NUMBERS),
    "absolute_error": (AbsoluteError(), Z, NUMBERS),
    "huber": (Huber(0.7), Z, NUMBERS),
    "quantile": (Quantile(0.3), Z, NUMBERS),
    "several quantiles": (Quantile((0.1, 0.6)), Z, NUMBERS[:, :2]),
    "poisson": (Poisson(), Z / 3, COUNTS),
    "gaussian_log_likelihood": (GaussianLogLikelihood(), Z, NUMBERS[:, :2]),
    "binary_cross_entropy": (BinaryCrossEntropy(), Z[:, :1], LABELS[:, :1]),
    "soft binary_cross_entropy": (BinaryCrossEntropy(), Z[:, 0], PROBABILITIES[:, 0]),
    "multilabel_cross_entropy": (MultilabelCrossEntropy(), Z, LABELS),
    "softmax_cross_entropy": (SoftmaxCrossEntropy(0.1), Z, CLASSES),
    "soft softmax_cross_entropy": (SoftmaxCrossEntropy(0.1, soft_targets=True), Z, PROBABILITIES),
    "hinge": (Hinge(), Z[:, :1], LABELS[:, :1]),
    "multiclass_hinge": (MulticlassHinge(), Z, CLASSES),
    "perceptron_criterion": (PerceptronCriterion(), Z[:, :1], LABELS[:, :1]),
}


def test_every_loss_is_among_the_cases():
    offered = [getattr(losses, name) for name in losses.__all__]
    classes = {found for found in offered if isinstance(found, type) and found is not Loss}
    assert {type(chosen) for chosen, _, _ in CASES.values()} == classes
    assert {found.name for found in classes} <= set(loss_names())


@pytest.mark.parametrize("case", CASES)
def test_gradient_equals_finite_differences(case):
    chosen, output, target = CASES[case]
    rng = np.random.default_rng(1)
    weights = rng.uniform(0.5, 2, len(output))
    gradient = evaluate(chosen, output, target, weights)["gradient"]
    step = 1e-6
    for _ in range(3):
        direction = rng.normal(size=output.shape)
        up, down = (evaluate(chosen, output + sign * step * direction, target, weights)["mean"] for sign in (1, -1))
        assert np.sum(gradient * direction) == pytest.approx((up - down) / (2 * step), rel=1e-7, abs=1e-8)


@pytest.mark.parametrize("case", CASES)
def test_examples_of_weight_zero_may_hold_anything(case):
    chosen, output, target = CASES[case]
    weights = np.array([1.0, 0.0, 2.0, 0.0, 0.5, 1.0])
    spoiled, other = output.copy(), target.copy()
    spoiled[1], spoiled[3] = np.nan, np.inf
    other[1] = np.nan if target.dtype.kind == "f" else -1
    kept = weights > 0
    alone = evaluate(chosen, output[kept], target[kept], weights[kept])
    together = evaluate(chosen, spoiled, other, weights)
    assert together["mean"] == pytest.approx(alone["mean"], rel=1e-14)
    np.testing.assert_allclose(together["gradient"][kept], alone["gradient"], rtol=1e-14)
    np.testing.assert_array_equal(together["gradient"][~kept], 0)


@pytest.mark.parametrize("case", CASES)
def test_no_weight_at_all_costs_nothing(case):
    chosen, output, target = CASES[case]
    found = evaluate(chosen, output, target, np.zeros(len(output)))
    assert found["mean"] == 0
    np.testing.assert_array_equal(found["gradient"], 0)


@pytest.mark.parametrize("case", CASES)
def test_float32_networks_have_float32_losses(case):
    chosen, output, target = CASES[case]
    single, double = (evaluate(chosen, output, target, dtype=dtype) for dtype in ("float32", "float64"))
    assert single["mean"].dtype == single["gradient"].dtype == np.float32
    assert single["mean"] == pytest.approx(double["mean"], rel=1e-5)


@pytest.mark.parametrize("case", CASES)
def test_another_number_of_examples_needs_no_other_loss(case):
    chosen, output, target = CASES[case]
    context, z, t, w = declare(output, target, "float64")
    mean = chosen.mean(context, z, t, w)
    (gradient,) = build_gradients(mean, [z])
    graph = resize(context.builder.finish({"mean": mean, "gradient": gradient}), batch=2)
    found = compile(graph)(output=output[:2], target=target[:2], weights=np.ones(2), **context.settings)
    expected = evaluate(chosen, output[:2], target[:2])
    assert found["mean"] == pytest.approx(expected["mean"], rel=1e-14)
    np.testing.assert_allclose(found["gradient"], expected["gradient"], rtol=1e-13)


# -- the weighted mean -------------------------------------------------------------------------------------------------


def mean_of(values: Any, weights: Any) -> float:
    context = Context(training=True, batch=len(values), dtype="float64")
    v, w = (context.input(name, Type(float64, (context.batch,))) for name in ("values", "weights"))
    return compile(context.builder.finish({"mean": weighted_mean(v, w)}))(values=values, weights=weights)["mean"]


@given(
    arrays(float, 5, elements=st.floats(-1e6, 1e6)),
    arrays(float, 5, elements=st.one_of(st.just(0.0), st.floats(1e-3, 1e3))),
)
def test_weighted_mean(values, weights):
    expected = np.average(values, weights=weights) if weights.any() else 0.0
    assert mean_of(values, weights) == pytest.approx(expected, rel=1e-12, abs=1e-9)
    spoiled = np.where(weights == 0, np.nan, values)
    assert mean_of(spoiled, weights) == mean_of(np.where(weights == 0, np.inf, values), weights)
    assert mean_of(spoiled, weights) == pytest.approx(expected, rel=1e-12, abs=1e-9)


def test_a_value_that_counts_is_not_hidden():
    assert np.isnan(mean_of([1.0, np.nan], [1.0, 1e-9]))
    assert mean_of([1.0, np.inf], [1.0, 1.0]) == np.inf


# -- closed forms ------------------------------------------------------------------------------------------------------


def test_squared_error():
    found = evaluate(SquaredError(), Z, NUMBERS)
    np.testing.assert_allclose(found["values"], np.linalg.norm(Z - NUMBERS, axis=1) ** 2 / 2, rtol=1e-14)
    np.testing.assert_allclose(slope(SquaredError(), Z, NUMBERS), Z - NUMBERS, rtol=1e-14)
    expected = metrics.mean_squared_error(NUMBERS, Z) * Z.shape[1] / 2
    assert found["mean"] == pytest.approx(expected, rel=1e-14)


def test_absolute_error_has_slope_0_where_it_is_0():
    target = np.array([[1.0, -2.0], [0.0, 3.0]])
    output = np.array([[1.0, 1.0], [-1.0, 3.0]])
    found = evaluate(AbsoluteError(), output, target)
    np.testing.assert_array_equal(found["values"], [3.0, 1.0])
    np.testing.assert_array_equal(slope(AbsoluteError(), output, target), [[0, 1], [-1, 0]])
    assert found["mean"] == metrics.mean_absolute_error(target, output) * 2


def test_huber():
    error = np.array([[-5.0], [-0.5], [0.0], [0.25], [0.5], [1e8]])
    found = evaluate(Huber(0.5), error, np.zeros((6, 1)))
    np.testing.assert_allclose(found["values"], special.huber(0.5, error[:, 0]), rtol=1e-15)
    np.testing.assert_allclose(slope(Huber(0.5), error, np.zeros((6, 1))), np.clip(error, -0.5, 0.5), rtol=1e-15)


def test_quantile_against_sklearn():
    for q in (0.05, 0.5, 0.9):
        found = evaluate(Quantile(q), Z[:, :1], NUMBERS[:, :1])["mean"]
        assert found == pytest.approx(metrics.mean_pinball_loss(NUMBERS[:, 0], Z[:, 0], alpha=q), rel=1e-14)


def test_the_best_constant_under_the_quantile_loss_is_the_quantile():
    sample = np.sort(np.random.default_rng(3).normal(size=101))
    costs = [evaluate(Quantile(0.8), np.full((101, 1), level), sample[:, None])["mean"] for level in sample]
    assert sample[np.argmin(costs)] == np.quantile(sample, 0.8)


def test_several_quantiles_are_the_sum_of_each():
    output = np.concatenate([Z[:, :2], Z[:, 2:]], axis=1)
    several = evaluate(Quantile((0.1, 0.6)), output, NUMBERS[:, :2])["values"]
    parts = [evaluate(Quantile(q), part, NUMBERS[:, :2])["values"] for q, part in ((0.1, Z[:, :2]), (0.6, Z[:, 2:]))]
    np.testing.assert_allclose(several, parts[0] + parts[1], rtol=1e-14)
    predicted = predict(Quantile((0.1, 0.6)), output)
    np.testing.assert_array_equal(predicted["quantile_0.1"], Z[:, :2])
    np.testing.assert_array_equal(predicted["quantile_0.6"], Z[:, 2:])


def test_poisson_is_the_likelihood_but_for_its_constant():
    found = evaluate(Poisson(), Z / 3, COUNTS)["values"]
    expected = -stats.poisson.logpmf(COUNTS, np.exp(Z / 3)) - special.gammaln(COUNTS + 1)
    np.testing.assert_allclose(found, expected.sum(axis=1), rtol=1e-12)
    np.testing.assert_allclose(slope(Poisson(), Z / 3, COUNTS), np.exp(Z / 3) - COUNTS, rtol=1e-13)
    np.testing.assert_allclose(predict(Poisson(), Z)["rate"], np.exp(Z), rtol=1e-15)


def test_gaussian_log_likelihood():
    mean, variance = Z[:, :2], np.exp(Z[:, 2:])
    found = evaluate(GaussianLogLikelihood(), Z, NUMBERS[:, :2])["values"]
    expected = -stats.norm.logpdf(NUMBERS[:, :2], mean, np.sqrt(variance)).sum(axis=1)
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    predicted = predict(GaussianLogLikelihood(), Z)
    np.testing.assert_array_equal(predicted["mean"], mean)
    np.testing.assert_allclose(predicted["variance"], variance, rtol=1e-15)


def test_gaussian_log_likelihood_of_a_perfect_mean_is_finite_at_any_variance():
    for log_variance in (-1e4, 1e4):
        output = np.array([[2.0, log_variance]])
        found = evaluate(GaussianLogLikelihood(), output, np.array([[2.0]]))
        assert found["mean"] == pytest.approx((np.log(2 * np.pi) + log_variance) / 2, rel=1e-15)
        np.testing.assert_array_equal(found["gradient"], [[0.0, 0.5]])


def test_binary_cross_entropy_against_sklearn():
    found = evaluate(BinaryCrossEntropy(), Z[:, :1], LABELS[:, :1])["mean"]
    assert found == pytest.approx(metrics.log_loss(LABELS[:, 0], special.expit(Z[:, 0]), labels=[0, 1]), rel=1e-12)
    np.testing.assert_allclose(
        slope(BinaryCrossEntropy(), Z[:, :1], LABELS[:, :1]), special.expit(Z[:, :1]) - LABELS[:, :1], rtol=1e-12
    )


def test_multilabel_cross_entropy_adds_labels_up():
    found = evaluate(MultilabelCrossEntropy(), Z, LABELS)["values"]
    each = [evaluate(BinaryCrossEntropy(), Z[:, [k]], LABELS[:, [k]])["values"] for k in range(4)]
    np.testing.assert_allclose(found, np.sum(each, axis=0), rtol=1e-14)
    expected = -stats.bernoulli.logpmf(LABELS, special.expit(Z)).sum(axis=1)
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_softmax_cross_entropy_against_sklearn():
    chosen = SoftmaxCrossEntropy()
    found = evaluate(chosen, Z, CLASSES)["mean"]
    probabilities = special.softmax(Z, axis=1)
    assert found == pytest.approx(metrics.log_loss(CLASSES, probabilities, labels=range(4)), rel=1e-12)
    np.testing.assert_allclose(slope(chosen, Z, CLASSES), probabilities - np.eye(4)[CLASSES], rtol=1e-12, atol=1e-16)
    np.testing.assert_allclose(predict(chosen, Z)["probability"], probabilities, rtol=1e-13)


def test_soft_targets_of_one_class_are_that_class():
    hard, soft = SoftmaxCrossEntropy(0.2), SoftmaxCrossEntropy(0.2, soft_targets=True)
    first, second = evaluate(hard, Z, CLASSES), evaluate(soft, Z, np.eye(4)[CLASSES])
    for name in ("values", "mean", "gradient"):
        np.testing.assert_array_equal(first[name], second[name])


def test_label_smoothing_mixes_in_the_uniform_distribution():
    smoothing = 0.3
    wanted = (1 - smoothing) * np.eye(4)[CLASSES] + smoothing / 4
    expected = -(wanted * special.log_softmax(Z, axis=1)).sum(axis=1)
    np.testing.assert_allclose(evaluate(SoftmaxCrossEntropy(smoothing), Z, CLASSES)["values"], expected, rtol=1e-13)


@pytest.mark.parametrize(
    ("first", "second", "setting"),
    [
        (Huber(0.2), Huber(3.0), "delta"),
        (Quantile(0.2), Quantile(0.7), "q"),
        (SoftmaxCrossEntropy(0.0), SoftmaxCrossEntropy(0.4), "label_smoothing"),
    ],
)
def test_a_setting_changes_without_building_anew(first, second, setting):
    target = CLASSES if setting == "label_smoothing" else NUMBERS
    changed = evaluate(first, Z, target, **{setting: getattr(second, setting)})["values"]
    np.testing.assert_array_equal(changed, evaluate(second, Z, target)["values"])


def test_hinge_against_sklearn():
    signs = 2 * LABELS[:, 0] - 1
    found = evaluate(Hinge(), Z[:, :1], LABELS[:, :1])["mean"]
    assert found == pytest.approx(metrics.hinge_loss(signs, Z[:, 0]), rel=1e-14)
    at_kink = evaluate(Hinge(), [[1.0], [-1.0]], [[1.0], [0.0]])
    np.testing.assert_array_equal(at_kink["values"], 0)
    np.testing.assert_array_equal(at_kink["gradient"], 0)


def test_multiclass_hinge_against_sklearn():
    found = evaluate(MulticlassHinge(), Z, CLASSES)["mean"]
    assert found == pytest.approx(metrics.hinge_loss(CLASSES, Z, labels=range(4)), rel=1e-13)


def test_two_classes_of_the_multiclass_hinge_are_the_hinge_of_their_difference():
    labels = LABELS[:, 0].astype(int)
    several = evaluate(MulticlassHinge(), Z[:, :2], labels)["values"]
    one = evaluate(Hinge(), Z[:, 1:2] - Z[:, :1], LABELS[:, :1])["values"]
    np.testing.assert_allclose(several, one, rtol=1e-14)


def test_perceptron_criterion_counts_an_output_of_0_as_a_mistake():
    output, target = [[2.0], [-2.0], [-2.0], [0.0], [0.0]], [[1.0], [1.0], [0.0], [1.0], [0.0]]
    found = evaluate(PerceptronCriterion(), output, target)
    np.testing.assert_array_equal(found["values"], [0, 2, 0, 0, 0])
    np.testing.assert_array_equal(slope(PerceptronCriterion(), output, target)[:, 0], [0, -1, 0, -1, 1])


# -- worked examples ---------------------------------------------------------------------------------------------------


def test_cross_entropy_in_bits():
    example = EXAMPLES["cross_entropy_bits"]
    logits = np.log([example["p"]])
    assert np.argmax(example["p"]) != example["target"]
    found = evaluate(SoftmaxCrossEntropy(), logits, np.array([example["target"]]))["mean"]
    assert found == pytest.approx(example["nats"], abs=1e-12)
    assert found / np.log(2) == pytest.approx(example["bits"], abs=1e-12)


def test_coin_toss():
    example = EXAMPLES["coin_toss"]
    tosses = np.array(example["tosses"], float)[:, None]
    at_half = evaluate(BinaryCrossEntropy(), np.zeros_like(tosses), tosses)
    assert at_half["mean"] * len(tosses) == pytest.approx(example["nll_at_half"], abs=1e-12)
    slope_of_sigmoid = 0.25
    by_probability = at_half["gradient"].sum() * len(tosses) / slope_of_sigmoid
    assert by_probability == pytest.approx(example["dnll_at_half"], abs=1e-12)
    best = np.full_like(tosses, special.logit(example["mle"]))
    assert evaluate(BinaryCrossEntropy(), best, tosses)["gradient"].sum() == pytest.approx(0, abs=1e-12)


def test_softmax_of_one_hidden_layer():
    example = EXAMPLES["one_hidden_layer_softmax"]
    hidden = EXAMPLES["one_hidden_layer_binary"]["z_out"]
    logits = np.array([example["U"]] @ np.array(hidden)) + example["c"]
    np.testing.assert_allclose(logits[0], example["f_in"], rtol=0, atol=3e-12)
    np.testing.assert_allclose(predict(SoftmaxCrossEntropy(), logits)["probability"][0], example["f_out"], atol=1e-12)
    # d loss / d logits = s - one_hot, so the Hessian of the loss is the Jacobian of the softmax.
    context, z, t, w = declare(logits, np.array([0]), "float64")
    (first,) = build_gradients(SoftmaxCrossEntropy().mean(context, z, t, w), [z])
    rows = {f"row_{k}": build_gradients(first[0, k], [z])[0] for k in range(3)}
    program = compile(context.builder.finish(rows))
    found = program(output=logits, target=np.array([0]), weights=np.ones(1), **context.settings)
    np.testing.assert_allclose(np.stack([found[name][0] for name in rows]), example["jacobian"], rtol=0, atol=1e-12)


# -- extreme logits against high precision -----------------------------------------------------------------------------

EXTREMES = [0.0, 1e-8, 0.5, 20.0, 40.0, 300.0, 700.0, 745.0, 1e4]


@pytest.mark.parametrize("size", EXTREMES)
@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("target", [0.0, 1.0, 0.25])
def test_binary_cross_entropy_of_extreme_logits(size, sign, target):
    with mpmath.workdps(60):
        z = mpmath.mpf(sign * size)
        p, opposite = 1 / (1 + mpmath.exp(-z)), 1 / (1 + mpmath.exp(z))
        loss_here = mpmath.log1p(mpmath.exp(-z)) * target + mpmath.log1p(mpmath.exp(z)) * (1 - target)
        gradient_here = p * (1 - target) - opposite * target
    found = evaluate(BinaryCrossEntropy(), [[sign * size]], [[target]])
    assert found["mean"] == pytest.approx(float(loss_here), rel=4e-16, abs=1e-322)
    assert found["gradient"][0, 0] == pytest.approx(float(gradient_here), rel=1e-15, abs=1e-322)


@pytest.mark.parametrize("size", EXTREMES)
@pytest.mark.parametrize("target", [0, 1, 2])
def test_softmax_cross_entropy_of_extreme_logits(size, target):
    logits = np.array([[size, -size, 0.5]])
    with mpmath.workdps(60):
        powers = [mpmath.exp(mpmath.mpf(z)) for z in logits[0]]
        probabilities = [power / mpmath.fsum(powers) for power in powers]
        loss_here = -mpmath.log(probabilities[target])
    found = evaluate(SoftmaxCrossEntropy(), logits, np.array([target]))
    assert found["mean"] == pytest.approx(float(loss_here), rel=1e-15, abs=1e-15)
    expected = np.array([float(p - (k == target)) for k, p in enumerate(probabilities)])
    np.testing.assert_allclose(found["gradient"][0], expected, rtol=1e-14, atol=3e-16)


@pytest.mark.parametrize("case", [name for name in CASES if name not in ("poisson", "gaussian_log_likelihood")])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_extreme_outputs_leave_no_nan(case, dtype):
    chosen, output, target = CASES[case]
    for size in (1e4, -1e4):
        for extreme in (np.full_like(output, size), np.sign(output) * size):
            found = evaluate(chosen, extreme, target, dtype=dtype)
            assert np.isfinite(found["values"]).all()
            assert np.isfinite(found["gradient"]).all()


# -- PyTorch -----------------------------------------------------------------------------------------------------------


def torch_cases() -> dict[str, tuple[str, Any]]:
    import torch

    f = torch.nn.functional
    return {
        "squared_error": lambda z, t: f.mse_loss(z, t, reduction="none").sum(1) / 2,
        "absolute_error": lambda z, t: f.l1_loss(z, t, reduction="none").sum(1),
        "huber": lambda z, t: f.huber_loss(z, t, delta=0.7, reduction="none").sum(1),
        "poisson": lambda z, t: f.poisson_nll_loss(z, t, reduction="none").sum(1),
        "gaussian_log_likelihood": lambda z, t: f.gaussian_nll_loss(
            z[:, :2], t, z[:, 2:].exp(), full=True, eps=0, reduction="none"
        ).sum(1),
        "binary_cross_entropy": lambda z, t: f.binary_cross_entropy_with_logits(z, t, reduction="none").sum(1),
        "soft binary_cross_entropy": lambda z, t: f.binary_cross_entropy_with_logits(z, t, reduction="none"),
        "multilabel_cross_entropy": lambda z, t: f.binary_cross_entropy_with_logits(z, t, reduction="none").sum(1),
        "softmax_cross_entropy": lambda z, t: f.cross_entropy(z, t, label_smoothing=0.1, reduction="none"),
        "soft softmax_cross_entropy": lambda z, t: f.cross_entropy(z, t, label_smoothing=0.1, reduction="none"),
        # PyTorch averages over classes, the right one included, which for two classes is half of Crammer and Singer's.
        "hinge": lambda z, t: 2 * f.multi_margin_loss(torch.cat([0 * z, z], 1), t[:, 0].long(), reduction="none"),
    }


@pytest.mark.long
@pytest.mark.parametrize("case", [name for name in CASES if name not in ("quantile", "several quantiles",
                                  "multiclass_hinge", "perceptron_criterion")])  # fmt: skip
def test_values_and_gradients_against_pytorch(case):
    import torch

    chosen, output, target = CASES[case]
    z = torch.tensor(output, requires_grad=True)
    values = torch_cases()[case](z, torch.tensor(target))
    weights = np.random.default_rng(2).uniform(0.5, 2, len(output))
    ((values * torch.tensor(weights)).sum() / weights.sum()).backward()
    found = evaluate(chosen, output, target, weights)
    np.testing.assert_allclose(found["values"], values.detach().numpy(), rtol=1e-12)
    np.testing.assert_allclose(found["gradient"], z.grad.numpy(), rtol=1e-11, atol=1e-15)


# -- types, names, mistakes --------------------------------------------------------------------------------------------


def test_target_types():
    assert SquaredError().target_type(float32[3]) == float32[3]
    assert GaussianLogLikelihood().target_type(float32[6]) == float32[3]
    assert SoftmaxCrossEntropy().target_type(float32[5]) == int64[()]
    assert SoftmaxCrossEntropy(soft_targets=True).target_type(float32[5]) == float32[5]
    assert BinaryCrossEntropy().target_type(float32[1]) == float32[1]
    assert BinaryCrossEntropy().target_type(float32[()]) == float32[()]


@pytest.mark.parametrize(
    ("chosen", "output"),
    [
        (BinaryCrossEntropy(), float32[2]),
        (Hinge(), float32[2]),
        (SoftmaxCrossEntropy(), float32[1]),
        (SoftmaxCrossEntropy(), float32[()]),
        (SoftmaxCrossEntropy(soft_targets=True), float32[1]),
        (GaussianLogLikelihood(), float32[3]),
        (GaussianLogLikelihood(), float32[()]),
        (Quantile((0.1, 0.5)), float32[3]),
        (Quantile((0.1, 0.5)), float32[0]),
    ],
)
def test_an_output_that_does_not_fit_is_refused(chosen, output):
    with pytest.raises(ShapeError, match="output"):
        chosen.target_type(output)


def test_a_target_of_another_shape_is_refused_rather_than_broadcast():
    with pytest.raises(ShapeError, match=r"target does not fit.*\[batch=6, 1\]"):
        evaluate(BinaryCrossEntropy(), Z[:, :1], LABELS[:, 0])
    with pytest.raises(ShapeError, match="target float64"):
        evaluate(SoftmaxCrossEntropy(), Z, CLASSES.astype(float))


def test_lookup_by_name():
    assert loss("squared_error") == SquaredError()
    assert loss("softmax_cross_entropy", label_smoothing=0.1) == SoftmaxCrossEntropy(0.1)
    chosen = Huber(2.0)
    assert loss(chosen) is chosen
    with pytest.raises(UsageError, match="Did you mean 'squared_error'"):
        loss("sqared_error")
    with pytest.raises(UsageError, match="Did you mean 'label_smoothing'"):
        loss("softmax_cross_entropy", label_smothing=0.1)


def test_each_task_has_one_default():
    for task in TASKS:
        assert sum(type(loss(name)).default for name in loss_names(task)) == 1
        assert default_loss(task).task == task
    assert default_loss("regression") == SquaredError()
    with pytest.raises(UsageError, match="Did you mean 'binary'"):
        default_loss("binray")


@pytest.mark.parametrize("case", CASES)
def test_linear_means_that_the_outputs_are_the_prediction(case):
    chosen, output, _ = CASES[case]
    predicted = np.concatenate([np.atleast_2d(part.T).T for part in predict(chosen, output).values()], axis=1)
    if chosen.linear:
        np.testing.assert_array_equal(predicted, output)
    else:
        assert chosen.task != "regression" or not np.array_equal(predicted, output)


@pytest.mark.parametrize(
    ("make", "settings"),
    [
        (Huber, {"delta": 0.0}),
        (Huber, {"delta": "1"}),
        (Huber, {"delta": float("nan")}),
        (Huber, {"delta": float("inf")}),
        (Quantile, {"q": 1.0}),
        (Quantile, {"q": (0.5, 0.0)}),
        (Quantile, {"q": (0.5, 0.5)}),
        (Quantile, {"q": ()}),
        (SoftmaxCrossEntropy, {"label_smoothing": 1.0}),
        (SoftmaxCrossEntropy, {"label_smoothing": -0.1}),
    ],
)
def test_settings_out_of_range(make, settings):
    with pytest.raises(UsageError, match=next(iter(settings))):
        make(**settings)


def test_a_loss_of_ones_own_is_found_and_differentiated():
    before = dict(LOSSES)
    try:

        class LogCosh(Loss):
            task = "regression"

            def build(self, context, output, target):
                error = output - target
                return sum_outputs(error + softplus(-2 * error) - float(np.log(2)))

        found = evaluate(loss("log_cosh"), Z, NUMBERS)
        np.testing.assert_allclose(found["values"], np.log(np.cosh(Z - NUMBERS)).sum(axis=1), rtol=1e-12)
        np.testing.assert_allclose(slope(loss("log_cosh"), Z, NUMBERS), np.tanh(Z - NUMBERS), rtol=1e-12)
        with pytest.raises(DeclarationError, match="needs a task"):
            type("Nameless", (Loss,), {"task": "ranking"})
        with pytest.raises(DeclarationError, match="declared already"):
            type("Huber", (Loss,), {"task": "regression"})
    finally:
        LOSSES.clear()
        LOSSES.update(before)
