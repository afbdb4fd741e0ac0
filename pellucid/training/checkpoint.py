"""Checkpoints: everything that a run needs to go on as if it had never stopped, in one file written at once."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pellucid.errors import ModelError
from pellucid.files import write_atomically

SCHEMA = 1


@dataclass
class Progress:
    """How far training has come.

    Attributes
    ----------
    parameters, state : dict of ndarray
        After the last step finished.
    best : dict of ndarray
        The parameters with the best value of the metric that is watched; empty before the first epoch ended.
    epoch : int
        Epochs that ended.
    epoch_steps : int
        Steps of the next epoch that are finished already.
    step : int
        Steps since training began.
    loss_sum, weight_sum : float
        Over the steps of the epoch under way.
    """

    parameters: dict[str, np.ndarray]
    state: dict[str, np.ndarray]
    best: dict[str, np.ndarray] = field(default_factory=dict)
    best_value: float = float("nan")
    best_epoch: int = 0
    epoch: int = 0
    epoch_steps: int = 0
    step: int = 0
    waited: int = 0
    seconds: float = 0.0
    loss_sum: float = 0.0
    weight_sum: float = 0.0
    schedule: dict[str, float] = field(default_factory=dict)
    history: list[dict[str, Any]] = field(default_factory=list)
    finished: str = ""


_ARRAYS = ("parameters", "state", "best")


def save_checkpoint(path: str | os.PathLike[str], progress: Progress, fingerprint: str) -> None:
    """Write a checkpoint; whenever the machine stops, either the old file or the new one is there, whole.

    Parameters
    ----------
    path : path
    progress : Progress
    fingerprint : str
        What the run is: a later run with another one must not go on from here.
    """
    from safetensors.numpy import save

    arrays = {f"{kind}/{name}": value for kind in _ARRAYS for name, value in getattr(progress, kind).items()}
    numbers = {key: value for key, value in _numbers(progress).items()}
    metadata = {"schema": str(SCHEMA), "fingerprint": fingerprint, "progress": json.dumps(numbers)}
    contiguous = {name: np.asarray(value, order="C") for name, value in arrays.items()}
    write_atomically(path, save(contiguous, metadata=metadata))


def _numbers(progress: Progress) -> dict[str, Any]:
    known = {**progress.__dict__}
    return {key: value for key, value in known.items() if key not in _ARRAYS}


def load_checkpoint(path: str | os.PathLike[str], fingerprint: str) -> Progress:
    """Read a checkpoint of the run with this fingerprint.

    Raises
    ------
    ModelError
        Where the file is damaged, or belongs to another run.
    """
    from safetensors import SafetensorError, safe_open

    where = str(path)
    try:
        with safe_open(where, framework="numpy") as file:
            metadata = file.metadata() or {}
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a mapping)
        numbers = json.loads(metadata["progress"])
    except (SafetensorError, KeyError, ValueError, OSError) as error:
        raise ModelError(
            "the checkpoint can not be read", where=where, got=str(error)[:120], fix="Delete it to start anew."
        ) from None
    if metadata.get("schema") != str(SCHEMA):
        raise ModelError("a checkpoint of another version", where=where, got=str(metadata.get("schema")), expected="1")
    if metadata.get("fingerprint") != fingerprint:
        raise ModelError(
            "the checkpoint belongs to another run: network, data, seed or settings differ",
            where=where,
            fix="Resume with what it was made with, or delete it to start anew.",
        )
    progress = Progress({}, {})
    known = _numbers(progress)
    if set(numbers) != set(known):
        raise ModelError("the checkpoint is incomplete", where=where, fix="Delete it to start anew.")
    for key, value in numbers.items():
        setattr(progress, key, value)
    for name, value in arrays.items():
        kind, _, path_ = name.partition("/")
        if kind not in _ARRAYS:
            raise ModelError("the checkpoint holds an unknown array", where=where, got=name)
        getattr(progress, kind)[path_] = value
    return progress
