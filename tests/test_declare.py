"""Declaring operations: what is refused, what is derived, and how declared operations behave."""

import inspect
import pydoc

import numpy as np
import pytest

import pellucid as pl
from pellucid.errors import DeclarationError, GraphError, ShapeError
from pellucid.graph.operation import REGISTRY
from pellucid.ops.declare import NOT_DIFFERENTIABLE, elementwise, structural
from pellucid.ops.samples import Case, ErrorCase, Operand, Uniform


@pytest.fixture(autouse=True)
def registry_as_before():
    before = dict(REGISTRY)
    yield
    REGISTRY.clear()
    REGISTRY.update(before)


def declare(**changes):
    """Declare x * x * x under the name "cube", with changes."""
    declaration = dict(
        name="cube",
        doc="Third power.",
        rule=lambda s, x: x * x * x,
        gradient=None,
        reference=lambda x: x**3,
        points={0.0: (0.0, 0.0), 2.0: (8.0, 12.0)},
        sample=Uniform(-3, 3),
    )
    return elementwise(**{**declaration, **changes})


def gradients(function, **inputs):
    graph = pl.differentiate(pl.build(function, **{name: pl.float64[np.shape(x)] for name, x in inputs.items()}))
    found = pl.compile(graph)(**inputs)
    output = next(iter(found))
    return {name: found[f"d {output} / d {name}"].tolist() for name in inputs}


def test_a_declared_operation_computes_numbers_and_joins_graphs():
    cube = declare()
    assert cube(2.0) == 8.0
    np.testing.assert_array_equal(cube(np.array([1, 2])), [1.0, 8.0])
    graph = pl.build(lambda x: pl.sum(cube(x)), x=pl.float64[2])
    assert pl.parse(str(graph)) == graph
    assert pl.compile(graph)(x=[1.0, 2.0])["value"] == 9.0


def test_an_empty_declaration_is_told_all_that_is_missing():
    with pytest.raises(DeclarationError) as caught:
        elementwise(name="nothing")
    for part in ("doc", "rule", "gradient", "reference", "points", "sample"):
        assert f"{part}: " in str(caught.value)
    with pytest.raises(DeclarationError) as caught:
        structural(name="nothing")
    for part in ("doc", "infer", "array", "gradient", "reference", "sample", "errors"):
        assert f"{part}: " in str(caught.value)
    assert "nothing" not in REGISTRY


@pytest.mark.parametrize("part", ["doc", "rule", "reference", "points"])
def test_each_missing_part_is_named_alone(part):
    with pytest.raises(DeclarationError) as caught:
        declare(**{part: None})
    told = str(caught.value).split("expected")[1]
    assert told.strip().startswith(f"{part}: ") and ";" not in told


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"name": "two words"}, "identifier"),
        ({"name": None}, "identifier"),
        ({"doc": "  "}, "doc"),
        ({"gradient": "unknown"}, "gradient"),
        ({"sample": ()}, "sample"),
        ({"sample": (Uniform(0, 1), Uniform(0, 1))}, "one for each operand"),
        ({"accepts": "complex"}, "accepts"),
        ({"result": "int"}, "result"),
        ({"accepts": "bool"}, "bool where all operands are"),
        ({"rule": lambda s: s}, "wrong arguments"),
        ({"rule": lambda s, *x: s}, "wrong arguments"),
        ({"rule": lambda s, x, *, a: a * x}, "no default"),
        ({"points": {0.0: 0.0}}, "a point is incomplete"),
        ({"points": {(0.0, 1.0): (0.0, 0.0)}}, "a point is incomplete"),
        ({"points": {0.0: (0.0, (1.0, 2.0))}}, "a point is incomplete"),
        ({"rule": lambda s, x, y: x, "activation": True, "points": {(0.0, 0.0): (0, (0, 0))}}, "activation"),
    ],
)
def test_unfit_declarations_are_refused(changes, words):
    with pytest.raises(DeclarationError, match=words):
        declare(**changes)
    assert "cube" not in REGISTRY


