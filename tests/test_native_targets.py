"""Other processors: AVX2 gives the bits of AVX-512, AArch64 code is generated, and what lacks too much is told."""

from __future__ import annotations

import functools

import numpy as np
import pytest
from native_runs import same_bits
from random_graphs import random_graph
from random_steps import random_step

import pellucid as pl
from pellucid.errors import PellucidError
from pellucid.executors.native.assemble import assemble
from pellucid.executors.native.engine import assembly
from pellucid.executors.native.program import NativeProgram
from pellucid.executors.native.target import Target, choose, host
from pellucid.executors.native.tiles import Tile


@functools.cache
def narrow() -> Target:
    """Return the host without its widest registers; the host itself where it has no wider ones to lose."""
    found = host()
    if found.family != "x86_64":
        return found
    features = {name[1:] for name in found.features.split(",")}
    return choose(found.triple, found.cpu, frozenset(name for name in features if not name.startswith("avx512")))


@pytest.mark.parametrize("seed", range(200, 208))
def test_a_training_step_has_the_same_bits_on_a_narrower_processor(seed):
    case = random_step(seed)
    wide = NativeProgram(case.step.graph)(**case.inputs)
    for name, value in NativeProgram(case.step.graph, target=narrow())(**case.inputs).items():
        same_bits(value, wide[name], f"seed {seed}, {name}")


@pytest.mark.parametrize("seed", range(8))
def test_a_graph_has_the_same_bits_on_a_narrower_processor(seed):
    case = random_graph(seed, dtype=pl.float32, everything=True, sizes=(1, 3, 16, 33, 65), most=5000)
    wide = NativeProgram(case.graph)(**case.inputs)["loss"]
    same_bits(NativeProgram(case.graph, target=narrow())(**case.inputs)["loss"], wide)


def test_products_have_the_same_bits_on_a_narrower_processor():
    rng = np.random.default_rng(0)
    for dtype in (pl.float32, pl.float64):
        graph = pl.build(lambda x, y: x @ y, x=dtype[37, 1100], y=dtype[1100, 45])
        x, y = (rng.normal(size=shape) for shape in ((37, 1100), (1100, 45)))
        wide = NativeProgram(graph)(x=x, y=y)["value"]
        same_bits(NativeProgram(graph, target=narrow())(x=x, y=y)["value"], wide)


def test_code_for_avx2_has_no_wider_registers():
    target = choose("x86_64-unknown-linux-gnu", "skylake-avx512", frozenset(["avx2", "fma", "avx512f", "avx512vl"]))
    assert target.bytes == 32
    text = assembly(assemble(random_step(1).step.graph, target=target, flush=True).module, target)
    assert "%ymm" in text and "%zmm" not in text
    wide = choose(
        "x86_64-unknown-linux-gnu",
        "skylake-avx512",
        frozenset(["avx2", "fma", "avx512f", "avx512vl", "avx512dq", "avx512bw"]),
    )
    assert wide.bytes == 64
    assert Tile("float", 6, 4).name(target) != Tile("float", 6, 4).name(wide)


@pytest.mark.parametrize("seed", [0, 3, 5, 8])
def test_code_for_aarch64_is_generated(seed):
    target = choose("aarch64-unknown-linux-gnu", "generic", frozenset(["neon"]))
    form = random_step(seed).step.form
    assembled = assemble(form.graph, target=target, flush=True, carried={name: name for name in form.carried})
    text = assembly(assembled.module, target)
    assert "fmla" in text or "fmadd" in text
    assert "fpcr" in text.lower()  # subnormals are flushed there too


@pytest.mark.parametrize(
    ("triple", "features", "told"),
    [
        ("x86_64-unknown-linux-gnu", ["sse4.2", "avx"], "without avx2 and fma"),
        ("x86_64-pc-windows-msvc", ["avx2"], "without fma"),
        ("riscv64-unknown-linux-gnu", [], "riscv64"),
    ],
)
def test_processors_that_lack_too_much_are_told(triple, features, told):
    with pytest.raises(PellucidError, match=f"{told}.*executor=.interpret"):
        choose(triple, "generic", frozenset(features))
