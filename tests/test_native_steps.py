"""Random training steps as machine code: against NumPy, in place, in any memory, and whole epochs of them."""

from __future__ import annotations

import numpy as np
import pytest
from native_runs import POISONS, agree, agree_in_any_memory, poisoned, same_bits
from random_steps import RandomStep, random_step

from pellucid.executors.inputs import step_inputs
from pellucid.executors.native.assemble import BAD
from pellucid.executors.native.compiled import Compiled
from pellucid.executors.native.program import NativeProgram
from pellucid.executors.program import compile_epochs

DEFAULT, LONG = 16, 600


def check(seed: int) -> None:
    case = random_step(seed)
    outputs = agree(case.step.graph, case.inputs)
    agree_in_any_memory(case.step.graph, case.inputs, outputs)
    agree_in_place(case)


def agree_in_place(case: RandomStep, steps: int = 3) -> None:
    """Check steps that write what is carried over what it was: the same bits as without, in any memory."""
    form = case.step.form
    program = NativeProgram(form.graph)
    compiled = Compiled(form.graph, carried={name: name for name in form.carried}, checked=True)
    nodes, loss = compiled.assembled.graph.inputs, compiled.assembled.graph.outputs["loss"]
    for byte in (0, *POISONS):
        arena, values = poisoned(compiled, byte), dict(case.inputs)
        for name, value in values.items():
            arena.view(nodes[name])[...] = value
        for step in range(steps):
            expected = program(**values)
            compiled.run(arena.address, arena.scratch)
            compiled.raise_errors(arena)
            told = f"seed {case.seed}, step {step}, memory full of {byte:#x}"
            finite = all(np.isfinite(expected[name]).all() for name in form.carried)
            assert (arena.words[BAD // 8] == 0) == finite, told
            for name in form.carried:
                same_bits(np.array(arena.view(nodes[name])), expected[name], f"{told}, {name}")
            same_bits(np.array(arena.view(loss)), expected["loss"], f"{told}, loss")
            if not finite:
                break
            values |= {name: expected[name] for name in form.carried}


def agree_over_epochs(seed: int) -> None:
    """Check that an epoch that is all machine code gives the bits of its steps taken one by one."""
    case = random_step(seed)
    form, rng = case.step.form, np.random.default_rng(seed)
    count = 2 * form.batch + max(1, form.batch // 2)
    rows = rng.integers(0, form.batch, count)
    arrays = {name: np.ascontiguousarray(case.inputs[name][rows]) for name in form.data}
    arrays[form.weight] = rng.uniform(0.5, 1.5, count).astype(case.inputs[form.weight].dtype)
    settings = {name: float(case.step.settings[name]) for name in form.settings}
    carried = {name: case.inputs[name] for name in form.carried}
    program = compile_epochs(form, "native")
    order = program.order(7, 1, count)
    part = program.run(carried, arrays, order, settings, seed=7, first_step=5, seconds=60)
    assert part.steps == len(part.losses) == -(-count // form.batch) and not part.failed
    single, state = NativeProgram(form.graph, flush=True), carried
    for at in range(part.steps):
        inputs = step_inputs(form, state, arrays, order, settings, seed=7, first_step=5, at=at)
        outputs = single(**inputs)
        assert part.losses[at] == outputs["loss"], (seed, at)
        assert part.weights[at] == pytest.approx(inputs[form.weight].sum(dtype=float), rel=1e-12)
        state = {name: outputs[name] for name in form.carried}
    for name, value in state.items():
        same_bits(np.array(part.carried[name]), value, f"seed {seed}, {name}")


@pytest.mark.parametrize("seed", range(100, 106))
def test_epochs_are_their_steps(seed):
    agree_over_epochs(seed)


@pytest.mark.parametrize("seed", range(DEFAULT))
def test_random_training_steps(seed):
    check(seed)


@pytest.mark.long
@pytest.mark.parametrize("block", range(30))
def test_many_random_training_steps(block):
    for seed in range(DEFAULT + block, LONG, 30):
        check(seed)
        agree_over_epochs(seed)