def test_a_name_is_declared_once():
    first = declare()
    with pytest.raises(DeclarationError, match="already"):
        declare()
    assert REGISTRY["cube"] is first
    second = declare(replace=True)
    assert REGISTRY["cube"] is second


def test_gradient_derived_from_the_rule():
    cube = declare()
    graph = pl.differentiate(pl.build(lambda x: cube(x), x=pl.float64[()]), "x")
    found = pl.compile(pl.differentiate(graph, "x", of="d value / d x"))(x=3.0)
    assert found["d value / d x"] == 27.0
    assert found["d d value / d x / d x"] == 18.0


def test_derived_gradient_uses_every_word_of_the_vocabulary():
    def rule(s, x, y):
        size = s.sqrt(s.abs(x) + s.max(y, 1.0)) + s.min(x, y) * s.sign(y)
        bent = s.tanh(x) + s.exp(-y) + s.expm1(x) + s.log(y) + s.log1p(y) + s.erf(x) + s.erfc(y)
        return s.select(s.equal(x, y) | (x > y) & ~(x <= -9.0), size, bent) + s.power(y, x) / 2.0 + s.eps + s.tiny

    wide = elementwise(
        name="wide",
        doc="A bit of everything.",
        rule=rule,
        gradient=None,
        reference=lambda x, y: wide.compute((x, y), {}),
        points={(1.0, 1.0): (float(rule_at_one()), (None, None))},
        sample=(Uniform(-2.0, 4.0), Uniform(1.1, 3.0)),
    )
    report = pl.check(wide)  # its gradient is that of finite differences
    assert next(line.count for line in report.lines if line.what == "first derivative") > 20


def rule_at_one():
    return np.sqrt(2.0) + 1.0 + 0.5 + np.finfo(float).eps


def test_derived_gradient_of_operands_that_depend_on_each_other():
    mix = elementwise(
        name="mix",
        doc="x * x * y.",
        rule=lambda s, x, y: x * x * y,
        gradient=None,
        reference=lambda x, y: x**2 * y,
        points={(1.0, 2.0): (2.0, (4.0, 1.0))},
        sample=Uniform(-2, 2),
    )
    assert gradients(lambda x: mix(x, x), x=3.0) == {"x": 27.0}
    assert gradients(lambda x: mix(x, 5 * x), x=2.0) == {"x": 60.0}
    assert gradients(lambda x: mix(2 * x, x), x=2.0) == {"x": 48.0}
    assert gradients(lambda x, y: pl.sum(mix(x, y)), x=[1.0, 2.0], y=3.0) == {"x": [6.0, 12.0], "y": 5.0}


def test_derived_gradient_where_the_rule_ignores_an_operand():
    first = elementwise(
        name="first",
        doc="x whatever y.",
        rule=lambda s, x, y: x,
        gradient=None,
        reference=lambda x, y: x + 0.0 * y,
        points={(1.0, 2.0): (1.0, (1.0, 0.0))},
        sample=Uniform(-2, 2),
    )
    pl.check(first)
    assert gradients(lambda x, y: pl.sum(first(x, y)), x=1.0, y=[1.0, 2.0, 3.0]) == {"x": 3.0, "y": [0.0, 0.0, 0.0]}


def test_parameters_have_defaults_and_are_kept_in_the_graph():
    scaled = elementwise(
        name="scaled",
        doc="factor * x.",
        rule=lambda s, x, *, factor=2.0: factor * x,
        gradient=lambda g, x, y, *, factor: factor * g,
        reference=lambda x, *, factor: x * factor,
        points={1.0: (2.0, 2.0)},
        sample=Uniform(-2, 2),
    )
    assert scaled(3.0) == 6.0 and scaled(3.0, factor=-1.0) == -3.0
    graph = pl.build(lambda x: scaled(x, factor=0.5), x=pl.float64[()])
    assert "scaled(x, factor=0.5)" in str(graph) and pl.parse(str(graph)) == graph
    with pytest.raises(ShapeError, match="wrong parameters"):
        scaled(1.0, power=2.0)
    with pytest.raises(ShapeError, match="not a number"):
        scaled(1.0, factor="two")
    with pytest.raises(ShapeError, match="wrong number of operands"):
        scaled(1.0, 2.0)


