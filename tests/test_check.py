"""`check` finds what is wrong with an operation and says where."""

import numpy as np
import pytest

import pellucid as pl
from pellucid.diagnosis.operations import check
from pellucid.diagnosis.slopes import difference
from pellucid.diagnosis.trials import CheckError
from pellucid.errors import DeclarationError, PellucidError
from pellucid.graph.operation import REGISTRY
from pellucid.ops.declare import NOT_DIFFERENTIABLE, elementwise, structural
from pellucid.ops.samples import Booleans, Case, ErrorCase, Integers, Operand, Uniform


@pytest.fixture(autouse=True)
def registry_as_before():
    before = dict(REGISTRY)
    yield
    REGISTRY.clear()
    REGISTRY.update(before)


def declare(**changes):
    """Declare x * exp(-x) under the name "decaying", with changes."""
    declaration = dict(
        name="decaying",
        doc="x * exp(-x).",
        rule=lambda s, x: x * s.exp(-x),
        gradient=lambda g, x, y: g * ((1 - x) * pl.exp(-x)),
        reference=lambda x: x / np.exp(x),
        points={0.0: (0.0, 1.0), 1.0: (np.exp(-1.0), 0.0)},
        sample=Uniform(-3, 3),
    )
    return elementwise(**{**declaration, **changes})


def declare_reversed(**changes):
    """Declare a vector in reverse order, with changes."""
    declaration = dict(
        name="mirrored",
        doc="The vector in reverse order.",
        infer=lambda x: x.dtype[x.shape[0]],
        array=lambda xp, x: x[::-1],
        gradient=lambda g, x, y: REGISTRY["mirrored"](g),
        reference=lambda x: np.flip(x),
        sample=[Case((Operand((4,)),)), Case((Operand((3,), Integers(0, 9)),)), Case((Operand((3,), Booleans()),))],
        errors=[ErrorCase((pl.float64[()],), "do not fit")],
    )
    return structural(**{**declaration, **changes})


def test_a_right_operation_passes_and_the_report_says_what_was_checked():
    report = check(declare())
    found = {line.what: line for line in report.lines}
    assert set(found) == {
        "errors",
        "text",
        "type rule",
        "identities",
        "vocabulary",
        "values float64",
        "values float32",
        "points",
        "first derivative",
        "second derivative",
    }
    assert all(line.count > 0 and (line.bound is None or line.deviation <= line.bound) for line in report.lines)
    told = str(report)
    assert told.startswith("decaying: ") and "second derivative" in told and "largest deviation" in told


def test_a_right_structural_operation_passes():
    report = check(declare_reversed())
    assert {"values float64", "values float32", "first derivative"} <= {line.what for line in report.lines}


def test_by_name_and_repeatable():
    declare()
    assert str(check("decaying")) == str(check("decaying"))
    assert str(check("decaying", seed=1)) != str(check("decaying"))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"gradient": lambda g, x, y: g * pl.exp(-x)}, "slope by operand 1 is not the one stated"),
        (
            {"gradient": lambda g, x, y: g * (1.0001 * (1 - x) * pl.exp(-x)), "points": {1.0: (np.exp(-1.0), 0.0)}},
            "first derivative by operand 1 is not the finite difference",
        ),
        (  # right at first order only: the value is taken for a constant when the gradient is differentiated
            {"gradient": lambda g, x, y: g * pl.stop_gradient((1 - x) * pl.exp(-x))},
            "second derivative by operand 1 is not the finite difference",
        ),
        ({"gradient": NOT_DIFFERENTIABLE, "points": {0.0: 0.0}}, "first derivative"),
        ({"reference": lambda x: x * np.exp(-x) + 1e-10}, "the value is not the reference"),
        ({"reference": lambda x: np.sum(x / np.exp(x))}, "value and reference differ in shape"),
        ({"reference": lambda x: x[0]}, "the reference can not be computed.*IndexError"),
        ({"points": {0.0: (1e-300, 1.0)}}, "the value is not the one stated.*got 0.0.*expected 1e-300"),
        ({"points": {0.0: (0.0, 1.0 + 1e-14)}}, "the slope by operand 1 is not the one stated"),
        ({"rule": lambda s, x: x * s.exp(-np.float64(1) * x)}, "computes in another dtype.*float64.*float32"),
        ({"rule": lambda s, x: x * s.exp(-x) + np.zeros(5)}, "the operation can not be computed"),
    ],
)
def test_a_wrong_elementwise_declaration_is_caught(changes, words):
    op = declare(**changes)
    with pytest.raises(CheckError, match=words):
        check(op)


