"""The entry point: what every command does around its work, and what becomes of errors."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import sys
import threading
from _thread import interrupt_main
from collections.abc import Callable, Sequence
from types import FrameType

from pellucid.errors import PellucidError

DONE, FAULT, USAGE_ERROR, INTERRUPTED, BROKEN_PIPE, TERMINATED = 0, 1, 2, 130, 141, 143
DEBUG = "PELLUCID_DEBUG"
WAIT = 0.05
"""Seconds from one look whether an import has ended to the next."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line and return its exit code.

    0: done. 2: a mistake that the user can mend, told in one line on standard error. 130: Ctrl-C. 1: a fault in
    Pellucid; ``PELLUCID_DEBUG=1`` shows where.

    Parameters
    ----------
    arguments : sequence of str, optional
        Without the program's name; by default those of the process.

    Examples
    --------
    >>> main(["--version"])
    pellucid ...
    0
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # what a terminal's encoding lacks must not end a command
            stream.reconfigure(errors="replace")
    interrupts = _Interrupts()
    before = {"SIGTERM": _listen("SIGTERM", _terminate), "SIGINT": _listen("SIGINT", interrupts)}
    try:
        code = _run(given or ["--help"])
        sys.stdout.flush()
        return code
    except KeyboardInterrupt as stop:
        return _tell(str(stop) or "interrupted; nothing was written", INTERRUPTED)
    except Exception as error:
        if os.environ.get(DEBUG):
            import traceback

            traceback.print_exc()
        if interrupts.noted and not isinstance(error, PellucidError):  # libraries make other errors of it
            return _tell("interrupted; nothing was written", INTERRUPTED)
        return _end(error)
    finally:
        interrupts.forget()
        for name, handler in before.items():
            if handler is not None:
                signal.signal(getattr(signal, name), handler)


def _run(arguments: list[str]) -> int:
    """Run the command, and return its exit code."""
    from pellucid.cli.app import Carried, Ended, app

    try:
        found = app(arguments, prog_name="pellucid", standalone_mode=False)
    except Carried as carried:
        raise carried.raised from None
    if isinstance(found, Ended):
        return found.code
    if found == INTERRUPTED:  # Ctrl-C while the arguments were read
        raise KeyboardInterrupt
    return found if isinstance(found, int) else DONE


def _end(error: Exception) -> int:
    """Tell an error in one line, and return the exit code."""
    if _is_broken_pipe(error):
        _discard_output()
        return BROKEN_PIPE
    if isinstance(error, PellucidError):
        return _tell(f"error: {error}", USAGE_ERROR)
    from pellucid.cli.app import command_line_error

    told = command_line_error(error)
    if told is not None:
        code, message = told
        return _tell(f"error: {message}", code) if message else code
    if isinstance(error, OSError):
        where = f"{error.filename}: " if error.filename else ""
        if error.errno == errno.ENOSPC and not where:
            where = "the output cannot be written: "
        return _tell(f"error: {where}{error.strerror or error}.", USAGE_ERROR)
    if isinstance(error, MemoryError):
        return _tell("error: the memory of this machine does not suffice.", USAGE_ERROR)
    kind = type(error).__name__
    return _tell(f"a fault in Pellucid: {kind}: {error}. {DEBUG}=1 pellucid ... shows where it happened.", FAULT)


def _is_broken_pipe(error: Exception) -> bool:
    """Tell whether whoever read the output has had enough; Windows calls it an invalid argument."""
    invalid = os.name == "nt" and isinstance(error, OSError) and error.errno == errno.EINVAL and not error.filename
    return isinstance(error, BrokenPipeError) or invalid


def _discard_output() -> None:
    """Let what is still to be written go nowhere: Python would complain once more when it closes the stream."""
    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
    except (OSError, ValueError, AttributeError):  # a stream without a file
        sys.stdout = None  # type: ignore[assignment]


def _tell(message: str, code: int) -> int:
    """Print one line on standard error, whatever the message holds, and return the exit code."""
    line = "".join(letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in message)
    with contextlib.suppress(OSError):  # where nobody listens, the exit code has to do
        print(f"pellucid: {line}", file=sys.stderr)
    return code


def _listen(name: str, handler: Callable[[int, FrameType | None], None]) -> signal.Handlers | None:
    """Answer a signal; return what answered it before, None where it cannot be listened to."""
    try:
        number = getattr(signal, name)
        if signal.getsignal(number) is signal.SIG_IGN:  # as for what runs in the background
            return None
        return signal.signal(number, handler)  # type: ignore[return-value]
    except (ValueError, AttributeError):  # not in the main thread; a system without the signal
        return None


def _terminate(number: int, frame: FrameType | None) -> None:
    """Let a request to terminate unwind the program, so that unfinished files are removed."""
    raise SystemExit(TERMINATED)


class _Interrupts:
    """Answer Ctrl-C as Python does, and note it; while a module is imported, as soon as that has ended.

    Whoever imports may swallow the exception, as pyarrow does where it looks for pandas, and half a module would stay.

    Attributes
    ----------
    noted : bool
        Whether there was one.
    """

    def __init__(self) -> None:
        self.noted = False
        self._later: threading.Timer | None = None

    def __call__(self, number: int, frame: FrameType | None) -> None:
        self.noted = True
        if not _imports(frame):
            raise KeyboardInterrupt
        self.forget()
        self._later = threading.Timer(WAIT, interrupt_main)
        self._later.daemon = True
        self._later.start()

    def forget(self) -> None:
        """Answer no more."""
        if self._later is not None:
            self._later.cancel()


def _imports(frame: FrameType | None) -> bool:
    """Tell whether a module is being imported by what a frame is in, as far as it is the command's doing."""
    while frame is not None and frame.f_code is not main.__code__:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False