@pytest.mark.parametrize(
    ("gradient", "words"),
    [
        (lambda g, x, y: (g, g), "wrong number of values"),
        (lambda g, x, y: 1.0, "not a graph value"),
    ],
)
def test_a_gradient_rule_that_returns_nonsense_is_named(gradient, words):
    cube = declare(gradient=gradient)
    with pytest.raises(DeclarationError, match=f"cube.*{words}"):
        gradients(lambda x: cube(x), x=1.0)


def test_none_as_gradient_of_an_operand_is_zero():
    cube = declare(gradient=lambda g, x, y: None)
    assert gradients(lambda x: cube(x) + x, x=2.0) == {"x": 1.0}


def test_not_differentiable_operations_stop_gradients():
    floor = declare(
        name="above_two",
        rule=lambda s, x: s.select(x > 2.0, x * 0.0 + 1.0, 0.0 * x),
        gradient=NOT_DIFFERENTIABLE,
        reference=lambda x: np.heaviside(x - 2, 0),
        points={3.0: 1.0},
        sample=Uniform(-3, 3, avoid=(2.0,)),
    )
    pl.check(floor)
    assert gradients(lambda x: floor(x) * x, x=3.0) == {"x": 1.0}


def test_structural_declaration():
    doubled = structural(
        name="doubled",
        doc="The vector behind itself.",
        infer=lambda x: x.dtype[2 * x.shape[0]],
        array=lambda xp, x: xp.concatenate([x, x]),
        gradient=lambda g, x, y: g[: x.shape[0]] + g[x.shape[0] :],
        reference=lambda x: np.tile(x, 2),
        sample=[Case((Operand((3,)),)), Case((Operand((0,)),))],
        errors=[ErrorCase((pl.float64[()],), "do not fit"), ErrorCase((), "do not fit")],
    )
    np.testing.assert_array_equal(doubled([1.0, 2.0]), [1.0, 2.0, 1.0, 2.0])
    assert gradients(lambda x: pl.sum(doubled(x) * np.array([1.0, 2.0, 3.0, 4.0])), x=[5.0, 6.0]) == {"x": [4.0, 6.0]}
    pl.check(doubled)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_last_operand_of_truth_values(dtype):
    kept = elementwise(
        name="kept",
        doc="x where keep is true, else the smallest step of its dtype.",
        rule=lambda s, x, keep: s.select(keep, x, s.eps),
        gradient=None,
        reference=lambda x, keep: np.where(keep, x, 0.0),
        points={(2.0, True): (2.0, (1.0, None)), (2.0, False): (np.finfo(float).eps, (0.0, None))},
        sample=(Uniform(-2, 2), pl.Booleans()),
        accepts=("float", "bool"),
    )
    x, keep = np.array([1.0, 2.0], dtype), np.array([True, False])
    found = kept(x, keep)
    assert found.dtype == dtype and found.tolist() == [1.0, np.finfo(dtype).eps]
    assert gradients(lambda x: pl.sum(kept(x, keep)), x=[1.0, 2.0]) == {"x": [1.0, 0.0]}


def test_a_rule_with_limits_and_truth_values_as_its_result():
    small = elementwise(
        name="small",
        doc="Whether x is below the smallest step of its dtype.",
        rule=lambda s, x: s.abs(x) < s.eps,
        gradient=None,
        reference=lambda x: np.abs(x) < 1e-10,
        points={0.0: True, 1.0: False},
        sample=Uniform(-2, 2),
        result="bool",
    )
    pl.check(small)
    assert gradients(lambda x: pl.select(small(x), x, 2 * x), x=3.0) == {"x": 2.0}


def test_two_numbers_in_a_rule_have_the_dtype_of_its_operands():
    ramp = elementwise(
        name="ramp",
        doc="x above 0, else 0.",
        rule=lambda s, x: s.select(x > 0.0, 1.0, 0.0) * x,
        gradient=None,
        reference=lambda x: np.fmax(x, 0.0),
        points={0.0: (0.0, 0.0), 1.0: (1.0, 1.0), -1.0: (0.0, 0.0)},
        sample=Uniform(-2, 2, avoid=(0.0,)),
    )
    pl.check(ramp)
    graph = pl.differentiate(pl.build(lambda x: ramp(x), x=pl.float32[()]))
    assert graph.outputs["d value / d x"].type == pl.float32[()]


