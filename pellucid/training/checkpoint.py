"""Checkpoints: everything that a run needs to go on as if it had never stopped, in one file written at once."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pellucid.errors import ModelError
from pellucid.files import write_atomically

SCHEMA = 2


@dataclass(frozen=True)
class Progress:
    """How far training has come: replaced as a whole, so that an interrupt never finds one half of a step.

    Attributes
    ----------
    parameters, state : mapping of ndarray
        After the last step finished.
    best : mapping of ndarray
        The parameters with the best value of the metric that is watched; empty before the first epoch ended.
    best_value, best_epoch
        That value, and the epoch after which it was found; 0 before the first epoch ended.
    counted_value : float
        The last value that was better than those before it by as much as counts for early stopping.
    waited : int
        Epochs since then.
    epoch : int
        Epochs that ended.
    epoch_steps : int
        Steps of the next epoch that are finished already.
    step : int
        Steps since training began.
    loss_sum, weight_sum : float
        Over the steps of the epoch under way.
    seconds : float
        Spent, over all runs from the first one on.
    schedule : dict of float
        What the schedule remembers.
    history : list of dict
        One record for each epoch that ended. The list is shared by all progress of a run: only its first `epoch`
        records belong here, see :attr:`records`.
    """

    parameters: Mapping[str, np.ndarray]
    state: Mapping[str, np.ndarray]
    best: Mapping[str, np.ndarray] = field(default_factory=dict)
    best_value: float = float("nan")
    best_epoch: int = 0
    counted_value: float = float("nan")
    epoch: int = 0
    epoch_steps: int = 0
    step: int = 0
    waited: int = 0
    seconds: float = 0.0
    loss_sum: float = 0.0
    weight_sum: float = 0.0
    schedule: dict[str, float] = field(default_factory=dict)
    history: list[dict[str, Any]] = field(default_factory=list)

    def changed(self, **changes: Any) -> Progress:
        """Return a copy with changes, as `dataclasses.replace` does, in a tenth of the time: epochs can be short."""
        copy = object.__new__(Progress)
        copy.__dict__.update(self.__dict__, **changes)
        return copy

    @property
    def records(self) -> list[dict[str, Any]]:
        """The history of the epochs that ended."""
        return self.history[: self.epoch]


_ARRAYS = ("parameters", "state", "best")


def save_checkpoint(path: str | os.PathLike[str], progress: Progress, fingerprint: str) -> None:
    """Write a checkpoint; whenever the machine stops, either the old file or the new one is there, whole.

    Parameters
    ----------
    path : path
    progress : Progress
    fingerprint : str
        What the run is: a later run with another one must not go on from here.

    Raises
    ------
    ModelError
        Where the file can not be written, as on a full disk. An older checkpoint is left as it is.
    """
    from safetensors.numpy import save

    arrays = {f"{kind}/{name}": value for kind in _ARRAYS for name, value in getattr(progress, kind).items()}
    contiguous = {name: np.asarray(value, order="C") for name, value in arrays.items()}
    metadata = {"schema": str(SCHEMA), "fingerprint": fingerprint, "progress": json.dumps(_numbers(progress))}
    metadata["digest"] = _digest(contiguous, metadata)
    try:
        write_atomically(path, save(contiguous, metadata=metadata))
    except OSError as error:
        raise ModelError(
            "the checkpoint can not be written", where=str(path), got=error.strerror, fix="Make room, and resume."
        ) from None


def _numbers(progress: Progress) -> dict[str, Any]:
    numbers = {key: value for key, value in progress.__dict__.items() if key not in _ARRAYS}
    return {**numbers, "history": progress.records}


def _digest(arrays: Mapping[str, np.ndarray], metadata: Mapping[str, str]) -> str:
    """Return a SHA-256 over everything in a checkpoint."""
    digest = hashlib.sha256(repr(sorted((key, text) for key, text in metadata.items() if key != "digest")).encode())
    for name in sorted(arrays):
        digest.update(f"{name} {arrays[name].dtype} {arrays[name].shape}".encode())
        digest.update(arrays[name].reshape(-1).view(np.uint8).data)
    return digest.hexdigest()


def _unreadable(where: str, got: str) -> ModelError:
    return ModelError("the checkpoint can not be read", where=where, got=got, fix="Delete it to start anew.")


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
    except (SafetensorError, AttributeError, TypeError, OSError) as error:  # the middle ones: dtypes that NumPy lacks
        raise _unreadable(where, str(error)[:120]) from None
    if (schema := metadata.get("schema")) != str(SCHEMA):
        got, fix = str(schema)[:20], "Delete it to start anew."
        raise ModelError("a checkpoint of another version", where=where, got=got, expected=str(SCHEMA), fix=fix)
    if metadata.get("digest") != _digest(arrays, metadata):
        raise _unreadable(where, "other content than was written")
    numbers = json.loads(metadata["progress"])
    if metadata.get("fingerprint") != fingerprint:
        raise ModelError(
            "the checkpoint belongs to another run: network, data, seed or settings differ",
            where=where,
            fix="Resume with what it was made with, or delete it to start anew.",
        )
    found: dict[str, Any] = {kind: {} for kind in _ARRAYS}
    for name, value in arrays.items():
        kind, _, path_ = name.partition("/")
        found[kind][path_] = value
    return Progress(**found, **numbers)
