"""What is checked of the arguments of a training before anything is built."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pellucid.data.dataset import Dataset, is_sparse
from pellucid.errors import UsageError
from pellucid.nn.network import Network
from pellucid.nn.regularizers import AugmentArrays, Regularizer
from pellucid.optim.lbfgs import LBFGS
from pellucid.optim.settings import check_number
from pellucid.optim.transformation import Optimizer

DENSE_LIMIT = 2**31
"""How many bytes a mini-batch of a sparse input may take as a dense array."""


def check_parts(network: Any, dataset: Any) -> None:
    """Raise a UsageError where one of them is something else."""
    if not isinstance(network, Network):
        fix = "Write pl.Network([pl.Dense(1)], inputs=4)."
        raise UsageError("not a network", where="network", got=type(network).__name__, fix=fix)
    if not isinstance(dataset, Dataset):
        fix = "Write pl.Dataset({'x': x}, y)."
        raise UsageError("not a dataset", where="dataset", got=type(dataset).__name__, fix=fix)


def check_counts(
    epochs: Any,
    steps: Any,
    batch_size: Any,
    patience: Any,
    min_improvement: Any,
    time_limit: Any,
    checkpoint_seconds: Any,
) -> None:
    """Raise a UsageError where a count or a number of seconds is none."""
    check_number("epochs", epochs, "[0, inf)", whole=True)
    if steps is not None:
        check_number("steps", steps, "[0, inf)", whole=True)
    if batch_size is not None:
        check_number("batch_size", batch_size, "[1, inf)", whole=True)
    if patience is not None:
        check_number("patience", patience, "[1, inf)", whole=True)
    check_number("min_improvement", min_improvement, "[0, inf)")
    if time_limit is not None:
        check_number("time_limit", time_limit, "[0, inf]")
    check_number("checkpoint_seconds", checkpoint_seconds, "[0, inf]")


def check_choices(optimizer: Any, schedule: Any, regularizers: Any, metric: Any) -> None:
    """Raise a UsageError where something is not what it has to be, or does not go with the others."""
    if not isinstance(optimizer, (Optimizer, LBFGS)):
        fix = 'Give a name or an optimizer, such as "adam" or pl.optimizers.Adam(0.01).'
        raise UsageError("not an optimizer", where="optimizer", got=repr(optimizer)[:80], fix=fix)
    if schedule is not None and isinstance(optimizer, Optimizer) and not hasattr(optimizer, "learning_rate"):
        fix = "Leave the schedule out, or choose another optimizer."
        raise UsageError(f"{optimizer.name} has no learning rate that a schedule could change", fix=fix)
    if isinstance(regularizers, (str, Regularizer)) or not isinstance(regularizers, Sequence):
        fix = "Write regularizers=[pl.regularizers.L2(1e-3)]."
        raise UsageError("not a list of regularizers", where="regularizers", got=repr(regularizers)[:80], fix=fix)
    for found in regularizers:
        if not isinstance(found, Regularizer):
            fix = "Write one such as pl.regularizers.L2(1e-3)."
            raise UsageError("not a regularizer", where="regularizers", got=repr(found)[:80], fix=fix)
    if not isinstance(metric, str):
        raise UsageError("a metric is given by its name", where="metric", got=repr(metric)[:80])


def check_sparse(arrays: Mapping[str, Any], batch: int, regularizers: Sequence[Regularizer]) -> None:
    """Raise a UsageError where sparse inputs can not be learned from so."""
    sparse = {name: array for name, array in arrays.items() if is_sparse(array)}
    if sparse and any(isinstance(found, AugmentArrays) for found in regularizers):
        fix = "Use pl.regularizers.Augment, which changes mini-batches, or pass .toarray() of the inputs."
        raise UsageError(
            "AugmentArrays changes dense inputs only", got=f"input {next(iter(sparse))!r}, sparse", fix=fix
        )
    for name, array in sparse.items():
        size = batch * array.shape[1] * array.dtype.itemsize
        if size > DENSE_LIMIT:
            raise UsageError(
                "a mini-batch of the sparse input would take too much memory when it is made dense",
                where=f"input {name!r}",
                got=f"{size / 2**30:.1f} GiB for {batch:,} examples of {array.shape[1]:,} features",
                expected=f"at most {DENSE_LIMIT / 2**30:g} GiB",
                fix="Pass a smaller batch_size.",
            )


def check_folder(where: str, path: str | os.PathLike[str] | None) -> None:
    """Raise a UsageError where a file can not be there: better before training than after it."""
    if path is None:
        return
    if Path(path).is_dir():
        raise UsageError("a folder is no file", where=where, got=str(path), fix="Give the name of a file in it.")
    if not Path(path).parent.is_dir():
        raise UsageError("there is no such folder", where=where, got=str(Path(path).parent), fix="Make it first.")