def test_a_gradient_rule_of_another_shape_is_named_with_both_shapes():
    cube = declare(gradient=lambda g, x, y: pl.sum(g * x))
    with pytest.raises(DeclarationError, match=r"cube: .*got float64\[\], expected float64\[3\]"):
        gradients(lambda x: pl.sum(cube(x)), x=[1.0, 2.0, 3.0])


def test_a_gradient_rule_of_another_float_dtype_is_cast():
    cube = declare(gradient=lambda g, x, y: g * pl.select(x > 0, 1.0, 0.0))
    graph = pl.differentiate(pl.build(lambda x: cube(x), x=pl.float32[()]))
    assert graph.outputs["d value / d x"].type == pl.float32[()]


def test_an_operation_has_a_name_a_signature_and_a_docstring():
    scaled = declare(
        name="scaled",
        doc="factor * x.",
        rule=lambda s, x, *, factor=2.0: factor * x,
        reference=lambda x, *, factor: x * factor,
        points={1.0: (2.0, 2.0)},
    )
    assert scaled.__name__ == "scaled"
    assert str(inspect.signature(scaled)) == "(x, *, factor=2.0)"
    assert str(inspect.signature(pl.sum)) == "(x, axis=None, keepdims=False)"
    assert str(inspect.signature(pl.select)) == "(condition, x, y)"
    assert str(inspect.signature(pl.concatenate)) == "(parts, axis=-1)"
    told = pydoc.render_doc(scaled, renderer=pydoc.plaintext)
    for words in ("scaled(x, *, factor=2.0)", "factor * x.", "factor : default 2.0", "At 1: 2, slope 2."):
        assert words in told
    told = pydoc.render_doc(pl.sum, renderer=pydoc.plaintext)
    assert "axis" in told and "keepdims" in told


@pytest.mark.parametrize("name", sorted(REGISTRY))
def test_every_operation_documents_what_it_takes(name):
    op = REGISTRY[name]
    assert op.__doc__.startswith(f"{name}{inspect.signature(op)}\n\n{op.doc}")
    assert all(parameter in op.__doc__ for parameter in inspect.signature(op).parameters)


def test_operations_are_functions_to_build_from():
    graph = pl.build(pl.tanh, x=pl.float64[3])
    assert graph == pl.build(lambda x: {"tanh": pl.tanh(x)}, x=pl.float64[3])
    assert pl.build(pl.sum, x=pl.float64[3]).outputs["sum"].type == pl.float64[()]
    graph = pl.build(pl.maximum, y=pl.float64[()], x=pl.float64[()])
    assert [source.path for source in graph.outputs["maximum"].inputs] == ["x", "y"]
    assert pl.select(True, y=1.0, x=2.0) == 2.0
    with pytest.raises(GraphError, match="missing a required argument: 'y'"):
        pl.build(pl.maximum, x=pl.float64[3])
    with pytest.raises(ShapeError, match="wrong number of operands"):
        pl.maximum(x=1.0)


def test_an_identity_of_a_structural_operation_leaves_no_node():
    doubled = structural(
        name="repeated",
        doc="The vector several times.",
        infer=lambda x, times: x.dtype[times * x.shape[0]],
        array=lambda xp, x, *, times: xp.concatenate([x] * times),
        gradient=lambda g, x, y, *, times: g[: x.shape[0]] * times,
        reference=lambda x, *, times: np.tile(x, times),
        params={"times": 1},
        identities=lambda x, *, times: x if times == 1 else None,
        sample=[Case((Operand((3,)),), {"times": 2})],
        errors=[ErrorCase((pl.float64[()],), "do not fit")],
    )
    assert pl.build(lambda x: doubled(x, times=1), x=pl.float64[2]).outputs["value"].op.name == "input"
    assert pl.build(lambda x: doubled(x, times=2), x=pl.float64[2]).outputs["value"].op is doubled
