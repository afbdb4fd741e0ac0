"""The entry point: what every command does around its work, and what becomes of errors."""

from __future__ import annotations

import errno
import os
import signal
import sys
import traceback
from collections.abc import Sequence
from types import FrameType

from pellucid.errors import PellucidError

USAGE_ERROR, FAULT, INTERRUPTED, TERMINATED = 2, 1, 130, 143
DEBUG = "PELLUCID_DEBUG"


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
    before = _listen_to_terminate()
    try:
        code = _run(given or ["--help"])
        sys.stdout.flush()
        return code
    except KeyboardInterrupt:
        return _tell("interrupted; nothing was written", INTERRUPTED)
    except BrokenPipeError:
        # Whoever read the output has enough. Python would complain once more when it closes the stream.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except Exception as error:
        if os.environ.get(DEBUG):
            traceback.print_exc()
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
            return _tell(f"error: {where}{error.strerror or error}", USAGE_ERROR)
        if isinstance(error, MemoryError):
            return _tell("error: the memory of this machine does not suffice", USAGE_ERROR)
        kind = type(error).__name__
        return _tell(f"a fault in Pellucid: {kind}: {error}. {DEBUG}=1 pellucid ... shows where it happened.", FAULT)
    finally:
        if before is not None:
            signal.signal(signal.SIGTERM, before)


def _run(arguments: list[str]) -> int:
    """Run the command, and return its exit code."""
    from pellucid.cli.app import Carried, app

    try:
        code = app(arguments, prog_name="pellucid", standalone_mode=False)
    except Carried as carried:
        raise carried.raised from None
    return code if isinstance(code, int) else 0


def _tell(message: str, code: int) -> int:
    """Print one line on standard error, whatever the message holds, and return the exit code."""
    line = "".join(letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in message)
    print(f"pellucid: {line}", file=sys.stderr)
    return code


def _listen_to_terminate() -> signal.Handlers | None:
    """Let a request to terminate unwind the program, so that unfinished files are removed."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise SystemExit(TERMINATED)

    try:
        return signal.signal(signal.SIGTERM, stop)  # type: ignore[return-value]
    except ValueError:  # not in the main thread
        return None