def test_the_derived_gradient_of_a_hidden_kink_is_caught_by_its_point():
    op = declare(
        name="soft",
        rule=lambda s, x: s.max(x, 0.0) + s.log1p(s.exp(-s.abs(x))),
        gradient=None,
        reference=lambda x: np.logaddexp(0.0, x),
        points={0.0: (np.log(2.0), 0.25)},
    )
    with pytest.raises(CheckError, match=r"slope by operand 1.*got 0.5, expected 0.25"):
        check(op)


def test_a_second_operand_with_a_wrong_gradient_is_named():
    op = declare(
        rule=lambda s, x, y: x * y,
        gradient=lambda g, x, y, out: (g * y, g * y),
        reference=lambda x, y: np.multiply(x, y),
        points={(1.0, 1.0): (1.0, (1.0, 1.0))},
    )
    with pytest.raises(CheckError, match="first derivative by operand 2"):
        check(op)


def test_evidence_is_in_the_message():
    op = declare(reference=lambda x: x / np.exp(x) + 0.5)
    with pytest.raises(CheckError) as caught:
        check(op)
    error = caught.value
    assert isinstance(error, PellucidError)
    assert "decaying(float64[])" in error.where and "operands" in error.where
    assert float(error.expected.split()[0]) - float(error.got) == pytest.approx(0.5)


def test_samples_at_a_pole_are_refused():
    op = declare(
        rule=lambda s, x: s.sqrt(x),
        gradient=lambda g, x, y: g / (2 * y),
        reference=lambda x: np.sqrt(x),
        points={1.0: (1.0, 0.5)},
        sample=Uniform(1e-9, 1e-8),
    )
    with pytest.raises(CheckError, match=r"do not settle.*away from kinks"):
        check(op)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"infer": lambda x: x.dtype[x.shape[0] + 1]}, "type rule is wrong"),
        ({"infer": lambda x: pl.int64[x.shape[0]]}, "another dtype|is not the reference"),
        ({"array": lambda xp, x: x}, "the value is not the reference"),
        ({"gradient": lambda g, x, y: g}, "first derivative by operand 1"),
        ({"errors": [ErrorCase((pl.float64[2],), "do not fit")]}, "unfit operands are accepted"),
        ({"errors": [ErrorCase((pl.float64[()],), "other words")]}, "says something else"),
    ],
)
def test_a_wrong_structural_declaration_is_caught(changes, words):
    op = declare_reversed(**changes)
    with pytest.raises(CheckError, match=words):
        check(op)


