"""The nine tables, divided into parts, in files that every contestant reads."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from sklearn import datasets
from sklearn.model_selection import KFold, StratifiedKFold

from pellucid.bench.tune.clock import Clock
from pellucid.bench.tune.extent import FOLDS, NUMBERS

HARD = {"n_informative": 8, "n_redundant": 4, "n_classes": 4, "class_sep": 0.7, "flip_y": 0.05}


def load_table(name: str) -> tuple[np.ndarray, np.ndarray]:
    """Return examples [examples, features] and targets [examples] of one of the nine tables."""
    if name == "moons":
        return datasets.make_moons(1000, noise=0.3, random_state=0)
    if name == "four_classes":
        return datasets.make_classification(2000, 20, random_state=0, **HARD)
    if name in ("friedman1", "friedman2"):
        return getattr(datasets, f"make_{name}")(1000, noise=1 if name == "friedman1" else 50, random_state=0)
    found = getattr(datasets, f"load_{name}")()
    return found.data, found.target


def write_tables(clock: Clock, folder: str, tables: Sequence[str]) -> dict[str, Any]:
    """Write tables; classes are in equal shares in all parts."""
    for name in tables:
        x, y = load_table(name)
        kind = KFold if name in NUMBERS else StratifiedKFold
        part = np.empty(len(y), np.int64)
        for number, (_, held_out) in enumerate(kind(FOLDS, shuffle=True, random_state=0).split(x, y)):
            part[held_out] = number
        np.savez(Path(folder) / f"{name}.npz", x=np.asarray(x, np.float64), y=y, part=part)
    return {"tables": list(tables)}
