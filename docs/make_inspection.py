"""Write docs/reference/inspection.md: what it costs to record, to explain, to draw, and to survey a landscape.

Run it on an idle core: `taskset -c 1 python docs/make_inspection.py`, or `make inspection`.
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
# What seeing costs

Measured on one core{processor}. Written by `docs/make_inspection.py` with Pellucid {version}, NumPy {numpy}, Python
{python}.

## Recording a training

`pl.fit` alone, and with `on=pl.Recorder()`, which records the layers as often as 3 % of the time allows (`budget`); the
goal is 5 % in all. The shortest of {repeats} runs each. "Spent" is what the recorder itself took, by its own clock; the
rest of the difference is the telling of events, and noise. Both give the same parameters, to the bit, by the same
machine code. The last column is what it takes to observe one step with all its values and gradients, once more: the
first time, machine code is made for it, a few tenths of a second.

| training | alone | recorded | difference | spent | records | one step, whole |
|---|---|---|---|---|---|---|
{recording}

## Explaining one number

`pl.explain` of {numbers} numbers of one training step with 32 examples: values, gradients of weights and of
activations, Adam's updates and the loss, each with parts, paths, examples and the check by differences. The goal is
0.2 s in a network of 10,000 parameters.

| network | parameters | the first | median | the slowest |
|---|---|---|---|---|
{explaining}

## Drawing

The SVG of an observation, laid out and painted. The goal is 2 s for 1,000 nodes.

| graph | nodes drawn | seconds |
|---|---|---|
{drawing}

## Landscapes

`pl.landscape` with 51 x 51 points, compiling included. The goal is 1 s for a small network.

| network | rows | the first | again |
|---|---|---|---|
{landscapes}
"""


EXPLAINED = ((784, 12, 10), (64, 100, 30, 10), (20, 90, 80, 8))
NUMBERS = 61
SURVEYED = (((4, 16, 3), 150), ((2, 8, 8, 2), 500), ((64, 32, 10), 1797))


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
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "reference" / "inspection.md")
    parser.add_argument("--repeats", type=int, default=5)
    given = parser.parse_args()
    text = TEXT.format(
        repeats=given.repeats,
        recording="\n".join(measure(case, given.repeats) for case in cases()),
        explaining="\n".join(map(measure_explaining, EXPLAINED)),
        numbers=NUMBERS,
        drawing="\n".join(measure_drawing(*drawn) for drawn in drawings()),
        landscapes="\n".join(measure_landscape(*sizes) for sizes in SURVEYED),
        processor=processor(),
        version=pl.__version__,
        numpy=np.__version__,
        python=platform.python_version(),
    )
    given.out.write_text(text, encoding="utf-8", newline="\n")
    print(text)


def processor() -> str:
    """Return the processor's name, where the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return " of a " + next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return ""


def classify(sizes: tuple[int, ...], rows: int, activation: str = "relu") -> tuple[pl.Network, pl.Dataset]:
    """Return a network of these sizes and examples for it."""
    random = np.random.default_rng(0)
    network = pl.Network([*(pl.Dense(n, activation) for n in sizes[1:-1]), pl.Dense(sizes[-1])], inputs=sizes[0])
    return network, pl.Dataset({"x": random.normal(size=(rows, sizes[0]))}, random.integers(0, sizes[-1], rows))


def measure_explaining(sizes: tuple[int, ...]) -> str:
    """Return a row of the table: numbers drawn from all over a step."""
    network, data = classify(sizes, 64)
    seen: list[pl.Observation] = []

    def watch(event: pl.events.Event) -> None:
        if isinstance(event, pl.events.TrainingStarted):
            seen.append(pl.observe(event))

    pl.fit(network, data, loss="softmax_cross_entropy", epochs=1, on=watch, progress=False)
    random = np.random.default_rng(1)
    weights = [path for path in network.parameters if path.endswith("weight")]
    addresses = ["loss"]
    while len(addresses) < NUMBERS:
        path = weights[random.integers(len(weights))]
        shape = network.parameters[path].type.shape
        place = f"{path}[{random.integers(int(shape[0]))}, {random.integers(int(shape[1]))}]"
        unit = f"dense_1/relu[{random.integers(32)}, {random.integers(sizes[1])}]"
        addresses += [f"d loss / d {place}", f"update of {place}", unit, f"d loss / d {unit}"]
    seconds = [timed(lambda at=address: pl.explain(seen[0], at))[0] for address in addresses[:NUMBERS]]  # type: ignore
    name = "-".join(map(str, sizes))
    told = (seconds[0], float(np.median(seconds)), max(seconds))
    return f"| {name} | {network.count_parameters():,} | " + " | ".join(f"{1000 * t:.0f} ms" for t in told) + " |"


def drawings() -> list[tuple[str, Any]]:
    """Return graphs of about a thousand nodes."""

    def chain(x: Any) -> Any:
        for number in range(500):
            x = pl.tanh(x) if number % 2 else x * 0.5 + 1.0
        return x

    def tree(x: Any) -> Any:
        level = [x[index] for index in range(256)]
        while len(level) > 1:
            level = [left * right for left, right in zip(level[::2], level[1::2], strict=True)]
        return level[0]

    def crossed(x: Any) -> Any:
        random = np.random.default_rng(0)
        values = [x[index] for index in range(16)]
        for _ in range(950):
            one, other = random.integers(max(0, len(values) - 40), len(values), 2)
            values.append(pl.tanh(values[one]) if one == other else values[one] + values[other])
        return {"sum": pl.sum(pl.concatenate([pl.reshape(value, (1,)) for value in values[-40:]], axis=0))}

    return [
        ("a chain of operations", pl.observe(chain, x=0.1)),
        ("a tree", pl.observe(tree, x=np.linspace(0.9, 1.1, 256))),
        ("crossed at random", pl.observe(crossed, x=np.linspace(-1, 1, 16))),
    ]


def measure_drawing(name: str, seen: pl.Observation) -> str:
    """Return a row of the table: the shortest of three."""
    seconds, picture = min((timed(seen.draw) for _ in range(3)), key=lambda pair: pair[0])
    return f"| {name} | {picture.count('<title>'):,} | {seconds:.2f} |"


def measure_landscape(sizes: tuple[int, ...], rows: int) -> str:
    """Return a row of the table."""
    network, data = classify(sizes, rows, "tanh")
    path = pl.TrainingPath()
    fitted = pl.fit(network, data, loss="softmax_cross_entropy", epochs=20, on=path, progress=False)
    first, again = (timed(lambda: pl.landscape(fitted, data, path=path))[0] for _ in range(2))
    return f"| {'-'.join(map(str, sizes))} | {rows:,} | {first:.2f} s | {again:.2f} s |"


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
