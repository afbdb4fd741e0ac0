"""Checkpoints that a training has left, found and read."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from pellucid.errors import UsageError
from pellucid.training.arrangement import Arrangement
from pellucid.training.checkpoint import Progress, load_checkpoint

Paths = str | os.PathLike[str] | Iterable[str | os.PathLike[str]]


def read_checkpoints(arranged: Arrangement, given: Paths) -> list[Progress]:
    """Return where a training stood when its checkpoints were written.

    Parameters
    ----------
    arranged : Arrangement
    given : path or list of paths
        Files that ``pl.fit(checkpoint=...)`` has written, or folders of them.

    Raises
    ------
    ModelError
        Where a file is damaged, or belongs to another run.
    UsageError
        Where there is none.
    """
    paths = [given] if isinstance(given, str | os.PathLike) else list(given)
    files = [file for path in paths for file in _files(Path(path))]
    if not files:
        return []
    training = arranged.with_run(checkpoint=files[0]).training()
    found = (load_checkpoint(file, training.plan.fingerprint) for file in files)
    return [_in_order(progress, training.progress) for progress in found]


def _in_order(found: Progress, beginning: Progress) -> Progress:
    """Return the same with its arrays in the order of the network, which files do not keep."""
    return found.changed(
        parameters={path: found.parameters[path] for path in beginning.parameters},
        state={path: found.state[path] for path in beginning.state},
        best={path: found.best[path] for path in beginning.parameters if path in found.best},
    )


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise UsageError("there is no such file or folder", where="checkpoints", got=str(path))
    found = [file for file in sorted(path.iterdir()) if file.is_file() and _is_checkpoint(file)]
    if not found:
        fix = "Name the files that pl.fit(checkpoint=...) has written."
        raise UsageError("no checkpoint is in the folder", where="checkpoints", got=str(path), fix=fix)
    return found


def _is_checkpoint(file: Path) -> bool:
    """Say whether a file in a folder means to be a checkpoint; whether it is a sound one is seen when it is read."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(str(file), framework="numpy") as opened:
            return "progress" in (opened.metadata() or {})
    except (SafetensorError, OSError):
        return False
