"""Write docs/reference/results.md: what the default recipe reaches on the example tables, over several seeds.

Run ``make results``; it takes a few minutes. Every seed draws another split, so the range says how much a single report
depends on it.
"""

from __future__ import annotations

import argparse
import platform
from pathlib import Path

import numpy as np

import pellucid as pl
from pellucid.workflow import train_table

ROOT = Path(__file__).parents[1]
SEEDS = range(8)
TABLES = {"digits": "digit", "wine": "cultivar", "breast_cancer": "diagnosis", "diabetes": "progression"}
METRICS = ("accuracy", "log_loss", "rmse")


def measure(table: str, target: str) -> list[dict[str, dict[str, float]]]:
    """Train once per seed; return the test rows' metrics of each run, by metric and by who predicted."""
    path = ROOT / "examples" / "tables" / f"{table}.csv"
    runs = [train_table(path, target, seed=seed) for seed in SEEDS]
    return [
        {metric: {who: score.value for who, score in scores.items()} for metric, scores in section.scores.items()}
        for run in runs
        for section in run.report.sections
    ]


def write_cell(values: list[float], metric: str) -> str:
    """Return mean and range."""
    scale, unit, digits = (100, " %", 1) if metric == "accuracy" else (1, "", 1 if metric == "rmse" else 3)
    mean, low, high = (f"{scale * number:.{digits}f}" for number in (np.mean(values), min(values), max(values)))
    return f"{mean}{unit} ({low} to {high})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "reference" / "results.md")
    out = parser.parse_args().out
    lines = [
        "# What the default recipe reaches",
        "",
        f"`pellucid train` with its default settings on the example tables, seeds {SEEDS[0]} to {SEEDS[-1]}, each with",
        "a split of its own: mean on the test rows, and the range over the seeds. Written by `make results` with",
        f"Pellucid {pl.__version__}, NumPy {np.__version__}, Python {platform.python_version()}.",
        "",
        "| table | metric | network | linear model | gradient boosting | majority class or mean |",
        "|---|---|---|---|---|---|",
    ]
    for table, target in TABLES.items():
        runs = measure(table, target)
        for metric in (name for name in METRICS if name in runs[0]):
            cells = [write_cell([run[metric][who] for run in runs], metric) for who in runs[0][metric]]
            lines.append(f"| {table} | {metric.replace('_', ' ')} | " + " | ".join(cells) + " |")
    out.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