def test_an_error_of_the_wrong_kind_is_caught():
    def infer(x):
        return x.dtype[(1 // len(x.shape)) * x.shape[0]]

    with pytest.raises(CheckError, match=r"the wrong error.*ZeroDivisionError"):
        check(declare_reversed(infer=infer))


def test_what_is_not_registered_is_not_checked():
    op = declare()
    declare(replace=True)
    with pytest.raises(DeclarationError, match="declared and registered"):
        check(op)
    with pytest.raises(PellucidError, match="Did you mean 'softplus'"):
        check("softpluss")


@pytest.mark.parametrize("x", [-1.0, 0.3, 2.0])
def test_finite_differences_are_as_exact_as_they_say(x):
    for function, slope in ((np.sin, np.cos(x)), (np.exp, np.exp(x)), (lambda z: z**5, 5 * x**4)):
        found, doubt = difference(lambda step, f=function: float(f(x + step)))
        assert abs(found - slope) <= 1e-11 * max(1.0, abs(slope)) + 4 * doubt
        assert doubt < 1e-8
    found, doubt = difference(lambda step: abs(step + 1e-4))  # a kink inside the steps shows
    assert doubt > 1e-3


PRODUCT = dict(
    rule=lambda s, x, y: x * y,
    gradient=lambda g, x, y, out: (g * y, g * x),
    reference=lambda x, y: np.multiply(x, y),
    points={(1.0, 1.0): (1.0, (1.0, 1.0))},
)


def filled(value, number):
    return value.node.op.name == "constant" and np.all(np.array(dict(value.node.params)["value"]) == number)


@pytest.mark.parametrize(
    "identities",
    [
        lambda x, y: y if filled(y, 0.0) else None,  # not so where x is infinite, or has a sign
        lambda x, y: x if filled(y, 1.0) else None,  # not so where y is the wider one
        lambda x, y: x if x.node is y.node else None,
    ],
)
def test_a_wrong_identity_is_caught(identities):
    op = declare(**PRODUCT, identities=identities)
    with pytest.raises(CheckError, match=r"an identity changes the (value|type)"):
        check(op)


def test_a_wrong_identity_of_one_operand_is_caught():
    def undo(x):
        return pl.graph.value.Value(x.builder, x.node.inputs[0]) if x.node.op.name == "decaying" else None

    with pytest.raises(CheckError, match="an identity changes the value"):
        check(declare(identities=undo))
    with pytest.raises(CheckError, match=r"not the reference|an identity changes"):
        check(declare_reversed(identities=lambda x: x))
    with pytest.raises(CheckError, match="can not be simplified"):
        check(declare(identities=lambda x: 1 // 0, replace=True))


def test_a_right_identity_passes():
    def identities(x, y):
        return x if filled(y, 1.0) and not y.shape else None

    check(declare(**PRODUCT, identities=identities))


def scaled(**changes):
    return declare(
        name="scaled",
        rule=lambda s, x, *, factor=1.0: factor * x * x,
        reference=lambda x, *, factor: factor * x**2,
        points={1.0: (1.0, 2.0)},
        **changes,
    )


def test_a_gradient_that_ignores_a_parameter_is_caught():
    with pytest.raises(CheckError, match=r"factor=1.75.*"):
        check(scaled(gradient=lambda g, x, y, *, factor: g * (2 * x)))
    check(scaled(gradient=lambda g, x, y, *, factor: g * (2 * factor * x), replace=True))


def test_parameters_that_a_rule_does_not_take_are_left_out():
    def rule(s, x, *, power=0.9):
        if power > 1:
            raise ValueError("power is at most 1")
        return s.power(x, power)

    op = declare(
        name="rooted",
        rule=rule,
        gradient=lambda g, x, y, *, power: g * (power * pl.power(x, power - 1)),
        reference=lambda x, *, power: np.exp(power * np.log(x)),
        points={1.0: (1.0, 0.9)},
        sample=Uniform(0.5, 3.0),
    )
    check(op)


@pytest.mark.parametrize(
    "rule",
    [
        lambda s, x: x * np.exp(-x),
        lambda s, x: x * s.exp(-x) if np.all(x == x) else x,
        lambda s, x: x * s.exp(-x) + (0.0 if isinstance(x, np.ndarray) else 1.0),
    ],
)
def test_a_rule_outside_the_vocabulary_is_caught(rule):
    with pytest.raises(CheckError, match=r"scalar vocabulary|another value on graph values"):
        check(declare(rule=rule))


def test_a_body_that_writes_into_its_operand_is_caught():
    def array(xp, x):
        x[...] = x[::-1].copy()
        return x

    with pytest.raises(CheckError, match=r"can not be computed.*read-only"):
        check(declare_reversed(array=array))


@pytest.mark.parametrize(
    ("rule", "reference"),
    [
        (lambda s, x: s.abs(x), np.abs),
        (lambda s, x: s.max(1.0 - x, 0.0), lambda x: np.fmax(1.0 - x, 0.0)),
        (lambda s, x: s.select(x > 0.25, x, 0.5 * x + 0.125), lambda x: np.where(x > 0.25, x, 0.5 * x + 0.125)),
        (lambda s, x: s.sqrt(x * x), np.abs),
    ],
)
def test_a_kink_that_is_not_among_the_points_is_found(rule, reference):
    value = float(reference(np.array(2.0)))
    slope = float(reference(np.array(2.5)) - value) / 0.5
    kinked = pl.elementwise(
        name="kinked",
        doc="A function with a kink.",
        rule=rule,
        gradient=None,
        reference=reference,
        points={2.0: (value, slope)},
        sample=pl.Uniform(-3.0, 3.0, avoid=(0.0, 0.25, 1.0)),
    )
    with pytest.raises(pl.PellucidError, match="the slope jumps at an operand that is not among the points"):
        pl.check(kinked)
