"""What tests of the native executor share: programs compared with the interpreter, node by node."""

from __future__ import annotations

import math

import numpy as np

from pellucid.executors.native.assemble import Arena
from pellucid.executors.native.buffers import HEADER
from pellucid.executors.native.compiled import Compiled
from pellucid.executors.native.program import NativeProgram
from pellucid.executors.native.values import constant_array
from pellucid.graph.graph import Graph, Node
from pellucid.ops.elementwise import Elementwise

SUMS = ("sum", "mean", "sum_to", "contraction", "scatter_add")
LOGARITHMIC = ("softmax", "log_softmax", "log_sum_exp")
BASIC = ("exp", "log", "expm1", "log1p", "tanh", "erf", "erfc", "power")
"""What rules are computed with that is not rounded correctly everywhere."""
POISONS = (0xFF, 0x7F)
"""Bytes that memory is filled with: of floats they make NaN and huge numbers, of integers -1 and huge ones."""


def agree(graph: Graph, inputs: dict[str, np.ndarray], **options) -> dict[str, np.ndarray]:
    """Check all that a native program computes of a graph, and return its outputs.

    Every node has to be what NumPy computes of its operands (within the rounding errors of one operation), and the
    outputs of fused code have to be the values that are observed, bit by bit.
    """
    program = NativeProgram(graph, **options)
    outputs, seen = program(**inputs), program.observe(**inputs)
    assert list(outputs) == list(graph.outputs) and list(seen) == [node.path for node in graph.nodes]
    for name, node in graph.outputs.items():
        same_bits(outputs[name], seen[node.path], f"output {name}")
    for node in graph.nodes:
        if node.op.name == "input":
            name = next(name for name, other in graph.inputs.items() if other is node)
            same_bits(seen[node.path], np.asarray(inputs[name], node.type.dtype.numpy), node.path)
        else:
            is_right(node, seen)
    return outputs


def agree_at_once(graph: Graph, inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Check the outputs of a graph that computes each of them from inputs alone, and return them."""
    outputs = NativeProgram(graph)(**inputs)
    seen = {node.path: np.asarray(inputs[name], node.type.dtype.numpy) for name, node in graph.inputs.items()}
    seen |= {
        node.path: node.op.evaluate((), dict(node.params), node.type) for node in graph if node.op.name == "constant"
    }
    seen |= {node.path: outputs[name] for name, node in graph.outputs.items()}
    for node in graph.outputs.values():
        if node.inputs:
            is_right(node, seen)
    return outputs


def agree_in_any_memory(graph: Graph, inputs: dict[str, np.ndarray], outputs: dict[str, np.ndarray]) -> None:
    """Check, in debug mode, that the same outputs come whatever is in memory that belongs to no element."""
    program = NativeProgram(graph, checked=True)
    for byte in POISONS:
        program._compiled._waiting[:] = [poisoned(program._compiled, byte)]
        for name, value in program(**inputs).items():
            same_bits(value, outputs[name], f"output {name}, memory full of {byte:#x}")


def poisoned(compiled: Compiled, byte: int) -> Arena:
    """Return an arena that is full of a byte but for its header and constants."""
    arena = Arena(compiled.assembled)
    arena._memory[...] = byte
    arena.bytes[:HEADER] = 0
    for node in compiled.assembled.constants:
        arena.view(node)[...] = constant_array(node)
    return arena


def same_bits(found: np.ndarray, expected: np.ndarray, told: str = "") -> None:
    """Check that two arrays are equal to the bit; a NaN is any NaN."""
    np.testing.assert_array_equal(found, expected, err_msg=told, strict=True)
    if found.dtype.kind == "f":
        real = ~np.isnan(expected)
        np.testing.assert_array_equal(np.signbit(found)[real], np.signbit(expected)[real], err_msg=told)


def is_right(node: Node, seen: dict[str, np.ndarray]) -> None:
    """Check that the value of a node is what NumPy computes of the values of its operands."""
    found, params = seen[node.path], dict(node.params)
    arrays = tuple(seen[source.path] for source in node.inputs)
    assert found.dtype == node.type.dtype.numpy and found.shape == node.type.shape
    with np.errstate(all="ignore"):
        expected = node.op.evaluate(arrays, params, node.type)
        bound = tolerance(node, arrays, expected)
        near = np.abs(found.astype(float) - expected.astype(float)) <= bound
    wrong = ~(near | (found == expected) | ((found != found) & (expected != expected)))
    if wrong.any():
        at = tuple(int(place) for place in np.argwhere(wrong)[0])
        told = [f"{array.dtype}{list(array.shape)}" for array in arrays]
        raise AssertionError(
            f"{node.path} = {node.op.name}({', '.join(told)}, {params}): element {at} is {found[at]!r}, "
            f"not {expected[at]!r}; {int(wrong.sum())} of {wrong.size} are wrong"
        )


def tolerance(node: Node, arrays: tuple[np.ndarray, ...], expected: np.ndarray) -> float | np.ndarray:
    """Return how far the elements of a node may be from what NumPy computes: 0 where nothing is rounded twice."""
    if expected.dtype.kind != "f" or not expected.size:
        return 0.0
    eps = float(np.finfo(expected.dtype).eps)
    size = np.abs(expected.astype(float))
    if node.op.name in SUMS:
        positive = tuple(np.abs(array) if array.dtype.kind == "f" else array for array in arrays)
        terms = math.prod(array.size for array in arrays if array.dtype.kind == "f") / expected.size
        terms = math.sqrt(terms) if node.op.name == "contraction" else terms
        wide = node.op.evaluate(positive, dict(node.params), node.type).astype(float)
        return 2 * eps * max(1.0, terms) * wide
    if node.op.name in LOGARITHMIC:
        largest = np.abs(arrays[0][np.isfinite(arrays[0])]).max(initial=1.0)
        return 16 * eps * np.maximum(size, largest if node.op.name != "softmax" else size)
    if isinstance(node.op, Elementwise) and is_approximate(node.op, arrays, dict(node.params)):
        return 16 * eps * np.maximum(size, 0.0 if node.op.name in BASIC else 1.0)
    return 0.0


def is_approximate(op: Elementwise, arrays: tuple[np.ndarray, ...], params: dict) -> bool:
    """Say whether the rule of an operation uses more than what every processor rounds in the same way."""
    used: set[str] = set()

    class Recorder:
        def __init__(self, scalars):
            self.scalars = scalars

        def __getattr__(self, name):
            used.add(name)
            return getattr(self.scalars, name)

    from pellucid.ops.scalar import numpy_scalars

    op.rule(Recorder(numpy_scalars(op.scalars_of(arrays).dtype)), *arrays, **params)
    return bool(used & set(BASIC))
