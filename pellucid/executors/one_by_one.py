"""Whole epochs as a plain loop around an executor's epochs: what :meth:`EpochProgram.run_epochs` means."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from pellucid.errors import PellucidError
from pellucid.executors.epochs import EpochProgram, Epochs, Judging


def run_one_by_one(
    program: EpochProgram,
    carried: Mapping[str, np.ndarray],
    arrays: Mapping[str, Any],
    rows: np.ndarray,
    settings: Mapping[str, Any],
    *,
    seed: int,
    first_epoch: int,
    epochs: int,
    shuffle: bool,
    judging: Judging | None = None,
) -> Epochs:
    """Run whole epochs, each by itself; see :class:`pellucid.executors.epochs.EpochProgram`."""
    steps = -(-len(rows) // program.step.batch)
    after: list[Mapping[str, np.ndarray]] = []
    sums: list[Mapping[str, float]] = []
    losses, weights = np.zeros((epochs, steps)), np.zeros((epochs, steps))
    failed = interrupted = False
    try:
        for number in range(epochs):
            epoch = first_epoch + number
            order = rows[program.order(seed, epoch, len(rows))] if shuffle else rows
            of_epoch = {name: value[number] if np.ndim(value) else value for name, value in settings.items()}
            start = after[-1] if after else carried
            found = program.run(
                start, arrays, order, of_epoch, seed=seed, first_step=epoch * steps, seconds=float("inf")
            )
            interrupted, failed = found.interrupted, found.failed
            if found.steps < steps:
                break
            if judging is not None:
                sums.append(judge(judging, found.carried))
            losses[number], weights[number] = found.losses, found.weights
            after.append(found.carried)
            if interrupted:
                break
    except KeyboardInterrupt:
        interrupted = True
    except PellucidError:
        failed = True
    done = len(after)
    return Epochs(after, losses[:done], weights[:done], sums[:done], failed, interrupted)


def judge(judging: Judging, carried: Mapping[str, np.ndarray]) -> dict[str, float]:
    """Return what the judge says of the parameters among what is carried."""
    program = judging.program
    wanted = [name for name in program.graph.inputs if name not in program.rows and name not in judging.settings]
    fixed = {name: carried[name] for name in wanted}
    settings = {name: value for name, value in judging.settings.items() if name in program.graph.inputs}
    return program.run({**fixed, **settings}, judging.examples)
