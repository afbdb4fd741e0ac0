"""Memory of native programs: debug mode, what is carried in place, flags, subnormals."""

from __future__ import annotations

import numpy as np
import pytest
from native_runs import POISONS, poisoned, same_bits

import pellucid as pl
from pellucid.errors import PellucidError
from pellucid.executors.native.assemble import BAD
from pellucid.executors.native.compiled import Compiled
from pellucid.executors.native.program import NativeProgram
from pellucid.executors.native.values import RULES, At
from pellucid.graph.builder import Builder


def lost(values, node, place):
    """A rule that is wrong: it takes elements from far behind the end."""
    first, *rest = place
    return values.value(node.inputs[0], (At(values.plus(first.base, 10**6), first.step), *rest))


@pytest.mark.parametrize(
    ("function", "type"),
    [
        (lambda x: pl.exp(pl.stop_gradient(x)), pl.float32[40, 3]),
        (lambda x: pl.exp(pl.stop_gradient(x)), pl.float32[3, 40]),
        (lambda x: pl.sum(pl.stop_gradient(x), axis=0), pl.float64[40, 3]),
        (lambda x: pl.sum(pl.stop_gradient(x)), pl.float32[4]),
    ],
)
def test_debug_mode_finds_an_access_outside_of_a_buffer(monkeypatch, function, type):
    graph = pl.build(function, x=type)
    NativeProgram(graph, checked=True)(x=np.ones(type.shape))
    monkeypatch.setitem(RULES, "stop_gradient", lost)
    with pytest.raises(PellucidError, match=r"kernel \d+: generated code left its memory"):
        NativeProgram(graph, checked=True)(x=np.ones(type.shape))


def in_place(graph, carried, inputs, steps=3):
    """Run steps that carry values over, in memory full of anything; compare with steps that do not."""
    program, compiled = NativeProgram(graph), Compiled(graph, carried=carried, checked=True)
    nodes = compiled.assembled.graph.inputs
    for byte in (0, *POISONS):
        arena, values = poisoned(compiled, byte), dict(inputs)
        for name, value in inputs.items():
            arena.view(nodes[name])[...] = value
        for _ in range(steps):
            expected = program(**values)
            compiled.run(arena.address, arena.scratch)
            compiled.raise_errors(arena)
            values |= {name: expected[output] for output, name in carried.items()}
            for output, name in carried.items():
                same_bits(np.array(arena.view(nodes[name])), expected[output], f"{output} carried as {name}")
    return arena


@pytest.mark.parametrize("shape", [(), (5,), (3, 40), (40, 3), (2, 17, 5), (0, 3), (1, 1)])
def test_values_that_change_places(shape):
    def step(a, b, c, d):
        return {"a": b, "b": a, "c": 2 * d + c, "d": c, "e": pl.tanh(a)}

    rng = np.random.default_rng(0)
    inputs = {name: rng.normal(size=shape) for name in "abcd"}
    graph = pl.build(step, **dict.fromkeys("abcd", pl.float64[shape]))
    in_place(graph, {name: name for name in "abcd"}, inputs)


@pytest.mark.parametrize("n", [3, 17, 64])
def test_values_that_are_read_elsewhere_when_they_are_written(n):
    def step(w, v, x, seed, at):
        product = x @ w
        return {
            "w": w - 0.1 * (pl.transpose(x, (1, 0)) @ product),
            "v": v[::-1] + pl.sum(w, axis=0),
            "x": pl.random_normal(seed, at, x.shape, "x", pl.float32),
            "at": at + 1,
            "seen": product,
        }

    rng = np.random.default_rng(0)
    types = {"w": pl.float32[n, n], "v": pl.float32[n], "x": pl.float32[5, n], "seed": pl.int64[()], "at": pl.int64[()]}
    inputs = {name: rng.normal(size=type.shape).astype(np.float32) for name, type in types.items() if type.shape}
    carried = {name: name for name in ("w", "v", "x", "at")}
    in_place(pl.build(step, **types), carried, inputs | {"seed": 3, "at": 0})


@pytest.mark.parametrize("shape", [(), (5,), (3, 40), (40, 3), (16, 16)])
@pytest.mark.parametrize("dtype", [pl.float32, pl.float64])
def test_a_carried_value_that_is_not_finite_sets_a_flag(shape, dtype):
    builder = Builder()
    w, g = (builder.input(name, dtype[shape]) for name in "wg")
    graph = builder.finish({"w": w / g, "loss": pl.sum(g)})
    compiled = Compiled(graph, carried={"w": "w"})
    nodes = compiled.assembled.graph.inputs
    for wrong in (None, 0.0, np.nan, np.inf):
        for byte in POISONS:
            arena = poisoned(compiled, byte)
            arena.view(nodes["w"])[...] = 1.0
            arena.view(nodes["g"])[...] = 2.0
            if wrong is not None:
                arena.view(nodes["w"])[tuple(size - 1 for size in shape)] = np.nan if wrong != 0 else 1.0
                arena.view(nodes["g"])[tuple(size - 1 for size in shape)] = wrong
            compiled.run(arena.address, arena.scratch)
            assert (arena.words[BAD // 8] != 0) == (wrong is not None)


def test_sums_by_index_are_watched_too():
    builder = Builder()
    table, rows = builder.input("table", pl.float32[4, 3]), builder.input("rows", pl.float32[2, 3])
    graph = builder.finish({"table": pl.scatter_add(table, np.array([1, 1]), rows)})
    compiled = Compiled(graph, carried={"table": "table"})
    nodes = compiled.assembled.graph.inputs
    for largest, bad in ((1.0, False), (3e38, True)):
        arena = poisoned(compiled, 0xFF)
        arena.view(nodes["table"])[...] = 0
        arena.view(nodes["rows"])[...] = largest
        compiled.run(arena.address, arena.scratch)
        assert (arena.words[BAD // 8] != 0) == bad


def test_subnormals_stay_outside_of_training_and_nothing_leaks_from_it():
    graph = pl.build(lambda x: 0.5 * x, x=pl.float32[3])
    x = np.array([1e-38, 3e-45, 1.0], np.float32)
    kept = NativeProgram(graph)(x=x)["value"]
    np.testing.assert_array_equal(kept, np.float32(0.5) * x)
    assert kept[0] > 0
    flushed = NativeProgram(graph, flush=True)(x=x)["value"]
    assert flushed.tolist() == [0.0, 0.0, 0.5]
    assert (np.float32(0.5) * x)[0] > 0
