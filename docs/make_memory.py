"""Write docs/reference/memory.md: what reading and training on a CSV file of 1 GB takes, beside what the guide says.

Run ``make memory``; it takes some minutes, 1 GB of disk and about 3 GB of memory. The peak is that of a process of its
own, as the operating system counts it, so this script needs Linux or macOS.
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv

import pellucid as pl

ROOT = Path(__file__).parents[1]
ROWS, BLOCK = 9_450_000, 450_000
NUMBERS, FEATURES = 8, 8 + 1 + 5 + 4
"""Eight numbers and a count; a date, which gives five features; a category of four."""

TEXT = """\
# Memory

`pellucid train` on a CSV file of {size:.2f} GB: {rows:,} rows of {columns} columns (nine numbers, a date, a category of
four and the target, a number), {cells:.0f} million cells, with `--time {limit}s`. Peaks are of the whole process.

| | stated | measured |
|---|---|---|
| reading alone (`pl.read_table`) | {stated_read:.2f} GB | {read:.2f} GB |
| `pellucid train` | {stated_train:.2f} GB | {train:.2f} GB |

What is stated follows from the rule in [chapter 6](../guide/6-tables.md) before anything is read: {base} MB for the
program, 8 bytes for each cell, 4 bytes for each of the {features} features of the training and validation rows, and
{baselines} MB for the baselines; {read_extra} MB while a CSV file is read. Reading took {read_seconds:.0f} s,
everything together {train_seconds:.0f} s, on a shared machine.

Written by `make memory` with Pellucid {version}, pyarrow {arrow}, Python {python}.
"""
BASE, BASELINES, READING = 0.25, 0.9, 0.4


def write_table(path: Path) -> None:
    """Write a CSV file of about 1 GB."""
    random = np.random.default_rng(0)
    with pa.OSFile(str(path), "wb") as file:
        for start in range(0, ROWS, BLOCK):
            x = random.standard_normal((BLOCK, NUMBERS)).round(6)
            y = (2 * x[:, 0] + np.sin(3 * x[:, 1]) + x[:, 2] * x[:, 3] + 0.3 * random.standard_normal(BLOCK)).round(6)
            days = np.datetime64("2020-01-01") + random.integers(0, 1500, BLOCK)
            columns = {f"x{i}": x[:, i] for i in range(NUMBERS)} | {"count": random.integers(0, 100_000, BLOCK)}
            columns |= {"colour": np.array(["red", "green", "blue", "violet"])[random.integers(0, 4, BLOCK)]}
            columns |= {"day": days.astype("datetime64[D]"), "y": y}
            options = pyarrow.csv.WriteOptions(include_header=start == 0)
            pyarrow.csv.write_csv(pa.table(columns), file, options)


def measure(arguments: list[str], folder: str) -> tuple[float, float]:
    """Return the peak of a process in GB, and its seconds."""
    watch = (
        "import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL); "
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    )
    began = time.perf_counter()
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
    command = [sys.executable, "-c", watch, sys.executable, *arguments]
    told = subprocess.run(command, check=True, capture_output=True, text=True, cwd=folder, env=environment).stdout
    unit = 1 if sys.platform == "darwin" else 1024  # bytes there, KiB elsewhere
    return int(told) * unit / 1e9, time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "reference" / "memory.md")
    parser.add_argument("--limit", type=int, default=30, help="seconds that the training may take")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder) / "big.csv"
        write_table(table)
        size = table.stat().st_size / 1e9
        read, read_seconds = measure(["-c", f"import pellucid; pellucid.read_table({str(table)!r})"], folder)
        command = ["-m", "pellucid", "train", str(table), "--target", "y", "--time", f"{given.limit}s", "--quiet"]
        train, train_seconds = measure([*command, "--out", "run"], folder)
    cells = ROWS * (NUMBERS + 4)
    stated_read = BASE + READING + 8 * cells / 1e9
    stated_train = max(stated_read, BASE + BASELINES + 8 * cells / 1e9 + 4 * FEATURES * 0.8 * ROWS / 1e9)
    text = TEXT.format(
        size=size,
        rows=ROWS,
        columns=NUMBERS + 4,
        cells=cells / 1e6,
        limit=given.limit,
        stated_read=stated_read,
        read=read,
        stated_train=stated_train,
        train=train,
        base=round(1000 * BASE),
        features=FEATURES,
        baselines=round(1000 * BASELINES),
        read_extra=round(1000 * READING),
        read_seconds=read_seconds,
        train_seconds=train_seconds,
        version=pl.__version__,
        arrow=pa.__version__,
        python=platform.python_version(),
    )
    given.out.write_text(text, encoding="utf-8", newline="\n")
    print(text)


if __name__ == "__main__":
    main()
