"""While the libraries of the command line load, Ctrl-C ends it in one line. Imported before all others."""

from __future__ import annotations

import os
import sys
from types import TracebackType

INTERRUPTED = 130


def is_command(arguments: list[str]) -> bool:
    """Tell whether a process is ``pellucid ...`` or ``python -m pellucid ...``, by how it was started.

    Examples
    --------
    >>> is_command(["/usr/bin/pellucid", "train"]), is_command(["python3", "-m", "pellucid"]), is_command(["a.py"])
    (True, True, False)
    """
    names = [os.path.basename(argument).removesuffix(".exe").removesuffix("-script.py") for argument in arguments]
    started = names.index("-m") + 1 if "-m" in names[:8] else len(names)
    return "pellucid" in (*names[:2], *names[started : started + 1])


def end_in_one_line(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Take the place of ``sys.excepthook``."""
    if not issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
        return
    print("pellucid: interrupted; nothing was written", file=sys.stderr, flush=True)
    os._exit(INTERRUPTED)  # Python itself would end the process by a signal, whose exit code differs


if is_command(sys.orig_argv) and sys.excepthook is sys.__excepthook__:
    sys.excepthook = end_in_one_line
