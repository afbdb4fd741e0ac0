"""Value, gradient and second derivative of random graphs: against finite differences, PyTorch and JAX."""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np
import pytest
import translations
from random_graphs import NODES, OPERATIONS, RandomGraph, random_graph

import pellucid as pl
from pellucid.executors.interpret import compile as interpret
from pellucid.graph.builder import Builder
from pellucid.graph.graph import Graph

BOUND = 1e-9
"""Of the relative error, by the norm of the whole gradient."""
DEFAULT, LONG = 300, 10_000
STENCIL = ((1, 4 / 5), (2, -1 / 5), (3, 4 / 105), (4, -1 / 280))
"""Weights of central differences of order 8."""


def with_second_derivative(graph: Graph, wrt: list[str]) -> Graph:
    """Return the graph of gradient, and of the gradient of its product with the inputs ``along <name>``."""
    first = pl.differentiate(graph, wrt)
    builder = Builder()
    here = builder.copy(first)
    product = builder.constant(0.0)
    for name in wrt:
        along = builder.input(f"along {name}", graph.inputs[name].type)
        product = product + pl.sum(here[first.outputs[f"d loss / d {name}"]] * along)
    outputs = {name: here[node] for name, node in first.outputs.items()}
    return pl.differentiate(builder.finish({**outputs, "product": product}), wrt, of="product")


class Derivatives:
    """What the interpreter computes of a random graph."""

    def __init__(self, case: RandomGraph):
        self.case, self.wrt = case, case.differentiated
        rng = np.random.default_rng(case.seed)
        self.along = {name: rng.normal(size=case.inputs[name].shape) for name in self.wrt}
        self.value = interpret(case.graph)
        self.both = interpret(with_second_derivative(case.graph, self.wrt))
        found = self.both(**case.inputs, **{f"along {name}": array for name, array in self.along.items()})
        self.loss = float(found["loss"])
        self.first = [found[f"d loss / d {name}"] for name in self.wrt]
        self.second = [found[f"d product / d {name}"] for name in self.wrt]

    def check(self, what: str, got: list[np.ndarray], expected: list[np.ndarray], scale: float = 0.0) -> None:
        for name, mine, theirs in zip(self.wrt, got, expected, strict=True):
            assert mine.shape == theirs.shape, (self.case.seed, what, name)
        error, scale = norm(a - b for a, b in zip(got, expected, strict=True)), max(norm(expected), scale)
        assert error <= BOUND * scale, f"seed {self.case.seed}, {what}: {error / scale:.1e}\n{self.case.graph}"

    def check_by_library(self, name: str, derivatives: Callable) -> None:
        loss, first, second = derivatives(self.case.graph, self.case.inputs, self.along)
        assert abs(self.loss - loss) <= BOUND * max(1e-3, abs(loss)), (self.case.seed, name)
        self.check(f"gradient by {name}", self.first, first, scale=1e-6)
        # Where second derivatives cancel, what is left is compared by the size of the gradient.
        self.check(f"second derivative by {name}", self.second, second, scale=1e-3 * norm(first))

    def check_by_differences(self) -> None:
        """Compare the slope along a direction, of the value and of the gradient's product with that direction."""

        def moved(step: float) -> dict[str, np.ndarray]:
            return self.case.inputs | {name: self.case.inputs[name] + step * self.along[name] for name in self.wrt}

        slope = product(self.first, self.along.values())
        measured = difference(lambda step: float(self.value(**moved(step))["loss"]))
        scale = max(norm(self.first) * norm(self.along.values()), 1e-6)
        assert abs(slope - measured) <= BOUND * scale, f"seed {self.case.seed}, gradient\n{self.case.graph}"
        directions = {f"along {name}": array for name, array in self.along.items()}
        curvature = product(self.second, self.along.values())
        measured = difference(lambda step: float(self.both(**moved(step), **directions)["product"]))
        scale = max(norm(self.second) * norm(self.along.values()), 1e-3 * scale)
        assert abs(curvature - measured) <= BOUND * scale, f"seed {self.case.seed}, second derivative"


