"""Write docs/reference/observation-cost.md: what it costs to record a training and to observe one of its steps.

Every training is run with and without a recorder in turn; of each the shortest of some runs counts. Run it on an idle
core: ``taskset -c 1 python docs/make_observation_cost.py``.
"""

from __future__ import annotations

import argparse
import platform
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import pellucid as pl
from pellucid.inspection.recorder import Recorder

ROOT = Path(__file__).parents[1]
TEXT = """\
# What observing costs

`pl.fit` alone, and with `on=pl.Recorder()`, which records the layers as often as 5 % of the time allows: the shortest
of {repeats} runs each, one core. "Spent" is what the recorder itself took, by its own clock; the rest of the
difference is the telling of events, and noise. Both give the same parameters, to the bit, by the same machine code.

| training | alone | recorded | difference | spent | records | one step, whole |
|---|---|---|---|---|---|---|
{rows}

The last column is what it takes to observe one step with all its values and gradients, once more: the first time,
machine code is made for it, a few tenths of a second.

Written by `docs/make_observation_cost.py` with Pellucid {version}, NumPy {numpy}, Python {python}.
"""


@dataclass(frozen=True)
class Case:
    """A training to measure, by what it is called."""

    name: str
    layers: list[pl.Layer]
    features: int
    rows: int
    epochs: int


def cases() -> list[Case]:
    """Return trainings of about a second: small and large networks, deep ones, and thousands of epochs."""
    wide = [pl.Dense(512, "relu"), pl.Dense(512, "relu"), pl.Dense(10)]
    return [
        Case("2,000 rows, 20-64-32-3", [pl.Dense(64, "relu"), pl.Dense(32, "relu"), pl.Dense(3)], 20, 2000, 5000),
        Case("2,000 rows, 12 layers of 32", [*(pl.Dense(32, "tanh") for _ in range(12)), pl.Dense(3)], 20, 2000, 700),
        Case("10,000 rows, 784-128-64-10", [pl.Dense(128, "relu"), pl.Dense(64, "relu"), pl.Dense(10)], 784, 10000, 40),
        Case("4,000 rows, 784-512-512-10", wide, 784, 4000, 18),
        Case("32 rows, 2-4-2", [pl.Dense(4, "tanh"), pl.Dense(2)], 2, 32, 100_000),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "reference" / "observation-cost.md")
    parser.add_argument("--repeats", type=int, default=5)
    given = parser.parse_args()
    text = TEXT.format(
        repeats=given.repeats,
        rows="\n".join(measure(case, given.repeats) for case in cases()),
        version=pl.__version__,
        numpy=np.__version__,
        python=platform.python_version(),
    )
    given.out.write_text(text, encoding="utf-8", newline="\n")
    print(text)


def measure(case: Case, repeats: int) -> str:
    """Return a row of the table."""
    random = np.random.default_rng(0)
    network = pl.Network(case.layers, inputs=case.features)
    classes = int(network.outputs["output"].shape[0])
    data = pl.Dataset({"x": random.normal(size=(case.rows, case.features))}, random.integers(0, classes, case.rows))

    def train(**options: Any) -> pl.Fit:
        return pl.fit(network, data, loss="softmax_cross_entropy", progress=False, **{"epochs": case.epochs, **options})

    train(epochs=1)  # compiles
    alone, recorded, spent, records = np.inf, np.inf, 0.0, 0
    for _ in range(repeats):
        seconds, without = timed(train)
        alone = min(alone, seconds)
        recorder = Recorder()
        seconds, with_it = timed(lambda: train(on=recorder))  # noqa: B023 (called at once)
        if seconds < recorded:
            recorded, spent, records = seconds, recorder.seconds / seconds, len(recorder.records)
        for path, array in without.parameters.items():
            assert with_it.parameters[path].tobytes() == array.tobytes(), path
    step = one_step(train)
    return (
        f"| {case.name} | {alone:.2f} s | {recorded:.2f} s | {100 * (recorded / alone - 1):+.1f} % "
        f"| {100 * spent:.1f} % | {records} | {1000 * step:.1f} ms |"
    )


def one_step(train: Callable[..., pl.Fit]) -> float:
    """Return how long it takes to observe a step, once that is compiled."""
    seconds = []

    def watch(event: pl.events.Event) -> None:
        if isinstance(event, pl.events.TrainingStarted):
            seconds.extend(timed(lambda: pl.observe(event))[0] for _ in range(4))

    train(epochs=1, on=watch)
    return min(seconds[1:])


def timed(call: Callable[[], Any]) -> tuple[float, Any]:
    """Return the seconds that a call took, and what it gave."""
    began = time.perf_counter()
    found = call()
    return time.perf_counter() - began, found


if __name__ == "__main__":
    main()
