"""The folder of a learning curve: picture, numbers, and a page with both."""

from __future__ import annotations

import html
import io
import json
import os
import warnings
from pathlib import Path

from pellucid.errors import UsageError
from pellucid.files import write_atomically
from pellucid.workflow.learning_curves.picture import SIZE, draw_learning_curve
from pellucid.workflow.learning_curves.result import LearningCurve
from pellucid.workflow.learning_curves.view import view_learning_curve
from pellucid.workflow.pages.page import Section, build_page, paragraph
from pellucid.workflow.pages.pictures import picture
from pellucid.workflow.reports.layout import as_text

PICTURE, NUMBERS, PAGE = "curve.png", "learning-curve.json", "learning-curve.html"
FILES = (PICTURE, NUMBERS, PAGE)
DPI = 180


def check_folder(folder: str | os.PathLike[str], overwrite: bool = False) -> Path:
    """Return the path of a folder that a learning curve can be written to, so that none is computed in vain.

    Raises
    ------
    UsageError
        Where it is a file, is not empty, or is that of something else.
    """
    where = os.fspath(folder)
    if not where or "\0" in where:
        raise UsageError("no name of a folder", where="--out", got=repr(where))
    path = Path(where)
    if path.exists() and not path.is_dir():
        raise UsageError("a file is in the way of the folder", where=where, fix="Choose another name.")
    try:
        found = sorted(entry.name for entry in path.iterdir()) if path.is_dir() else []
    except OSError as error:
        raise UsageError("the folder cannot be read", where=where, got=error.strerror) from None
    if found and not overwrite:
        fix = "Choose another name, or say --overwrite."
        raise UsageError("the folder is not empty", where=where, got=", ".join(found[:5]), fix=fix)
    if found and not set(found) & set(FILES):
        fix = "Only a learning curve's folder is overwritten: choose another name."
        raise UsageError("the folder holds no learning curve", where=where, got=", ".join(found[:5]), fix=fix)
    return path


def write_learning_curve(curve: LearningCurve, folder: str | os.PathLike[str], *, overwrite: bool = False) -> Path:
    """Write picture, numbers and a page; each is there whole or not at all.

    Raises
    ------
    UsageError
        Where the folder is that of something else, or cannot be written.
    """
    path = check_folder(folder, overwrite)
    files = {PICTURE: png_of(curve), NUMBERS: _json_of(curve), PAGE: page_of(curve).encode("utf-8")}
    try:
        path.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            write_atomically(path / name, content)
    except OSError as error:
        got = error.strerror or str(error)
        raise UsageError("the folder cannot be written", where=str(path), got=got, fix="Choose another one.") from None
    return path


def png_of(curve: LearningCurve) -> bytes:
    """Return the picture as PNG."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=SIZE, layout="constrained")
    FigureCanvasAgg(figure)
    draw_learning_curve(curve, figure)
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing")
        figure.savefig(buffer, format="png", dpi=DPI)
    return buffer.getvalue()


def page_of(curve: LearningCurve) -> str:
    """Return a page of HTML that needs nothing else."""
    advice = "".join(paragraph(sentence) for sentence in curve.advice())
    drawn = picture(lambda figure: draw_learning_curve(curve, figure), SIZE, "Means, 95 % intervals, and single draws")
    numbers = f"<pre>{html.escape(as_text(view_learning_curve(curve), 100))}</pre>"
    sections = [
        Section("advice", "What follows", advice),
        Section("curves", "The curves", drawn),
        Section("numbers", "The numbers", numbers),
    ]
    return build_page("Learning curve", f"{curve.error} on rows held out", sections)


def _json_of(curve: LearningCurve) -> bytes:
    return (json.dumps(curve.as_dict(), ensure_ascii=False, indent=1, allow_nan=False) + "\n").encode("utf-8")
