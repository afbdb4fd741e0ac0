"""Addresses of numbers, and what is said of those that name none."""

from dataclasses import replace

import numpy as np
import pytest
from explained import observed

import pellucid as pl
from pellucid.errors import UsageError
from pellucid.inspection.explain import explain
from pellucid.inspection.explain.address import is_address, read_address
from pellucid.inspection.observe import observe


@pytest.fixture(scope="module")
def seen():
    return observed()[0]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("w1[3, 2]", "w1[3, 2]"),
        ("  w1 [3,2] ", "w1[3, 2]"),
        ("w1[-1, -5]", "w1[3, 0]"),
        ('"w1"[0, 0]', "w1[0, 0]"),
        ("one/h[0, -1]", "one/h[0, 4]"),
        ("loss", "loss"),
        ("loss[]", "loss"),
        ("d loss / d w1[3, 2]", "d loss / d w1[3, 2]"),
        ('d "loss" / d "w1"[3, 2]', "d loss / d w1[3, 2]"),
        ("d loss / d loss", "d loss / d loss"),
        ("d  loss /  d b1[2]", "d loss / d b1[2]"),
    ],
)
def test_an_address_is_read(seen, text, told):
    assert str(read_address(seen.graph, text)) == told
    assert explain(seen, text).address == told


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("w1", ["which of its 20 numbers? The index is missing", "float64[4, 5]", "Write w1[0, 0]"]),
        ("d loss / d w1", ["The index is missing", "Write d loss / d w1[0, 0]"]),
        ("w1[0]", ["the wrong number of indices", "got 1, expected 2"]),
        ("w1[0, 5]", ["axis 1: an index outside its axis", "got 5", "-5 to 4"]),
        ("w1[0, -6]", ["an index outside its axis"]),
        ("w1[a, 0]", ["not an index", "[a, 0]"]),
        ("w1[0:2, 0]", ["not an index"]),
        ("loss[0]", ["the wrong number of indices"]),
        ("one/hh[0, 0]", ["there is no node 'one/hh'", "Did you mean 'one/h'"]),
        ("one[0]", ["there is no node 'one'", "In it are: ", "one/h"]),
        ("d loss / d one/hh[0, 0]", ["there is no node 'one/hh'", "Did you mean 'one/h'"]),
        ("d los / d w1[0, 0]", ["there is no scalar 'los'", "Did you mean 'loss'"]),
        ("d output / d w1[0, 0]", ["only a scalar has gradients here", "Scalars among the outputs: loss"]),
        ("update of w1[0, 0]", ["not of a training step", "pl.observe(training)"]),
        ("", ["not the address of a number"]),
        (3, ["not the address of a number", "got 3"]),
    ],
)
def test_what_names_no_number_is_told_so(seen, text, words):
    with pytest.raises(UsageError) as error:
        explain(seen, text)
    assert all(word in str(error.value) for word in words), str(error.value)
    assert "\n" not in str(error.value)


def test_there_is_no_gradient_of_whole_numbers():
    observation = observe(lambda x, k: pl.sum(pl.gather(x, k)), x=[1.0, 2.0], k=np.array([0, 1]))
    with pytest.raises(UsageError, match="no gradient of what is no float"):
        explain(observation, "d value / d k[0]")
    assert explain(observation, "k[1]").number == 1.0


def test_only_an_observation_is_explained():
    with pytest.raises(UsageError, match="not an observation"):
        explain({"w": 1.0}, "w")


def test_an_observation_of_some_nodes_only_is_refused(seen):
    some = replace(seen, nodes={path: one for path, one in seen.nodes.items() if path.startswith("one/")})
    with pytest.raises(UsageError, match="has kept only some nodes"):
        explain(some, "one/h[0, 0]")


def test_second_derivatives_have_addresses_too():
    first = pl.differentiate(pl.build(lambda x: x**3.0, x=pl.float64[()]), "x")
    observation = observe(first, of="d value / d x", x=2.0)
    assert explain(observation, "d value / d x").number == 12.0
    found = explain(observation, "d d value / d x / d x")
    assert (found.kind, found.number, found.check.agrees) == ("gradient", 12.0, True)


def test_an_element_of_a_value_with_one_element_needs_no_index():
    observation = observe(lambda x: pl.sum(2 * x), x=[3.0])
    assert explain(observation, "d value / d x").number == 2.0 and explain(observation, "x").address == "x[0]"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("w1[0, 0]", True),
        ("d loss / d w1", True),
        ("update of w1", True),
        ("w1", False),
        ("dense_1/gelu", False),
        ("d", False),
    ],
)
def test_an_address_is_told_from_a_path(text, found):
    assert is_address(text) is found