def norm(parts) -> float:
    return float(np.sqrt(sum(np.sum(np.square(part)) for part in parts)))


def product(first, second) -> float:
    return float(sum(np.sum(a * b) for a, b in zip(first, second, strict=True)))


def difference(function: Callable[[float], float]) -> float:
    """Return the slope at 0: of central differences with ever smaller steps, the one that agrees best with the next.

    A large step sees what lies behind a kink or outside a domain, a small one loses digits.
    """
    slopes = []
    for exponent in range(6, 16):
        step = 2.0**-exponent
        slopes.append(sum(w * (function(k * step) - function(-k * step)) for k, w in STENCIL) / step)
    gaps = np.abs(np.diff(slopes))  # NaN where a large step leaves the domain of a square root
    return slopes[int(np.nanargmin(gaps)) + 1]


@functools.lru_cache(maxsize=DEFAULT)
def derivatives(seed: int) -> Derivatives:
    return Derivatives(random_graph(seed))


def seeds_in(block: int, blocks: int, count: int) -> range:
    return range(block, count, blocks)


def compare(seeds: range, name: str, by: Callable, table: dict) -> None:
    """Compare the graphs of which the library knows every operation: nearly all."""
    known = [seed for seed in seeds if translations.is_translated(derivatives(seed).case.graph, table)]
    assert len(known) >= 0.8 * len(seeds)
    for seed in known:
        derivatives(seed).check_by_library(name, by)


@pytest.mark.parametrize("block", range(10))
def test_derivatives_agree_with_finite_differences(block):
    for seed in seeds_in(block, 10, DEFAULT):
        derivatives(seed).check_by_differences()


@pytest.mark.long
@pytest.mark.parametrize("block", range(10))
def test_derivatives_agree_with_pytorch(block):
    import torch

    compare(seeds_in(block, 10, DEFAULT), "PyTorch", translations.torch_derivatives, translations.torch_table(torch))


@pytest.mark.long
@pytest.mark.parametrize("block", range(10))
def test_derivatives_agree_with_jax(block):
    import jax

    compare(seeds_in(block, 10, DEFAULT), "JAX", translations.jax_derivatives, translations.jax_table(jax))


@pytest.mark.long
@pytest.mark.parametrize("block", range(100))
def test_derivatives_agree_with_all_of_them(block):
    import jax
    import torch

    seeds = seeds_in(block, 100, LONG)
    for seed in seeds:
        derivatives(seed).check_by_differences()
    compare(seeds, "PyTorch", translations.torch_derivatives, translations.torch_table(torch))
    compare(seeds, "JAX", translations.jax_derivatives, translations.jax_table(jax))
    jax.clear_caches()


def test_random_graphs_are_as_described():
    seen = set()
    for seed in range(DEFAULT):
        case = random_graph(seed, everything=seed % 2 == 1)
        assert NODES[0] <= len(case.graph) <= NODES[1]
        assert list(case.graph.outputs) == ["loss"] and case.graph.outputs["loss"].type == pl.float64[()]
        assert np.isfinite(interpret(case.graph)(**case.inputs)["loss"])
        seen |= {node.op.name for node in case.graph}
    assert seen >= {name for name, op in OPERATIONS.items() if op.differentiable}
    assert seen >= {"argmax", "one_hot", "less", "logical_and", "step", "random_normal", "bernoulli_mask"}


def test_the_same_seed_gives_the_same_graph():
    for seed in range(20):
        first, second = random_graph(seed), random_graph(seed)
        assert first.graph == second.graph
        assert all(np.array_equal(first.inputs[name], second.inputs[name]) for name in first.graph.inputs)
    assert len({str(random_graph(seed).graph) for seed in range(20)}) == 20


def test_random_graphs_in_float32():
    for seed in range(40):
        case = random_graph(seed, dtype=pl.float32, everything=True)
        assert {node.type.dtype for node in case.graph if node.type.dtype.is_float} == {pl.float32}
