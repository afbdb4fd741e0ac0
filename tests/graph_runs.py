"""What tests of operations share: a function run as a graph, its gradients, and numbers to try it on."""

from __future__ import annotations

import numpy as np

from pellucid.executors.program import compile
from pellucid.graph.builder import build
from pellucid.graph.differentiate import differentiate
from pellucid.graph.text import parse
from pellucid.graph.types import Type, as_dtype
from pellucid.ops.arithmetic import multiply
from pellucid.ops.reductions import sum


def numbers(shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def types_of(arrays):
    return {name: Type(as_dtype(np.asarray(a).dtype), np.shape(a)) for name, a in arrays.items()}


def run(function, **arrays):
    """Build the graph of a function, read it back from its text, run it, and return its one output."""
    graph = parse(str(build(function, **types_of(arrays))))
    (result,) = compile(graph)(**arrays).values()
    return result


def gradients(function, **arrays):
    """Return the gradients of a function's result times random weights, summed, and the weights."""
    weights = numbers(np.shape(function(*arrays.values())), seed=99)

    def value(weights, **values):
        return sum(multiply(function(*values.values()), weights))

    names = [name for name, array in arrays.items() if np.asarray(array).dtype.kind == "f"]
    graph = differentiate(build(value, **types_of({"weights": weights, **arrays})), names)
    found = compile(graph)(weights=weights, **arrays)
    return weights, *(found[f"d value / d {name}"] for name in names)
