"""The run folder: where it goes, and how it comes to be there whole or not at all."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pellucid.errors import ModelError, UsageError

MODEL = "model.json"
FILES = ("model.safetensors", "history.jsonl", "curves.png", "run.toml", MODEL)
"""What a run folder holds. The last one is the last to come: without it there is no model."""

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
    """

    path: Path
    overwrite: bool = False
    numbered: bool = False

    def check(self) -> None:
        """See that a folder can be written there; nothing is left of the attempt.

        Raises
        ------
        UsageError
            Where something is there that must not be replaced, or nothing can be written.
        """
        where = str(self.path)
        if self.path.is_symlink() and not self.path.exists():
            raise UsageError("a link that leads nowhere is in the way of the run folder", where=where)
        if self.path.exists() and not self.path.is_dir():
            raise UsageError("a file is in the way of the run folder", where=where, fix="Choose another name.")
        with _told_as_error(where):
            found = sorted(entry.name for entry in self.path.iterdir()) if self.path.is_dir() else []
            if found and not self.overwrite:
                fix = "Choose another name, or say --overwrite."
                raise UsageError("the folder is not empty", where=where, got=_listed(found), fix=fix)
            if found and not set(found) & set(FILES):
                fix = "Only a run's folder is overwritten: choose another name."
                raise UsageError("the folder holds no run", where=where, got=_listed(found), fix=fix)
            directories = [name for name in found if name in FILES and (self.path / name).is_dir()]
            if directories:
                raise UsageError("a folder is in the way of a run's file", where=str(self.path / directories[0]))
            nearest = next(place for place in (self.path, *self.path.absolute().parents) if place.exists())
            os.rmdir(tempfile.mkdtemp(prefix=".pellucid.", dir=nearest))

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
                for place in made:
                    try:
                        place.rmdir()
                    except OSError:  # not made, or another run has begun to use it
                        break
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
        if not self.overwrite:
            raise UsageError("the folder was filled while training ran", where=str(path), fix="Choose another name.")
        for name in reversed(FILES):  # the model first: half of an earlier run must not pass for one
            (path / name).unlink(missing_ok=True)
        for name in FILES:
            if (unfinished / name).exists():
                os.replace(unfinished / name, path / name)
        unfinished.rmdir()
        return path


def choose_destination(
    out: str | os.PathLike[str] | None, table: str | None, targets: Sequence[str], overwrite: bool = False
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
        return Destination(Path(out), overwrite)
    words = [Path(table).stem if table else "table", "-".join(targets[:3])]
    name = "-".join(re.sub(r"[^\w.-]+", "_", word).strip("._-")[:60] or "x" for word in words)
    path = Path(RUNS) / f"{name}-1"
    while path.exists():
        path = _next(path)
    return Destination(path, overwrite=False, numbered=True)


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
