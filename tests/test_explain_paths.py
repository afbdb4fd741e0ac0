"""The strongest paths against all paths, listed one by one."""

import itertools
import math

import numpy as np
import pytest
from explained import HIDDEN, INPUTS, OUTPUTS, ROWS, SECOND, by_hand, observed
from hypothesis import given as drawn
from hypothesis import settings
from hypothesis import strategies as st

import pellucid as pl
from pellucid.inspection.explain import explain
from pellucid.inspection.explain import flow as flow_module
from pellucid.inspection.observe import observe


def strongest(products, most=5):
    return sorted((p for p in products if p), key=lambda p: -abs(p))[:most]


def test_paths_of_a_weight_are_all_ways_through_the_units_above():
    observation, given = observed()
    hand = by_hand(given)
    slope1, slope2 = (hand["z1"] > 0).astype(float), 1 - hand["h2"] ** 2
    share = given["weight"] / given["weight"].sum()
    products = [
        given["x"][b, 3] * slope1[b, 2] * given["w2"][2, s] * slope2[b, s] * given["w3"][s, o]
        * 2 * (hand["output"] - given["y"])[b, o] * share[b]
        for b, s, o in itertools.product(range(ROWS), range(SECOND), range(OUTPUTS))
    ]  # fmt: skip
    found = explain(observation, "d loss / d w1[3, 2]").paths
    np.testing.assert_allclose([part.value for part in found.shown], strongest(products), rtol=1e-12)
    assert found.others[0] == sum(p != 0 for p in products) - 5
    assert found.others[1] == pytest.approx(sum(products) - sum(strongest(products)), abs=1e-14)
    assert found.total == found.added_up == explain(observation, "d loss / d w1[3, 2]").number
    for part in found.shown:
        factors = [float(factor.strip(" ()")) for factor in part.numbers.split("*")]
        assert math.prod(factors) == pytest.approx(part.value, rel=1e-4)
        start, *_, end = part.text.split(" → ")
        assert start == "w1[3, 2]" and end == "loss"


def test_paths_of_a_value_carry_inputs_and_biases_and_the_rest_is_the_bend():
    observation, given = observed()
    hand = by_hand(given)
    b, s = 4, 1
    slope1, slope2 = (hand["z1"][b] > 0).astype(float), 1 - hand["h2"][b, s] ** 2
    through = slope1 * given["w2"][:, s] * slope2
    products = [given["x"][b, i] * given["w1"][i, h] * through[h] for i in range(INPUTS) for h in range(HIDDEN)]
    products += [given["b1"][h] * through[h] for h in range(HIDDEN)] + [given["b2"][s] * slope2]
    found = explain(observation, f"two/h[{b}, {s}]").paths
    np.testing.assert_allclose([part.value for part in found.shown], strongest(products), rtol=1e-12)
    (bend, *_) = found.rest
    assert bend.value == pytest.approx(hand["h2"][b, s] - sum(products), rel=1e-9)
    assert found.added_up == found.total


def test_a_network_of_rectifiers_is_the_sum_of_its_paths():
    observation, given = observed()
    found = explain(observation, "one/h[0, 0]").paths
    assert not [part for part in found.rest if not part.text.startswith("rounding")]
    z = by_hand(given)["z1"][0, 0]
    assert sum(part.value for part in found.shown) + found.others[1] == pytest.approx(max(z, 0), abs=1e-12)


@settings(max_examples=15)
@drawn(st.integers(0, 2**31), st.lists(st.integers(1, 4), min_size=2, max_size=4))
def test_best_first_search_finds_what_listing_finds(seed, sizes):
    rng = np.random.default_rng(seed)
    weights = {f"w{k}": rng.normal(size=shape).round(1) for k, shape in enumerate(itertools.pairwise(sizes))}

    def total(x, **parameters):
        for weight in parameters.values():
            x = x @ weight
        return pl.sum(x)

    observation = observe(pl.build(lambda x, **p: total(x, **p), x=pl.float64[sizes[0]], **{
        name: pl.float64[array.shape] for name, array in weights.items()
    }), x=rng.normal(size=sizes[0]), **weights)  # fmt: skip
    products = []
    for units in itertools.product(*map(range, sizes[1:])):
        factors = [weights[f"w{k}"][pair] for k, pair in enumerate(itertools.pairwise((0, *units)))]
        products.append(math.prod(factors))
    found = explain(observation, "d value / d x[0]").paths
    expected = strongest(products)
    if found is None:
        assert not expected
        return
    np.testing.assert_allclose(np.abs([part.value for part in found.shown]), np.abs(expected), rtol=1e-12)
    assert len(found.shown) + found.others[0] == sum(p != 0 for p in products)


def test_a_value_that_enters_twice_has_two_paths():
    observation = observe(lambda x: x * x + 3 * x, x=2.0)
    found = explain(observation, "d value / d x").paths
    assert sorted(part.value for part in found.shown) == [2.0, 2.0, 3.0] and found.added_up == 7.0


def test_where_there_are_too_many_paths_the_explanation_says_so(monkeypatch):
    monkeypatch.setattr(flow_module, "MOST_EDGES", 10)
    observation, _ = observed()
    found = explain(observation, "d loss / d w1[3, 2]")
    assert found.paths is None and "more than 10 edges" in found.notes[-1] and found.check.agrees
