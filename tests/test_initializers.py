"""First values of parameters: their spread, their shape of distribution, and what they depend on."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from pellucid.errors import UsageError
from pellucid.graph.context import Parameter
from pellucid.graph.types import Type, float32, float64
from pellucid.nn.initializers import (
    DEFAULTS,
    INITIALIZERS,
    Constant,
    Gaussian,
    GlorotNormal,
    GlorotUniform,
    HeNormal,
    HeUniform,
    LeCunNormal,
    LeCunUniform,
    Masked,
    Zeros,
    as_initializer,
    default_initializer,
)
from pellucid.nn.layers import Dense
from pellucid.nn.network import Network
from pellucid.ops.activations import ACTIVATIONS


def weight(fan_in: int, fan_out: int, path: str = "dense_1/weight") -> Parameter:
    return Parameter(path, Type(float64, (fan_in, fan_out)), None, "weight", fan_in, fan_out)


FITTED = {
    LeCunNormal: lambda fan_in, fan_out: 1 / fan_in,
    LeCunUniform: lambda fan_in, fan_out: 1 / fan_in,
    GlorotNormal: lambda fan_in, fan_out: 2 / (fan_in + fan_out),
    GlorotUniform: lambda fan_in, fan_out: 2 / (fan_in + fan_out),
    HeNormal: lambda fan_in, fan_out: 2 / fan_in,
    HeUniform: lambda fan_in, fan_out: 2 / fan_in,
}


def test_spread_of_a_layer_of_300_inputs_and_200_units():
    parameter = weight(300, 200)
    assert GlorotUniform().limit(parameter) == pytest.approx(0.10954451150103323, rel=1e-15)
    assert LeCunNormal().std(parameter) == pytest.approx(0.05773502691896258, rel=1e-15)
    assert HeNormal().std(parameter) == pytest.approx(0.08164965809277261, rel=1e-15)


@pytest.mark.parametrize("kind", FITTED, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("scale", [1.0, 0.5])
def test_large_draws_have_the_promised_distribution(kind, scale):
    fan_in, fan_out = 500, 300
    drawn = kind(scale=scale).draw(weight(fan_in, fan_out), seed=3).ravel()
    std = scale * math.sqrt(FITTED[kind](fan_in, fan_out))
    count = drawn.size
    assert abs(drawn.mean()) < 5 * std / math.sqrt(count)
    if "Normal" in kind.__name__:
        expected = stats.norm(scale=std)
        assert abs(drawn.std() / std - 1) < 5 / math.sqrt(2 * count)
    else:
        limit = std * math.sqrt(3)
        expected = stats.uniform(-limit, 2 * limit)
        assert np.abs(drawn).max() < limit
        assert abs(drawn.var() / std**2 - 1) < 5 * math.sqrt(0.8 / count)
    assert stats.kstest(drawn, expected.cdf).pvalue > 1e-4


def test_gaussian_and_constants():
    drawn = Gaussian(std=0.2, mean=-1.0).draw(weight(400, 250), seed=0).ravel()
    assert stats.kstest(drawn, stats.norm(-1.0, 0.2).cdf).pvalue > 1e-4
    assert not Zeros().draw(weight(3, 2), seed=0).any()
    np.testing.assert_array_equal(Constant(0.1).draw(weight(3, 2), seed=0), np.full((3, 2), 0.1))


@given(st.integers(0, 2**64 - 1), st.integers(1, 9), st.integers(1, 9))
def test_uniform_numbers_are_symmetric_and_inside_the_limit(seed, fan_in, fan_out):
    parameter = weight(fan_in, fan_out)
    drawn = HeUniform().draw(parameter, seed)
    assert drawn.shape == (fan_in, fan_out)
    assert (np.abs(drawn) < math.sqrt(6 / fan_in)).all()


def test_first_values_depend_on_seed_and_path_only():
    alone = Network([Dense(4, name="a"), Dense(2, name="b")], inputs=3)
    among = Network([Dense(3, "tanh"), Dense(4, name="a"), Dense(7, name="c"), Dense(4), Dense(2, name="b")], inputs=3)
    for path in ("a/weight", "b/weight"):
        np.testing.assert_array_equal(alone.initialize(5)[path], among.initialize(5)[path])
    assert not np.array_equal(alone.initialize(5)["a/weight"], alone.initialize(6)["a/weight"])
    twins = Network([Dense(3), Dense(3)], inputs=3).initialize(0)
    assert not np.array_equal(twins["dense_1/weight"], twins["dense_2/weight"])


def test_float32_starts_from_the_rounded_float64_values():
    layers = [Dense(8, "relu"), Dense(2)]
    wide, narrow = (Network(layers, inputs=5, dtype=dtype).initialize(1) for dtype in (float64, float32))
    for path, values in wide.items():
        assert narrow[path].dtype == np.float32
        np.testing.assert_array_equal(narrow[path], values.astype(np.float32))


def test_masked_units_start_as_if_they_had_their_connections_only():
    mask = np.zeros((1000, 3))
    mask[:1000, 0] = mask[:250, 1] = mask[500:510, 2] = 1
    drawn = Masked(HeNormal(), mask).draw(weight(1000, 3), seed=2)
    assert not drawn[mask == 0].any() and drawn[mask == 1].all()
    for unit, fan_in in enumerate((1000, 250, 10)):
        found = drawn[mask[:, unit] == 1, unit]
        assert stats.kstest(found, stats.norm(scale=math.sqrt(2 / fan_in)).cdf).pvalue > 1e-4
    whole = HeNormal().draw(weight(1000, 3), seed=2)
    np.testing.assert_array_equal(drawn[:, 0], whole[:, 0])


def test_masked_takes_one_initializer_for_each_unit():
    drawn = Masked([Constant(1.0), Constant(2.0)], np.array([[1, 1], [0, 1]])).draw(weight(2, 2), seed=0)
    np.testing.assert_array_equal(drawn, [[1, 2], [0, 2]])


def test_lookup():
    for name, kind in INITIALIZERS.items():
        assert as_initializer(name) == kind()
    assert as_initializer("xavier") == LeCunNormal()
    assert as_initializer(0.1) == Constant(0.1)
    own = HeNormal(2.0)
    assert as_initializer(own) is own


def test_defaults_follow_the_activation():
    assert set(DEFAULTS) <= set(ACTIVATIONS)
    assert default_initializer("relu") == HeNormal()
    assert default_initializer("selu") == LeCunNormal()
    for name in ("identity", "tanh", "sigmoid", "softsign", "an operation of a user"):
        assert default_initializer(name) == GlorotUniform()
    network = Network(
        [Dense(4, "relu"), Dense(4, "tanh"), Dense(4, "selu"), Dense(4, "relu", initializer=0.5)], inputs=2
    )
    found = [p.initializer for p in network.parameters.values() if p.kind == "weight"]
    assert found == [HeNormal(), GlorotUniform(), LeCunNormal(), Constant(0.5)]


def test_errors_name_the_nearest():
    with pytest.raises(UsageError, match="Did you mean 'he_normal'"):
        as_initializer("he_nromal")
    with pytest.raises(UsageError, match="Did you mean 'glorot_uniform'"):
        Dense(3, initializer="glorot_unifrom")
    with pytest.raises(UsageError, match="not an initializer"):
        as_initializer([1])


@pytest.mark.parametrize("make", [lambda: Gaussian(std=-1), lambda: HeNormal(-1.0), lambda: Constant(math.nan)])
def test_impossible_settings(make):
    with pytest.raises(UsageError, match="not a setting of an initializer: got"):
        make()


def test_initializer_of_the_wrong_shape_is_told():
    class Wrong:
        def draw(self, parameter, seed):
            return np.zeros((7, 7))

    network = Network([Dense(2, initializer=Wrong())], inputs=3)
    with pytest.raises(UsageError, match=r"dense_1/weight: .*got \[7, 7\], expected float32\[3, 2\]"):
        network.initialize()
