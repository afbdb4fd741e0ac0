"""One number explained: parts that add up, factors, examples and formulas against a network computed by hand."""

import itertools
import math

import numpy as np
import pytest
from explained import ROWS, by_hand, observed
from random_graphs import random_graph
from random_steps import random_step

import pellucid as pl
from pellucid.graph.operation import REGISTRY
from pellucid.inspection.explain import explain
from pellucid.inspection.observe import observe
from pellucid.ops.samples import Case, ErrorCase, Operand


@pytest.fixture(scope="module")
def seen():
    return observed()


@pytest.fixture
def clean_registry():
    before = dict(REGISTRY)
    yield
    REGISTRY.clear()
    REGISTRY.update(before)


def parts_of(explanation):
    found = (explanation.parts, explanation.examples, explanation.paths)
    above = explanation.factors.above if explanation.factors is not None else None
    return [parts for parts in (*found, above) if parts is not None]


def test_the_gradient_of_a_weight_is_error_times_input_summed_over_examples(seen):
    observation, given = seen
    hand = by_hand(given)
    found = explain(observation, "d loss / d w1[3, 2]")
    np.testing.assert_allclose(found.parts.values, given["x"][:, 3] * hand["d1"][:, 2], rtol=1e-12, atol=1e-15)
    assert found.number == pytest.approx((given["x"].T @ hand["d1"])[3, 2])
    assert "sum over b of x[b, 3] * d loss / d one/add[b, 2]" in found.formula[0][0]
    largest = int(np.abs(found.parts.values).argmax())
    assert found.parts.shown[0].text == f"x[{largest}, 3] * d loss / d one/add[{largest}, 2]"
    assert eval_product(found.parts.shown[0].numbers) == pytest.approx(found.parts.shown[0].value, rel=1e-4)


def eval_product(text):
    return math.prod(float(factor.strip(" ()")) for factor in text.split("*"))


def test_the_factors_of_a_gradient_are_input_slope_and_what_comes_from_above(seen):
    observation, given = seen
    hand = by_hand(given)
    found = explain(observation, "d loss / d w2[1, 2]").factors
    row = int(np.abs(hand["h1"][:, 1] * hand["d2"][:, 2]).argmax())
    by_origin = {factor.origin: factor for factor in found.factors}
    assert list(by_origin) == ["the input", "the activation here", "the layers above"]
    assert by_origin["the input"].text == f"one/h[{row}, 1]"
    assert by_origin["the input"].value == pytest.approx(hand["h1"][row, 1])
    assert by_origin["the activation here"].value == pytest.approx(1 - hand["h2"][row, 2] ** 2)
    above = hand["d3"][row] @ given["w3"][2]
    assert by_origin["the layers above"].value == pytest.approx(above)
    assert math.prod(factor.value for factor in found.factors) == pytest.approx(found.product)
    values = sorted(found.above.values)
    np.testing.assert_allclose(values, sorted(hand["d3"][row] * given["w3"][2]), rtol=1e-12)


def test_at_the_outputs_the_gradient_comes_from_the_loss(seen):
    observation, given = seen
    found = explain(observation, "d loss / d w3[2, 1]").factors
    hand = by_hand(given)
    row = int(np.abs(hand["h2"][:, 2] * hand["d3"][:, 1]).argmax())
    assert [factor.origin for factor in found.factors] == ["the input", "the loss"] and found.above is None
    assert found.factors[1].text == f"d loss / d output[{row}, 1]"
    assert found.factors[1].value == pytest.approx(hand["d3"][row, 1])


@pytest.mark.parametrize("address", ["d loss / d w1[0, 4]", "d loss / d b2[1]", "d loss / d w3[0, 0]"])
def test_the_share_of_each_example_is_the_gradient_of_its_own_loss(seen, address):
    observation, given = seen
    shares = explain(observation, address).examples
    path, index = address.removeprefix("d loss / d ")[:2], [int(c) for c in address if c.isdigit()][1:]
    for row in range(ROWS):
        weight = np.zeros(ROWS)
        weight[row] = given["weight"][row]
        alone = observe(observation.graph, of="loss", **{**given, "weight": weight})
        own = alone[path].gradient[tuple(index)] * weight[row] / given["weight"].sum()
        assert shares.values[row] == pytest.approx(own, rel=1e-12, abs=1e-15)
    assert shares.added_up == explain(observation, address).number


def test_a_value_is_the_sum_of_its_products_and_its_bias(seen):
    observation, given = seen
    found = explain(observation, "one/h[2, 3]")
    products = given["x"][2] * given["w1"][:, 3]
    np.testing.assert_allclose(sorted(found.parts.values), sorted([*products, given["b1"][3]]), rtol=1e-14)
    assert found.parts.total == by_hand(given)["z1"][2, 3]
    assert found.formula[0][0] == "one/h[2, 3] = relu(one/add[2, 3])"
    assert any("sum over j of x[2, j] * w1[j, 3]" in line for line, _ in found.formula)


