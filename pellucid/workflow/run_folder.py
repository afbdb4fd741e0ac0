"""The run folder: where it goes, and how it comes to be there whole or not at all."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from pellucid.errors import ModelError, UsageError

MODEL = "model.json"
HISTORY, RECORD = "history.jsonl", "run.toml"
FILES = ("model.safetensors", HISTORY, "curves.png", RECORD, MODEL)
"""What a run folder holds. The last one is the last to come: without it there is no model."""

CHECKPOINT = "checkpoint.safetensors"
"""What is in it besides while training runs, and after it was stopped; alone it is no run."""

CHECKPOINT_SECONDS = 10.0
"""How often a checkpoint is written. Of a training that failed sooner none is kept."""

RUNS = "runs"


@dataclass(frozen=True)
class Destination:
    """Where a run folder is to be.

    Attributes
    ----------
    path : Path
    overwrite : bool
        Whether the files of an earlier run in it may be replaced. Others always stay.
    numbered : bool
        Whether the name ends in a number, so that another one may be taken.
    resume : bool
        Whether the run in it is to be gone on with.
    """

    path: Path
    overwrite: bool = False
    numbered: bool = False
    resume: bool = False

    @property
    def checkpoint(self) -> Path:
        """The file of the checkpoint."""
        return self.path / CHECKPOINT

    def check(self) -> None:
        """See that a folder can be written there; nothing is left of the attempt.

        Raises
        ------
        UsageError
            Where something is there that must not be replaced, nothing to go on with, or nothing can be written.
        """
        where = str(self.path)
        if "\0" in where:
            raise UsageError("no name of a folder has a NUL in it", where=where, fix="Choose another name.")
        if self.path.is_symlink() and not self.path.exists():
            raise UsageError("a link that leads nowhere is in the way of the run folder", where=where)
        if self.path.exists() and not self.path.is_dir():
            raise UsageError("a file is in the way of the run folder", where=where, fix="Choose another name.")
        with _told_as_error(where):
            found = sorted(entry.name for entry in self.path.iterdir()) if self.path.is_dir() else []
            self._check_content([name for name in found if not _is_left_over(name)])
            directories = [name for name in found if name in (*FILES, CHECKPOINT) and (self.path / name).is_dir()]
            if directories:
                raise UsageError("a folder is in the way of a run's file", where=str(self.path / directories[0]))
            nearest = next(place for place in (self.path, *self.path.absolute().parents) if place.exists())
            os.rmdir(tempfile.mkdtemp(prefix=".pellucid.", dir=nearest))

    def _check_content(self, found: list[str]) -> None:
        where, unfinished = str(self.path), CHECKPOINT in found
        if self.resume:
            if found and not unfinished:
                ended = MODEL in found
                what = "the run in this folder has ended: there is nothing to go on with" if ended else "not empty"
                fix = "Train anew with --overwrite, or go on with other rows by --from." if ended else ""
                raise UsageError(what, where=where, got=_listed(found), expected=CHECKPOINT, fix=fix)
        elif found and not self.overwrite:
            if unfinished:
                fix = "Go on with --resume, or start anew with --overwrite."
                raise UsageError("the folder holds a run that was stopped", where=where, fix=fix)
            fix = "Choose another name, or say --overwrite."
            raise UsageError("the folder is not empty", where=where, got=_listed(found), fix=fix)
        elif found and not set(found) & {*FILES, CHECKPOINT}:
            fix = "Only a run's folder is overwritten: choose another name."
            raise UsageError("the folder holds no run", where=where, got=_listed(found), fix=fix)

    @contextmanager
    def claim(self) -> Iterator[Destination]:
        """Make the folder, so that a checkpoint can be in it, and yield the destination as it is from then on.

        Left by an exception, nothing stays that was made, but for the checkpoint of a training that has run for a
        while: it can be gone on with.
        """
        began, path = time.perf_counter(), self.path
        with _told_as_error(str(path)):
            made = [place for place in path.absolute().parents if not place.exists()]
            path.parent.mkdir(parents=True, exist_ok=True)
            while True:
                fresh = not path.exists()
                try:
                    path.mkdir(exist_ok=not self.numbered)
                    break
                except FileExistsError:
                    path = _next(path)
        before = (path / CHECKPOINT).exists()
        try:
            yield replace(self, path=path, numbered=False)
        except BaseException:
            if not before and time.perf_counter() - began < CHECKPOINT_SECONDS:
                (path / CHECKPOINT).unlink(missing_ok=True)
            _remove_empty([path, *made] if fresh else made)
            raise

    def commit(self, write: Callable[[Path], None]) -> Path:
        """Let `write` fill a folder beside the destination, and move it there; return where it is.

        Whatever happens on the way, nothing half-written stays, and no folder that was made for it.

        Raises
        ------
        UsageError
            Where it cannot be written.
        """
        parent = self.path.absolute().parent
        made = [place for place in (parent, *parent.parents) if not place.exists()]
        unfinished: Path | None = None
        with _told_as_error(str(self.path)):
            try:
                parent.mkdir(parents=True, exist_ok=True)
                unfinished = Path(tempfile.mkdtemp(prefix=f".{self.path.name[:60]}.", dir=parent))
                unfinished.chmod(0o777 & ~_umask())
                _write_into(unfinished, write, str(self.path))
                return self._move(unfinished)
            except BaseException:
                if unfinished is not None:
                    shutil.rmtree(unfinished, ignore_errors=True)
                _remove_empty(made)
                raise

    def _move(self, unfinished: Path) -> Path:
        path = self.path
        while self.numbered and path.exists():
            path = _next(path)
        if not path.exists() or not any(path.iterdir()):
            if path.exists():
                path.rmdir()
            os.rename(unfinished, path)
            return path
        others = [entry.name for entry in path.iterdir() if entry.name != CHECKPOINT and not _is_left_over(entry.name)]
        if others and not self.overwrite and not self.resume:
            raise UsageError("the folder was filled while training ran", where=str(path), fix="Choose another name.")
        for name in reversed(FILES):  # the model first: half of an earlier run must not pass for one
            (path / name).unlink(missing_ok=True)
        for name in FILES:
            if (unfinished / name).exists():
                os.replace(unfinished / name, path / name)
        unfinished.rmdir()
        return path


def choose_destination(
    out: str | os.PathLike[str] | None,
    table: str | None,
    targets: Sequence[str],
    overwrite: bool = False,
    resume: bool = False,
) -> Destination:
    """Return where a run's folder goes: where the user says, or ``runs/<table>-<target>-<number>``.

    Examples
    --------
    >>> choose_destination(None, "data/wine.csv", ["cultivar"]).path.name
    'wine-cultivar-1'
    """
    if out is not None:
        if not str(out):
            raise UsageError("no name for the run folder", where="--out")
        return Destination(Path(out), overwrite, resume=resume)
    if resume:
        raise UsageError("no folder is named whose run is to be gone on with", fix="Name it with --out.")
    words = [Path(table).stem if table else "table", "-".join(targets[:3])]
    name = "-".join(re.sub(r"[^\w.-]+", "_", word).strip("._-")[:60] or "x" for word in words)
    path = Path(RUNS) / f"{name}-1"
    while path.exists():
        path = _next(path)
    return Destination(path, overwrite=False, numbered=True)


def _is_left_over(name: str) -> bool:
    """Say whether a file is what a kill in the middle of writing a checkpoint leaves."""
    return name.startswith(f".{CHECKPOINT}.")


def _remove_empty(folders: Sequence[Path]) -> None:
    """Remove folders, the inner ones first, as far as there is nothing in them."""
    for folder in folders:
        try:
            folder.rmdir()
        except OSError:  # not made, or something is in it
            break


def _write_into(unfinished: Path, write: Callable[[Path], None], where: str) -> None:
    try:
        write(unfinished)
    except ModelError as error:  # it names a folder that only we know
        raise UsageError("the run folder cannot be written", where=where, got=error.got, fix=error.fix) from None


def _next(path: Path) -> Path:
    base, _, number = path.name.rpartition("-")
    return path.with_name(f"{base}-{int(number) + 1}")


@contextmanager
def _told_as_error(where: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        got = error.strerror or str(error)
        raise UsageError(
            "the run folder cannot be written", where=where, got=got, fix="Choose another --out."
        ) from None


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
