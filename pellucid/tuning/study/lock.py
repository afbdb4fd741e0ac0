"""One writer at a time: a lock beside the study that ends with the process that holds it, however that ends."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import platform
import sys
from pathlib import Path
from typing import Any

from pellucid.errors import UsageError
from pellucid.tuning.study.record import now

SUFFIX = ".lock"
_BEYOND = 2**30
"""Where Windows locks: what it locks nobody can read, and whoever waits wants to know who holds it."""


class WriterLock:
    """The right to write to a study; it is taken when the object is made.

    Parameters
    ----------
    path : Path
        Of the study, links resolved.

    Raises
    ------
    UsageError
        Where another process has it, or the folder can not be written to.
    """

    def __init__(self, path: Path):
        self.path = path
        self._beside = path.with_name(path.name + SUFFIX)
        self._handle = self._take()
        told = {"process": os.getpid(), "host": platform.node(), "since": now()}
        with contextlib.suppress(OSError):  # a full disk: the lock holds, only nobody learns whose it is
            os.ftruncate(self._handle, 0)
            os.lseek(self._handle, 0, os.SEEK_SET)
            os.write(self._handle, json.dumps(told).encode())

    def _take(self) -> int:
        while True:
            try:
                handle = os.open(self._beside, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o666)
            except OSError as error:
                raise UsageError(
                    "the study can not be written to",
                    where=str(self.path),
                    got=error.strerror,
                    fix="Copy it to a folder that you may write to, or open it for reading.",
                ) from None
            try:
                _lock(handle)
                if _is_at(handle, self._beside):  # whoever had it before may have removed it
                    return handle
            except OSError as error:
                raise self._refused(handle, error) from None
            except BaseException:
                os.close(handle)
                raise
            os.close(handle)

    def _refused(self, handle: int, error: OSError) -> UsageError:
        """Return what is to be told where the lock was not given, and close the file."""
        if error.errno not in (errno.EAGAIN, errno.EWOULDBLOCK, errno.EACCES, errno.EDEADLK):
            os.close(handle)
            fix = "Keep the study on a disk of this machine."
            return UsageError("this folder knows no locks", where=str(self.path), got=error.strerror, fix=fix)
        try:
            told: Any = json.loads(os.read(handle, 4096))
            holder = f"process {told['process']} on {told['host']} since {told['since']}"
        except (OSError, ValueError, KeyError, TypeError):
            holder = None
        finally:
            os.close(handle)
        return UsageError(
            "another process is writing to this study",
            where=str(self.path),
            got=holder,
            fix="Wait until it has ended, or stop it; reading is always possible.",
        )

    def release(self) -> None:
        """Give it back."""
        if self._handle < 0:
            return
        with contextlib.suppress(OSError):  # Windows removes nothing that is open
            self._beside.unlink()
        os.close(self._handle)
        self._handle = -1


def _is_at(handle: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), os.stat(path))
    except FileNotFoundError:
        return False


if sys.platform == "win32":
    import msvcrt

    def _lock(handle: int) -> None:
        os.lseek(handle, _BEYOND, os.SEEK_SET)
        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        os.lseek(handle, 0, os.SEEK_SET)

else:
    import fcntl

    def _lock(handle: int) -> None:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
