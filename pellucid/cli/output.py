"""Where commands write to: a terminal of some width, a pipe, or a file; as text or as JSON."""

from __future__ import annotations

import json
import math
import os
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console, RenderableType

from pellucid.errors import UsageError
from pellucid.workflow.reports.layout import as_text


class Carried(Exception):
    """Brings what was raised past Typer, which would make an exit code of it and tell nobody."""

    def __init__(self, raised: BaseException):
        super().__init__(str(raised))
        self.raised = raised


def show(view: RenderableType, piped_width: int | None = None) -> None:
    """Print a view on standard output: styled for a terminal, as plain text into a pipe, where it may be wider."""
    console = Console(highlight=False, markup=False, emoji=False)
    if console.is_terminal:
        console.print(view)
    else:
        print(as_text(view, piped_width or console.width), end="", flush=True)


def show_json(found: Mapping[str, Any]) -> None:
    """Print plain data as JSON, and nothing else; numbers that JSON does not have are null."""
    write_data(json.dumps(as_plain(found), ensure_ascii=False, indent=1) + "\n")


def write_data(text: str) -> None:
    """Write what a program reads on standard output: UTF-8 into pipes and files, whatever the system's encoding."""
    sys.stdout.flush()
    if sys.stdout.isatty():
        sys.stdout.write(text)
    else:
        sys.stdout.buffer.write(text.encode("utf-8"))


def as_plain(value: Any) -> Any:
    """Return arrays, numbers of NumPy and paths as what JSON has.

    Examples
    --------
    >>> as_plain({"x": np.array([1.5, np.nan]), "n": np.int64(3)})
    {'x': [1.5, None], 'n': 3}
    """
    if isinstance(value, Mapping):
        return {str(key): as_plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [as_plain(item) for item in value]
    if isinstance(value, np.ndarray | np.generic):
        return str(value) if value.dtype.kind in "mM" and not value.shape else as_plain(value.tolist())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, bool | int | str) else str(value)


def output_width() -> int:
    """Return how many letters a line has: those of the terminal, or of the variable COLUMNS, or 80."""
    return Console().width


def width() -> int | None:
    """Return how many letters a line may have; None for a pipe, unless the variable COLUMNS says so."""
    return output_width() if Console().is_terminal or os.environ.get("COLUMNS") else None


def tell(message: str) -> None:
    """Print a line on standard error, beside the output."""
    print(message, file=sys.stderr, flush=True)


def check_file(option: str, name: str, endings: Iterable[str], kind: str, table: str) -> Path:
    """Return the path of a file to be written, where it can be: so that nothing is computed in vain.

    Raises
    ------
    UsageError
        Where it is a directory, has another ending, is in a folder that does not exist, or is the table that is read.
    """
    path, known = Path(name), list(endings)
    where = f"{option} {name}"
    if not name or "\0" in name:
        raise UsageError("no file is named", where=option, got="a name with a NUL in it" if name else None)
    if path.is_dir():
        raise UsageError("this is a directory", where=where, expected=f"the name of {kind}")
    if path.suffix.lower() not in known and not _is_device(path):
        fix = f"Give the file the ending {' or '.join(ending for ending in known if ending)}."
        raise UsageError(f"what is written is {kind}", where=where, fix=fix)
    if not path.absolute().parent.is_dir():
        raise UsageError("there is no such folder", where=where, fix="Make it first.")
    if path.is_file() and Path(table).is_file() and path.samefile(table):
        raise UsageError("this is the table that is read", where=where, fix="Choose another name.")
    return path


def _is_device(path: Path) -> bool:
    return path.exists() and not path.is_file()
