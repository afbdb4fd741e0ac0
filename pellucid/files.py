"""Files that are there whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


def write_atomically(path: str | os.PathLike[str], content: bytes) -> None:
    """Write a file so that it is there whole or not at all; see :func:`open_atomically`."""
    with open_atomically(path) as file:
        file.write(content)


@contextmanager
def open_atomically(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Open a file for writing that is there whole at the end, or as it was before where something goes wrong.

    A link is followed. What is no plain file, such as ``/dev/null`` or a pipe, is written to and stays what it is.

    Examples
    --------
    >>> target = Path(tempfile.mkdtemp()) / "numbers.csv"
    >>> with open_atomically(target) as file:
    ...     _ = file.write(b"1,2")
    ...     target.exists()
    False
    >>> target.read_bytes()
    b'1,2'
    """
    target = Path(path)
    if target.exists() and not target.is_file() and not target.is_dir():
        with open(target, "wb") as file:
            yield file
        return
    target = target.resolve() if target.is_symlink() else target
    handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name[:40]}.")
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(temporary, 0o666 & ~umask)
        os.replace(temporary, target)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
