"""The folder of a search: what is in it, and how it comes to be there."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pellucid.errors import UsageError
from pellucid.model.folder import save_model
from pellucid.tuning.study.file import journal_of
from pellucid.tuning.study.lock import WriterLock
from pellucid.tuning.study.schema import APPLICATION
from pellucid.workflow.record import write_run
from pellucid.workflow.run_folder import RECORD
from pellucid.workflow.tuning.tuning import Tuning
from pellucid.workflow.tuning.tuning_record import describe_tuning

STUDY, BEST, ENSEMBLE, PICTURES, PAGE, REPORT = "study.db", "best", "ensemble", "pictures", "study.html", "report.json"
WRITTEN = (PICTURES, PAGE, ENSEMBLE, BEST, RECORD, REPORT)
"""What is written at the end of a search, in this order; the study is there from its beginning."""

UNFINISHED = ".unfinished."


def check_folder(folder: Path, overwrite: bool, resume: bool) -> None:
    """See that a search can leave its files in a folder.

    Raises
    ------
    UsageError
        Where something is there that must not be replaced, or nothing can be written.
    """
    where = str(folder)
    if "\0" in where:
        raise UsageError("no name of a folder has a NUL in it", where=where, fix="Choose another name.")
    if folder.exists() and not folder.is_dir():
        raise UsageError("a file is in the way of the folder", where=where, fix="Choose another name.")
    with _told(where):
        found = sorted(entry.name for entry in folder.iterdir()) if folder.is_dir() else []
        known = [name for name in found if name in (*WRITTEN, STUDY)]
        others = [name for name in found if not name.startswith((UNFINISHED, STUDY))]
        if resume:
            return
        if found and not overwrite:
            if known:
                fix = "Go on with it by --resume, or begin anew with --overwrite."
                raise UsageError("the folder holds a search already", where=where, got=_listed(known), fix=fix)
            fix = "Choose another name."
            raise UsageError("the folder is not empty", where=where, got=_listed(found), fix=fix)
        if others and not known:
            fix = "Only the folder of a search is overwritten: choose another name."
            raise UsageError("the folder holds no search", where=where, got=_listed(found), fix=fix)
        nearest = next(place for place in (folder, *folder.absolute().parents) if place.exists())
        os.rmdir(tempfile.mkdtemp(prefix=".pellucid.", dir=nearest))


def check_study_file(file: Path, folder: Path | None, overwrite: bool, resume: bool) -> None:
    """See that a file can keep the trials of a search.

    Raises
    ------
    UsageError
        Where something is there that must not be replaced, or what is written to the folder would replace it.
    """
    where = str(file)
    with _told(where, "file", "--study"):
        place = file.resolve()
        if folder is not None and any(place.is_relative_to(folder.resolve() / name) for name in WRITTEN):
            fix = "Choose another name."
            raise UsageError("the study would be replaced by what is written in the end", where=where, fix=fix)
        if resume or not place.exists():
            return
        if place.is_dir():
            raise UsageError("a folder is in the way of the study", where=where, fix="Choose another name.")
        if not overwrite:
            fix = "Go on with it by --resume, or begin anew with --overwrite."
            fix = fix if _is_study(place) else "Choose another name."
            raise UsageError("it exists already", where=where, fix=fix)
        if not _is_study(place):
            fix = "Only a study is overwritten: choose another name."
            raise UsageError("there is another kind of file", where=where, fix=fix)
        WriterLock(place).release()  # nobody is writing to it


def _is_study(place: Path) -> bool:
    """Say whether a file is a study as far as its beginning tells, or empty; a damaged one is a study too."""
    if not place.is_file():
        return False
    with open(place, "rb") as file:
        head = file.read(72)
    return not head or (head.startswith(b"SQLite format 3\0") and head[68:] == APPLICATION.to_bytes(4, "big"))


def remove_study(path: Path) -> None:
    """Remove the study of an earlier search, which is to be overwritten.

    Raises
    ------
    UsageError
        Where it is no study, or somebody writes to it.
    """
    check_study_file(path, None, overwrite=True, resume=False)
    place = path.resolve()
    with _told(str(path), "file", "--study"):
        for one in (place, journal_of(place)):
            one.unlink(missing_ok=True)


def write_tuning(tuning: Tuning, folder: Path) -> None:
    """Write what came of a search: each file or folder whole or not at all, the report last.

    Raises
    ------
    UsageError
        Where they cannot be written.
    """
    with _told(str(folder)):
        folder.mkdir(parents=True, exist_ok=True)
        unfinished = Path(tempfile.mkdtemp(prefix=UNFINISHED, dir=folder))
        try:
            _fill(tuning, unfinished)
            for name in reversed(WRITTEN):  # the report first: what is there in between must not pass for a whole
                _remove(folder / name)
            for name in WRITTEN:
                if (unfinished / name).exists():
                    os.replace(unfinished / name, folder / name)
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)


def _fill(tuning: Tuning, folder: Path) -> None:
    from pellucid.tuning.pictures import write_pictures
    from pellucid.workflow.tuning.tuning_page import write_page

    (folder / BEST).mkdir()
    write_run(tuning.run, folder / BEST)
    shutil.copyfile(folder / BEST / RECORD, folder / RECORD)
    if tuning.ensemble is not None:
        save_model(tuning.ensemble, folder / ENSEMBLE)
    write_pictures(
        folder / PICTURES, tuning.space, tuning.trials, tuning.metric, tuning.higher_is_better, tuning.importance
    )
    write_page(tuning, folder / PAGE, (folder / RECORD).read_text(encoding="utf-8"))
    text = json.dumps(describe_tuning(tuning), indent=1, ensure_ascii=False) + "\n"
    (folder / REPORT).write_text(text, encoding="utf-8", newline="\n")


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


@contextmanager
def _told(where: str, kind: str = "folder", option: str = "--out") -> Iterator[None]:
    try:
        yield
    except OSError as error:
        got = error.strerror or str(error)
        fix = f"Choose another {option}."
        raise UsageError(f"the {kind} cannot be written", where=where, got=got, fix=fix) from None


def _listed(names: list[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