def test_all_numbers_of_the_network_add_up_to_the_bit(seen):
    observation, _ = seen
    for path, shape in {
        "w1": (4, 5),
        "b1": (5,),
        "one/h": (6, 5),
        "two/h": (6, 3),
        "output": (6, 2),
        "x": (6, 4),
    }.items():
        for index in itertools.islice(itertools.product(*map(range, shape)), 0, None, 3):
            for address in (f"{path}{list(index)}", f"d loss / d {path}{list(index)}"):
                found = explain(observation, address)
                assert all(parts.added_up == parts.total for parts in parts_of(found)), address
                assert found.check is None or found.check.agrees, address


@pytest.mark.parametrize("seed", range(4))
def test_numbers_of_random_training_steps_add_up(seed):
    made = random_step(seed, (1, 3))
    check_everything(observe(made.step.graph, of="loss", **made.inputs), 3e-5, seed)


@pytest.mark.parametrize("seed", range(12))
def test_numbers_of_random_graphs_add_up(seed):
    made = random_graph(seed)
    check_everything(observe(made.graph, **made.inputs), 1e-12, seed)


def check_everything(observation, rounding, seed):
    """Explain an element of every node and its gradient: what the parts miss is rounding only."""
    rng = np.random.default_rng(seed)
    for node in observation.graph:
        if node.op.name == "constant" or not node.type.size or node.path.startswith(("d ", "row_weight")):
            continue
        index = [int(rng.integers(size)) for size in node.type.shape]
        element = f'"{node.path}"' + (str(index) if index else "")
        for address in (element, f"d loss / d {element}"):
            if address != element and not node.type.dtype.is_float:
                continue
            found = explain(observation, address)
            if not math.isfinite(found.number):
                continue
            for parts in parts_of(found):
                assert parts.added_up == parts.total or not math.isfinite(parts.total), (address, parts.title)
                missed = sum(abs(part.value) for part in parts.rest if part.text.startswith("rounding"))
                size = sum(abs(part.value) for part in (*parts.shown, *parts.rest)) + abs(parts.others[1])
                size += 0 if parts.values is None else np.abs(parts.values).sum()
                assert missed <= rounding * size + 1e-6 * (rounding > 1e-6), (address, parts.title)
            assert found.check is None or found.check.agrees, (address, found.check)


def test_a_layer_that_is_used_twice_gets_its_gradient_from_both_uses():
    shared = pl.Dense(3, "tanh")
    net = pl.Network([shared, shared, pl.Dense(1)], inputs=3, dtype="float64")
    data = pl.Dataset({"x": np.random.default_rng(0).normal(size=(5, 3))}, np.ones((5, 1)))
    observation = observe(pl.fit(net, data, loss="squared_error", epochs=1, executor="interpret"), data)
    found = explain(observation, "d loss / d dense_1/weight[1, 2]")
    assert len(found.parts.values) == 10 and found.check.agrees
    assert found.examples.values.shape == (5,) and found.examples.added_up == found.number


def test_a_row_of_an_embedding_learns_from_the_examples_that_take_it():
    def loss(table, y):
        return pl.sum((pl.sum(pl.gather(table, [2, 0, 2, 1]), axis=1) - y) ** 2.0)

    table = np.random.default_rng(1).normal(size=(3, 2))
    observation = observe(loss, table=table, y=[1.0, 2.0, 3.0, 4.0])
    found = explain(observation, "d loss / d table[2, 1]")
    errors = 2 * (table.sum(axis=1)[[2, 2]] - [1.0, 3.0])
    np.testing.assert_allclose(sorted(found.parts.values), sorted(errors))
    assert found.check.agrees


def test_an_operation_of_the_users_own_is_followed_by_its_gradient_rule(clean_registry):
    running = pl.structural(
        name="running",
        doc="Sums up to each element.",
        infer=lambda x: x,
        array=lambda xp, x: xp.cumsum(x, axis=-1),
        gradient=lambda g, x, y: g * 0 + pl.sum(g, axis=-1, keepdims=True) - running(g) + g,
        reference=lambda x: np.cumsum(x, axis=-1),
        sample=[Case((Operand((3,)),))],
        errors=[ErrorCase((pl.float64[2], pl.float64[2]), "do not fit")],
    )
    weights = np.array([3.0, -1.0, 2.0])
    observation = observe(lambda x: pl.sum(pl.tanh(running(x)) * weights), x=[0.3, -0.5, 0.9])
    found = explain(observation, "d value / d x[1]")
    slopes = weights * (1 - np.tanh(np.cumsum([0.3, -0.5, 0.9])) ** 2)
    np.testing.assert_allclose(sorted(found.parts.values), sorted(slopes[1:]), rtol=1e-12)
    assert found.paths.others[0] + len(found.paths.shown) == 2 and found.check.agrees
