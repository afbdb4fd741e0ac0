"""NaN and infinity: the node that made it is told apart from those that passed it on."""

from __future__ import annotations

import numpy as np
import pytest

import pellucid as pl
from pellucid.errors import TrainingError, UsageError
from pellucid.executors.program import compile
from pellucid.inspection.origin import find_origin
from pellucid.training.origin import trace_origin


def origin_of(function, **inputs):
    found = find_origin(pl.observe(function, **inputs))
    assert found is not None
    return found


def test_the_maker_is_told_apart_from_those_that_passed_it_on():
    graph = pl.build(lambda x: pl.sum(3 * pl.exp(pl.log(x) * 2) + 1), x=pl.float64[4])
    seen = pl.observe(graph, x=[1.0, 2.0, -1.0, 4.0])
    last = next(iter(graph.outputs.values()))
    found = trace_origin(graph, {one.path: one.value for one in seen}, last)
    assert found is not None
    assert (found.node.op.name, found.element, found.kind, found.direction) == ("log", (2,), "NaN", "forward")
    passing = [graph[path].op.name for path in found.passed_on]
    assert passing == ["multiply", "exp", "multiply", "add", "sum"]
    assert "below 0" in found.cause and "x = -1 there" in str(found)


@pytest.mark.parametrize(
    ("function", "x", "operation", "kind", "cause"),
    [
        (lambda x: pl.sum(1 / x), [1.0, 0.0], "divide", "infinity", "division by 0"),
        (lambda x: pl.sum(x / x), [1.0, 0.0], "divide", "NaN", "0 divided by 0"),
        (lambda x: pl.sum(pl.exp(x)), [1.0, 1e4], "exp", "infinity", "exp of a large number"),
        (lambda x: pl.sum(pl.sqrt(x)), [1.0, -4.0], "sqrt", "NaN", "root of a negative"),
        (lambda x: pl.sum(x * x), [1.0, 1e200], "multiply", "infinity", "overflow"),
        (lambda x: pl.sum(x**0.5), [1.0, -4.0], "power", "NaN", "negative number to a broken power"),
        (lambda x: pl.sum(pl.log1p(x)), [1.0, -1.0], "log1p", "infinity", "logarithm of exactly -1"),
    ],
)
def test_each_operation_has_its_usual_cause(function, x, operation, kind, cause):
    found = origin_of(function, x=x)
    assert found.node.op.name in (operation, "square", "reciprocal")
    assert found.kind == kind and found.element == (1,)
    assert cause in found.cause and found.remedy


def test_what_a_mask_takes_out_is_not_blamed():
    def masked(x, y):
        safe = pl.select(x > 0, pl.log(x), 0.0)  # the logarithm of -1 is not taken
        return pl.sum(safe) + pl.sum(pl.log(y))

    seen = pl.observe(masked, x=[1.0, -1.0], y=[0.0, 2.0])
    graph, values = seen.graph, {one.path: one.value for one in seen}
    found = trace_origin(graph, values, next(iter(graph.outputs.values())))
    assert found is not None
    assert [path for path, _ in found.operands] == ["y"] and found.element == (0,)


def test_a_product_tells_which_row_it_made():
    x = np.ones((4, 2), np.float32)
    x[2] = 3e38
    weight = np.full((2, 3), 2.0, np.float32)
    found = origin_of(lambda x, w: pl.sum(pl.relu(pl.contraction(x, w, labels="bi,io->bo"))), x=x, w=weight)
    assert found.node.op.name == "contraction" and found.element == (2, 0) and found.kind == "infinity"


def test_a_product_that_passes_one_row_on_and_makes_another_is_told_by_what_it_made():
    x = np.ones((3, 2), np.float32)
    x[1], x[2] = np.inf, 3e38
    graph = pl.build(lambda x, w: pl.contraction(x, w, labels="bi,io->bo"), x=pl.float32[3, 2], w=pl.float32[2, 2])
    values = compile(graph).observe(x=x, w=np.full((2, 2), 2.0, np.float32))
    found = trace_origin(graph, values, next(iter(graph.outputs.values())))
    assert found is not None and found.node.op.name == "contraction" and found.element == (2, 0)


def test_gradients_are_searched_where_all_values_are_finite():
    found = origin_of(lambda x: pl.sum(pl.sqrt(x)), x=[4.0, 0.0, 1.0])
    assert found.direction == "backward" and found.kind == "infinity" and found.element == (1,)
    assert "division by 0" in found.cause


def test_what_has_no_examples_blames_no_mini_batch():
    assert dict(origin_of(lambda x: pl.sum(pl.log(x)), x=[0.0, 1.0]).facts())["examples"] == "not told apart"


def test_nothing_is_found_where_all_is_finite():
    assert find_origin(pl.observe(lambda x: pl.sum(x * x), x=[1.0, 2.0])) is None


def test_training_tells_the_example_and_the_operands():
    x = np.linspace(1.0, 2.0, 40)[:, None]
    x[17] = -3.0
    network = pl.Network(lambda context, x: pl.Dense(1)(context, pl.log(x)), inputs=1)
    with pytest.raises(TrainingError) as caught:
        pl.fit(network, pl.Dataset({"x": x}, x), loss="squared_error", epochs=2, batch_size=8)
    found = find_origin(caught.value)
    assert found is not None
    assert found.examples.tolist() == [17] and found.single
    assert found.node.op.name == "log" and found.direction == "forward"
    assert "logarithm of a number below 0" in str(caught.value)


def test_an_update_that_divides_by_zero_is_told_as_such():
    network = pl.Network([pl.Dense(1, bias=False)], inputs=1)
    data = pl.Dataset({"x": np.zeros((4, 1))}, np.ones((4, 1)))  # all gradients are 0
    with pytest.raises(TrainingError) as caught:
        pl.fit(network, data, loss="squared_error", settings={"adam/epsilon": 0.0}, epochs=1)
    found = find_origin(caught.value)
    assert found is not None
    assert (found.direction, found.node.op.name, found.kind) == ("update", "divide", "NaN")
    assert found.cause == "0 divided by 0" and not found.single


def test_a_wrong_subject_is_one_clear_message():
    with pytest.raises(UsageError, match="an observation, or the error"):
        find_origin(3)  # type: ignore[arg-type]


def test_the_card_holds_what_the_text_says():
    found = origin_of(lambda x: pl.sum(pl.log(x)), x=[0.0, 1.0])
    card = found._repr_html_()
    assert "<table" in card and "log[0]" in card and "exactly 0" in card
